//! The allocator's methods where blocks are sampled.
//!
//! An event that is not in the sample passes: one subtraction and its borrow for an allocation, the low bits of the
//! address (and the size) for a free, and the inner allocator is called as if nobody stood before it. What a hit needs
//! is a call.
//!
//! The inner allocator is told the alignment of a sampled block's place when it is given back, as it was told when it
//! was taken. A place that it refuses costs the sample, never the block.

use crate::allocator::Allocator;
use crate::mode::LIVE;
use crate::record;
use crate::sample_map;
use crate::sampler::{self, Held, Kind, Lot, Odds};
use crate::thread_state::{self, Local};
use std::alloc::{GlobalAlloc, Layout};
use std::ptr;

/// How an event goes on.
pub(crate) enum Way {
    /// To the inner allocator, as it is.
    Pass,
    /// To the sampler.
    Draw,
    /// Every block is recorded.
    Live,
}

/// Of an allocation.
#[inline(always)]
pub(crate) fn of_allocation(bytes: usize) -> Way {
    thread_state::with(|Local { lottery, .. }| {
        if lottery.passes(bytes) {
            Way::Pass
        } else if LIVE && lottery.kind() == Kind::Live {
            Way::Live
        } else {
            Way::Draw
        }
    })
}

/// Of a free.
#[inline(always)]
pub(crate) fn of_free(address: usize, bytes: usize) -> Way {
    // Where every block may be recorded, a thread that knows nothing yet asks on the long way.
    if LIVE && thread_state::with(|local| local.lottery.kind() != Kind::Sampling) {
        Way::Live
    } else if sample_map::may_hold(address, bytes) {
        Way::Draw
    } else {
        Way::Pass
    }
}

/// Of a reallocation; with [`Way::Draw`] whether its gain passed.
#[inline(always)]
pub(crate) fn of_resize(address: usize, bytes: usize, new_bytes: usize) -> (Way, bool) {
    thread_state::with(|Local { lottery, .. }| match lottery.kind() {
        Kind::Live if LIVE => (Way::Live, false),
        Kind::Sampling => {
            let passed = lottery.passes(new_bytes.saturating_sub(bytes));
            let whole = passed && !sample_map::may_hold(address, bytes);
            (if whole { Way::Pass } else { Way::Draw }, passed)
        }
        _ => (Way::Draw, false),
    })
}

/// Whether this thread records every block; it learns so at its first event.
pub(crate) fn is_live(facts: record::Facts) -> bool {
    thread_state::with(|local| local.lottery.known_kind(facts) == Kind::Live)
}

/// What a new block shall hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contents {
    Any,
    Zero,
}

impl<A: GlobalAlloc> Allocator<A> {
    /// # Safety
    /// As for `alloc`.
    unsafe fn inner_alloc(&self, layout: Layout, contents: Contents) -> *mut u8 {
        match contents {
            // SAFETY: the caller's promise is handed on.
            Contents::Any => unsafe { self.inner.alloc(layout) },
            // SAFETY: as above.
            Contents::Zero => unsafe { self.inner.alloc_zeroed(layout) },
        }
    }

