//! Coarse time: the hook reads it by one load.
//!
//! The observer thread writes the milliseconds since the recording's start every [`TICK_MS`], or every second tick where
//! waking up takes its whole budget; before it runs, the
//! hook asks the system's coarse clock once in [`EVENTS_PER_REFRESH`] events. A block's record has 23 bits for
//! time, so it stores a [`Stamp`]: 19 bits of mantissa and 4 of exponent. Its error stays below the tick for the
//! first 87 minutes (2^19 × 10 ms) and below 1/262,144 of the elapsed time after that; half a year fits.
//!
//! Orderings: all relaxed. A reader that sees a tick late is within the resolution that is stated anyway.

use crate::slot;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often the observer writes the time. 100 wake-ups a second cost about 0.1 % of a core.
pub(crate) const TICK_MS: u64 = 10;
/// How many events of a thread pass between two refreshes from the hook while no observer runs. One call to
/// `clock_gettime` costs about as much as 3 events, so it adds less than 1 % at this distance.
pub(crate) const EVENTS_PER_REFRESH: u32 = 512;

const MANTISSA_BITS: u32 = 19;
const LARGEST_EXPONENT: u32 = 15;
const _: () = assert!(MANTISSA_BITS + 4 == slot::STAMP_BITS);

/// Nanoseconds of the monotonic clock at the start of the recording; 0: not started.
static START_NS: AtomicU64 = AtomicU64::new(0);
/// Milliseconds since the Unix epoch at that moment.
static START_UNIX_MS: AtomicU64 = AtomicU64::new(0);
/// Milliseconds since the start.
static NOW_MS: AtomicU64 = AtomicU64::new(0);

/// The longest time that the observer waited between two refreshes, of its own will.
static LONGEST_TICK_MS: AtomicU64 = AtomicU64::new(TICK_MS);

/// The stamp of `NOW_MS` as a record's field, so that the hook only loads it.
static NOW_FIELD: AtomicU64 = AtomicU64::new(0);

/// The same where the observer writes the time; else [`UNOBSERVED`], so that one comparison with a block's stamp says that
/// the block is of this tick and that there are ticks.
static OBSERVED_FIELD: AtomicU64 = AtomicU64::new(UNOBSERVED);
/// A stamp that no block has in the first half a year.
const UNOBSERVED: u64 = slot::stamp_field((1 << Stamp::BITS) - 1);
/// From when on the observer writes the time; [`NEVER`]: it does not.
static OBSERVED_SINCE_MS: AtomicU64 = AtomicU64::new(NEVER);
const NEVER: u64 = u64::MAX;

/// Milliseconds since the start in 23 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(pub(crate) u32);

impl Stamp {
    pub(crate) const BITS: u32 = slot::STAMP_BITS;

    pub(crate) fn from_ms(ms: u64) -> Stamp {
        let exponent = (u64::BITS - ms.leading_zeros()).saturating_sub(MANTISSA_BITS);
        if exponent > LARGEST_EXPONENT {
            return Stamp((1 << Stamp::BITS) - 1);
        }
        Stamp((exponent << MANTISSA_BITS) | (ms >> exponent) as u32)
    }

    /// The earliest moment that the stamp stands for.
    pub(crate) fn to_ms(self) -> u64 {
        u64::from(self.0 & ((1 << MANTISSA_BITS) - 1)) << (self.0 >> MANTISSA_BITS)
    }
}

/// Milliseconds since the recording began, as of the last tick.
#[inline]
pub(crate) fn now_ms() -> u64 {
    NOW_MS.load(Ordering::Relaxed)
}

/// The stamp of [`now_ms`], in its place in a block's record.
#[inline(always)]
pub(crate) fn now_field() -> u64 {
    NOW_FIELD.load(Ordering::Relaxed)
}

/// The same while the observer writes the time; else a stamp that no block has.
#[inline(always)]
pub(crate) fn observed_field() -> u64 {
    OBSERVED_FIELD.load(Ordering::Relaxed)
}

/// The observer writes the time from now on.
pub(crate) fn observe() {
    OBSERVED_SINCE_MS.store(refresh(), Ordering::Relaxed);
    refresh();
}

