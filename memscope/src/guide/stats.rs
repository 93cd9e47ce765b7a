//! `MemoryStats`: the sums of a snapshot, under the guide's names.

use crate::model::{Fates, Mode, Snapshot, Stages, Variable};

/// Memory lost inside and between blocks: the model's own words, where `None` is "not measured".
pub type FragmentationAnalysis = crate::model::Fragmentation;

/// Sums over the process, or over what was declared where no allocator of memscope's is installed.
///
/// In sampling mode figures of memory are estimates; each figure `x` has its standard error in `x_error`. `None`: it is exact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryStats {
    /// Blocks allocated.
    pub total_allocations: usize,
    /// Blocks alive.
    pub active_allocations: usize,
    /// The most bytes alive at once; exact within
    /// [`Profiler::peak_error_bound_bytes`](crate::model::Profiler::peak_error_bound_bytes).
    pub peak_memory: usize,
    /// Executions of tracked bindings that outlived their scope and are live.
    pub leaked_allocations: usize,
    /// Memory lost inside and between blocks.
    pub fragmentation_analysis: FragmentationAnalysis,
    /// What became of the tracked bindings.
    pub lifecycle_stats: ScopeLifecycleMetrics,

    /// How the figures came about.
    pub mode: Mode,
    /// Standard error of `total_allocations`.
    pub total_allocations_error: Option<u64>,
    /// Standard error of `active_allocations`.
    pub active_allocations_error: Option<u64>,
    /// Standard error of `peak_memory`.
    pub peak_memory_error: Option<u64>,
    /// Bytes alive.
    pub active_memory: usize,
    /// Standard error of `active_memory`.
    pub active_memory_error: Option<u64>,
    /// Blocks freed.
    pub total_deallocations: usize,
    /// Blocks resized.
    pub total_reallocations: usize,
    /// Bytes allocated, growth by reallocation included.
    pub total_allocated_bytes: u64,
    /// Bytes freed, shrinking by reallocation included.
    pub total_deallocated_bytes: u64,
    /// The largest live block, in bytes; `None`: none is listed.
    pub largest_block_bytes: Option<u64>,
    /// Threads that allocated, freed or declared something, those that have ended included.
    pub threads: u64,
    /// Tasks of tracked async functions, those that are folded included.
    pub tasks: u64,
    /// Rows of variables: bindings in a scope with a type, and declarations.
    pub variables: usize,
    /// Findings of the snapshot.
    pub findings: usize,
    /// From the start of the recording to the snapshot, in milliseconds.
    pub elapsed_ms: u64,
    /// Memory that memscope itself holds, in bytes; `None`: not measured.
    pub profiler_bytes: Option<u64>,
    /// Events that could not be recorded; they are in no other figure.
    pub unrecorded_events: u64,
}

/// What became of the tracked bindings, and how often the tracked functions ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeLifecycleMetrics {
    /// Nodes of the scope tree, the root among them.
    pub scopes: usize,
    /// Times that a tracked function was entered.
    pub calls: u64,
    /// Executions of tracked bindings, and declarations.
    pub instances: u64,
    /// Those whose binding is in scope; declarations that live.
    pub active_instances: u64,
    /// Those whose blocks are all freed.
    pub deallocated_instances: u64,
    /// Those whose binding has ended while blocks of theirs live.
    pub outlived_instances: u64,
    /// All of them by stage.
    pub stages: Stages,
    /// Those of the bindings whose fates are measured, by fate; `None`: of no binding they are.
    pub fates: Option<Fates>,
    /// Executions of bindings whose fates are not measured; declarations have none.
    pub instances_without_fates: u64,
    /// Bytes alive that belong to tracked variables and declarations, where that is measured.
    pub held_bytes: u64,
}

impl MemoryStats {
    /// The sums of a snapshot.
    pub fn of(snapshot: &Snapshot) -> MemoryStats {
        let figure = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let totals = &snapshot.totals;
        let leaked: u64 = snapshot.variables.iter().map(live_after_scope).sum();
        MemoryStats {
            total_allocations: figure(totals.allocations),
            active_allocations: figure(totals.live_allocations),
            peak_memory: figure(totals.peak_bytes),
            leaked_allocations: figure(leaked),
            fragmentation_analysis: snapshot.fragmentation.clone(),
            lifecycle_stats: ScopeLifecycleMetrics::of(snapshot),
            mode: snapshot.mode,
            total_allocations_error: totals.allocations_error,
            active_allocations_error: totals.live_allocations_error,
            peak_memory_error: totals.peak_bytes_error,
            active_memory: figure(totals.live_bytes),
            active_memory_error: totals.live_bytes_error,
            total_deallocations: figure(totals.deallocations),
            total_reallocations: figure(totals.reallocations),
            total_allocated_bytes: totals.allocated_bytes,
            total_deallocated_bytes: totals.deallocated_bytes,
            largest_block_bytes: snapshot.blocks.largest.iter().map(|block| block.bytes).max(),
            threads: snapshot.threads.iter().map(|row| u64::from(row.threads)).sum(),
            tasks: snapshot.tasks.len() as u64 + snapshot.profiler.folded_tasks,
            variables: snapshot.variables.len(),
            findings: snapshot.findings.len(),
            elapsed_ms: snapshot.program.elapsed_ms,
            profiler_bytes: snapshot.profiler.own_bytes,
            unrecorded_events: snapshot.profiler.unrecorded_events,
        }
    }
}

impl ScopeLifecycleMetrics {
    /// The sums of a snapshot.
    pub fn of(snapshot: &Snapshot) -> ScopeLifecycleMetrics {
        let mut all = ScopeLifecycleMetrics {
            scopes: snapshot.scopes.len(),
            calls: snapshot.scopes.iter().map(|scope| scope.calls).sum(),
            ..ScopeLifecycleMetrics::default()
        };
        for variable in &snapshot.variables {
            all.instances += variable.instances;
            all.active_instances += variable.active_instances;
            all.deallocated_instances += variable.stages.deallocated;
            all.outlived_instances += live_after_scope(variable);
            add_stages(&mut all.stages, &variable.stages);
            all.held_bytes = all.held_bytes.saturating_add(variable.heap_bytes.unwrap_or(0));
            match &variable.fates {
                Some(fates) => {
                    let sum = all.fates.get_or_insert_default();
                    sum.dropped_in_scope += fates.dropped_in_scope;
                    sum.outlived_scope += fates.outlived_scope;
                    sum.live_at_export += fates.live_at_export;
                }
                None if variable.walk != crate::model::Walk::Declared => {
                    all.instances_without_fates += variable.instances;
                }
                None => {}
            }
        }
        all
    }
}

/// Executions that outlived their scope and are live: by their fates, or where these are not measured by their stages.
fn live_after_scope(variable: &Variable) -> u64 {
    variable.fates.map_or(variable.stages.allocated, |fates| fates.live_at_export)
}

fn add_stages(sum: &mut Stages, stages: &Stages) {
    let Stages { active, shared, allocated, moved, deallocated, ended, no_heap } = *stages;
    sum.active += active;
    sum.shared += shared;
    sum.allocated += allocated;
    sum.moved += moved;
    sum.deallocated += deallocated;
    sum.ended += ended;
    sum.no_heap += no_heap;
}
