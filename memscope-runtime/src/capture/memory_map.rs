//! Live blocks, summed by where they lie.
//!
//! Cells begin at the size of a page. Whenever there are too many, they become twice as large, so what is gathered has a
//! bounded size whatever the heap, and one walk is enough. The inside of a large block, which fills cell after cell alone, is
//! one *run*, so that a few huge blocks do not make the cells of all others coarse.
//!
//! A walk meets the blocks of a tier by ascending address. So all that is counted of a block goes to the cell at hand, which
//! is booked when the walk leaves it, and a block costs no look-up.

use super::mappings::{Mapping, mappings_around};
use crate::pages;
use crate::snapshot::{Cell, MemoryMap, Region};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

/// Cells beside runs, …
const MOST_CELLS: usize = 3_072;
/// … and runs: 4,096 rows, of some 40 bytes in a file.
const MOST_RUNS: usize = 1_024;
/// Cells that the inside of a block fills before it is a run.
const RUN_CELLS: u64 = 16;
/// (cell, account) pairs that are told apart: 64 accounts in each cell, some 8 MiB where a program has as many.
const MOST_SHARES: usize = 64 * (MOST_CELLS + MOST_RUNS);
/// Where the system does not say what is mapped, cells this near each other are one region.
const NEAR_BYTES: u64 = 1 << 20;
/// No cell is longer.
const MOST_SHIFT: u32 = 62;

/// Sums of some blocks, or of the parts of blocks that lie in a cell.
#[derive(Clone, Copy)]
struct Sum {
    live_bytes: u64,
    blocks: u64,
    young_blocks: u64,
    oldest_ms: u64,
    newest_ms: u64,
    /// First live byte, and the one behind the last.
    low: u64,
    high: u64,
    /// Whether all accounts are told apart.
    is_told: bool,
}

impl Sum {
    const NOTHING: Sum = Sum {
        live_bytes: 0,
        blocks: 0,
        young_blocks: 0,
        oldest_ms: u64::MAX,
        newest_ms: 0,
        low: u64::MAX,
        high: 0,
        is_told: true,
    };

    fn add(&mut self, other: &Sum) {
        self.live_bytes += other.live_bytes;
        self.blocks += other.blocks;
        self.young_blocks += other.young_blocks;
        self.oldest_ms = self.oldest_ms.min(other.oldest_ms);
        self.newest_ms = self.newest_ms.max(other.newest_ms);
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
        self.is_told &= other.is_told;
    }
}

/// A block, or the rest of one.
#[derive(Clone, Copy)]
struct Piece {
    start: u64,
    end: u64,
    account: u32,
    ms: u64,
    /// Whether the block begins with it.
    is_first: bool,
}

/// The cell at hand.
struct AtHand {
    number: u64,
    sum: Sum,
    /// Its bytes by account, and the accounts that have any.
    bytes_of: Vec<u64>,
    accounts: Vec<u32>,
}

/// What is gathered in a walk.
pub(super) struct Gathering {
    /// Cells have `1 << shift` bytes.
    shift: u32,
    young_since_ms: u64,
    at_hand: AtHand,
    /// By address >> shift.
    cells: HashMap<u64, Sum>,
    runs: Vec<Piece>,
    /// Bytes by (cell, account).
    shares: HashMap<(u64, u32), u64>,
}

impl Gathering {
    /// Of a recording that has lasted for `now_ms`.
    pub(super) fn begin(now_ms: u64) -> Gathering {
        Gathering::with_page(now_ms, pages::page_bytes().unwrap_or(4096) as u64)
    }

    fn with_page(now_ms: u64, page_bytes: u64) -> Gathering {
        Gathering {
            shift: page_bytes.ilog2(),
            young_since_ms: now_ms - now_ms / 10,
            at_hand: AtHand { number: 0, sum: Sum::NOTHING, bytes_of: Vec::new(), accounts: Vec::new() },
            cells: HashMap::new(),
            runs: Vec::new(),
            shares: HashMap::new(),
        }
    }

    /// Adds a block.
    pub(super) fn add(&mut self, address: usize, bytes: usize, account: u32, ms: u64) {
        let start = address as u64;
        self.spread(Piece { start, end: start.saturating_add(bytes as u64), account, ms, is_first: true });
        while (self.cells.len() > MOST_CELLS || self.runs.len() > MOST_RUNS) && self.shift < MOST_SHIFT {
            self.coarsen();
        }
    }

    /// Divides a piece among its cells.
    fn spread(&mut self, mut piece: Piece) {
        let first_border = piece.start.checked_next_multiple_of(1 << self.shift).unwrap_or(u64::MAX);
        let last_border = piece.end >> self.shift << self.shift;
        if last_border.saturating_sub(first_border) >> self.shift >= RUN_CELLS {
            self.put(Piece { end: first_border, ..piece });
            let is_first = piece.is_first && piece.start == first_border;
            self.runs.push(Piece { start: first_border, end: last_border, is_first, ..piece });
            piece = Piece { start: last_border, is_first: false, ..piece };
        }
        while piece.start < piece.end {
            let end = piece.end.min(end_of_cell(piece.start >> self.shift, self.shift));
            self.put(Piece { end, ..piece });
            piece = Piece { start: end, is_first: false, ..piece };
        }
    }

