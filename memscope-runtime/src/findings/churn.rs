//! Scopes that allocate much and keep next to nothing: short-lived blocks in a hot scope.

use super::evidence::{
    at_least, at_most, bytes, count, counted, finding, is_at_most_share, is_share, ms, path_text, per_second,
    percent,
};
use super::growing::MIN_MOMENTS;
use super::{CHURN, NOTICEABLE_EVENTS_PER_SECOND};
use crate::snapshot::{Evidence, Finding, Scope, ScopeMemory, Severity, Snapshot};

/// A scope whose allocations are fewer is not churning: at 100 ns for a pair they take a millisecond.
const MIN_ALLOCATIONS: u64 = 10_000;
/// A scope that makes a smaller share of all allocations, frees and resizes is not where time goes.
const MIN_EVENTS_PERCENT: u64 = 20;
/// Of a churning scope's blocks at most this share is alive.
const MAX_LIVE_PERCENT: u64 = 1;

pub(super) fn churn(snapshot: &Snapshot) -> Vec<Finding> {
    let totals = &snapshot.totals;
    let all = totals.allocations + totals.deallocations + totals.reallocations;
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
                rate.map(|rate| format!(", {rate} allocations a second")).unwrap_or_default(),
                memory.live_allocations,
                memory.allocations,
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
    memory.allocations + memory.deallocations + memory.reallocations
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
