//! The peak: the most bytes that were live at once, and how many of them each scope held at that moment.
//!
//! A thread keeps its gains and losses to itself while they stay within a window ([`Balance`]), then adds them to
//! the process's total. When the total reaches [`Total::next`], all accounts are read and each remembers its live bytes:
//! the capture. The peak that is reported is the sum of the best capture, so the scopes' parts sum to it.
//!
//! Bound: the next capture is due 1 % above the last one, or 64 bytes for each account above it if that is more
//! (at most 64 KiB), so that captures cost a constant share of the growth between them. A thread's window is at
//! most 64 KiB wide, of which at most 32 KiB upwards, and ends where the next capture is due. So the peak is
//! missed by at most 1 % and 64 KiB for each thread, spikes between two ticks of any clock included.
//!
//! Orderings: the totals are relaxed counters. Captures are written under [`CAPTURING`], taken with acquire and
//! given back with release. The hook does not wait for it: it tries for some microseconds, then goes on and counts
//! the miss.

use crate::account::Account;
use crate::books::owner_thread;
use crate::estimate::Estimate;
use crate::pages::Scratch;
use crate::tenure::Turn;
use std::cell::Cell;
use std::hint;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

/// A thread's window upwards at most.
const LIMIT_BYTES: i64 = 32 << 10;
/// The whole window: what the 16 bits of [`Balance::room`] hold.
const WINDOW_BYTES: i64 = 1 << 16;
/// How far one thread can put the peak off, beside [`ERROR_SHARE`].
pub(crate) const THREAD_ERROR_BYTES: u64 = WINDOW_BYTES as u64;
/// One part in so many is the rest of the peak's error.
pub(crate) const ERROR_SHARE: u64 = 100;
/// A capture reads one or two cache lines of each account. So many bytes of growth for each (at least two
/// allocations of the mean size that serde_json and syn make) keep it below the cost of these allocations.
const STEP_BYTES_AN_ACCOUNT: i64 = 64;
/// Turns that a thread waits for another one's capture: some 100 µs, in which 20,000 accounts are read.
const PATIENCE: u32 = 20_000;

/// [`Balance::ceiling`] where no budget has an end.
const NO_CEILING: i64 = i64::MAX;

/// What all threads have told.
struct Total {
    /// Live bytes of the program, less what threads keep to themselves.
    live: AtomicI64,
    /// The total at which the next capture is due.
    next: AtomicI64,
}

static TOTAL: Total = Total { live: AtomicI64::new(0), next: AtomicI64::new(0) };
/// Whether a capture is being written or read.
static CAPTURING: Turn = Turn { taken: AtomicBool::new(false) };
/// The sum of the best capture, and which of [`Account::at_peak`] holds it.
static BEST: AtomicI64 = AtomicI64::new(0);
static BEST_INDEX: AtomicUsize = AtomicUsize::new(0);
/// Captures that were due while another one was under way for too long.
static MISSED: AtomicU64 = AtomicU64::new(0);

/// What a thread keeps to itself: `held = limit - room`.
///
/// `room` counts down with gains and up with losses, and both ends of its 16 bits are ends of the window: so one
/// addition or subtraction is also the test.
#[derive(Debug)]
pub(crate) struct Balance {
    room: Cell<u16>,
    limit: Cell<u16>,
    /// The net gain past which the thread tells of every new height: a budget's end (`budget.rs`).
    ceiling: Cell<i64>,
    /// What was told of while there was a ceiling: the net gain is this and `held`.
    told: Cell<i64>,
    /// The highest net gain at any telling, since a budget's reading began.
    highest: Cell<i64>,
}

/// What a budget's reading found when it began, to be put back at its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heights {
    ceiling: i64,
    highest: i64,
}

impl Balance {
    pub(crate) const fn new() -> Balance {
        Balance {
            room: Cell::new(0),
            limit: Cell::new(0),
            told: Cell::new(0),
            ceiling: Cell::new(NO_CEILING),
            highest: Cell::new(i64::MIN),
        }
    }

    /// Begins to watch for a net gain of more than `most` bytes beyond `start_of(net gain now)`, beside what is
    /// watched already. Returns the start, and what [`Balance::end_watch`] is to put back.
    pub(crate) fn begin_watch(&self, most: u64, start_of: impl FnOnce(i64) -> i64) -> (i64, Heights) {
        self.flush();
        let now = self.told.get();
        let start = start_of(now);
        let before = Heights { ceiling: self.ceiling.get(), highest: self.highest.replace(now) };
        let ceiling = start.saturating_add(i64::try_from(most).unwrap_or(NO_CEILING));
        self.ceiling.set(before.ceiling.min(ceiling));
        self.flush();
        (start, before)
    }

