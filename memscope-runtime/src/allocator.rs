//! `Allocator<A>`: forwards to `A` and records what it gave.
//!
//! Allocate, then record; forget, then free: between the two nobody else can have the address. A null result is
//! passed on and recorded nowhere. Nothing here locks, allocates, panics or unwinds.
//!
//! Each event has a quick way, which the compiler puts into `__rust_alloc` and `__rust_dealloc` themselves, and a
//! long way (`record.rs`), which does all that the quick one may leave out: it is a call in tail position, so that
//! the quick way saves no register for it.

#[cfg(feature = "sampling")]
use crate::by_lot::{self, Contents, Way};
use crate::live_map::{self, Spacing};
#[cfg(feature = "sampling")]
use crate::mode::LIVE;
use crate::mode::Mode;
use crate::record::{self, Facts, Quick};
#[cfg(feature = "sampling")]
use crate::sampler::Kind;
use std::alloc::{GlobalAlloc, Layout, System};

/// A global allocator that records every block and serves it from `A`.
///
/// ```
/// #[global_allocator]
/// static ALLOC: memscope_runtime::Allocator = memscope_runtime::Allocator::system();
/// ```
#[derive(Debug)]
pub struct Allocator<A = System> {
    pub(crate) inner: A,
    pub(crate) facts: Facts,
}

impl Allocator<System> {
    /// Records over the system's allocator.
    pub const fn system() -> Self {
        // On 64-bit glibc; whether it is glibc that serves `malloc` is found out when recording begins.
        let glibc = cfg!(all(target_env = "gnu", target_pointer_width = "64"));
        let spacing = if glibc { Spacing::ThirtyTwo } else { Spacing::Any };
        Allocator { inner: System, facts: Facts::new(spacing, Mode::DEFAULT) }
    }
}

impl<A> Allocator<A> {
    /// Records over any allocator.
    pub const fn new(inner: A) -> Self {
        Allocator { inner, facts: Facts::new(Spacing::Any, Mode::DEFAULT) }
    }

    /// Asks for a mode; `MEMSCOPE_MODE` in the environment wins over it.
    #[must_use]
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.facts = Facts::new(self.facts.spacing, mode);
        self
    }
}

/// Layouts that the quick way does not serve, or the inner allocator in another way than most. Asking here keeps
/// all that, and the registers that it needs, out of the quick way.
#[inline(always)]
fn is_unusual(layout: Layout) -> bool {
    layout.align() > 16 || layout.align() > layout.size()
}

impl<A: GlobalAlloc> Allocator<A> {
    #[cold]
    #[inline(never)]
    unsafe fn alloc_the_long_way(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
        record::allocated(unsafe { self.inner.alloc(layout) }, layout.size(), self.facts)
    }

    // These two take their arguments in the order in which `dealloc` has them, so that no register is moved.

    #[cold]
    #[inline(never)]
    unsafe fn settle_and_free(block: *mut u8, layout: Layout, this: &Self) {
        // SAFETY: the caller's promise is handed on.
        unsafe { this.inner.dealloc(record::settle(block), layout) };
    }

    #[inline(never)]
    unsafe fn record_and_free(block: *mut u8, layout: Layout, this: &Self) {
        #[cfg(feature = "sampling")]
        if !by_lot::is_live(this.facts) {
            // SAFETY: the caller's promise is handed on.
            return unsafe { Self::free_by_lot(block, layout.size(), layout.align(), this) };
        }
        record::freed(block.addr(), layout.size(), this.facts);
        // SAFETY: the caller's promise is handed on.
        unsafe { this.inner.dealloc(block, layout) };
    }
}

/// Null is not in the quick way's reach, so it is not asked for here.
#[inline(always)]
fn record_new(block: *mut u8, bytes: usize, facts: Facts) -> *mut u8 {
    match record::allocated_quickly(block.addr(), bytes, facts) {
        Quick::Done => block,
        Quick::Unsettled => record::settle(block),
        Quick::No => record::allocated(block, bytes, facts),
    }
}

impl<A: GlobalAlloc> Allocator<A> {
    /// # Safety
    /// As for `alloc`.
    #[inline(always)]
    unsafe fn alloc_live(&self, layout: Layout) -> *mut u8 {
        if is_unusual(layout) {
            // SAFETY: the caller's promise is handed on.
            return unsafe { self.alloc_the_long_way(layout) };
        }
        // SAFETY: the caller's promise is handed on.
        record_new(unsafe { self.inner.alloc(layout) }, layout.size(), self.facts)
    }

    /// [`Self::alloc_live`] where most allocations pass: their way saves no register for this one.
    ///
    /// # Safety
    /// As for `alloc`.
    #[cfg(feature = "sampling")]
    #[inline(never)]
    unsafe fn alloc_live_apart(size: usize, align: usize, this: &Self) -> *mut u8 {
        // SAFETY: size and alignment are those of a layout; the caller's promise is handed on.
        unsafe { this.alloc_live(Layout::from_size_align_unchecked(size, align)) }
    }

