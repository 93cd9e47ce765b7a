//! `AllocationInfo`: one allocation, as it was declared, as a tracked variable was seen to own it, or both.

use crate::model::{Fate, Instance, InstanceBlock, Provenance, Snapshot, Stage, Task, Variable, Walk};
use memscope_runtime::declared::{Declared, Place};
use std::collections::HashMap;

/// One tracked allocation: one that the program declared, or a block that a tracked variable was seen to own.
#[derive(Clone, Debug, PartialEq)]
pub struct AllocationInfo {
    /// Memory address: where the block is now, or was last. Of a block that the allocator does not know it is as declared.
    pub ptr: usize,
    /// Bytes: as they are now, or were last. Of a block that the allocator does not know they are as declared.
    pub size: usize,
    /// The variable's name.
    pub var_name: Option<String>,
    /// The variable's type; `None`: it was not declared.
    pub type_name: Option<String>,
    /// Number of the thread that declared it, or executed the binding, as in [`Thread::id`](crate::model::Thread::id).
    pub thread_id: String,
    /// When it was allocated, or declared: nanoseconds since the Unix epoch, of the resolution that
    /// [`Profiler::clock_resolution_ms`](crate::model::Profiler::clock_resolution_ms) states, or finer.
    pub timestamp_alloc: u64,
    /// When it was freed, or declared so: nanoseconds since the Unix epoch; `None`: it lives.
    pub timestamp_dealloc: Option<u64>,
    /// Borrows that the variable told of itself when it was last looked at. Borrows of plain references leave no trace at
    /// run time: see `borrow_provenance`.
    pub borrow_count: usize,
    /// Where `borrow_count` comes from: [`Provenance::NotMeasured`] means that its 0 says nothing.
    pub borrow_provenance: Provenance,
    /// The tracked functions on the call stack, innermost first. memscope unwinds no stack: functions that are not tracked
    /// are not in it, recursion is folded, and what [`spawn_scope`](crate::spawn_scope) carried along is in it. `None`: no
    /// tracked function ran.
    pub stack_trace: Option<Vec<String>>,
    /// Whether it outlived its scope and is live now. A declared allocation has no scope that ends: `false`, unless a tracked
    /// variable owns it too.
    pub is_leaked: bool,
    /// From allocation or declaration to the free, in milliseconds; `None`: it lives.
    pub lifetime_ms: Option<u64>,

    /// Whether the program declared it. If not, a tracked variable was seen to own it.
    pub is_declared: bool,
    /// Whether size, resizes and end were measured by the allocator or are as declared.
    pub provenance: Provenance,
    /// How many allocations of its place this one stands for: 1, unless they are kept by lot.
    pub weight: u64,
    /// Names of the scope's path from the root; empty: outside of tracked functions.
    pub scope: Vec<String>,
    /// Source file of the binding or the declaration; `None`: it was not noted.
    pub file: Option<String>,
    /// Line in it.
    pub line: Option<u32>,
    /// Where the variable is in its life. A declared allocation is active until it is freed.
    pub stage: Stage,
    /// What became of the variable; `None`: it is in scope, its blocks were taken over by another one, it has no scope that
    /// ends, or that was not measured.
    pub fate: Option<Fate>,
    /// When the binding began: nanoseconds since the Unix epoch; `None`: it is no binding.
    pub timestamp_bound: Option<u64>,
    /// When the binding ended: nanoseconds since the Unix epoch; `None`: it is in scope, or no binding.
    pub timestamp_unbound: Option<u64>,
    /// Resizes since the block was first seen; `None`: the allocator does not know the block.
    pub reallocations: Option<u64>,
    /// Bytes that these resizes gained; `None`: as above.
    pub grown_bytes: Option<u64>,
    /// Bytes that they copied, for the block got another address; `None`: as above, or no variable owns it.
    pub moved_bytes: Option<u64>,
    /// Number of the thread that freed it; `None`: it lives, or who freed it is not known.
    pub freed_by: Option<String>,
    /// Numbers of the [tasks](crate::model::Task) of the innermost tracked async function of its scope: it was allocated in
    /// one of these, if none of them is folded. Empty: there is none, or none is listed.
    pub tasks: Vec<u64>,
    /// Crossings into foreign code and back by all blocks of its variable; `None`: not measured.
    pub ffi_crossings: Option<u64>,
}

