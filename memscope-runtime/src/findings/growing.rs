//! Scopes whose live bytes rise across the whole recording.
//!
//! The moments of a scope's trend are cut into four quarters. The **floor** of a quarter is its lowest moment, the
//! **ceiling** its highest. A scope grows if
//!
//! ```text
//!  bytes │                              ▁▂ floor of the last      1. the last floor is above the first ceiling,
//!        │                    ▃▁▄▅▆▇█▇▂▁     quarter                 by MIN_RISE_BYTES and MIN_RISE_PERCENT;
//!        │         ▂▁▃▄▅▅▆▇▇▂▁                                    2. each floor is above the one before, by at
//!        │ ▁▂▃▄▅▆▇▂▁ ceiling of the first quarter                    least half of what they rise on average;
//!        └──────────┴──────────┴──────────┴──────────             3. so is the floor of the last eighth, for half a
//!                                                                    quarter.
//! ```
//!
//! And as a fourth, the process must say the same: the least of its live bytes in the last quarter is above their least in
//! the first by at least half of the scope's rise. The timeline has some sixteen times as many points as a trend has
//! moments, so a sawtooth whose period is near the distance of two moments, which would look like a slow rise at these,
//! shows there as what it is.
//!
//! A sawtooth fails the first (its floors are level), a cache that has filled the second or third (its last floors are
//! level), and what is given back before the end all of them. What has levelled off only just, in the last eighth of the
//! recording, cannot be told from what still rises. A table that the program fills from its start to the export does grow, by
//! these rules and in truth; whether it is to is not for a profiler to say.

use super::GROWING;
use super::evidence::{bytes, finding, is_share, ms, path_text, the_scope, variable_text};
use crate::snapshot::{Finding, Scope, Severity, Snapshot, Variable};
use crate::units;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

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
/// Of the scope's rise, so much must be seen of the process as a whole.
const MIN_PROCESS_PERCENT: u64 = 50;
/// Variables named at most.
const MOST_HOLDERS: usize = 3;

/// Where a scope's trend shows that it grows: two moments, by their index.
pub(super) struct Growth {
    /// The highest moment of the first quarter.
    pub(super) from: usize,
    /// The lowest moment of the last quarter.
    pub(super) to: usize,
    /// The lowest points of the process's timeline in the first and in the last quarter.
    process: (usize, usize),
}

/// The scopes that grow, by their index.
pub(super) fn growths(snapshot: &Snapshot) -> Vec<(usize, Growth)> {
    let scopes = snapshot.scopes.iter().enumerate();
    scopes.filter_map(|(index, scope)| Some((index, growth(snapshot, scope)?))).collect()
}

/// Whether the scope grows, and where that shows.
fn growth(snapshot: &Snapshot, scope: &Scope) -> Option<Growth> {
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
    if rise < least || !is_share(rise, MIN_RISE_PERCENT, trend[from]) {
        return None;
    }
    // Three steps lead from the first floor to the last.
    let all = trend[to].saturating_sub(trend[lowest[0]]);
    let is_step = |from: usize, to: usize, quarters_percent: u64| {
        let step = trend[to].saturating_sub(trend[from]);
        u128::from(step) * 3 * 100 * 100
            >= u128::from(all) * u128::from(MIN_STEP_PERCENT) * u128::from(quarters_percent)
    };
    let last = quarter(3);
    let last_half = last.start + last.len() / 2..count;
    let end = last_half.min_by_key(|&at| trend[at])?;
    let rises = lowest.windows(2).all(|pair| is_step(pair[0], pair[1], 100)) && is_step(to, end, 50);
    let lowest_point = |range: Range<usize>| {
        let within = moments[range.start]..=moments[range.end - 1];
        let points = snapshot.timeline.iter().enumerate().filter(|(_, point)| within.contains(&point.ms));
        points.min_by_key(|(_, point)| point.live_bytes)
    };
    let (first_point, least_at_first) = lowest_point(quarter(0))?;
    let (last_point, least_at_last) = lowest_point(quarter(3))?;
    let of_process = least_at_last.live_bytes.saturating_sub(least_at_first.live_bytes);
    let is_seen = is_share(of_process, MIN_PROCESS_PERCENT, rise);
    (rises && is_seen).then_some(Growth { from, to, process: (first_point, last_point) })
}

