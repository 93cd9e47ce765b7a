//! What threads and tasks were seen to do in a scope, by the observer's samples.

use crate::figure::Figure;
use memscope_runtime::snapshot::Activity as Row;
use serde::Serialize;

/// A figure with its name.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// A few words.
    pub label: &'static str,
    /// The figure.
    pub figure: Figure,
}

/// The figures of `row`, which stands at `at` in the document: samples, where their time went, what the kernel counted, and
/// tasks where some were looked at.
pub fn activity(row: &Row, at: &str) -> Vec<Seen> {
    let us = |label, field: &str, value: Option<u64>| Seen {
        label,
        figure: Figure::us(format!("{at}/{field}"), value),
    };
    let count = |label, field: &str, value: Option<u64>| Seen {
        label,
        figure: Figure::count(format!("{at}/{field}"), value),
    };
    let bytes = |label, field: &str, value: Option<u64>| Seen {
        label,
        figure: Figure::bytes(format!("{at}/{field}"), value),
    };
    let mut rows = vec![
        count("Looks that found a thread here", "thread_samples", Some(row.thread_samples)),
        us("Time they stand for", "wall_us", Some(row.wall_us)),
        us("The same with all scopes below", "inclusive_wall_us", Some(row.inclusive_wall_us)),
        us("Of the time, running or ready", "running_us", row.running_us),
        us("Of the time, waiting for input or output", "io_wait_us", row.io_wait_us),
        us("Of the time, waiting for anything else", "other_wait_us", row.other_wait_us),
        us("Time that the next figures are about", "attributed_us", Some(row.attributed_us)),
        us("Processor time", "cpu_us", Some(row.cpu_us)),
        us("Ready, waiting for a processor", "runqueue_us", row.runqueue_us),
        count("Turns on a processor", "turns", row.turns),
        bytes("Read", "read_bytes", row.read_bytes),
        bytes("Written", "written_bytes", row.written_bytes),
        count("Calls that read or write", "io_calls", row.io_calls),
    ];
    if row.task_samples > 0 {
        rows.extend([
            count("Looks that found a task of it alive", "task_samples", Some(row.task_samples)),
            us("Time tasks were alive", "task_us", Some(row.task_us)),
            count("Polls of these", "polls", Some(row.polls)),
        ]);
    }
    rows
}
