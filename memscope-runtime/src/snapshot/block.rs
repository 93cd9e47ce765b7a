//! Live blocks.

use serde::{Deserialize, Serialize};

/// The largest live blocks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Blocks {
    /// At most 2,000 blocks, the largest, sorted by address.
    pub largest: Vec<Block>,
    /// Live blocks that `largest` does not hold.
    pub folded_blocks: u64,
    /// Their bytes.
    pub folded_bytes: u64,
}

/// A live block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Its address.
    pub address: u64,
    /// Its size as it was asked for.
    pub bytes: u64,
    /// Index into `scopes` of the scope that allocated it; `None` for a declared block.
    pub scope: Option<u32>,
    /// Id of the thread that allocated it; `None` for a declared block.
    pub thread: Option<u32>,
    /// When it was allocated.
    pub allocated_ms: u64,
    /// Index into `variables` of the variable that owns it; `None`: no tracked variable was seen to own it.
    pub variable: Option<u32>,
}
