//! What the page of a running program is fed with: the page itself, the panels as JSON, the sums, and alerts.
//!
//! A panel's JSON is its view, the very one that its partial is rendered with; the browser runs the same partial. So what
//! is fed and a page of the same snapshot read the same.
//!
//! Absent: no HTTP, no clock. `memscope`'s feature `serve` decides what is sent when.

use crate::figure::Figure;
use crate::text::visible;
use crate::view::{self, label, overview};
use crate::{RenderError, render, units};
use memscope_runtime::snapshot::{Severity, Snapshot};
use serde::Serialize;

/// What the live page has beside the panels of a file.
#[derive(Clone, Debug, Serialize)]
pub struct Live {
    /// Which server of which process its numbers are of.
    pub run: String,
    /// The update that the page shows.
    pub update: u64,
}

/// A panel's view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panel {
    /// The name of its partial.
    pub name: &'static str,
    /// Its view as JSON; `null`: the page has no such panel at this moment.
    pub json: String,
}

/// The page of `snapshot` as one that is fed.
///
/// # Errors
/// As [`render`](fn@render).
pub fn page(snapshot: &Snapshot, run: &str, update: u64) -> Result<String, RenderError> {
    render::page(snapshot, Some(Live { run: run.to_owned(), update }))
}

/// The partials of the panels that are fed, in the order of the page.
pub(crate) const PANELS: [&str; 14] = [
    "answers",
    "overview",
    "variables",
    "memory_map",
    "diagnostics",
    "scopes",
    "types",
    "lifetimes",
    "sizes",
    "threads",
    "handed_out",
    "tasks",
    "sites",
    "recording",
];

/// The panels of `snapshot` that need neither its variables nor its blocks, and before them the fields of the
/// [island](view::island) that go with them, as `data:FIELD`. Of what the overview says of variables and findings `snapshot`
/// may have what was looked at before.
///
/// # Errors
/// What serializing a view gives; no recording leads there.
pub fn panels_of_books(snapshot: &Snapshot) -> Result<Vec<Panel>, serde_json::Error> {
    let labels = label::Labels::of_threads(snapshot);
    [
        panel("data:timeline", &view::timeline::packed(snapshot)),
        panel("data:scopes", &view::scope_tree::fed(snapshot)),
        panel("overview", &overview::fed(snapshot)),
        panel("threads", &view::threads::threads(snapshot, &labels)),
        panel("handed_out", &view::handed_out::handed_out(snapshot)),
        panel("tasks", &view::tasks::tasks(snapshot)),
    ]
    .into_iter()
    .collect()
}

/// The panels of variables and types, and of what memscope itself takes. Of the cards, which are data, one stands for all.
///
/// # Errors
/// What serializing a view gives; no recording leads there.
pub fn panels_of_variables(snapshot: &Snapshot) -> Result<Vec<Panel>, serde_json::Error> {
    let labels = label::Labels::new(snapshot);
    [
        panel("data:variables", &view::variable_rows::variable_rows(snapshot, &labels)),
        panel("variables", &view::variables::variables(snapshot, &labels, 1)),
        panel("types", &view::types::types(snapshot)),
        panel("recording", &view::recording::recording(snapshot)),
    ]
    .into_iter()
    .collect()
}

/// The others: what rests on the live blocks one by one, findings among it, and what is long and changes little.
///
/// # Errors
/// What serializing a view gives; no recording leads there.
pub fn panels_of_blocks(snapshot: &Snapshot) -> Result<Vec<Panel>, serde_json::Error> {
    let labels = label::Labels::new(snapshot);
    let mut map = view::memory_map::memory_map(snapshot, &labels);
    let blocks = view::memory_map::packed(&map);
    map.threads.iter_mut().for_each(|thread| thread.squares.clear()); // they are data
    [
        panel("data:memory_map", &blocks),
        panel("memory_map", &map),
        panel("answers", &view::answers::answers(snapshot, &labels)),
        panel("diagnostics", &view::diagnostics::diagnostics(snapshot, &labels)),
        panel("scopes", &view::scopes::scopes(snapshot, &labels)),
        panel("lifetimes", &view::lifetimes::lifetimes(snapshot)),
        panel("sizes", &view::sizes::sizes(snapshot)),
        panel("sites", &view::sites::sites(snapshot)),
    ]
    .into_iter()
    .collect()
}

