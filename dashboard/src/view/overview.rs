//! The overview panel: the whole process in a dozen figures.

use super::fragmentation::{Fragmentation, fragmentation};
use super::label::{self, Term};
use super::timeline::{self, Timeline};
use crate::figure::Figure;
use memscope_runtime::snapshot::{Mode, Provenance, Snapshot, Stage};
use serde::Serialize;

/// The overview panel.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// Where the totals come from: measured, sampled, declared or not measured.
    pub provenance: Term,
    /// What each provenance that the recording may have means.
    pub provenances: Vec<Term>,
    /// Bytes alive at export.
    pub live: Figure,
    /// The most bytes alive at once.
    pub peak: Figure,
    /// Bytes allocated over the recording.
    pub allocated: Figure,
    /// Bytes freed over the recording.
    pub deallocated: Figure,
    /// Blocks allocated.
    pub allocations: Figure,
    /// Blocks freed.
    pub deallocations: Figure,
    /// Blocks resized.
    pub reallocations: Figure,
    /// Blocks alive at export.
    pub live_allocations: Figure,
    /// Live bytes as a share of the peak.
    pub efficiency: Figure,
    /// Allocations per second of the recording.
    pub allocation_rate: Figure,
    /// Bytes allocated per second of the recording.
    pub allocated_bytes_rate: Figure,
    /// Live bytes at export per second of the recording, which began with none.
    pub growth_rate: Figure,
    /// Bytes freed per second of the recording: what came and went.
    pub churn_rate: Figure,
    /// What is lost inside and between blocks.
    pub fragmentation: Fragmentation,
    /// Executions of variables whose binding ended while their blocks live.
    pub outlived: Figure,
    /// Bytes of the variables whose liveliest stage is that.
    pub outlived_bytes: Figure,
    /// Scopes that were found to grow.
    pub growing: Figure,
    /// Live bytes over time.
    pub timeline: Option<Timeline>,
    /// How far the stated peak may lie from the true one.
    pub peak_bound: Figure,
    /// Memory that memscope holds itself.
    pub own: Figure,
    /// Processor time that its background thread used.
    pub observer: Figure,
    /// Events that it lost.
    pub unrecorded: Figure,
    /// The host's page size.
    pub page: Figure,
}

/// The overview of `snapshot`.
pub fn overview(snapshot: &Snapshot) -> Overview {
    Overview { timeline: timeline::timeline(snapshot), ..fed(snapshot) }
}

