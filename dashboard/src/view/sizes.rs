//! Sizes: how many blocks are, or were, how large, those that live told apart from the freed.
//!
//! Where every block is recorded, of the freed ones below some size only the sum is known: the last row.

use super::geometry::{Bar, bar};
use super::label;
use crate::figure::Figure;
use crate::packed::Packed;
use memscope_runtime::snapshot::{SizeRange as Row, Snapshot};
use serde::Serialize;

/// Ranges shown at most; a recorder's grow by powers of two, so no recording has as many.
pub const MOST_RANGES: usize = 80;

/// The panel of sizes.
#[derive(Clone, Debug, Serialize)]
pub struct Sizes {
    /// Where its figures come from.
    pub provenance: label::Term,
    /// Blocks alive.
    pub alive: Figure,
    /// One row for each range that holds a block, largest first, which the partial `size_rows` lists; none: they stand in the
    /// page's data ([`packed`]).
    pub rows: Vec<Range>,
    /// The freed blocks that are not told apart by size; `None`: all are.
    pub small: Option<Small>,
    /// Ranges that are not shown.
    pub folded: Option<Figure>,
}

/// Blocks of sizes within a range.
#[derive(Clone, Debug, Serialize)]
pub struct Range {
    /// Index into the document\'s `sizes`.
    #[serde(skip)]
    pub index: usize,
    /// The least size.
    pub from: Figure,
    /// All are below this; `None`: no bound.
    pub below: Option<Figure>,
    /// How many are alive.
    pub blocks: Figure,
    /// Their bytes.
    pub bytes: Figure,
    /// Blocks alive as a share of those of the range with the most.
    pub blocks_bar: Bar,
    /// Their bytes as a share of those of the range with the most.
    pub bytes_bar: Bar,
    /// Those that were freed; `None`: not told by this range.
    pub freed: Option<Freed>,
}

/// Freed blocks of sizes within a range.
#[derive(Clone, Debug, Serialize)]
pub struct Freed {
    /// How many.
    pub blocks: Figure,
    /// Their bytes.
    pub bytes: Figure,
    /// Blocks as a share of those of the range with the most.
    pub bar: Bar,
}

/// Freed blocks below some size, all in one.
#[derive(Clone, Debug, Serialize)]
pub struct Small {
    /// The least size.
    pub from: Figure,
    /// All are below this.
    pub below: Figure,
    /// How many.
    pub blocks: Figure,
    /// Their bytes.
    pub bytes: Figure,
}

/// Where the greatest of these figures stands, and how great it is.
fn greatest(rows: &[Row], field: &str, figure: impl Fn(&Row) -> Option<u64>) -> (String, u64) {
    let figures = rows.iter().enumerate().filter(|(_, row)| row.live_allocations.is_some());
    let figures = figures.filter_map(|(index, row)| Some((figure(row)?, index)));
    let (most, index) = figures.max_by_key(|&(value, index)| (value, index)).unwrap_or_default();
    (format!("/sizes/{index}/{field}"), most)
}

/// The panel for `snapshot`; `None`: sizes were not measured.
pub fn sizes(snapshot: &Snapshot) -> Option<Sizes> {
    let all = &snapshot.sizes;
    let most_blocks = greatest(all, "live_allocations", |row| row.live_allocations);
    let most_bytes = greatest(all, "live_bytes", |row| row.live_bytes);
    let most_freed = greatest(all, "deallocations", |row| row.deallocations);
    let drawn = |at: &str, value: u64, most: &(String, u64)| bar(at, value, &most.0, most.1);
    let at = |index: usize, field: &str| format!("/sizes/{index}/{field}");
    let freed = |index, row: &Row| {
        let (blocks, bytes) = (at(index, "deallocations"), at(index, "freed_bytes"));
        row.deallocations.map(|freed| Freed {
            bar: drawn(&blocks, freed, &most_freed),
            blocks: Figure::estimated_count(&blocks, freed, row.deallocations_error),
            bytes: Figure::estimated_bytes(&bytes, row.freed_bytes, row.freed_bytes_error),
        })
    };
    let below =
        |index, row: &Row| row.below_bytes.map(|below| Figure::bytes(at(index, "below_bytes"), below));
    let from = |index, row: &Row| Figure::bytes(at(index, "from_bytes"), row.from_bytes);
    let range = |(index, row): (usize, &Row)| {
        let (blocks, bytes) = (at(index, "live_allocations"), at(index, "live_bytes"));
        row.live_allocations.map(|alive| Range {
            index,
            from: from(index, row),
            below: below(index, row),
            blocks_bar: drawn(&blocks, alive, &most_blocks),
            bytes_bar: drawn(&bytes, row.live_bytes.unwrap_or(0), &most_bytes),
            blocks: Figure::estimated_count(&blocks, alive, row.live_allocations_error),
            bytes: Figure::estimated_bytes(&bytes, row.live_bytes, row.live_bytes_error),
            freed: freed(index, row),
        })
    };
    let small =
        all.iter().enumerate().find(|(_, row)| row.live_allocations.is_none()).and_then(|(index, row)| {
            let Freed { blocks, bytes, .. } = freed(index, row)?;
            Some(Small { from: from(index, row), below: below(index, row)?, blocks, bytes })
        });
    let totals = &snapshot.totals;
    (!all.is_empty()).then(|| Sizes {
        provenance: label::provenance_in(snapshot.mode),
        alive: Figure::estimated_count(
            "/totals/live_allocations",
            totals.live_allocations,
            totals.live_allocations_error,
        ),
        rows: all.iter().enumerate().rev().filter_map(range).take(MOST_RANGES).collect(),
        small,
        folded: (all.len() > MOST_RANGES + 1).then(|| {
            Figure::count(format!("len(/sizes) - {}", MOST_RANGES + 1), (all.len() - MOST_RANGES - 1) as u64)
        }),
    })
}

/// The rows of the panel, for the page's script.
pub fn packed(snapshot: &Snapshot) -> Packed {
    let mut packed = Packed::of("/sizes");
    for range in sizes(snapshot).map_or(Vec::new(), |panel| panel.rows) {
        packed.push(range.index, &range);
    }
    packed.framed()
}
