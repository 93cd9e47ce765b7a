//! The model: what a recording says, as plain data.
//!
//! One document serves everybody: `memscope::snapshot()` returns it, the `.memscope` file holds it, `--json`
//! prints it and the dashboard shows it. Its keys are stable: they are added to, never renamed.
//!
//! Invariants:
//! - `None` (JSON `null`) means *not measured*. No field is ever filled with a guess.
//! - `x_error` is the standard error of the estimate `x`; `None`: `x` is exact (or itself not measured).
//! - Lists are sorted by what identifies their rows, so that two documents can be compared as text.
//! - No field is skipped or flattened by serde: postcard needs every field in its place.
//!
//! Units are in the names: `_bytes`, `_ms` (milliseconds since the program's start, of the clock resolution
//! that [`Profiler::clock_resolution_ms`] states), `_unix_ms` (milliseconds since the Unix epoch).

mod activity;
mod apart;
mod block;
mod crossing;
mod finding;
mod folded;
mod fragmentation;
mod memory_map;
mod profiler;
mod scope;
mod scope_thread;
mod site;
mod size_range;
mod thread;
mod time;
mod type_row;
mod variable;

pub use activity::{Activity, Category, CategoryKind};
pub use block::{Block, Blocks};
pub use crossing::{Crossing, Direction, HandedOut};
pub use finding::{Evidence, Finding, Severity};
pub use folded::{Folded, FoldedHandedOut, FoldedScopes, FoldedVariables};
pub use fragmentation::{Fragmentation, GlibcHeap};
pub use memory_map::{Cell, MemoryMap, Region};
pub use profiler::{Observer, Profiler, Sampling};
pub use scope::{Scope, ScopeMemory};
pub use scope_thread::ScopeThread;
use serde::{Deserialize, Serialize};
pub use site::{Budget, Pointers, SiteCrossings, SiteKind, SiteRow};
pub use size_range::SizeRange;
pub use thread::{ForeignFrees, Task, TaskState, Thread};
pub use time::{Lifetimes, TimelinePoint};
pub use type_row::Type;
pub(crate) use type_row::{error_of_sum, types};
pub use variable::{BytesAt, Fate, Fates, Held, Instance, InstanceBlock, Stage, Stages, Variable, Walk};

/// How the figures of a [`Snapshot`] came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing was recorded: recording is compiled out or was turned off.
    #[default]
    Off,
    /// Every block of the process was recorded by the installed allocator.
    Live,
    /// No allocator of memscope's is installed: the figures are what the program itself declared.
    Declared,
    /// Blocks were sampled by bytes by the installed allocator: the figures are estimates. Each figure `x` has a
    /// sibling `x_error`, one standard error; counts of calls are exact.
    Sampling,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// Read from recorded events.
    Measured,
    /// Said by the program through `track_allocation` or `track_variable`.
    Declared,
    /// Nobody looked.
    NotMeasured,
    /// Estimated from a sample.
    Sampled,
    /// Follows from other figures by a rule, which is stated beside it with its evidence.
    Inferred,
}

/// A program's memory at one moment, and what led there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// How the figures came about.
    pub mode: Mode,
    /// The program that was recorded.
    pub program: Program,
    /// Sums over the whole process.
    pub totals: Totals,
    /// One row for each node of the scope tree, sorted by path; the first has an empty path and stands for
    /// everything outside of tracked functions.
    pub scopes: Vec<Scope>,
    /// What each thread has in each scope, sorted by these: the 4,096 pairs with the most live bytes, and a row for all others
    /// of a scope; empty: not measured, or left out of a recording.
    #[serde(default)]
    pub scope_threads: Vec<ScopeThread>,
    /// One row for each (scope, variable, site, type), sorted by these.
    pub variables: Vec<Variable>,
    /// One row for each thread, sorted by id.
    pub threads: Vec<Thread>,
    /// Who freed whose blocks: pairs of threads, sorted by these, at most 256, those with the most frees.
    pub foreign_frees: Vec<ForeignFrees>,
    /// Tasks of tracked async functions: those that run and the newest of those that have ended, sorted by number.
    pub tasks: Vec<Task>,
    /// Variables summed by type, sorted by type name.
    pub types: Vec<Type>,
    /// Live and resident bytes over time, oldest first.
    pub timeline: Vec<TimelinePoint>,
    /// The moments of each scope's [`trend`](Scope::trend), oldest first, at most 32, about evenly spaced but for
    /// the last, which is this snapshot; empty: not measured.
    pub trend_ms: Vec<u64>,
    /// How large blocks are, sorted by the ranges' bounds; empty: not measured.
    #[serde(default)]
    pub sizes: Vec<SizeRange>,
    /// How long blocks lived, shortest first; empty: not measured.
    pub lifetimes: Vec<Lifetimes>,
    /// What deserves a person's attention, worst first.
    pub findings: Vec<Finding>,
    /// The largest live blocks, and a count of the others.
    pub blocks: Blocks,
    /// Where live blocks lie.
    #[serde(default)]
    pub memory_map: MemoryMap,
    /// Memory lost inside and between blocks.
    pub fragmentation: Fragmentation,
    /// Places that handed memory out to foreign code, sorted by file, line, function and scope.
    pub handed_out: Vec<HandedOut>,
    /// Every registered site, those that never ran included, sorted by file, line and column.
    pub sites: Vec<SiteRow>,
    /// What the lists do not hold, because the recording's size is bounded.
    pub folded: Folded,
    /// What the recorder cost and what it missed.
    pub profiler: Profiler,
}

/// The recorded program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// File name of the executable.
    pub name: String,
    /// Process id.
    pub pid: u32,
    /// Start of the recording, milliseconds since the Unix epoch.
    pub started_unix_ms: u64,
    /// From the start of the recording to this snapshot.
    pub elapsed_ms: u64,
    /// Operating system, as in `std::env::consts::OS`.
    pub os: String,
    /// Architecture, as in `std::env::consts::ARCH`.
    pub arch: String,
    /// The host's page size; `None` where it was not asked.
    pub page_bytes: Option<u64>,
    /// Version of memscope that recorded.
    pub memscope_version: String,
}

/// Sums over the whole process.
///
/// A reallocation is neither an allocation nor a free: the bytes that it gains count as allocated, those that it
/// loses as deallocated. So `live_bytes = allocated_bytes − deallocated_bytes` and
/// `live_allocations = allocations − deallocations`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Blocks allocated.
    pub allocations: u64,
    /// Standard error of `allocations`.
    pub allocations_error: Option<u64>,
    /// Blocks freed.
    pub deallocations: u64,
    /// Standard error of `deallocations`.
    pub deallocations_error: Option<u64>,
    /// Blocks resized.
    pub reallocations: u64,
    /// Standard error of `reallocations`.
    pub reallocations_error: Option<u64>,
    /// Bytes allocated, growth by reallocation included.
    pub allocated_bytes: u64,
    /// Standard error of `allocated_bytes`.
    pub allocated_bytes_error: Option<u64>,
    /// Bytes freed, shrinking by reallocation included.
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
    /// The most bytes that were ever alive at once; exact within [`Profiler::peak_error_bound_bytes`].
    pub peak_bytes: u64,
    /// Standard error of `peak_bytes`.
    pub peak_bytes_error: Option<u64>,
}
