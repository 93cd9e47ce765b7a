//! Variables: the registry's rows and instances.

use crate::clock;
use crate::crossing::Crossings;
use crate::mode;
use crate::snapshot::{Held, Instance, InstanceBlock, Provenance, Scope, Stage, Stages, Variable, Walk};
use crate::trackable::Sharing;
use crate::variable::{self, EndedAlive, Folded, HISTORY_LEN, Row, RowBySize};
use crate::watch::Watch;
use crate::weight::{Sum, share};
use std::collections::HashMap;

/// The rows of `variables[]`, and the index among them of each row of the registry.
pub(super) fn variables(
    scopes: &[Scope],
    scope_of_node: &HashMap<u32, u32>,
    crossings: &Crossings,
    sampled: bool,
) -> (Vec<Variable>, Vec<u32>) {
    let rows = variable::with_registry(|registry| {
        let empty = HashMap::new();
        let instances = registry.instances.as_ref().unwrap_or(&empty);
        let rows = registry.rows.iter().enumerate().map(|(number, row)| {
            let kept: Vec<&variable::Instance> =
                row.instances.iter().filter_map(|id| instances.get(id)).collect();
            let scope = scope_of_node.get(&row.node).and_then(|&index| scopes.get(index as usize));
            let scope = scope.map(|scope| scope.path.clone()).unwrap_or_default();
            let crossed = crossings.of_row(number).filter(|_| !sampled);
            let shared_with: Vec<u32> = row.shared_with.iter().map(|&other| other as u32).collect();
            let mut variable = variable_row(row, &kept, scope);
            if sampled {
                set_figures_by_size(&mut variable, &row.by_size, &kept);
            }
            if let Some((count, newest)) = crossed.filter(|_| variable.walk != Walk::NotWalked) {
                variable.ffi_crossings = Some(count);
                variable.folded_crossings = count - newest.len() as u64;
                variable.crossings = newest;
            }
            Variable { shared_with, ..variable }
        });
        rows.collect::<Vec<Variable>>()
    });
    in_order(rows)
}

/// The rows by what identifies them, and where each went.
fn in_order(rows: Vec<Variable>) -> (Vec<Variable>, Vec<u32>) {
    let mut rows: Vec<(usize, Variable)> = rows.into_iter().enumerate().collect();
    rows.sort_by(|(_, a), (_, b)| {
        (&a.scope, &a.name, &a.file, a.line, &a.type_name).cmp(&(
            &b.scope,
            &b.name,
            &b.file,
            b.line,
            &b.type_name,
        ))
    });
    let mut places = vec![0u32; rows.len()];
    for (place, (number, _)) in rows.iter().enumerate() {
        places[*number] = place as u32;
    }
    let rows = rows.into_iter().map(|(_, mut row)| {
        row.shared_with.iter_mut().for_each(|other| *other = places[*other as usize]);
        row.shared_with.sort_unstable();
        row
    });
    (rows.collect(), places)
}

/// What the instances of a row come to.
struct Sums {
    /// With the growth of all instances, and the stages and fates of those that are not alive.
    folded: Folded,
    heap_bytes: u64,
    blocks: u64,
    unused_bytes: u64,
    unknown_blocks: u64,
}

impl Sums {
    fn of(row: &Row, kept: &[&variable::Instance]) -> Sums {
        let mut sums =
            Sums { folded: row.folded, heap_bytes: 0, blocks: 0, unused_bytes: 0, unknown_blocks: 0 };
        for instance in kept {
            let blocks = instance.live_blocks();
            sums.folded.add(instance.stage(), instance.fate(), instance.story());
            sums.add_blocks(blocks, instance.live_bytes());
            // In sampling mode what was found counts while the binding is in scope.
            let in_scope = instance.ended_ms.is_none();
            if blocks > 0 || instance.by_size.is_some() && in_scope {
                sums.unused_bytes = sums.unused_bytes.saturating_add(instance.unused_bytes);
            }
            if blocks > 0 || in_scope {
                sums.unknown_blocks += instance.unknown_blocks;
            }
        }
        for ended in &row.ended_alive {
            sums.add_ended(ended);
        }
        sums
    }

    fn add_ended(&mut self, ended: &EndedAlive) {
        let blocks = ended.live_blocks();
        let (stage, fate) = ended.stage_and_fate();
        self.folded.add(stage, fate, ended.story());
        self.add_blocks(blocks, ended.live_bytes());
        if blocks > 0 {
            self.unused_bytes = self.unused_bytes.saturating_add(ended.unused_bytes);
            self.unknown_blocks += u64::from(ended.unknown_blocks);
        }
    }

    fn add_blocks(&mut self, blocks: u64, bytes: u64) {
        self.blocks += blocks;
        self.heap_bytes += bytes;
    }
}

