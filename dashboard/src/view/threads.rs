//! Threads: who allocated, who freed, and who freed what others had allocated.

use super::foreign_frees::{ForeignFrees, foreign_frees};
use super::label::{self, Labels};
use super::ranking::{Folded, folded, ranked};
use crate::figure::Figure;
use crate::packed::Packed;
use crate::text::visible;
use memscope_runtime::snapshot::{Mode, Snapshot};
use serde::Serialize;

/// Threads shown at most: those with the most live bytes.
pub const MOST_THREADS: usize = 100;

/// The panel of threads.
#[derive(Clone, Debug, Serialize)]
pub struct Threads {
    /// Where its figures come from.
    pub provenance: label::Term,
    /// How many threads there are.
    pub total: Figure,
    /// Whether some row stands for several threads, one after another.
    pub has_several: bool,
    /// The threads, by number, which the partial `thread_rows` lists; none: they stand in the page's data ([`packed`]).
    pub rows: Vec<ThreadRow>,
    /// What is not shown.
    pub folded: Option<Folded>,
    /// Who freed whose blocks; `None`: the recording names no pair of threads.
    pub foreign_frees: Option<ForeignFrees>,
    /// Whether it is known that no thread freed a block of another's.
    pub frees_only_own: bool,
}

/// One thread.
#[derive(Clone, Debug, Serialize)]
pub struct ThreadRow {
    /// Index into the document's `threads`.
    #[serde(skip)]
    pub index: usize,
    /// memscope's number for it.
    pub id: Figure,
    /// How many threads, one after another, the row stands for; `None`: each row of the recording is one.
    pub threads: Option<Figure>,
    /// The operating system's name for it; `None`: unknown.
    pub name: Option<String>,
    /// Whether it has ended.
    pub ended: bool,
    /// Blocks it allocated.
    pub allocations: Figure,
    /// Blocks it freed.
    pub deallocations: Figure,
    /// Of these, blocks that another thread had allocated.
    pub foreign_deallocations: Figure,
    /// Resizes it did.
    pub reallocations: Figure,
    /// Bytes it allocated.
    pub allocated: Figure,
    /// Blocks alive that it allocated.
    pub live_allocations: Figure,
    /// Bytes alive that it allocated.
    pub live: Figure,
}

/// The panel for `snapshot`.
pub fn threads(snapshot: &Snapshot, labels: &Labels<'_>) -> Threads {
    let rows = &snapshot.threads;
    let (mut shown, rest) = ranked(rows, MOST_THREADS, |row| row.live_bytes);
    shown.sort_unstable();
    let has_several = rows.iter().any(|row| row.threads != 1);
    let row = |index: usize| {
        let row = &rows[index];
        let at = |field: &str| format!("/threads/{index}/{field}");
        let count = |field, value: u64, error| Figure::estimated_count(&at(field), value, error);
        let bytes = |field, value: u64, error| Figure::estimated_bytes(&at(field), value, error);
        ThreadRow {
            index,
            id: Figure::name(at("id"), u64::from(row.id)),
            threads: has_several.then(|| Figure::count(at("threads"), u64::from(row.threads))),
            name: row.name.as_deref().map(visible),
            ended: row.ended,
            allocations: count("allocations", row.allocations, row.allocations_error),
            deallocations: count("deallocations", row.deallocations, row.deallocations_error),
            foreign_deallocations: count(
                "foreign_deallocations",
                row.foreign_deallocations,
                row.foreign_deallocations_error,
            ),
            reallocations: count("reallocations", row.reallocations, row.reallocations_error),
            allocated: bytes("allocated_bytes", row.allocated_bytes, row.allocated_bytes_error),
            live_allocations: count("live_allocations", row.live_allocations, row.live_allocations_error),
            live: bytes("live_bytes", row.live_bytes, row.live_bytes_error),
        }
    };
    Threads {
        provenance: label::provenance_in(snapshot.mode),
        total: Figure::count("len(/threads)", rows.len() as u64),
        has_several,
        rows: shown.into_iter().map(row).collect(),
        folded: folded(rows, &rest, ("/threads", MOST_THREADS, "live_bytes", "live_bytes"), |row| {
            (Some(row.live_bytes), row.live_bytes_error)
        }),
        foreign_frees: foreign_frees(snapshot, labels),
        frees_only_own: matches!(snapshot.mode, Mode::Live | Mode::Sampling)
            && rows.iter().all(|row| row.foreign_deallocations == 0),
    }
}

/// The threads that are shown, for the page's script.
pub fn packed(snapshot: &Snapshot, labels: &Labels<'_>) -> Packed {
    let mut packed = Packed::of("/threads");
    for row in threads(snapshot, labels).rows {
        packed.push(row.index, &row);
    }
    packed.framed()
}
