//! Who freed whose blocks: a matrix of threads, and the pairs as a list.

use super::geometry::{self, Bar};
use super::label::{Labels, ThreadLabel};
use super::ranking::ranked;
use crate::figure::Figure;
use crate::packed::Packed;
use memscope_runtime::snapshot::{ForeignFrees as Row, Mode, Snapshot};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Pairs in the list at most: those with the most frees.
pub const MOST_PAIRS: usize = 64;
/// Threads on each side of the matrix at most: those with the most frees. A wider one is read by nobody.
pub const MOST_THREADS: usize = 12;

/// Frees of blocks by other threads than those that allocated them.
#[derive(Clone, Debug, Serialize)]
pub struct ForeignFrees {
    /// Pairs that the recording holds.
    pub total: Figure,
    /// Threads that allocated by threads that freed.
    pub matrix: Matrix,
    /// The pairs, most frees first, which the partial `pairs` lists; none: they stand in the page's data ([`packed`]).
    pub rows: Vec<Pair>,
    /// Pairs that are not shown.
    pub folded: Option<Figure>,
}

/// A row for each thread that allocated, a column for each that freed.
#[derive(Clone, Debug, Serialize)]
pub struct Matrix {
    /// The columns' threads, most frees first.
    pub freers: Vec<ThreadLabel>,
    /// The rows, most frees first.
    pub rows: Vec<MatrixRow>,
    /// What each column's thread freed, also of threads without a row.
    pub freed: Vec<Figure>,
    /// All frees of all pairs.
    pub all: Figure,
    /// Whether the frees are estimates.
    pub is_sampled: bool,
    /// Whether pairs of the recording have no cell.
    pub has_more: bool,
}

/// What became of one thread's blocks.
#[derive(Clone, Debug, Serialize)]
pub struct MatrixRow {
    /// Who allocated.
    pub allocated_by: ThreadLabel,
    /// One for each column.
    pub cells: Vec<Cell>,
    /// What all other threads freed, also those without a column.
    pub freed: Figure,
}

/// Frees of one thread's blocks by another.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// Blocks and bytes; `None`: the recording holds no such pair.
    pub pair: Option<CellFigures>,
    /// Whether it is the thread itself, whose frees are no pair.
    pub is_own: bool,
}

/// The figures of a cell.
#[derive(Clone, Debug, Serialize)]
pub struct CellFigures {
    /// Blocks.
    pub blocks: Figure,
    /// Their bytes.
    pub bytes: Figure,
    /// Blocks as a share of the pair's with the most.
    pub heat: Bar,
}

/// A thread that allocated and one that freed.
#[derive(Clone, Debug, Serialize)]
pub struct Pair {
    /// Index into the document's `foreign_frees`.
    #[serde(skip)]
    pub index: usize,
    /// Who allocated.
    pub allocated_by: ThreadLabel,
    /// Who freed.
    pub freed_by: ThreadLabel,
    /// Blocks.
    pub blocks: Figure,
    /// Their bytes.
    pub bytes: Figure,
}

/// The pairs of `snapshot`; `None`: it holds none.
pub fn foreign_frees(snapshot: &Snapshot, labels: &Labels<'_>) -> Option<ForeignFrees> {
    let all = &snapshot.foreign_frees;
    let (shown, rest) = ranked(all, MOST_PAIRS, |row| row.deallocations);
    let pair = |index: usize| {
        let (blocks, bytes) = figures(index, &all[index]);
        Pair {
            index,
            allocated_by: labels.thread(at(index, "allocated_by"), all[index].allocated_by),
            freed_by: labels.thread(at(index, "freed_by"), all[index].freed_by),
            blocks,
            bytes,
        }
    };
    (!all.is_empty()).then(|| ForeignFrees {
        total: Figure::count("len(/foreign_frees)", all.len() as u64),
        matrix: matrix(snapshot, labels),
        rows: shown.into_iter().map(pair).collect(),
        folded: (!rest.is_empty())
            .then(|| Figure::count(format!("len(/foreign_frees) - {MOST_PAIRS}"), rest.len() as u64)),
    })
}

/// The pairs of the list, for the page's script.
pub fn packed(snapshot: &Snapshot, labels: &Labels<'_>) -> Packed {
    let mut packed = Packed::of("/foreign_frees");
    for pair in foreign_frees(snapshot, labels).map_or(Vec::new(), |frees| frees.rows) {
        packed.push(pair.index, &pair);
    }
    packed.framed()
}

