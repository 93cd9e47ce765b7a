//! What the allocator's hook writes down of each event.
//!
//! The quick ways serve blocks below 1,024 bytes that lie in the thread's window, on a thread that is known, in the
//! program's own work, while the observer writes the clock: some loads, some additions to memory that only this
//! thread writes, one store. They change nothing for everything else. The long ways serve every event.

use crate::account::{self, Account};
use crate::clock;
use crate::live_map::{self, QUICK_BYTES, Spacing, Window};
use crate::mode::{self, Asked, Mode};
use crate::observer;
use crate::slot::{self, Moving, Record};
use crate::thread_state::{self, Local, UNKNOWN_BLOCKS, UNRECORDED};
use crate::watch::Watch;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// What an allocator was built to be. As small as it is, it goes through calls in registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) spacing: Spacing,
    pub(crate) asked: Asked,
}

impl Facts {
    pub(crate) const fn new(spacing: Spacing, mode: Mode) -> Facts {
        Facts { spacing, asked: Asked::of(mode) }
    }
}

/// What came of a quick way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quick {
    /// The event is recorded.
    Done,
    /// It is recorded, and [`settle`] is to be called.
    Unsettled,
    /// Nothing was changed: the long way is to be taken.
    No,
}

/// Records a new block if the quick way may.
#[inline(always)]
pub(crate) fn allocated_quickly(address: usize, bytes: usize, facts: Facts) -> Quick {
    thread_state::with(|local| {
        let window = local.to_allocate(facts.spacing);
        let recorded = window.with_slot(address, bytes, facts.spacing, |slot| {
            // SAFETY: a window is open.
            let account = unsafe { local.quick_account() };
            let record = Record::new(account.owner_field(), clock::now_field());
            slot::store_small(slot, record, address, bytes);
            account::add(&account.allocations, 1);
            account::add(&account.allocated_bytes, bytes as u64);
            if local.balance.gained(bytes) { Quick::Unsettled } else { Quick::Done }
        });
        recorded.unwrap_or(Quick::No)
    })
}

/// Forgets a block that is about to be freed, if the quick way may.
#[inline(always)]
pub(crate) fn freed_quickly(address: usize, bytes: usize, facts: Facts) -> Quick {
    thread_state::with(|local| free_small(local, address, bytes, facts, |_| None))
}

/// Whether the quick way may be taken once the window is over `address`, and puts it there.
#[inline(always)]
fn reopen(window: &Window, local: &Local, address: usize, bytes: usize, facts: Facts) -> bool {
    let open = || local.is_quick() && may_be_quick(facts.spacing) && window.open(address, facts.spacing);
    bytes < QUICK_BYTES && (window.is_over(address) || open())
}

/// [`allocated_quickly`] for a block in another span than the thread's last.
#[inline]
fn allocated_elsewhere(address: usize, bytes: usize, facts: Facts) -> Quick {
    thread_state::with(|local| {
        let window = local.to_allocate(facts.spacing);
        if reopen(window, local, address, bytes, facts) {
            allocated_quickly(address, bytes, facts)
        } else {
            Quick::No
        }
    })
}

/// [`freed_quickly`] for a block in another span than the thread's last, or one that another thread allocated; apart
/// from it, for it would take its registers.
#[inline]
fn freed_elsewhere(address: usize, bytes: usize, facts: Facts) -> bool {
    thread_state::with(|local| {
        if !reopen(local.to_free(facts.spacing), local, address, bytes, facts) {
            return false;
        }
        let theirs = |owner: &'static Account| {
            if owner.is_own() { None } else { local.cached_foreign(owner) }
        };
        match free_small(local, address, bytes, facts, theirs) {
            Quick::Done => true,
            Quick::Unsettled => {
                local.balance.settle_crossing();
                true
            }
            Quick::No => false,
        }
    })
}

