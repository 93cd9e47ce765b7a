//! Each node's live bytes at a few moments, evenly spaced: written by the observer.
//!
//! ```text
//! moments   0   1   2   3  …  30      when full, every other goes and the distance doubles
//! columns   4   0   9   1  …   7      a moment's column stays where it is; what is gone is used again
//! node 5:  [ bytes × 31 ]
//! ```
//!
//! Whoever has the observer's turn reads and writes.

use crate::account::Account;
use crate::arena::Arena;
use std::sync::atomic::{AtomicI64, Ordering};

/// Moments that are kept: a snapshot adds its own to make 32. The number is odd, so that of a full list the first and the
/// last stay.
const LEN: usize = 31;

// SAFETY: rows are all atomics, for which zero is valid. There is room for all nodes (2^18).
static ROWS: Arena<[AtomicI64; LEN], 256> = unsafe { Arena::new() };

/// When the columns were written.
#[derive(Debug)]
pub(crate) struct Moments {
    /// The first `len` are taken; sorted.
    ms: [u64; LEN],
    /// A permutation: the column of each moment, then those that are free.
    columns: [usize; LEN],
    len: usize,
    every_ms: u64,
    /// Nodes that any moment knows: those with a number below this.
    nodes: u32,
}

impl Moments {
    /// None, to begin with one each `every_ms`.
    pub(crate) const fn new(every_ms: u64) -> Moments {
        let mut columns = [0; LEN];
        let mut index = 0;
        while index < LEN {
            columns[index] = index;
            index += 1;
        }
        Moments { ms: [0; LEN], columns, len: 0, every_ms, nodes: 0 }
    }

    pub(crate) fn taken(&self) -> &[u64] {
        self.ms.get(..self.len).unwrap_or_default()
    }

    pub(crate) fn is_due(&self, now_ms: u64) -> bool {
        self.taken().last().is_none_or(|last| now_ms >= last + self.every_ms)
    }

    /// A column for this moment; what is in it is of another one.
    fn begin(&mut self, now_ms: u64) -> Option<usize> {
        if self.len == LEN {
            let kept = LEN.div_ceil(2);
            for index in 1..kept {
                self.ms.swap(index, 2 * index);
                self.columns.swap(index, 2 * index);
            }
            self.len = kept;
            self.every_ms = self.every_ms.saturating_mul(2);
            if !self.is_due(now_ms) {
                return None;
            }
        }
        *self.ms.get_mut(self.len)? = now_ms;
        let column = self.columns.get(self.len).copied();
        self.len += 1;
        column
    }

    /// Notes what is live in each node now, if that is due.
    pub(crate) fn note(&mut self, now_ms: u64) {
        if !self.is_due(now_ms) {
            return;
        }
        let Some(column) = self.begin(now_ms) else { return };
        for place in (0..self.nodes).filter_map(|node| ROWS.get(node)).filter_map(|row| row.get(column)) {
            place.store(0, Ordering::Relaxed);
        }
        let mut nodes = self.nodes;
        let mut add = |node: u32, bytes: u64, sign: i64| {
            nodes = nodes.max(node.saturating_add(1));
            let Some(place) = ROWS.get_or_map(node).and_then(|row| row.get(column)) else { return };
            let sum = place.load(Ordering::Relaxed).wrapping_add((bytes as i64).wrapping_mul(sign));
            place.store(sum, Ordering::Relaxed);
        };
        // Frees before allocations, so that no figure is negative.
        for account in Account::all() {
            add(account.node(), account.deallocated_bytes.load(Ordering::Acquire), -1);
        }
        for account in Account::all() {
            add(account.node(), account.allocated_bytes.load(Ordering::Relaxed), 1);
        }
        self.nodes = nodes;
    }

    /// Live bytes of a node at each moment; 0 before it was there.
    pub(crate) fn of(&self, node: u32) -> impl Iterator<Item = u64> {
        let row = ROWS.get(node);
        let columns = self.columns.get(..self.len).unwrap_or_default();
        columns.iter().map(move |&column| {
            let bytes = row.and_then(|row| row.get(column)).map_or(0, |place| place.load(Ordering::Relaxed));
            u64::try_from(bytes).unwrap_or(0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_full_list_keeps_every_other_moment_with_its_column() {
        let mut moments = Moments::new(10);
        let mut written = HashMap::new();
        let mut due = 0;
        for ms in (0..=3_000).step_by(10) {
            if moments.is_due(ms) {
                due += 1;
                if let Some(column) = moments.begin(ms) {
                    written.insert(column, ms);
                }
            }
            // A column still holds what was written at its moment.
            for (&at, column) in moments.taken().iter().zip(&moments.columns) {
                assert_eq!(written[column], at);
            }
            let distances = moments.taken().windows(2).map(|pair| pair[1] - pair[0]);
            assert!(distances.clone().all(|distance| distance == moments.every_ms));
        }
        // 0 … 300 fill 31 places; at 310 those at 0, 20, … 300 stay (16), and 310 is not due. 15 more from 320 to 600 fill
        // them; then 0, 40, … 600 stay, 15 from 640 to 1,200; then 0, 80, … 1,200 and 15 from 1,280 to 2,400; then at the
        // distance of 160 those at 0 … 2,400 (16) and from 2,560 to 2,880 three more.
        assert_eq!(moments.every_ms, 160);
        assert_eq!(moments.taken(), (0..19).map(|index| index * 160).collect::<Vec<u64>>());
        // 31, then 15 three times and 3, and at four of the fill-ups one that was due before the distance doubled.
        assert_eq!(due, 31 + 3 * 15 + 3 + 4);
    }
}
