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

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the figures of a [`Snapshot`] came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing was recorded: recording is compiled out or was turned off.
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
    /// One row for each (scope, variable, site, type), sorted by these.
    pub variables: Vec<Variable>,
    /// One row for each thread, sorted by id.
    pub threads: Vec<Thread>,
    /// Tasks of tracked async functions: those that run and the newest of those that have ended, sorted by number.
    pub tasks: Vec<Task>,
    /// Variables summed by type, sorted by type name.
    pub types: Vec<Type>,
    /// Live bytes over time, oldest first.
    pub timeline: Vec<TimelinePoint>,
    /// How long blocks lived, shortest first; empty: not measured.
    pub lifetimes: Vec<Lifetimes>,
    /// What deserves a person's attention, worst first.
    pub findings: Vec<Finding>,
    /// The largest live blocks, and a count of the others.
    pub blocks: Blocks,
    /// Places that handed memory out to foreign code, sorted by file, line, function and scope.
    pub handed_out: Vec<HandedOut>,
    /// Every registered site, those that never ran included, sorted by file, line and column.
    pub sites: Vec<SiteRow>,
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

/// Where a variable is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The binding is in scope.
    Active,
    /// `Rc` or `Arc` with more than one strong owner at the last observation, and still alive.
    Shared,
    /// The binding has ended and its blocks live on: it was moved, returned or leaked.
    Allocated,
    /// The binding has ended and another tracked variable owns what blocks of it are left.
    Moved,
    /// All blocks that it was seen to own are freed.
    Deallocated,
    /// The binding has ended; what became of its blocks is not measured (in sampling mode nobody follows them).
    Ended,
    /// The binding has ended and was never seen to own a block.
    NoHeap,
}

/// How far memscope can look into a value of some type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Walk {
    /// All blocks that the value owns were found.
    Full,
    /// The container's own blocks were found; what its elements own was not looked at.
    ContainerOnly,
    /// The type is unknown to memscope: its blocks were not looked for.
    NotWalked,
    /// The blocks were not walked but declared by the program.
    Declared,
}

/// All executions of one tracked binding in one scope with one type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    /// Name of the binding.
    pub name: String,
    /// Full type with its parameters; `None`: not known (a declared allocation without a type).
    pub type_name: Option<String>,
    /// Short names of the scope's path from the root.
    pub scope: Vec<String>,
    /// Source file; `None` for an allocation that was declared through `track_allocation`.
    pub file: Option<String>,
    /// Source line.
    pub line: Option<u32>,
    /// Executions of the binding.
    pub instances: u64,
    /// Executions whose binding is in scope now.
    pub active_instances: u64,
    /// Standard error of `active_instances`.
    pub active_instances_error: Option<u64>,
    /// The liveliest stage among the instances.
    pub stage: Stage,
    /// Instances by stage.
    pub stages: Stages,
    /// Standard errors of `stages`.
    pub stages_error: Option<Stages>,
    /// Bytes alive now in blocks that the instances own; in sampling mode what was found at the last look at each
    /// instance whose binding is in scope; `None`: not walked, or blocks are sampled and no binding is in scope.
    pub heap_bytes: Option<u64>,
    /// Standard error of `heap_bytes`.
    pub heap_bytes_error: Option<u64>,
    /// The most `heap_bytes` seen at an observation or a snapshot; `None`: not walked, or an estimate would be needed.
    pub peak_heap_bytes: Option<u64>,
    /// Blocks alive now that the instances own; `None`: not walked.
    pub blocks: Option<u64>,
    /// Standard error of `blocks`.
    pub blocks_error: Option<u64>,
    /// `size_of_val` of the value itself; `None` for a declared allocation.
    pub value_bytes: Option<u64>,
    /// How far the type could be looked into.
    pub walk: Walk,
    /// Where `heap_bytes` and `blocks` come from.
    pub provenance: Provenance,
    /// Ids of the threads that executed the binding, sorted.
    pub threads: Vec<u32>,
    /// First execution.
    pub first_ms: u64,
    /// Last time that the value was looked at.
    pub last_observed_ms: u64,
    /// The newest executions of those that are kept, oldest first.
    pub history: Vec<Instance>,
    /// Executions that `history` does not hold.
    pub folded_instances: u64,
    /// Bytes that reallocation of the variable's blocks gained, by blocks in `history`; `None`: not measured.
    pub grown_bytes: Option<u64>,
    /// Strong owners of the value at the last observation; `None`: it is no `Rc` or `Arc`.
    pub strong_owners: Option<u64>,
    /// Crossings into foreign code and back by pointers into blocks that the instances own, or came to own while the
    /// block lived; 0: none was recorded.
    ///
    /// `None`: not measured. That is where nothing in the program stamps crossings (no function of a tracked `extern`
    /// block is compiled in, and no function of `memscope::ffi` ran), where the variable's blocks were not walked, and
    /// where blocks are sampled or not recorded at all.
    pub ffi_crossings: Option<u64>,
    /// The newest crossings that are kept, oldest first, at most 16.
    pub crossings: Vec<Crossing>,
    /// Crossings that `crossings` does not hold.
    pub folded_crossings: u64,
    /// CPU, IO, memory or async intensive; `None`: not measured.
    pub category: Option<String>,
}

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

