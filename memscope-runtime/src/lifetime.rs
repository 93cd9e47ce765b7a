//! How long blocks lived, or live: in which range of times, as far as the coarse clock tells.

use crate::clock::{self, Stamp};

/// Ends of the ranges, in milliseconds; the last has none. Shorter ones than the clock's tick are not told apart.
pub(crate) const ENDS_MS: [u64; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];
pub(crate) const RANGES: usize = ENDS_MS.len() + 1;

/// The range of a time.
pub(crate) fn range(ms: u64) -> usize {
    ENDS_MS.iter().position(|&end| ms < end).unwrap_or(ENDS_MS.len())
}

/// The range of the time from a block's stamp to `now_ms`; `None`: it is not known which.
pub(crate) fn range_since(stamp: u32, now_ms: u64) -> Option<usize> {
    let (least, most) = clock::time_since(Stamp(stamp).to_ms(), now_ms);
    (range(least) == range(most)).then(|| range(most))
}

/// From when to below when a range is.
pub(crate) fn bounds_ms(range: usize) -> (u64, Option<u64>) {
    (range.checked_sub(1).map_or(0, |before| ENDS_MS[before]), ENDS_MS.get(range).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_lie_side_by_side() {
        for (ms, expected) in
            [(0, 0), (9, 0), (10, 1), (99, 1), (100, 2), (999_999, 5), (1_000_000, 6), (u64::MAX, 6)]
        {
            let (from, below) = bounds_ms(range(ms));
            assert_eq!(range(ms), expected, "{ms}");
            assert!(from <= ms && below.is_none_or(|below| ms < below), "{ms}: {from} to {below:?}");
        }
    }
}