    /// # Safety
    /// As for `alloc`.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn alloc_by_lot(&self, layout: Layout, contents: Contents) -> *mut u8 {
        let odds = match sampler::draw(layout.size(), self.facts) {
            Lot::Hit(odds) => odds,
            // SAFETY: the caller's promise is handed on.
            Lot::Passed => return unsafe { self.inner_alloc(layout, contents) },
            Lot::Live => {
                // SAFETY: as above.
                let block = unsafe { self.inner_alloc(layout, contents) };
                return record::allocated(block, layout.size(), self.facts);
            }
        };
        let placed = placed(layout, layout.size());
        // SAFETY: as above; a greater alignment changes nothing for the caller.
        let block = unsafe { self.inner_alloc(placed, contents) };
        if !block.is_null() {
            sampler::begin(block.addr(), layout.size(), placed.align(), odds);
            return block;
        }
        if placed.align() == layout.align() {
            return block;
        }
        // SAFETY: as above.
        let block = unsafe { self.inner_alloc(layout, contents) };
        if !block.is_null() {
            sampler::lose();
        }
        block
    }

    /// # Safety
    /// As for `dealloc`.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn free_by_lot(block: *mut u8, layout: Layout, this: &Self) {
        let align = sampler::end(block.addr(), layout.size()).unwrap_or(layout.align());
        // SAFETY: the caller's promise is handed on; a sampled block was taken with this alignment.
        unsafe { this.inner.dealloc(block, with_align(layout, align)) };
    }

    /// # Safety
    /// As for `realloc`.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn realloc_by_lot(
        &self,
        block: *mut u8,
        layout: Layout,
        new_size: usize,
        passed: bool,
    ) -> *mut u8 {
        if is_live(self.facts) {
            // SAFETY: the caller's promise is handed on.
            return unsafe { self.realloc_live(block, layout, new_size) };
        }
        let gain = new_size.saturating_sub(layout.size());
        let hit = match if passed { Lot::Passed } else { sampler::draw(gain, self.facts) } {
            Lot::Hit(odds) => Some(odds),
            _ => None,
        };
        let held = if sample_map::may_hold(block.addr(), layout.size()) {
            Held::of(block.addr(), layout.size())
        } else {
            None
        };
        if held.is_none() && hit.is_none() {
            // SAFETY: as above.
            return unsafe { self.inner.realloc(block, layout, new_size) };
        }
        // SAFETY: as above.
        unsafe { self.realloc_sampled(block, layout, new_size, held, hit) }
    }

    /// # Safety
    /// As for `realloc`.
    unsafe fn realloc_sampled(
        &self,
        block: *mut u8,
        layout: Layout,
        new_size: usize,
        held: Option<Held>,
        hit: Option<Odds>,
    ) -> *mut u8 {
        let was = with_align(layout, held.as_ref().map_or(layout.align(), |held| held.align));
        let to = placed(layout, new_size);
        // SAFETY: the caller's promise is handed on, and the block was taken with the layout `was`.
        let moved = unsafe {
            if was.align() == to.align() {
                self.inner.realloc(block, was, new_size)
            } else {
                self.copied(block, was, to)
            }
        };
        if !moved.is_null() {
            sampler::resized(held, hit, layout.size(), (moved.addr(), new_size, to.align()));
            return moved;
        }
        if was.align() == to.align() || to.align() == layout.align() {
            held.into_iter().for_each(Held::put_back);
            return moved;
        }
        // The place was refused, not the block: it goes on without the sample.
        // SAFETY: as above.
        let moved = unsafe { self.inner.realloc(block, was, new_size) };
        match held {
            Some(held) if moved.is_null() => held.put_back(),
            Some(held) => held.abandon(),
            None if moved.is_null() => {}
            None => sampler::lose(),
        }
        moved
    }

    /// The block in a new place of another alignment; null, and the block as it was, where there is none.
    ///
    /// # Safety
    /// As for `realloc`; `was` is what the block was taken with.
    unsafe fn copied(&self, block: *mut u8, was: Layout, to: Layout) -> *mut u8 {
        // SAFETY: the layout's size is that of the reallocation, which is not zero. The new block is no part of the
        // old one, and both are as long as what is copied.
        unsafe {
            let moved = self.inner.alloc(to);
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, was.size().min(to.size()));
                self.inner.dealloc(block, was);
            }
            moved
        }
    }
}

/// How a sampled block of `bytes` is placed.
fn placed(layout: Layout, bytes: usize) -> Layout {
    let align = sampler::align_for(bytes, layout.align());
    // Only the largest of blocks cannot be aligned so, and these are placed as they come.
    Layout::from_size_align(bytes, align).unwrap_or(layout)
}

/// The same block, told with another alignment.
fn with_align(layout: Layout, align: usize) -> Layout {
    Layout::from_size_align(layout.size(), align).unwrap_or(layout)
}