    /// Ends it. Returns the highest net gain meanwhile, exact where it was past a ceiling, and the one now.
    pub(crate) fn end_watch(&self, before: Heights) -> (i64, i64) {
        self.flush();
        let highest = self.highest.get();
        self.highest.set(before.highest.max(highest));
        self.ceiling.set(before.ceiling);
        self.flush();
        (highest, self.told.get())
    }

    /// The program gained a block of less than 1 KiB. True: [`Balance::settle_crossing`] is to be called.
    #[inline(always)]
    #[must_use]
    pub(crate) fn gained(&self, bytes: usize) -> bool {
        let (room, crossed) = self.room.get().overflowing_sub(bytes as u16);
        self.room.set(room);
        crossed
    }

    /// The program lost a block of less than 1 KiB. True: [`Balance::settle_crossing`] is to be called.
    #[inline(always)]
    #[must_use]
    pub(crate) fn lost(&self, bytes: usize) -> bool {
        let (room, crossed) = self.room.get().overflowing_add(bytes as u16);
        self.room.set(room);
        crossed
    }

    /// The program gained, or lost, any number of bytes.
    pub(crate) fn changed(&self, bytes: i64) {
        self.changed_beside(&TOTAL, bytes);
    }

    /// Settles after an event that moved the balance over an end of its window.
    pub(crate) fn settle_crossing(&self) {
        self.settle_crossing_with(&TOTAL);
    }

    /// Tells the process all that the thread kept to itself.
    pub(crate) fn flush(&self) {
        self.settle(&TOTAL, self.held());
    }

    pub(crate) fn held(&self) -> i64 {
        i64::from(self.limit.get()) - i64::from(self.room.get())
    }

    fn changed_beside(&self, total: &Total, bytes: i64) {
        let held = self.held() + bytes;
        let room = i64::from(self.limit.get()) - held;
        match u16::try_from(room) {
            Ok(room) => self.room.set(room),
            Err(_) => self.settle(total, held),
        }
    }

    fn settle_crossing_with(&self, total: &Total) {
        // Less than 1 KiB went over: after a gain the room is just below 2^16, after a loss just above 0.
        let wrapped =
            if i64::from(self.room.get()) > WINDOW_BYTES / 2 { WINDOW_BYTES } else { -WINDOW_BYTES };
        self.settle(total, self.held() + wrapped);
    }

    fn settle(&self, total: &Total, held: i64) {
        let live = total.live.fetch_add(held, Ordering::Relaxed) + held;
        if live >= total.next.load(Ordering::Relaxed) {
            capture(live);
        }
        let mut limit = (total.next.load(Ordering::Relaxed) - live).clamp(0, LIMIT_BYTES);
        if self.ceiling.get() != NO_CEILING {
            limit = limit.min(self.to_ceiling(held));
        }
        self.limit.set(limit as u16);
        self.room.set(limit as u16);
    }
}

impl Balance {
    /// How far it is to the end of a budget, after `held` bytes more were told of. Past it, nowhere.
    #[cold]
    fn to_ceiling(&self, held: i64) -> i64 {
        let told = self.told.get() + held;
        self.told.set(told);
        self.highest.set(self.highest.get().max(told));
        self.ceiling.set(self.ceiling.get().max(told));
        self.ceiling.get() - told
    }
}

/// Has every account remember its live bytes, if that makes a higher sum than any before.
#[cold]
fn capture(total: i64) {
    if !try_begin() {
        MISSED.fetch_add(1, Ordering::Relaxed);
        return;
    }
    if total >= TOTAL.next.load(Ordering::Relaxed) {
        let index = 1 - BEST_INDEX.load(Ordering::Relaxed);
        // Frees before allocations, so that no scope's figure is negative.
        for account in theirs() {
            let freed = account.deallocated_bytes.load(Ordering::Acquire) as i64;
            account.at_peak[index].store(-freed, Ordering::Relaxed);
        }
        let mut sum = 0;
        for account in theirs() {
            let allocated = account.allocated_bytes.load(Ordering::Relaxed) as i64;
            let live = account.at_peak[index].load(Ordering::Relaxed) + allocated;
            account.at_peak[index].store(live, Ordering::Relaxed);
            if let Some(estimate) = Estimate::known(account) {
                estimate.at_peak[index].set(estimate.live_bytes());
            }
            sum += live;
        }
        if sum > BEST.load(Ordering::Relaxed) {
            BEST.store(sum, Ordering::Relaxed);
            BEST_INDEX.store(index, Ordering::Relaxed);
        }
        let step = (i64::from(Account::count()) * STEP_BYTES_AN_ACCOUNT).min(WINDOW_BYTES);
        let reached = sum.max(total);
        TOTAL.next.store(reached + step.max(reached / ERROR_SHARE as i64), Ordering::Relaxed);
    }
    end();
}

