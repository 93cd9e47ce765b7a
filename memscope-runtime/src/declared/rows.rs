//! Declarations → rows of a snapshot.

use super::{Declared, HISTORY_LEN, InNode, Site, Tally, sort, unix_ns};
use crate::snapshot::{
    Instance, InstanceBlock, Mode, Provenance, Snapshot, Stage, Stages, Thread, TimelinePoint, Variable,
    Walk, error_of_sum,
};
use crate::weight::{self, Sum};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a ledger holds at one moment. Rows are made of it without the lock.
pub(super) struct Copied {
    pub(super) list: Vec<Declared>,
    pub(super) sites: Vec<(Site, BTreeMap<u32, InNode>)>,
    pub(super) by_thread: HashMap<u32, Tally>,
    pub(super) threads: Vec<(u32, Option<String>)>,
    pub(super) peak_bytes: Sum,
    pub(super) unmatched: u64,
    pub(super) unkept_freed: u64,
}

impl Copied {
    /// Adds it to a snapshot; `path_of` names a scope node.
    pub(super) fn add_to(
        self,
        snapshot: &mut Snapshot,
        started_ns: u64,
        path_of: impl Fn(u32) -> Vec<String>,
    ) {
        let Copied { mut list, sites, by_thread, threads, peak_bytes, unmatched, unkept_freed } = self;
        sort(&mut list);
        snapshot.profiler.unmatched_declared_deallocations += unmatched;
        snapshot.profiler.unkept_declared_deallocations += unkept_freed;
        if snapshot.mode == Mode::Off {
            snapshot.mode = Mode::Declared;
            snapshot.program.started_unix_ms = started_ns / 1_000_000;
            snapshot.program.elapsed_ms = unix_ns().saturating_sub(started_ns) / 1_000_000;
        }
        let started_ns = snapshot.program.started_unix_ms * 1_000_000;
        let ms = |ns: u64| ns.saturating_sub(started_ns) / 1_000_000;
        let mut rows: BTreeMap<RowKey, Row<'_>> = BTreeMap::new();
        for (site, by_node) in sites {
            for (node, in_node) in by_node {
                rows.entry(row_key(path_of(node), &site)).or_default().parts.push(in_node);
            }
        }
        for declared in &list {
            let site = Site {
                place: declared.place.clone(),
                name: declared.name.clone(),
                type_name: declared.type_name.clone(),
            };
            rows.entry(row_key(path_of(declared.node), &site)).or_default().kept.push(declared);
        }
        let rows: Vec<(Tally, Variable)> = rows.into_iter().map(|(key, row)| row.variable(key, ms)).collect();
        if snapshot.mode == Mode::Declared {
            add_totals(snapshot, &rows, peak_bytes);
            snapshot.timeline = declared_timeline(&list, ms);
            add_threads(&mut snapshot.threads, by_thread, &threads, &list);
        }
        snapshot.variables.extend(rows.into_iter().map(|(_, variable)| variable));
    }
}

/// Scope path, name, file, line and type.
type RowKey = (Vec<String>, Option<String>, Option<(Cow<'static, str>, u32)>, Option<String>);

fn row_key(scope: Vec<String>, site: &Site) -> RowKey {
    let place = site.place.as_ref().map(|place| (place.file.clone(), place.line));
    (scope, site.name.clone(), place, site.type_name.clone())
}

/// A row of `variables`, while it is put together. Scope nodes of the same names share one.
#[derive(Default)]
struct Row<'a> {
    parts: Vec<InNode>,
    /// Those that are kept, by time.
    kept: Vec<&'a Declared>,
}

impl Row<'_> {
    fn variable(self, key: RowKey, ms: impl Fn(u64) -> u64) -> (Tally, Variable) {
        let (scope, name, place, type_name) = key;
        let mut tally = Tally::default();
        let mut threads = BTreeSet::new();
        for part in &self.parts {
            tally.add_tally(&part.tally);
            threads.extend(&part.threads);
        }
        self.kept.iter().for_each(|declared| tally.add(declared));
        let live = tally.live();
        let error = tally.error(live);
        let of_both = |active, deallocated| Stages { active, deallocated, ..Stages::default() };
        let stages = of_both(live.value, tally.count - live.value);
        let history: Vec<Instance> = self.kept[self.kept.len().saturating_sub(HISTORY_LEN)..]
            .iter()
            .map(|declared| instance(declared, &ms))
            .collect();
        let is_measured = self.kept.iter().all(|declared| declared.provenance == Provenance::Measured);
        let variable = Variable {
            name: name.unwrap_or_else(|| "(unnamed)".to_owned()),
            type_name,
            scope,
            line: place.as_ref().map(|&(_, line)| line),
            file: place.map(|(file, _)| file.into_owned()),
            instances: tally.count,
            active_instances: live.value,
            active_instances_error: error,
            stage: stages.liveliest(),
            stages,
            stages_error: error.map(|error| of_both(error, error)),
            heap_bytes: Some(tally.live_bytes.value),
            heap_bytes_error: tally.error(tally.live_bytes),
            peak_heap_bytes: None,
            blocks: Some(live.value), // a declaration is of one block
            blocks_error: error,
            value_bytes: None,
            walk: Walk::Declared,
            provenance: match (tally.is_sampled, is_measured) {
                (true, _) => Provenance::Sampled,
                (false, true) => Provenance::Measured,
                (false, false) => Provenance::Declared,
            },
            threads: threads.into_iter().collect(),
            first_ms: ms(self.parts.iter().map(|part| part.first_ns).min().unwrap_or(0)),
            last_observed_ms: ms(self.parts.iter().map(|part| part.last_ns).max().unwrap_or(0)),
            fates: None,
            folded_instances: tally.count - history.len() as u64,
            history,
            grown_bytes: None,
            moved_bytes: None,
            unused_bytes: None,
            strong_owners: None,
            weak_owners: None,
            held: None,
            borrow_count: None,
            shared_with: Vec::new(),
            unknown_blocks: None,
            blocks_owned_twice: None,
            ffi_crossings: None,
            crossings: Vec::new(),
            folded_crossings: 0,
            category: None,
        };
        (tally, variable)
    }
}