pub(super) fn growing(snapshot: &Snapshot) -> Vec<Finding> {
    growths(snapshot)
        .into_iter()
        .map(|(index, Growth { from, to, process })| {
            let scope = &snapshot.scopes[index];
            let (trend, moments) = (&scope.trend, &snapshot.trend_ms);
            let of_blocks = holders_of_blocks(snapshot, index);
            let variable = of_blocks.first().map(|(_, variable)| variable.name.clone());
            let (whose, holders) = if of_blocks.is_empty() {
                ("Of its own variables these hold most", largest_variables_of(snapshot, index))
            } else {
                ("The largest of its blocks are held by", of_blocks)
            };
            let names: Vec<String> = holders.iter().map(|(_, variable)| variable_text(variable)).collect();
            let held = match names.as_slice() {
                [] => "No tracked variable is known to hold them; a `track_var!` would name it.".to_owned(),
                names => format!("{whose}: {}.", names.join(", ")),
            };
            let message = format!(
                "{} is growing: its live bytes rose from at most {} in the first quarter of the recording to at least {} \
                 in the last, and in between. {held} If it is to keep all of this, all is well; a cache needs a bound.",
                path_text(&scope.path),
                units::count(trend[from]),
                units::count(trend[to]),
            );
            let mut evidence = vec![
                bytes("least live bytes of the last quarter", trend[to], format!("/scopes/{index}/trend/{to}")),
                ms("when that was", moments[to], format!("/trend_ms/{to}")),
                bytes("most live bytes of the first quarter", trend[from], format!("/scopes/{index}/trend/{from}")),
                ms("when that was", moments[from], format!("/trend_ms/{from}")),
            ];
            for (what, point) in [
                ("least live bytes of the process in the last quarter", process.1),
                ("least live bytes of the process in the first quarter", process.0),
            ] {
                let live_bytes = snapshot.timeline[point].live_bytes;
                evidence.push(bytes(what, live_bytes, format!("/timeline/{point}/live_bytes")));
            }
            for (row, variable) in &holders {
                let held = variable.heap_bytes.unwrap_or(0);
                let what = format!("bytes that `{}` holds now", variable.name);
                evidence.push(bytes(&what, held, format!("/variables/{row}/heap_bytes")));
            }
            Finding {
                scope: scope.path.clone(),
                variable,
                evidence,
                ..finding(GROWING, Severity::Warning, message)
            }
        })
        .collect()
}

/// The variables that hold most of those of a scope's blocks that are listed.
fn holders_of_blocks(snapshot: &Snapshot, scope: usize) -> Vec<(usize, &Variable)> {
    let mut held: BTreeMap<usize, u64> = BTreeMap::new();
    let listed = snapshot.blocks.largest.iter().filter(|block| block.scope == Some(scope as u32));
    for (variable, block) in listed.filter_map(|block| Some((block.variable?, block))) {
        let bytes = held.entry(variable as usize).or_default();
        *bytes = bytes.saturating_add(block.bytes);
    }
    largest(snapshot, held)
}

/// The variables that are bound in a scope and hold most; none where another scope has the same path.
fn largest_variables_of(snapshot: &Snapshot, scope: usize) -> Vec<(usize, &Variable)> {
    let path = &snapshot.scopes[scope].path;
    if the_scope(snapshot, path).is_none() {
        return Vec::new();
    }
    let own = snapshot.variables.iter().enumerate().filter(|(_, variable)| variable.scope == *path);
    largest(snapshot, own.filter_map(|(row, variable)| Some((row, variable.heap_bytes?))))
}

