//! What the page's scripts work on, beside the page: one field for each module.

use super::label::Labels;
use super::variable_rows::{VariableRows, variable_rows};
use super::{inspector, memory_map, scope_tree, timeline};
use crate::packed::Packed;
use memscope_runtime::snapshot::Snapshot;
use serde::Serialize;
use serde_json::{Map, Value};

/// The partials that the page's scripts render; those that they include come along.
pub const PARTIALS: [&str; 5] = ["card", "inspector", "brief", "squares", "points"];

/// The data of the page's scripts.
#[derive(Clone, Debug, Serialize)]
pub struct Island {
    /// What `hbs.js` runs.
    pub partials: Map<String, Value>,
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
}

/// The island for `snapshot`, with the programs of [`PARTIALS`].
pub fn island(snapshot: &Snapshot, labels: &Labels<'_>, partials: Map<String, Value>) -> Island {
    Island { inspectors: inspector::packed(snapshot, labels), ..fed(snapshot, labels, partials) }
}

/// The same for a page that is fed: without inspectors.
pub fn fed(snapshot: &Snapshot, labels: &Labels<'_>, partials: Map<String, Value>) -> Island {
    Island {
        partials,
        variables: variable_rows(snapshot, labels),
        inspectors: Packed::of("/variables"),
        memory_map: memory_map::packed(&memory_map::memory_map(snapshot, labels)),
        timeline: timeline::packed(snapshot),
        scopes: scope_tree::scope_tree(snapshot),
    }
}
