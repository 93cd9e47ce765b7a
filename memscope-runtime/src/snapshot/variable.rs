//! Variables: executions of tracked bindings, and the blocks that they own.

use super::{CategoryKind, Crossing, Provenance};
use serde::{Deserialize, Serialize};

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
    /// The binding has ended and has no blocks left, for the last of them went elsewhere: another tracked variable owns
    /// them, or the last look at the value did not find them any more.
    Moved,
    /// All blocks that it was last seen to own are freed.
    Deallocated,
    /// The binding has ended; what became of its blocks is not measured (in sampling mode nobody follows them).
    Ended,
    /// The binding has ended and was never seen to own a block.
    NoHeap,
}

/// What became of an execution whose binding has ended, from the frees of its blocks alone.
///
/// The scope is that of the binding for a tracked `let` (and for `track_var!(move x)` the life of the wrapper): a block
/// that is freed after the binding's end outlived it. `track_var!(x)` stands after the binding of `x` and ends before
/// `x` does; there the scope is the call of the tracked function, and a free is within it if it is made by the thread
/// that ended the observation, in the same call (recursion and all) and in its scope or below. Outside of all tracked
/// functions that is as long as the thread runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Its blocks were freed before its scope was left.
    DroppedInScope,
    /// Its blocks outlived its scope, and are freed.
    OutlivedScope,
    /// Its blocks outlived its scope and are alive.
    LiveAtExport,
}

/// Executions by what became of them. Those in scope, without a block, or whose blocks went elsewhere have no fate; nor has
/// an argument that was freed in the scope of the caller, where nobody can tell its end from that of a returned value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fates {
    /// Blocks freed before the scope was left.
    pub dropped_in_scope: u64,
    /// Blocks freed after the scope was left.
    pub outlived_scope: u64,
    /// Scope left, blocks alive.
    pub live_at_export: u64,
}

/// Who holds a `RefCell` or a lock, as far as it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// Nobody.
    Free,
    /// One reader or more.
    Shared,
    /// One writer.
    Exclusive,
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
    /// Instances by fate; `None`: not measured (not walked, or blocks are sampled or declared).
    pub fates: Option<Fates>,
    /// Bytes alive now in blocks that the instances own: those that the last look at each found, followed through their
    /// frees and reallocations since. A look that could not see everything (a lock was held) adds to what was found before
    /// and takes nothing away. In sampling mode what was found at the last look at each
    /// instance whose binding is in scope; `None`: not walked, or blocks are sampled and no binding is in scope.
    pub heap_bytes: Option<u64>,
    /// Standard error of `heap_bytes`.
    pub heap_bytes_error: Option<u64>,
    /// The most `heap_bytes` at a time, counted at each look and at each resize of a block between looks; in sampling mode at
    /// looks alone. `None`: not walked, or an estimate would be needed.
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
    /// Bytes that reallocation of blocks gained while an instance owned them, over all instances; `None`: not measured.
    pub grown_bytes: Option<u64>,
    /// Bytes that these reallocations copied, for the block got another address; `None`: not measured.
    pub moved_bytes: Option<u64>,
    /// Bytes of capacity that held no element at the last observation, as far as the types say it, summed over instances
    /// whose blocks live; `None`: not measured.
    pub unused_bytes: Option<u64>,
    /// Strong owners of the value at the last observation of the newest instance that has some; `None`: it is no `Rc` or `Arc`.
    pub strong_owners: Option<u64>,
    /// Weak pointers to the value at that observation; `None`: it is no `Rc` or `Arc`.
    pub weak_owners: Option<u64>,
    /// Who held the value's `RefCell` or lock at that observation; `None`: it has none.
    pub held: Option<Held>,
    /// What the value could tell of its borrows at that observation: strong owners beyond the first, and a `RefCell`'s
    /// or lock's holders (of readers at least one). `None`: not measured; a plain reference leaves no trace at run time.
    pub borrow_count: Option<u64>,
    /// Indices into `variables` of rows that were seen to share a block with it, sorted, at most 8.
    pub shared_with: Vec<u32>,
    /// Pointers shown at the last look at each instance that lead into no recorded block, summed over instances that are in
    /// scope or whose blocks live; `None`: not measured.
    pub unknown_blocks: Option<u64>,
    /// Showings of a block as owned alone and whole that a look had seen before, at the last look at each instance, summed
    /// over all instances; `None`: not measured.
    pub blocks_owned_twice: Option<u64>,
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
    /// The kind of work that its scope does; `None`: not measured. The rule and its evidence stand beside the scope.
    pub category: Option<CategoryKind>,
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
    /// Binding ended, its last blocks went elsewhere.
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
    /// The most bytes alive at a time, from the first look on: counted as `heap_bytes` is, at each look and at each resize of
    /// a block between looks. In sampling mode the most that a look found. `None`: not walked, declared and resized since, or
    /// left out of a recording.
    #[serde(default, with = "super::apart")]
    pub peak_heap_bytes: Option<u64>,
    /// Bytes alive at looks at the value and at its binding's end (in sampling mode at looks alone), oldest first, at most 8:
    /// the first and the last, and those farthest apart in time; of moments in a row with the same bytes only the first and
    /// the last count. Empty: not measured, or left out of a recording.
    #[serde(default, with = "super::apart")]
    pub seen: Vec<BytesAt>,
    /// What became of it; `None`: in scope, without a block, gone elsewhere, or not measured.
    pub fate: Option<Fate>,
    /// Bytes of capacity that held no element at the last look; `None`: not measured.
    pub unused_bytes: Option<u64>,
    /// Of the blocks it was seen to own the largest by their last size, at most 8 (more where declarations or crossings are
    /// among them), sorted by address. At the end of each look, one that is larger takes the place of a smaller one, which
    /// goes into `folded_blocks`, or is forgotten if it was freed; of equals the one that was there stays.
    pub blocks: Vec<InstanceBlock>,
    /// Blocks that `blocks` does not hold.
    pub folded_blocks: u64,
}

/// Bytes alive at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BytesAt {
    /// The moment.
    pub ms: u64,
    /// Bytes alive then.
    pub heap_bytes: u64,
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
    /// Bytes that they copied, for the block got another address.
    pub moved_bytes: u64,
    /// When it was last resized, since it was first seen among these blocks; `None`: it was not, or not measured.
    #[serde(default, with = "super::apart")]
    pub resized_ms: Option<u64>,
    /// When a resize last gave it another address; `None`: none did, or not measured.
    #[serde(default, with = "super::apart")]
    pub moved_ms: Option<u64>,
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