    /// Every free that does not simply pass.
    ///
    /// # Safety
    /// As for `dealloc`.
    #[cfg(feature = "sampling")]
    #[inline(never)]
    unsafe fn dealloc_apart(block: *mut u8, size: usize, align: usize, this: &Self) {
        // SAFETY: size and alignment are those of a layout; the caller's promise is handed on.
        unsafe {
            // A thread that knows nothing yet asks on the long way.
            if LIVE && by_lot::kind() != Kind::Sampling {
                this.dealloc_live(block, Layout::from_size_align_unchecked(size, align));
            } else {
                Self::free_by_lot(block, size, align, this);
            }
        }
    }

    /// # Safety
    /// As for `dealloc`.
    #[inline(always)]
    unsafe fn dealloc_live(&self, block: *mut u8, layout: Layout) {
        match record::freed_quickly(block.addr(), layout.size(), self.facts) {
            // SAFETY: the caller's promise is handed on.
            Quick::Done => unsafe { self.inner.dealloc(block, layout) },
            // SAFETY: as above.
            Quick::Unsettled => unsafe { Self::settle_and_free(block, layout, self) },
            // SAFETY: as above.
            Quick::No => unsafe { Self::record_and_free(block, layout, self) },
        }
    }

    /// Every reallocation that does not simply pass.
    ///
    /// # Safety
    /// As for `realloc`.
    #[cfg(feature = "sampling")]
    #[inline(never)]
    unsafe fn realloc_apart(
        block: *mut u8,
        size: usize,
        align: usize,
        new_size: usize,
        this: &Self,
        gain_passed: bool,
    ) -> *mut u8 {
        // SAFETY: size and alignment are those of a layout; the caller's promise is handed on.
        unsafe {
            let layout = Layout::from_size_align_unchecked(size, align);
            if LIVE && by_lot::kind() == Kind::Live {
                this.realloc_live(block, layout, new_size)
            } else {
                this.realloc_by_lot(block, layout, new_size, gain_passed)
            }
        }
    }

    /// # Safety
    /// As for `realloc`.
    #[inline(always)]
    pub(crate) unsafe fn realloc_live(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let slot = live_map::slot(block.addr(), layout.size(), record::spacing(self.facts));
        let moving = slot.and_then(|slot| slot.begin_move());
        // SAFETY: the caller's promise is handed on.
        let moved = unsafe { self.inner.realloc(block, layout, new_size) };
        match moving {
            Some(moving) if moved.is_null() => moving.put_back(),
            Some(moving) => {
                record::moved(moving, block.addr(), layout.size(), moved.addr(), new_size, self.facts)
            }
            None if moved.is_null() => {}
            None => record::unknown(),
        }
        moved
    }
}

// SAFETY: every method forwards what it is given and returns what the inner allocator returned, for a sampled block
// with a greater alignment, which the inner allocator is told again when the block is given back; recording reads and
// writes only memory of memscope's own.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Allocator<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        #[cfg(feature = "sampling")]
        match by_lot::of_allocation(layout.size()) {
            // SAFETY: the caller's promise is handed on.
            Way::Pass if is_unusual(layout) => unsafe {
                Self::pass_unusual(layout.size(), layout.align(), self)
            },
            // SAFETY: as above.
            Way::Pass => unsafe { self.inner.alloc(layout) },
            // SAFETY: as above.
            Way::Draw => unsafe { Self::alloc_by_lot(layout.size(), layout.align(), self, Contents::Any) },
            // SAFETY: as above.
            Way::Live => unsafe { Self::alloc_live_apart(layout.size(), layout.align(), self) },
        }
        // SAFETY: as above.
        #[cfg(not(feature = "sampling"))]
        unsafe {
            self.alloc_live(layout)
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        #[cfg(feature = "sampling")]
        match by_lot::of_allocation(layout.size()) {
            // SAFETY: the caller's promise is handed on.
            Way::Pass => return unsafe { self.inner.alloc_zeroed(layout) },
            Way::Draw => {
                // SAFETY: as above.
                return unsafe { Self::alloc_by_lot(layout.size(), layout.align(), self, Contents::Zero) };
            }
            Way::Live => {}
        }
        // SAFETY: as above.
        record_new(unsafe { self.inner.alloc_zeroed(layout) }, layout.size(), self.facts)
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        #[cfg(feature = "sampling")]
        // SAFETY: the caller's promise is handed on.
        unsafe {
            if by_lot::free_passes(block.addr(), layout.size()) {
                self.inner.dealloc(block, layout);
            } else {
                Self::dealloc_apart(block, layout.size(), layout.align(), self);
            }
        }
        // SAFETY: as above.
        #[cfg(not(feature = "sampling"))]
        unsafe {
            self.dealloc_live(block, layout);
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        #[cfg(feature = "sampling")]
        let (gain_passed, passes) = by_lot::resize_passes(block.addr(), layout.size(), new_size);
        // SAFETY: the caller's promise is handed on.
        #[cfg(feature = "sampling")]
        unsafe {
            if passes && !is_unusual(layout) {
                self.inner.realloc(block, layout, new_size)
            } else {
                Self::realloc_apart(block, layout.size(), layout.align(), new_size, self, gain_passed)
            }
        }
        // SAFETY: as above.
        #[cfg(not(feature = "sampling"))]
        unsafe {
            self.realloc_live(block, layout, new_size)
        }
    }
}
