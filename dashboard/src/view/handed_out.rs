//! Memory handed out to foreign code: which places did so, and what became of it.

use super::label;
use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::{HandedOut as Row, Snapshot};
use serde::Serialize;

/// Places shown at most.
pub const MOST_PLACES: usize = 50;

/// The panel of memory that was handed out.
#[derive(Clone, Debug, Serialize)]
pub struct HandedOut {
    /// One row for each place, as they stand in the document.
    pub rows: Vec<Outlet>,
    /// Places that are not shown.
    pub folded: Option<Figure>,
}

/// A place that handed memory out.
#[derive(Clone, Debug, Serialize)]
pub struct Outlet {
    /// The function that did so.
    pub function: String,
    /// Where it was called, or is declared.
    pub place: Option<label::Place>,
    /// Scope's path.
    pub scope: String,
    /// How often.
    pub handed_out: Figure,
    /// Of these, those that were handed back.
    pub handed_back: Figure,
    /// Of these, those whose block was freed meanwhile.
    pub freed: Figure,
    /// Of these, those that are not followed; `None`: all are.
    pub unfollowed: Option<Figure>,
    /// Blocks out and alive.
    pub live_blocks: Figure,
    /// Their bytes.
    pub live_bytes: Figure,
    /// Functions that they were sent to.
    pub sent_to: Vec<String>,
    /// First handing out.
    pub first: Figure,
    /// Last handing out.
    pub last: Figure,
}

/// The panel for `snapshot`; `None`: nothing was handed out.
pub fn handed_out(snapshot: &Snapshot) -> Option<HandedOut> {
    let all = &snapshot.handed_out;
    (!all.is_empty()).then(|| HandedOut {
        rows: all.iter().enumerate().take(MOST_PLACES).map(|(index, row)| outlet(row, index)).collect(),
        folded: (all.len() > MOST_PLACES).then(|| {
            Figure::count(format!("len(/handed_out) - {MOST_PLACES}"), (all.len() - MOST_PLACES) as u64)
        }),
    })
}

fn outlet(row: &Row, index: usize) -> Outlet {
    let pointer = format!("/handed_out/{index}");
    let at = |field: &str| format!("{pointer}/{field}");
    let count = |field: &str, value: u64| Figure::count(at(field), value);
    Outlet {
        function: visible(&row.function),
        place: label::place(&pointer, Some(&row.file), Some(row.line)),
        scope: label::scope(&row.scope),
        handed_out: count("handed_out", row.handed_out),
        handed_back: count("handed_back", row.handed_back),
        freed: count("freed", row.freed),
        unfollowed: (row.unfollowed > 0).then(|| count("unfollowed", row.unfollowed)),
        live_blocks: count("live_blocks", row.live_blocks),
        live_bytes: Figure::bytes(at("live_bytes"), row.live_bytes),
        sent_to: row.sent_to.iter().map(|function| visible(function)).collect(),
        first: Figure::ms(at("first_ms"), row.first_ms),
        last: Figure::ms(at("last_ms"), row.last_ms),
    }
}
