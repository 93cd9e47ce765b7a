//! The passport of a variable: its crossings into foreign code and back; and the pointers of a foreign function.

use super::label::{Labels, ThreadLabel};
use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::{Direction, Pointers, SiteCrossings, Variable};
use serde::Serialize;

/// The crossings of a variable.
#[derive(Clone, Debug, Serialize)]
pub struct Passport {
    /// How many there are; 0 reads "no crossing recorded".
    pub total: Figure,
    /// The newest, newest first.
    pub rows: Vec<CrossingView>,
    /// Crossings that are not shown.
    pub folded: Option<Figure>,
}

/// One crossing.
#[derive(Clone, Debug, Serialize)]
pub struct CrossingView {
    /// Which way, in words that the function's name follows.
    pub direction: &'static str,
    /// The foreign function, or that of `memscope::ffi`.
    pub function: String,
    /// Who called it.
    pub thread: ThreadLabel,
    /// When.
    pub at: Figure,
}

/// The passport of the variable at `index`; of `rows_left` it takes as many as it shows.
pub fn passport(row: &Variable, index: usize, labels: &Labels<'_>, rows_left: &mut usize) -> Passport {
    let at = |field: &str| format!("/variables/{index}/{field}");
    let mut total = Figure::count(at("ffi_crossings"), row.ffi_crossings);
    if row.ffi_crossings == Some(0) {
        total.text = "no crossing recorded".into();
    }
    let shown = row.crossings.len().min(*rows_left);
    *rows_left -= shown;
    let rows = row.crossings.iter().enumerate().rev().take(shown).map(|(number, crossing)| {
        let at = |field: &str| at(&format!("crossings/{number}/{field}"));
        CrossingView {
            direction: match crossing.direction {
                Direction::Sent => "sent to",
                Direction::Received => "received from",
            },
            function: visible(&crossing.function),
            thread: labels.thread(at("thread"), crossing.thread),
            at: Figure::ms(at("ms"), crossing.ms),
        }
    });
    let folded = row.folded_crossings.saturating_add((row.crossings.len() - shown) as u64);
    let from = format!("{} + len({}) - {shown}", at("folded_crossings"), at("crossings"));
    Passport { total, rows: rows.collect(), folded: (folded > 0).then(|| Figure::count(from, folded)) }
}

/// The pointers that a foreign function was given and returned.
#[derive(Clone, Debug, Serialize)]
pub struct SiteCrossingsView {
    /// Arguments.
    pub sent: PointersView,
    /// Results.
    pub received: PointersView,
}

/// Pointers, by where they point.
#[derive(Clone, Debug, Serialize)]
pub struct PointersView {
    /// All of them.
    pub pointers: Figure,
    /// Into live blocks.
    pub live_blocks: Figure,
    /// Null ones.
    pub nulls: Figure,
    /// To anything else.
    pub elsewhere: Figure,
}

/// The pointers of the foreign function at `pointer` in the document.
pub fn of_site(crossings: &SiteCrossings, pointer: &str) -> SiteCrossingsView {
    let view = |direction: &str, pointers: &Pointers| {
        let at = |field: &str| format!("{pointer}/{direction}/{field}");
        PointersView {
            pointers: Figure::count(at("pointers"), pointers.pointers),
            live_blocks: Figure::count(at("live_blocks"), pointers.live_blocks),
            nulls: Figure::count(at("null"), pointers.null),
            elsewhere: Figure::count(at("elsewhere"), pointers.elsewhere),
        }
    };
    SiteCrossingsView { sent: view("sent", &crossings.sent), received: view("received", &crossings.received) }
}