fn theirs() -> impl Iterator<Item = &'static Account> {
    Account::all().filter(|account| !account.is_own())
}

fn try_begin() -> bool {
    for _ in 0..PATIENCE {
        if CAPTURING.try_take() {
            return true;
        }
        hint::spin_loop();
    }
    false
}

fn end() {
    CAPTURING.end();
}

/// Runs `f` while no capture is written. `f` neither allocates nor waits.
fn held_still<R>(f: impl FnOnce() -> R) -> R {
    while !try_begin() {
        std::thread::yield_now();
    }
    let result = f();
    end();
    result
}

/// Bytes live at the peak and the variance of their number, by node and allocating thread, of the accounts that held any.
pub(crate) fn at_peak() -> Scratch<(u32, u32, i64, f64)> {
    let mut parts = Scratch::with_capacity(Account::count() as usize);
    held_still(|| {
        let index = BEST_INDEX.load(Ordering::Relaxed);
        for account in theirs() {
            let live = account.at_peak[index].load(Ordering::Relaxed);
            let variance = Estimate::known(account).map_or(0.0, |estimate| estimate.at_peak[index].get());
            if live != 0 && !parts.push((account.node(), owner_thread(account), live, variance)) {
                break;
            }
        }
    });
    parts
}

/// Captures that were due and could not be made.
pub(crate) fn missed() -> u64 {
    MISSED.load(Ordering::Relaxed)
}

/// Holds captures still, for a fork. Whoever forks calls [`after_fork`] on both sides.
pub(crate) fn before_fork() {
    while !try_begin() {
        std::thread::yield_now();
    }
}

/// Lets captures go on.
pub(crate) fn after_fork() {
    end();
}

/// Only one thread is left, which keeps `held` to itself: what the others kept is in their accounts.
pub(crate) fn only_thread(held: i64, live_bytes: u64) {
    TOTAL.live.store(live_bytes as i64 - held, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_holds_back_what_fits_its_window_and_tells_the_rest() {
        // A total of its own, at which no capture is due.
        let total = Total { live: AtomicI64::new(0), next: AtomicI64::new(i64::MAX / 2) };
        let balance = Balance::new();
        let mut expected = 0;
        let mut random = 1u64;
        for _ in 0..100_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let bytes = (random >> 54) as usize; // below 1,024
            let crossed = match random >> 32 & 7 {
                0..4 => {
                    expected += bytes as i64;
                    balance.gained(bytes)
                }
                4..7 => {
                    expected -= bytes as i64;
                    balance.lost(bytes)
                }
                _ => {
                    let bytes = (random >> 40 & 0x3_ffff) as i64 - 0x1_ffff;
                    expected += bytes;
                    balance.changed_beside(&total, bytes);
                    false
                }
            };
            if crossed {
                balance.settle_crossing_with(&total);
            }
            assert_eq!(total.live.load(Ordering::Relaxed) + balance.held(), expected);
            assert!(balance.held().abs() <= WINDOW_BYTES, "{}", balance.held());
        }
        balance.settle(&total, balance.held());
        assert_eq!((total.live.load(Ordering::Relaxed), balance.held()), (expected, 0));
    }

    #[test]
    fn a_watch_finds_the_height_past_its_ceiling_to_the_byte() {
        let total = Total { live: AtomicI64::new(0), next: AtomicI64::new(i64::MAX / 2) };
        let gain = |balance: &Balance, bytes| {
            if balance.gained(bytes) {
                balance.settle_crossing_with(&total);
            }
        };
        let lose = |balance: &Balance, bytes| {
            if balance.lost(bytes) {
                balance.settle_crossing_with(&total);
            }
        };
        let balance = Balance::new();
        gain(&balance, 500);
        // `begin_watch` tells the process's total of it, which is of no account here.
        let (start, before) = balance.begin_watch(1_000, |now| now);
        assert_eq!(start, 0, "what was told of before there was a ceiling is not counted");
        gain(&balance, 1_000);
        // An inner one, of whose ceiling the outer one knows nothing: 1,000 + 300 is past both.
        let (inner_start, inner_before) = balance.begin_watch(200, |now| now);
        gain(&balance, 300);
        lose(&balance, 250);
        assert_eq!(balance.end_watch(inner_before), (inner_start + 300, inner_start + 50));
        lose(&balance, 1_000);
        assert_eq!(balance.end_watch(before), (start + 1_300, start + 50));
        // Within its ceiling, a watch does not see more than that.
        let (start, before) = balance.begin_watch(1_000, |now| now);
        gain(&balance, 1_000);
        lose(&balance, 1_000);
        assert!(balance.end_watch(before).0 <= start + 1_000);
        assert_eq!((balance.ceiling.get(), balance.told.get()), (NO_CEILING, 50));
    }
}
