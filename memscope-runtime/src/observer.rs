//! The one background thread: it writes the coarse clock and draws the timeline.
//!
//! It starts at the first tracked scope or variable, never inside the hook, and is not inherited by a fork's child.
//! All that it does runs under its thread's own account, and its memory is taken once, at the start.

use crate::fork::Side;
use crate::snapshot::TimelinePoint;
use crate::{books, clock, fork, thread_state};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Points that the timeline holds. When it is full, every other one goes and the distance doubles.
const TIMELINE_LEN: usize = 512;

struct Timeline {
    points: Vec<TimelinePoint>,
    every_ms: u64,
}

// Relaxed: who sees the flag late refreshes the clock once more.
static RUNNING: AtomicBool = AtomicBool::new(false);
static TIMELINE: Mutex<Timeline> = Mutex::new(Timeline { points: Vec::new(), every_ms: clock::TICK_MS });

pub(crate) fn is_running() -> bool {
    RUNNING.load(Ordering::Relaxed)
}

/// Starts the observer, unless it runs. Call it under [`thread_state::own_work`].
pub(crate) fn start() {
    if is_running() || RUNNING.swap(true, Ordering::Relaxed) {
        return;
    }
    fork::learn();
    let spawned = thread::Builder::new().name("memscope".to_owned()).spawn(run);
    if spawned.is_err() {
        // Without a thread the hook goes on asking the system for the time, and there is no timeline.
        RUNNING.store(false, Ordering::Relaxed);
    }
}

/// Notes that this process has no observer: it is a fork's child.
pub(crate) fn is_gone() {
    RUNNING.store(false, Ordering::Relaxed);
}

/// Takes the lock on the timeline and keeps it, for a fork.
pub(crate) fn lock() {
    std::mem::forget(TIMELINE.lock());
}

/// Gives it back, in the process that took it or in its fork's child.
///
/// # Safety
/// [`lock`] was called before, by this thread or by the one whose fork it is in.
pub(crate) unsafe fn unlock(side: Side) {
    // SAFETY: the caller's promise is handed on.
    unsafe { fork::unlock(&TIMELINE, side) };
}

fn run() {
    let _own = thread_state::own_work();
    TIMELINE.lock().points.reserve_exact(TIMELINE_LEN);
    loop {
        let now_ms = clock::refresh();
        TIMELINE.lock().note(now_ms);
        thread::sleep(Duration::from_millis(clock::TICK_MS));
    }
}

impl Timeline {
    fn note(&mut self, now_ms: u64) {
        if self.points.last().is_some_and(|last| now_ms < last.ms + self.every_ms) {
            return;
        }
        if self.points.len() == TIMELINE_LEN {
            let mut index = 0;
            self.points.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.every_ms *= 2;
        }
        self.points.push(TimelinePoint { ms: now_ms, live_bytes: books::live_bytes() });
    }
}

/// The timeline so far.
pub(crate) fn timeline() -> Vec<TimelinePoint> {
    TIMELINE.lock().points.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_timeline_halves_its_resolution() {
        let mut timeline = Timeline { points: Vec::new(), every_ms: 10 };
        for ms in (0..=5_130).step_by(10) {
            timeline.note(ms);
        }
        // 0 … 5,110 ms fill the 512 places; at 5,120 every other goes, 0, 20, … 5,100 stay, and 5,120 is taken.
        // 5,130 comes 10 ms later, which is less than the new distance of 20.
        assert_eq!(timeline.points.len(), 257);
        assert_eq!(timeline.every_ms, 20);
        assert!(timeline.points.windows(2).all(|pair| pair[1].ms - pair[0].ms == 20));
    }
}
