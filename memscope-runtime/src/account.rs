//! Accounts: what one thread did in one scope.
//!
//! An account belongs to one thread and one scope node. Only that thread writes it, by relaxed load and store; a
//! snapshot reads it at any time, while the thread lives and after. A block's record names the account that it was
//! charged to, which says both node and thread in 22 bits.
//!
//! A thread that frees or resizes a block of *another* thread's account writes to an account of its own that stands
//! for that one (`foreign_of`), so no counter is ever shared; the sum over both is the truth, and the pairs are the
//! matrix of who allocates and who frees.
//!
//! Orderings: counters of frees are stored with release and read with acquire, and a snapshot reads all of them
//! before any counter of allocations. A free happens after its allocation was counted, so no live figure can be
//! negative. All else is relaxed.

use crate::slot::{self, Record};
use crate::{pages, thread_state::OWN_NODE};
use std::ptr;
use std::sync::atomic::{AtomicI64, AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// Bits of an account's number in a block's record.
pub(crate) const BITS: u32 = slot::OWNER_BITS;
/// Accounts at most: 2^20, one for each scope that each thread was in. They stand side by side, so that a number is
/// an address by one shift; of the 128 MiB that this reserves, what is touched takes memory.
const MOST: usize = 1 << 20;
/// Accounts where even a little is hard to get.
const FEWEST: usize = 1 << 10;
/// Cached steps to child scopes. A function that calls more tracked functions than this in turns takes the slow
/// path (a hash look-up) for some of them.
const CACHED_CHILDREN: usize = 4;
/// In [`Account::thread`]: the account is of memscope's own work.
const OWN: u32 = 1 << 31;

/// Counters of one thread in one scope node. All-zero is an empty account.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Account {
    pub(crate) allocations: AtomicU64,
    pub(crate) deallocations: AtomicU64,
    pub(crate) allocated_bytes: AtomicU64,
    pub(crate) deallocated_bytes: AtomicU64,
    /// The account's number as the field of a block's record; 0: not opened yet.
    owner_field: AtomicU64,
    /// The thread, with [`OWN`].
    thread: AtomicU32,
    node: AtomicU32,
    pub(crate) calls: AtomicU64,
    pub(crate) reallocations: AtomicU64,
    // Second cache line.
    pub(crate) recursive_calls: AtomicU64,
    /// Live bytes at the peak: see `peak.rs`.
    pub(crate) at_peak: [AtomicI64; 2],
    foreign_of: AtomicU32,
    /// (site, account that entering it leads to, whether that is an ancestor): see [`Account::cached_child`].
    children: [Child; CACHED_CHILDREN],
}

#[derive(Debug)]
struct Child {
    site: AtomicU32,
    /// The account's number, shifted left by one; the low bit says that it is an ancestor of this one.
    account: AtomicU32,
}

/// Account 0, and how many there is room for.
static FIRST: AtomicPtr<Account> = AtomicPtr::new(ptr::null_mut());
static ROOM: AtomicU32 = AtomicU32::new(0);
/// Numbers handed out; number 0 is nobody's.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Adds to a counter that only this thread writes.
#[inline(always)]
pub(crate) fn add(counter: &AtomicU64, amount: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
}

/// Adds to a counter of frees that only this thread writes.
#[inline(always)]
pub(crate) fn add_release(counter: &AtomicU64, amount: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Release);
}

/// Maps room for accounts, as much as may be had.
#[cold]
fn make_room() {
    let mut room = MOST;
    while room > FEWEST && !pages::may_reserve(room * size_of::<Account>()) {
        room /= 2;
    }
    loop {
        // SAFETY: an account is all atomics, for which zero is valid.
        if let Some(fresh) = unsafe { pages::zeroed_slice::<Account>(room) } {
            // Told before the place: who sees the place sees the room. Who comes second sees the same room, unless
            // memory ran out between the two; then the smaller one holds for both.
            let _ = ROOM.fetch_update(Ordering::Release, Ordering::Relaxed, |told| {
                Some(if told == 0 { room as u32 } else { told.min(room as u32) })
            });
            let fresh = fresh.as_ptr().cast_mut();
            let _ = FIRST.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Relaxed);
            return;
        }
        if room <= FEWEST {
            return;
        }
        room /= 2;
    }
}