/// The same without the points of the timeline.
pub fn fed(snapshot: &Snapshot) -> Overview {
    let (totals, profiler) = (&snapshot.totals, &snapshot.profiler);
    let elapsed_ms = snapshot.program.elapsed_ms;
    // Nothing was recorded: the document's zeros are no measurement.
    let recorded = |figure: Figure| if snapshot.mode == Mode::Off { Figure::not_measured() } else { figure };
    let count = |field: &str, value: u64, error| {
        recorded(Figure::estimated_count(&format!("/totals/{field}"), value, error))
    };
    let bytes = |field: &str, value: u64, error| {
        recorded(Figure::estimated_bytes(&format!("/totals/{field}"), value, error))
    };
    let elapsed = "/program/elapsed_ms";
    let allocation_rate = |from: &str, count| Figure::per_second(from, count, elapsed, elapsed_ms);
    let bytes_rate = |field: &str, bytes, error: Option<u64>| {
        let rate = |from: &str, bytes| Figure::bytes_per_second(from, bytes, elapsed, elapsed_ms);
        let error = error.map(|error| rate(&format!("/totals/{field}_error"), error));
        recorded(rate(&format!("/totals/{field}"), bytes).with_error(error))
    };
    // Where blocks are sampled, nobody follows those of a binding that has ended.
    let followed = |figure: Figure| {
        if snapshot.mode == Mode::Sampling { Figure::not_measured() } else { recorded(figure) }
    };
    let is_outlived = |stage| stage == Stage::Allocated;
    let outlived_rows = || snapshot.variables.iter().filter(|row| is_outlived(row.stage));
    let outlived_bytes = if outlived_rows().count() > 0 && outlived_rows().all(|row| row.heap_bytes.is_none())
    {
        None
    } else {
        Some(outlived_rows().filter_map(|row| row.heap_bytes).fold(0, u64::saturating_add))
    };
    Overview {
        provenance: label::provenance_in(snapshot.mode),
        provenances: label::PROVENANCES
            .into_iter()
            // An exact recording bears no trace of sampling.
            .filter(|&provenance| provenance != Provenance::Sampled || snapshot.mode == Mode::Sampling)
            .map(label::provenance)
            .collect(),
        live: bytes("live_bytes", totals.live_bytes, totals.live_bytes_error),
        peak: bytes("peak_bytes", totals.peak_bytes, totals.peak_bytes_error),
        allocated: bytes("allocated_bytes", totals.allocated_bytes, totals.allocated_bytes_error),
        deallocated: bytes("deallocated_bytes", totals.deallocated_bytes, totals.deallocated_bytes_error),
        allocations: count("allocations", totals.allocations, totals.allocations_error),
        deallocations: count("deallocations", totals.deallocations, totals.deallocations_error),
        reallocations: count("reallocations", totals.reallocations, totals.reallocations_error),
        live_allocations: count("live_allocations", totals.live_allocations, totals.live_allocations_error),
        efficiency: recorded(Figure::share(
            "/totals/live_bytes",
            totals.live_bytes,
            "/totals/peak_bytes",
            totals.peak_bytes,
        )),
        allocation_rate: recorded(allocation_rate("/totals/allocations", totals.allocations).with_error(
            totals.allocations_error.map(|error| allocation_rate("/totals/allocations_error", error)),
        )),
        allocated_bytes_rate: bytes_rate(
            "allocated_bytes",
            totals.allocated_bytes,
            totals.allocated_bytes_error,
        ),
        growth_rate: bytes_rate("live_bytes", totals.live_bytes, totals.live_bytes_error),
        churn_rate: bytes_rate("deallocated_bytes", totals.deallocated_bytes, totals.deallocated_bytes_error),
        fragmentation: fragmentation(snapshot),
        outlived: followed(Figure::count(
            "sum(/variables/*/stages/allocated)",
            snapshot.variables.iter().map(|row| row.stages.allocated).fold(0, u64::saturating_add),
        )),
        outlived_bytes: followed(Figure::bytes(
            "sum(/variables/*/heap_bytes, stage = \"allocated\")",
            outlived_bytes,
        )),
        growing: growing(snapshot),
        timeline: timeline::curve(snapshot),
        peak_bound: recorded(Figure::bytes(
            "/profiler/peak_error_bound_bytes",
            profiler.peak_error_bound_bytes,
        )),
        own: Figure::estimated_bytes("/profiler/own_bytes", profiler.own_bytes, profiler.own_bytes_error),
        observer: match &profiler.observer {
            Some(observer) => Figure::us("/profiler/observer/cpu_us", observer.cpu_us),
            None => Figure::not_measured(),
        },
        unrecorded: recorded(Figure::count("/profiler/unrecorded_events", profiler.unrecorded_events)),
        page: Figure::bytes("/program/page_bytes", snapshot.program.page_bytes),
    }
}

/// How many scopes were found to grow: the findings of that kind. Not measured where there is no trend to find it by.
fn growing(snapshot: &Snapshot) -> Figure {
    if snapshot.trend_ms.is_empty() {
        return Figure::not_measured();
    }
    let count = snapshot.findings.iter().filter(|finding| finding.kind == "growing").count() as u64;
    let mut figure = Figure::count("len(/findings/*, kind = \"growing\")", count);
    if count == 0 {
        // A recording may be too short for the rule to judge it.
        figure.text = "none found".into();
    }
    figure
}
