//! Snapshot → what the templates need: one plain view type for each partial template.
//!
//! Invariants: views are pure functions of the snapshot; every number in them is a [`Figure`](crate::figure::Figure)
//! with its origin, every drawing a [length with its origin](geometry); every string of the recorded program went through
//! [`visible`](crate::text::visible); every list is bounded, and what is left out is counted.

pub mod activity;
pub mod address_map;
pub mod answers;
pub mod category;
pub mod compare;
pub mod compare_head;
pub mod diagnostics;
pub mod first_line;
mod folded;
pub mod foreign_frees;
pub mod fragmentation;
pub mod geometry;
pub mod handed_out;
pub mod inspector;
pub mod island;
pub mod label;
pub mod lifetimes;
pub mod memory_map;
pub mod multiple;
pub mod overview;
pub mod passport;
pub mod ranking;
pub mod recording;
pub mod scope_threads;
pub mod scope_tree;
pub mod scope_trends;
pub mod scopes;
pub mod sharing;
pub mod side;
pub mod sites;
pub mod sizes;
pub mod tasks;
pub mod threads;
pub mod timeline;
pub mod trend;
pub mod types;
mod unlisted;
pub mod variable_rows;
pub mod variables;

use memscope_runtime::snapshot::Snapshot;
use serde::Serialize;

/// Everything on the page.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// What the reader must know first.
    pub first_line: first_line::FirstLine,
    /// Where the figures of memory come from.
    pub provenance: label::Term,
    /// What a reader comes for; `None`: nothing was recorded.
    pub answers: Option<answers::Answers>,
    /// The whole process.
    pub overview: overview::Overview,
    /// Variable cards.
    pub variables: variables::Variables,
    /// The largest live blocks.
    pub memory_map: memory_map::MemoryMap,
    /// The scope tree.
    pub scopes: scopes::Scopes,
    /// Variables by type.
    pub types: types::Types,
    /// How long blocks lived; `None`: not measured.
    pub lifetimes: Option<lifetimes::Lifetimes>,
    /// Live blocks by size; `None`: none is listed.
    pub sizes: Option<sizes::Sizes>,
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

impl Page {
    /// What of it stands in a file. The rest its script makes of the [island], where it takes a fraction of the room.
    pub fn standing(mut self) -> Self {
        self.scopes.rows.iter_mut().for_each(|row| row.more = None);
        self.threads.rows.clear();
        self.sizes.iter_mut().for_each(|sizes| sizes.rows.clear());
        self.lifetimes.iter_mut().for_each(|lifetimes| lifetimes.rows.clear());
        self.threads.foreign_frees.iter_mut().for_each(|frees| frees.rows.clear());
        self
    }
}

/// The page for `snapshot`, with all that is fed to that of a running program.
pub fn page(snapshot: &Snapshot, labels: &label::Labels<'_>) -> Page {
    Page {
        first_line: first_line::first_line(snapshot),
        provenance: label::provenance_in(snapshot.mode),
        answers: answers::answers(snapshot, labels),
        overview: overview::overview(snapshot),
        variables: variables::variables(snapshot, labels, variables::MOST_STANDING),
        memory_map: memory_map::memory_map(snapshot, labels),
        scopes: scopes::scopes(snapshot, labels),
        types: types::types(snapshot),
        lifetimes: lifetimes::lifetimes(snapshot),
        sizes: sizes::sizes(snapshot),
        threads: threads::threads(snapshot, labels),
        tasks: tasks::tasks(snapshot),
        diagnostics: diagnostics::diagnostics(snapshot, labels),
        handed_out: handed_out::handed_out(snapshot),
        sites: sites::sites(snapshot),
        recording: recording::recording(snapshot),
    }
}
