//! The event log of a self-check (`self_check.rs`): what the allocator did on the threads that are checked, event by
//! event.
//!
//! Checked are the thread that asks for the check and every thread whose first event comes while it runs. They hide
//! their countdown (`Lottery`), so that no event passes: all come to the cold functions of `by_lot.rs`, which write them
//! down here. A thread that ran before is on its way already; to reach it, that way would have to ask something, in each
//! event of every program, so such a thread is left out.
//!
//! ```text
//! PHASE   idle ──→ preparing ──→ open ──→ closing ──→ idle, with the next number
//!                                 │          └ events wait while the books are read
//!                                 └ events are logged
//! ```
//!
//! An event lies wholly on one side of a check's end: it counts itself in and then looks whether the check is open, and
//! who closes waits until none is in. That needs sequential consistency: of "count in, then look" and "close, then
//! count", one sees the other. Waiting is safe, for an event waits before it calls the inner allocator, and the reading
//! that it waits for takes no lock and allocates nothing. No event of a thread that is not checked waits.
//!
//! An entry's index, from one `fetch_add`, is its place in the order of all. An allocation takes its index after the
//! inner allocator gave the block and a free takes its own before the block goes back. Whoever is handed an address again
//! was handed it by that allocator after the free, so its index is the greater one: additions to one atomic are in the
//! order in which they happen. A reallocation may do both, so it has two entries, before and after.
//!
//! The sampler books frees and resizes of blocks from before the check, too. The log does not know who allocated these,
//! so their part is booked once more, here ([`Outside`]), and taken off.

use crate::account::{self, Account};
use crate::arena::Arena;
use crate::books::Reading;
use crate::estimate::Estimate;
use crate::pages::{self, Lent};
use crate::record::Facts;
use crate::thread_state::{self, Local};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Entries at most: 1 GiB of address space, of which what is written takes memory. The work of the example `code_index`
/// writes a fortieth of it.
const MOST: usize = 1 << 25;
/// Entries where even a little is hard to get.
const FEWEST: usize = 1 << 15;

/// The phase of the check, with its number above.
static PHASE: AtomicU32 = AtomicU32::new(IDLE);
const IDLE: u32 = 0;
const PREPARING: u32 = 1;
const OPEN: u32 = 2;
const CLOSING: u32 = 3;
const PHASE_BITS: u32 = 2;

/// Events of checked threads that are under way.
static UNDER_WAY: AtomicU32 = AtomicU32::new(0);
/// Whether an event could not be said to be anybody's.
static IS_INCOMPLETE: AtomicBool = AtomicBool::new(false);

// Written before the check is open, so who finds it open finds these.
static ENTRIES: AtomicPtr<Entry> = AtomicPtr::new(ptr::null_mut());
static ROOM: AtomicUsize = AtomicUsize::new(0);
/// Indices that were taken; more than there is room for: the log is full.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// All-zero is an entry that nobody wrote.
struct Entry {
    /// The event, above it the scope node, and the thread in the upper half.
    what: AtomicU64,
    /// Where the block is; for a resize that ended: is now.
    address: AtomicU64,
    bytes: AtomicU64,
    /// For a resize that ended: the index of its beginning.
    begun: AtomicU64,
}

const ALLOCATED: u64 = 1;
const FREED: u64 = 2;
const RESIZING: u64 = 3;
const RESIZED: u64 = 4;
const REFUSED: u64 = 5;
const EVENT_BITS: u32 = 3;

/// What happened, as it is read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Allocated {
        address: u64,
        bytes: u64,
    },
    Freed {
        address: u64,
        bytes: u64,
    },
    Resizing {
        address: u64,
        bytes: u64,
    },
    /// The resize that began at the index `begun` gave this.
    Resized {
        begun: u64,
        address: u64,
        bytes: u64,
    },
    /// The resize that began at the index `begun` left the block as it was.
    Refused {
        begun: u64,
        address: u64,
    },
}

/// An event, who did it and in which scope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logged {
    pub(crate) event: Event,
    pub(crate) node: u32,
    pub(crate) thread: u32,
}

/// What the sampler booked in an account for samples that were not drawn in the check. All-zero is nothing.
pub(crate) struct Outside {
    pub(crate) account: Account,
    pub(crate) estimate: Estimate,
}

// SAFETY: all atomics, for which zero is valid.
static OUTSIDE: Arena<Outside, { 1 << (account::BITS - 10) }> = unsafe { Arena::new() };

