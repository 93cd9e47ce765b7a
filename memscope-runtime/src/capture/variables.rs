//! Variables: the registry's rows and instances.

use crate::clock;
use crate::crossing::Crossings;
use crate::mode;
use crate::snapshot::{Instance, InstanceBlock, Provenance, Scope, Stage, Stages, Variable, Walk};
use crate::variable::{self, HISTORY_LEN, RowBySize};
use crate::watch::Watch;
use crate::weight::{Sum, share};
use std::collections::HashMap;

/// The rows of `variables[]`, and the index among them of each row of the registry.
pub(super) fn variables(
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
                    fates: None,
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
                    moved_bytes: None,
                    unused_bytes: None,
                    strong_owners: alive().filter_map(|instance| instance.strong_owners).next_back(),
                    weak_owners: None,
                    held: None,
                    borrow_count: None,
                    shared_with: Vec::new(),
                    unknown_blocks: None,
                    blocks_owned_twice: None,
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
                moved_bytes: 0,
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
            fate: None,
            unused_bytes: None,
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
        fate: None,
        unused_bytes: None,
        blocks,
        folded_blocks: instance.grouped.iter().filter_map(|&id| Watch::get(id)).map(Watch::blocks).sum(),
    }
}