    /// Adds a piece that lies in one cell.
    fn put(&mut self, piece: Piece) {
        if piece.start >= piece.end {
            return;
        }
        let number = piece.start >> self.shift;
        if number != self.at_hand.number {
            self.book();
            self.at_hand.number = number;
        }
        let AtHand { sum, bytes_of, accounts, .. } = &mut self.at_hand;
        sum.add(&sum_of(&piece, self.young_since_ms));
        let account = piece.account as usize;
        if bytes_of.len() <= account {
            bytes_of.resize(account + 1, 0);
        }
        if bytes_of[account] == 0 {
            accounts.push(piece.account);
        }
        bytes_of[account] += piece.end - piece.start;
    }

    /// Books the cell at hand.
    fn book(&mut self) {
        let AtHand { number, sum, bytes_of, accounts } = &mut self.at_hand;
        if sum.live_bytes == 0 {
            return;
        }
        for account in accounts.drain(..) {
            let bytes = std::mem::take(&mut bytes_of[account as usize]);
            let has_room = self.shares.len() < MOST_SHARES;
            match self.shares.entry((*number, account)) {
                Entry::Occupied(mut share) => *share.get_mut() += bytes,
                Entry::Vacant(place) if has_room => *place.insert(0) += bytes,
                Entry::Vacant(_) => sum.is_told = false,
            }
        }
        self.cells.entry(*number).or_insert(Sum::NOTHING).add(sum);
        *sum = Sum::NOTHING;
    }

    /// Makes cells twice as large.
    fn coarsen(&mut self) {
        self.book();
        self.shift += 1;
        for (number, sum) in std::mem::take(&mut self.cells) {
            self.cells.entry(number >> 1).or_insert(Sum::NOTHING).add(&sum);
        }
        for ((number, account), bytes) in std::mem::take(&mut self.shares) {
            *self.shares.entry((number >> 1, account)).or_insert(0) += bytes;
        }
        for run in std::mem::take(&mut self.runs) {
            self.spread(run);
        }
        self.book();
    }

    /// The map. `of` gives the scope, if it is listed, and the thread of an account.
    pub(super) fn end(self, of: impl Fn(u32) -> Option<(Option<u32>, u32)>) -> MemoryMap {
        self.end_with(of, mappings_around)
    }

    fn end_with(
        mut self,
        of: impl Fn(u32) -> Option<(Option<u32>, u32)>,
        mappings_around: impl Fn(&[u64]) -> Vec<Mapping>,
    ) -> MemoryMap {
        self.book();
        let cell_bytes = 1 << self.shift;
        let rows = self.rows(of);
        let bytes_at = |row: &Row| [row.sum.low, row.sum.high - 1];
        let mut addresses: Vec<u64> = rows.iter().flat_map(bytes_at).collect();
        addresses.sort_unstable();
        let mappings = mappings_around(&addresses);
        let mut map = MemoryMap::default();
        let mut last_mapping = None;
        for row in rows {
            let [first, last] = bytes_at(&row).map(|address| around(&mappings, address));
            let known = first.zip(last);
            join(&mut map.regions, &row, known, last_mapping, &mappings, cell_bytes);
            last_mapping = known.map(|(_, last)| last);
            let region = map.regions.len() - 1; // there is one by now
            let within = &map.regions[region];
            let start = row.place.start.max(within.start);
            let end = row.place.end.min(within.start.saturating_add(within.bytes));
            let bytes = end.saturating_sub(start);
            // More than fits was not live at one moment: some of it was freed during the walk, and it is not known whose.
            let fits = row.sum.live_bytes <= bytes;
            let (scope, thread) = (row.scope.filter(|_| fits), row.thread.filter(|_| fits));
            map.cells.push(Cell {
                region: region as u32,
                start,
                bytes,
                live_bytes: row.sum.live_bytes.min(bytes),
                blocks: row.sum.blocks,
                young_blocks: row.sum.young_blocks,
                scope: scope.and_then(|(scope, _)| scope),
                scope_bytes: scope.map(|(_, bytes)| bytes),
                thread: thread.map(|(thread, _)| thread),
                thread_bytes: thread.map(|(_, bytes)| bytes),
                oldest_ms: row.sum.oldest_ms,
                newest_ms: row.sum.newest_ms,
            });
        }
        map
    }

