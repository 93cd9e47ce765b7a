//! Types: variables summed by their type, parameters and all.

use super::label;
use super::ranking::{Folded, folded, ranked};
use super::unlisted;
use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::Snapshot;
use serde::Serialize;

/// Types shown at most: those with the most live bytes.
pub const MOST_TYPES: usize = 200;

/// The panel of types.
#[derive(Clone, Debug, Serialize)]
pub struct Types {
    /// Where its figures come from.
    pub provenance: label::Term,
    /// How many types there are.
    pub total: Figure,
    /// The types, most live bytes first.
    pub rows: Vec<TypeRow>,
    /// What is not shown.
    pub folded: Option<Folded>,
    /// What the recording counts and does not list.
    pub unlisted: Option<Folded>,
}

/// One type.
#[derive(Clone, Debug, Serialize)]
pub struct TypeRow {
    /// Type with its parameters.
    pub name: String,
    /// Variables of this type.
    pub variables: Figure,
    /// Executions of these.
    pub instances: Figure,
    /// Bytes alive.
    pub heap: Figure,
    /// Blocks alive.
    pub blocks: Figure,
}

/// The panel for `snapshot`.
pub fn types(snapshot: &Snapshot) -> Types {
    let rows = &snapshot.types;
    let (shown, rest) = ranked(rows, MOST_TYPES, |row| row.heap_bytes);
    let row = |index: usize| {
        let row = &rows[index];
        let at = |field: &str| format!("/types/{index}/{field}");
        TypeRow {
            name: visible(&row.type_name),
            variables: Figure::count(at("variables"), row.variables),
            instances: Figure::count(at("instances"), row.instances),
            heap: Figure::estimated_bytes(&at("heap_bytes"), row.heap_bytes, row.heap_bytes_error),
            blocks: Figure::estimated_count(&at("blocks"), row.blocks, row.blocks_error),
        }
    };
    Types {
        provenance: label::provenance_in(snapshot.mode),
        total: unlisted::total("/types", rows.len(), "types", snapshot.folded.types),
        unlisted: unlisted::unlisted("types", snapshot.folded.types, None),
        rows: shown.into_iter().map(row).collect(),
        folded: folded(rows, &rest, ("/types", MOST_TYPES, "heap_bytes", "heap_bytes"), |row| {
            (row.heap_bytes, row.heap_bytes_error)
        }),
    }
}
