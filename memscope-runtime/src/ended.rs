//! Blocks that were freed, by size and by lifetime, where every block is recorded: those of 1,024 bytes and more, whose
//! frees take the hook's long way.
//!
//! The quick way keeps no such count, for each instruction of it costs what the whole is measured by; of smaller blocks a
//! snapshot knows what is left of all frees: how many, and their bytes once what reallocations took is counted too.
//!
//! Each thread writes its own counters, which stay after its end. Orderings: stored with release after the account's own
//! counters and read with acquire before them, so that what is left is never negative.

use crate::account::add_release;
use crate::clock;
use crate::lifetime::{self, RANGES};
use crate::slot::Record;
use crate::thread_state::ThreadState;
use std::sync::atomic::{AtomicU64, Ordering};

/// Sizes from a power of two to below the next.
pub(crate) const SIZES: usize = u64::BITS as usize;
/// The place, beside the ranges of lifetimes, of those that are not known.
pub(crate) const UNKNOWN: usize = RANGES;
const LIFETIMES: usize = RANGES + 1;
const _: () = assert!(LIFETIMES.is_power_of_two(), "an index is masked, which no branch is needed for");

/// Counters of one thread. All-zero is none.
pub(crate) struct Ended {
    sizes: Counters<SIZES>,
    lifetimes: Counters<LIFETIMES>,
    /// Bytes that reallocations took from blocks of any size.
    shrunk_bytes: AtomicU64,
}

struct Counters<const N: usize> {
    blocks: [AtomicU64; N],
    bytes: [AtomicU64; N],
}

impl Ended {
    /// A block of the program's was freed.
    #[inline(always)]
    pub(crate) fn note(&self, bytes: usize, record: Record) {
        let size = bytes.checked_ilog2().unwrap_or(0) as usize;
        let lifetime = if record.has_stamp(clock::observed_field()) { 0 } else { lifetime_of(record) };
        let lifetime = lifetime % LIFETIMES;
        add_release(&self.sizes.blocks[size], 1);
        add_release(&self.sizes.bytes[size], bytes as u64);
        add_release(&self.lifetimes.blocks[lifetime], 1);
        add_release(&self.lifetimes.bytes[lifetime], bytes as u64);
    }

    pub(crate) fn note_shrink(&self, bytes: u64) {
        add_release(&self.shrunk_bytes, bytes);
    }
}

#[inline(never)]
fn lifetime_of(record: Record) -> usize {
    let range = lifetime::range_since(record.stamp(), clock::now_ms());
    range.filter(|_| clock::is_observed()).unwrap_or(UNKNOWN) // else nobody has looked how late it is
}

/// Blocks and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) blocks: u64,
    pub(crate) bytes: u64,
}

impl Sum {
    pub(crate) fn add(&mut self, blocks: u64, bytes: u64) {
        self.blocks += blocks;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// The sums over all threads.
pub(crate) struct Sums {
    pub(crate) sizes: [Sum; SIZES],
    pub(crate) lifetimes: [Sum; LIFETIMES],
    pub(crate) shrunk_bytes: u64,
}

impl Sums {
    /// As they are now. To be read before the accounts.
    pub(crate) fn read() -> Sums {
        let mut sums =
            Sums { sizes: [Sum::default(); SIZES], lifetimes: [Sum::default(); LIFETIMES], shrunk_bytes: 0 };
        for Ended { sizes, lifetimes, shrunk_bytes } in ThreadState::all().map(|state| &state.ended) {
            sizes.add_to(&mut sums.sizes);
            lifetimes.add_to(&mut sums.lifetimes);
            sums.shrunk_bytes += shrunk_bytes.load(Ordering::Acquire);
        }
        sums
    }

    /// All blocks that are counted.
    pub(crate) fn whole(&self) -> Sum {
        let mut whole = Sum::default();
        self.sizes.iter().for_each(|size| whole.add(size.blocks, size.bytes));
        whole
    }
}

impl<const N: usize> Counters<N> {
    fn add_to(&self, sums: &mut [Sum; N]) {
        for (sum, (blocks, bytes)) in sums.iter_mut().zip(self.blocks.iter().zip(&self.bytes)) {
            sum.add(blocks.load(Ordering::Acquire), bytes.load(Ordering::Acquire));
        }
    }
}