/// Instances of a variable by stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stages {
    /// Binding in scope.
    pub active: u64,
    /// More than one strong owner.
    pub shared: u64,
    /// Binding ended, blocks alive.
    pub allocated: u64,
    /// Binding ended, blocks owned by another tracked variable.
    pub moved: u64,
    /// All blocks freed.
    pub deallocated: u64,
    /// Binding ended, what became of the blocks not measured.
    pub ended: u64,
    /// Never owned a block.
    pub no_heap: u64,
}

/// One execution of a tracked binding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// How many executions this one stands for: 1, unless executions are kept by lot.
    pub weight: u64,
    /// Thread that executed the binding.
    pub thread: u32,
    /// Where it is in its life.
    pub stage: Stage,
    /// Start of the binding.
    pub bound_ms: u64,
    /// Last time that the value was looked at.
    pub observed_ms: u64,
    /// How often the value was looked at.
    pub observations: u64,
    /// End of the binding; `None`: in scope, or declared without an end.
    pub ended_ms: Option<u64>,
    /// Bytes alive now; `None`: not walked, or not followed past the end of the binding (sampling mode), up to which it
    /// is what was found at `observed_ms`.
    pub heap_bytes: Option<u64>,
    /// The blocks it was seen to own, sorted by address, at most 8 (more where declarations or crossings are among them).
    pub blocks: Vec<InstanceBlock>,
    /// Blocks that `blocks` does not hold.
    pub folded_blocks: u64,
}

/// A block that an instance was seen to own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceBlock {
    /// Address now, or last address before it was freed.
    pub address: u64,
    /// Size now, or last size before it was freed.
    pub bytes: u64,
    /// When it was allocated; `None`: not measured.
    pub allocated_ms: Option<u64>,
    /// When it was freed; `None`: it lives.
    pub freed_ms: Option<u64>,
    /// Id of the thread that freed it.
    pub freed_by: Option<u32>,
    /// Resizes since it was first seen.
    pub reallocations: u64,
    /// Bytes that these resizes gained.
    pub grown_bytes: u64,
}

/// One thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thread {
    /// memscope's number for the thread; they count from 1 in the order of first events.
    pub id: u32,
    /// Threads that this row stands for, one after another: past 1,024 rows, a thread that begins goes on in the
    /// row of one that has ended.
    pub threads: u32,
    /// The operating system's name for the thread, or for the latest of the row; `None`: unknown.
    pub name: Option<String>,
    /// Whether the thread has ended.
    pub ended: bool,
    /// Blocks that the thread allocated.
    pub allocations: u64,
    /// Standard error of `allocations`.
    pub allocations_error: Option<u64>,
    /// Blocks that the thread freed, whoever allocated them.
    pub deallocations: u64,
    /// Standard error of `deallocations`.
    pub deallocations_error: Option<u64>,
    /// Blocks that the thread freed though another thread had allocated them.
    pub foreign_deallocations: u64,
    /// Standard error of `foreign_deallocations`.
    pub foreign_deallocations_error: Option<u64>,
    /// Resizes that the thread did.
    pub reallocations: u64,
    /// Standard error of `reallocations`.
    pub reallocations_error: Option<u64>,
    /// Bytes that the thread allocated.
    pub allocated_bytes: u64,
    /// Standard error of `allocated_bytes`.
    pub allocated_bytes_error: Option<u64>,
    /// Blocks alive that the thread allocated.
    pub live_allocations: u64,
    /// Standard error of `live_allocations`.
    pub live_allocations_error: Option<u64>,
    /// Bytes alive that the thread allocated.
    pub live_bytes: u64,
    /// Standard error of `live_bytes`.
    pub live_bytes_error: Option<u64>,
}

