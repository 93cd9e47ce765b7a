//! The programmatic interface: declaring allocations by address, size and name.

/// Live mode.
pub mod tracker {
    pub use crate::guide::{
        AllocationInfo, FragmentationAnalysis, MemoryStats, MemoryTracker, ScopeLifecycleMetrics, TrackError,
    };

    /// The tracker's other path.
    pub mod memory_tracker {
        pub use crate::guide::MemoryTracker;
    }
}

/// Recording to a file while the program runs.
pub mod sampling_tracker {
    pub use crate::guide::{SamplingTracker, TrackVariableError};
}