/// A row, without its crossings and without the rows that it shares blocks with.
fn variable_row(row: &Row, kept: &[&variable::Instance], scope: Vec<String>) -> Variable {
    let Sums { folded, heap_bytes, blocks, unused_bytes, unknown_blocks } = Sums::of(row, kept);
    // What is said of the row is no better than what is known of each instance.
    let walk = kept.iter().map(|instance| instance.walk).max();
    // Without the allocator there are no blocks to find.
    let walk = walk.filter(|_| mode::allocator_is_installed()).unwrap_or(Walk::NotWalked);
    let walked = walk != Walk::NotWalked;
    let measured = |figure: u64| walked.then_some(figure);
    let shown = kept.len().saturating_sub(HISTORY_LEN);
    let told = kept.iter().map(|instance| instance.sharing).rfind(|sharing| *sharing != Sharing::default());
    let told = told.unwrap_or_default();
    let stages = folded.stages;
    Variable {
        name: row.site.name.to_owned(),
        type_name: Some(row.type_name.to_owned()),
        scope,
        file: Some(row.site.file.to_owned()),
        line: Some(row.site.line),
        instances: stages.total(),
        active_instances: kept.iter().filter(|instance| instance.ended_ms.is_none()).count() as u64,
        active_instances_error: None,
        stage: stages.liveliest(),
        stages,
        stages_error: None,
        fates: walked.then_some(folded.fates),
        heap_bytes: measured(heap_bytes),
        heap_bytes_error: None,
        peak_heap_bytes: row.bytes.filter(|_| walked).map(|bytes| bytes.peak()),
        blocks: measured(blocks),
        blocks_error: None,
        value_bytes: Some(row.value_bytes),
        walk,
        provenance: if walked { Provenance::Measured } else { Provenance::NotMeasured },
        threads: row.threads.iter().copied().collect(),
        first_ms: row.first_ms,
        last_observed_ms: row.last_observed_ms,
        history: kept[shown..].iter().map(|instance| instance_row(instance, walked)).collect(),
        folded_instances: row.folded.stages.total() + (row.ended_alive.len() + shown) as u64,
        grown_bytes: measured(folded.grown_bytes),
        moved_bytes: measured(folded.moved_bytes),
        unused_bytes: measured(unused_bytes),
        strong_owners: told.strong.map(|owners| owners as u64),
        weak_owners: told.weak.map(|owners| owners as u64),
        held: told.held,
        borrow_count: borrow_count(told),
        shared_with: Vec::new(),
        unknown_blocks: measured(unknown_blocks),
        blocks_owned_twice: measured(row.owned_twice),
        ffi_crossings: None,
        folded_crossings: 0,
        crossings: Vec::new(),
        category: None,
    }
}

/// What a value can tell of its borrows; `None`: nothing.
fn borrow_count(told: Sharing) -> Option<u64> {
    if told.strong.is_none() && told.held.is_none() {
        return None;
    }
    let sharers = told.strong.map_or(0, |owners| owners.saturating_sub(1) as u64);
    let holders = match told.held {
        None | Some(Held::Free) => 0,
        Some(Held::Shared | Held::Exclusive) => 1,
    };
    Some(sharers + holders)
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
    variable.moved_bytes = None;
    variable.fates = None;
    variable.unknown_blocks = None;
    variable.blocks_owned_twice = None;
    let walked = variable.heap_bytes.is_some();
    // What became of the blocks of bindings that have ended nobody knows: where there are no others, 0 would be a guess.
    let known = walked && (row.in_scope > 0 || variable.stages.ended == 0);
    if !known {
        variable.provenance = Provenance::NotMeasured;
    }
    variable.heap_bytes = known.then_some(row.bytes.value);
    variable.blocks = known.then_some(row.blocks.value);
    variable.unused_bytes = variable.unused_bytes.filter(|_| known && !row.is_by_lot);
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
    let walked = walked && instance.walk != Walk::NotWalked;
    let row = Instance {
        weight: instance.weight,
        thread: instance.thread,
        stage: instance.stage(),
        bound_ms: instance.bound_ms,
        observed_ms: instance.observed_ms,
        observations: instance.observations,
        ended_ms: instance.ended_ms,
        heap_bytes: walked.then(|| instance.live_bytes()),
        fate: instance.fate().filter(|_| walked),
        unused_bytes: walked.then_some(instance.unused_bytes),
        blocks: blocks(instance),
        folded_blocks: instance.grouped.iter().filter_map(|&id| Watch::get(id)).map(Watch::blocks).sum(),
    };
    let Some(found) = instance.by_size else { return row };
    Instance {
        heap_bytes: (walked && instance.ended_ms.is_none()).then_some(found.bytes),
        folded_blocks: found.blocks,
        ..row
    }
}

/// The blocks of an instance that have watches of their own.
fn blocks(instance: &variable::Instance) -> Vec<InstanceBlock> {
    let watches = instance.single.iter().filter_map(|&id| Watch::get(id));
    let mut blocks: Vec<InstanceBlock> = watches
        .filter(|watch| !watch.was_handed_over() && (watch.blocks() > 0 || watch.freed_at().is_some()))
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
                moved_bytes: watch.moved_bytes(),
            }
        })
        .collect();
    blocks.sort_by_key(|block| (block.address, block.freed_ms));
    blocks
}
