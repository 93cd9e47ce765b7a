//! Lifetimes: how many blocks lived how long, the freed told apart from those that still live.

use super::geometry::{Bar, bar};
use super::label;
use crate::figure::Figure;
use memscope_runtime::snapshot::{Lifetimes as Row, Snapshot};
use serde::Serialize;

/// Ranges shown at most; a recorder's ranges grow by powers, so no recording has as many.
pub const MOST_RANGES: usize = 64;

/// The panel of lifetimes.
#[derive(Clone, Debug, Serialize)]
pub struct Lifetimes {
    /// Where its figures come from.
    pub provenance: label::Term,
    /// One row for each range, shortest first.
    pub rows: Vec<Range>,
    /// Ranges that are not shown.
    pub folded: Option<Figure>,
}

/// Blocks that lived for a time within a range.
#[derive(Clone, Debug, Serialize)]
pub struct Range {
    /// The shortest.
    pub from: Figure,
    /// All are below this; `None`: no bound.
    pub below: Option<Figure>,
    /// Blocks that were freed at such an age.
    pub freed: Figure,
    /// Blocks alive that are so old: their lifetimes are censored.
    pub alive: Figure,
    /// The freed as a share of the blocks of the range with the most.
    pub freed_bar: Bar,
    /// The alive as a share of these.
    pub alive_bar: Bar,
}

/// The panel for `snapshot`; `None`: lifetimes were not measured.
pub fn lifetimes(snapshot: &Snapshot) -> Option<Lifetimes> {
    let all = &snapshot.lifetimes;
    let blocks = |row: &Row| row.deallocations.saturating_add(row.live_allocations);
    let fullest = (0..all.len()).rev().max_by_key(|&index| blocks(&all[index]));
    let most = fullest.map_or(0, |index| blocks(&all[index]));
    let most_from = fullest.map_or_else(String::new, |index| {
        format!("(/lifetimes/{index}/deallocations + /lifetimes/{index}/live_allocations)")
    });
    let range = |(index, row): (usize, &Row)| {
        let at = |field: &str| format!("/lifetimes/{index}/{field}");
        let count = |field, value: u64, error| Figure::estimated_count(&at(field), value, error);
        Range {
            from: Figure::ms(at("from_ms"), row.from_ms),
            below: row.below_ms.map(|below| Figure::ms(at("below_ms"), below)),
            freed: count("deallocations", row.deallocations, row.deallocations_error),
            alive: count("live_allocations", row.live_allocations, row.live_allocations_error),
            freed_bar: bar(&at("deallocations"), row.deallocations, &most_from, most),
            alive_bar: bar(&at("live_allocations"), row.live_allocations, &most_from, most),
        }
    };
    (!all.is_empty()).then(|| Lifetimes {
        provenance: label::provenance_in(snapshot.mode),
        rows: all.iter().enumerate().take(MOST_RANGES).map(range).collect(),
        folded: (all.len() > MOST_RANGES).then(|| {
            Figure::count(format!("len(/lifetimes) - {MOST_RANGES}"), (all.len() - MOST_RANGES) as u64)
        }),
    })
}
