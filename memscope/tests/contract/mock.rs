//! Allocators beside memscope's: one that counts what passes, one that behaves as a scenario tells it to, thread by
//! thread, and one that insists on the layouts that it is told.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// What passed, with the books' rule for reallocation: gained bytes are allocated, lost ones are freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) allocations: u64,
    pub(crate) deallocations: u64,
    pub(crate) reallocations: u64,
    pub(crate) allocated_bytes: u64,
    pub(crate) deallocated_bytes: u64,
}

static COUNTERS: [AtomicU64; 5] = [const { AtomicU64::new(0) }; 5];

/// What passed so far.
pub(crate) fn counts() -> Counts {
    let [allocations, deallocations, reallocations, allocated_bytes, deallocated_bytes] =
        COUNTERS.each_ref().map(|counter| counter.load(SeqCst));
    Counts { allocations, deallocations, reallocations, allocated_bytes, deallocated_bytes }
}

fn count(counter: usize, bytes_counter: usize, bytes: usize) {
    COUNTERS[counter].fetch_add(1, SeqCst);
    COUNTERS[bytes_counter].fetch_add(bytes as u64, SeqCst);
}

/// How `realloc` behaves on this thread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Realloc {
    /// As the inner allocator does.
    Inner,
    /// Always to another address.
    Move,
    /// Always null.
    Fail,
    /// To another address; the old one has a new owner, on another thread, before the call returns.
    Race,
}

thread_local! {
    /// Every so many calls on this thread give null; 0: none.
    static FAIL_EVERY: Cell<u64> = const { Cell::new(0) };
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static REALLOC: Cell<Realloc> = const { Cell::new(Realloc::Inner) };
    /// The next allocation on this thread is given the block that a racing `realloc` left.
    static TAKES_LEFT: Cell<bool> = const { Cell::new(false) };
}

/// The block that a racing `realloc` left, and whether its new owner has been through memscope's hook.
static LEFT: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Lets every `n`th call on this thread give null, until told 0.
pub(crate) fn fail_every(n: u64) {
    CALLS.set(0);
    FAIL_EVERY.set(n);
}

/// Tells how `realloc` behaves on this thread.
pub(crate) fn set_realloc(behaviour: Realloc) {
    REALLOC.set(behaviour);
}

/// Waits for a block that a racing `realloc` leaves; the next allocation of this thread is given it.
pub(crate) fn take_what_is_left() {
    wait_for(|| !LEFT.load(SeqCst).is_null());
    TAKES_LEFT.set(true);
}

/// Lets the racing `realloc` return: its old address is a block of this thread, recorded and all.
pub(crate) fn has_taken() {
    TAKEN.store(true, SeqCst);
}

fn wait_for(condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(30), "the other thread does not come");
        std::hint::spin_loop();
    }
}

fn fails_now() -> bool {
    let every = FAIL_EVERY.get();
    CALLS.set(CALLS.get() + 1);
    every != 0 && CALLS.get() % every == 0
}

/// Counts what passes.
pub(crate) struct Counting<A>(pub A);

// SAFETY: every method hands its arguments to the inner allocator and returns its answer.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
        counted_new(unsafe { self.0.alloc(layout) }, layout)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
        counted_new(unsafe { self.0.alloc_zeroed(layout) }, layout)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(1, 4, layout.size());
        // SAFETY: the caller's promise is handed on.
        unsafe { self.0.dealloc(block, layout) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
        let moved = unsafe { self.0.realloc(block, layout, new_size) };
        if !moved.is_null() {
            let (bytes_counter, bytes) = if new_size >= layout.size() {
                (3, new_size - layout.size())
            } else {
                (4, layout.size() - new_size)
            };
            count(2, bytes_counter, bytes);
        }
        moved
    }
}

fn counted_new(block: *mut u8, layout: Layout) -> *mut u8 {
    if !block.is_null() {
        count(0, 3, layout.size());
    }
    block
}

