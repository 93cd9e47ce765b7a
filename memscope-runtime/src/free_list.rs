//! Numbers to use again, without a lock.
//!
//! A stack, linked through a place that each number has elsewhere. Its head carries a count beside the number, so that
//! a number that came back is not taken for one that never left (Treiber, "Systems programming: coping with
//! parallelism", 1986; the count is his too).
//!
//! Orderings: a number is given with release and taken with acquire, so who takes it sees what its last user wrote.
//! Takings in between change nothing of that: each is a read-modify-write of the head.

use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// All-zero is an empty list. Number 0 is nobody's.
#[derive(Debug)]
pub(crate) struct FreeList {
    /// `count << 32 | number`.
    pub(crate) head: AtomicU64,
}

impl FreeList {
    /// Takes a number; `link` is where a number keeps the next one.
    pub(crate) fn take<'a>(&self, link: impl Fn(u32) -> Option<&'a AtomicU32>) -> Option<u32> {
        let mut seen = self.head.load(Ordering::Acquire);
        loop {
            let number = seen as u32;
            if number == 0 {
                return None;
            }
            // Another thread may have taken the number and written its link: then the count has changed.
            let next = link(number)?.load(Ordering::Relaxed);
            match self.replace(seen, next, Ordering::Acquire) {
                Ok(_) => return Some(number),
                Err(newer) => seen = newer,
            }
        }
    }

    /// Gives a number back; its link is the caller's until then.
    pub(crate) fn give(&self, number: u32, link: &AtomicU32) {
        let mut seen = self.head.load(Ordering::Relaxed);
        loop {
            link.store(seen as u32, Ordering::Relaxed);
            match self.replace(seen, number, Ordering::Release) {
                Ok(_) => return,
                Err(newer) => seen = newer,
            }
        }
    }

    fn replace(&self, seen: u64, number: u32, success: Ordering) -> Result<u64, u64> {
        let count = (seen >> 32).wrapping_add(1);
        self.head.compare_exchange_weak(seen, count << 32 | u64::from(number), success, Ordering::Acquire)
    }
}
