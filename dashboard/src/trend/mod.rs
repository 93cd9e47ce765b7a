//! Many recordings of one program in the order in which they were started: where its memory goes from session to session.
//!
//! ```text
//! snapshots → time order → series of a total, a scope, a variable → slope, turn (fit) → the steepest
//! ```
//!
//! Invariants: pure functions of the snapshots; what a session did not measure is no point of a series. A scope or variable
//! that a session does not have counts as 0 there, if that session lists everything; else it is no point. Things are matched
//! as for a comparison ([`matching`]).

pub mod fit;

use crate::compare::Caveat;
use crate::compare::caveats;
use crate::compare::matching::{self, Group};
use crate::compare::measure::{self, Estimate, Measure, Unit, is_recorded};
use memscope_runtime::snapshot::Snapshot;
use serde::Serialize;
use std::cmp::Reverse;

/// Sessions at most: the newest.
pub const MOST_SESSIONS: usize = 60;
/// Scopes and variables at most: the steepest of each.
pub const MOST_SERIES: usize = 24;
pub use fit::ERRORS;
/// Milliseconds of an hour.
pub const HOUR_MS: f64 = 3_600_000.0;

/// What becomes of a program's memory from session to session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trend {
    /// Older sessions that are not looked at, for there are more than [`MOST_SESSIONS`].
    pub left_out: usize,
    /// The sessions, oldest first.
    pub sessions: Vec<Session>,
    /// What cannot be compared fairly, by kind: what some session is unlike the first in.
    pub caveats: Vec<Caveat>,
    /// Sums over the process.
    pub totals: Vec<Series>,
    /// The steepest scopes, each by itself, by live bytes; what neither rises nor falls is not among them.
    pub scopes: Vec<Series>,
    /// How many scopes there are in all.
    pub all_scopes: usize,
    /// The steepest variables, by live bytes.
    pub variables: Vec<Series>,
    /// How many variables there are in all.
    pub all_variables: usize,
}

/// One recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Session {
    /// The program.
    pub program: String,
    /// Its process.
    pub pid: u32,
    /// When the recording began, in milliseconds since the Unix epoch; `None`: not known.
    pub started_unix_ms: Option<u64>,
    /// Its length.
    pub elapsed_ms: u64,
}

/// One figure, session by session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    /// Where it stands in its row.
    pub field: &'static str,
    /// What it is called, in a word or two.
    pub label: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// The scope's path; empty for a total, and for what is outside tracked functions.
    pub scope: Vec<String>,
    /// The scope's full names, where several scopes share its path.
    pub full: Option<Vec<String>>,
    /// The variable's name.
    pub name: Option<String>,
    /// The variable's type.
    pub type_name: Option<String>,
    /// One for each session.
    pub points: Vec<SessionPoint>,
    /// How it goes; `None`: fewer than three sessions measured it.
    pub slope: Option<Slope>,
    /// Where the line through it turns; `None`: one line is enough.
    pub turn: Option<Turn>,
}

/// A figure in one session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionPoint {
    /// Its rows in the session's list; more than one are summed, none: the session has no such row.
    pub rows: Vec<usize>,
    /// The figure.
    pub estimate: Estimate,
}

/// How a figure goes from session to session, by least squares ([`fit`]).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Slope {
    /// In each session.
    pub per_session: f64,
    /// Standard error of `per_session`; `None`: the figures are exact.
    pub per_session_error: Option<f64>,
    /// In each hour between the sessions' starts; `None`: a start is not known, or all are one.
    pub per_hour: Option<f64>,
    /// Standard error of `per_hour`; `None`: there is none, or the figures are exact.
    pub per_hour_error: Option<f64>,
    /// Whether the slope may as well be chance.
    pub is_within_error: bool,
}

/// Where the line through a figure turns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Turn {
    /// Index of the first session of the second line.
    pub session: usize,
    /// Slope of the first line.
    pub before: f64,
    /// Standard error of `before`; `None`: the figures are exact.
    pub before_error: Option<f64>,
    /// Slope of the second.
    pub after: f64,
    /// Standard error of `after`; `None`: the figures are exact.
    pub after_error: Option<f64>,
}

