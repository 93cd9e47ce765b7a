//! Snapshot → what the templates need: one plain view type for each partial template.
//!
//! Invariants: views are pure functions of the snapshot; every number in them is a [`Figure`](crate::figure::Figure)
//! with its origin; every string of the recorded program went through [`visible`](crate::text::visible) (except in
//! the [`variables::Island`], which holds them raw for the search); every list is bounded, and what is left out is
//! counted.

pub mod diagnostics;
pub mod first_line;
mod folded;
pub mod handed_out;
pub mod inspector;
pub mod label;
pub mod lifetimes;
pub mod memory_map;
pub mod overview;
pub mod passport;
pub mod ranking;
pub mod recording;
pub mod scopes;
pub mod sites;
pub mod tasks;
pub mod threads;
pub mod timeline;
pub mod types;
pub mod variables;

use memscope_runtime::snapshot::Snapshot;
use serde::Serialize;
use std::collections::HashSet;

/// Everything on the page.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// What the reader must know first.
    pub first_line: first_line::FirstLine,
    /// The whole process.
    pub overview: overview::Overview,
    /// Variable cards.
    pub variables: variables::Variables,
    /// One inspector for each card.
    pub inspectors: Vec<inspector::Inspector>,
    /// The largest live blocks.
    pub memory_map: memory_map::MemoryMap,
    /// The scope tree.
    pub scopes: scopes::Scopes,
    /// Variables by type.
    pub types: types::Types,
    /// How long blocks lived; `None`: not measured.
    pub lifetimes: Option<lifetimes::Lifetimes>,
    /// Threads.
    pub threads: threads::Threads,
    /// Tasks; `None`: none was polled.
    pub tasks: Option<tasks::Tasks>,
    /// Findings.
    pub diagnostics: diagnostics::Diagnostics,
    /// Memory that was handed out to foreign code; `None`: none was.
    pub handed_out: Option<handed_out::HandedOut>,
    /// What the macros registered.
    pub sites: sites::Sites,
    /// The program and the recorder.
    pub recording: recording::Recording,
}

/// The page for `snapshot`.
pub fn page(snapshot: &Snapshot) -> Page {
    let labels = label::Labels::new(snapshot);
    let inspectors = inspector::inspectors(snapshot, &labels);
    let inspected: HashSet<usize> = inspectors.iter().map(|inspector| inspector.index).collect();
    let mut diagnostics = diagnostics::diagnostics(snapshot);
    for finding in diagnostics.groups.iter_mut().flat_map(|group| &mut group.findings) {
        // A link that opens nothing is none.
        finding.variable_index = finding.variable_index.filter(|index| inspected.contains(index));
    }
    Page {
        first_line: first_line::first_line(snapshot),
        overview: overview::overview(snapshot),
        variables: variables::variables(snapshot, &labels),
        memory_map: memory_map::memory_map(snapshot, &labels, &|index| inspected.contains(&index)),
        inspectors,
        scopes: scopes::scopes(snapshot),
        types: types::types(snapshot),
        lifetimes: lifetimes::lifetimes(snapshot),
        threads: threads::threads(snapshot),
        tasks: tasks::tasks(snapshot),
        diagnostics,
        handed_out: handed_out::handed_out(snapshot),
        sites: sites::sites(snapshot),
        recording: recording::recording(snapshot),
    }
}