fn at(index: usize, field: &str) -> String {
    format!("/foreign_frees/{index}/{field}")
}

/// Blocks and bytes of the pair `row`.
fn figures(index: usize, row: &Row) -> (Figure, Figure) {
    (
        Figure::estimated_count(&at(index, "deallocations"), row.deallocations, row.deallocations_error),
        Figure::estimated_bytes(
            &at(index, "deallocated_bytes"),
            row.deallocated_bytes,
            row.deallocated_bytes_error,
        ),
    )
}

/// The frees of the pairs `rows`, which `filter` tells from the others. No free is part of two pairs, so their errors are
/// independent.
fn sum<'a>(rows: impl Iterator<Item = &'a Row> + Clone, filter: &str) -> Figure {
    let frees = rows.clone().fold(0_u64, |sum, row| sum.saturating_add(row.deallocations));
    let errors: Vec<f64> = rows.filter_map(|row| row.deallocations_error).map(|error| error as f64).collect();
    let squares: f64 = errors.iter().map(|error| error * error).sum();
    let error = (!errors.is_empty()).then(|| {
        let from = format!("hypot(/foreign_frees/*/deallocations_error{filter})");
        Figure::count(from, squares.sqrt().ceil() as u64)
    });
    Figure::count(format!("sum(/foreign_frees/*/deallocations{filter})"), frees).with_error(error)
}

/// A thread on a side of the matrix: its id, a pair that names it, and its frees.
struct Side {
    id: u32,
    named_by: usize,
    frees: u64,
}

/// The threads that `side` names, those with the most frees first.
fn sides(all: &[Row], side: fn(&Row) -> u32) -> (Vec<Side>, usize) {
    let mut sides: BTreeMap<u32, Side> = BTreeMap::new();
    for (index, row) in all.iter().enumerate() {
        let id = side(row);
        let one = sides.entry(id).or_insert(Side { id, named_by: index, frees: 0 });
        one.frees = one.frees.saturating_add(row.deallocations);
    }
    let count = sides.len();
    let mut sides: Vec<Side> = sides.into_values().collect();
    sides.sort_by_key(|side| (Reverse(side.frees), side.id));
    sides.truncate(MOST_THREADS);
    (sides, count)
}

fn matrix(snapshot: &Snapshot, labels: &Labels<'_>) -> Matrix {
    let all = &snapshot.foreign_frees;
    let (allocators, all_allocators) = sides(all, |row| row.allocated_by);
    let (freers, all_freers) = sides(all, |row| row.freed_by);
    let most = all.iter().map(|row| row.deallocations).max().unwrap_or(0);
    let allocated = |side: &Side| {
        let rows = all.iter().filter(|row| row.allocated_by == side.id);
        sum(rows, &format!(", allocated_by = {}", side.id))
    };
    let freed = |side: &Side| {
        let rows = all.iter().filter(|row| row.freed_by == side.id);
        sum(rows, &format!(", freed_by = {}", side.id))
    };
    let cell = |allocator: &Side, freer: &Side| {
        let is_it = |row: &Row| (row.allocated_by, row.freed_by) == (allocator.id, freer.id);
        let pair = all.iter().position(is_it).map(|index| {
            let (blocks, bytes) = figures(index, &all[index]);
            let heat = geometry::bar(
                &at(index, "deallocations"),
                all[index].deallocations,
                "max(/foreign_frees/*/deallocations)",
                most,
            );
            CellFigures { blocks, bytes, heat }
        });
        Cell { pair, is_own: allocator.id == freer.id }
    };
    Matrix {
        freers: freers.iter().map(|side| labels.thread(at(side.named_by, "freed_by"), side.id)).collect(),
        freed: freers.iter().map(freed).collect(),
        rows: allocators
            .iter()
            .map(|allocator| MatrixRow {
                allocated_by: labels.thread(at(allocator.named_by, "allocated_by"), allocator.id),
                cells: freers.iter().map(|freer| cell(allocator, freer)).collect(),
                freed: allocated(allocator),
            })
            .collect(),
        all: sum(all.iter(), ""),
        is_sampled: snapshot.mode == Mode::Sampling,
        has_more: all_allocators > MOST_THREADS || all_freers > MOST_THREADS,
    }
}
