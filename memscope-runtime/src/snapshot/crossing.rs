//! What crosses into foreign code, and what was handed out to it.

use serde::{Deserialize, Serialize};

/// Which way a pointer crosses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To foreign code: an argument of a foreign function, or memory that `into_raw` handed out.
    Sent,
    /// From foreign code: a foreign function's result, or memory that `from_raw` took back.
    Received,
}

/// A pointer into a live block crossed into foreign code, or back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossing {
    /// The foreign function's name, or that of the function of `memscope::ffi`, such as `Box::into_raw`.
    pub function: String,
    /// Which way.
    pub direction: Direction,
    /// Id of the thread that called.
    pub thread: u32,
    /// When.
    pub ms: u64,
}

/// A place that handed memory out to foreign code, in one scope, and what became of that memory.
///
/// Memory is handed out by an `into_raw` of `memscope::ffi` and by a `Box` that is a foreign function's argument; it is
/// handed back by a `from_raw` of `memscope::ffi`, by a `Box` that a foreign function returns, and where a tracked
/// variable is seen to own it alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedOut {
    /// The function that handed out: one of `memscope::ffi`, such as `CString::into_raw`, or a foreign one.
    pub function: String,
    /// Source file of the call; of a foreign function's declaration.
    pub file: String,
    /// Source line.
    pub line: u32,
    /// Short names of the scope's path from the root.
    pub scope: Vec<String>,
    /// How often it handed a live block out.
    pub handed_out: u64,
    /// How many of these were handed back.
    pub handed_back: u64,
    /// How many of these ended with the block's free while it was out.
    pub freed: u64,
    /// How many of these are not followed, for too many are: nobody knows what became of them.
    pub unfollowed: u64,
    /// Blocks that are out and alive now. (A shared block that is out twice is one.)
    pub live_blocks: u64,
    /// Their bytes.
    pub live_bytes: u64,
    /// Other functions that a pointer into these blocks was sent to, by name, at most 8.
    pub sent_to: Vec<String>,
    /// First handing out.
    pub first_ms: u64,
    /// Last handing out.
    pub last_ms: u64,
}
