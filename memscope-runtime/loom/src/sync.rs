//! loom's atomics, in the place of `memscope-runtime/src/sync.rs`, with help in two things that loom 0.7 does not.
//!
//! - It does not know that nothing stands between what a read-modify-write reads and what it writes (the head of
//!   its `rt/atomic.rs` leaves "RMW Atomicity" open): it lets a plain store of another thread end up there, in
//!   the middle of a compare-and-swap, which no machine does. So a store is a swap here. That adds one thing to
//!   what the recorder's plain stores have: a swap goes on with the release sequence of the store before it. A
//!   record's reader gains nothing by it, since the store before is that of an earlier block.
//! - It remembers one last access of each word (`last_access`, same file), so of two threads that read before a
//!   third access only one is tried after it. So each access here first takes a turn, a relaxed
//!   read-modify-write of a word that nobody reads. Turns order nothing, but loom tries all their orders, and
//!   with them those of the accesses.

use loom::sync::atomic as checked;
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering, fence};

/// A word whose accesses loom tries in every order.
#[derive(Debug)]
pub(crate) struct AtomicU64 {
    word: checked::AtomicU64,
    turn: checked::AtomicU64,
}

impl AtomicU64 {
    pub(crate) fn new(value: u64) -> AtomicU64 {
        AtomicU64 { word: checked::AtomicU64::new(value), turn: checked::AtomicU64::new(0) }
    }

    fn in_turn(&self) -> &checked::AtomicU64 {
        self.turn.fetch_add(0, Ordering::Relaxed);
        &self.word
    }

    pub(crate) fn load(&self, ordering: Ordering) -> u64 {
        self.in_turn().load(ordering)
    }

    pub(crate) fn store(&self, value: u64, ordering: Ordering) {
        self.in_turn().swap(value, ordering);
    }

    pub(crate) fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.in_turn().compare_exchange(current, new, success, failure)
    }

    /// loom's does not fail without a reason either.
    pub(crate) fn compare_exchange_weak(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.compare_exchange(current, new, success, failure)
    }
}
