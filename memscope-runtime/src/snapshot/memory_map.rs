//! Where live blocks lie: a summary by address.
//!
//! ```text
//! region   |------------------------------------------------------|   a mapping of the process that holds live blocks
//! cells    |#####|     |  ## |#####################|     |    ##|     equal ones; a longer one is inside a single block
//! ```
//!
//! A cell without a live byte has no row. The cells' `live_bytes` and `blocks` sum to those of all live blocks, unless other
//! threads free and allocate while the blocks are walked: a place that is given out again meanwhile may be met twice.

use serde::{Deserialize, Serialize};

/// Where live blocks lie. Without regions: not recorded, which is so in every mode but [`Live`](super::Mode::Live), in a
/// recording from before maps were recorded, and where [`Folded::map_cells`](super::Folded::map_cells) says so; or no block
/// lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryMap {
    /// Regions that hold live blocks, sorted by address.
    pub regions: Vec<Region>,
    /// At most 4,096 cells, those that hold live bytes, sorted by address.
    pub cells: Vec<Cell>,
}

/// A stretch of the address space that holds live blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Its first address.
    pub start: u64,
    /// Its length.
    pub bytes: u64,
    /// What the system calls it (`[heap]`, a file), the first of its mappings where it has several; `None`: it is anonymous,
    /// or the system did not say.
    pub name: Option<String>,
    /// Mappings that it is made of: 1, or more where one cell holds the border between two. 0: the system did not say what is
    /// mapped there, and the region goes from the first of some cells near each other to the last.
    pub mappings: u32,
    /// Length of its cells: a power of two, at least a page. Cells begin at multiples of it; those at the region's borders are
    /// cut there, and those that are all inside of one large block are one row.
    pub cell_bytes: u64,
}

/// A part of a region, with what lives there. A block that reaches over several cells is divided among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Index into `regions`.
    pub region: u32,
    /// Its first address.
    pub start: u64,
    /// Its length.
    pub bytes: u64,
    /// Bytes of live blocks in it, at most `bytes`: where more were met, part of them was freed meanwhile, and whose they are
    /// is not told apart.
    pub live_bytes: u64,
    /// Live blocks that begin in it.
    pub blocks: u64,
    /// Of these, the ones allocated in the last tenth of the recording: not before `elapsed_ms` − `elapsed_ms` ÷ 10 (whole
    /// milliseconds). Blocks that were freed since are not among them, so this is not a count of allocations.
    pub young_blocks: u64,
    /// Index into `scopes` of the scope that allocated most of `live_bytes`, the first of those with as much; `None`: the
    /// recording does not list it, or so many scopes share the cells that they were not told apart.
    pub scope: Option<u32>,
    /// What of `live_bytes` that scope allocated; `None`: not told apart.
    pub scope_bytes: Option<u64>,
    /// Id of the thread that allocated most of `live_bytes`, the lowest of those with as much; `None`: not told apart.
    pub thread: Option<u32>,
    /// What of `live_bytes` that thread allocated; `None`: not told apart.
    pub thread_bytes: Option<u64>,
    /// When the oldest block with bytes in it was allocated.
    pub oldest_ms: u64,
    /// When the newest block with bytes in it was allocated.
    pub newest_ms: u64,
    /// Index into `variables` of the variable that owns most of `live_bytes`, the first of those with as much; `None`: most of
    /// them no tracked variable was seen to own (`variable_bytes` says how many), or it is not told.
    #[serde(default)]
    pub variable: Option<u32>,
    /// What of `live_bytes` that variable owns, or no tracked one; `None`: not told, for so many variables share the cells that
    /// they were not told apart, or the recording does not list it, or is from before it was told.
    #[serde(default)]
    pub variable_bytes: Option<u64>,
}
