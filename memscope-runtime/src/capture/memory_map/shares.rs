//! Whose the bytes of each cell are.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use std::iter::Peekable;

/// By numbers of cells, which nobody chooses to be slow to look up.
pub(super) type ByNumber<K, V> = HashMap<K, V, BuildHasherDefault<Mixed>>;

/// Some numbers, mixed: a table takes its highest and its lowest bits.
#[derive(Default)]
pub(super) struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15); // 2^64 by the golden ratio
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

/// Bytes by cell and owner, of which there are as many as are told apart.
pub(super) struct Shares {
    most: usize,
    /// Bytes in the cell at hand by owner, and the owners that have any.
    bytes_of: Vec<u64>,
    owners: Vec<u32>,
    /// Bytes by (cell, owner).
    shares: ByNumber<(u64, u32), u64>,
}

impl Shares {
    pub(super) fn new(most: usize) -> Shares {
        Shares { most, bytes_of: Vec::new(), owners: Vec::new(), shares: ByNumber::default() }
    }

    /// Adds bytes, at least one, to the cell at hand.
    pub(super) fn add(&mut self, owner: u32, bytes: u64) {
        let place = owner as usize;
        if self.bytes_of.len() <= place {
            self.bytes_of.resize(place + 1, 0);
        }
        if self.bytes_of[place] == 0 {
            self.owners.push(owner);
        }
        self.bytes_of[place] += bytes;
    }

    /// Books the cell at hand as `number`; `false`: not all of its owners are told apart.
    pub(super) fn book(&mut self, number: u64) -> bool {
        let mut are_told = true;
        for owner in self.owners.drain(..) {
            let bytes = std::mem::take(&mut self.bytes_of[owner as usize]);
            let has_room = self.shares.len() < self.most;
            match self.shares.entry((number, owner)) {
                Entry::Occupied(mut share) => *share.get_mut() += bytes,
                Entry::Vacant(place) if has_room => *place.insert(0) += bytes,
                Entry::Vacant(_) => are_told = false,
            }
        }
        are_told
    }

    /// Cells become twice as large.
    pub(super) fn coarsen(&mut self) {
        for ((number, owner), bytes) in std::mem::take(&mut self.shares) {
            *self.shares.entry((number >> 1, owner)).or_insert(0) += bytes;
        }
    }

    /// What was booked, cell by cell.
    pub(super) fn by_cell(self) -> Peekable<impl Iterator<Item = ((u64, u32), u64)>> {
        let mut shares: Vec<((u64, u32), u64)> = self.shares.into_iter().collect();
        shares.sort_unstable();
        shares.into_iter().peekable()
    }
}

/// Who has most bytes, and how many, the first of those with as many; empties `shares`.
pub(super) fn most<T: Ord + Copy>(shares: &mut Vec<(T, u64)>) -> Option<(T, u64)> {
    shares.sort_unstable();
    let mut most: Option<(T, u64)> = None;
    for same in shares.chunk_by(|a, b| a.0 == b.0) {
        let bytes = same.iter().map(|&(_, bytes)| bytes).sum();
        if most.is_none_or(|(_, other)| bytes > other) {
            most = Some((same[0].0, bytes));
        }
    }
    shares.clear();
    most
}
