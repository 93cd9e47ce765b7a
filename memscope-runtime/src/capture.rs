//! The recorder's state → [`Snapshot`].
//!
//! Everything here runs under the caller's own account and after the books were read, so building a snapshot is
//! not part of what it says.

use crate::account::Account;
use crate::books::{self, Reading};
use crate::budget::Budget as Limits;
use crate::crossing::Crossings;
use crate::estimate::{Variances, standard_error};
use crate::live_map;
use crate::mode::Decided;
use crate::scope::{self, Node};
use crate::site::Site;
use crate::snapshot::{
    Block, Blocks, Budget, Instance, InstanceBlock, Mode, Profiler, Program, Provenance, Scope, ScopeMemory,
    SiteKind, SiteRow, Snapshot, Stage, Stages, Task, Thread, TimelinePoint, Totals, Variable, Walk,
};
use crate::task_list;
use crate::thread_state::{self, OWN_NODE, ROOT_NODE, ThreadState};
use crate::variable::{self, HISTORY_LEN, RowBySize};
use crate::watch::Watch;
use crate::weight::{Sum, share};
use crate::{clock, crossing, mode, observer, pages, peak};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(not(feature = "sampling"))]
use self::not_sampled as sampling;
#[cfg(feature = "sampling")]
use crate::sampled as sampling;

/// Blocks that a snapshot lists one by one.
pub(crate) const LARGEST_BLOCKS: usize = 2_000;

/// A snapshot of what was recorded, and where its scope nodes are in it.
pub(crate) struct Capture {
    pub(crate) snapshot: Snapshot,
    /// Index into `snapshot.scopes` by node.
    pub(crate) scope_of_node: HashMap<u32, u32>,
}

