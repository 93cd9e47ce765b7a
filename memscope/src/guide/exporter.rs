//! `Exporter` and what it needs: pages of records that the caller has, and of recordings.

use super::sampling_tracker::flush_trackers_of;
use super::{AllocationInfo, MemoryStats, MemoryTracker};
use crate::export::{ExportError, export_with, write_snapshot};
use crate::model::Snapshot;
use memscope_runtime::declared::{Declared, Ledger};
use memscope_runtime::format;
use std::path::Path;
use std::time::{Duration, Instant};

/// Writes the dashboard of the program and of what was declared to `tracker`.
///
/// # Errors
/// As [`export`](fn@crate::export).
pub fn export_html(tracker: impl AsRef<MemoryTracker>, path: impl AsRef<Path>) -> Result<(), ExportError> {
    let path = path.as_ref();
    if !is_html(path) {
        return Err(ExportError::UnknownExtension { path: path.to_owned() });
    }
    export_with(&[&tracker.as_ref().ledger], path)
}

/// How an [`Exporter`] writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportConfig {
    /// The program's name on the page; `None`: that of the running executable.
    pub program_name: Option<String>,
}

/// What an export did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportStats {
    /// Bytes of the page.
    pub bytes_written: u64,
    /// Allocations in the recording that it was made of: all of the process, or all that were declared.
    pub allocations: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// Exports allocation records that the caller has.
#[derive(Clone, Debug)]
pub struct Exporter {
    allocations: Vec<AllocationInfo>,
    stats: MemoryStats,
    config: ExportConfig,
}

impl Exporter {
    /// An exporter of these records. What lives is what the records say; `stats` may count more allocations than
    /// there are records, and a higher peak, and brings the fragmentation.
    ///
    /// On the page all of them are declared allocations, with the scopes, files and lines that they bring along: what the
    /// recording knows beyond them (scopes, threads' own figures, crossings) is not in them. [`export`](fn@crate::export)
    /// writes that.
    pub fn new(allocations: Vec<AllocationInfo>, stats: MemoryStats, config: ExportConfig) -> Exporter {
        Exporter { allocations, stats, config }
    }

    /// Writes the dashboard of the records.
    ///
    /// # Errors
    /// As [`export`](fn@crate::export).
    pub fn export_html(&self, path: impl AsRef<Path>) -> Result<ExportStats, ExportError> {
        let started = Instant::now();
        let _own = memscope_runtime::own_work();
        let mut snapshot = Ledger::of(self.allocations.iter().map(Declared::from)).snapshot();
        let figure = |value: usize| value as u64;
        // The records may be a part of what was counted; what lives is what they say.
        let totals = &mut snapshot.totals;
        totals.allocations = totals.allocations.max(figure(self.stats.total_allocations));
        totals.deallocations = totals.allocations - totals.live_allocations;
        totals.peak_bytes = totals.peak_bytes.max(figure(self.stats.peak_memory));
        snapshot.fragmentation = self.stats.fragmentation_analysis.clone();
        if let Some(name) = &self.config.program_name {
            snapshot.program.name.clone_from(name);
        }
        write_page(&snapshot, path.as_ref(), started)
    }

    /// Makes a page of a recording, in this process or any other. A [`SamplingTracker`](crate::core::sampling_tracker::SamplingTracker) of this process that
    /// records to that file writes its state first.
    ///
    /// # Errors
    /// A recording that cannot be read, and what [`export`](fn@crate::export) gives for the page.
    pub fn binary_to_html(
        recording: impl AsRef<Path>,
        html: impl AsRef<Path>,
    ) -> Result<ExportStats, ExportError> {
        let started = Instant::now();
        let _own = memscope_runtime::own_work();
        flush_trackers_of(recording.as_ref())?;
        let snapshot = format::read_file(recording.as_ref())?;
        write_page(&snapshot, html.as_ref(), started)
    }
}

fn is_html(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("html"))
}

fn write_page(snapshot: &Snapshot, path: &Path, started: Instant) -> Result<ExportStats, ExportError> {
    if !is_html(path) {
        return Err(ExportError::UnknownExtension { path: path.to_owned() });
    }
    write_snapshot(snapshot, path)?;
    let written =
        std::fs::metadata(path).map_err(|source| ExportError::Io { path: path.to_owned(), source })?;
    Ok(ExportStats {
        bytes_written: written.len(),
        allocations: snapshot.totals.allocations,
        elapsed: started.elapsed(),
    })
}
