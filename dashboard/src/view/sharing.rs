//! What a value told of its owners and holders at the last look at it, and which variables share a block with it.

use super::label::{self, Labels, Term};
use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::{Mode, Snapshot};
use serde::Serialize;

/// Owners, holders and sharers of a value.
#[derive(Clone, Debug, Serialize)]
pub struct Sharing {
    /// Strong owners of an `Rc` or `Arc`.
    pub strong_owners: Figure,
    /// Weak pointers to it.
    pub weak_owners: Figure,
    /// Who held its `RefCell` or lock; `None`: not measured.
    pub held: Option<Term>,
    /// What it could tell of its borrows.
    pub borrow_count: Figure,
    /// Variables that were seen to share a block with it; `None`: not measured, for nobody follows its blocks.
    pub shared_with: Option<Vec<Sharer>>,
    /// Pointers that lead into no recorded block.
    pub unknown_blocks: Figure,
    /// Blocks that one look was shown twice as owned alone.
    pub blocks_owned_twice: Figure,
}

/// A variable that shares a block.
#[derive(Clone, Debug, Serialize)]
pub struct Sharer {
    /// Its name.
    pub name: String,
    /// Its index, if it has an inspector.
    pub index: Option<usize>,
}

/// What the variable at `index` shares.
pub fn sharing(snapshot: &Snapshot, index: usize, labels: &Labels<'_>) -> Sharing {
    let row = &snapshot.variables[index];
    let is_followed = snapshot.mode == Mode::Live && row.blocks.is_some();
    let count = |field: &str, value: Option<u64>| Figure::count(format!("/variables/{index}/{field}"), value);
    let sharer = |&other: &u32| {
        let other = other as usize;
        Sharer {
            name: snapshot.variables.get(other).map_or_else(
                || "a variable that the recording does not list".into(),
                |row| visible(&row.name),
            ),
            index: Some(other).filter(|&other| labels.has_inspector(other)),
        }
    };
    Sharing {
        strong_owners: count("strong_owners", row.strong_owners),
        weak_owners: count("weak_owners", row.weak_owners),
        held: row.held.map(label::held),
        borrow_count: count("borrow_count", row.borrow_count),
        shared_with: (is_followed || !row.shared_with.is_empty())
            .then(|| row.shared_with.iter().take(MOST_SHARERS).map(sharer).collect()),
        unknown_blocks: count("unknown_blocks", row.unknown_blocks),
        blocks_owned_twice: count("blocks_owned_twice", row.blocks_owned_twice),
    }
}

/// Sharers named at most; the model lists no more.
const MOST_SHARERS: usize = 8;
