//! Scopes that allocate much and keep next to nothing: short-lived blocks in a hot scope.

use super::evidence::{
    at_least, at_most, bytes, count, counted, finding, is_at_most_share, is_share, ms, path_text, per_second,
    percent,
};
use super::growing::MIN_MOMENTS;
use super::{CHURN, NOTICEABLE_EVENTS_PER_SECOND};
use crate::snapshot::{Evidence, Finding, Scope, ScopeMemory, Severity, Snapshot};
use crate::units;

/// A scope whose allocations are fewer is not churning: at 100 ns for a pair they take a millisecond.
const MIN_ALLOCATIONS: u64 = 10_000;
/// A scope that makes a smaller share of all allocations, frees and resizes is not where time goes.
const MIN_EVENTS_PERCENT: u64 = 20;
/// Of a churning scope's blocks at most this share is alive.
const MAX_LIVE_PERCENT: u64 = 1;

pub(super) fn churn(snapshot: &Snapshot) -> Vec<Finding> {
    let totals = &snapshot.totals;
    let all = totals.allocations.saturating_add(totals.deallocations).saturating_add(totals.reallocations);
    let scopes = snapshot.scopes.iter().enumerate();
    scopes
        .filter(|(_, scope)| churns(&scope.exclusive, all))
        .map(|(index, scope)| {
            let memory = &scope.exclusive;
            let rate = per_second(memory.allocations, snapshot);
            let noticeable = per_second(at_least(memory.allocations, memory.allocations_error), snapshot)
                .is_some_and(|rate| rate >= NOTICEABLE_EVENTS_PER_SECOND);
            let mut evidence = evidence_of(snapshot, index, scope);
            let lifetime = longest_mean_lifetime(snapshot, index, scope).map(|(longest_ms, shown)| {
                evidence.push(shown);
                format!(
                    " On average they live at most {longest_ms} ms, as far as the trend's moments show (inferred by \
                     Little's law: live bytes × time ÷ bytes allocated)."
                )
            });
            let advice = if scope.path.is_empty() {
                "`#[track]` on the functions that run there would say which of them it is.".to_owned()
            } else {
                format!(
                    "Reuse buffers across its {}, or allocate once outside.",
                    counted(scope.calls, "call")
                )
            };
            let message = format!(
                "{} makes {} % of all allocations, frees and resizes{}, and keeps {} of its {} blocks.{} {advice}",
                path_text(&scope.path),
                percent(events(memory), all),
                rate.map(|rate| format!(", {} allocations a second", units::count(rate))).unwrap_or_default(),
                units::count(memory.live_allocations),
                units::count(memory.allocations),
                lifetime.unwrap_or_default(),
            );
            let severity = if noticeable { Severity::Warning } else { Severity::Note };
            Finding { scope: scope.path.clone(), evidence, ..finding(CHURN, severity, message) }
        })
        .collect()
}

fn churns(memory: &ScopeMemory, all: u64) -> bool {
    let allocations = at_least(memory.allocations, memory.allocations_error);
    let errors = [memory.allocations_error, memory.deallocations_error, memory.reallocations_error];
    let events = errors.into_iter().fold(events(memory), at_least);
    let live = at_most(memory.live_allocations, memory.live_allocations_error);
    // Without a live sample nothing is known of the number of live blocks, but something of their bytes.
    let unseen_bytes = memory.live_bytes_upper_bound.unwrap_or(0);
    allocations >= MIN_ALLOCATIONS
        && is_share(events, MIN_EVENTS_PERCENT, all)
        && is_at_most_share(live, MAX_LIVE_PERCENT, allocations)
        && is_at_most_share(unseen_bytes, MAX_LIVE_PERCENT, memory.allocated_bytes)
}

fn events(memory: &ScopeMemory) -> u64 {
    memory.allocations.saturating_add(memory.deallocations).saturating_add(memory.reallocations)
}

