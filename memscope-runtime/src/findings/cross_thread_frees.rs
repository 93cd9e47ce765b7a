//! Blocks that another thread frees than the one that allocated them.
//!
//! An allocator keeps blocks by thread. One that comes back from elsewhere is either handed to its own thread's heap,
//! under a lock or by an atomic list, or stays in the cache of the thread that freed it, where the one that allocates does
//! not find it.

use super::evidence::{at_least, at_most, count, finding, is_share, ms, path_text, per_second, percent};
use super::{CROSS_THREAD_FREES, NOTICEABLE_EVENTS_PER_SECOND};
use crate::snapshot::{Evidence, Finding, ForeignFrees, Severity, Snapshot};
use std::cmp::Reverse;

/// Fewer cost a millisecond at most, at 100 ns for each.
const MIN_FREES: u64 = 10_000;
/// Of a scope's frees, at least this share.
const MIN_SCOPE_PERCENT: u64 = 50;
/// Where no scope stands out: of the process's frees, at least this share by one pair of threads.
const MIN_PAIR_PERCENT: u64 = 20;

const ADVICE: &str = "Allocators keep blocks by thread, so such frees contend for the other thread's heap or leave its \
                      cache empty. Send buffers back for reuse, or larger batches of them.";

pub(super) fn cross_thread_frees(snapshot: &Snapshot) -> Vec<Finding> {
    let by_scope = by_scope(snapshot);
    if by_scope.is_empty() { by_pair(snapshot) } else { by_scope }
}

fn severity(snapshot: &Snapshot, frees: u64) -> Severity {
    match per_second(frees, snapshot) {
        Some(rate) if rate >= NOTICEABLE_EVENTS_PER_SECOND => Severity::Warning,
        _ => Severity::Note,
    }
}

fn elapsed(snapshot: &Snapshot) -> Evidence {
    ms("time recorded", snapshot.program.elapsed_ms, "/program/elapsed_ms".to_owned())
}

fn by_scope(snapshot: &Snapshot) -> Vec<Finding> {
    let busiest =
        snapshot.foreign_frees.iter().enumerate().max_by_key(|(at, pair)| (pair.deallocations, Reverse(*at)));
    let scopes = snapshot.scopes.iter().enumerate();
    scopes
        .filter_map(|(index, scope)| {
            let memory = &scope.exclusive;
            let frees = at_least(memory.foreign_deallocations, memory.foreign_deallocations_error);
            let all = at_most(memory.deallocations, memory.deallocations_error);
            if frees < MIN_FREES || !is_share(frees, MIN_SCOPE_PERCENT, all) {
                return None;
            }
            let at = |field: &str| format!("/scopes/{index}/exclusive/{field}");
            let mut evidence = vec![
                count("frees by other threads", memory.foreign_deallocations, at("foreign_deallocations")),
                count("frees of the scope's blocks", memory.deallocations, at("deallocations")),
                elapsed(snapshot),
            ];
            let mut pair_text = String::new();
            if let Some((row, pair)) = busiest {
                pair_text = format!(" In the whole process most go from {}.", threads_text(snapshot, pair));
                evidence.push(count(
                    "frees by the busiest pair of threads",
                    pair.deallocations,
                    format!("/foreign_frees/{row}/deallocations"),
                ));
            }
            let message = format!(
                "Of the blocks that {} allocates, {} of {} that were freed ({} %) were freed by other threads.{pair_text} \
                 {ADVICE}",
                path_text(&scope.path),
                memory.foreign_deallocations,
                memory.deallocations,
                percent(memory.foreign_deallocations, memory.deallocations),
            );
            Some(Finding {
                scope: scope.path.clone(),
                evidence,
                ..finding(CROSS_THREAD_FREES, severity(snapshot, frees), message)
            })
        })
        .collect()
}

fn by_pair(snapshot: &Snapshot) -> Vec<Finding> {
    let totals = &snapshot.totals;
    let pairs = snapshot.foreign_frees.iter().enumerate();
    pairs
        .filter_map(|(row, pair)| {
            let frees = at_least(pair.deallocations, pair.deallocations_error);
            let all = at_most(totals.deallocations, totals.deallocations_error);
            if frees < MIN_FREES || !is_share(frees, MIN_PAIR_PERCENT, all) {
                return None;
            }
            let message = format!(
                "{} of the process's {} frees ({} %) are of blocks that went from {}; no scope makes most of them. {ADVICE}",
                pair.deallocations,
                totals.deallocations,
                percent(pair.deallocations, totals.deallocations),
                threads_text(snapshot, pair),
            );
            Some(Finding {
                evidence: vec![
                    count(
                        "frees by the second thread of the first one's blocks",
                        pair.deallocations,
                        format!("/foreign_frees/{row}/deallocations"),
                    ),
                    count("frees of the process", totals.deallocations, "/totals/deallocations".to_owned()),
                    elapsed(snapshot),
                ],
                ..finding(CROSS_THREAD_FREES, severity(snapshot, frees), message)
            })
        })
        .collect()
}

fn threads_text(snapshot: &Snapshot, pair: &ForeignFrees) -> String {
    let thread = |id: u32| match snapshot.threads.iter().find(|thread| thread.id == id) {
        Some(crate::snapshot::Thread { name: Some(name), .. }) => format!("thread {id} (`{name}`)"),
        _ => format!("thread {id}"),
    };
    format!("{} to {}", thread(pair.allocated_by), thread(pair.freed_by))
}
