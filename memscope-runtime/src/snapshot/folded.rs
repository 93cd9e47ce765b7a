//! Rows that a recording does not hold, because its size is bounded.
//!
//! What is left out of a list is counted here, with the sums that the list's rows are part of, so that what is listed and
//! what is folded still add up to the totals. `snapshot()` lists everything and folds nothing; a file is
//! [bounded](crate::format::bounded).

use serde::{Deserialize, Serialize};

/// Rows that the lists of a [`Snapshot`](super::Snapshot) do not hold. All counts are 0 where everything is listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded {
    /// Scopes that `scopes` does not hold. They are part of the `inclusive` figures of the scopes above them.
    pub scopes: FoldedScopes,
    /// Variables that `variables` does not hold. They are part of the rows of `types`.
    pub variables: FoldedVariables,
    /// Executions that were taken out of the histories of listed variables; each row's `folded_instances` has its share.
    pub history_instances: u64,
    /// Crossings that were taken out of listed variables; each row's `folded_crossings` has its share.
    pub crossings: u64,
    /// Rows of `threads` that went into one row, which says how many threads it stands for.
    pub threads: u64,
    /// Pairs of threads that `foreign_frees` does not hold.
    pub foreign_frees: u64,
    /// Rows that `types` does not hold.
    pub types: u64,
    /// Points that `timeline` does not hold; the highest and the last of each stretch are kept.
    pub timeline_points: u64,
    /// Listed scopes whose `trend` was left out.
    pub trends: u64,
    /// Moments that `trend_ms` and each scope's `trend` do not hold.
    pub trend_moments: u64,
    /// Rows of `lifetimes` that went into the last one.
    pub lifetimes: u64,
    /// Findings that `findings` does not hold; the worst are kept.
    pub findings: u64,
    /// Places that `handed_out` does not hold.
    pub handed_out: FoldedHandedOut,
    /// Sites that `sites` does not hold; those that ran are kept first.
    pub sites: u64,
    /// Texts (names, types, paths, messages) that were cut; each ends in `…[+N bytes #checksum]`.
    pub cut_texts: u64,
    /// Cells of `memory_map`, which was left out as a whole.
    #[serde(default)]
    pub map_cells: u64,
    /// Rows of `sizes` that went into the last one.
    #[serde(default)]
    pub sizes: u64,
    /// Pairs of a scope and a thread that `scope_threads` told apart: they went into rows of their scopes, or with scopes that
    /// `scopes` does not hold.
    #[serde(default)]
    pub scope_threads: u64,
    /// Listed executions whose `peak_heap_bytes`, `seen` and moments of resizes were left out.
    #[serde(default)]
    pub lives: u64,
}

/// Scopes that are not listed, summed: what they did themselves (their exclusive figures).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoldedScopes {
    /// How many scopes.
    pub scopes: u64,
    /// Blocks that they allocated.
    pub allocations: u64,
    /// Standard error of `allocations`.
    pub allocations_error: Option<u64>,
    /// Bytes that they allocated.
    pub allocated_bytes: u64,
    /// Standard error of `allocated_bytes`.
    pub allocated_bytes_error: Option<u64>,
    /// Their blocks that are alive.
    pub live_allocations: u64,
    /// Standard error of `live_allocations`.
    pub live_allocations_error: Option<u64>,
    /// Bytes of these.
    pub live_bytes: u64,
    /// Standard error of `live_bytes`.
    pub live_bytes_error: Option<u64>,
}

/// Variables that are not listed, summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoldedVariables {
    /// How many rows.
    pub variables: u64,
    /// Their executions.
    pub instances: u64,
    /// Bytes alive in their blocks; `None`: of none of them measured.
    pub heap_bytes: Option<u64>,
    /// Standard error of `heap_bytes`.
    pub heap_bytes_error: Option<u64>,
    /// Their blocks that are alive; `None`: of none of them measured.
    pub blocks: Option<u64>,
    /// Standard error of `blocks`.
    pub blocks_error: Option<u64>,
}

/// Places that handed memory out and are not listed, summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoldedHandedOut {
    /// How many places.
    pub places: u64,
    /// Their blocks that are out and alive.
    pub live_blocks: u64,
    /// Bytes of these.
    pub live_bytes: u64,
}
