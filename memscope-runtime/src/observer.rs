//! The one background thread: it writes the coarse clock, draws the timeline and the scopes' trends, and looks at what
//! the program's threads do.
//!
//! It works under a budget of 0.5 % of one processor's time, by its own clock: what a tick costs beyond that is paid back
//! by later ticks, which only write the coarse clock, and come half as often. At most a fifth goes into reading all accounts (timeline and trends).
//!
//! It starts at the first tracked scope or variable, never inside the hook, and is not inherited by a fork's child.
//! It is a bare thread (`bare_thread.rs` says why), so it allocates nothing, takes no lock that could make it wait, and
//! is in nobody's books.

use crate::bare_thread;
use crate::estimate::standard_error;
use crate::mode::{self, Decided};
use crate::patrol::{self, Patrol};
use crate::purse::Purse;
use crate::resident::Statm;
use crate::snapshot::{Observer, TimelinePoint};
use crate::tenure::Turn;
use crate::trend::Moments;
use crate::{books, clock, fork, system_call};
use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// Points that the timeline holds. When it is full, every other one goes and the distance doubles.
const TIMELINE_LEN: usize = 512;

/// The observer's budget: one part of its time in so many, for all that it does, and for reading all accounts.
const SHARE: u64 = 200;
const SHARE_OF_BOOKS: u64 = 1_000;
/// What the budget saves up is what so much time brings: ten ticks.
const SAVED_NS: u64 = 10 * clock::TICK_MS * 1_000_000;

struct Timeline {
    /// The first `len` are taken.
    points: [TimelinePoint; TIMELINE_LEN],
    len: usize,
    every_ms: u64,
}

/// What the observer writes, and whose turn it is to look at it.
struct Shared {
    turn: Turn,
    written: UnsafeCell<Written>,
}

struct Written {
    timeline: Timeline,
    moments: Moments,
}

// SAFETY: what is written is reached by who has the turn.
unsafe impl Sync for Shared {}

// Relaxed: who sees the flag late refreshes the clock once more.
static RUNNING: AtomicBool = AtomicBool::new(false);
static SHARED: Shared = Shared {
    turn: Turn { taken: AtomicBool::new(false) },
    written: UnsafeCell::new(Written { timeline: Timeline::new(), moments: Moments::new(clock::TICK_MS) }),
};
/// Processor time that observers used, as they know it, and how long they have been running.
static CPU_NS: AtomicU64 = AtomicU64::new(0);
static ELAPSED_NS: AtomicU64 = AtomicU64::new(0);

/// What else is to begin with the observer, at the first tracked scope or variable: collected by `inventory`, called once.
#[derive(Debug)]
pub struct AtStart(pub fn());

inventory::collect!(AtStart);

pub(crate) fn is_running() -> bool {
    RUNNING.load(Ordering::Relaxed)
}

/// Starts the observer, unless it runs. Call it under [`own_work`](crate::thread_state::own_work).
pub(crate) fn start() {
    if is_running() || RUNNING.swap(true, Ordering::Relaxed) {
        return;
    }
    fork::learn();
    clock::observe();
    // SAFETY: `run` never returns, and does what a bare thread may.
    let started = unsafe { bare_thread::spawn(run) };
    if !started && thread::Builder::new().spawn(|| run(std::ptr::null_mut())).is_err() {
        // Without a thread the hook goes on asking the system for the time, and there is no timeline.
        clock::stop_observing();
        RUNNING.store(false, Ordering::Relaxed);
    }
    inventory::iter::<AtStart>.into_iter().for_each(|AtStart(begin)| begin());
}

/// Notes that this process has no observer: it is a fork's child.
pub(crate) fn is_gone() {
    clock::stop_observing();
    RUNNING.store(false, Ordering::Relaxed);
}

/// Holds still what the observer writes, for a fork. Whoever forks calls [`after_fork`] on both sides.
pub(crate) fn before_fork() {
    SHARED.wait();
}

/// Lets the observer go on.
pub(crate) fn after_fork() {
    SHARED.turn.end();
}

extern "C" fn run(_: *mut c_void) -> c_int {
    system_call::set_name(c"memscope");
    let mut accounting = Accounting::begin();
    let may_open = accounting.is_some() && system_call::take_empty_file_table();
    let mut patrol = accounting.as_ref().map(|_| Patrol::begin(may_open));
    let statm = may_open.then(Statm::open).flatten();
    loop {
        let now_ms = clock::refresh();
        let mut sleep_ms = clock::TICK_MS;
        // Where a snapshot is reading, the next tick is soon enough.
        if SHARED.turn.try_take() {
            // SAFETY: it is this thread's turn.
            let written = unsafe { &mut *SHARED.written.get() };
            match accounting.as_mut().zip(patrol.as_mut()) {
                Some((accounting, patrol)) => sleep_ms = tick(now_ms, written, accounting, patrol, statm),
                None => written.timeline.note(now_ms, statm), // without a clock of its own it does as little as can be
            }
            SHARED.turn.end();
        }
        clock::note_tick(sleep_ms);
        system_call::sleep_ms(sleep_ms as u32);
    }
}

/// What is done at a tick. Returns for how long to sleep: twice as long where all that there was to spend went into waking
/// up, for then nothing would be left for looks.
fn tick(
    now_ms: u64,
    written: &mut Written,
    accounting: &mut Accounting,
    patrol: &mut Patrol,
    statm: Option<Statm>,
) -> u64 {
    accounting.bring_up_to_date();
    if accounting.all.is_free() && accounting.of_books.is_free() {
        written.timeline.note(now_ms, statm);
        written.moments.note(now_ms);
        let spent_ns = accounting.bring_up_to_date();
        accounting.of_books.pay(spent_ns);
    }
    let may_look = accounting.all.is_free();
    patrol.walk(&mut accounting.all, accounting.cpu_ns);
    // The next tick pays what is left of this one; what the walk has paid, it has not to pay again.
    accounting.note_walk();
    if may_look { clock::TICK_MS } else { 2 * clock::TICK_MS }
}