impl AllocationInfo {
    /// The blocks of the tracked variables of a snapshot, by time.
    ///
    /// They are those that the snapshot lists one by one: the newest executions of each binding with their first blocks
    /// ([`Variable::history`]). [`Variable::folded_instances`] and [`Instance::folded_blocks`] say what it leaves out.
    pub fn of(snapshot: &Snapshot) -> Vec<AllocationInfo> {
        AllocationInfo::with_declared(snapshot, Vec::new())
    }

    /// The blocks of the tracked variables, and declarations of the same process at the same moment, by time.
    pub(super) fn with_declared(snapshot: &Snapshot, declared: Vec<Declared>) -> Vec<AllocationInfo> {
        let resolution_ns = snapshot.profiler.clock_resolution_ms.unwrap_or(0) * 1_000_000;
        let mut all: Vec<AllocationInfo> =
            declared.into_iter().map(|declared| AllocationInfo::from_declared(declared, snapshot)).collect();
        let mut declared_at: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, info) in all.iter().enumerate() {
            declared_at.entry(info.ptr).or_default().push(index);
        }
        for variable in snapshot.variables.iter().filter(|variable| variable.walk != Walk::Declared) {
            for instance in &variable.history {
                for block in &instance.blocks {
                    let tracked = AllocationInfo::from_block(block, instance, variable, snapshot);
                    let known = declared_at.get(&tracked.ptr).into_iter().flatten().copied();
                    let same =
                        known.into_iter().find(|&index| tracked.is_block_of(&all[index], resolution_ns));
                    match same {
                        Some(index) => all[index].add_tracked(tracked),
                        None => all.push(tracked),
                    }
                }
            }
        }
        all.sort_by_key(|info| (info.timestamp_alloc, info.ptr));
        all
    }

    fn from_declared(declared: Declared, snapshot: &Snapshot) -> AllocationInfo {
        let is_measured = declared.provenance == Provenance::Measured;
        let place = declared.place;
        AllocationInfo {
            ptr: declared.address,
            size: declared.bytes,
            var_name: declared.name,
            type_name: declared.type_name,
            thread_id: declared.thread.to_string(),
            timestamp_alloc: declared.declared_ns,
            timestamp_dealloc: declared.ended_ns,
            borrow_count: 0,
            borrow_provenance: Provenance::NotMeasured,
            stack_trace: stack_of(&declared.scope),
            is_leaked: false,
            lifetime_ms: declared.ended_ns.map(|end| end.saturating_sub(declared.declared_ns) / 1_000_000),
            is_declared: true,
            provenance: declared.provenance,
            weight: declared.weight,
            tasks: tasks_of(&declared.scope, &snapshot.tasks),
            scope: declared.scope,
            line: place.as_ref().map(|place| place.line),
            file: place.map(|place| place.file.into_owned()),
            stage: if declared.ended_ns.is_none() { Stage::Active } else { Stage::Deallocated },
            fate: None,
            timestamp_bound: None,
            timestamp_unbound: None,
            reallocations: is_measured.then_some(declared.reallocations),
            grown_bytes: is_measured.then_some(declared.grown_bytes),
            moved_bytes: None,
            freed_by: declared.freed_by.map(|thread| thread.to_string()),
            ffi_crossings: None,
        }
    }

    fn from_block(
        block: &InstanceBlock,
        instance: &Instance,
        variable: &Variable,
        snapshot: &Snapshot,
    ) -> AllocationInfo {
        let ns = |ms: u64| (snapshot.program.started_unix_ms + ms) * 1_000_000;
        let allocated_ms = block.allocated_ms.unwrap_or(instance.bound_ms);
        let has_outlived = match instance.fate {
            Some(fate) => fate == Fate::LiveAtExport,
            None => instance.stage == Stage::Allocated,
        };
        AllocationInfo {
            ptr: block.address as usize,
            size: block.bytes as usize,
            var_name: Some(variable.name.clone()),
            type_name: variable.type_name.clone(),
            thread_id: instance.thread.to_string(),
            timestamp_alloc: ns(allocated_ms),
            timestamp_dealloc: block.freed_ms.map(ns),
            borrow_count: variable.borrow_count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0),
            borrow_provenance: match variable.borrow_count {
                Some(_) => Provenance::Measured,
                None => Provenance::NotMeasured,
            },
            stack_trace: stack_of(&variable.scope),
            is_leaked: has_outlived && block.freed_ms.is_none(),
            lifetime_ms: block.freed_ms.map(|freed| freed.saturating_sub(allocated_ms)),
            is_declared: false,
            provenance: Provenance::Measured,
            weight: instance.weight,
            scope: variable.scope.clone(),
            file: variable.file.clone(),
            line: variable.line,
            stage: instance.stage,
            fate: instance.fate,
            timestamp_bound: Some(ns(instance.bound_ms)),
            timestamp_unbound: instance.ended_ms.map(ns),
            reallocations: Some(block.reallocations),
            grown_bytes: Some(block.grown_bytes),
            moved_bytes: Some(block.moved_bytes),
            freed_by: block.freed_by.map(|thread| thread.to_string()),
            tasks: tasks_of(&variable.scope, &snapshot.tasks),
            ffi_crossings: variable.ffi_crossings,
        }
    }

    /// Whether this block, which has the declaration's address, is the declared one.
    ///
    /// Two that live are: at one address one block lives at a time. Of one that has ended it takes that it was declared while
    /// the block lived, had the block's size, and ended as it did, or by the program's word alone; within the clock's
    /// resolution another block of that size at that address would pass for it.
    fn is_block_of(&self, declared: &AllocationInfo, resolution_ns: u64) -> bool {
        if declared.provenance != Provenance::Measured {
            return false;
        }
        let declared_ns = declared.timestamp_alloc;
        let (freed, ended) = match (self.timestamp_dealloc, declared.timestamp_dealloc) {
            (None, None) => return true,
            (Some(_), None) => return false,
            (freed, Some(ended)) => (freed, ended),
        };
        let was_live = self.timestamp_alloc <= declared_ns
            && freed.is_none_or(|freed| declared_ns <= freed.saturating_add(resolution_ns));
        let ended_so = match (freed, &declared.freed_by) {
            (Some(freed), Some(_)) => {
                freed.abs_diff(ended) <= resolution_ns && self.freed_by == declared.freed_by
            }
            (None, Some(_)) => false,
            (_, None) => true,
        };
        was_live && ended_so && self.size == declared.size
    }

    /// Adds to a declaration what is known of the variable that owns the block. What was declared stays.
    fn add_tracked(&mut self, tracked: AllocationInfo) {
        let declared = std::mem::replace(self, tracked);
        *self = AllocationInfo {
            var_name: declared.var_name.or(self.var_name.take()),
            type_name: declared.type_name.or(self.type_name.take()),
            thread_id: declared.thread_id,
            timestamp_dealloc: declared.timestamp_dealloc.or(self.timestamp_dealloc),
            lifetime_ms: self.lifetime_ms.or(declared.lifetime_ms),
            is_declared: true,
            ..self.clone()
        };
    }
}

