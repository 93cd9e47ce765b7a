//! The recorder's state → [`Snapshot`].
//!
//! Everything here runs under the caller's own account and after the books were read, so building a snapshot is
//! not part of what it says.

use crate::account::Account;
use crate::books::{self, Reading};
use crate::live_map;
use crate::scope::{self, Node};
use crate::site::Site;
use crate::snapshot::{
    Block, Blocks, Instance, InstanceBlock, Mode, Profiler, Program, Provenance, Scope, ScopeMemory,
    SiteKind, SiteRow, Snapshot, Thread, TimelinePoint, Totals, Variable, Walk,
};
use crate::thread_state::{self, OWN_NODE, ROOT_NODE, ThreadState};
use crate::variable::{self, HISTORY_LEN};
use crate::watch::Watch;
use crate::{clock, mode, observer, pages, peak};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::atomic::Ordering;

/// Blocks that a snapshot lists one by one.
const LARGEST_BLOCKS: usize = 2_000;

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
    let nodes = scope::nodes();
    let totals = totals(readings);
    let (scopes, scope_of_node) = scopes(&nodes, readings, &live_at_peak(readings, totals.live_bytes));
    let peak_bytes = scopes.first().and_then(|root| root.inclusive.live_at_peak_bytes);
    let totals = Totals { peak_bytes: peak_bytes.unwrap_or(totals.live_bytes), ..totals };
    let mut timeline = observer::timeline();
    if timeline.last().is_none_or(|last| last.ms < now_ms) {
        timeline.push(TimelinePoint {
            ms: now_ms,
            live_bytes: totals.live_bytes,
            live_bytes_error: totals.live_bytes_error,
        });
    }
    let (variables, row_order) = variables(&scopes, &scope_of_node);
    let types = crate::snapshot::types(&variables);
    let blocks = blocks(&scope_of_node, &row_order);
    let installed = mode::allocator_is_installed();
    let snapshot = Snapshot {
        mode: if installed { Mode::Live } else { Mode::Declared },
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
        threads: threads(readings),
        types,
        timeline,
        lifetimes: Vec::new(),
        findings: Vec::new(),
        blocks,
        sites: sites(&nodes, readings),
        profiler: profiler(readings, installed, totals.peak_bytes),
        scopes,
    };
    Capture { snapshot, scope_of_node }
}

fn totals(readings: &[Reading]) -> Totals {
    let mut totals = Totals::default();
    for reading in readings.iter().filter(|reading| reading.node != OWN_NODE) {
        totals.allocations += reading.allocations;
        totals.deallocations += reading.deallocations;
        totals.reallocations += reading.reallocations;
        totals.allocated_bytes += reading.allocated_bytes;
        totals.deallocated_bytes += reading.deallocated_bytes;
    }
    totals.live_allocations = totals.allocations.saturating_sub(totals.deallocations);
    totals.live_bytes = totals.allocated_bytes.saturating_sub(totals.deallocated_bytes);
    totals
}

/// Bytes that were live at the peak, by node; now is the peak if more is live than at the best capture.
fn live_at_peak(readings: &[Reading], live_bytes: u64) -> HashMap<u32, u64> {
    let captured = peak::at_peak();
    let captured = captured.as_slice().iter().copied();
    let mut parts: HashMap<u32, i64> = HashMap::new();
    if captured.clone().map(|(_, bytes)| bytes).sum::<i64>() > live_bytes as i64 {
        captured.for_each(|(node, bytes)| *parts.entry(node).or_default() += bytes);
    } else {
        for reading in readings.iter().filter(|reading| reading.node != OWN_NODE) {
            let live = reading.allocated_bytes as i64 - reading.deallocated_bytes as i64;
            *parts.entry(reading.node).or_default() += live;
        }
    }
    parts.into_iter().map(|(node, bytes)| (node, u64::try_from(bytes).unwrap_or(0))).collect()
}