    /// Cells and runs by address.
    fn rows(self, of: impl Fn(u32) -> Option<(Option<u32>, u32)>) -> Vec<Row> {
        let Gathering { shift, young_since_ms, cells, runs, shares, .. } = self;
        let mut shares: Vec<((u64, u32), u64)> = shares.into_iter().collect();
        shares.sort_unstable();
        let mut cells: Vec<(u64, Sum)> = cells.into_iter().collect();
        cells.sort_unstable_by_key(|&(number, _)| number);
        let mut shares = shares.into_iter().peekable();
        let mut rows = Vec::with_capacity(cells.len() + runs.len());
        let (mut by_scope, mut by_thread) = (Vec::new(), Vec::new());
        for (number, sum) in cells {
            while let Some(((_, account), bytes)) = shares.next_if(|&((of, _), _)| of == number) {
                let (scope, thread) = of(account).unzip();
                by_scope.push((scope.flatten(), bytes));
                by_thread.push((thread, bytes));
            }
            let (scope, thread) = (most(&mut by_scope), most(&mut by_thread));
            let place = number << shift..end_of_cell(number, shift);
            rows.push(Row {
                place,
                sum,
                scope: scope.filter(|_| sum.is_told),
                thread: thread.and_then(|(thread, bytes)| Some((thread?, bytes))).filter(|_| sum.is_told),
            });
        }
        rows.extend(runs.iter().map(|run| {
            let (scope, thread) = of(run.account).unzip();
            let bytes = run.end - run.start;
            Row {
                place: run.start..run.end,
                sum: sum_of(run, young_since_ms),
                scope: Some((scope.flatten(), bytes)),
                thread: thread.map(|thread| (thread, bytes)),
            }
        }));
        rows.sort_by_key(|row| row.place.start);
        // What was freed and given out anew during the walk may have been met twice.
        rows.dedup_by(|row, before| before.absorbs(row));
        rows
    }
}

/// A cell, before it has its region.
struct Row {
    place: Range<u64>,
    sum: Sum,
    scope: Option<(Option<u32>, u64)>,
    thread: Option<(u32, u64)>,
}

impl Row {
    /// Takes `next` in if it lies within this one; `false`: it does not.
    fn absorbs(&mut self, next: &Row) -> bool {
        let is_within = next.place.start < self.place.end;
        if is_within {
            self.place.end = self.place.end.max(next.place.end);
            self.sum.add(&next.sum);
            (self.scope, self.thread) = (None, None);
        }
        is_within
    }
}

/// The address behind the last of a cell, which at the end of the address space is that last one.
fn end_of_cell(number: u64, shift: u32) -> u64 {
    (number << shift | ((1 << shift) - 1)).saturating_add(1)
}

fn sum_of(piece: &Piece, young_since_ms: u64) -> Sum {
    let is_young = piece.is_first && piece.ms >= young_since_ms;
    Sum {
        live_bytes: piece.end - piece.start,
        blocks: u64::from(piece.is_first),
        young_blocks: u64::from(is_young),
        oldest_ms: piece.ms,
        newest_ms: piece.ms,
        low: piece.start,
        high: piece.end,
        is_told: true,
    }
}

/// Who has most bytes, and how many, the first of those with as many; empties `shares`.
fn most<T: Ord + Copy>(shares: &mut Vec<(T, u64)>) -> Option<(T, u64)> {
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

/// Number of the mapping that holds `address`.
fn around(mappings: &[Mapping], address: u64) -> Option<usize> {
    let number = mappings.partition_point(|mapping| mapping.start <= address).checked_sub(1)?;
    (address < mappings[number].end).then_some(number)
}

/// Makes the last region hold `row`, or adds one. `known`: the first and the last mapping that hold bytes of the row;
/// `last_mapping`: the last one of the row before it.
fn join(
    regions: &mut Vec<Region>,
    row: &Row,
    known: Option<(usize, usize)>,
    last_mapping: Option<usize>,
    mappings: &[Mapping],
    cell_bytes: u64,
) {
    let Some((first, last)) = known else {
        let end = row.place.end;
        let near = regions.last_mut().filter(|region| {
            let gap = row.place.start.saturating_sub(region.start.saturating_add(region.bytes));
            region.mappings == 0 && gap <= NEAR_BYTES.max(cell_bytes)
        });
        match near {
            Some(region) => region.bytes = region.bytes.max(end - region.start),
            None => regions.push(Region {
                start: row.place.start,
                bytes: end - row.place.start,
                name: None,
                mappings: 0,
                cell_bytes,
            }),
        }
        return;
    };
    let end = mappings[last].end;
    match regions.last_mut().filter(|_| last_mapping == Some(first)) {
        Some(region) => {
            region.bytes = region.bytes.max(end - region.start);
            region.mappings += (last - first) as u32;
        }
        None => regions.push(Region {
            start: mappings[first].start,
            bytes: end - mappings[first].start,
            name: mappings[first].name.clone(),
            mappings: (last - first) as u32 + 1,
            cell_bytes,
        }),
    }
}

#[cfg(test)]
mod tests;