/// The rows with most bytes.
fn largest(snapshot: &Snapshot, held: impl IntoIterator<Item = (usize, u64)>) -> Vec<(usize, &Variable)> {
    let mut held: Vec<(usize, u64)> = held.into_iter().filter(|&(_, bytes)| bytes > 0).collect();
    held.sort_by_key(|&(_, bytes)| Reverse(bytes)); // stable: of equal ones the first row stays first
    let rows = held.into_iter().filter_map(|(row, _)| Some((row, snapshot.variables.get(row)?)));
    rows.filter(|(_, variable)| variable.heap_bytes.is_some()).take(MOST_HOLDERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::handmade::{evidence, names, set_trend, shown, snapshot, the_one, variable};
    use crate::snapshot::{Block, TimelinePoint};

    const KIB: u64 = 1 << 10;

    fn with_trend(trend: Vec<u64>) -> Snapshot {
        let mut snapshot = snapshot();
        set_trend(&mut snapshot, 1, trend);
        snapshot
    }

    fn grows(trend: impl IntoIterator<Item = u64>) -> bool {
        !growing(&with_trend(trend.into_iter().collect())).is_empty()
    }

    #[test]
    fn a_leak_grows_and_its_holders_are_named() {
        // 10 KiB more at each of 20 moments: the first quarter ends at 50 KiB, the last begins at 160 KiB.
        let mut snapshot = with_trend((1..=20).map(|moment| moment * 10 * KIB).collect());
        snapshot.variables = vec![
            Variable { heap_bytes: Some(150 * KIB), ..variable("cache") },
            Variable { heap_bytes: Some(0), ..variable("empty") },
            Variable { scope: names(&["elsewhere"]), heap_bytes: Some(1 << 30), ..variable("other") },
        ];
        let found = the_one(&snapshot, GROWING);
        assert_eq!(
            found.message,
            "serve is growing: its live bytes rose from at most 51\u{202f}200 in the first quarter of the recording to at least 163\u{202f}840 in the last, and in between. Of its own variables these hold most: `cache` (alloc::vec::Vec<u8>). If it is \
             to keep all of this, all is well; a cache needs a bound."
        );
        assert_eq!(
            (found.severity, &found.scope, found.variable.as_deref(), found.saving_bytes),
            (Severity::Warning, &names(&["serve"]), None, None),
            "that `cache` holds the scope's blocks is not known"
        );
        assert_eq!(
            shown(&snapshot, &found),
            evidence(&[
                (160 * KIB, "bytes", "/scopes/1/trend/15"),
                (1_600, "ms", "/trend_ms/15"),
                (50 * KIB, "bytes", "/scopes/1/trend/4"),
                (500, "ms", "/trend_ms/4"),
                (1_000_000 + 160 * KIB, "bytes", "/timeline/15/live_bytes"),
                (1_000_000 + 10 * KIB, "bytes", "/timeline/0/live_bytes"),
                (150 * KIB, "bytes", "/variables/0/heap_bytes"),
            ])
        );
    }

    #[test]
    fn who_holds_the_scopes_blocks_is_named_wherever_it_is_bound() {
        let mut snapshot = with_trend((1..=20).map(|moment| moment * 10 * KIB).collect());
        let bound_elsewhere =
            Variable { scope: names(&["main"]), heap_bytes: Some(9_000), ..variable("kept") };
        snapshot.variables = vec![variable("not_walked"), bound_elsewhere];
        let block = |address, scope, variable| Block {
            address,
            bytes: 9_000,
            scope: Some(scope),
            thread: Some(1),
            allocated_ms: 0,
            variable,
        };
        snapshot.blocks.largest = vec![block(1, 1, Some(1)), block(2, 0, Some(0)), block(3, 1, None)];
        assert_eq!(the_one(&snapshot, GROWING).variable.as_deref(), Some("kept"));
        snapshot.variables.clear();
        snapshot.blocks.largest.clear();
        let found = the_one(&snapshot, GROWING);
        assert!(found.message.contains("No tracked variable is known to hold them"), "{}", found.message);
        assert_eq!(found.variable, None);
    }

    #[test]
    fn what_fills_and_levels_off_does_not_grow() {
        assert!(!grows((0..40).map(|moment| moment.min(20) * 100 * KIB)), "full at half of the time");
        assert!(!grows((0..40).map(|moment| moment.min(30) * 100 * KIB)), "full as the last quarter begins");
        assert!(!grows((0..40).map(|moment| moment.min(32) * 100 * KIB)), "full at 80 %");
        // 1 − e^(−t/8): the floors are 0, 71, 92 and 98 % of 10 MiB.
        assert!(!grows((0..40).map(|moment| ((1.0 - (-f64::from(moment) / 8.0).exp()) * 1e7) as u64)));
        assert!(!grows(vec![5_000_000; 40]));
    }

    #[test]
    fn a_sawtooth_does_not_grow_whatever_its_period_and_phase() {
        for period in 2..=40 {
            for phase in 0..period {
                // It begins anew at least once in the recording; 40 moments that only rise are no sawtooth yet.
                if phase + 40 > period {
                    let trend = (0..40).map(|moment| (moment + phase) % period * 100 * KIB);
                    assert!(!grows(trend), "period {period}, phase {phase}");
                }
            }
        }
    }

    #[test]
    fn a_sawtooth_that_the_moments_meet_at_ever_later_phases_does_not_grow() {
        // 31 moments, 32 ticks apart, and sixteen points of the timeline for each, as the observer draws them. A period of
        // 31 ticks is met a tick later each time.
        let tooth = |tick: u64, period: u64| tick % period * (4_000_000 / period);
        let mut rises_at_the_moments = Vec::new();
        for period in 2..=128 {
            let mut snapshot = with_trend((0..31).map(|moment| tooth(moment * 32, period)).collect());
            snapshot.trend_ms = (0..31).map(|moment| moment * 320).collect();
            if snapshot.scopes[1].trend.is_sorted() && snapshot.scopes[1].trend[30] > 1_000_000 {
                rises_at_the_moments.push(period);
            }
            let point = |tick: u64| TimelinePoint {
                ms: tick * 10,
                live_bytes: 1_000_000 + tooth(tick, period),
                live_bytes_error: None,
            };
            snapshot.timeline = (0..31 * 16).map(|number| point(number * 2)).collect();
            assert!(growing(&snapshot).is_empty(), "a period of {period} ticks");
        }
        assert_eq!(rises_at_the_moments, [31], "and the moments alone would not tell");
    }

    #[test]
    fn a_leak_below_a_small_sawtooth_grows() {
        assert!(grows((0..40).map(|moment| moment * 100 * KIB + moment % 3 * 150 * KIB)));
    }

    #[test]
    fn what_is_given_back_before_the_end_does_not_grow() {
        let mut trend: Vec<u64> = (0..40).map(|moment| moment * 100 * KIB).collect();
        assert!(grows(trend.clone()));
        trend[39] = 0;
        assert!(!grows(trend));
    }

    #[test]
    fn each_threshold_is_where_it_is_said_to_be() {
        // From the ceiling of the first quarter (the third moment) to the floor of the last (the tenth) are seven steps.
        let line = |base: u64, step: u64| (0..12).map(move |moment| base + moment * step);
        // Seven steps of 9,363 bytes are 65,541; of 9,362 they are 65,534, two less than 64 KiB.
        assert!(grows(line(0, 9_363)));
        assert!(!grows(line(0, 9_362)));
        // The ceiling is the base and two steps, and 20 % of 3,300,000 + 200,000 are 700,000, or seven steps of 100,000.
        assert!(grows(line(3_300_000, 100_000)));
        assert!(!grows(line(3_300_001, 100_000)));
        // 11 moments are too few.
        assert!(!grows((0..11).map(|moment| moment * 100 * KIB)));
        // Of a mean step of 1,000 KiB half are 500, and half of that are 250 within the last quarter.
        let of_floors = |floors: [u64; 4], end: u64| {
            let floor = move |moment: u64| if moment > 9 { end } else { floors[moment as usize / 3] };
            (0..12).map(move |moment| floor(moment) * KIB)
        };
        assert!(grows(of_floors([0, 1_500, 2_500, 3_000], 3_250)));
        assert!(!grows(of_floors([0, 1_500, 2_500, 3_000], 3_249)));
        assert!(!grows(of_floors([0, 1_500, 2_501, 3_000], 3_250)));
        assert!(!grows(of_floors([0, 2_100, 2_500, 3_000], 3_250)));
        // The moments must span a second.
        let mut snapshot = with_trend(line(0, 1 << 20).collect());
        snapshot.trend_ms = (0..12).map(|moment| moment * 1_000 / 11).collect();
        assert_eq!(growing(&snapshot).len(), 1);
        snapshot.trend_ms[11] = 999;
        assert!(growing(&snapshot).is_empty());
        // A trend that does not fit its moments says nothing.
        snapshot.trend_ms.pop();
        assert!(growing(&snapshot).is_empty());
    }

    #[test]
    fn an_estimate_grows_only_well_above_its_error() {
        // Seven steps of 1,000,000 bytes.
        let mut snapshot = with_trend((0..12).map(|moment| moment * 1_000_000).collect());
        snapshot.mode = crate::snapshot::Mode::Sampling;
        snapshot.scopes[1].exclusive.live_bytes_error = Some(2_333_334);
        assert!(growing(&snapshot).is_empty(), "7,000,000 are less than three errors");
        snapshot.scopes[1].exclusive.live_bytes_error = Some(2_333_333);
        assert!(
            the_one(&snapshot, GROWING).message.ends_with("(These figures are estimates from a sample.)")
        );
    }
}
