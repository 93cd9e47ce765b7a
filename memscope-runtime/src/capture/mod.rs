//! The recorder's state → [`Snapshot`].
//!
//! Everything here runs under the caller's own account and after the books were read, so building a snapshot is
//! not part of what it says.

mod blocks;
mod category;
mod fragmentation;
mod live_blocks;
mod mappings;
mod memory_map;
mod ranges;
mod rows;
mod scope_threads;
mod scopes;
mod sites;
mod threads;
mod unowned;
mod variables;

use self::scopes::Charged;
use crate::books::{self, Reading};
use crate::ended::Sums;
use crate::estimate::standard_error;
use crate::mode::Decided;
use crate::snapshot::{
    Blocks, Fragmentation, MemoryMap, Mode, Profiler, Program, Snapshot, TimelinePoint, Totals,
};
use crate::thread_state::{self, OWN_NODE};
use crate::{Depth, clock, crossing, mode, observer, pages, peak, resident, scope, task_list};
use std::collections::HashMap;
use std::sync::atomic::Ordering;

#[cfg(not(feature = "sampling"))]
use self::not_sampled as sampling;
#[cfg(feature = "sampling")]
use crate::sampled as sampling;
#[cfg(feature = "sampling")]
pub(crate) use blocks::LARGEST_BLOCKS;
pub use live_blocks::LiveBlocks;

/// A snapshot of what was recorded, and where its scope nodes are in it.
pub(crate) struct Capture {
    pub(crate) snapshot: Snapshot,
    /// Index into `snapshot.scopes` by node.
    pub(crate) scope_of_node: HashMap<u32, u32>,
    /// Index into `snapshot.variables` by row number.
    pub(crate) row_order: Vec<u32>,
}

/// The moment and the sums over the process, as [`capture`] would have them. Call it under [`thread_state::own_work`].
pub(crate) fn totals() -> (u64, Totals) {
    let now_ms = clock::refresh();
    let readings = books::read();
    let sampled = mode::decided() == Decided::Sampling;
    let totals = scopes::totals(readings.as_slice(), sampled);
    let (peak_bytes, variance) =
        scopes::by_node(&scopes::live_at_peak(readings.as_slice(), totals.live_bytes))
            .values()
            .fold((0, 0.0), |(bytes, sum), &(part, variance)| (bytes + part, sum + variance));
    let peak_bytes_error = sampled.then(|| standard_error(variance));
    (now_ms, Totals { peak_bytes, peak_bytes_error, ..totals })
}

