//! `Allocator<A>`: forwards to `A` and records what it gave.
//!
//! Allocate, then record; forget, then free: between the two nobody else can have the address. A null result is
//! passed on and recorded nowhere. Nothing here locks, allocates, panics or unwinds.

use crate::account::{self, Account};
use crate::clock;
use crate::live_map::{self, Moving, Record, Spacing};
use crate::mode::{self, Mode};
use crate::thread_state::{self, Local, OWN_NODE, UNKNOWN_BLOCKS, UNRECORDED};
use crate::watch::Watch;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::Ordering;

/// A global allocator that records every block and serves it from `A`.
///
/// ```
/// #[global_allocator]
/// static ALLOC: memscope_runtime::Allocator = memscope_runtime::Allocator::system();
/// ```
#[derive(Debug)]
pub struct Allocator<A = System> {
    inner: A,
    spacing: Spacing,
    mode: Mode,
}

impl Allocator<System> {
    /// Records over the system's allocator.
    pub const fn system() -> Self {
        // On 64-bit targets malloc (glibc, musl, macOS) and HeapAlloc align every block to 16 bytes, so no two
        // start closer; elsewhere nothing is assumed.
        let spacing = if cfg!(target_pointer_width = "64") { Spacing::Sixteen } else { Spacing::Any };
        Allocator { inner: System, spacing, mode: Mode::Live }
    }
}

impl<A> Allocator<A> {
    /// Records over any allocator.
    pub const fn new(inner: A) -> Self {
        Allocator { inner, spacing: Spacing::Any, mode: Mode::Live }
    }

    /// Asks for a mode; `MEMSCOPE_MODE` in the environment wins over it.
    #[must_use]
    pub const fn mode(self, mode: Mode) -> Self
    where
        A: Copy,
    {
        Allocator { inner: self.inner, spacing: self.spacing, mode }
    }
}

// SAFETY: every method forwards its arguments unchanged and returns what the inner allocator returned; recording
// reads and writes only memory of memscope's own.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Allocator<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
        let block = unsafe { self.inner.alloc(layout) };
        if !block.is_null() {
            self.allocated(block.addr(), layout.size());
        }
        block
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
        let block = unsafe { self.inner.alloc_zeroed(layout) };
        if !block.is_null() {
            self.allocated(block.addr(), layout.size());
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.freed(block.addr(), layout.size());
        // SAFETY: the caller's promise is handed on.
        unsafe { self.inner.dealloc(block, layout) };
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let moving =
            live_map::slot(block.addr(), layout.size(), self.spacing).and_then(|slot| slot.begin_move());
        // SAFETY: the caller's promise is handed on.
        let moved = unsafe { self.inner.realloc(block, layout, new_size) };
        match moving {
            Some(moving) if moved.is_null() => moving.put_back(),
            Some(moving) => self.moved(moving, layout.size(), moved.addr(), new_size),
            None if moved.is_null() => {}
            None => self.unknown(),
        }
        moved
    }
}

impl<A> Allocator<A> {
    #[inline(always)]
    fn allocated(&self, address: usize, bytes: usize) {
        thread_state::with(|local| {
            let Some(account) = self.account(local) else { return };
            let Some(slot) = live_map::slot_or_map(address, bytes, self.spacing) else {
                UNRECORDED.fetch_add(1, Ordering::Relaxed);
                return;
            };
            account::add(&account.allocations, 1);
            account::add(&account.allocated_bytes, bytes as u64);
            slot.store(Record::new(account.id(), clock::now_stamp()), address, bytes);
            if account.node() != OWN_NODE {
                local.note_balance(bytes as i64);
            }
        });
    }

    #[inline(always)]
    fn freed(&self, address: usize, bytes: usize) {
        let Some(slot) = live_map::slot(address, bytes, self.spacing) else { return self.unknown() };
        let Some(record) = slot.load() else { return self.unknown() };
        slot.clear();
        thread_state::with(|local| {
            let owner = if record.is_watched() {
                let thread = if self.account(local).is_some() { local.thread() } else { 0 };
                Watch::get(record.owner()).and_then(|watch| watch.freed(bytes, thread, clock::now_ms()))
            } else {
                Account::get(record.owner())
            };
            let account = owner.and_then(|owner| {
                self.account(local)?;
                local.writable(owner)
            });
            let Some(account) = account else {
                UNRECORDED.fetch_add(1, Ordering::Relaxed);
                return;
            };
            account::add_release(&account.deallocations, 1);
            account::add_release(&account.deallocated_bytes, bytes as u64);
            if account.node() != OWN_NODE {
                local.note_balance(-(bytes as i64));
            }
        });
    }

    /// The block of `moving` has another place, another size, or both.
    fn moved(&self, moving: Moving, old_bytes: usize, address: usize, bytes: usize) {
        let record = moving.record();
        moving.clear();
        thread_state::with(|local| {
            let current = self.account(local);
            let owner = if record.is_watched() {
                Watch::get(record.owner()).and_then(|watch| watch.moved(address, old_bytes, bytes))
            } else {
                Account::get(record.owner())
            };
            let account = owner.and_then(|owner| local.writable(owner));
            let (Some(current), Some(account)) = (current, account) else {
                UNRECORDED.fetch_add(1, Ordering::Relaxed);
                return;
            };
            account::add(&current.reallocations, 1);
            let gained = bytes as i64 - old_bytes as i64;
            if gained >= 0 {
                account::add(&account.allocated_bytes, gained.unsigned_abs());
            } else {
                account::add_release(&account.deallocated_bytes, gained.unsigned_abs());
            }
            if let Some(slot) = live_map::slot_or_map(address, bytes, self.spacing) {
                slot.store(record, address, bytes);
            } else {
                // The block goes on unseen: its books are closed as if it were freed.
                UNRECORDED.fetch_add(1, Ordering::Relaxed);
                account::add_release(&account.deallocations, 1);
                account::add_release(&account.deallocated_bytes, bytes as u64);
            }
            if account.node() != OWN_NODE {
                local.note_balance(gained);
            }
        });
    }

    #[inline(always)]
    fn account(&self, local: &Local) -> Option<&'static Account> {
        match local.account.get() {
            Some(account) => Some(account),
            None => self.first_event(local),
        }
    }

    #[cold]
    fn first_event(&self, local: &Local) -> Option<&'static Account> {
        mode::allocator_asks(self.mode);
        local.account_or_join()
    }

    /// A block that no slot knows was freed or resized: it is older than the recording, or was not recorded.
    #[cold]
    fn unknown(&self) {
        if mode::is_recording() {
            UNKNOWN_BLOCKS.fetch_add(1, Ordering::Relaxed);
        }
    }
}