/// The future of a tracked function, as an executor polls it. Tracked functions that it awaits are part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// memscope's number for the task; they count from 1 in the order of first polls.
    pub number: u64,
    /// The id of the tokio task that it is, or is awaited in; tokio may give an id again after a task's end. `None`: it
    /// is not under tokio, or memscope's feature `tokio` is off.
    pub id: Option<u64>,
    /// Short names of the scope's path from the root.
    pub scope: Vec<String>,
    /// Where it is in its life.
    pub state: TaskState,
    /// How often it was polled.
    pub polls: u64,
    /// Ids of the threads that polled it, in the order in which they first did, at most 32.
    pub threads: Vec<u32>,
    /// Whether there were threads that `threads` does not hold.
    pub has_more_threads: bool,
    /// First poll.
    pub first_ms: u64,
    /// Latest poll, or the end.
    pub last_ms: u64,
}

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// It was polled and has not ended.
    Running,
    /// It gave its result.
    Finished,
    /// It was dropped before it gave a result: aborted, timed out, or not chosen.
    Dropped,
    /// A poll panicked.
    Panicked,
}

/// Variables summed by type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Type {
    /// Full type with its parameters.
    pub type_name: String,
    /// Rows of `variables` with this type.
    pub variables: u64,
    /// Their instances.
    pub instances: u64,
    /// Their live bytes; `None`: not walked.
    pub heap_bytes: Option<u64>,
    /// Standard error of `heap_bytes`.
    pub heap_bytes_error: Option<u64>,
    /// Their live blocks; `None`: not walked.
    pub blocks: Option<u64>,
    /// Standard error of `blocks`.
    pub blocks_error: Option<u64>,
}

/// Live bytes at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelinePoint {
    /// Milliseconds since the program's start.
    pub ms: u64,
    /// Bytes alive.
    pub live_bytes: u64,
    /// Standard error of `live_bytes`.
    pub live_bytes_error: Option<u64>,
}

/// How many blocks lived how long. Blocks that live now have lived at least as long as they are old, and nobody knows
/// how much longer they will: they are told apart (censored), not left out.
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
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Figures of the recording cannot be taken at face value, or memory was kept against the code's intent.
    Error,
    /// Worth a change.
    Warning,
    /// Worth knowing.
    Note,
}

/// Something that deserves a person's attention, with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind of thing it is, in `snake_case`.
    pub kind: String,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence for a person: what, where, what to do.
    pub message: String,
    /// Root-cause path of scopes; empty where none applies.
    pub scope: Vec<String>,
    /// The name of the variable it is about; `None` where none applies.
    pub variable: Option<String>,
    /// The figures it rests on.
    pub evidence: Vec<Evidence>,
    /// Bytes that following the advice would save; `None`: the evidence supports no figure.
    pub saving_bytes: Option<u64>,
}

/// A figure that a finding rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What the figure says.
    pub what: String,
    /// The figure.
    pub value: u64,
    /// Its unit: `bytes`, `count` or `ms`.
    pub unit: String,
    /// JSON pointer (RFC 6901) of the figure in this document.
    pub pointer: String,
}

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

/// What the recorder cost and what it missed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profiler {
    /// Whether `memscope::Allocator` is the program's global allocator.
    pub allocator_installed: bool,
    /// Memory that memscope holds: the touched pages of its own maps and counters, its own live allocations, and what
    /// sampled blocks leave of their places;
    /// `None`: the kernel would not say which pages were touched.
    pub own_bytes: Option<u64>,
    /// Standard error of `own_bytes`.
    pub own_bytes_error: Option<u64>,
    /// Allocations that memscope itself made through the inner allocator. They are in no other figure.
    pub own_allocations: u64,
    /// Standard error of `own_allocations`.
    pub own_allocations_error: Option<u64>,
    /// Frees of these.
    pub own_deallocations: u64,
    /// Standard error of `own_deallocations`.
    pub own_deallocations_error: Option<u64>,
    /// Resizes of these.
    pub own_reallocations: u64,
    /// Standard error of `own_reallocations`.
    pub own_reallocations_error: Option<u64>,
    /// Bytes of these allocations, growth included.
    pub own_allocated_bytes: u64,
    /// Standard error of `own_allocated_bytes`.
    pub own_allocated_bytes_error: Option<u64>,
    /// Bytes of these frees, shrinking included.
    pub own_deallocated_bytes: u64,
    /// Standard error of `own_deallocated_bytes`.
    pub own_deallocated_bytes_error: Option<u64>,
    /// Allocations that could not be recorded (memscope's maps could not grow). They are in no other figure.
    pub unrecorded_events: u64,
    /// Freed or resized blocks that were allocated before the recording or not recorded; `None`: not measured, for a
    /// block that is not known may as well not be in the sample.
    pub blocks_before_start: Option<u64>,
    /// Scope entries that were charged to their parent because the tree was full.
    pub folded_scopes: u64,
    /// Tasks that `tasks` does not hold: older ones that have ended, and such as found no room.
    pub folded_tasks: u64,
    /// Declared frees of an address that was not declared.
    pub unmatched_declared_deallocations: u64,
    /// Declared frees of an address that may be that of a declaration that was not kept. What lives is estimated from
    /// the declarations that were.
    pub unkept_declared_deallocations: u64,
    /// Crossings of blocks that are not followed, for too many are: such a block has no passport to show to a variable
    /// that comes to own it.
    pub unfollowed_crossings: u64,
    /// Resolution of all times; `None` where no clock was read.
    pub clock_resolution_ms: Option<u64>,
    /// How far `totals.peak_bytes` may lie from the true peak.
    pub peak_error_bound_bytes: Option<u64>,
    /// Moments at which the peak's parts were due to be read and another thread's reading took too long: a spike
    /// may have been missed by more than the bound.
    pub missed_peak_captures: u64,
    /// Parameters of the sampler; `None`: nothing was sampled.
    pub sampling: Option<Sampling>,
}