fn scopes(
    nodes: &[Node],
    readings: &[Reading],
    live_at_peak: &HashMap<u32, u64>,
) -> (Vec<Scope>, HashMap<u32, u32>) {
    let count = nodes.len().max(OWN_NODE as usize + 1);
    let mut exclusive = vec![ScopeMemory::default(); count];
    let mut calls = vec![(0, 0); count];
    // A node may be younger than the copy of the tree; its figures wait for the next snapshot.
    for reading in readings.iter().filter(|reading| (reading.node as usize) < count) {
        let node = reading.node as usize;
        exclusive[node].add(&ScopeMemory {
            allocations: reading.allocations,
            deallocations: reading.deallocations,
            reallocations: reading.reallocations,
            allocated_bytes: reading.allocated_bytes,
            deallocated_bytes: reading.deallocated_bytes,
            ..ScopeMemory::default()
        });
        calls[node].0 += reading.calls;
        calls[node].1 += reading.recursive_calls;
    }
    for (node, memory) in exclusive.iter_mut().enumerate() {
        memory.live_at_peak_bytes = Some(live_at_peak.get(&(node as u32)).copied().unwrap_or(0));
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
                exclusive: exclusive[node as usize].with_live(),
                inclusive: inclusive[node as usize].with_live(),
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

impl ScopeMemory {
    fn add(&mut self, other: &ScopeMemory) {
        self.allocations += other.allocations;
        self.deallocations += other.deallocations;
        self.reallocations += other.reallocations;
        self.allocated_bytes += other.allocated_bytes;
        self.deallocated_bytes += other.deallocated_bytes;
        self.live_at_peak_bytes =
            self.live_at_peak_bytes.zip(other.live_at_peak_bytes).map(|(mine, theirs)| mine + theirs);
    }

    fn with_live(self) -> ScopeMemory {
        // By the books' order of reading neither is negative; were it so, a program's snapshot must not panic.
        ScopeMemory {
            live_allocations: self.allocations.saturating_sub(self.deallocations),
            live_bytes: self.allocated_bytes.saturating_sub(self.deallocated_bytes),
            ..self
        }
    }
}

/// The rows of `variables[]`, and the index among them of each row of the registry.
fn variables(scopes: &[Scope], scope_of_node: &HashMap<u32, u32>) -> (Vec<Variable>, HashMap<u64, u32>) {
    variable::with_registry(|registry| {
        let empty = HashMap::new();
        let instances = registry.instances.as_ref().unwrap_or(&empty);
        let mut rows: Vec<(Variable, &[u64])> = registry
            .rows
            .iter()
            .map(|row| {
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
                let variable = Variable {
                    name: row.site.name.to_owned(),
                    type_name: Some(row.type_name.to_owned()),
                    scope: scope.map(|scope| scope.path.clone()).unwrap_or_default(),
                    file: Some(row.site.file.to_owned()),
                    line: Some(row.site.line),
                    instances: stages.total(),
                    active_instances: alive().filter(|instance| instance.ended_ms.is_none()).count() as u64,
                    stage: stages.liveliest(),
                    stages,
                    heap_bytes: sum(variable::Instance::live_bytes),
                    heap_bytes_error: None,
                    peak_heap_bytes: row.bytes.filter(|_| walked).map(|bytes| bytes.peak()),
                    blocks: sum(variable::Instance::live_blocks),
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
                    ffi_crossings: None,
                    category: None,
                };
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
    Instance {
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

fn threads(readings: &[Reading]) -> Vec<Thread> {
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
    threads.into_values().collect()
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
                SiteKind::Function | SiteKind::AsyncFunction => {
                    if site.id() == 0 {
                        0
                    } else {
                        calls.get(&site.id()).copied().unwrap_or(0)
                    }
                }
            },
        })
        .collect();
    rows.sort_by(|a, b| (&a.file, a.line, a.column, &a.key).cmp(&(&b.file, b.line, b.column, &b.key)));
    rows
}

fn profiler(readings: &[Reading], allocator_installed: bool, peak_bytes: u64) -> Profiler {
    let mut own = Totals::default();
    for reading in readings.iter().filter(|reading| reading.node == OWN_NODE) {
        own.allocations += reading.allocations;
        own.deallocations += reading.deallocations;
        own.reallocations += reading.reallocations;
        own.allocated_bytes += reading.allocated_bytes;
        own.deallocated_bytes += reading.deallocated_bytes;
    }
    Profiler {
        allocator_installed,
        own_bytes: pages::resident_bytes()
            .map(|pages| pages + own.allocated_bytes.saturating_sub(own.deallocated_bytes)),
        own_allocations: own.allocations,
        own_deallocations: own.deallocations,
        own_reallocations: own.reallocations,
        own_allocated_bytes: own.allocated_bytes,
        own_deallocated_bytes: own.deallocated_bytes,
        unrecorded_events: thread_state::UNRECORDED.load(Ordering::Relaxed),
        blocks_before_start: thread_state::UNKNOWN_BLOCKS.load(Ordering::Relaxed),
        folded_scopes: scope::folded(),
        unmatched_declared_deallocations: 0,
        clock_resolution_ms: Some(clock::resolution_ms()),
        missed_peak_captures: peak::missed(),
        peak_error_bound_bytes: allocator_installed.then(|| {
            u64::from(thread_state::most_running()) * peak::THREAD_ERROR_BYTES
                + peak_bytes / peak::ERROR_SHARE
        }),
        sampling: None,
    }
}
