//! Without the features `live` and `sampling`: an allocator that forwards, and nothing to record.

use std::alloc::{GlobalAlloc, Layout, System};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

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

/// Would take the blocks of a value; without a recorder nobody asks for them.
#[derive(Debug)]
pub struct Visitor<'a> {
    looks: PhantomData<&'a ()>,
}

impl Visitor<'_> {
    /// Does nothing without a recorder.
    pub fn block(&mut self, _pointer: *const u8) {}

    /// Does nothing without a recorder.
    pub fn block_of(&mut self, _pointer: *const u8, _bytes: usize) {}

    /// Does nothing without a recorder.
    pub fn shared_block_of(&mut self, _pointer: *const u8, _bytes: usize) -> bool {
        false
    }

    /// Does nothing without a recorder.
    pub fn shared_block(&mut self, _pointer: *const u8) -> bool {
        false
    }

    /// Does nothing without a recorder.
    pub fn unused(&mut self, _bytes: usize) {}

    /// Does nothing without a recorder.
    pub fn could_not_look(&mut self) {}

    pub(crate) fn hidden_block_of<T>(&mut self, _container: &T, _bytes: usize) {}

    pub(crate) fn block_up_to(&mut self, _pointer: *const u8, _bytes: usize) {}

    pub(crate) fn block_at(&mut self, _address: usize) {}

    #[cfg(feature = "bytes")]
    pub(crate) fn shared_block_at(&mut self, _address: usize) {}

    #[cfg(feature = "bytes")]
    pub(crate) fn is_start(&self, _address: usize) -> bool {
        false
    }

    pub(crate) fn blocks_behind_words_of<T>(&mut self, _container: &T) {}

    pub(crate) fn blocks_by_name<T>(&mut self, _value: &T) {}

    pub(crate) fn is_by_size(&self) -> bool {
        false
    }

    pub(crate) fn may_go_deeper(&mut self) -> bool {
        false
    }
}

/// The scope that was current where [`spawn_scope`] was called. Without a recorder there is none, and work runs as it
/// would without it.
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing runs in the scope unless it is given a closure or a future"]
pub struct SpawnScope;

/// The scope that is current on this thread, for work that is spawned from here. Does nothing without a recorder.
#[inline(always)]
pub fn spawn_scope() -> SpawnScope {
    SpawnScope
}

impl SpawnScope {
    /// Runs `work`.
    #[inline(always)]
    pub fn run<R>(self, work: impl FnOnce() -> R) -> R {
        work()
    }

    /// A closure that runs `work`.
    #[inline(always)]
    pub fn closure<F: FnOnce() -> R, R>(self, work: F) -> impl FnOnce() -> R + use<F, R> {
        work
    }

    /// A future that is `future`.
    #[inline(always)]
    pub fn future<F: Future>(self, future: F) -> InScope<F> {
        InScope { future }
    }
}

/// The future that it was made of.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct InScope<F> {
    future: F,
}

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `self` is pinned, and `future` is pinned with it: nothing moves it.
        unsafe { self.map_unchecked_mut(|this| &mut this.future) }.poll(context)
    }
}