impl Outside {
    /// That of `account`, for a sample that was drawn in the check `check` (0: in none), if this thread is checked and
    /// that is not its check.
    pub(crate) fn of(local: &Local, check: u32, account: &Account) -> Option<&'static Outside> {
        let checked = local.lottery.check();
        if checked == 0 || checked == check {
            return None;
        }
        let outside = OUTSIDE.get_or_map(account.id());
        if outside.is_none() {
            IS_INCOMPLETE.store(true, Ordering::Relaxed);
        }
        outside
    }

    /// That of the account with a number, if there was any.
    pub(crate) fn known(account: u32) -> Option<&'static Outside> {
        OUTSIDE.get(account)
    }

    /// As the account's own counters are read.
    pub(crate) fn read(&self) -> Reading {
        Reading {
            deallocations: self.account.deallocations.load(Ordering::Relaxed),
            deallocated_bytes: self.account.deallocated_bytes.load(Ordering::Relaxed),
            reallocations: self.account.reallocations.load(Ordering::Relaxed),
            variances: self.estimate.read(),
            ..Reading::default()
        }
    }

    fn clear(&self) {
        let Account { deallocations, deallocated_bytes, reallocations, .. } = &self.account;
        for counter in [deallocations, deallocated_bytes, reallocations] {
            counter.store(0, Ordering::Relaxed);
        }
        self.estimate.clear();
    }
}

/// The check that a thread whose first event is now belongs to; 0: none.
pub(crate) fn open_check() -> u32 {
    let phase = PHASE.load(Ordering::SeqCst);
    if phase & CLOSING == OPEN { phase >> PHASE_BITS } else { 0 }
}

/// An event of a checked thread, while it is under way.
pub(crate) struct UnderWay(());

impl UnderWay {
    /// `None` on a thread that is not checked, or no more.
    #[inline]
    pub(crate) fn begin(facts: Facts) -> Option<UnderWay> {
        thread_state::with(|local| {
            local.lottery.known_kind(facts);
            if local.lottery.check() == 0 { None } else { begin_checked(local) }
        })
    }

    /// A block was given; null: it was not.
    pub(crate) fn allocated(&self, block: *mut u8, bytes: usize) {
        if !block.is_null() {
            write(ALLOCATED, block.addr(), bytes, 0);
        }
    }

    /// A block is about to be given back.
    pub(crate) fn freed(&self, block: *mut u8, bytes: usize) {
        write(FREED, block.addr(), bytes, 0);
    }