impl From<&AllocationInfo> for Declared {
    /// A record to be exported. It stands for itself, whatever its weight.
    fn from(info: &AllocationInfo) -> Declared {
        let mut declared = Declared::record(
            info.ptr,
            info.size,
            info.var_name.clone(),
            info.type_name.clone(),
            info.thread_id.parse().unwrap_or(0),
            info.timestamp_alloc,
            info.timestamp_dealloc,
            info.provenance,
        );
        declared.scope.clone_from(&info.scope);
        declared.place = info.file.clone().map(|file| Place {
            file: file.into(),
            line: info.line.unwrap_or(0),
            column: 0,
        });
        declared.freed_by = info.freed_by.as_ref().and_then(|thread| thread.parse().ok());
        declared.reallocations = info.reallocations.unwrap_or(0);
        declared.grown_bytes = info.grown_bytes.unwrap_or(0);
        declared
    }
}

fn stack_of(scope: &[String]) -> Option<Vec<String>> {
    (!scope.is_empty()).then(|| scope.iter().rev().cloned().collect())
}

/// Numbers of the tasks whose scope is the longest that begins this one.
fn tasks_of(scope: &[String], tasks: &[Task]) -> Vec<u64> {
    let around = || tasks.iter().filter(|task| !task.scope.is_empty() && scope.starts_with(&task.scope));
    let innermost = around().map(|task| task.scope.len()).max();
    around().filter(|task| Some(task.scope.len()) == innermost).map(|task| task.number).collect()
}
