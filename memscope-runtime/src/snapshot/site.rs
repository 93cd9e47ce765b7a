//! Places in the source that a macro registered.

use serde::{Deserialize, Serialize};

/// What kind of thing a site is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteKind {
    /// A function or method.
    Function,
    /// An async function.
    AsyncFunction,
    /// A variable.
    Variable,
    /// A function of another language, as it is called.
    ForeignFunction,
}

/// A place in the source that a macro registered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SiteRow {
    /// What it is.
    pub kind: SiteKind,
    /// Short name.
    pub name: String,
    /// Module path, type and name.
    pub key: String,
    /// Source file.
    pub file: String,
    /// Source line.
    pub line: u32,
    /// Source column.
    pub column: u32,
    /// Signature of a function, pattern and annotation of a variable, as written.
    pub signature: String,
    /// How often it ran; 0: it never ran.
    pub executions: u64,
    /// What each call may use, and what became of it; `None`: it has no budget.
    pub budget: Option<Budget>,
    /// The pointers that a foreign function was given and returned; `None`: it is no foreign function.
    pub crossings: Option<SiteCrossings>,
}

/// The pointers that a foreign function was given and returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteCrossings {
    /// Arguments that are pointers.
    pub sent: Pointers,
    /// Results that are pointers.
    pub received: Pointers,
}

/// Pointers, by where they point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointers {
    /// All of them.
    pub pointers: u64,
    /// Null ones.
    pub null: u64,
    /// Pointers into live blocks, at their start or inside; `None`: not measured, for blocks are sampled or not recorded.
    pub live_blocks: Option<u64>,
    /// Pointers to anything else: the stack, a static, memory of foreign code; `None`: as for `live_blocks`.
    pub elsewhere: Option<u64>,
}

/// What a call of a function may use (`#[track(budget = "…", max_allocs = …)]`), and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Bytes that a call may hold at once; `None`: no limit.
    pub bytes: Option<u64>,
    /// Allocations that a call may make; `None`: no limit.
    pub allocations: Option<u64>,
    /// Calls that ended and were judged; blocks are not counted one by one in sampling mode, so none is judged there.
    pub judged_calls: u64,
    /// Of these, those that went over.
    pub calls_over: u64,
    /// The most bytes that a call over its limit of bytes held at once; `None`: no call was.
    pub most_bytes: Option<u64>,
    /// The most allocations that a judged call made; `None`: no limit, or no call was judged.
    pub most_allocations: Option<u64>,
}