/// Reads everything, as deep as it is asked for. Call it under [`thread_state::own_work`].
pub(crate) fn capture(depth: Depth) -> Capture {
    let (of_blocks, of_variables) = (depth == Depth::Whole, depth >= Depth::Variables);
    let now_ms = clock::refresh();
    let ended = of_blocks.then(Sums::read); // before the books
    let readings = books::read();
    let readings = readings.as_slice();
    let (tasks, folded_tasks) = task_list::read(); // before the tree, so that their nodes are in it
    let nodes = scope::nodes();
    let sampled = mode::decided() == Decided::Sampling;
    let totals = scopes::totals(readings, sampled);
    let live_at_peak = scopes::live_at_peak(readings, totals.live_bytes);
    let (mut scopes, scope_of_node) =
        scopes::scopes(&nodes, readings, &scopes::by_node(&live_at_peak), sampled);
    let scope_threads = scope_threads::scope_threads(readings, &live_at_peak, &scope_of_node, sampled);
    let trend_ms = match depth {
        Depth::Books => Vec::new(),
        Depth::Variables | Depth::Instances | Depth::Whole => {
            scopes::add_what_was_observed(&mut scopes, &scope_of_node, &nodes, now_ms)
        }
    };
    let at_peak = scopes.first().map(|root| root.inclusive);
    let totals = Totals {
        peak_bytes: at_peak.and_then(|memory| memory.live_at_peak_bytes).unwrap_or(totals.live_bytes),
        peak_bytes_error: at_peak.and_then(|memory| memory.live_at_peak_bytes_error),
        ..totals
    };
    let resident_bytes = resident::bytes();
    let mut timeline = observer::timeline();
    if timeline.last().is_none_or(|last| last.ms < now_ms) {
        timeline.push(TimelinePoint {
            ms: now_ms,
            live_bytes: totals.live_bytes,
            live_bytes_error: totals.live_bytes_error,
            resident_bytes,
        });
    }
    let crossings = crossing::crossings();
    let (variables, row_order) = match depth {
        Depth::Books => (Vec::new(), Vec::new()),
        Depth::Variables | Depth::Instances | Depth::Whole => {
            let of_blocks = depth >= Depth::Instances;
            variables::variables(&scopes, &scope_of_node, &crossings, sampled, of_blocks)
        }
    };
    let types = crate::snapshot::types(&variables);
    let installed = mode::allocator_is_installed();
    // Before the walk, of which the rows are in glibc's account too.
    let of_heap = if of_blocks { fragmentation::of_heap(sampled) } else { Fragmentation::default() };
    let fragmentation = Fragmentation { resident_bytes, ..of_heap };
    let (blocks, memory_map, (sizes, lifetimes)) = if !of_blocks {
        (Blocks::default(), MemoryMap::default(), Default::default())
    } else if sampled {
        (sampling::blocks(&scope_of_node, &totals), MemoryMap::default(), sampling::ranges(now_ms))
    } else {
        let walked = blocks::walk(&scope_of_node, &row_order, now_ms);
        if installed {
            unowned::set_unowned(&mut scopes, &nodes, &scope_of_node, &walked.unowned_bytes);
        }
        let ended = ended.filter(|_| installed);
        let ranges = ended.map(|ended| walked.ranges.end(&ended, &totals)).unwrap_or_default();
        (walked.blocks, walked.memory_map, ranges)
    };
    let mut snapshot = Snapshot {
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
        scope_threads,
        variables,
        threads: threads::threads(readings, sampled),
        foreign_frees: threads::foreign_frees(readings, sampled),
        tasks: tasks.into_iter().map(|task| threads::task_row(task, &scopes, &scope_of_node)).collect(),
        types,
        timeline,
        trend_ms,
        sizes,
        lifetimes,
        findings: Vec::new(),
        blocks,
        memory_map,
        fragmentation,
        sites: if of_blocks { sites::sites(&nodes, readings) } else { Vec::new() },
        folded: crate::snapshot::Folded::default(),
        profiler: Profiler {
            unfollowed_crossings: crossings.unfollowed,
            folded_tasks,
            sampling: sampled.then(|| sampling::parameters(readings)),
            ..profiler(readings, sampled, installed, totals.peak_bytes, of_variables)
        },
        handed_out: crossings.handed_out(|node| {
            let scope = scope_of_node.get(&node).and_then(|&index| scopes.get(index as usize));
            scope.map(|scope| scope.path.clone()).unwrap_or_default()
        }),
        scopes,
    };
    scopes::categorise_variables(&mut snapshot);
    Capture { snapshot, scope_of_node, row_order }
}

/// `of_pages`: what memscope's pages hold is asked of the kernel, which goes through all address space that they have.
fn profiler(
    readings: &[Reading],
    sampled: bool,
    allocator_installed: bool,
    peak_bytes: u64,
    of_pages: bool,
) -> Profiler {
    let mut own = Charged::default();
    for reading in readings.iter().filter(|reading| reading.node == OWN_NODE) {
        own.add_reading(reading);
    }
    let own = own.whole(sampled);
    Profiler {
        allocator_installed,
        own_bytes: of_pages
            .then(pages::resident_bytes)
            .flatten()
            .map(|pages| pages + own.live_bytes + sampling::place_bytes()),
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
        observer: observer::effort(),
    }
}

/// Without the feature there is no sampler to ask; nobody does.
#[cfg(not(feature = "sampling"))]
mod not_sampled {
    use crate::books::Reading;
    use crate::snapshot::{Blocks, Lifetimes, Sampling, SizeRange, Totals};
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

    pub(super) fn ranges(_: u64) -> (Vec<SizeRange>, Vec<Lifetimes>) {
        (Vec::new(), Vec::new())
    }

    pub(super) fn parameters(_: &[Reading]) -> Sampling {
        Sampling { mean_bytes: 0, samples: 0, live_samples: 0, lost_samples: 0 }
    }
}
