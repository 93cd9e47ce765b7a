//! Lifetimes: how many blocks lived how long, the freed told apart from those that still live.

use super::geometry::{Bar, bar};
use super::label;
use crate::figure::Figure;
use crate::packed::Packed;
use memscope_runtime::snapshot::{Lifetimes as Row, Snapshot};
use serde::Serialize;

/// Ranges shown at most; a recorder's ranges grow by powers, so no recording has as many.
pub const MOST_RANGES: usize = 64;

/// The panel of lifetimes.
#[derive(Clone, Debug, Serialize)]
pub struct Lifetimes {
    /// Where its figures come from.
    pub provenance: label::Term,
    /// One row for each range, shortest first, which the partial `lifetime_rows` lists; none: they stand in the page's data
    /// ([`packed`]).
    pub rows: Vec<Range>,
    /// Blocks whose lifetimes are not known; `None`: there are none.
    pub unknown: Option<Unknown>,
    /// How exact the times are.
    pub resolution: Option<Figure>,
    /// Freed blocks are told apart from this size on; `None`: all are.
    pub told_from: Option<Figure>,
    /// Ranges that are not shown.
    pub folded: Option<Figure>,
}

/// Blocks that lived for a time within a range.
#[derive(Clone, Debug, Serialize)]
pub struct Range {
    /// Index into the document\'s `lifetimes`.
    #[serde(skip)]
    pub index: usize,
    /// The shortest.
    pub from: Figure,
    /// All are below this; `None`: no bound.
    pub below: Option<Figure>,
    /// Blocks that were freed at such an age.
    pub freed: Figure,
    /// Their bytes.
    pub freed_bytes: Figure,
    /// Blocks alive that are so old: their lifetimes are censored.
    pub alive: Figure,
    /// Their bytes.
    pub alive_bytes: Figure,
    /// The freed as a share of the blocks of the range with the most.
    pub freed_bar: Bar,
    /// The alive as a share of these.
    pub alive_bar: Bar,
}

/// Blocks whose lifetimes are not known.
#[derive(Clone, Debug, Serialize)]
pub struct Unknown {
    /// Those that were freed.
    pub freed: Figure,
    /// Their bytes.
    pub freed_bytes: Figure,
    /// Those that are alive; `None`: there are none.
    pub alive: Option<Figure>,
    /// Their bytes.
    pub alive_bytes: Figure,
}

/// Whether it is the row of the blocks whose lifetimes are not known.
fn is_unknown(row: &Row) -> bool {
    (row.from_ms, row.below_ms) == (0, None)
}

/// The panel for `snapshot`; `None`: lifetimes were not measured.
pub fn lifetimes(snapshot: &Snapshot) -> Option<Lifetimes> {
    let all = &snapshot.lifetimes;
    let blocks = |row: &Row| row.deallocations.saturating_add(row.live_allocations);
    let known = || all.iter().enumerate().filter(|(_, row)| !is_unknown(row));
    let fullest = known().rev().max_by_key(|(_, row)| blocks(row));
    let most = fullest.map_or(0, |(_, row)| blocks(row));
    let most_from = fullest.map_or_else(String::new, |(index, _)| {
        format!("(/lifetimes/{index}/deallocations + /lifetimes/{index}/live_allocations)")
    });
    let at = |index: usize, field: &str| format!("/lifetimes/{index}/{field}");
    let freed = |index, row: &Row| {
        Figure::estimated_count(&at(index, "deallocations"), row.deallocations, row.deallocations_error)
    };
    let alive = |index, row: &Row| {
        Figure::estimated_count(
            &at(index, "live_allocations"),
            row.live_allocations,
            row.live_allocations_error,
        )
    };
    let freed_bytes = |index, row: &Row| {
        Figure::estimated_bytes(&at(index, "freed_bytes"), row.freed_bytes, row.freed_bytes_error)
    };
    let alive_bytes = |index, row: &Row| {
        Figure::estimated_bytes(&at(index, "live_bytes"), row.live_bytes, row.live_bytes_error)
    };
    let range = |(index, row): (usize, &Row)| Range {
        index,
        from: Figure::ms(at(index, "from_ms"), row.from_ms),
        below: row.below_ms.map(|below| Figure::ms(at(index, "below_ms"), below)),
        freed: freed(index, row),
        freed_bytes: freed_bytes(index, row),
        alive: alive(index, row),
        alive_bytes: alive_bytes(index, row),
        freed_bar: bar(&at(index, "deallocations"), row.deallocations, &most_from, most),
        alive_bar: bar(&at(index, "live_allocations"), row.live_allocations, &most_from, most),
    };
    let unknown = all.iter().enumerate().find(|(_, row)| is_unknown(row) && blocks(row) > 0);
    let small = snapshot.sizes.iter().enumerate().find(|(_, row)| row.live_allocations.is_none());
    (!all.is_empty()).then(|| Lifetimes {
        provenance: label::provenance_in(snapshot.mode),
        rows: known().take(MOST_RANGES).map(range).collect(),
        unknown: unknown.map(|(index, row)| Unknown {
            freed: freed(index, row),
            freed_bytes: freed_bytes(index, row),
            alive: (row.live_allocations > 0).then(|| alive(index, row)),
            alive_bytes: alive_bytes(index, row),
        }),
        resolution: snapshot
            .profiler
            .clock_resolution_ms
            .map(|resolution| Figure::ms("/profiler/clock_resolution_ms", resolution)),
        told_from: small.and_then(|(index, row)| {
            Some(Figure::bytes(format!("/sizes/{index}/below_bytes"), row.below_bytes?))
        }),
        folded: (all.len() > MOST_RANGES).then(|| {
            Figure::count(format!("len(/lifetimes) - {MOST_RANGES}"), (all.len() - MOST_RANGES) as u64)
        }),
    })
}

/// The rows of the panel, for the page's script.
pub fn packed(snapshot: &Snapshot) -> Packed {
    let mut packed = Packed::of("/lifetimes");
    for range in lifetimes(snapshot).map_or(Vec::new(), |panel| panel.rows) {
        packed.push(range.index, &range);
    }
    packed.framed()
}