/// Insists on being told the layout that a block was taken with, which it keeps before each.
pub(crate) struct Strict<A>(pub A);

/// Where the layout is kept, and how the block with it is laid out.
fn kept(layout: Layout) -> (usize, Layout) {
    let before = layout.align().max(size_of::<Layout>());
    let whole = Layout::from_size_align(before.saturating_add(layout.size()), layout.align().max(8));
    (before, whole.unwrap_or(Layout::new::<u8>()))
}

impl<A> Strict<A> {
    /// # Safety
    /// `block` is null, or such a block of [`kept`]'s layout.
    unsafe fn with_layout(block: *mut u8, layout: Layout) -> *mut u8 {
        if block.is_null() {
            return block;
        }
        // SAFETY: what is before the block is at least as long as a layout, and the block ends where it does.
        unsafe {
            let start = block.add(kept(layout).0);
            start.sub(size_of::<Layout>()).cast::<Layout>().write_unaligned(layout);
            start
        }
    }

    /// # Safety
    /// `block` is one that [`Strict::with_layout`] gave.
    unsafe fn check(block: *mut u8, layout: Layout) {
        // SAFETY: it was written there.
        let was = unsafe { block.sub(size_of::<Layout>()).cast::<Layout>().read_unaligned() };
        if was != layout {
            // No message can be made here without allocating.
            std::process::abort();
        }
    }
}

// SAFETY: a block is a part of one of the inner allocator's, which is given back whole.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Strict<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > isize::MAX as usize / 2 {
            return ptr::null_mut();
        }
        // SAFETY: the layout has a size.
        unsafe { Self::with_layout(self.0.alloc(kept(layout).1), layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() > isize::MAX as usize / 2 {
            return ptr::null_mut();
        }
        // SAFETY: the layout has a size.
        unsafe { Self::with_layout(self.0.alloc_zeroed(kept(layout).1), layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller gives back what it was given.
        unsafe {
            Self::check(block, layout);
            self.0.dealloc(block.sub(kept(layout).0), kept(layout).1);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if new_size > isize::MAX as usize / 2 {
            return ptr::null_mut();
        }
        // SAFETY: the caller gives what it was given, and the new size fits the layout; what is before the block has
        // the same length in both layouts, for their alignment is the same.
        unsafe {
            Self::check(block, layout);
            let new = Layout::from_size_align_unchecked(new_size, layout.align());
            let (before, whole) = kept(layout);
            Self::with_layout(self.0.realloc(block.sub(before), whole, kept(new).1.size()), new)
        }
    }
}

/// Misbehaves over `A`.
pub(crate) struct Mock<A>(pub A);

// SAFETY: blocks come from the inner allocator; what is left by a racing `realloc` is given out once.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Mock<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if fails_now() {
            return ptr::null_mut();
        }
        if TAKES_LEFT.replace(false) {
            return LEFT.swap(ptr::null_mut(), SeqCst);
        }
        // SAFETY: the caller's promise is handed on.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if fails_now() {
            return ptr::null_mut();
        }
        // SAFETY: the caller's promise is handed on.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { self.0.dealloc(block, layout) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if fails_now() || REALLOC.get() == Realloc::Fail {
            return ptr::null_mut();
        }
        if REALLOC.get() == Realloc::Inner {
            // SAFETY: the caller's promise is handed on.
            return unsafe { self.0.realloc(block, layout, new_size) };
        }
        // SAFETY: the caller promises that the new size fits the layout; the two blocks are apart.
        unsafe {
            let moved = self.0.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            assert!(!moved.is_null(), "there is memory for so little");
            ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size));
            if REALLOC.get() == Realloc::Move {
                self.0.dealloc(block, layout);
            } else {
                TAKEN.store(false, SeqCst);
                LEFT.store(block, SeqCst);
                wait_for(|| TAKEN.load(SeqCst));
            }
            moved
        }
    }
}
