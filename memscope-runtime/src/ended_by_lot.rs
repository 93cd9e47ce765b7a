//! Blocks that were freed, by size and by lifetime, where blocks are sampled: of each range an estimate and its variance.
//!
//! What a sample stands for counts as long as the sample lived, so the bytes that a reallocation gained count from then.
//! Orderings: all relaxed, sums of independent events.

use crate::lifetime::{self, RANGES};
use crate::sample::Facts;
use crate::weight::{Sum, variance};
use std::sync::atomic::{AtomicU64, Ordering};

/// Sizes from a power of two to below the next.
const SIZES: usize = u64::BITS as usize;

/// What ended within a range. Variances are a float's bits.
struct Ended {
    blocks: AtomicU64,
    of_blocks: AtomicU64,
    bytes: AtomicU64,
    of_bytes: AtomicU64,
}

static LIFETIMES: [Ended; RANGES] = [const { Ended::nothing() }; RANGES];
static SIZED: [Ended; SIZES] = [const { Ended::nothing() }; SIZES];

impl Ended {
    const fn nothing() -> Ended {
        Ended {
            blocks: AtomicU64::new(0),
            of_blocks: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            of_bytes: AtomicU64::new(0),
        }
    }

    fn add(&self, facts: &Facts) {
        let add = |sum: &AtomicU64, of_sum: &AtomicU64, stands_for: u64, is: u64| {
            sum.fetch_add(stands_for, Ordering::Relaxed);
            let add = |bits| Some((f64::from_bits(bits) + variance(stands_for, is)).to_bits());
            let _ = of_sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        };
        if facts.blocks > 0 {
            add(&self.blocks, &self.of_blocks, facts.blocks, 1);
        }
        add(&self.bytes, &self.of_bytes, facts.left_for, facts.left);
    }

    fn read(&self) -> (Sum, Sum) {
        let sum = |value: &AtomicU64, variance: &AtomicU64| Sum {
            value: value.load(Ordering::Relaxed),
            variance: f64::from_bits(variance.load(Ordering::Relaxed)),
        };
        (sum(&self.blocks, &self.of_blocks), sum(&self.bytes, &self.of_bytes))
    }
}

/// A sample ended with its block, after so many milliseconds.
pub(crate) fn note(lived_ms: u64, facts: &Facts) {
    LIFETIMES[lifetime::range(lived_ms)].add(facts);
    SIZED[size(facts.block_bytes)].add(facts);
}

/// The range of a size.
pub(crate) fn size(bytes: u64) -> usize {
    (bytes | 1).ilog2() as usize
}

/// Blocks and bytes by lifetime.
pub(crate) fn by_lifetime() -> [(Sum, Sum); RANGES] {
    LIFETIMES.each_ref().map(Ended::read)
}

/// Blocks and bytes by size.
pub(crate) fn by_size() -> [(Sum, Sum); SIZES] {
    SIZED.each_ref().map(Ended::read)
}