fn instance(declared: &Declared, ms: impl Fn(u64) -> u64) -> Instance {
    let lives = declared.ended_ns.is_none();
    let declared_ms = ms(declared.declared_ns);
    Instance {
        weight: declared.weight,
        thread: declared.thread,
        stage: if lives { Stage::Active } else { Stage::Deallocated },
        bound_ms: declared_ms,
        observed_ms: declared_ms,
        observations: 1,
        ended_ms: declared.ended_ns.map(&ms),
        heap_bytes: Some(if lives { declared.bytes as u64 } else { 0 }),
        // Of a block that was resized the size now is all that is known.
        peak_heap_bytes: (declared.reallocations == 0).then_some(declared.bytes as u64),
        seen: Vec::new(),
        fate: None, // a declaration has no scope that ends
        unused_bytes: None,
        blocks: vec![InstanceBlock {
            address: declared.address as u64,
            bytes: declared.bytes as u64,
            allocated_ms: None,
            freed_ms: declared.ended_ns.map(&ms),
            freed_by: declared.freed_by,
            reallocations: declared.reallocations,
            grown_bytes: declared.grown_bytes,
            moved_bytes: 0,
            resized_ms: None,
            moved_ms: None,
        }],
        folded_blocks: 0,
    }
}

/// Adds the sums of all rows to the totals. Their errors are those of independent lots.
fn add_totals(snapshot: &mut Snapshot, rows: &[(Tally, Variable)], peak_bytes: Sum) {
    let mut all = Tally::default();
    let mut live = Sum::default();
    for (tally, _) in rows {
        all.add_tally(tally);
        live.add_sum(tally.live());
    }
    let allocated = all.allocated_bytes();
    let totals = &mut snapshot.totals;
    let add = |total: &mut u64, error: &mut Option<u64>, sum: Sum| {
        *total = total.saturating_add(sum.value);
        *error = error_of_sum(*error, all.error(sum));
    };
    totals.allocations += all.count;
    totals.deallocations += all.count - live.value;
    totals.deallocations_error = error_of_sum(totals.deallocations_error, all.error(live));
    add(&mut totals.live_allocations, &mut totals.live_allocations_error, live);
    add(&mut totals.allocated_bytes, &mut totals.allocated_bytes_error, allocated);
    add(&mut totals.deallocated_bytes, &mut totals.deallocated_bytes_error, all.ended_bytes);
    add(&mut totals.live_bytes, &mut totals.live_bytes_error, all.live_bytes);
    add(&mut totals.peak_bytes, &mut totals.peak_bytes_error, peak_bytes);
}

/// Declared live bytes after each declaration and each free that is kept.
fn declared_timeline(list: &[Declared], ms: impl Fn(u64) -> u64) -> Vec<TimelinePoint> {
    let is_sampled = list.iter().any(|declared| declared.weight > 1);
    let mut steps: BTreeMap<u64, (i128, f64)> = BTreeMap::new();
    for declared in list {
        let mut booked = Sum::default();
        booked.add(declared.bytes as u64, declared.weight);
        let start = steps.entry(ms(declared.declared_ns)).or_default();
        start.0 += i128::from(booked.value);
        start.1 += booked.variance;
        if let Some(ended_ns) = declared.ended_ns {
            let end = steps.entry(ms(ended_ns)).or_default();
            end.0 -= i128::from(booked.value);
            end.1 -= booked.variance;
        }
    }
    let (mut live, mut variance) = (0, 0.0);
    steps
        .into_iter()
        .map(|(ms, step)| {
            live += step.0;
            variance += step.1;
            TimelinePoint {
                ms,
                live_bytes: u64::try_from(live.max(0)).unwrap_or(u64::MAX),
                live_bytes_error: is_sampled.then(|| weight::standard_error(variance)),
                resident_bytes: None,
            }
        })
        .collect()
}

fn add_threads(
    threads: &mut Vec<Thread>,
    mut tallies: HashMap<u32, Tally>,
    declaring: &[(u32, Option<String>)],
    list: &[Declared],
) {
    for declared in list {
        tallies.entry(declared.thread).or_default().add(declared);
    }
    for (id, name) in declaring {
        let tally = tallies.get(id).copied().unwrap_or_default();
        let live = tally.live();
        let allocated = tally.allocated_bytes();
        let position = threads.iter().position(|thread| thread.id == *id).unwrap_or_else(|| {
            threads.push(Thread::idle(*id, 1, name.clone(), false));
            threads.len() - 1
        });
        let row = &mut threads[position];
        row.allocations += tally.count;
        row.deallocations += tally.count - live.value;
        row.deallocations_error = error_of_sum(row.deallocations_error, tally.error(live));
        row.allocated_bytes = row.allocated_bytes.saturating_add(allocated.value);
        row.allocated_bytes_error = error_of_sum(row.allocated_bytes_error, tally.error(allocated));
        row.live_allocations += live.value;
        row.live_allocations_error = error_of_sum(row.live_allocations_error, tally.error(live));
        row.live_bytes = row.live_bytes.saturating_add(tally.live_bytes.value);
        row.live_bytes_error = error_of_sum(row.live_bytes_error, tally.error(tally.live_bytes));
    }
    threads.sort_by_key(|thread| thread.id);
}
