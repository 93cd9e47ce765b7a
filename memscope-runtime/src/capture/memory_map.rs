//! Live blocks, summed by where they lie.
//!
//! Cells begin at the size of a page. Whenever there are too many, they become twice as large, so what is gathered has a
//! bounded size whatever the heap, and one walk is enough. The inside of a large block, which fills cell after cell alone, is
//! one *run*, so that a few huge blocks do not make the cells of all others coarse.
//!
//! A walk meets the blocks of a tier by ascending address. So all that is counted of a block goes to the cell at hand, which
//! is booked when the walk leaves it, and a block costs no look-up.

mod shares;

use self::shares::{ByNumber, Shares, most};
use super::mappings::{Mapping, mappings_around};
use crate::pages;
use crate::snapshot::{Cell, MemoryMap, Region};
use std::ops::Range;

/// Cells beside runs, …
const MOST_CELLS: usize = 3_072;
/// … and runs: 4,096 rows, of some 40 bytes in a file.
const MOST_RUNS: usize = 1_024;
/// Cells that the inside of a block fills before it is a run.
const RUN_CELLS: u64 = 16;
/// (cell, account) pairs that are told apart, and (cell, row) pairs: 64 in each cell, some 8 MiB of each where a program has as
/// many.
const MOST_SHARES: usize = 64 * (MOST_CELLS + MOST_RUNS);
/// Stands for the row of a block that no tracked variable was seen to own.
const NO_ROW: u32 = 0;
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
    /// Whether all rows are.
    has_told_rows: bool,
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
        has_told_rows: true,
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
        self.has_told_rows &= other.has_told_rows;
    }
}

/// A block, or the rest of one.
#[derive(Clone, Copy)]
struct Piece {
    start: u64,
    end: u64,
    account: u32,
    /// [`NO_ROW`], or one more than the number of the variable's row.
    row: u32,
    ms: u64,
    /// Whether the block begins with it.
    is_first: bool,
}

