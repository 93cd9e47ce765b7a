//! What the recorder cost and what it missed.

use serde::{Deserialize, Serialize};

/// What the recorder cost and what it missed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profiler {
    /// Whether `memscope::Allocator` is the program's global allocator.
    pub allocator_installed: bool,
    /// Memory that memscope holds: the touched pages of its own maps and counters, its own live allocations, and what
    /// sampled blocks leave of their places;
    /// `None`: the kernel would not say which pages were touched.
    pub own_bytes: Option<u64>,
    /// Standard error of `own_bytes`.
    pub own_bytes_error: Option<u64>,
    /// Allocations that memscope itself made through the inner allocator. They are in no other figure.
    pub own_allocations: u64,
    /// Standard error of `own_allocations`.
    pub own_allocations_error: Option<u64>,
    /// Frees of these.
    pub own_deallocations: u64,
    /// Standard error of `own_deallocations`.
    pub own_deallocations_error: Option<u64>,
    /// Resizes of these.
    pub own_reallocations: u64,
    /// Standard error of `own_reallocations`.
    pub own_reallocations_error: Option<u64>,
    /// Bytes of these allocations, growth included.
    pub own_allocated_bytes: u64,
    /// Standard error of `own_allocated_bytes`.
    pub own_allocated_bytes_error: Option<u64>,
    /// Bytes of these frees, shrinking included.
    pub own_deallocated_bytes: u64,
    /// Standard error of `own_deallocated_bytes`.
    pub own_deallocated_bytes_error: Option<u64>,
    /// Allocations that could not be recorded (memscope's maps could not grow). They are in no other figure.
    pub unrecorded_events: u64,
    /// Freed or resized blocks that were allocated before the recording or not recorded; `None`: not measured, for a
    /// block that is not known may as well not be in the sample.
    pub blocks_before_start: Option<u64>,
    /// Scope entries that were charged to their parent because the tree was full.
    pub folded_scopes: u64,
    /// Tasks that `tasks` does not hold: older ones that have ended, and such as found no room.
    pub folded_tasks: u64,
    /// Declared frees of an address that was not declared.
    pub unmatched_declared_deallocations: u64,
    /// Declared frees of an address that may be that of a declaration that was not kept. What lives is estimated from
    /// the declarations that were.
    pub unkept_declared_deallocations: u64,
    /// Crossings of blocks that are not followed, for too many are: such a block has no passport to show to a variable
    /// that comes to own it.
    pub unfollowed_crossings: u64,
    /// Resolution of all times; `None` where no clock was read.
    pub clock_resolution_ms: Option<u64>,
    /// How far `totals.peak_bytes` may lie from the true peak.
    pub peak_error_bound_bytes: Option<u64>,
    /// Moments at which the peak's parts were due to be read and another thread's reading took too long: a spike
    /// may have been missed by more than the bound.
    pub missed_peak_captures: u64,
    /// Parameters of the sampler; `None`: nothing was sampled.
    pub sampling: Option<Sampling>,
    /// What the background thread did; `None`: none ran, or the kernel does not say what it used.
    pub observer: Option<Observer>,
}

/// What the background thread did, which looks at the program's threads under a budget of 0.5 % of one processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observer {
    /// Looks at a thread of the program.
    pub thread_samples: u64,
    /// Processor time that the observer used for all that it does, in microseconds.
    pub cpu_us: u64,
    /// Time that it has been running.
    pub elapsed_ms: u64,
}

/// Parameters of the sampler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sampling {
    /// Mean distance between samples, as it is now.
    pub mean_bytes: u64,
    /// Samples that were drawn: allocations and growths by reallocation.
    pub samples: u64,
    /// Samples whose block is alive.
    pub live_samples: u64,
    /// Samples that were drawn and could not be kept; all totals are too low by what they stood for.
    pub lost_samples: u64,
}
