//! The one background thread: it writes the coarse clock and draws the timeline.
//!
//! It starts at the first tracked scope or variable, never inside the hook, and is not inherited by a fork's child.
//! It is a bare thread (`bare_thread.rs` says why), so it allocates nothing, takes no lock that could make it wait, and
//! is in nobody's books.

use crate::bare_thread;
use crate::estimate::standard_error;
use crate::mode::{self, Decided};
use crate::snapshot::TimelinePoint;
use crate::tenure::Turn;
use crate::{books, clock, fork};
use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Points that the timeline holds. When it is full, every other one goes and the distance doubles.
const TIMELINE_LEN: usize = 512;

struct Timeline {
    /// The first `len` are taken.
    points: [TimelinePoint; TIMELINE_LEN],
    len: usize,
    every_ms: u64,
}

/// The timeline, and whose turn it is to look at it.
struct Shared {
    turn: Turn,
    timeline: UnsafeCell<Timeline>,
}

// SAFETY: the timeline is reached by who has the turn.
unsafe impl Sync for Shared {}

// Relaxed: who sees the flag late refreshes the clock once more.
static RUNNING: AtomicBool = AtomicBool::new(false);
static TIMELINE: Shared =
    Shared { turn: Turn { taken: AtomicBool::new(false) }, timeline: UnsafeCell::new(Timeline::new()) };

pub(crate) fn is_running() -> bool {
    RUNNING.load(Ordering::Relaxed)
}

/// Starts the observer, unless it runs. Call it under [`own_work`](crate::thread_state::own_work).
pub(crate) fn start() {
    if is_running() || RUNNING.swap(true, Ordering::Relaxed) {
        return;
    }
    fork::learn();
    // SAFETY: `run` never returns, and does what a bare thread may.
    let started = unsafe { bare_thread::spawn(run) };
    if !started && thread::Builder::new().spawn(|| run(std::ptr::null_mut())).is_err() {
        // Without a thread the hook goes on asking the system for the time, and there is no timeline.
        RUNNING.store(false, Ordering::Relaxed);
    }
}

/// Notes that this process has no observer: it is a fork's child.
pub(crate) fn is_gone() {
    RUNNING.store(false, Ordering::Relaxed);
}

/// Holds the timeline still, for a fork. Whoever forks calls [`after_fork`] on both sides.
pub(crate) fn before_fork() {
    TIMELINE.wait();
}

/// Lets the timeline go on.
pub(crate) fn after_fork() {
    TIMELINE.turn.end();
}

extern "C" fn run(_: *mut c_void) -> c_int {
    bare_thread::set_name(c"memscope");
    loop {
        let now_ms = clock::refresh();
        // Where a snapshot is reading, the next tick is soon enough.
        if TIMELINE.turn.try_take() {
            // SAFETY: it is this thread's turn.
            unsafe { &mut *TIMELINE.timeline.get() }.note(now_ms);
            TIMELINE.turn.end();
        }
        bare_thread::sleep_ms(clock::TICK_MS as u32);
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
        let points = [TimelinePoint { ms: 0, live_bytes: 0, live_bytes_error: None }; TIMELINE_LEN];
        Timeline { points, len: 0, every_ms: clock::TICK_MS }
    }

    fn taken(&self) -> &[TimelinePoint] {
        self.points.get(..self.len).unwrap_or_default()
    }

    fn note(&mut self, now_ms: u64) {
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
            };
            self.len += 1;
        }
    }
}

/// The timeline so far.
pub(crate) fn timeline() -> Vec<TimelinePoint> {
    let mut points = Vec::with_capacity(TIMELINE_LEN);
    TIMELINE.wait();
    // SAFETY: it is this thread's turn. The vector has room, so nothing is allocated meanwhile.
    points.extend_from_slice(unsafe { &*TIMELINE.timeline.get() }.taken());
    TIMELINE.turn.end();
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_timeline_halves_its_resolution() {
        let mut timeline = Timeline::new();
        for ms in (0..=5_130).step_by(10) {
            timeline.note(ms);
        }
        // 0 … 5,110 ms fill the 512 places; at 5,120 every other goes, 0, 20, … 5,100 stay, and 5,120 is taken.
        // 5,130 comes 10 ms later, which is less than the new distance of 20.
        assert_eq!(timeline.len, 257);
        assert_eq!(timeline.every_ms, 20);
        assert!(timeline.taken().windows(2).all(|pair| pair[1].ms - pair[0].ms == 20));
    }
}
