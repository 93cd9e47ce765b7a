//! The recording: which program, how long, and what the recorder cost and missed.

use super::label::{self, Term};
use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::Snapshot;
use serde::Serialize;

/// The recording panel.
#[derive(Clone, Debug, Serialize)]
pub struct Recording {
    /// File name of the executable.
    pub program: String,
    /// Process id.
    pub pid: Figure,
    /// Start of the recording.
    pub started: Figure,
    /// Its length.
    pub elapsed: Figure,
    /// Operating system.
    pub os: String,
    /// Architecture.
    pub arch: String,
    /// Page size.
    pub page: Figure,
    /// Version of memscope that recorded.
    pub memscope_version: String,
    /// How the figures came about.
    pub mode: &'static str,
    /// Whether every block went through memscope.
    pub allocator_installed: bool,
    /// Where these come from.
    pub provenance: Term,
    /// Figures of the recorder's cost, then of its losses, then of its precision.
    pub figures: Vec<Labelled>,
    /// Figures of what the recording does not list; empty where it lists everything.
    pub not_listed: Vec<Labelled>,
}

/// A figure with what it says.
#[derive(Clone, Debug, Serialize)]
pub struct Labelled {
    /// Two or three words.
    pub label: &'static str,
    /// A sentence.
    pub meaning: &'static str,
    /// The figure.
    pub figure: Figure,
}

/// The panel for `snapshot`.
pub fn recording(snapshot: &Snapshot) -> Recording {
    let program = &snapshot.program;
    Recording {
        program: visible(&program.name),
        pid: Figure::name("/program/pid", u64::from(program.pid)),
        started: Figure::utc("/program/started_unix_ms", program.started_unix_ms),
        elapsed: Figure::ms("/program/elapsed_ms", program.elapsed_ms),
        os: visible(&program.os),
        arch: visible(&program.arch),
        page: Figure::bytes("/program/page_bytes", program.page_bytes),
        memscope_version: visible(&program.memscope_version),
        mode: label::mode(snapshot.mode),
        allocator_installed: snapshot.profiler.allocator_installed,
        provenance: label::provenance_in(snapshot.mode),
        figures: figures(snapshot),
        not_listed: super::folded::folded(snapshot),
    }
}

fn figures(snapshot: &Snapshot) -> Vec<Labelled> {
    let profiler = &snapshot.profiler;
    let at = |field: &str| format!("/profiler/{field}");
    let bytes = |field: &str, value: u64, error| Figure::estimated_bytes(&at(field), value, error);
    let estimated = |field: &str, value: u64, error| Figure::estimated_count(&at(field), value, error);
    let count = |field: &str, value: u64| Figure::count(at(field), value);
    let row = |label, meaning, figure| Labelled { label, meaning, figure };
    let mut rows = vec![
        row(
            "Own memory",
            "Memory that memscope holds: its maps, counters and own live allocations.",
            Figure::estimated_bytes(&at("own_bytes"), profiler.own_bytes, profiler.own_bytes_error),
        ),
        row(
            "Own allocations",
            "Allocations that memscope itself made; they are in no other figure.",
            estimated("own_allocations", profiler.own_allocations, profiler.own_allocations_error),
        ),
        row(
            "Own frees",
            "Frees of these.",
            estimated("own_deallocations", profiler.own_deallocations, profiler.own_deallocations_error),
        ),
        row(
            "Own reallocations",
            "Resizes of these.",
            estimated("own_reallocations", profiler.own_reallocations, profiler.own_reallocations_error),
        ),
        row(
            "Own bytes allocated",
            "Bytes of its own allocations, growth included.",
            bytes("own_allocated_bytes", profiler.own_allocated_bytes, profiler.own_allocated_bytes_error),
        ),
        row(
            "Own bytes freed",
            "Bytes of its own frees, shrinking included.",
            bytes(
                "own_deallocated_bytes",
                profiler.own_deallocated_bytes,
                profiler.own_deallocated_bytes_error,
            ),
        ),
        row(
            "Unrecorded events",
            "Allocations that could not be recorded; they are in no other figure.",
            count("unrecorded_events", profiler.unrecorded_events),
        ),
        row(
            "Blocks from before",
            "Freed or resized blocks that were allocated before the recording or not recorded.",
            Figure::count(at("blocks_before_start"), profiler.blocks_before_start),
        ),
        row(
            "Folded scopes",
            "Scope entries charged to their parent because the tree was full.",
            count("folded_scopes", profiler.folded_scopes),
        ),
        row(
            "Tasks not listed",
            "Older tasks that have ended, and such as found no room in the list.",
            count("folded_tasks", profiler.folded_tasks),
        ),
        row(
            "Unmatched declared frees",
            "Declared frees of an address that was not declared.",
            count("unmatched_declared_deallocations", profiler.unmatched_declared_deallocations),
        ),
        row(
            "Declared frees not kept",
            "Declared frees of an address that may be that of a declaration that was not kept; what lives is \
             estimated from those that were.",
            count("unkept_declared_deallocations", profiler.unkept_declared_deallocations),
        ),
        row(
            "Crossings not followed",
            "Crossings of blocks that have no passport, for too many have one.",
            count("unfollowed_crossings", profiler.unfollowed_crossings),
        ),
        row(
            "Clock resolution",
            "Times are exact within this.",
            Figure::ms(at("clock_resolution_ms"), profiler.clock_resolution_ms),
        ),
        row(
            "Peak error bound",
            "How far the stated peak may lie from the true one.",
            Figure::bytes(at("peak_error_bound_bytes"), profiler.peak_error_bound_bytes),
        ),
        row(
            "Missed peaks",
            "Moments at which the peak was due to be read and could not be; a spike may be missing there.",
            count("missed_peak_captures", profiler.missed_peak_captures),
        ),
    ];
    if let Some(observer) = &profiler.observer {
        rows.extend([
            row(
                "Looks at threads",
                "How often the background thread looked at a thread of the program.",
                count("observer/thread_samples", observer.thread_samples),
            ),
            row(
                "Observer's time",
                "Processor time that the background thread used for all that it does.",
                Figure::us(at("observer/cpu_us"), observer.cpu_us),
            ),
            row(
                "Observer's length",
                "How long the background thread has been running.",
                Figure::ms(at("observer/elapsed_ms"), observer.elapsed_ms),
            ),
        ]);
    }
    if let Some(sampling) = &profiler.sampling {
        rows.extend([
            row(
                "Mean sample distance",
                "Bytes allocated from one sample to the next, on average.",
                bytes("sampling/mean_bytes", sampling.mean_bytes, None),
            ),
            row(
                "Samples drawn",
                "Allocations and growths by reallocation that the estimates rest on.",
                count("sampling/samples", sampling.samples),
            ),
            row(
                "Samples alive",
                "Of these, samples whose block is alive.",
                count("sampling/live_samples", sampling.live_samples),
            ),
            row(
                "Samples lost",
                "Drawn and not kept; all totals are too low by what they stood for.",
                count("sampling/lost_samples", sampling.lost_samples),
            ),
        ]);
    }
    rows
}