    /// A block is about to be resized.
    pub(crate) fn resizing(self, block: *mut u8, bytes: usize) -> Resizing {
        Resizing { begun: write(RESIZING, block.addr(), bytes, 0), block, under_way: self }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A resize of a checked thread, while it is under way.
pub(crate) struct Resizing {
    begun: usize,
    block: *mut u8,
    under_way: UnderWay,
}

impl Resizing {
    /// The block is here now; null: it stayed as it was.
    pub(crate) fn end(self, moved: *mut u8, bytes: usize) {
        let (event, block) = if moved.is_null() { (REFUSED, self.block) } else { (RESIZED, moved) };
        write(event, block.addr(), bytes, self.begun);
        drop(self.under_way);
    }
}

#[cold]
fn begin_checked(local: &Local) -> Option<UnderWay> {
    let check = local.lottery.check();
    loop {
        UNDER_WAY.fetch_add(1, Ordering::SeqCst);
        let under_way = UnderWay(());
        let phase = PHASE.load(Ordering::SeqCst);
        if phase == check << PHASE_BITS | OPEN {
            return Some(under_way);
        }
        drop(under_way);
        if phase != check << PHASE_BITS | CLOSING {
            local.lottery.leave_check();
            return None;
        }
        // SAFETY: it takes nothing and always succeeds.
        unsafe { libc::sched_yield() };
    }
}

/// Writes an entry; gives its index.
fn write(event: u64, address: usize, bytes: usize, begun: usize) -> usize {
    let who = thread_state::with_account(|local, account| (local.thread(), account.node()));
    let index = NEXT.fetch_add(1, Ordering::Relaxed);
    let Some((thread, node)) = who else {
        IS_INCOMPLETE.store(true, Ordering::Relaxed);
        return index;
    };
    if index < ROOM.load(Ordering::Relaxed) {
        // SAFETY: the check is open while an event is under way, so the log is mapped, and it is as long.
        let entry = unsafe { &*ENTRIES.load(Ordering::Relaxed).add(index) };
        let what = event | u64::from(node) << EVENT_BITS | u64::from(thread) << 32;
        entry.what.store(what, Ordering::Relaxed);
        entry.address.store(address as u64, Ordering::Relaxed);
        entry.bytes.store(bytes as u64, Ordering::Relaxed);
        entry.begun.store(begun as u64, Ordering::Relaxed);
    }
    index
}

/// Why no log was begun.
pub(crate) enum Refused {
    AnotherRuns,
    NoMemory,
}

/// The log of one check, for who checks.
pub(crate) struct Log {
    number: u32,
    entries: Lent<Entry>,
}

impl Log {
    /// An empty log, in which nothing is written yet.
    pub(crate) fn prepare() -> Result<Log, Refused> {
        let idle = PHASE.load(Ordering::SeqCst);
        let is_idle = idle & CLOSING == IDLE;
        let number = (idle >> PHASE_BITS) + 1;
        let preparing = number << PHASE_BITS | PREPARING;
        if !is_idle || PHASE.compare_exchange(idle, preparing, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            return Err(Refused::AnotherRuns);
        }
        let mut room = MOST;
        let entries: Lent<Entry> = loop {
            if room <= FEWEST || pages::may_reserve(room * size_of::<Entry>()) {
                // SAFETY: an entry is all atomics, for which zero is valid.
                if let Some(entries) = unsafe { Lent::zeroed(room) } {
                    break entries;
                }
            }
            if room <= FEWEST {
                PHASE.store(number << PHASE_BITS | IDLE, Ordering::SeqCst);
                return Err(Refused::NoMemory);
            }
            room /= 2;
        };
        Account::all().filter_map(|account| Outside::known(account.id())).for_each(Outside::clear);
        IS_INCOMPLETE.store(false, Ordering::Relaxed);
        NEXT.store(0, Ordering::Relaxed);
        ROOM.store(room, Ordering::Relaxed);
        ENTRIES.store(entries.as_slice().as_ptr().cast_mut(), Ordering::Relaxed);
        Ok(Log { number, entries })
    }

    /// From here on events of this thread are logged, and of those that begin.
    pub(crate) fn open(&self) {
        PHASE.store(self.number << PHASE_BITS | OPEN, Ordering::SeqCst);
        thread_state::with(|local| local.lottery.join_check(self.number));
    }

    /// Ends the check on this thread and keeps the others from going on until [`Log::let_go`]. False in the child of a
    /// fork, where the check is over already.
    pub(crate) fn close(&self) -> bool {
        let (open, closing) = (self.number << PHASE_BITS | OPEN, self.number << PHASE_BITS | CLOSING);
        let closed = PHASE.compare_exchange(open, closing, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        thread_state::with(|local| local.lottery.leave_check());
        while closed && UNDER_WAY.load(Ordering::SeqCst) > 0 {
            // SAFETY: it takes nothing and always succeeds.
            unsafe { libc::sched_yield() };
        }
        closed
    }

    /// The other threads go on, unchecked.
    pub(crate) fn let_go(&self) {
        let closing = self.number << PHASE_BITS | CLOSING;
        let idle = self.number << PHASE_BITS | IDLE;
        let _ = PHASE.compare_exchange(closing, idle, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Entries that would have been written, had there been room for all.
    pub(crate) fn len(&self) -> usize {
        NEXT.load(Ordering::Relaxed)
    }

    pub(crate) fn room(&self) -> usize {
        self.entries.as_slice().len()
    }

    pub(crate) fn is_incomplete(&self) -> bool {
        IS_INCOMPLETE.load(Ordering::Relaxed)
    }

    /// What was written, in order, once the log is closed.
    pub(crate) fn events(&self) -> impl Iterator<Item = Logged> {
        self.entries.as_slice().iter().take(self.len()).filter_map(|entry| {
            let what = entry.what.load(Ordering::Relaxed);
            let (address, bytes) =
                (entry.address.load(Ordering::Relaxed), entry.bytes.load(Ordering::Relaxed));
            let begun = entry.begun.load(Ordering::Relaxed);
            let event = match what & ((1 << EVENT_BITS) - 1) {
                ALLOCATED => Event::Allocated { address, bytes },
                FREED => Event::Freed { address, bytes },
                RESIZING => Event::Resizing { address, bytes },
                RESIZED => Event::Resized { begun, address, bytes },
                REFUSED => Event::Refused { begun, address },
                _ => return None,
            };
            Some(Logged { event, node: what as u32 >> EVENT_BITS, thread: (what >> 32) as u32 })
        })
    }
}

/// In a fork's child: there is no check, and who was in an event is not here.
pub(crate) fn after_fork() {
    let number = PHASE.load(Ordering::SeqCst) >> PHASE_BITS;
    PHASE.store(number << PHASE_BITS | IDLE, Ordering::SeqCst);
    UNDER_WAY.store(0, Ordering::SeqCst);
}
