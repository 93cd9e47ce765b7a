//! Threads and tasks.

use crate::books::Reading;
use crate::estimate::{Variances, standard_error};
use crate::snapshot::{ForeignFrees, Scope, Task, Thread};
use crate::task_list;
use crate::thread_state::{OWN_NODE, ThreadState};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// Pairs of threads that a snapshot lists: 16 threads that each free all others' blocks make 240.
const FOREIGN_FREES: usize = 256;

pub(super) fn threads(readings: &[Reading], sampled: bool) -> Vec<Thread> {
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

/// Who freed whose blocks: the pairs with the most frees, sorted by thread.
pub(super) fn foreign_frees(readings: &[Reading], sampled: bool) -> Vec<ForeignFrees> {
    let mut pairs: BTreeMap<(u32, u32), (u64, u64, Variances)> = BTreeMap::new();
    let theirs = readings.iter().filter(|reading| reading.node != OWN_NODE);
    for reading in theirs.filter(|reading| reading.owner_thread != reading.thread) {
        let (blocks, bytes, variances) = pairs.entry((reading.owner_thread, reading.thread)).or_default();
        *blocks += reading.deallocations;
        *bytes += reading.deallocated_bytes;
        *variances += reading.variances;
    }
    let error = |variance| sampled.then(|| standard_error(variance));
    let mut rows: Vec<ForeignFrees> = pairs
        .into_iter()
        .filter(|(_, (blocks, _, _))| *blocks > 0)
        .map(|((allocated_by, freed_by), (deallocations, deallocated_bytes, variances))| ForeignFrees {
            allocated_by,
            freed_by,
            deallocations,
            deallocations_error: error(variances.deallocations),
            deallocated_bytes,
            deallocated_bytes_error: error(variances.deallocated_bytes),
        })
        .collect();
    rows.sort_by_key(|row| Reverse(row.deallocations)); // stable: of equal ones the lower threads are kept
    rows.truncate(FOREIGN_FREES);
    rows.sort_by_key(|row| (row.allocated_by, row.freed_by));
    rows
}

pub(super) fn task_row(
    task: task_list::Reading,
    scopes: &[Scope],
    scope_of_node: &HashMap<u32, u32>,
) -> Task {
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