/// `recordings` in the order in which they were started; of one process by their length.
pub fn in_time_order<'a>(recordings: &[&'a Snapshot]) -> Vec<&'a Snapshot> {
    let mut ordered = recordings.to_vec();
    ordered.sort_by_key(|snapshot| (snapshot.program.started_unix_ms, snapshot.program.elapsed_ms));
    ordered
}

/// The trend over `recordings`, in whichever order they are.
pub fn trend(recordings: &[&Snapshot]) -> Trend {
    let ordered = in_time_order(recordings);
    let left_out = ordered.len().saturating_sub(MOST_SESSIONS);
    let sessions = &ordered[left_out..];
    let whole = matching::Key { scope: &[], full: None, name: None, type_name: None };
    let group = Group { key: whole, rows: (0..sessions.len()).map(|session| (session, 0)).collect() };
    let total = |measure: &Measure<Snapshot>| {
        let points = points(&group, measure, sessions, |snapshot| std::slice::from_ref(snapshot), |_| 0);
        series(&group, measure, points, sessions)
    };
    let (scopes, all_scopes) = steepest(
        &matching::scopes(sessions),
        &measure::OF_SCOPES[0],
        sessions,
        |snapshot| &snapshot.scopes,
        |snapshot| snapshot.folded.scopes.scopes,
    );
    let (variables, all_variables) = steepest(
        &matching::variables(sessions),
        &measure::OF_VARIABLES[0],
        sessions,
        |snapshot| &snapshot.variables,
        |snapshot| snapshot.folded.variables.variables,
    );
    Trend {
        left_out,
        caveats: of_all(sessions),
        sessions: sessions.iter().map(|snapshot| session(snapshot)).collect(),
        totals: measure::OF_TOTALS.iter().map(total).collect(),
        scopes,
        all_scopes,
        variables,
        all_variables,
    }
}

fn session(snapshot: &Snapshot) -> Session {
    let program = &snapshot.program;
    Session {
        program: program.name.clone(),
        pid: program.pid,
        started_unix_ms: Some(program.started_unix_ms).filter(|&ms| ms > 0),
        elapsed_ms: program.elapsed_ms,
    }
}

/// The first caveat of each kind between the first session and any other.
fn of_all(sessions: &[&Snapshot]) -> Vec<Caveat> {
    let mut found: Vec<Caveat> = Vec::new();
    for other in sessions.iter().skip(1) {
        for caveat in caveats(sessions[0], other) {
            let kind = std::mem::discriminant(&caveat);
            if !found.iter().any(|known| std::mem::discriminant(known) == kind) {
                found.push(caveat);
            }
        }
    }
    found
}