/// Nobody writes the time any more, but for the hook after so many events.
pub(crate) fn stop_observing() {
    OBSERVED_SINCE_MS.store(NEVER, Ordering::Relaxed);
    OBSERVED_FIELD.store(UNOBSERVED, Ordering::Relaxed);
}

/// Whether the observer writes the time.
pub(crate) fn is_observed() -> bool {
    OBSERVED_SINCE_MS.load(Ordering::Relaxed) != NEVER
}

/// How long it is from `born_ms`, a block's stamp, to `now_ms`: at least and at most. A stamp from before the observer
/// writes the time may be as old as the event that last asked the system for it.
pub(crate) fn time_since(born_ms: u64, now_ms: u64) -> (u64, u64) {
    let latest_ms = born_ms.max(OBSERVED_SINCE_MS.load(Ordering::Relaxed));
    (now_ms.saturating_sub(latest_ms), now_ms.saturating_sub(born_ms))
}

/// The largest error of the times in a snapshot taken now.
pub(crate) fn resolution_ms() -> u64 {
    let exponent = Stamp::from_ms(now_ms()).0 >> MANTISSA_BITS;
    LONGEST_TICK_MS.load(Ordering::Relaxed).max(1 << exponent)
}

/// Notes that the observer writes the time only after so long.
pub(crate) fn note_tick(ms: u64) {
    LONGEST_TICK_MS.fetch_max(ms, Ordering::Relaxed);
}

/// Milliseconds since the Unix epoch at which the recording began; 0: it has not begun.
pub(crate) fn started_unix_ms() -> u64 {
    START_UNIX_MS.load(Ordering::Relaxed)
}

/// Begins to count, at the first call.
#[cold]
pub(crate) fn start() {
    let now = read_ns(libc::CLOCK_MONOTONIC).max(1);
    if START_NS.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        START_UNIX_MS.store(read_ns(libc::CLOCK_REALTIME) / 1_000_000, Ordering::Relaxed);
    }
}

/// Nanoseconds since the Unix epoch.
#[cfg(feature = "sampling")]
pub(crate) fn unix_ns() -> u64 {
    read_ns(libc::CLOCK_REALTIME)
}

/// Reads the system's clock and publishes it; time never goes back.
#[cold]
pub(crate) fn refresh() -> u64 {
    let start = START_NS.load(Ordering::Relaxed);
    if start == 0 {
        return 0;
    }
    let ms = read_ns(libc::CLOCK_MONOTONIC).saturating_sub(start) / 1_000_000;
    let now = NOW_MS.fetch_max(ms, Ordering::Relaxed).max(ms);
    // Stamps grow with time.
    NOW_FIELD.fetch_max(slot::stamp_field(Stamp::from_ms(now).0), Ordering::Relaxed);
    if is_observed() {
        OBSERVED_FIELD.store(now_field(), Ordering::Relaxed);
    }
    now
}

/// Nanoseconds of the monotonic clock, and what they were when the recording began; `None`: it has not begun.
pub(crate) fn monotonic_ns() -> Option<(u64, u64)> {
    let start = START_NS.load(Ordering::Relaxed);
    (start != 0).then(|| (read_ns(libc::CLOCK_MONOTONIC), start))
}

fn read_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer. A clock that does not exist leaves it at zero. The observer may
    // call it too: glibc reads the kernel's page and no thread-local, unless it fails, which these clocks do not.
    unsafe { libc::clock_gettime(clock, &mut time) };
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_keeps_the_time_within_its_stated_error() {
        // 2^19 - 1 ms is the last that fits the mantissa exactly; one more needs exponent 1, which still holds
        // it (it is even); an odd one above loses its last bit.
        for (ms, kept) in [(0, 0), (1, 1), (524_287, 524_287), (524_288, 524_288), (524_289, 524_288)] {
            assert_eq!(Stamp::from_ms(ms).to_ms(), kept);
        }
        // A week is 604,800,000 ms: below 2^30, so exponent 11 and an error below 2^11 = 2,048 ms.
        let week = 604_800_000 + 1_999;
        let error = week - Stamp::from_ms(week).to_ms();
        assert!(error < 2_048, "{error} ms");
        // Past 2^19 << 15 ms (198 days) the stamp stays at its largest value.
        assert_eq!(Stamp::from_ms(u64::MAX).0, (1 << Stamp::BITS) - 1);
    }
}