/// What is gathered in a walk.
pub(super) struct Gathering {
    /// Cells have `1 << shift` bytes.
    shift: u32,
    young_since_ms: u64,
    /// The cell at hand, and its sum.
    at_hand: u64,
    sum: Sum,
    /// Account and row of the blocks met last, and their bytes in it: neighbours mostly have the same.
    owner: (u32, u32),
    owned: u64,
    /// By address >> shift.
    cells: ByNumber<u64, Sum>,
    runs: Vec<Piece>,
    of_accounts: Shares,
    of_rows: Shares,
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
            at_hand: 0,
            sum: Sum::NOTHING,
            owner: (0, NO_ROW),
            owned: 0,
            cells: ByNumber::default(),
            runs: Vec::new(),
            of_accounts: Shares::new(MOST_SHARES),
            of_rows: Shares::new(MOST_SHARES),
        }
    }

    /// Adds a block. `row`: the number of the row of the variable that owns it.
    pub(super) fn add(&mut self, address: usize, bytes: usize, account: u32, row: Option<usize>, ms: u64) {
        let start = address as u64;
        let end = start.saturating_add(bytes as u64);
        let row = row.map_or(NO_ROW, |number| number as u32 + 1);
        self.spread(Piece { start, end, account, row, ms, is_first: true });
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
        if number != self.at_hand {
            self.book();
            self.at_hand = number;
        }
        self.sum.add(&sum_of(&piece, self.young_since_ms));
        if (piece.account, piece.row) != self.owner {
            self.count_owned();
            self.owner = (piece.account, piece.row);
        }
        self.owned += piece.end - piece.start;
    }

    fn count_owned(&mut self) {
        let bytes = std::mem::take(&mut self.owned);
        if bytes > 0 {
            self.of_accounts.add(self.owner.0, bytes);
            self.of_rows.add(self.owner.1, bytes);
        }
    }

    /// Books the cell at hand.
    fn book(&mut self) {
        if self.sum.live_bytes == 0 {
            return;
        }
        self.count_owned();
        self.sum.is_told &= self.of_accounts.book(self.at_hand);
        self.sum.has_told_rows &= self.of_rows.book(self.at_hand);
        self.cells.entry(self.at_hand).or_insert(Sum::NOTHING).add(&self.sum);
        self.sum = Sum::NOTHING;
    }

    /// Makes cells twice as large.
    fn coarsen(&mut self) {
        self.book();
        self.shift += 1;
        for (number, sum) in std::mem::take(&mut self.cells) {
            self.cells.entry(number >> 1).or_insert(Sum::NOTHING).add(&sum);
        }
        self.of_accounts.coarsen();
        self.of_rows.coarsen();
        for run in std::mem::take(&mut self.runs) {
            self.spread(run);
        }
        self.book();
    }

    /// The map. `of` gives the scope, if it is listed, and the thread of an account; `row_order` the index of each row's
    /// variable.
    pub(super) fn end(self, of: impl Fn(u32) -> Option<(Option<u32>, u32)>, row_order: &[u32]) -> MemoryMap {
        self.end_with(of, row_order, mappings_around)
    }

    fn end_with(
        mut self,
        of: impl Fn(u32) -> Option<(Option<u32>, u32)>,
        row_order: &[u32],
        mappings_around: impl Fn(&[u64]) -> Vec<Mapping>,
    ) -> MemoryMap {
        self.book();
        let cell_bytes = 1 << self.shift;
        let rows = self.rows(of, row_order);
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
            let variable = row.variable.filter(|_| fits);
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
                variable: variable.and_then(|(variable, _)| variable),
                variable_bytes: variable.map(|(_, bytes)| bytes),
            });
        }
        map
    }

    /// Cells and runs by address.
    fn rows(self, of: impl Fn(u32) -> Option<(Option<u32>, u32)>, row_order: &[u32]) -> Vec<Row> {
        let Gathering { shift, young_since_ms, cells, runs, of_accounts, of_rows, .. } = self;
        // Of a row that began after the variables were read the variable is not known.
        let variable_of = |row: u32| match row.checked_sub(1) {
            None => Some(None),
            Some(number) => row_order.get(number as usize).copied().map(Some),
        };
        let mut cells: Vec<(u64, Sum)> = cells.into_iter().collect();
        cells.sort_unstable_by_key(|&(number, _)| number);
        let (mut of_accounts, mut of_rows) = (of_accounts.by_cell(), of_rows.by_cell());
        let mut rows = Vec::with_capacity(cells.len() + runs.len());
        let (mut by_scope, mut by_thread, mut by_variable) = (Vec::new(), Vec::new(), Vec::new());
        for (number, sum) in cells {
            while let Some(((_, account), bytes)) = of_accounts.next_if(|&((of, _), _)| of == number) {
                let (scope, thread) = of(account).unzip();
                by_scope.push((scope.flatten(), bytes));
                by_thread.push((thread, bytes));
            }
            while let Some(((_, row), bytes)) = of_rows.next_if(|&((of, _), _)| of == number) {
                by_variable.push((variable_of(row), bytes));
            }
            let (scope, thread) = (most(&mut by_scope), most(&mut by_thread));
            let variable = most(&mut by_variable).filter(|_| sum.has_told_rows);
            let place = number << shift..end_of_cell(number, shift);
            rows.push(Row {
                place,
                sum,
                scope: scope.filter(|_| sum.is_told),
                thread: thread.and_then(|(thread, bytes)| Some((thread?, bytes))).filter(|_| sum.is_told),
                variable: variable.and_then(|(variable, bytes)| Some((variable?, bytes))),
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
                variable: variable_of(run.row).map(|variable| (variable, bytes)),
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
    variable: Option<(Option<u32>, u64)>,
}

impl Row {
    /// Takes `next` in if it lies within this one; `false`: it does not.
    fn absorbs(&mut self, next: &Row) -> bool {
        let is_within = next.place.start < self.place.end;
        if is_within {
            self.place.end = self.place.end.max(next.place.end);
            self.sum.add(&next.sum);
            (self.scope, self.thread, self.variable) = (None, None, None);
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
        ..Sum::NOTHING
    }
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
