//! The functions that a contender tracks, and what they cost by themselves.
//!
//! Of `calls` and `polls` the nanoseconds that are added count, for what surrounds them is next to nothing.

use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

/// A future as a runtime holds it.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Functions of the contender. Each carries the contender's attribute, if it has one (`memscope::track`,
/// `hotpath::measure`); besides that they are the same in all.
#[derive(Debug)]
pub struct Tracked {
    /// Calls its argument.
    pub work: fn(&mut dyn FnMut()),
    /// Awaits its argument.
    pub task: fn(Task) -> Task,
    /// Returns its argument, and nothing of that is known to the compiler.
    pub nothing: fn(u64) -> u64,
    /// Is ready at poll number `n`.
    pub pending: fn(u64) -> Task,
}

/// A tracked function is called. It does nothing.
#[inline(never)]
pub fn calls(operations: u64, tracked: &'static Tracked) -> Duration {
    let start = Instant::now();
    for number in 0..operations {
        black_box((tracked.nothing)(number));
    }
    start.elapsed()
}

/// A tracked future is polled by hand.
#[inline(never)]
pub fn polls(operations: u64, tracked: &'static Tracked) -> Duration {
    let mut task = (tracked.pending)(operations);
    let mut context = Context::from_waker(Waker::noop());
    let start = Instant::now();
    while task.as_mut().poll(&mut context).is_pending() {}
    start.elapsed()
}