/// Forgets a block of a quick tier. `theirs` gives the account to write to for one of another thread, or of memscope's
/// own work.
#[inline(always)]
fn free_small(
    local: &Local,
    address: usize,
    bytes: usize,
    facts: Facts,
    theirs: impl FnOnce(&'static Account) -> Option<&'static Account>,
) -> Quick {
    let recorded = local.to_free(facts.spacing).with_slot(address, bytes, facts.spacing, |slot| {
        let Some(owner) = slot::plain_owner(slot) else { return Quick::No };
        // SAFETY: a window is open.
        let owner = unsafe { local.account_of(owner) };
        let account = if owner.is_of_program_on(local.thread()) {
            owner
        } else {
            match theirs(owner) {
                Some(account) => account,
                None => return Quick::No,
            }
        };
        slot::clear_small(slot);
        account::add_release(&account.deallocations, 1);
        account::add_release(&account.deallocated_bytes, bytes as u64);
        if local.balance.lost(bytes) { Quick::Unsettled } else { Quick::Done }
    });
    recorded.unwrap_or(Quick::No)
}

/// Ends the quick way of an event that moved the thread's balance out of its window.
#[cold]
#[inline(never)]
pub(crate) fn settle(block: *mut u8) -> *mut u8 {
    thread_state::with(|local| local.balance.settle_crossing());
    block
}

/// Records a new block, unless it is null; gives it back, so that the caller need not keep it.
#[inline(never)]
pub(crate) fn allocated(block: *mut u8, bytes: usize, facts: Facts) -> *mut u8 {
    if block.is_null() {
        return block;
    }
    first_event(facts);
    let address = block.addr();
    // Asked here already, for what the window needs is laid ready before its own question.
    if bytes < QUICK_BYTES {
        match allocated_elsewhere(address, bytes, facts) {
            Quick::Done => return block,
            Quick::Unsettled => return settle(block),
            Quick::No => {}
        }
    }
    thread_state::with_account(|local, account| {
        if !observer::is_running() {
            local.refresh_clock();
        }
        let Some(slot) = live_map::slot_or_map(address, bytes, spacing(facts)) else {
            UNRECORDED.fetch_add(1, Ordering::Relaxed);
            return;
        };
        account::add(&account.allocations, 1);
        account::add(&account.allocated_bytes, bytes as u64);
        slot.store(Record::new(account.owner_field(), clock::now_field()), address, bytes);
        note(local, account, bytes as i64);
        start_quick(local, facts);
    });
    block
}

/// Forgets a block that is about to be freed.
pub(crate) fn freed(address: usize, bytes: usize, facts: Facts) {
    if bytes < QUICK_BYTES && freed_elsewhere(address, bytes, facts) {
        return;
    }
    let Some(slot) = live_map::slot(address, bytes, spacing(facts)) else { return unknown() };
    let Some(record) = slot.take() else { return unknown() };
    let booked = thread_state::with_account(|local, current| {
        let owner = if record.is_watched() {
            Watch::get(record.owner()).and_then(|watch| watch.freed(bytes, local, current, clock::now_ms()))
        } else {
            Account::get(record.owner())
        };
        let account = local.writable(owner?)?;
        account::add_release(&account.deallocations, 1);
        account::add_release(&account.deallocated_bytes, bytes as u64);
        if !account.is_own() {
            local.balance.changed(-(bytes as i64));
            note_end(local, bytes, record);
        }
        start_quick(local, facts);
        Some(())
    });
    if booked.flatten().is_none() {
        UNRECORDED.fetch_add(1, Ordering::Relaxed);
    }
}

/// The block of `moving` has another place, another size, or both.
pub(crate) fn moved(
    moving: Moving<'_>,
    old_address: usize,
    old_bytes: usize,
    address: usize,
    bytes: usize,
    facts: Facts,
) {
    let record = moving.record();
    let slot = live_map::slot_or_map(address, bytes, spacing(facts));
    match slot {
        Some(slot) => moving.end_in(slot, address, bytes),
        None => moving.clear(),
    }
    let booked = thread_state::with_account(|local, current| {
        let owner = if record.is_watched() {
            Watch::get(record.owner()).and_then(|watch| watch.moved(old_address, old_bytes, address, bytes))
        } else {
            Account::get(record.owner())
        };
        let account = local.writable(owner?)?;
        account::add(&current.reallocations, 1);
        let gained = bytes as i64 - old_bytes as i64;
        if gained >= 0 {
            account::add(&account.allocated_bytes, gained.unsigned_abs());
        } else {
            account::add_release(&account.deallocated_bytes, gained.unsigned_abs());
            note_shrink(local, account, gained.unsigned_abs());
        }
        if slot.is_none() {
            // The block goes on unseen: its books are closed as if it were freed.
            UNRECORDED.fetch_add(1, Ordering::Relaxed);
            account::add_release(&account.deallocations, 1);
            account::add_release(&account.deallocated_bytes, bytes as u64);
            if !account.is_own() {
                note_end(local, bytes, record);
            }
        }
        note(local, account, gained);
        Some(())
    });
    if booked.flatten().is_none() {
        UNRECORDED.fetch_add(1, Ordering::Relaxed);
    }
}

/// A block that no slot knows was freed or resized: it is older than the recording, or was not recorded.
#[cold]
pub(crate) fn unknown() {
    if mode::is_recording() {
        UNKNOWN_BLOCKS.fetch_add(1, Ordering::Relaxed);
    }
}

/// Lets the next events take the quick way: the observer writes the clock, and the allocator keeps its promise.
fn start_quick(local: &Local, facts: Facts) {
    if !local.is_quick() && observer::is_running() && may_be_quick(facts.spacing) {
        local.start_quick();
    }
}

fn note(local: &Local, account: &Account, bytes: i64) {
    if !account.is_own() {
        local.balance.changed(bytes);
    }
}

/// Counts a block of the program's that was freed by its size and its lifetime, if it is one that only the long way frees.
/// After the account's counters: see `ended.rs`.
#[inline(always)]
fn note_end(local: &Local, bytes: usize, record: Record) {
    if bytes >= QUICK_BYTES {
        if let Some(ended) = local.ended() {
            ended.note(bytes, record);
        }
    }
}

/// Counts bytes that a reallocation took from a block.
#[inline(always)]
fn note_shrink(local: &Local, account: &Account, bytes: u64) {
    if !account.is_own() {
        if let Some(ended) = local.ended() {
            ended.note_shrink(bytes);
        }
    }
}

const UNASKED: u8 = 0;
const PROVEN: u8 = 1;
const REFUTED: u8 = 2;

/// Whether `malloc` spaces its blocks as glibc does. Relaxed: every thread finds the same answer.
static SPACED: AtomicU8 = AtomicU8::new(UNASKED);
/// Whether it is `malloc` that serves the program. Relaxed: as above.
static OVER_SYSTEM: AtomicBool = AtomicBool::new(false);

/// Whether memscope's allocator is [`Allocator::system`](crate::Allocator::system) on a system of glibc's, and its `malloc`
/// spaces blocks as glibc's does.
pub(crate) fn is_over_glibc() -> bool {
    OVER_SYSTEM.load(Ordering::Relaxed) && SPACED.load(Ordering::Relaxed) == PROVEN
}

/// What may be relied on of the allocator's spacing.
#[inline]
pub(crate) fn spacing(facts: Facts) -> Spacing {
    if may_be_quick(facts.spacing) { facts.spacing } else { Spacing::Any }
}

/// Whether the spacing that the quick way assumes is true.
#[inline]
fn may_be_quick(spacing: Spacing) -> bool {
    spacing == Spacing::Any || SPACED.load(Ordering::Relaxed) == PROVEN
}

#[inline]
pub(crate) fn first_event(facts: Facts) {
    if SPACED.load(Ordering::Relaxed) == UNASKED {
        mode::allocator_asks(facts.asked);
        ask_spacing(facts.spacing);
    }
}

/// Another library may stand in for glibc's `malloc` (`LD_PRELOAD`). glibc's smallest block holds 24 bytes, and all
/// are aligned to 16; two blocks that hold more than 16 bytes each and are so aligned are 32 bytes apart.
#[cold]
fn ask_spacing(promised: Spacing) {
    OVER_SYSTEM.store(promised == Spacing::ThirtyTwo, Ordering::Relaxed);
    #[cfg(all(target_env = "gnu", target_pointer_width = "64"))]
    let proven = {
        // SAFETY: a block of one byte that is asked for its size and freed at once.
        let (address, usable) = unsafe {
            let block = libc::malloc(1);
            let usable = libc::malloc_usable_size(block);
            libc::free(block);
            (block.addr(), usable)
        };
        usable > 16 && address % 16 == 0
    };
    #[cfg(not(all(target_env = "gnu", target_pointer_width = "64")))]
    let proven = false;
    SPACED.store(if proven { PROVEN } else { REFUTED }, Ordering::Relaxed);
}
