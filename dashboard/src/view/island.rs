//! What the page's scripts work on, beside the page: one field for each module.

use super::label::Labels;
use super::variable_rows::{VariableRows, variable_rows};
use super::{foreign_frees, inspector, lifetimes, memory_map, scope_tree, scopes, sizes, threads, timeline};
use crate::packed::Packed;
use memscope_runtime::snapshot::Snapshot;
use serde::Serialize;
use std::collections::BTreeMap;

/// The partials that the page's scripts render; those that they include come along.
pub const PARTIALS: [&str; 10] = [
    "card",
    "inspector",
    "brief",
    "squares",
    "points",
    "more_of_scope",
    "thread_rows",
    "pairs",
    "size_rows",
    "lifetime_rows",
];

/// The data of the page's scripts.
#[derive(Clone, Debug, Serialize)]
pub struct Island {
    /// What `variables.js` shows.
    pub variables: VariableRows,
    /// What `inspector.js` shows; a page that is fed asks for each when it is opened.
    pub inspectors: Packed,
    /// What `memory_map.js` draws.
    pub memory_map: memory_map::Squares,
    /// What `timeline.js` reads out.
    pub timeline: Packed,
    /// What `scopes.js` draws; `None`: the recording has no tree of scopes.
    pub scopes: Option<scope_tree::ScopeTree>,
    /// What `more_of_scope.js` tells.
    pub more_of_scopes: Packed,
    /// What `lists.js` lists, by the partials that make rows of it.
    pub lists: BTreeMap<&'static str, Packed>,
}

/// The island for `snapshot`.
pub fn island(snapshot: &Snapshot, labels: &Labels<'_>) -> Island {
    Island {
        inspectors: inspector::packed(snapshot, labels),
        scopes: scope_tree::scope_tree(snapshot),
        ..fed(snapshot, labels)
    }
}

/// The same for a page that is fed: without inspectors, and without what a range of time needs.
pub fn fed(snapshot: &Snapshot, labels: &Labels<'_>) -> Island {
    Island {
        variables: variable_rows(snapshot, labels),
        inspectors: Packed::of("/variables"),
        memory_map: memory_map::packed(&memory_map::memory_map(snapshot, labels)),
        timeline: timeline::packed(snapshot),
        scopes: scope_tree::fed(snapshot),
        more_of_scopes: scopes::packed(snapshot, labels),
        lists: BTreeMap::from([
            ("thread_rows", threads::packed(snapshot, labels)),
            ("pairs", foreign_frees::packed(snapshot, labels)),
            ("size_rows", sizes::packed(snapshot)),
            ("lifetime_rows", lifetimes::packed(snapshot)),
        ]),
    }
}
