//! Who may write to what several threads write to, one after another: a thread's row, a capture of the peak.
//!
//! Nobody waits here. Orderings: taken with acquire and given back with release, so what the former holder wrote is
//! seen before it is added to.

use crate::sync::{AtomicBool, AtomicU32, Ordering};

/// Of a thread's row. All-zero is a row that no thread has taken yet.
#[derive(Debug)]
pub(crate) struct Tenure {
    pub(crate) state: AtomicU32,
}

const TAKEN: u32 = 1;
const ENDED: u32 = 2;

impl Tenure {
    /// Of a row that nobody else knows yet.
    pub(crate) fn begin(&self) {
        self.state.store(TAKEN, Ordering::Relaxed);
    }

    /// Takes the row if its thread has ended.
    pub(crate) fn take(&self) -> bool {
        self.state.compare_exchange(ENDED, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Nothing of this thread writes to the row any more.
    pub(crate) fn end(&self) {
        self.state.store(ENDED, Ordering::Release);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state.load(Ordering::Acquire) == ENDED
    }
}

/// Of a capture.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) taken: AtomicBool,
}

impl Turn {
    pub(crate) fn try_take(&self) -> bool {
        self.taken.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    pub(crate) fn end(&self) {
        self.taken.store(false, Ordering::Release);
    }
}
