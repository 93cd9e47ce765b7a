//! Without the features `live` and `sampling`: an allocator that forwards, and nothing to record.

use std::alloc::{GlobalAlloc, Layout, System};

/// How a program may be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// The allocator forwards; nothing is recorded.
    Off,
    /// Every block is recorded (needs the feature `live`).
    Live,
    /// Blocks are sampled by bytes (needs the feature `sampling`).
    Sampling {
        /// Mean distance between two samples, in bytes; 0: every block is in the sample.
        mean_bytes: u64,
    },
}

impl Mode {
    /// Mean distance between two samples unless told otherwise.
    pub const DEFAULT_MEAN_BYTES: u64 = 512 << 10;
}

/// A global allocator that is `A`.
#[derive(Debug)]
pub struct Allocator<A = System> {
    inner: A,
}

impl Allocator<System> {
    /// The system's allocator.
    pub const fn system() -> Self {
        Allocator { inner: System }
    }
}

impl<A> Allocator<A> {
    /// Any allocator.
    pub const fn new(inner: A) -> Self {
        Allocator { inner }
    }

    /// Without the features `live` and `sampling` there is only [`Mode::Off`].
    #[must_use]
    pub const fn mode(self, _mode: Mode) -> Self {
        self
    }
}

// SAFETY: every method hands its arguments to the inner allocator and returns its answer.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Allocator<A> {
    #[inline(always)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
        unsafe { self.inner.alloc(layout) }
    }

    #[inline(always)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
        unsafe { self.inner.alloc_zeroed(layout) }
    }

    #[inline(always)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { self.inner.dealloc(block, layout) }
    }

    #[inline(always)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
        unsafe { self.inner.realloc(block, layout, new_size) }
    }
}

/// Stands for memscope's own work, which nobody counts here.
#[derive(Debug)]
pub struct OwnWork;

/// Does nothing without a recorder.
pub fn own_work() -> OwnWork {
    OwnWork
}
