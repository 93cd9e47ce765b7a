//! `MemoryTracker`: what the program declares, beside all that is recorded.

use super::{AllocationInfo, ExportStats, Exporter, MemoryStats};
use crate::export::{ExportError, export_with};
use crate::model::Snapshot;
use memscope_runtime::declared::Ledger;
use std::fmt;
use std::path::Path;

/// An address range that cannot be an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackError {
    ptr: usize,
    size: usize,
}

impl fmt::Display for TrackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TrackError { ptr, size } = self;
        write!(
            f,
            "{size} bytes at {ptr:#x} are no allocation: the address is null or the range leaves memory; "
        )?;
        f.write_str("declare the address that the allocator gave, such as `vec.as_ptr() as usize`")
    }
}

impl std::error::Error for TrackError {}

pub(super) fn check(ptr: usize, size: usize) -> Result<(), TrackError> {
    // No allocation of Rust's is larger than `isize::MAX` (`Layout` forbids it).
    if ptr == 0 || size > isize::MAX.unsigned_abs() || ptr.checked_add(size).is_none() {
        Err(TrackError { ptr, size })
    } else {
        Ok(())
    }
}

/// Tracks allocations that the program declares, beside all that the allocator records.
#[derive(Debug, Default)]
pub struct MemoryTracker {
    pub(super) ledger: Ledger,
}

impl MemoryTracker {
    /// A tracker to which nothing is declared yet.
    pub fn new() -> MemoryTracker {
        MemoryTracker::default()
    }

    /// Declares an allocation of `size` bytes at address `ptr`.
    ///
    /// Where memscope's allocator is installed and knows the block, its size and its end are measured from here on.
    /// An address that is declared again is taken for a new allocation.
    ///
    /// # Errors
    /// A null address, and a range that leaves the address space.
    pub fn track_allocation(
        &self,
        ptr: usize,
        size: usize,
        var_name: Option<String>,
    ) -> Result<(), TrackError> {
        check(ptr, size)?;
        self.ledger.declare(ptr, size, var_name, None, None);
        Ok(())
    }

    /// Declares that the allocation at `ptr` was freed; `false` if none was declared there, which is counted.
    pub fn track_deallocation(&self, ptr: usize) -> bool {
        self.ledger.declare_free(ptr)
    }

    /// What was declared, and the blocks of tracked variables ([`AllocationInfo::of`]), by time. A block that is both is there
    /// once.
    ///
    /// It takes a snapshot. Of the declarations those are listed that live and the newest 10,000 that have ended.
    pub fn get_allocations(&self) -> Vec<AllocationInfo> {
        let _own = memscope_runtime::own_work();
        let (snapshot, declared) = memscope_runtime::snapshot_with(&self.ledger);
        AllocationInfo::with_declared(&snapshot, declared)
    }

    /// Sums over the process, or over what was declared where no allocator of memscope's is installed.
    pub fn get_stats(&self) -> MemoryStats {
        MemoryStats::of(&self.snapshot())
    }

    /// The program's memory at this moment, with what was declared.
    pub fn snapshot(&self) -> Snapshot {
        memscope_runtime::snapshot(&[&self.ledger])
    }

    /// Writes a `.memscope` recording.
    ///
    /// # Errors
    /// A path that does not end in `.memscope`, and what the file system refuses.
    pub fn export_user_binary(&self, path: impl AsRef<Path>) -> Result<(), ExportError> {
        let path = path.as_ref();
        if path.extension().is_none_or(|extension| extension != "memscope") {
            return Err(ExportError::UnknownExtension { path: path.to_owned() });
        }
        export_with(&[&self.ledger], path)
    }

    /// Makes a page of a recording; see [`Exporter::binary_to_html`].
    ///
    /// # Errors
    /// As [`Exporter::binary_to_html`].
    pub fn export_binary_to_html(
        recording: impl AsRef<Path>,
        html: impl AsRef<Path>,
    ) -> Result<ExportStats, ExportError> {
        Exporter::binary_to_html(recording, html)
    }
}

impl AsRef<MemoryTracker> for MemoryTracker {
    fn as_ref(&self) -> &MemoryTracker {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stats_are_those_of_the_snapshot() {
        let tracker = MemoryTracker::new();
        tracker.track_allocation(0x1000, 64, Some("a".into())).expect("a fine range");
        tracker.track_allocation(0x2000, 36, None).expect("a fine range");
        assert!(tracker.track_deallocation(0x1000));
        assert!(!tracker.track_deallocation(0x3000));
        let snapshot = tracker.snapshot();
        assert_eq!(snapshot.mode, crate::model::Mode::Declared); // this test binary does not install the allocator
        let stats = tracker.get_stats();
        // Two declared, one of them freed; at most 64 + 36 = 100 bytes were declared live at once.
        assert_eq!((stats.total_allocations, stats.active_allocations, stats.peak_memory), (2, 1, 100));
        assert_eq!(snapshot.profiler.unmatched_declared_deallocations, 1);
        assert!(tracker.track_allocation(0, 8, None).is_err());
        assert!(tracker.track_allocation(usize::MAX, 8, None).is_err());
        assert!(tracker.track_allocation(1, usize::MAX - 8, None).is_err());
        // Sums of absurd sizes stay at their largest value instead of overflowing.
        for ptr in [1, 2, 3] {
            tracker
                .track_allocation(ptr, isize::MAX.unsigned_abs(), None)
                .expect("the largest that Rust allows");
        }
        assert_eq!(tracker.snapshot().totals.live_bytes, u64::MAX);
    }
}