/// All about the variable at `index`, as JSON of its view; `None`: there is no such variable.
///
/// # Errors
/// What serializing a view gives; no recording leads there.
pub fn inspector(snapshot: &Snapshot, index: usize) -> Result<Option<String>, serde_json::Error> {
    if index >= snapshot.variables.len() {
        return Ok(None);
    }
    let labels = label::Labels::new(snapshot);
    serde_json::to_string(&view::inspector::inspector(snapshot, index, &labels)).map(Some)
}

fn panel(name: &'static str, view: &impl Serialize) -> Result<Panel, serde_json::Error> {
    Ok(Panel { name, json: serde_json::to_string(view)? })
}

/// The figures of the process's sums, each with its origin, by which the page finds where it stands. Nothing of
/// `snapshot` is read but its mode, program and totals.
pub fn totals(snapshot: &Snapshot) -> Vec<Figure> {
    let overview = overview::fed(snapshot);
    vec![
        overview.live,
        overview.live_allocations,
        overview.peak,
        overview.allocated,
        overview.deallocated,
        overview.allocations,
        overview.deallocations,
        overview.reallocations,
        overview.efficiency,
        overview.allocation_rate,
        overview.allocated_bytes_rate,
        overview.growth_rate,
        overview.churn_rate,
        Figure::ms("/program/elapsed_ms", snapshot.program.elapsed_ms),
    ]
}

/// How old is what the page shows beside the sums.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Ages {
    /// Of [`panels_of_books`].
    pub books_ms: u64,
    /// Of [`panels_of_variables`].
    pub variables_ms: u64,
    /// Of [`panels_of_blocks`].
    pub blocks_ms: u64,
}

/// What comes several times a second.
#[derive(Debug, Serialize)]
pub struct Pulse<'a> {
    /// Which server of which process the numbers are of.
    pub run: &'a str,
    /// The newest update of the panels, which was sent before.
    pub update: u64,
    /// The newest alert, which was sent before.
    pub alert: u64,
    /// How long ago the panels were looked at.
    pub ages: Ages,
    /// [`totals`]; empty: nothing is recorded.
    pub figures: Vec<Figure>,
}

impl Pulse<'_> {
    /// The pulse as JSON.
    ///
    /// # Errors
    /// What serializing gives; no pulse leads there.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// An alert, or a finding that was not there before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// From 1, in the order in which they came.
    pub number: u64,
    /// As in the document.
    pub severity: Severity,
    /// What, where, what to do.
    pub message: String,
    /// When, since the program's start.
    pub at: String,
}

impl Notice {
    /// What a person reads of it.
    pub fn new(number: u64, severity: Severity, message: &str, ms: u64) -> Notice {
        Notice { number, severity, message: visible(message), at: units::milliseconds(ms) }
    }

    /// The notice as JSON.
    ///
    /// # Errors
    /// What serializing gives; no notice leads there.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A panel that is not fed would show the figures of the moment when the page was opened.
    #[test]
    fn every_panel_of_the_page_is_fed() {
        let page = include_str!("../templates/page.hbs");
        let partials =
            page.split("{{> ").skip(1).map(|rest| rest.split([' ', '}']).next().unwrap_or_default());
        let panels: Vec<&str> = partials.filter(|name| !["head", "live"].contains(name)).collect();
        assert_eq!(panels, PANELS);
        let script = include_str!("../assets/live.js");
        let list = script.split("const PANELS = [").nth(1).and_then(|rest| rest.split("];").next());
        let rows: Vec<Vec<&str>> = list
            .expect("the list")
            .split('[')
            .skip(1)
            .map(|row| row.split('"').skip(1).step_by(2).collect())
            .collect();
        assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), PANELS);
        // Of which look each panel's age is.
        let nothing = memscope_runtime::nothing_recorded(false);
        type Make = fn(&Snapshot) -> Result<Vec<Panel>, serde_json::Error>;
        let looks: [(&str, Make); 3] = [
            ("books_ms", panels_of_books),
            ("variables_ms", panels_of_variables),
            ("blocks_ms", panels_of_blocks),
        ];
        let mut fed = 0;
        for (age, make) in looks {
            for panel in make(&nothing).expect("views are plain data") {
                let Some(row) = rows.iter().find(|row| row[0] == panel.name) else {
                    assert!(panel.name.starts_with("data:"), "{}", panel.name);
                    continue;
                };
                // The scopes that are drawn are data of the books; the list has a note of its own.
                let expected = if panel.name == "scopes" { "books_ms" } else { age };
                assert_eq!(row[2], expected, "{}", panel.name);
                fed += 1;
            }
        }
        assert_eq!(fed, PANELS.len());
    }
}