/// What the observer has used and may use.
struct Accounting {
    all: Purse,
    of_books: Purse,
    /// What it had used, and when, when it last looked.
    cpu_ns: u64,
    wall_ns: u64,
}

impl Accounting {
    /// `None`: this thread's clock cannot be read.
    fn begin() -> Option<Accounting> {
        let (wall_ns, _) = clock::monotonic_ns()?;
        let cpu_ns = system_call::own_cpu_ns()?;
        CPU_NS.fetch_add(cpu_ns, Ordering::Relaxed);
        let purse = |share| Purse::new(share, SAVED_NS, wall_ns);
        Some(Accounting { all: purse(SHARE), of_books: purse(SHARE_OF_BOOKS), cpu_ns, wall_ns })
    }

    /// Pays what was used since it last looked, and fills the purses. The former in nanoseconds.
    fn bring_up_to_date(&mut self) -> u64 {
        let spent_ns = self.note_walk();
        self.all.pay(spent_ns);
        if let Some((wall_ns, _)) = clock::monotonic_ns() {
            ELAPSED_NS.fetch_add(wall_ns.saturating_sub(self.wall_ns), Ordering::Relaxed);
            self.wall_ns = wall_ns;
            self.all.fill(wall_ns);
            self.of_books.fill(wall_ns);
        }
        spent_ns
    }

    /// Notes what was used since it last looked, which is paid already.
    fn note_walk(&mut self) -> u64 {
        let cpu_ns = system_call::own_cpu_ns().unwrap_or(self.cpu_ns);
        let spent_ns = cpu_ns.saturating_sub(self.cpu_ns);
        self.cpu_ns = cpu_ns;
        CPU_NS.fetch_add(spent_ns, Ordering::Relaxed);
        spent_ns
    }
}

impl Shared {
    /// Waits for the turn, which nobody keeps for longer than reading all accounts takes.
    fn wait(&self) {
        while !self.turn.try_take() {
            thread::yield_now();
        }
    }
}

impl Timeline {
    const fn new() -> Timeline {
        let nothing = TimelinePoint { ms: 0, live_bytes: 0, live_bytes_error: None, resident_bytes: None };
        Timeline { points: [nothing; TIMELINE_LEN], len: 0, every_ms: clock::TICK_MS }
    }

    fn taken(&self) -> &[TimelinePoint] {
        self.points.get(..self.len).unwrap_or_default()
    }

    /// Notes what is live and, if it can be read, resident now, if a point is due.
    fn note(&mut self, now_ms: u64, statm: Option<Statm>) {
        if self.taken().last().is_some_and(|last| now_ms < last.ms + self.every_ms) {
            return;
        }
        if self.len == TIMELINE_LEN {
            for index in 0..TIMELINE_LEN / 2 {
                self.points[index] = self.points[2 * index];
            }
            self.len = TIMELINE_LEN / 2;
            self.every_ms *= 2;
        }
        if let Some(place) = self.points.get_mut(self.len) {
            let sampled = mode::decided() == Decided::Sampling;
            *place = TimelinePoint {
                ms: now_ms,
                live_bytes: books::live_bytes(),
                live_bytes_error: sampled.then(|| standard_error(books::live_bytes_variance())),
                resident_bytes: statm.and_then(Statm::read),
            };
            self.len += 1;
        }
    }
}

/// The timeline so far.
pub(crate) fn timeline() -> Vec<TimelinePoint> {
    let mut points = Vec::with_capacity(TIMELINE_LEN);
    SHARED.wait();
    // SAFETY: it is this thread's turn. The vector has room, so nothing is allocated meanwhile.
    points.extend_from_slice(unsafe { &*SHARED.written.get() }.timeline.taken());
    SHARED.turn.end();
    points
}

/// The moments of the trends so far, and calls `f` with each of `nodes` and its live bytes at these. Nothing that `f` does
/// may wait for the observer.
pub(crate) fn trends(nodes: u32, mut f: impl FnMut(u32, &[u64])) -> Vec<u64> {
    SHARED.wait();
    // SAFETY: it is this thread's turn.
    let moments = &unsafe { &*SHARED.written.get() }.moments;
    let ms = moments.taken().to_vec();
    let mut bytes = Vec::with_capacity(ms.len());
    for node in 0..nodes {
        bytes.clear();
        bytes.extend(moments.of(node));
        f(node, &bytes);
    }
    SHARED.turn.end();
    ms
}

/// What observers did; `None`: none ran, or it cannot know.
pub(crate) fn effort() -> Option<Observer> {
    let cpu_us = CPU_NS.load(Ordering::Relaxed) / 1_000;
    let elapsed_ms = ELAPSED_NS.load(Ordering::Relaxed) / 1_000_000;
    let thread_samples = patrol::thread_samples();
    (cpu_us > 0).then_some(Observer { thread_samples, cpu_us, elapsed_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_timeline_halves_its_resolution() {
        let mut timeline = Timeline::new();
        for ms in (0..=5_130).step_by(10) {
            timeline.note(ms, None);
        }
        // 0 … 5,110 ms fill the 512 places; at 5,120 every other goes, 0, 20, … 5,100 stay, and 5,120 is taken.
        // 5,130 comes 10 ms later, which is less than the new distance of 20.
        assert_eq!(timeline.len, 257);
        assert_eq!(timeline.every_ms, 20);
        assert!(timeline.taken().windows(2).all(|pair| pair[1].ms - pair[0].ms == 20));
    }
}
