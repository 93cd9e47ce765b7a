//! What each thread has in each scope: the accounts of one thread's blocks in one node, summed.
//!
//! There may be as many as there are accounts (2^20), so they are summed pair by pair in the order of nodes and threads, and
//! never all in memory.

use super::scopes::{AtPeak, Charged};
use crate::books::Reading;
use crate::estimate::standard_error;
use crate::snapshot::ScopeThread;
use std::collections::{BTreeMap, HashMap};

/// Pairs that a snapshot tells apart: 16 threads in 256 scopes. A row takes some 140 bytes.
const MOST_PAIRS: usize = 4_096;

/// The pairs with the most live bytes, and what the others of each scope sum to, by scope and thread.
pub(super) fn scope_threads(
    readings: &[Reading],
    at_peak: &AtPeak,
    scope_of_node: &HashMap<u32, u32>,
    sampled: bool,
) -> Vec<ScopeThread> {
    let pair = |reading: &Reading| (reading.node, reading.owner_thread);
    let mut order: Vec<u32> = (0..readings.len() as u32).collect();
    order.sort_unstable_by_key(|&index| pair(&readings[index as usize]));
    let mut listed = Listed::new(MOST_PAIRS);
    for of_pair in order.chunk_by(|&a, &b| pair(&readings[a as usize]) == pair(&readings[b as usize])) {
        let (node, thread) = pair(&readings[of_pair[0] as usize]);
        // memscope's own node is no scope, and a node may be younger than the copy of the tree.
        let Some(&scope) = scope_of_node.get(&node) else { continue };
        let mut charged = Charged::default();
        let mut calls = 0;
        for reading in of_pair.iter().map(|&index| &readings[index as usize]) {
            charged.add_reading(reading);
            calls += reading.calls;
        }
        let memory = charged.whole(sampled);
        let (bytes, variance) = at_peak.get(&(node, thread)).copied().unwrap_or_default();
        let row = ScopeThread {
            scope,
            thread: Some(thread),
            pairs: 1,
            calls,
            allocations: memory.allocations,
            allocations_error: memory.allocations_error,
            allocated_bytes: memory.allocated_bytes,
            allocated_bytes_error: memory.allocated_bytes_error,
            live_bytes: memory.live_bytes,
            live_bytes_error: memory.live_bytes_error,
            live_at_peak_bytes: Some(u64::try_from(bytes).unwrap_or(0)),
            live_at_peak_bytes_error: sampled.then(|| standard_error(variance)),
        };
        // Who only freed or resized others' blocks there has an account for that, and nothing of its own.
        if row.calls > 0 || row.allocated_bytes > 0 || row.allocations > 0 {
            listed.push(row);
        }
    }
    listed.rows()
}

/// Rows, the first of which by their rank are kept, and of each scope what the others sum to.
struct Listed {
    most: usize,
    rows: Vec<ScopeThread>,
    folded: BTreeMap<u32, ScopeThread>,
}

impl Listed {
    fn new(most: usize) -> Listed {
        Listed { most, rows: Vec::new(), folded: BTreeMap::new() }
    }

    fn push(&mut self, row: ScopeThread) {
        self.rows.push(row);
        if self.rows.len() >= 2 * self.most {
            self.fold();
        }
    }

    /// A row that is not among the first of some is not among the first of more.
    fn fold(&mut self) {
        self.rows.sort_unstable_by_key(ScopeThread::rank);
        for row in self.rows.split_off(self.rows.len().min(self.most)) {
            let alone = ScopeThread { thread: None, ..row };
            self.folded.entry(row.scope).and_modify(|sum| sum.take_in(&row)).or_insert(alone);
        }
    }

    fn rows(mut self) -> Vec<ScopeThread> {
        self.fold();
        self.rows.extend(self.folded.into_values());
        self.rows.sort_unstable_by_key(ScopeThread::place);
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pairs_with_the_most_live_bytes_are_told_apart_and_the_others_summed_by_scope() {
        let row = |scope, thread, live_bytes, error| ScopeThread {
            scope,
            thread: Some(thread),
            pairs: 1,
            calls: 2,
            allocations: 1,
            allocations_error: Some(1),
            allocated_bytes: 10 * live_bytes,
            allocated_bytes_error: Some(error),
            live_bytes,
            live_bytes_error: Some(error),
            live_at_peak_bytes: Some(live_bytes + 1),
            live_at_peak_bytes_error: Some(0),
        };
        let mut listed = Listed::new(2);
        for (scope, thread, live_bytes, error) in
            [(0, 1, 5, 3), (0, 2, 50, 1), (0, 3, 7, 4), (4, 1, 0, 0), (4, 2, 6, 1), (5, 1, 60, 1)]
        {
            listed.push(row(scope, thread, live_bytes, error));
        }
        let rows = listed.rows();
        let key: Vec<_> = rows.iter().map(|row| (row.scope, row.thread, row.pairs, row.live_bytes)).collect();
        // 50 and 60 are kept; of scope 0 threads 1 and 3 are 5 + 7, of scope 4 both are 0 + 6.
        assert_eq!(key, [(0, Some(2), 1, 50), (0, None, 2, 12), (4, None, 2, 6), (5, Some(1), 1, 60)]);
        // The error of the sum is the root of 3² + 4²; the rest are sums.
        let sum = rows[1];
        assert_eq!((sum.live_bytes_error, sum.allocated_bytes, sum.calls), (Some(5), 120, 4));
        assert_eq!((sum.allocations, sum.live_at_peak_bytes), (2, Some(14)));
    }
}
