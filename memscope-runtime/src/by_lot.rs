//! The allocator's methods where blocks are sampled.
//!
//! An event that is not in the sample passes: one subtraction and its borrow for an allocation, the low bits of the
//! address (and the size) for a free, and the inner allocator is called as if nobody stood before it. What a hit needs
//! is a call.
//!
//! A sampled block has a place (`places.rs`), which the inner allocator is told by the layout that it was taken with,
//! or it is large, and as the inner allocator gave it. A place that is refused costs the sample, never the block.

use crate::allocator::Allocator;
use crate::event_log::UnderWay;
use crate::mode::LIVE;
use crate::places;
use crate::record;
use crate::sample_map;
use crate::sampler::{self, Held, Kind, Lot, Odds, Reserved, Whereabouts};
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

/// Whether a free goes to the inner allocator as it is. Nothing else is asked of the thread where that is said, so that
/// it is one read from its segment.
#[inline(always)]
pub(crate) fn free_passes(address: usize, bytes: usize) -> bool {
    thread_state::with(|Local { lottery, .. }| lottery.tells(address, bytes))
}

/// How this thread's events are recorded, as far as it knows.
pub(crate) fn kind() -> Kind {
    thread_state::with(|local| local.lottery.kind())
}

/// Of a reallocation: whether its gain passed, and whether all of it does. Where every block is recorded a gain of
/// nothing passes and the block is not told, so that is not asked for.
#[inline(always)]
pub(crate) fn resize_passes(address: usize, bytes: usize, new_bytes: usize) -> (bool, bool) {
    thread_state::with(|Local { lottery, .. }| {
        let gain_passed = lottery.passes(new_bytes.saturating_sub(bytes));
        (gain_passed, gain_passed && lottery.tells(address, bytes))
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

// What is called in tail position takes its arguments in the order in which `__rust_alloc` and `__rust_dealloc` have
// them, so that the way of those that pass moves no register.
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

    /// Memory for a block that comes into the sample, and the size of its place (0: it has none); null where there is
    /// none.
    ///
    /// # Safety
    /// As for `alloc`.
    unsafe fn alloc_sampled(&self, layout: Layout, contents: Contents) -> (*mut u8, usize) {
        if !sampler::wants_place(layout.size(), layout.align()) {
            // SAFETY: the caller's promise is handed on.
            return (unsafe { self.inner_alloc(layout, contents) }, 0);
        }
        let block = places::take().unwrap_or_else(|| self.more_places());
        if contents == Contents::Zero && !block.is_null() {
            // SAFETY: the place is that long, and nobody else's.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        (block, places::BYTES)
    }

    /// A place, and some to wait beside it; null where the inner allocator refuses.
    fn more_places(&self) -> *mut u8 {
        // SAFETY: the layout's size is not zero.
        let place = || unsafe { self.inner.alloc(places::LAYOUT) };
        let first = place();
        for _ in 1..places::BATCH {
            let more = if first.is_null() { first } else { place() };
            if more.is_null() {
                break;
            }
            if !places::give(more) {
                // SAFETY: it was taken with this layout, and is nobody's.
                unsafe { self.inner.dealloc(more, places::LAYOUT) };
                break;
            }
        }
        first
    }

    /// Gives back the memory of a block that was in the sample, or came into it.
    ///
    /// # Safety
    /// As for `dealloc`; `place_bytes` is what [`Self::alloc_sampled`] gave with it, 0 for any other block.
    unsafe fn dealloc_sampled(&self, block: *mut u8, layout: Layout, place_bytes: usize) {
        if place_bytes == 0 {
            // SAFETY: the caller's promise is handed on.
            unsafe { self.inner.dealloc(block, layout) };
        } else if !places::give(block) {
            // SAFETY: as above; it was taken with this layout.
            unsafe { self.inner.dealloc(block, places::LAYOUT) };
        }
    }

    /// # Safety
    /// As for `alloc`.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn alloc_by_lot(size: usize, align: usize, this: &Self, contents: Contents) -> *mut u8 {
        let Ok(layout) = Layout::from_size_align(size, align) else { return ptr::null_mut() };
        let checked = UnderWay::begin(this.facts);
        // SAFETY: the caller's promise is handed on.
        let block = unsafe { this.alloc_drawn(layout, contents) };
        if let Some(checked) = checked {
            checked.allocated(block, size);
        }
        block
    }

    /// # Safety
    /// As for `alloc`.
    unsafe fn alloc_drawn(&self, layout: Layout, contents: Contents) -> *mut u8 {
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
        // SAFETY: as above.
        let (block, place_bytes) = unsafe { self.alloc_sampled(layout, contents) };
        if block.is_null() && place_bytes == 0 {
            return block;
        }
        if !block.is_null() {
            if let Some(reserved) = Reserved::of(block.addr()) {
                let block_at = Whereabouts { address: block.addr(), bytes: layout.size(), place_bytes };
                sampler::begin(block_at, odds, reserved);
                return block;
            }
            // SAFETY: the block is nobody's yet.
            unsafe { self.dealloc_sampled(block, layout, place_bytes) };
        }
        // The place or the record was refused; the block need not be.
        // SAFETY: as above.
        let block = unsafe { self.inner_alloc(layout, contents) };
        if !block.is_null() {
            sampler::lose();
        }
        block
    }

    /// A layout that the inner allocator may serve in another way than most: apart, for the registers that it needs.
    ///
    /// # Safety
    /// As for `alloc`.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn pass_unusual(size: usize, align: usize, this: &Self) -> *mut u8 {
        let Ok(layout) = Layout::from_size_align(size, align) else { return ptr::null_mut() };
        // SAFETY: the caller's promise is handed on.
        unsafe { this.inner.alloc(layout) }
    }

    /// # Safety
    /// As for `dealloc`.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn free_by_lot(block: *mut u8, size: usize, align: usize, this: &Self) {
        // SAFETY: size and alignment are those of a layout.
        let layout = unsafe { Layout::from_size_align_unchecked(size, align) };
        let checked = UnderWay::begin(this.facts);
        if let Some(checked) = &checked {
            checked.freed(block, size);
        }
        let sampled = sample_map::may_hold(block.addr(), size);
        let place_bytes = if sampled { sampler::end(block.addr()) } else { None };
        // SAFETY: the caller's promise is handed on.
        unsafe { this.dealloc_sampled(block, layout, place_bytes.unwrap_or(0)) };
        // Now nobody has to wait for this event any more.
        drop(checked);
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
        let checked = UnderWay::begin(self.facts).map(|checked| checked.resizing(block, layout.size()));
        // SAFETY: as above.
        let moved = unsafe { self.realloc_drawn(block, layout, new_size, passed) };
        if let Some(checked) = checked {
            checked.end(moved, new_size);
        }
        moved
    }

    /// # Safety
    /// As for `realloc`.
    unsafe fn realloc_drawn(&self, block: *mut u8, layout: Layout, new_size: usize, passed: bool) -> *mut u8 {
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
        let had = held.as_ref().map_or(0, |held| held.block.place_bytes);
        let wants = sampler::wants_place(new_size, layout.align());
        let found = if wants && had >= new_size {
            Some((block, had))
        } else if !wants && had == 0 {
            // SAFETY: the caller's promise is handed on; the block is as the inner allocator gave it.
            let moved = unsafe { self.inner.realloc(block, layout, new_size) };
            (!moved.is_null()).then_some((moved, 0))
        } else {
            // SAFETY: as above; `had` is the size of its place.
            unsafe { self.copied(block, layout, had, new_size) }
        };
        let Some((moved, place_bytes)) = found else {
            // SAFETY: as above.
            return unsafe { self.realloc_without_sample(block, layout, new_size, held, hit) };
        };
        let hit = hit.and_then(|odds| match Reserved::of(moved.addr()) {
            Some(reserved) => Some((odds, reserved)),
            None => {
                sampler::lose();
                None
            }
        });
        let block = Whereabouts { address: moved.addr(), bytes: new_size, place_bytes };
        if hit.is_some() || sample_map::prepare(moved.addr()) {
            sampler::resized(held, hit, layout.size(), block);
        } else {
            // Only a block that has no place comes here, for `copied` asks before.
            held.into_iter().for_each(Held::abandon);
        }
        moved
    }

    /// The block in other memory, and the size of its place there; `None`, and the block as it was, where there is no
    /// memory that can be found again.
    ///
    /// # Safety
    /// As for `realloc`; `had` is the size of the block's place.
    unsafe fn copied(
        &self,
        block: *mut u8,
        layout: Layout,
        had: usize,
        new_size: usize,
    ) -> Option<(*mut u8, usize)> {
        let to = Layout::from_size_align(new_size, layout.align()).ok()?;
        // SAFETY: the new size is not zero. The new block is no part of the old one, and both are as long as what is
        // copied; then nobody has the old one.
        unsafe {
            let (moved, place_bytes) = self.alloc_sampled(to, Contents::Any);
            if moved.is_null() {
                return None;
            }
            // A block in a place needs its record, which says so. One that was not in the sample yet needs one more.
            let findable = match had {
                0 => Reserved::of(moved.addr()).map(Reserved::give_back).is_some(),
                _ => sample_map::prepare(moved.addr()),
            };
            if place_bytes > 0 && !findable {
                self.dealloc_sampled(moved, to, place_bytes);
                return None;
            }
            ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size));
            self.dealloc_sampled(block, layout, had);
            Some((moved, place_bytes))
        }
    }

    /// A place was refused, or the block itself: it goes on without the sample, or stays as it was.
    ///
    /// # Safety
    /// As for `realloc`.
    #[cold]
    unsafe fn realloc_without_sample(
        &self,
        block: *mut u8,
        layout: Layout,
        new_size: usize,
        held: Option<Held>,
        hit: Option<Odds>,
    ) -> *mut u8 {
        let had = held.as_ref().map_or(0, |held| held.block.place_bytes);
        let Ok(to) = Layout::from_size_align(new_size, layout.align()) else {
            held.into_iter().for_each(Held::put_back);
            return ptr::null_mut();
        };
        // SAFETY: the caller's promise is handed on; what is in a place is copied out of it, as in `copied`.
        let moved = unsafe {
            if had == 0 {
                self.inner.realloc(block, layout, new_size)
            } else {
                let moved = self.inner.alloc(to);
                if !moved.is_null() {
                    ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size));
                    self.dealloc_sampled(block, layout, had);
                }
                moved
            }
        };
        match held {
            Some(held) if moved.is_null() => held.put_back(),
            Some(held) => held.abandon(),
            None if hit.is_some() && !moved.is_null() => sampler::lose(),
            None => {}
        }
        moved
    }
}
