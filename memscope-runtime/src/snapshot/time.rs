//! Memory over time, and how long blocks lived.

use serde::{Deserialize, Serialize};

/// The process's memory at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelinePoint {
    /// Milliseconds since the program's start.
    pub ms: u64,
    /// Bytes alive.
    pub live_bytes: u64,
    /// Standard error of `live_bytes`.
    pub live_bytes_error: Option<u64>,
    /// Memory of the process that was resident at that moment, as the kernel counts it: all of it, whoever allocated it;
    /// `None`: not measured.
    #[serde(default)]
    pub resident_bytes: Option<u64>,
}

/// How many blocks lived how long. Blocks that live now have lived at least as long as they are old, and nobody knows
/// how much longer they will: they are told apart (censored), not left out.
///
/// A reallocation ends no block and begins none: a block is as old as its allocation. (Where blocks are sampled, bytes that
/// a reallocation gained count from then.) The sums over all rows are those of [`Totals`](super::Totals), over a program
/// that stands still.
///
/// A row from 0 with no bound stands last and is of the blocks whose lifetime is not known. Where every block is recorded,
/// these are the freed ones below 1,024 bytes, of which the recorder keeps no time at their free, and those that were allocated
/// before the first tracked function ran, while nobody wrote the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifetimes {
    /// The shortest lifetime, or age, of the row.
    pub from_ms: u64,
    /// All are below this; `None`: no bound.
    pub below_ms: Option<u64>,
    /// Blocks that were freed at such an age.
    pub deallocations: u64,
    /// Standard error of `deallocations`.
    pub deallocations_error: Option<u64>,
    /// Blocks alive now that are so old.
    pub live_allocations: u64,
    /// Standard error of `live_allocations`.
    pub live_allocations_error: Option<u64>,
    /// Bytes of the blocks that were freed, as they were then; `None`: not measured.
    #[serde(default)]
    pub freed_bytes: Option<u64>,
    /// Standard error of `freed_bytes`.
    #[serde(default)]
    pub freed_bytes_error: Option<u64>,
    /// Bytes of the blocks alive; `None`: not measured.
    #[serde(default)]
    pub live_bytes: Option<u64>,
    /// Standard error of `live_bytes`.
    #[serde(default)]
    pub live_bytes_error: Option<u64>,
}
