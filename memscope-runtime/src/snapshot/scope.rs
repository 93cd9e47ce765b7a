//! Scopes, and the memory that is charged to them.

use super::{Activity, Category};
use serde::{Deserialize, Serialize};

/// One node of the scope tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    /// Short names from the root; empty for what happened outside of tracked functions.
    pub path: Vec<String>,
    /// Full names from the root (module path, type and name), which tell two functions of one name apart.
    pub key: Vec<String>,
    /// Source file of the function; `None` for the root.
    pub file: Option<String>,
    /// Line of the function's name.
    pub line: Option<u32>,
    /// How often the scope was entered: calls of a function, first polls of an async function's future.
    pub calls: u64,
    /// How often the scope was entered while it was already on the path (recursion is folded into its node).
    pub recursive_calls: u64,
    /// Memory allocated while this node was the current one.
    pub exclusive: ScopeMemory,
    /// `exclusive` of this node and of all nodes below it.
    pub inclusive: ScopeMemory,
    /// Its exclusive live bytes at each of [`Snapshot::trend_ms`](super::Snapshot::trend_ms); empty: not
    /// measured, or left out of a recording ([`Folded::trends`](super::Folded::trends)).
    pub trend: Vec<u64>,
    /// What threads were seen to do in it; `None`: not measured (no observer ran, or nothing was recorded).
    pub activity: Option<Activity>,
    /// What kind of work it does; `None`: not measured.
    pub category: Option<Category>,
}

/// Memory charged to a scope: to the one that allocated it, whoever frees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeMemory {
    /// Blocks allocated.
    pub allocations: u64,
    /// Standard error of `allocations`.
    pub allocations_error: Option<u64>,
    /// Blocks of this scope that were freed, anywhere.
    pub deallocations: u64,
    /// Standard error of `deallocations`.
    pub deallocations_error: Option<u64>,
    /// Of these frees, those by another thread than the one that allocated.
    pub foreign_deallocations: u64,
    /// Standard error of `foreign_deallocations`.
    pub foreign_deallocations_error: Option<u64>,
    /// Resizes that were done *by* this scope, whoever owns the block.
    pub reallocations: u64,
    /// Standard error of `reallocations`.
    pub reallocations_error: Option<u64>,
    /// Bytes allocated, growth of the scope's blocks included.
    pub allocated_bytes: u64,
    /// Standard error of `allocated_bytes`.
    pub allocated_bytes_error: Option<u64>,
    /// Bytes freed, shrinking of the scope's blocks included.
    pub deallocated_bytes: u64,
    /// Standard error of `deallocated_bytes`.
    pub deallocated_bytes_error: Option<u64>,
    /// Blocks alive.
    pub live_allocations: u64,
    /// Standard error of `live_allocations`.
    pub live_allocations_error: Option<u64>,
    /// Bytes alive.
    pub live_bytes: u64,
    /// Standard error of `live_bytes`.
    pub live_bytes_error: Option<u64>,
    /// Of the bytes alive, those in blocks that no tracked variable was seen to own (a declaration is no tracked variable);
    /// `None`: not measured, for blocks are sampled or not recorded.
    pub unowned_live_bytes: Option<u64>,
    /// Bytes alive when the process's total was at its peak; `None`: not measured.
    pub live_at_peak_bytes: Option<u64>,
    /// Standard error of `live_at_peak_bytes`.
    pub live_at_peak_bytes_error: Option<u64>,
    /// Samples that the figures rest on; `None`: every block was recorded.
    pub samples: Option<u64>,
    /// What `allocated_bytes` is below with a confidence of 95 %, where no sample was drawn; else `None`.
    pub allocated_bytes_upper_bound: Option<u64>,
    /// What `live_bytes` is below with a confidence of 95 %, where no sample is alive; else `None`.
    pub live_bytes_upper_bound: Option<u64>,
}