fn evidence_of(snapshot: &Snapshot, index: usize, scope: &Scope) -> Vec<Evidence> {
    let (memory, totals) = (&scope.exclusive, &snapshot.totals);
    let at = |field: &str| format!("/scopes/{index}/exclusive/{field}");
    let mut evidence = vec![
        count("allocations of the scope", memory.allocations, at("allocations")),
        count("frees of its blocks", memory.deallocations, at("deallocations")),
        count("resizes by the scope", memory.reallocations, at("reallocations")),
        count("blocks of the scope live now", memory.live_allocations, at("live_allocations")),
        bytes("bytes allocated by the scope", memory.allocated_bytes, at("allocated_bytes")),
        count("allocations of the process", totals.allocations, "/totals/allocations".to_owned()),
        count("frees of the process", totals.deallocations, "/totals/deallocations".to_owned()),
        count("resizes of the process", totals.reallocations, "/totals/reallocations".to_owned()),
        ms("time recorded", snapshot.program.elapsed_ms, "/program/elapsed_ms".to_owned()),
    ];
    if !scope.path.is_empty() {
        evidence.push(count("calls of the scope", scope.calls, format!("/scopes/{index}/calls")));
    }
    evidence
}

/// The mean lifetime of the scope's bytes in milliseconds, at most, and the figure that bounds it.
///
/// Little's law (J. D. C. Little, "A proof for the queuing formula L = λW", 1961): what is in a system on average is what
/// arrives in a unit of time, times how long it stays. The mean of the live bytes is at most the highest of the trend's
/// moments, as far as these show it.
fn longest_mean_lifetime(snapshot: &Snapshot, index: usize, scope: &Scope) -> Option<(u64, Evidence)> {
    if scope.trend.len() < MIN_MOMENTS || scope.exclusive.allocated_bytes == 0 {
        return None;
    }
    let (moment, &most) =
        scope.trend.iter().enumerate().max_by_key(|&(at, bytes)| (bytes, std::cmp::Reverse(at)))?;
    if most == 0 || snapshot.program.elapsed_ms == 0 {
        return None;
    }
    let product = u128::from(most) * u128::from(snapshot.program.elapsed_ms);
    let longest_ms = product.div_ceil(u128::from(scope.exclusive.allocated_bytes));
    let shown = bytes(
        "most live bytes of the scope at the trend's moments",
        most,
        format!("/scopes/{index}/trend/{moment}"),
    );
    Some((u64::try_from(longest_ms).ok()?, shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::handmade::{evidence, names, shown, snapshot, the_one};
    use crate::snapshot::{Mode, Totals};

    /// 10,000 of 50,000 allocations by `serve`, all of whose blocks but 100 are freed, in ten seconds.
    fn churning() -> Snapshot {
        let mut snapshot = snapshot();
        snapshot.scopes[1].calls = 5_000;
        snapshot.scopes[1].exclusive = ScopeMemory {
            allocations: 10_000,
            deallocations: 9_900,
            reallocations: 100,
            allocated_bytes: 640_000,
            live_allocations: 100,
            ..ScopeMemory::default()
        };
        // 20,000 events by the scope of 100,000 by the process.
        snapshot.totals =
            Totals { allocations: 50_000, deallocations: 49_000, reallocations: 1_000, ..snapshot.totals };
        snapshot
    }

    #[test]
    fn a_scope_that_keeps_nothing_churns() {
        let snapshot = churning();
        let found = the_one(&snapshot, CHURN);
        assert_eq!(
            found.message,
            "serve makes 20 % of all allocations, frees and resizes, 1\u{202f}000 allocations a second, and keeps 100 of its 10\u{202f}000 blocks. Reuse buffers across its 5\u{202f}000 calls, or allocate once outside."
        );
        assert_eq!(
            (found.severity, &found.scope, found.saving_bytes),
            (Severity::Note, &names(&["serve"]), None)
        );
        assert_eq!(
            shown(&snapshot, &found),
            evidence(&[
                (10_000, "count", "/scopes/1/exclusive/allocations"),
                (9_900, "count", "/scopes/1/exclusive/deallocations"),
                (100, "count", "/scopes/1/exclusive/reallocations"),
                (100, "count", "/scopes/1/exclusive/live_allocations"),
                (640_000, "bytes", "/scopes/1/exclusive/allocated_bytes"),
                (50_000, "count", "/totals/allocations"),
                (49_000, "count", "/totals/deallocations"),
                (1_000, "count", "/totals/reallocations"),
                (10_000, "ms", "/program/elapsed_ms"),
                (5_000, "count", "/scopes/1/calls"),
            ])
        );
    }

    #[test]
    fn each_threshold_is_where_it_is_said_to_be() {
        for change in [
            (|snapshot| snapshot.scopes[1].exclusive.allocations = 9_999) as fn(&mut Snapshot),
            |snapshot| snapshot.scopes[1].exclusive.live_allocations = 101,
            |snapshot| snapshot.totals.reallocations = 1_001,
        ] {
            let mut snapshot = churning();
            change(&mut snapshot);
            assert!(churn(&snapshot).is_empty());
        }
        // 10,000 in 100 ms are 100,000 a second; in 101 ms they are not.
        let mut snapshot = churning();
        snapshot.program.elapsed_ms = 100;
        assert_eq!(churn(&snapshot)[0].severity, Severity::Warning);
        snapshot.program.elapsed_ms = 101;
        assert_eq!(churn(&snapshot)[0].severity, Severity::Note);
        snapshot.program.elapsed_ms = 0;
        assert!(!churn(&snapshot)[0].message.contains("a second"), "the rate is not known");
    }

    #[test]
    fn the_mean_lifetime_is_inferred_from_a_trend() {
        let mut snapshot = churning();
        snapshot.trend_ms = (0..12).map(|moment| moment * 800).collect();
        snapshot.scopes[1].trend = vec![0, 64, 10, 64, 10, 0, 10, 5, 3, 64, 10, 0];
        let found = the_one(&snapshot, CHURN);
        // 64 bytes × 10,000 ms ÷ 640,000 bytes = 1 ms.
        assert!(
            found.message.contains(
                "blocks. On average they live at most 1 ms, as far as the trend's moments show (inferred by Little's law: \
                 live bytes × time ÷ bytes allocated). Reuse"
            ),
            "{}",
            found.message
        );
        assert_eq!(shown(&snapshot, &found)[10..], evidence(&[(64, "bytes", "/scopes/1/trend/1")]));
        snapshot.scopes[1].trend[1] = 65;
        assert!(churn(&snapshot)[0].message.contains("at most 2 ms"), "it is rounded up");
        for trend in [vec![0; 12], vec![64; 11]] {
            snapshot.scopes[1].trend = trend;
            assert!(!churn(&snapshot)[0].message.contains("Little"), "the evidence does not allow it");
        }
    }

    #[test]
    fn outside_of_tracked_functions_the_advice_is_to_track() {
        let mut snapshot = churning();
        snapshot.scopes[0].exclusive = std::mem::take(&mut snapshot.scopes[1].exclusive);
        let found = the_one(&snapshot, CHURN);
        assert!(found.message.ends_with("would say which of them it is."), "{}", found.message);
        assert!(found.scope.is_empty());
    }

    #[test]
    fn an_estimate_churns_only_well_above_its_error() {
        let mut snapshot = churning();
        snapshot.mode = Mode::Sampling;
        let memory = &mut snapshot.scopes[1].exclusive;
        (memory.allocations, memory.allocations_error) = (20_000, Some(2_000));
        (memory.live_allocations, memory.live_allocations_error) = (100, Some(30));
        (memory.allocated_bytes, memory.live_bytes_upper_bound) = (200_000_000, None);
        // 16,000 allocations at least, 160 of them alive at most; 16,000 + 9,900 + 100 events of 100,000.
        assert!(the_one(&snapshot, CHURN).message.ends_with("(These figures are estimates from a sample.)"));
        for change in [
            (|memory| memory.live_allocations_error = Some(31)) as fn(&mut ScopeMemory),
            |memory| memory.allocations_error = Some(5_001),
            |memory| memory.live_bytes_upper_bound = Some(2_000_001),
        ] {
            let mut snapshot = snapshot.clone();
            change(&mut snapshot.scopes[1].exclusive);
            assert!(churn(&snapshot).is_empty());
        }
    }
}
