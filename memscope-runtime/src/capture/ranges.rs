//! Blocks by size and by lifetime where every block is recorded: those that live, counted in the walk over them, beside what
//! the hook counted of those that were freed.

use crate::ended::{SIZES, Sum, Sums, UNKNOWN};
use crate::lifetime::{self, RANGES};
use crate::live_map::QUICK_BYTES;
use crate::snapshot::{Lifetimes, SizeRange, Totals};

/// Live blocks, as far as the walk has come.
pub(super) struct Ranges {
    now_ms: u64,
    sizes: [Sum; SIZES],
    ages: [Sum; RANGES + 1],
}

impl Ranges {
    /// Of a recording that has lasted for `now_ms`.
    pub(super) fn begin(now_ms: u64) -> Ranges {
        Ranges { now_ms, sizes: [Sum::default(); SIZES], ages: [Sum::default(); RANGES + 1] }
    }

    /// Adds a block.
    pub(super) fn add(&mut self, bytes: usize, stamp: u32) {
        let age = lifetime::range_since(stamp, self.now_ms).unwrap_or(UNKNOWN);
        for sum in [&mut self.sizes[(bytes | 1).ilog2() as usize], &mut self.ages[age]] {
            sum.add(1, bytes as u64);
        }
    }

    /// The rows. `freed` was read before `totals`, so what it leaves of these is of blocks that it does not count.
    pub(super) fn end(self, freed: &Sums, totals: &Totals) -> (Vec<SizeRange>, Vec<Lifetimes>) {
        let counted = freed.whole();
        let small = Sum {
            blocks: totals.deallocations.saturating_sub(counted.blocks),
            bytes: totals.deallocated_bytes.saturating_sub(counted.bytes.saturating_add(freed.shrunk_bytes)),
        };
        (self.sizes(freed, small), self.lifetimes(freed, small))
    }

    fn sizes(&self, freed: &Sums, small: Sum) -> Vec<SizeRange> {
        let small = SizeRange {
            below_bytes: Some(QUICK_BYTES as u64),
            deallocations: Some(small.blocks),
            freed_bytes: Some(small.bytes),
            ..SizeRange::default()
        };
        let row = |(power, (live, freed)): (usize, (&Sum, &Sum))| {
            let is_counted = 1 << power >= QUICK_BYTES as u64;
            (*live != Sum::default() || *freed != Sum::default()).then(|| SizeRange {
                deallocations: is_counted.then_some(freed.blocks),
                freed_bytes: is_counted.then_some(freed.bytes),
                live_allocations: Some(live.blocks),
                live_bytes: Some(live.bytes),
                ..SizeRange::of_power(power)
            })
        };
        let by_power = self.sizes.iter().zip(&freed.sizes).enumerate().filter_map(row);
        let mut rows: Vec<SizeRange> = by_power.chain([small]).collect();
        rows.sort_by_key(|row| (row.from_bytes, row.below_bytes));
        rows
    }

    fn lifetimes(&self, freed: &Sums, small: Sum) -> Vec<Lifetimes> {
        let row = |(range, (live, freed)): (usize, (&Sum, &Sum))| {
            let (from_ms, below_ms) = if range == UNKNOWN { (0, None) } else { lifetime::bounds_ms(range) };
            let mut freed = *freed;
            if range == UNKNOWN {
                freed.add(small.blocks, small.bytes);
            }
            Lifetimes {
                from_ms,
                below_ms,
                deallocations: freed.blocks,
                deallocations_error: None,
                live_allocations: live.blocks,
                live_allocations_error: None,
                freed_bytes: Some(freed.bytes),
                freed_bytes_error: None,
                live_bytes: Some(live.bytes),
                live_bytes_error: None,
            }
        };
        self.ages.iter().zip(&freed.lifetimes).enumerate().map(row).collect()
    }
}
