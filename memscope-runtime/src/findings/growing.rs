//! Scopes whose live bytes rise across the whole recording.
//!
//! The moments of a scope's trend are cut into four quarters. The **floor** of a quarter is its lowest moment, the
//! **ceiling** its highest. A scope grows if
//!
//! ```text
//!  bytes │                              ▁▂ floor of the last      1. the last floor is above the first ceiling,
//!        │                    ▃▁▄▅▆▇█▇▂▁     quarter                 by MIN_RISE_BYTES and MIN_RISE_PERCENT;
//!        │         ▂▁▃▄▅▅▆▇▇▂▁                                    2. each floor is above the one before, by at
//!        │ ▁▂▃▄▅▆▇▂▁ ceiling of the first quarter                    least half of what they rise on average.
//!        └──────────┴──────────┴──────────┴──────────
//! ```
//!
//! A sawtooth fails the first (its floors are level), a cache that has filled the second (its last floors are level),
//! and what is given back before the end both. A table that the program fills from its start to the export does grow, by
//! these rules and in truth; whether it is to is not for a profiler to say.

use super::GROWING;
use super::evidence::{bytes, finding, ms, path_text, variable_text};
use crate::snapshot::{Finding, Scope, Severity, Snapshot, Variable};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Moments from which on a trend is judged: three in each quarter, so that no floor is a single look.
pub(super) const MIN_MOMENTS: usize = 12;
/// Time that the moments must span. What a program does in its first second is its start, in which tables are filled.
const MIN_SPAN_MS: u64 = 1_000;
/// A smaller rise is not told from a few late allocations of std and of the program; a leak that matters reaches it.
const MIN_RISE_BYTES: u64 = 64 << 10;
/// A rise of less than this share of the first ceiling is within what a working set drifts.
const MIN_RISE_PERCENT: u64 = 20;
/// Half of the mean rise from one floor to the next. What fills up exponentially and has reached 90 % by its last quarter
/// rises there by less than a fifth of the mean.
const MIN_STEP_PERCENT: u64 = 50;
/// Variables named at most.
const MOST_HOLDERS: usize = 3;

/// Where a scope's trend shows that it grows: two moments, by their index.
pub(super) struct Growth {
    /// The highest moment of the first quarter.
    pub(super) from: usize,
    /// The lowest moment of the last quarter.
    pub(super) to: usize,
}

/// Whether the scope grows, and where that shows.
pub(super) fn growth(snapshot: &Snapshot, scope: &Scope) -> Option<Growth> {
    let (trend, moments) = (&scope.trend, &snapshot.trend_ms);
    let count = trend.len();
    if count < MIN_MOMENTS
        || count != moments.len()
        || moments[count - 1].saturating_sub(moments[0]) < MIN_SPAN_MS
    {
        return None;
    }
    let quarter = |number: usize| number * count / 4..(number + 1) * count / 4;
    let from = quarter(0).max_by_key(|&at| (trend[at], Reverse(at)))?;
    let mut lowest = [0; 4];
    for (number, floor) in lowest.iter_mut().enumerate() {
        *floor = quarter(number).min_by_key(|&at| trend[at])?;
    }
    let to = lowest[3];
    let rise = trend[to].checked_sub(trend[from])?;
    // An estimate's error at each of the two moments is about that of the live bytes now, so that of their difference is
    // at most 1.5 times as large.
    let least = scope.exclusive.live_bytes_error.unwrap_or(0).saturating_mul(3).max(MIN_RISE_BYTES);
    if rise < least || u128::from(rise) * 100 < u128::from(trend[from]) * u128::from(MIN_RISE_PERCENT) {
        return None;
    }
    let all = trend[to].saturating_sub(trend[lowest[0]]);
    let rises = lowest.windows(2).all(|pair| {
        let step = trend[pair[1]].saturating_sub(trend[pair[0]]);
        u128::from(step) * 3 * 100 >= u128::from(all) * u128::from(MIN_STEP_PERCENT)
    });
    rises.then_some(Growth { from, to })
}

pub(super) fn growing(snapshot: &Snapshot) -> Vec<Finding> {
    let scopes = snapshot.scopes.iter().enumerate();
    scopes
        .filter_map(|(index, scope)| {
            let Growth { from, to } = growth(snapshot, scope)?;
            let (trend, moments) = (&scope.trend, &snapshot.trend_ms);
            let holders = holders(snapshot, index);
            let names: Vec<String> = holders.iter().map(|(_, variable)| variable_text(variable)).collect();
            let held = match names.as_slice() {
                [] => "No tracked variable is known to hold them; a `track_var!` would name it.".to_owned(),
                names => format!("Most of what is known to hold them: {}.", names.join(", ")),
            };
            let message = format!(
                "{} is growing: its live bytes rose from at most {} in the first quarter of the recording to at least {} \
                 in the last, and in between. {held} If it is to keep all of this, all is well; a cache needs a bound.",
                path_text(&scope.path),
                trend[from],
                trend[to],
            );
            let mut evidence = vec![
                bytes("least live bytes of the last quarter", trend[to], format!("/scopes/{index}/trend/{to}")),
                ms("when that was", moments[to], format!("/trend_ms/{to}")),
                bytes("most live bytes of the first quarter", trend[from], format!("/scopes/{index}/trend/{from}")),
                ms("when that was", moments[from], format!("/trend_ms/{from}")),
            ];
            for (row, variable) in &holders {
                let held = variable.heap_bytes.unwrap_or(0);
                let what = format!("bytes that `{}` holds now", variable.name);
                evidence.push(bytes(&what, held, format!("/variables/{row}/heap_bytes")));
            }
            Some(Finding {
                scope: scope.path.clone(),
                variable: holders.first().map(|(_, variable)| variable.name.clone()),
                evidence,
                ..finding(GROWING, Severity::Warning, message)
            })
        })
        .collect()
}

/// The variables that hold most of a scope's blocks: of those that are listed, or else of the scope's own variables.
fn holders(snapshot: &Snapshot, scope: usize) -> Vec<(usize, &Variable)> {
    let mut held: BTreeMap<usize, u64> = BTreeMap::new();
    let listed = snapshot.blocks.largest.iter().filter(|block| block.scope == Some(scope as u32));
    for (variable, block) in listed.filter_map(|block| Some((block.variable?, block))) {
        *held.entry(variable as usize).or_default() += block.bytes;
    }
    if held.is_empty() {
        let path = &snapshot.scopes[scope].path;
        let own = snapshot.variables.iter().enumerate().filter(|(_, variable)| variable.scope == *path);
        held.extend(own.filter_map(|(row, variable)| Some((row, variable.heap_bytes?))));
    }
    let mut held: Vec<(usize, u64)> = held.into_iter().filter(|&(_, bytes)| bytes > 0).collect();
    held.sort_by_key(|&(_, bytes)| Reverse(bytes)); // stable: of equal ones the first row stays first
    let rows = held.into_iter().filter_map(|(row, _)| Some((row, snapshot.variables.get(row)?)));
    rows.filter(|(_, variable)| variable.heap_bytes.is_some()).take(MOST_HOLDERS).collect()
}
