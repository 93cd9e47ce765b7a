//! Lifetimes: how many blocks lived how long, the freed told apart from those that still live.

use crate::figure::Figure;
use memscope_runtime::snapshot::{Lifetimes as Row, Snapshot};
use serde::Serialize;

/// Ranges shown at most; a recorder's ranges grow by powers, so no recording has as many.
pub const MOST_RANGES: usize = 64;

/// The panel of lifetimes.
#[derive(Clone, Debug, Serialize)]
pub struct Lifetimes {
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
    /// Width of the freed in the bar, in percent of the range with the most blocks.
    pub freed_bar: String,
    /// Width of the alive.
    pub alive_bar: String,
}

/// The panel for `snapshot`; `None`: lifetimes were not measured.
pub fn lifetimes(snapshot: &Snapshot) -> Option<Lifetimes> {
    let all = &snapshot.lifetimes;
    let blocks = |row: &Row| row.deallocations as f64 + row.live_allocations as f64;
    let most = all.iter().map(blocks).fold(1.0, f64::max);
    let width = |count: u64| format!("{:.2}", count as f64 / most * 100.0);
    let range = |(index, row): (usize, &Row)| {
        let at = |field: &str| format!("/lifetimes/{index}/{field}");
        let count = |field, value: u64, error| Figure::estimated_count(&at(field), value, error);
        Range {
            from: Figure::ms(at("from_ms"), row.from_ms),
            below: row.below_ms.map(|below| Figure::ms(at("below_ms"), below)),
            freed: count("deallocations", row.deallocations, row.deallocations_error),
            alive: count("live_allocations", row.live_allocations, row.live_allocations_error),
            freed_bar: width(row.deallocations),
            alive_bar: width(row.live_allocations),
        }
    };
    (!all.is_empty()).then(|| Lifetimes {
        rows: all.iter().enumerate().take(MOST_RANGES).map(range).collect(),
        folded: (all.len() > MOST_RANGES).then(|| {
            Figure::count(format!("len(/lifetimes) - {MOST_RANGES}"), (all.len() - MOST_RANGES) as u64)
        }),
    })
}
