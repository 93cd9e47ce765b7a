//! The types of the user guide, each a thin face of the recorder's.

mod allocation;
mod exporter;
mod sampling_tracker;
mod stats;
mod tracker;

pub use allocation::AllocationInfo;
pub use exporter::{ExportConfig, ExportStats, Exporter, export_html};
pub use sampling_tracker::{SamplingTracker, TrackVariableError};
pub use stats::{FragmentationAnalysis, MemoryStats, ScopeLifecycleMetrics};
pub use tracker::{MemoryTracker, TrackError};
