//! How many declarations there are of a kind, and what became of those that are kept.

use super::Declared;
use crate::weight::{Sum, share};

/// Declarations, and what became of those that are kept.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// All of them, kept or not.
    pub(super) count: u64,
    /// Whether some were not kept, or stand for others.
    pub(super) is_sampled: bool,
    pub(super) live: Sum,
    pub(super) ended: Sum,
    pub(super) live_bytes: Sum,
    pub(super) ended_bytes: Sum,
}

impl Tally {
    /// Counts a declaration, which is kept if it has a weight.
    pub(super) fn count(&mut self, weight: Option<u64>) {
        self.count += 1;
        self.is_sampled |= weight != Some(1);
    }

    pub(super) fn add_live(&mut self, bytes: u64, weight: u64) {
        self.live.add(1, weight);
        self.live_bytes.add(bytes, weight);
    }

    pub(super) fn add_ended(&mut self, bytes: u64, weight: u64) {
        self.ended.add(1, weight);
        self.ended_bytes.add(bytes, weight);
    }

    pub(super) fn add(&mut self, declared: &Declared) {
        match declared.ended_ns {
            None => self.add_live(declared.bytes as u64, declared.weight),
            Some(_) => self.add_ended(declared.bytes as u64, declared.weight),
        }
    }

    /// How many of them live.
    pub(super) fn live(&self) -> Sum {
        share(self.count, self.live, self.ended)
    }

    pub(super) fn allocated_bytes(&self) -> Sum {
        let mut sum = self.live_bytes;
        sum.add_sum(self.ended_bytes);
        sum
    }

    pub(super) fn error(&self, sum: Sum) -> Option<u64> {
        self.is_sampled.then(|| sum.error())
    }

    pub(super) fn add_tally(&mut self, other: &Tally) {
        self.count += other.count;
        self.is_sampled |= other.is_sampled;
        self.live.add_sum(other.live);
        self.ended.add_sum(other.ended);
        self.live_bytes.add_sum(other.live_bytes);
        self.ended_bytes.add_sum(other.ended_bytes);
    }
}