impl Account {
    /// A new account of `thread` in `node`; `None` where there is no room for more.
    #[cold]
    pub(crate) fn open(node: u32, thread: u32, foreign_of: u32) -> Option<&'static Account> {
        if FIRST.load(Ordering::Acquire).is_null() {
            make_room();
        }
        let room = ROOM.load(Ordering::Relaxed);
        let id =
            NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| (next < room).then_some(next + 1));
        let id = id.ok()?;
        let account = Account::get(id)?;
        account.thread.store(thread | if node == OWN_NODE { OWN } else { 0 }, Ordering::Relaxed);
        account.node.store(node, Ordering::Relaxed);
        account.foreign_of.store(foreign_of, Ordering::Relaxed);
        // Released last: an account without a number is not listed.
        account.owner_field.store(slot::owner_field(id), Ordering::Release);
        Some(account)
    }

    /// The account with this number.
    #[inline(always)]
    pub(crate) fn get(id: u32) -> Option<&'static Account> {
        if id >= ROOM.load(Ordering::Relaxed) {
            return None;
        }
        // SAFETY: there is room for it, in a mapping that stays.
        Some(unsafe { &*Account::first().add(id as usize) })
    }

    /// Account 0, which is nobody's; the others follow it. Null until the first was opened.
    pub(crate) fn first() -> *const Account {
        FIRST.load(Ordering::Acquire)
    }

    /// Every account that was opened so far.
    pub(crate) fn all() -> impl Iterator<Item = &'static Account> {
        let end = NEXT.load(Ordering::Acquire);
        (1..end).filter_map(Account::get).filter(|account| account.owner_field.load(Ordering::Acquire) != 0)
    }

    pub(crate) fn id(&self) -> u32 {
        Record::new(self.owner_field(), 0).owner()
    }

    /// The account's number, for another thread; `None`: it cannot be seen yet.
    pub(crate) fn published_id(&self) -> Option<u32> {
        let field = self.owner_field.load(Ordering::Acquire);
        (field != 0).then(|| Record::new(field, 0).owner())
    }

    /// The account's number, as a block's record holds it.
    #[inline(always)]
    pub(crate) fn owner_field(&self) -> u64 {
        self.owner_field.load(Ordering::Relaxed)
    }

    /// Accounts that were opened so far.
    pub(crate) fn count() -> u32 {
        NEXT.load(Ordering::Relaxed) - 1
    }

    /// Whether it is of memscope's own work.
    #[inline(always)]
    pub(crate) fn is_own(&self) -> bool {
        self.thread.load(Ordering::Relaxed) & OWN != 0
    }

    /// Whether it is the program's and `thread` writes it: one comparison for both.
    #[inline(always)]
    pub(crate) fn is_of_program_on(&self, thread: u32) -> bool {
        self.thread.load(Ordering::Relaxed) == thread
    }

    #[inline(always)]
    pub(crate) fn node(&self) -> u32 {
        self.node.load(Ordering::Relaxed)
    }

    /// The thread that writes this account.
    #[inline(always)]
    pub(crate) fn thread(&self) -> u32 {
        self.thread.load(Ordering::Relaxed) & !OWN
    }

    /// The number of the scope's call on this thread, recursion within it not counted; modulo 2^32. Only the account's
    /// own thread asks.
    pub(crate) fn call(&self) -> u32 {
        let calls = self.calls.load(Ordering::Relaxed);
        calls.wrapping_sub(self.recursive_calls.load(Ordering::Relaxed)) as u32
    }

    /// The account of another thread that this one stands for; 0: none.
    #[inline(always)]
    pub(crate) fn foreign_of(&self) -> u32 {
        self.foreign_of.load(Ordering::Relaxed)
    }

    /// The account that entering `site` from here leads to, and whether it is an ancestor (recursion).
    ///
    /// Only the account's own thread asks, so the two halves of an entry cannot come apart.
    #[inline(always)]
    pub(crate) fn cached_child(&self, site: u32) -> Option<(&'static Account, bool)> {
        let child = self.children.iter().find(|child| child.site.load(Ordering::Relaxed) == site)?;
        let packed = child.account.load(Ordering::Relaxed);
        Account::get(packed >> 1).map(|account| (account, packed & 1 == 1))
    }

    /// Remembers the answer for [`Account::cached_child`], in place of another one where all entries are taken.
    pub(crate) fn cache_child(&self, site: u32, account: &Account, ancestor: bool) {
        let free = self.children.iter().position(|child| child.site.load(Ordering::Relaxed) == 0);
        let child = &self.children[free.unwrap_or(site as usize % CACHED_CHILDREN)];
        child.site.store(site, Ordering::Relaxed);
        child.account.store(account.id() << 1 | u32::from(ancestor), Ordering::Relaxed);
    }

    /// The next entry of each scope from here is a first one again.
    pub(crate) fn forget_children(&self) {
        self.children.iter().for_each(|child| child.site.store(0, Ordering::Relaxed));
    }
}
