//! Variables: what was read of the registry's rows → `variables[]`.

use super::rows::{self, Kept, ReadRow, Sums};
use crate::crossing::Crossings;
use crate::mode;
use crate::snapshot::{Held, Instance, Provenance, Scope, Stages, Variable, Walk};
use crate::trackable::Sharing;
use crate::variable::RowBySize;
use crate::weight::{Sum, share};
use std::collections::HashMap;

/// The rows of `variables[]`, and the index among them of each row of the registry.
pub(super) fn variables(
    scopes: &[Scope],
    scope_of_node: &HashMap<u32, u32>,
    crossings: &Crossings,
    sampled: bool,
    of_blocks: bool,
) -> (Vec<Variable>, Vec<u32>) {
    let rows = rows::read(of_blocks);
    let count = rows.len() as u32;
    let rows = rows.into_iter().enumerate().map(|(number, mut row)| {
        let scope = scope_of_node.get(&row.node).and_then(|&index| scopes.get(index as usize));
        let scope = scope.map(|scope| scope.path.clone()).unwrap_or_default();
        let crossed = crossings.of_row(number).filter(|_| !sampled);
        let mut shared_with = std::mem::take(&mut row.shared_with);
        shared_with.retain(|&other| other < count); // it may have begun after the rows were counted
        let mut variable = variable_row(row, scope, sampled);
        if let Some((count, newest)) = crossed.filter(|_| variable.walk != Walk::NotWalked) {
            variable.ffi_crossings = Some(count);
            variable.folded_crossings = count - newest.len() as u64;
            variable.crossings = newest;
        }
        Variable { shared_with, ..variable }
    });
    in_order(rows.collect())
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

/// A row, without its crossings and without the rows that it shares blocks with.
fn variable_row(mut row: ReadRow, scope: Vec<String>, sampled: bool) -> Variable {
    let Sums { folded, heap_bytes, blocks, unused_bytes, unknown_blocks } = row.sums;
    // Without the allocator there are no blocks to find.
    let walk = row.kept.walk.filter(|_| mode::allocator_is_installed()).unwrap_or(Walk::NotWalked);
    let walked = walk != Walk::NotWalked;
    let measured = |figure: u64| walked.then_some(figure);
    let told = row.kept.told;
    let stages = folded.stages;
    let newest = std::mem::take(&mut row.kept.newest);
    let history: Vec<Instance> = newest.into_iter().map(|row| of_row(row, walked)).collect();
    let unshown = row.kept.count - history.len();
    let mut variable = Variable {
        name: row.site.name.to_owned(),
        type_name: Some(row.type_name.to_owned()),
        scope,
        file: Some(row.site.file.to_owned()),
        line: Some(row.site.line),
        instances: stages.total(),
        active_instances: row.kept.active,
        active_instances_error: None,
        stage: stages.liveliest(),
        stages,
        stages_error: None,
        fates: walked.then_some(folded.fates),
        heap_bytes: measured(heap_bytes),
        heap_bytes_error: None,
        peak_heap_bytes: row.peak_bytes.filter(|_| walked),
        blocks: measured(blocks),
        blocks_error: None,
        value_bytes: Some(row.value_bytes),
        walk,
        provenance: if walked { Provenance::Measured } else { Provenance::NotMeasured },
        threads: row.threads,
        first_ms: row.first_ms,
        last_observed_ms: row.last_observed_ms,
        history,
        folded_instances: row.unkept + unshown as u64,
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
    };
    if sampled {
        set_figures_by_size(&mut variable, &row.by_size, &row.kept);
    }
    variable
}

/// An instance of a row, which was walked or not.
fn of_row(instance: Instance, walked: bool) -> Instance {
    if walked {
        return instance;
    }
    let (heap_bytes, peak_heap_bytes, fate, unused_bytes) = (None, None, None, None);
    Instance { heap_bytes, peak_heap_bytes, seen: Vec::new(), fate, unused_bytes, ..instance }
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
fn set_figures_by_size(variable: &mut Variable, row: &RowBySize, kept: &Kept) {
    let Kept { in_scope: active, shared, .. } = *kept;
    let (mut ended, mut no_heap) = (row.ended, row.no_heap);
    ended.add_sum(kept.ended);
    no_heap.add_sum(kept.no_heap);
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
