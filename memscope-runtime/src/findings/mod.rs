//! What deserves a person's attention: pure functions of a [`Snapshot`], one idea a file.
//!
//! They live beside the model, and not in the dashboard, so that `snapshot()`, the file, the JSON and the page
//! give the same findings, with or without the feature `html`.
//!
//! Every finding rests on figures of the snapshot, which its evidence points to; a saving is stated only where the
//! evidence is one. A threshold on an estimate is passed only if the estimate less two of its standard errors passes it.
//! `docs/findings.md` lists all rules with their thresholds.
//!
//! Order, worst first: by severity; then those that state a saving, the largest first; then by kind, as in [`KINDS`];
//! then by the first figure of the evidence, which is the one at stake, the largest first; then by scope, variable and
//! message.

mod budget;
mod churn;
mod containers;
mod cross_thread_frees;
mod duplicates;
mod evidence;
mod growing;
mod growth_by_realloc;
mod handed_out;
mod large_blocks;
mod links;
mod outlived;
mod over_capacity;
mod recording;
mod unexplained;

#[cfg(test)]
mod handmade;
#[cfg(test)]
mod tests;

use crate::snapshot::{Evidence, Finding, Mode, Snapshot};
use std::cmp::Reverse;

/// No allocator of memscope's is installed.
pub const ALLOCATOR_NOT_INSTALLED: &str = "allocator_not_installed";
/// Events could not be recorded.
pub const UNRECORDED_EVENTS: &str = "unrecorded_events";
/// A call went over its function's budget.
pub const BUDGET_EXCEEDED: &str = "budget_exceeded";
/// A scope's live bytes rise across the recording.
pub const GROWING: &str = "growing";
/// Memory was handed to foreign code and not handed back.
pub const NEVER_HANDED_BACK: &str = "never_handed_back";
/// Two parts of a value own one block.
pub const OWNED_TWICE: &str = "owned_twice";
/// Executions of a binding outlived their scope and are live at export.
pub const OUTLIVED_SCOPE: &str = "outlived_scope";
/// A variable has much capacity that holds nothing.
pub const OVER_CAPACITY: &str = "over_capacity";
/// A scope allocates much and keeps next to nothing.
pub const CHURN: &str = "churn";
/// A scope resizes often, or a variable's growth moves many bytes.
pub const GROWTH_BY_REALLOC: &str = "growth_by_realloc";
/// A container is made anew by each call of a hot function.
pub const DUPLICATES: &str = "duplicates";
/// Many blocks are freed by another thread than the one that allocated them.
pub const CROSS_THREAD_FREES: &str = "cross_thread_frees";
/// One block is a large part of the heap.
pub const LARGE_BLOCKS: &str = "large_blocks";
/// No tracked variable was seen to own much of what a scope allocated.
pub const UNEXPLAINED_MEMORY: &str = "unexplained_memory";
/// A value shows pointers into no recorded block.
pub const UNKNOWN_BLOCKS: &str = "unknown_blocks";
/// Crossings of blocks that are not followed.
pub const UNFOLLOWED_CROSSINGS: &str = "unfollowed_crossings";
/// Entries that were charged to their callers.
pub const FOLDED_SCOPES: &str = "folded_scopes";

/// All kinds, in the order in which they stand within one severity.
pub const KINDS: [&str; 17] = [
    ALLOCATOR_NOT_INSTALLED,
    UNRECORDED_EVENTS,
    BUDGET_EXCEEDED,
    GROWING,
    NEVER_HANDED_BACK,
    OWNED_TWICE,
    OUTLIVED_SCOPE,
    OVER_CAPACITY,
    CHURN,
    GROWTH_BY_REALLOC,
    DUPLICATES,
    CROSS_THREAD_FREES,
    LARGE_BLOCKS,
    UNEXPLAINED_MEMORY,
    UNKNOWN_BLOCKS,
    UNFOLLOWED_CROSSINGS,
    FOLDED_SCOPES,
];

/// Events of one kind in a second from which on they cost a program noticeable time. A pair of allocation and free takes
/// 7 ns where glibc's caches serve it (`docs/performance.md`), so this many take 0.1 % of a core; where the caches miss
/// or a lock is contended, some 100 ns, and so 1 %.
const NOTICEABLE_EVENTS_PER_SECOND: u64 = 100_000;

/// All findings of a snapshot, worst first.
pub fn findings(snapshot: &Snapshot) -> Vec<Finding> {
    let ideas: [fn(&Snapshot) -> Vec<Finding>; 14] = [
        recording::losses,
        budget::exceeded,
        growing::growing,
        handed_out::never_handed_back,
        links::owned_twice,
        links::unknown_blocks,
        outlived::outlived_scope,
        over_capacity::over_capacity,
        churn::churn,
        growth_by_realloc::growth_by_realloc,
        duplicates::duplicates,
        cross_thread_frees::cross_thread_frees,
        large_blocks::large_blocks,
        unexplained::unexplained_memory,
    ];
    let mut findings: Vec<Finding> = ideas.iter().flat_map(|idea| idea(snapshot)).collect();
    if snapshot.mode == Mode::Sampling {
        for finding in findings.iter_mut().filter(|finding| finding.evidence.iter().any(is_estimated)) {
            finding.message.push_str(" (These figures are estimates from a sample.)");
        }
    }
    let place = |finding: &Finding| {
        let kind = KINDS.iter().position(|&kind| kind == finding.kind);
        let at_stake = finding.evidence.first().map(|evidence| evidence.value);
        (finding.severity, Reverse(finding.saving_bytes), kind, Reverse(at_stake))
    };
    findings.sort_by(|a, b| {
        let by_name = || (&a.scope, &a.variable, &a.message).cmp(&(&b.scope, &b.variable, &b.message));
        place(a).cmp(&place(b)).then_with(by_name)
    });
    findings
}

/// Whether the figure is one of memory, which sampling mode estimates. Calls, variables and times are counted.
fn is_estimated(evidence: &Evidence) -> bool {
    let of_memory = ["/totals/", "/scopes/", "/threads/", "/foreign_frees/", "/blocks/"];
    let is_counted = evidence.pointer.ends_with("/calls");
    of_memory.iter().any(|prefix| evidence.pointer.starts_with(prefix)) && !is_counted
}