/// The points of `group`, whose rows stand in the `list` of each session; `folded` rows are not in it.
fn points<'a, R: 'a>(
    group: &Group<'_>,
    measure: &Measure<R>,
    sessions: &[&'a Snapshot],
    list: impl Fn(&'a Snapshot) -> &'a [R],
    folded: impl Fn(&Snapshot) -> u64,
) -> Vec<SessionPoint> {
    let mut rows = group.rows.iter().peekable();
    let mut point = |(number, snapshot): (usize, &&'a Snapshot)| {
        let mut indices = Vec::new();
        while let Some((_, index)) = rows.next_if(|row| row.0 == number) {
            indices.push(*index);
        }
        let is_known = !indices.is_empty() || folded(snapshot) == 0;
        let estimate = measure.sum(list(snapshot), &indices, is_known && is_recorded(snapshot));
        SessionPoint { rows: indices, estimate }
    };
    sessions.iter().enumerate().map(&mut point).collect()
}

/// What series are ordered by.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// Whether its slope is more than chance.
    is_certain: bool,
    /// Its slope, either way, in 1024ths.
    steep: u64,
    /// Its newest figure.
    newest: u64,
}

/// The [`MOST_SERIES`] of `groups` with the steepest slopes, those that may be chance last, and how many there are in all.
/// Where slopes are computed, what has one of 0 and no turn is not among them.
fn steepest<'a, R: 'a>(
    groups: &[Group<'_>],
    measure: &Measure<R>,
    sessions: &[&'a Snapshot],
    list: impl Fn(&'a Snapshot) -> &'a [R] + Copy,
    folded: impl Fn(&Snapshot) -> u64 + Copy,
) -> (Vec<Series>, usize) {
    let of = |index: usize| points(&groups[index], measure, sessions, list, folded);
    let has_slopes = sessions.len() >= fit::FEWEST;
    let mut order: Vec<(Reverse<Rank>, usize)> = (0..groups.len())
        .filter_map(|index| {
            let points = of(index);
            let newest = points.iter().rev().find_map(|point| point.estimate.value).unwrap_or(0);
            let slope = slope(&points, sessions);
            let is_flat = slope.is_none_or(|slope| slope.per_session == 0.0) && turn(&points).is_none();
            if has_slopes && is_flat {
                return None;
            }
            let steep = slope.map_or(0, |slope| (slope.per_session.abs() * 1024.0) as u64);
            let is_certain = slope.is_some_and(|slope| !slope.is_within_error);
            Some((Reverse(Rank { is_certain, steep, newest }), index))
        })
        .collect();
    order.sort_unstable();
    order.truncate(MOST_SERIES);
    let listed = order.iter().map(|&(_, index)| series(&groups[index], measure, of(index), sessions));
    (listed.collect(), groups.len())
}

fn series<R>(
    group: &Group<'_>,
    measure: &Measure<R>,
    points: Vec<SessionPoint>,
    sessions: &[&Snapshot],
) -> Series {
    let key = group.key;
    Series {
        field: measure.field,
        label: measure.label,
        unit: measure.unit,
        scope: key.scope.to_vec(),
        full: key.full.map(<[String]>::to_vec),
        name: key.name.map(str::to_owned),
        type_name: key.type_name.map(str::to_owned),
        slope: slope(&points, sessions),
        turn: turn(&points),
        points,
    }
}

/// (index of the session, its figure) of the points that are measured.
pub fn measured(points: &[SessionPoint]) -> Vec<fit::Point> {
    (0..).zip(points).filter_map(|(session, point)| Some((session, point.estimate.value?))).collect()
}

/// The standard errors of these, 0 where a figure is exact; `None`: all are.
fn errors(points: &[SessionPoint]) -> Option<Vec<f64>> {
    let of_points = || points.iter().filter(|point| point.estimate.value.is_some());
    let is_estimated = of_points().any(|point| point.estimate.error.is_some());
    is_estimated.then(|| of_points().map(|point| point.estimate.error.unwrap_or(0.0)).collect())
}

fn places(points: &[fit::Point]) -> Vec<u64> {
    points.iter().map(|point| point.0).collect()
}

fn slope(points: &[SessionPoint], sessions: &[&Snapshot]) -> Option<Slope> {
    let by_session = measured(points);
    let per_session = fit::slope(&by_session)?;
    let errors = errors(points);
    let error_over = |moments: &[u64]| errors.as_ref().map(|errors| fit::slope_error(moments, errors));
    let per_session_error = error_over(&places(&by_session));
    let at = |place: u64| sessions[place as usize].program.started_unix_ms;
    let by_time: Vec<fit::Point> = by_session.iter().map(|&(place, value)| (at(place), value)).collect();
    let is_timed = by_time.iter().all(|point| point.0 > 0);
    let per_hour = fit::slope(&by_time).filter(|_| is_timed).map(|slope| slope * HOUR_MS);
    let per_hour_error = per_hour.and(error_over(&places(&by_time))).map(|error| error * HOUR_MS);
    Some(Slope {
        per_session,
        per_session_error,
        per_hour,
        per_hour_error,
        is_within_error: per_session_error.is_some_and(|error| per_session.abs() <= error * ERRORS),
    })
}

fn turn(points: &[SessionPoint]) -> Option<Turn> {
    let measured = measured(points);
    let errors = errors(points);
    let exact = vec![0.0; measured.len()];
    let place = fit::turn(&measured, errors.as_ref().unwrap_or(&exact))?;
    let (before, after) = measured.split_at(place);
    let error = |part: &[fit::Point], from: usize| {
        let errors = errors.as_ref()?;
        Some(fit::slope_error(&places(part), &errors[from..from + part.len()]))
    };
    Some(Turn {
        session: measured[place].0 as usize,
        before: fit::slope(before)?,
        before_error: error(before, 0),
        after: fit::slope(after)?,
        after_error: error(after, place),
    })
}