/// Reads everything. Call it under [`thread_state::own_work`].
pub(crate) fn capture() -> Capture {
    let now_ms = clock::refresh();
    let readings = books::read();
    let readings = readings.as_slice();
    let (tasks, folded_tasks) = task_list::read(); // before the tree, so that their nodes are in it
    let nodes = scope::nodes();
    let sampled = mode::decided() == Decided::Sampling;
    let totals = totals(readings, sampled);
    let (scopes, scope_of_node) =
        scopes(&nodes, readings, &live_at_peak(readings, totals.live_bytes), sampled);
    let at_peak = scopes.first().map(|root| root.inclusive);
    let totals = Totals {
        peak_bytes: at_peak.and_then(|memory| memory.live_at_peak_bytes).unwrap_or(totals.live_bytes),
        peak_bytes_error: at_peak.and_then(|memory| memory.live_at_peak_bytes_error),
        ..totals
    };
    let mut timeline = observer::timeline();
    if timeline.last().is_none_or(|last| last.ms < now_ms) {
        timeline.push(TimelinePoint {
            ms: now_ms,
            live_bytes: totals.live_bytes,
            live_bytes_error: totals.live_bytes_error,
        });
    }
    let crossings = crossing::crossings();
    let (variables, row_order) = variables(&scopes, &scope_of_node, &crossings, sampled);
    let types = crate::snapshot::types(&variables);
    let blocks =
        if sampled { sampling::blocks(&scope_of_node, &totals) } else { blocks(&scope_of_node, &row_order) };
    let installed = mode::allocator_is_installed();
    let snapshot = Snapshot {
        mode: match installed {
            true if sampled => Mode::Sampling,
            true => Mode::Live,
            false => Mode::Declared,
        },
        program: Program {
            name: crate::program_name(),
            pid: std::process::id(),
            started_unix_ms: clock::started_unix_ms(),
            elapsed_ms: now_ms,
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            page_bytes: pages::page_bytes().map(|bytes| bytes as u64),
            memscope_version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        totals,
        variables,
        threads: threads(readings, sampled),
        tasks: tasks.into_iter().map(|task| task_row(task, &scopes, &scope_of_node)).collect(),
        types,
        timeline,
        lifetimes: if sampled { sampling::lifetimes(now_ms) } else { Vec::new() },
        findings: Vec::new(),
        blocks,
        sites: sites(&nodes, readings),
        profiler: Profiler {
            unfollowed_crossings: crossings.unfollowed,
            folded_tasks,
            sampling: sampled.then(|| sampling::parameters(readings)),
            ..profiler(readings, sampled, installed, totals.peak_bytes)
        },
        handed_out: crossings.handed_out(|node| {
            let scope = scope_of_node.get(&node).and_then(|&index| scopes.get(index as usize));
            scope.map(|scope| scope.path.clone()).unwrap_or_default()
        }),
        scopes,
    };
    Capture { snapshot, scope_of_node }
}

fn totals(readings: &[Reading], sampled: bool) -> Totals {
    let mut totals = Totals::default();
    let mut variances = Variances::default();
    for reading in readings.iter().filter(|reading| reading.node != OWN_NODE) {
        totals.allocations += reading.allocations;
        totals.deallocations += reading.deallocations;
        totals.reallocations += reading.reallocations;
        totals.allocated_bytes += reading.allocated_bytes;
        totals.deallocated_bytes += reading.deallocated_bytes;
        variances += reading.variances;
    }
    totals.live_allocations = totals.allocations.saturating_sub(totals.deallocations);
    totals.live_bytes = totals.allocated_bytes.saturating_sub(totals.deallocated_bytes);
    if sampled {
        let error = |variance| Some(standard_error(variance));
        totals.allocations_error = error(variances.allocations);
        totals.deallocations_error = error(variances.deallocations);
        totals.reallocations_error = error(variances.reallocations);
        totals.allocated_bytes_error = error(variances.allocated_bytes);
        totals.deallocated_bytes_error = error(variances.deallocated_bytes);
        totals.live_allocations_error = error(variances.live_allocations);
        totals.live_bytes_error = error(variances.live_bytes);
    }
    totals
}

/// Bytes that were live at the peak and the variance of their number, by node; now is the peak if more is live than at
/// the best capture.
fn live_at_peak(readings: &[Reading], live_bytes: u64) -> HashMap<u32, (u64, f64)> {
    let captured = peak::at_peak();
    let captured = captured.as_slice().iter().copied();
    let mut parts: HashMap<u32, (i64, f64)> = HashMap::new();
    let mut add = |node, bytes, variance| {
        let part = parts.entry(node).or_default();
        part.0 += bytes;
        part.1 += variance;
    };
    if captured.clone().map(|(_, bytes, _)| bytes).sum::<i64>() > live_bytes as i64 {
        captured.for_each(|(node, bytes, variance)| add(node, bytes, variance));
    } else {
        for reading in readings.iter().filter(|reading| reading.node != OWN_NODE) {
            let live = reading.allocated_bytes as i64 - reading.deallocated_bytes as i64;
            add(reading.node, live, reading.variances.live_bytes);
        }
    }
    let part = |(node, (bytes, variance))| (node, (u64::try_from(bytes).unwrap_or(0), variance));
    parts.into_iter().map(part).collect()
}

fn scopes(
    nodes: &[Node],
    readings: &[Reading],
    live_at_peak: &HashMap<u32, (u64, f64)>,
    sampled: bool,
) -> (Vec<Scope>, HashMap<u32, u32>) {
    let count = nodes.len().max(OWN_NODE as usize + 1);
    let mut exclusive = vec![Charged::default(); count];
    let mut calls = vec![(0, 0); count];
    // A node may be younger than the copy of the tree; its figures wait for the next snapshot.
    for reading in readings.iter().filter(|reading| (reading.node as usize) < count) {
        let node = reading.node as usize;
        exclusive[node].add_reading(reading);
        calls[node].0 += reading.calls;
        calls[node].1 += reading.recursive_calls;
    }
    for (node, charged) in exclusive.iter_mut().enumerate() {
        let (bytes, variance) = live_at_peak.get(&(node as u32)).copied().unwrap_or_default();
        charged.memory.live_at_peak_bytes = Some(bytes);
        charged.variance_at_peak = variance;
    }
    let mut inclusive = exclusive.clone();
    // A parent's number is below its children's.
    for node in (OWN_NODE as usize + 1..count).rev() {
        let below = inclusive[node];
        inclusive[nodes[node].parent as usize].add(&below);
    }
    let mut rows: Vec<(u32, Scope)> = (0..count as u32)
        .filter(|&node| node != OWN_NODE)
        .map(|node| {
            let (mut path, mut key) = (Vec::new(), Vec::new());
            let own_site = nodes.get(node as usize).and_then(|node| Site::with_number(node.site));
            let mut up = node;
            while up != ROOT_NODE {
                let Node { parent, site } = nodes[up as usize];
                if let Some(site) = Site::with_number(site) {
                    path.push(site.name.to_owned());
                    key.push(site.key());
                }
                up = parent;
            }
            path.reverse();
            key.reverse();
            let row = Scope {
                path,
                key,
                file: own_site.map(|site| site.file.to_owned()),
                line: own_site.map(|site| site.line),
                calls: calls[node as usize].0,
                recursive_calls: calls[node as usize].1,
                exclusive: exclusive[node as usize].whole(sampled),
                inclusive: inclusive[node as usize].whole(sampled),
            };
            (node, row)
        })
        .collect();
    rows.sort_by(|(_, a), (_, b)| {
        (&a.path, &a.key, &a.file, a.line).cmp(&(&b.path, &b.key, &b.file, b.line))
    });
    let scope_of_node = rows.iter().enumerate().map(|(index, &(node, _))| (node, index as u32)).collect();
    (rows.into_iter().map(|(_, row)| row).collect(), scope_of_node)
}

/// What a scope is charged with, while it is summed.
#[derive(Clone, Copy, Default)]
struct Charged {
    memory: ScopeMemory,
    variances: Variances,
    variance_at_peak: f64,
    /// Whether the scope, or one below it, ever ran.
    entered: bool,
}

impl Charged {
    fn add_reading(&mut self, reading: &Reading) {
        self.add(&Charged {
            memory: ScopeMemory {
                allocations: reading.allocations,
                deallocations: reading.deallocations,
                reallocations: reading.reallocations,
                allocated_bytes: reading.allocated_bytes,
                deallocated_bytes: reading.deallocated_bytes,
                ..ScopeMemory::default()
            },
            variances: reading.variances,
            // An account of its own blocks is opened when a thread enters the scope; not each entry is a call.
            entered: reading.thread == reading.owner_thread || reading.node == ROOT_NODE,
            ..Charged::default()
        });
    }

    fn add(&mut self, other: &Charged) {
        let (memory, more) = (&mut self.memory, &other.memory);
        memory.allocations += more.allocations;
        memory.deallocations += more.deallocations;
        memory.reallocations += more.reallocations;
        memory.allocated_bytes += more.allocated_bytes;
        memory.deallocated_bytes += more.deallocated_bytes;
        memory.live_at_peak_bytes =
            memory.live_at_peak_bytes.zip(more.live_at_peak_bytes).map(|(mine, theirs)| mine + theirs);
        self.variances += other.variances;
        self.variance_at_peak += other.variance_at_peak;
        self.entered |= other.entered;
    }

    /// With what follows from the sums.
    fn whole(self, sampled: bool) -> ScopeMemory {
        // By the books' order of reading neither is negative; were it so, a program's snapshot must not panic.
        let memory = ScopeMemory {
            live_allocations: self.memory.allocations.saturating_sub(self.memory.deallocations),
            live_bytes: self.memory.allocated_bytes.saturating_sub(self.memory.deallocated_bytes),
            ..self.memory
        };
        if !sampled {
            return memory;
        }
        let error = |variance| Some(standard_error(variance));
        let Variances { samples, live_samples, .. } = self.variances;
        ScopeMemory {
            allocations_error: error(self.variances.allocations),
            deallocations_error: error(self.variances.deallocations),
            reallocations_error: error(self.variances.reallocations),
            allocated_bytes_error: error(self.variances.allocated_bytes),
            deallocated_bytes_error: error(self.variances.deallocated_bytes),
            live_allocations_error: error(self.variances.live_allocations),
            live_bytes_error: error(self.variances.live_bytes),
            live_at_peak_bytes_error: error(self.variance_at_peak),
            samples: Some(samples),
            allocated_bytes_upper_bound: (samples == 0 && self.entered).then(bytes_without_a_sample),
            live_bytes_upper_bound: (live_samples <= 0 && self.entered).then(bytes_without_a_sample),
            ..memory
        }
    }
}

/// So many bytes have no sample with a probability of 5 %: e^(−bytes/T) = 1/20. With fewer it is more likely.
fn bytes_without_a_sample() -> u64 {
    (20f64.ln() * sampling::greatest_mean_bytes() as f64).ceil() as u64
}

/// The rows of `variables[]`, and the index among them of each row of the registry.
fn variables(
    scopes: &[Scope],
    scope_of_node: &HashMap<u32, u32>,
    crossings: &Crossings,
    sampled: bool,
) -> (Vec<Variable>, HashMap<u64, u32>) {
    variable::with_registry(|registry| {
        let empty = HashMap::new();
        let instances = registry.instances.as_ref().unwrap_or(&empty);
        let mut rows: Vec<(Variable, &[u64])> = registry
            .rows
            .iter()
            .enumerate()
            .map(|(number, row)| {
                let alive = || row.instances.iter().filter_map(|id| instances.get(id));
                let mut stages = row.folded;
                alive().for_each(|instance| stages.count(instance.stage()));
                // What is said of the row is no better than what is known of each instance.
                let walk = alive().map(|instance| instance.walk).max();
                // Without the allocator there are no blocks to find.
                let walk = walk.filter(|_| mode::allocator_is_installed()).unwrap_or(Walk::NotWalked);
                let walked = walk != Walk::NotWalked;
                let sum =
                    |figure: fn(&variable::Instance) -> u64| walked.then(|| alive().map(figure).sum::<u64>());
                let shown = row.instances.len().saturating_sub(HISTORY_LEN);
                let scope = scope_of_node.get(&row.node).and_then(|&index| scopes.get(index as usize));
                let crossed = crossings.of_row(number).filter(|_| walked && !sampled);
                let ffi_crossings = crossed.as_ref().map(|(count, _)| *count);
                let listed = crossed.map(|(_, newest)| newest).unwrap_or_default();
                let mut variable = Variable {
                    name: row.site.name.to_owned(),
                    type_name: Some(row.type_name.to_owned()),
                    scope: scope.map(|scope| scope.path.clone()).unwrap_or_default(),
                    file: Some(row.site.file.to_owned()),
                    line: Some(row.site.line),
                    instances: stages.total(),
                    active_instances: alive().filter(|instance| instance.ended_ms.is_none()).count() as u64,
                    active_instances_error: None,
                    stage: stages.liveliest(),
                    stages,
                    stages_error: None,
                    heap_bytes: sum(variable::Instance::live_bytes),
                    heap_bytes_error: None,
                    peak_heap_bytes: row.bytes.filter(|_| walked).map(|bytes| bytes.peak()),
                    blocks: sum(variable::Instance::live_blocks),
                    blocks_error: None,
                    value_bytes: Some(row.value_bytes),
                    walk,
                    provenance: if walked { Provenance::Measured } else { Provenance::NotMeasured },
                    threads: row.threads.iter().copied().collect(),
                    first_ms: row.first_ms,
                    last_observed_ms: row.last_observed_ms,
                    history: row.instances[shown..]
                        .iter()
                        .filter_map(|id| instances.get(id))
                        .map(|instance| instance_row(instance, walked))
                        .collect(),
                    folded_instances: row.folded.total() + shown as u64,
                    grown_bytes: sum(variable::Instance::grown_bytes),
                    strong_owners: alive().filter_map(|instance| instance.strong_owners).next_back(),
                    ffi_crossings,
                    folded_crossings: ffi_crossings.map_or(0, |count| count - listed.len() as u64),
                    crossings: listed,
                    category: None,
                };
                if sampled {
                    let kept: Vec<&variable::Instance> = alive().collect();
                    set_figures_by_size(&mut variable, &row.by_size, &kept);
                }
                (variable, row.instances.as_slice())
            })
            .collect();
        rows.sort_by(|(a, _), (b, _)| {
            (&a.scope, &a.name, &a.file, a.line, &a.type_name).cmp(&(
                &b.scope,
                &b.name,
                &b.file,
                b.line,
                &b.type_name,
            ))
        });
        let row_of_instance = rows
            .iter()
            .enumerate()
            .flat_map(|(index, (_, ids))| ids.iter().map(move |&id| (id, index as u32)));
        let row_of_instance = row_of_instance.collect();
        (rows.into_iter().map(|(variable, _)| variable).collect(), row_of_instance)
    })
}

/// The figures of a row in sampling mode, where blocks are not followed but what the last looks found is summed.
fn set_figures_by_size(variable: &mut Variable, row: &RowBySize, kept: &[&variable::Instance]) {
    let (mut active, mut shared) = (Sum::default(), Sum::default());
    let (mut ended, mut no_heap) = (row.ended, row.no_heap);
    for instance in kept {
        let of_stage = match instance.stage() {
            Stage::Shared => &mut shared,
            Stage::Ended => &mut ended,
            Stage::NoHeap => &mut no_heap,
            _ => &mut active,
        };
        of_stage.add(1, instance.weight);
    }
    // How many are in scope and how many have ended is counted; only of what kind they are goes by those kept.
    let of_whole = |whole, part: Sum, rest| if part.value == 0 { part } else { share(whole, part, rest) };
    let past = row.executions - row.in_scope;
    let (shared, no_heap) = (of_whole(row.in_scope, shared, active), of_whole(past, no_heap, ended));
    variable.stages = Stages {
        active: row.in_scope - shared.value,
        shared: shared.value,
        ended: past - no_heap.value,
        no_heap: no_heap.value,
        ..Stages::default()
    };
    variable.stage = variable.stages.liveliest();
    variable.instances = row.executions;
    variable.active_instances = row.in_scope;
    variable.folded_instances = row.executions.saturating_sub(variable.history.len() as u64);
    variable.grown_bytes = None;
    let walked = variable.heap_bytes.is_some();
    // What became of the blocks of bindings that have ended nobody knows: where there are no others, 0 would be a guess.
    let known = walked && (row.in_scope > 0 || variable.stages.ended == 0);
    if !known {
        variable.provenance = Provenance::NotMeasured;
    }
    variable.heap_bytes = known.then_some(row.bytes.value);
    variable.blocks = known.then_some(row.blocks.value);
    variable.peak_heap_bytes = (walked && !row.is_by_lot).then_some(row.peak_bytes);
    if row.is_by_lot {
        variable.stages_error = Some(Stages {
            active: shared.error(),
            shared: shared.error(),
            ended: no_heap.error(),
            no_heap: no_heap.error(),
            ..Stages::default()
        });
        variable.heap_bytes_error = known.then(|| row.bytes.error());
        variable.blocks_error = known.then(|| row.blocks.error());
        if known {
            variable.provenance = Provenance::Sampled;
        }
    }
}

fn instance_row(instance: &variable::Instance, walked: bool) -> Instance {
    let watches: Vec<&Watch> = instance.single.iter().filter_map(|&id| Watch::get(id)).collect();
    let mut blocks: Vec<InstanceBlock> = watches
        .iter()
        .filter(|watch| watch.handed_over() == 0)
        .map(|watch| {
            let freed = watch.freed_at();
            InstanceBlock {
                address: watch.address(),
                bytes: watch.last_bytes(),
                allocated_ms: Some(clock::Stamp(watch.stamp()).to_ms()),
                freed_ms: freed.map(|(ms, _)| ms),
                freed_by: freed.map(|(_, thread)| thread).filter(|&thread| thread != 0),
                reallocations: watch.reallocations(),
                grown_bytes: watch.grown_bytes(),
            }
        })
        .collect();
    blocks.sort_by_key(|block| (block.address, block.freed_ms));
    if let Some(found) = instance.by_size {
        return Instance {
            weight: instance.weight,
            thread: instance.thread,
            stage: instance.stage(),
            bound_ms: instance.bound_ms,
            observed_ms: instance.observed_ms,
            observations: instance.observations,
            ended_ms: instance.ended_ms,
            heap_bytes: (walked && instance.walk != Walk::NotWalked && instance.ended_ms.is_none())
                .then_some(found.bytes),
            blocks: Vec::new(),
            folded_blocks: found.blocks,
        };
    }
    Instance {
        weight: instance.weight,
        thread: instance.thread,
        stage: instance.stage(),
        bound_ms: instance.bound_ms,
        observed_ms: instance.observed_ms,
        observations: instance.observations,
        ended_ms: instance.ended_ms,
        heap_bytes: walked.then(|| instance.live_bytes()),
        blocks,
        folded_blocks: instance.grouped.iter().filter_map(|&id| Watch::get(id)).map(Watch::blocks).sum(),
    }
}

fn threads(readings: &[Reading], sampled: bool) -> Vec<Thread> {
    let mut threads: BTreeMap<u32, Thread> = ThreadState::all()
        .map(|state| {
            let row = Thread::idle(state.id(), state.threads(), state.name(), state.has_ended());
            (row.id, row)
        })
        .collect();
    let theirs = || readings.iter().filter(|reading| reading.node != OWN_NODE);
    for reading in theirs() {
        if let Some(thread) = threads.get_mut(&reading.thread) {
            thread.deallocations += reading.deallocations;
            thread.reallocations += reading.reallocations;
            if reading.owner_thread != reading.thread {
                thread.foreign_deallocations += reading.deallocations;
            }
        }
        if let Some(owner) = threads.get_mut(&reading.owner_thread) {
            owner.allocations += reading.allocations;
            owner.allocated_bytes += reading.allocated_bytes;
        }
    }
    // What was freed of a thread's blocks, by whomever.
    let mut freed: HashMap<u32, (u64, u64)> = HashMap::new();
    for reading in theirs() {
        let (blocks, bytes) = freed.entry(reading.owner_thread).or_default();
        *blocks += reading.deallocations;
        *bytes += reading.deallocated_bytes;
    }
    for (id, thread) in &mut threads {
        let (blocks, bytes) = freed.get(id).copied().unwrap_or_default();
        thread.live_allocations = thread.allocations.saturating_sub(blocks);
        thread.live_bytes = thread.allocated_bytes.saturating_sub(bytes);
    }
    if sampled {
        thread_errors(&mut threads, readings);
    }
    threads.into_values().collect()
}

fn task_row(task: task_list::Reading, scopes: &[Scope], scope_of_node: &HashMap<u32, u32>) -> Task {
    let scope = scope_of_node.get(&task.node).and_then(|&index| scopes.get(index as usize));
    Task {
        number: task.number,
        id: task.id,
        scope: scope.map(|scope| scope.path.clone()).unwrap_or_default(),
        state: task.state,
        polls: task.polls,
        threads: task.threads,
        has_more_threads: task.has_more_threads,
        first_ms: task.first_ms,
        last_ms: task.last_ms,
    }
}

/// By whom a block was allocated, and by whom it was freed or resized, are the same questions as in [`threads`].
fn thread_errors(threads: &mut BTreeMap<u32, Thread>, readings: &[Reading]) {
    let (mut did, mut foreign, mut owned) = (HashMap::new(), HashMap::new(), HashMap::new());
    for reading in readings.iter().filter(|reading| reading.node != OWN_NODE) {
        *did.entry(reading.thread).or_insert(Variances::default()) += reading.variances;
        *owned.entry(reading.owner_thread).or_insert(Variances::default()) += reading.variances;
        if reading.owner_thread != reading.thread {
            *foreign.entry(reading.thread).or_insert(Variances::default()) += reading.variances;
        }
    }
    let of = |all: &HashMap<u32, Variances>, id: &u32| all.get(id).copied().unwrap_or_default();
    let error = |variance| Some(standard_error(variance));
    for (id, thread) in threads {
        thread.deallocations_error = error(of(&did, id).deallocations);
        thread.reallocations_error = error(of(&did, id).reallocations);
        thread.foreign_deallocations_error = error(of(&foreign, id).deallocations);
        thread.allocations_error = error(of(&owned, id).allocations);
        thread.allocated_bytes_error = error(of(&owned, id).allocated_bytes);
        thread.live_allocations_error = error(of(&owned, id).live_allocations);
        thread.live_bytes_error = error(of(&owned, id).live_bytes);
    }
}

fn blocks(scope_of_node: &HashMap<u32, u32>, row_of_instance: &HashMap<u64, u32>) -> Blocks {
    let mut largest: BinaryHeap<Reverse<(usize, usize)>> = BinaryHeap::with_capacity(LARGEST_BLOCKS + 1);
    let mut details: HashMap<usize, (u32, Option<u64>, u64)> = HashMap::with_capacity(LARGEST_BLOCKS + 1);
    let mut folded = Blocks::default();
    live_map::for_each(|found| {
        let watch = if found.record.is_watched() { Watch::get(found.record.owner()) } else { None };
        let account = watch.map_or(found.record.owner(), Watch::account);
        if Account::get(account).is_none_or(|account| account.is_own()) {
            return;
        }
        largest.push(Reverse((found.bytes, found.address)));
        let ms = clock::Stamp(found.record.stamp()).to_ms();
        details.insert(found.address, (account, watch.map(Watch::instance), ms));
        if largest.len() > LARGEST_BLOCKS {
            if let Some(Reverse((bytes, address))) = largest.pop() {
                details.remove(&address);
                folded.folded_blocks += 1;
                folded.folded_bytes += bytes as u64;
            }
        }
    });
    let mut rows: Vec<Block> = largest
        .into_iter()
        .map(|Reverse((bytes, address))| {
            let detail = details.get(&address);
            let account = detail.and_then(|&(account, _, _)| Account::get(account));
            Block {
                address: address as u64,
                bytes: bytes as u64,
                scope: account.and_then(|account| scope_of_node.get(&account.node()).copied()),
                thread: account.map(Account::thread),
                allocated_ms: detail.map_or(0, |&(_, _, ms)| ms),
                variable: detail
                    .and_then(|(_, instance, _)| row_of_instance.get(instance.as_ref()?).copied()),
            }
        })
        .collect();
    rows.sort_by_key(|block| block.address);
    Blocks { largest: rows, ..folded }
}

fn sites(nodes: &[Node], readings: &[Reading]) -> Vec<SiteRow> {
    let mut calls: HashMap<u32, u64> = HashMap::new();
    for reading in readings {
        if let Some(node) = nodes.get(reading.node as usize) {
            *calls.entry(node.site).or_default() += reading.calls;
        }
    }
    let mut rows: Vec<SiteRow> = Site::all()
        .map(|site| SiteRow {
            kind: site.kind,
            name: site.name.to_owned(),
            key: site.key(),
            file: site.file.to_owned(),
            line: site.line,
            column: site.column,
            signature: site.signature.to_owned(),
            executions: match site.kind {
                SiteKind::Variable => site.bindings(),
                SiteKind::Function | SiteKind::AsyncFunction | SiteKind::ForeignFunction => {
                    if site.id() == 0 { 0 } else { calls.get(&site.id()).copied().unwrap_or(0) }
                }
            },
            budget: site.budget.map(budget),
            crossings: crossing::of_site(site),
        })
        .collect();
    rows.sort_by(|a, b| (&a.file, a.line, a.column, &a.key).cmp(&(&b.file, b.line, b.column, &b.key)));
    rows
}

fn budget(budget: &Limits) -> Budget {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let judged_calls = read(&budget.judged);
    Budget {
        bytes: budget.bytes,
        allocations: budget.allocations,
        judged_calls,
        calls_over: read(&budget.over),
        most_bytes: Some(read(&budget.most_bytes)).filter(|&bytes| bytes > 0),
        most_allocations: budget
            .allocations
            .filter(|_| judged_calls > 0)
            .map(|_| read(&budget.most_allocations)),
    }
}

fn profiler(readings: &[Reading], sampled: bool, allocator_installed: bool, peak_bytes: u64) -> Profiler {
    let mut own = Charged::default();
    for reading in readings.iter().filter(|reading| reading.node == OWN_NODE) {
        own.add_reading(reading);
    }
    let own = own.whole(sampled);
    Profiler {
        allocator_installed,
        own_bytes: pages::resident_bytes().map(|pages| pages + own.live_bytes + sampling::place_bytes()),
        own_bytes_error: own.live_bytes_error,
        own_allocations: own.allocations,
        own_allocations_error: own.allocations_error,
        own_deallocations: own.deallocations,
        own_deallocations_error: own.deallocations_error,
        own_reallocations: own.reallocations,
        own_reallocations_error: own.reallocations_error,
        own_allocated_bytes: own.allocated_bytes,
        own_allocated_bytes_error: own.allocated_bytes_error,
        own_deallocated_bytes: own.deallocated_bytes,
        own_deallocated_bytes_error: own.deallocated_bytes_error,
        unrecorded_events: thread_state::UNRECORDED.load(Ordering::Relaxed),
        blocks_before_start: (!sampled).then(|| thread_state::UNKNOWN_BLOCKS.load(Ordering::Relaxed)),
        folded_scopes: scope::folded(),
        folded_tasks: 0,
        unmatched_declared_deallocations: 0,
        unkept_declared_deallocations: 0,
        clock_resolution_ms: Some(clock::resolution_ms()),
        missed_peak_captures: peak::missed(),
        unfollowed_crossings: 0,
        peak_error_bound_bytes: (allocator_installed && !sampled).then(|| {
            u64::from(thread_state::most_running()) * peak::THREAD_ERROR_BYTES
                + peak_bytes / peak::ERROR_SHARE
        }),
        sampling: None,
    }
}

/// Without the feature there is no sampler to ask; nobody does.
#[cfg(not(feature = "sampling"))]
mod not_sampled {
    use crate::books::Reading;
    use crate::snapshot::{Blocks, Lifetimes, Sampling, Totals};
    use std::collections::HashMap;

    pub(super) fn greatest_mean_bytes() -> u64 {
        0
    }

    pub(super) fn place_bytes() -> u64 {
        0
    }

    pub(super) fn blocks(_: &HashMap<u32, u32>, _: &Totals) -> Blocks {
        Blocks::default()
    }

    pub(super) fn lifetimes(_: u64) -> Vec<Lifetimes> {
        Vec::new()
    }

    pub(super) fn parameters(_: &[Reading]) -> Sampling {
        Sampling { mean_bytes: 0, samples: 0, live_samples: 0, lost_samples: 0 }
    }
}
