//! Watches: what becomes of the blocks that a variable owns.
//!
//! When a variable is observed, the records of its blocks are renamed from their account to a watch of the
//! variable's, which remembers the account. The hook tells a watch of every free and move of its blocks; so a
//! variable's bytes are exact at any time, without looking at it again. The first blocks of an instance get a
//! watch each, which also keeps their story; all others of one account share one.
//!
//! Orderings: `blocks` is decremented last, with release; who reads 0 with acquire may reuse the watch.

use crate::account::{self, Account};
use crate::arena::Arena;
use crate::fork::{self, Side};
use crate::pages;
use parking_lot::Mutex;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// The instance of a watch that serves no variable: a block's follower (`follow.rs`).
pub(crate) const FOLLOWER: u64 = u64::MAX;

/// Live bytes of a row of `variables[]`, kept by its watches. All-zero is valid.
#[derive(Debug)]
pub(crate) struct RowBytes {
    live: AtomicU64,
    peak: AtomicU64,
}

impl RowBytes {
    /// Zeroed counters of a new row; `None` where there is no memory for them.
    pub(crate) fn open() -> Option<&'static RowBytes> {
        // SAFETY: two atomics, for which zero is valid.
        unsafe { pages::zeroed() }
    }

    fn gain(&self, bytes: u64) {
        let live = self.live.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.peak.fetch_max(live, Ordering::Relaxed);
    }

    fn lose(&self, bytes: u64) {
        self.live.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(crate) fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

/// One watch. All-zero is valid.
#[repr(C, align(64))]
pub(crate) struct Watch {
    id: AtomicU32,
    account: AtomicU32,
    /// The instance it serves; 0: none, it is free.
    instance: AtomicU64,
    row: AtomicPtr<RowBytes>,
    /// Blocks alive.
    blocks: AtomicU64,
    /// Their bytes.
    bytes: AtomicU64,
    /// Address of the block last added or moved.
    address: AtomicU64,
    /// Size of the block last added, resized or freed.
    last_bytes: AtomicU64,
    stamp: AtomicU32,
    reallocations: AtomicU32,
    grown_bytes: AtomicU64,
    /// Milliseconds plus one at which a block was last freed; 0: none was.
    freed_ms: AtomicU64,
    freed_by: AtomicU32,
    /// Blocks that another variable took over.
    handed_over: AtomicU32,
    /// The follower of the same block; 0: none.
    listener: AtomicU32,
    /// Of a follower: who holds it. Written under the lock of `follow.rs`.
    holders: AtomicU32,
}

// SAFETY: a watch is all atomics, for which zero is valid.
static WATCHES: Arena<Watch, { 1 << (account::BITS - 10) }> = unsafe { Arena::new() };

struct Numbers {
    next: u32,
    free: Vec<u32>,
}

/// Numbers to hand out; taken when a variable is observed, never by the hook.
static NUMBERS: Mutex<Numbers> = Mutex::new(Numbers { next: 1, free: Vec::new() });

/// Takes the lock on the numbers and keeps it, for a fork.
pub(crate) fn lock() {
    std::mem::forget(NUMBERS.lock());
}

/// Gives it back, in the process that took it or in its fork's child.
///
/// # Safety
/// [`lock`] was called before, by this thread or by the one whose fork it is in.
pub(crate) unsafe fn unlock(side: Side) {
    // SAFETY: the caller's promise is handed on.
    unsafe { fork::unlock(&NUMBERS, side) };
}

impl Watch {
    #[inline]
    pub(crate) fn get(id: u32) -> Option<&'static Watch> {
        WATCHES.get(id)
    }

    /// A watch over blocks of `account` for an instance; `None` where there is no room for more.
    pub(crate) fn open(
        instance: u64,
        account: u32,
        row: Option<&'static RowBytes>,
    ) -> Option<&'static Watch> {
        let mut numbers = NUMBERS.lock();
        let id = match numbers.free.pop() {
            Some(id) => id,
            None if numbers.next < 1 << account::BITS => {
                let id = numbers.next;
                WATCHES.get_or_map(id)?;
                numbers.next += 1;
                id
            }
            None => return None,
        };
        drop(numbers);
        let watch = Watch::get(id)?;
        watch.id.store(id, Ordering::Relaxed);
        watch.account.store(account, Ordering::Relaxed);
        watch.instance.store(instance, Ordering::Relaxed);
        watch.row.store(row.map_or(ptr::null_mut(), |row| ptr::from_ref(row).cast_mut()), Ordering::Relaxed);
        // A follower that was let go of before its block ended leaves a count behind.
        for counter in [
            &watch.blocks,
            &watch.bytes,
            &watch.address,
            &watch.last_bytes,
            &watch.grown_bytes,
            &watch.freed_ms,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
        for counter in
            [&watch.stamp, &watch.reallocations, &watch.freed_by, &watch.handed_over, &watch.listener]
        {
            counter.store(0, Ordering::Relaxed);
        }
        watch.holders.store(1, Ordering::Relaxed);
        Some(watch)
    }

    /// Gives back watches whose blocks are all gone.
    pub(crate) fn close(ids: impl IntoIterator<Item = u32>) {
        let mut numbers = NUMBERS.lock();
        for id in ids {
            if let Some(watch) = Watch::get(id) {
                watch.instance.store(0, Ordering::Relaxed);
                numbers.free.push(id);
            }
        }
    }

    fn row(&self) -> Option<&'static RowBytes> {
        // SAFETY: null or counters that stay mapped.
        unsafe { self.row.load(Ordering::Relaxed).as_ref() }
    }

    /// A block comes under watch. Counted before its record is renamed, so that its free finds the count; see
    /// [`Watch::take_back`] and [`Watch::note_gain`].
    pub(crate) fn add(&self, address: usize, bytes: usize, stamp: u32) {
        self.address.store(address as u64, Ordering::Relaxed);
        self.last_bytes.store(bytes as u64, Ordering::Relaxed);
        self.stamp.store(stamp, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.blocks.fetch_add(1, Ordering::Relaxed);
    }

    /// The block that was added is counted for the row, once the row's former watch has let go of it.
    pub(crate) fn note_gain(&self, bytes: usize) {
        if let Some(row) = self.row() {
            row.gain(bytes as u64);
        }
    }

    /// The block that was added did not come under watch after all.
    pub(crate) fn take_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes as u64, Ordering::Relaxed);
        self.blocks.fetch_sub(1, Ordering::Release);
    }

    /// A block leaves the watch without being freed.
    pub(crate) fn withdraw(&self, bytes: usize) {
        if let Some(row) = self.row() {
            row.lose(bytes as u64);
        }
        self.take_back(bytes);
    }

    /// The watch that is told what this one is told; 0: none. A follower that a variable's watch took over from is the
    /// listener of that one.
    pub(crate) fn listener(&self) -> u32 {
        if self.instance() == FOLLOWER { self.id() } else { self.listener.load(Ordering::Relaxed) }
    }

    pub(crate) fn set_listener(&self, id: u32) {
        self.listener.store(id, Ordering::Relaxed);
    }

    /// One holder more. Call it under the lock of `follow.rs`.
    pub(crate) fn hold(&self) {
        self.holders.store(self.holders.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// One holder less; true if it was the last. Call it under the lock of `follow.rs`.
    pub(crate) fn let_go(&self) -> bool {
        let holders = self.holders.load(Ordering::Relaxed).saturating_sub(1);
        self.holders.store(holders, Ordering::Relaxed);
        holders == 0
    }

    pub(crate) fn is_held(&self) -> bool {
        self.holders.load(Ordering::Relaxed) > 0
    }

    fn told(&self) -> Option<&'static Watch> {
        Watch::get(self.listener.load(Ordering::Relaxed)).filter(|watch| watch.instance() == FOLLOWER)
    }

    /// Another variable took over a block.
    pub(crate) fn hand_over(&self, bytes: usize) {
        self.handed_over.fetch_add(1, Ordering::Relaxed);
        self.withdraw(bytes);
    }

    /// A block is being freed; gives the account that allocated it.
    #[cold]
    pub(crate) fn freed(&self, bytes: usize, thread: u32, now_ms: u64) -> Option<&'static Account> {
        let account = Account::get(self.account.load(Ordering::Relaxed));
        if let Some(listener) = self.told() {
            listener.freed(bytes, thread, now_ms);
        }
        self.last_bytes.store(bytes as u64, Ordering::Relaxed);
        self.freed_ms.store(now_ms + 1, Ordering::Relaxed);
        self.freed_by.store(thread, Ordering::Relaxed);
        self.withdraw(bytes);
        account
    }

    /// A block was resized, and perhaps moved; gives the account that allocated it.
    #[cold]
    pub(crate) fn moved(&self, address: usize, old_bytes: usize, bytes: usize) -> Option<&'static Account> {
        if let Some(listener) = self.told() {
            listener.moved(address, old_bytes, bytes);
        }
        self.address.store(address as u64, Ordering::Relaxed);
        self.last_bytes.store(bytes as u64, Ordering::Relaxed);
        self.reallocations.fetch_add(1, Ordering::Relaxed);
        if bytes >= old_bytes {
            let gained = (bytes - old_bytes) as u64;
            self.grown_bytes.fetch_add(gained, Ordering::Relaxed);
            self.bytes.fetch_add(gained, Ordering::Relaxed);
            if let Some(row) = self.row() {
                row.gain(gained);
            }
        } else {
            let lost = (old_bytes - bytes) as u64;
            self.bytes.fetch_sub(lost, Ordering::Relaxed);
            if let Some(row) = self.row() {
                row.lose(lost);
            }
        }
        Account::get(self.account.load(Ordering::Relaxed))
    }

    pub(crate) fn id(&self) -> u32 {
        self.id.load(Ordering::Relaxed)
    }

    pub(crate) fn account(&self) -> u32 {
        self.account.load(Ordering::Relaxed)
    }

    pub(crate) fn instance(&self) -> u64 {
        self.instance.load(Ordering::Relaxed)
    }

    pub(crate) fn blocks(&self) -> u64 {
        self.blocks.load(Ordering::Acquire)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn grown_bytes(&self) -> u64 {
        self.grown_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn reallocations(&self) -> u64 {
        u64::from(self.reallocations.load(Ordering::Relaxed))
    }

    pub(crate) fn address(&self) -> u64 {
        self.address.load(Ordering::Relaxed)
    }

    pub(crate) fn last_bytes(&self) -> u64 {
        self.last_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn stamp(&self) -> u32 {
        self.stamp.load(Ordering::Relaxed)
    }

    pub(crate) fn handed_over(&self) -> u64 {
        u64::from(self.handed_over.load(Ordering::Relaxed))
    }

    /// When, and by which thread, a block was last freed.
    pub(crate) fn freed_at(&self) -> Option<(u64, u32)> {
        let ms = self.freed_ms.load(Ordering::Relaxed).checked_sub(1)?;
        Some((ms, self.freed_by.load(Ordering::Relaxed)))
    }
}