/// Parameters of the sampler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sampling {
    /// Mean distance between samples, as it is now.
    pub mean_bytes: u64,
    /// Samples that were drawn: allocations and growths by reallocation.
    pub samples: u64,
    /// Samples whose block is alive.
    pub live_samples: u64,
    /// Samples that were drawn and could not be kept; all totals are too low by what they stood for.
    pub lost_samples: u64,
}

impl Stages {
    /// All instances.
    pub fn total(&self) -> u64 {
        let Stages { active, shared, allocated, moved, deallocated, ended, no_heap } = *self;
        active + shared + allocated + moved + deallocated + ended + no_heap
    }

    /// The first stage, in the order of [`Stage`], that any instance is in; [`Stage::NoHeap`] without instances.
    pub fn liveliest(&self) -> Stage {
        let Stages { active, shared, allocated, moved, deallocated, ended, no_heap: _ } = *self;
        let stages = [
            (active, Stage::Active),
            (shared, Stage::Shared),
            (allocated, Stage::Allocated),
            (moved, Stage::Moved),
            (deallocated, Stage::Deallocated),
            (ended, Stage::Ended),
        ];
        stages.into_iter().find(|&(count, _)| count > 0).map_or(Stage::NoHeap, |(_, stage)| stage)
    }
}

/// Standard error of the sum of two independent figures; `None` is that of an exact one.
pub(crate) fn error_of_sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (None, error) | (error, None) => error,
        (Some(one), Some(other)) => Some((one as f64).hypot(other as f64).ceil() as u64),
    }
}

/// Variables summed by type, sorted by type name.
pub(crate) fn types(variables: &[Variable]) -> Vec<Type> {
    let mut types: BTreeMap<&str, Type> = BTreeMap::new();
    for variable in variables {
        let Some(name) = variable.type_name.as_deref() else { continue };
        let row = types.entry(name).or_insert_with(|| Type {
            type_name: name.to_owned(),
            variables: 0,
            instances: 0,
            heap_bytes: None,
            heap_bytes_error: None,
            blocks: None,
            blocks_error: None,
        });
        row.variables += 1;
        row.instances += variable.instances;
        let add = |sum: Option<u64>, part: Option<u64>| match (sum, part) {
            (None, part) => part,
            (sum, None) => sum,
            (Some(sum), Some(part)) => Some(sum.saturating_add(part)),
        };
        row.heap_bytes = add(row.heap_bytes, variable.heap_bytes);
        row.blocks = add(row.blocks, variable.blocks);
        row.heap_bytes_error = error_of_sum(row.heap_bytes_error, variable.heap_bytes_error);
        row.blocks_error = error_of_sum(row.blocks_error, variable.blocks_error);
    }
    types.into_values().collect()
}

impl Thread {
    /// A thread that has done nothing yet.
    pub(crate) fn idle(id: u32, threads: u32, name: Option<String>, ended: bool) -> Thread {
        Thread {
            id,
            threads,
            name,
            ended,
            allocations: 0,
            allocations_error: None,
            deallocations: 0,
            deallocations_error: None,
            foreign_deallocations: 0,
            foreign_deallocations_error: None,
            reallocations: 0,
            reallocations_error: None,
            allocated_bytes: 0,
            allocated_bytes_error: None,
            live_allocations: 0,
            live_allocations_error: None,
            live_bytes: 0,
            live_bytes_error: None,
        }
    }
}
