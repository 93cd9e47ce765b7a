//! Who freed whose blocks: pairs of threads.

use super::label::{Labels, ThreadLabel};
use super::ranking::ranked;
use crate::figure::Figure;
use memscope_runtime::snapshot::Snapshot;
use serde::Serialize;

/// Pairs shown at most: those with the most frees.
pub const MOST_PAIRS: usize = 64;

/// Frees of blocks by other threads than those that allocated them.
#[derive(Clone, Debug, Serialize)]
pub struct ForeignFrees {
    /// Pairs that the recording holds.
    pub total: Figure,
    /// The pairs, most frees first.
    pub rows: Vec<Pair>,
    /// Pairs that are not shown.
    pub folded: Option<Figure>,
}

/// A thread that allocated and one that freed.
#[derive(Clone, Debug, Serialize)]
pub struct Pair {
    /// Who allocated.
    pub allocated_by: ThreadLabel,
    /// Who freed.
    pub freed_by: ThreadLabel,
    /// Blocks.
    pub blocks: Figure,
    /// Their bytes.
    pub bytes: Figure,
}

/// The pairs of `snapshot`; `None`: it holds none.
pub fn foreign_frees(snapshot: &Snapshot, labels: &Labels<'_>) -> Option<ForeignFrees> {
    let all = &snapshot.foreign_frees;
    let (shown, rest) = ranked(all, MOST_PAIRS, |row| row.deallocations);
    let pair = |index: usize| {
        let row = &all[index];
        let at = |field: &str| format!("/foreign_frees/{index}/{field}");
        Pair {
            allocated_by: labels.thread(at("allocated_by"), row.allocated_by),
            freed_by: labels.thread(at("freed_by"), row.freed_by),
            blocks: Figure::estimated_count(&at("deallocations"), row.deallocations, row.deallocations_error),
            bytes: Figure::estimated_bytes(
                &at("deallocated_bytes"),
                row.deallocated_bytes,
                row.deallocated_bytes_error,
            ),
        }
    };
    (!all.is_empty()).then(|| ForeignFrees {
        total: Figure::count("len(/foreign_frees)", all.len() as u64),
        rows: shown.into_iter().map(pair).collect(),
        folded: (!rest.is_empty())
            .then(|| Figure::count(format!("len(/foreign_frees) - {MOST_PAIRS}"), rest.len() as u64)),
    })
}
