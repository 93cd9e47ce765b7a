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
pub(crate) const PANELS: [&str; 13] = [
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

/// The panels of `snapshot` that are cheap to make, and before them the fields of the [island](view::island) that go with
/// them, as `data:FIELD`.
///
/// # Errors
/// What serializing a view gives; no recording leads there.
pub fn panels(snapshot: &Snapshot) -> Result<Vec<Panel>, serde_json::Error> {
    let labels = label::Labels::new(snapshot);
    [
        panel("data:variables", &view::variable_rows::variable_rows(snapshot, &labels)),
        panel("data:timeline", &view::timeline::packed(snapshot)),
        panel("overview", &overview::overview(snapshot)),
        panel("variables", &view::variables::variables(snapshot, &labels)),
        panel("diagnostics", &view::diagnostics::diagnostics(snapshot, &labels)),
        panel("scopes", &view::scopes::scopes(snapshot, &labels)),
        panel("types", &view::types::types(snapshot)),
        panel("lifetimes", &view::lifetimes::lifetimes(snapshot)),
        panel("sizes", &view::sizes::sizes(snapshot)),
        panel("threads", &view::threads::threads(snapshot, &labels)),
        panel("handed_out", &view::handed_out::handed_out(snapshot)),
        panel("tasks", &view::tasks::tasks(snapshot)),
        panel("sites", &view::sites::sites(snapshot)),
        panel("recording", &view::recording::recording(snapshot)),
    ]
    .into_iter()
    .collect()
}

/// The others: the blocks of the memory map and the inspectors, which name variables by their numbers in `snapshot`.
///
/// # Errors
/// What serializing a view gives; no recording leads there.
pub fn large_panels(snapshot: &Snapshot) -> Result<Vec<Panel>, serde_json::Error> {
    let labels = label::Labels::new(snapshot);
    let map = view::memory_map::memory_map(snapshot, &labels);
    [
        panel("data:inspectors", &view::inspector::packed(snapshot, &labels)),
        panel("data:memory_map", &view::memory_map::packed(&map)),
        panel("memory_map", &map),
    ]
    .into_iter()
    .collect()
}

fn panel(name: &'static str, view: &impl Serialize) -> Result<Panel, serde_json::Error> {
    Ok(Panel { name, json: serde_json::to_string(view)? })
}

/// The figures of the process's sums, each with its origin, by which the page finds where it stands. Nothing of
/// `snapshot` is read but its mode, program and totals.
pub fn totals(snapshot: &Snapshot) -> Vec<Figure> {
    let overview = overview::overview(snapshot);
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
        Figure::ms("/program/elapsed_ms", snapshot.program.elapsed_ms),
    ]
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
        let list = script
            .split("const PANELS = [")
            .nth(1)
            .and_then(|rest| rest.split("];").next())
            .expect("the list");
        let taken: Vec<&str> = list.split("[\"").skip(1).filter_map(|pair| pair.split('"').next()).collect();
        assert_eq!(taken, PANELS);
    }
}
