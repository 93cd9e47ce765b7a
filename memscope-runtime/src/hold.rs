//! For how long a snapshot holds what the program's threads may wait for.
//!
//! Told in time on the processor: what a thread waits beyond that, because the one with the lock was put aside by the
//! system, is the machine's. `memscope/examples/snapshot_cost` prints it, and the tests have a bound for it. It costs two
//! calls to the clock for each hold of a snapshot's, and nothing elsewhere.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The lock on the tracked variables, which each beginning, look and end of a tracked binding takes.
    Variables,
    /// The lock on the scope tree, which a thread takes that enters a scope for the first time.
    Scopes,
    /// The lock on what crossed into foreign code.
    Crossings,
    /// The lock on a ledger of declared allocations.
    Declared,
    /// The locks of glibc's arenas, which `mallinfo2` takes.
    Arenas,
}

const ALL: [Held; 5] = [Held::Variables, Held::Scopes, Held::Crossings, Held::Declared, Held::Arenas];

/// In nanoseconds. Relaxed: each is a figure of its own.
static LONGEST: [AtomicU64; ALL.len()] = [const { AtomicU64::new(0) }; ALL.len()];

/// The longest that any snapshot of this process held each, in time on the processor.
pub fn longest() -> [(Held, Duration); ALL.len()] {
    ALL.map(|held| (held, Duration::from_nanos(LONGEST[held as usize].load(Ordering::Relaxed))))
}

/// Does what is done with it held.
pub(crate) fn timed<T>(held: Held, work: impl FnOnce() -> T) -> T {
    let before = processor_time();
    let done = work();
    let nanos = processor_time().saturating_sub(before).as_nanos();
    LONGEST[held as usize].fetch_max(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
    done
}

/// For how long this thread was on a processor.
#[cfg(feature = "recorder")]
pub(crate) fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a place for the answer. Where there is no such clock it stays 0.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Without a recorder no thread of the program waits for a snapshot but in its own ledger.
#[cfg(not(feature = "recorder"))]
fn processor_time() -> Duration {
    Duration::ZERO
}
