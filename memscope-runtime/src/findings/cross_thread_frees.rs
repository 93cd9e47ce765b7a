//! Blocks that another thread frees than the one that allocated them.
//!
//! An allocator keeps blocks by thread. One that comes back from elsewhere is either handed to its own thread's heap,
//! under a lock or by an atomic list, or stays in the cache of the thread that freed it, where the one that allocates does
//! not find it.

use super::evidence::{at_least, at_most, count, finding, is_share, ms, path_text, per_second, percent};
use super::{CROSS_THREAD_FREES, NOTICEABLE_EVENTS_PER_SECOND};
use crate::snapshot::{Evidence, Finding, ForeignFrees, Severity, Snapshot};
use crate::units;
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
                units::count(memory.foreign_deallocations),
                units::count(memory.deallocations),
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
                units::count(pair.deallocations),
                units::count(totals.deallocations),
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
        Some(crate::snapshot::Thread { name: Some(name), .. }) => format!("thread {id} `{name}`"),
        _ => format!("thread {id}"),
    };
    format!("{} to {}", thread(pair.allocated_by), thread(pair.freed_by))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::handmade::{evidence, names, of_kind, shown, snapshot, the_one};
    use crate::snapshot::ScopeMemory;

    /// 10,000 of 20,000 freed blocks of `serve` were freed by thread 2.
    fn across() -> Snapshot {
        let mut snapshot = snapshot();
        snapshot.scopes[1].exclusive =
            ScopeMemory { deallocations: 20_000, foreign_deallocations: 10_000, ..ScopeMemory::default() };
        snapshot.foreign_frees = vec![pair(1, 2, 10_000), pair(2, 1, 10)];
        snapshot.totals.deallocations = 50_001;
        snapshot
    }

    fn pair(allocated_by: u32, freed_by: u32, deallocations: u64) -> ForeignFrees {
        ForeignFrees {
            allocated_by,
            freed_by,
            deallocations,
            deallocations_error: None,
            deallocated_bytes: 64 * deallocations,
            deallocated_bytes_error: None,
        }
    }

    #[test]
    fn a_scope_whose_blocks_go_elsewhere_is_said() {
        let snapshot = across();
        let found = the_one(&snapshot, CROSS_THREAD_FREES);
        assert_eq!(
            found.message,
            format!(
                "Of the blocks that serve allocates, 10\u{202f}000 of 20\u{202f}000 that were freed (50 %) were freed by other threads. In \
                 the whole process most go from thread 1 `main` to thread 2 `worker`. {ADVICE}"
            )
        );
        assert_eq!((found.severity, &found.scope), (Severity::Note, &names(&["serve"])));
        assert_eq!(
            shown(&snapshot, &found),
            evidence(&[
                (10_000, "count", "/scopes/1/exclusive/foreign_deallocations"),
                (20_000, "count", "/scopes/1/exclusive/deallocations"),
                (10_000, "ms", "/program/elapsed_ms"),
                (10_000, "count", "/foreign_frees/0/deallocations"),
            ])
        );
    }

    #[test]
    fn each_threshold_of_a_scope_is_where_it_is_said_to_be() {
        for (foreign, all) in [(9_999, 9_999), (10_000, 20_001)] {
            let mut snapshot = across();
            snapshot.scopes[1].exclusive.foreign_deallocations = foreign;
            snapshot.scopes[1].exclusive.deallocations = all;
            assert!(of_kind(&snapshot, CROSS_THREAD_FREES).is_empty(), "{foreign} of {all}");
        }
        // 10,000 in 100 ms are 100,000 a second.
        let mut snapshot = across();
        snapshot.program.elapsed_ms = 100;
        assert_eq!(the_one(&snapshot, CROSS_THREAD_FREES).severity, Severity::Warning);
        snapshot.program.elapsed_ms = 101;
        assert_eq!(the_one(&snapshot, CROSS_THREAD_FREES).severity, Severity::Note);
        // 12,000 ± 1,000 of 12,000 ± 4,000: at least 10,000, of at most 20,000.
        let memory = &mut snapshot.scopes[1].exclusive;
        (memory.foreign_deallocations, memory.foreign_deallocations_error) = (12_000, Some(1_000));
        (memory.deallocations, memory.deallocations_error) = (12_000, Some(4_000));
        assert_eq!(cross_thread_frees(&snapshot).len(), 1);
        snapshot.scopes[1].exclusive.deallocations_error = Some(4_001);
        assert!(cross_thread_frees(&snapshot).is_empty());
    }

    #[test]
    fn where_no_scope_stands_out_the_pair_of_threads_is_said() {
        let mut snapshot = across();
        snapshot.scopes[1].exclusive = ScopeMemory::default();
        snapshot.totals.deallocations = 50_000;
        snapshot.threads[1].name = None;
        let found = the_one(&snapshot, CROSS_THREAD_FREES);
        assert_eq!(
            found.message,
            format!(
                "10\u{202f}000 of the process's 50\u{202f}000 frees (20 %) are of blocks that went from thread 1 `main` to thread 2; no \
                 scope makes most of them. {ADVICE}"
            )
        );
        assert_eq!(
            shown(&snapshot, &found),
            evidence(&[
                (10_000, "count", "/foreign_frees/0/deallocations"),
                (50_000, "count", "/totals/deallocations"),
                (10_000, "ms", "/program/elapsed_ms"),
            ])
        );
        snapshot.totals.deallocations = 50_001;
        assert!(cross_thread_frees(&snapshot).is_empty());
        snapshot.totals.deallocations = 20_000;
        snapshot.foreign_frees[0].deallocations = 9_999;
        assert!(cross_thread_frees(&snapshot).is_empty());
    }
}
