//! One figure from session to session: a small curve, its slope, and where it turns.
//!
//! The curve goes through what is drawn of `data-series` (the formulas of its points, one for each recording): x by session,
//! y from 0 to the series' greatest. Behind the word "errors" stand those of estimates. Beside the curve stands the line of least squares, or the two where it turns.

use super::side::{estimate, pointers, root_of_squares, sum};
use super::trend::{name, started};
use crate::compare::measure::{Unit, is_recorded};
use crate::figure::Figure;
use crate::trend::{Series, Trend, fit, measured};
use memscope_runtime::snapshot::Snapshot;
use serde::Serialize;

/// Width of the curve's coordinates; the margins within are [`MARGIN`].
pub const WIDTH: f64 = 240.0;
/// Height of the curve's coordinates.
pub const HEIGHT: f64 = 64.0;
/// What is left free at each side, so that a dot is drawn whole.
pub const MARGIN: f64 = 4.0;

/// One figure from session to session.
#[derive(Clone, Debug, Serialize)]
pub struct Multiple {
    /// What it is called.
    pub name: String,
    /// The variable's type.
    pub type_name: Option<String>,
    /// Where it is.
    pub scope: Option<String>,
    /// Its curve; `None`: no session measured it.
    pub curve: Option<Curve>,
    /// In the first session; `None`: that is the last, too.
    pub first: Option<Figure>,
    /// In the last session.
    pub last: Figure,
    /// In each session; `None`: not computed.
    pub per_session: Option<Figure>,
    /// In each hour; `None`: not computed.
    pub per_hour: Option<Figure>,
    /// `up`, `down`, `same`, `unsure` (within the error) or `unknown`.
    pub sense: &'static str,
    /// Whether the slope is within the error.
    pub is_unsure: bool,
    /// Where the line turns; `None`: one line is enough.
    pub turn: Option<TurnView>,
}

/// Where a line turns.
#[derive(Clone, Debug, Serialize)]
pub struct TurnView {
    /// Start of the first session of the second line.
    pub at: Figure,
    /// Slope of the first line.
    pub before: Figure,
    /// Slope of the second.
    pub after: Figure,
}

/// The drawing.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    /// The formulas of the points.
    pub from: String,
    /// The points.
    pub dots: Vec<Dot>,
    /// What connects points of neighbouring sessions, as SVG writes corners.
    pub strokes: Vec<String>,
    /// The lines of least squares.
    pub lines: Vec<Stretch>,
}

/// A point.
#[derive(Clone, Debug, Serialize)]
pub struct Dot {
    /// Position in the drawing.
    pub x: String,
    /// Position in the drawing.
    pub y: String,
}

/// A straight line.
#[derive(Clone, Debug, Serialize)]
pub struct Stretch {
    /// Where it begins.
    pub x1: String,
    /// Where it begins.
    pub y1: String,
    /// Where it ends.
    pub x2: String,
    /// Where it ends.
    pub y2: String,
}

/// `series`, whose rows stand in `list`, over the `recordings` that `trend` looks at.
pub fn multiple(list: Option<&str>, series: &Series, trend: &Trend, recordings: &[&Snapshot]) -> Multiple {
    const STARTS: &str = "/recordings/*/program/started_unix_ms";
    let formulas = formulas(list, series, trend, recordings);
    let errors = errors(list, series, trend);
    let (all, all_errors) = (formulas.join(", "), errors.join(", "));
    let signed = |from: String, value: f64, error_from: String, error: Option<f64>| {
        let error = error.map(|error| Figure::error_beside(error_from, error, value, series.unit));
        Figure::signed(from, Some(value), series.unit).with_error(error)
    };
    let slope = series.slope;
    let per_session = slope.map(|slope| {
        let error_from = format!("slope_error({all_errors})");
        signed(format!("slope({all})"), slope.per_session, error_from, slope.per_session_error)
    });
    let per_hour = slope.and_then(|slope| {
        let error_from = format!("slope_error_over({STARTS}, {all_errors}) * 3600000");
        let from = format!("slope_over({STARTS}, {all}) * 3600000");
        Some(signed(from, slope.per_hour?, error_from, slope.per_hour_error))
    });
    let turn = series.turn.map(|turn| {
        let place = trend.left_out + turn.session;
        let part = |range: std::ops::Range<usize>, slope: f64, error: Option<f64>| {
            let from = format!("slope({})", formulas[range.clone()].join(", "));
            signed(from, slope, format!("slope_error({})", errors[range].join(", ")), error)
        };
        let of_errors =
            if turn.before_error.is_some() { format!(", errors, {all_errors}") } else { String::new() };
        TurnView {
            at: started(&format!("at_turn({STARTS}, {all}{of_errors})"), &trend.sessions[turn.session]),
            before: part(0..place, turn.before, turn.before_error),
            after: part(place..formulas.len(), turn.after, turn.after_error),
        }
    });
    // The rule of the turn asks for the errors, and so does who draws the lines again.
    let drawn_from = match errors.iter().any(|error| error.starts_with(['/', 's'])) {
        true => format!("{all}, errors, {all_errors}"),
        false => all,
    };
    let (name, type_name, scope) =
        if list.is_none() { (series.label.to_owned(), None, None) } else { name(series) };
    let last = series.points.len().saturating_sub(1);
    Multiple {
        name,
        type_name,
        scope,
        curve: curve(series, drawn_from),
        first: (last > 0).then(|| figure(list, series, 0, trend, recordings)),
        last: figure(list, series, last, trend, recordings),
        sense: match slope {
            None => "unknown",
            Some(slope) if slope.is_within_error => "unsure",
            Some(slope) if slope.per_session > 0.0 => "up",
            Some(slope) if slope.per_session < 0.0 => "down",
            Some(_) => "same",
        },
        is_unsure: slope.is_some_and(|slope| slope.is_within_error),
        per_session,
        per_hour,
        turn,
    }
}

/// The figure of `series` in the session at `index`.
pub fn figure(
    list: Option<&str>,
    series: &Series,
    index: usize,
    trend: &Trend,
    recordings: &[&Snapshot],
) -> Figure {
    let Some(point) = series.points.get(index) else { return Figure::not_measured() };
    let recording = trend.left_out + index;
    let is_there = list.is_none() || !point.rows.is_empty();
    if !is_recorded(recordings[recording]) || (!is_there && point.estimate.value.is_none()) {
        return Figure::not_measured();
    }
    if !is_there {
        // The session lists everything, and this is not among it.
        return match series.unit {
            Unit::Bytes => Figure::bytes("0", 0),
            Unit::Count => Figure::count("0", 0),
        };
    }
    let at = |field: &str| pointers(recording, list, &point.rows, field);
    let errors =
        if point.estimate.error.is_some() { at(&format!("{}_error", series.field)) } else { Vec::new() };
    estimate(&at(series.field), &point.estimate, series.unit, &errors)
}

/// The formula of each recording's point.
fn formulas(list: Option<&str>, series: &Series, trend: &Trend, recordings: &[&Snapshot]) -> Vec<String> {
    let point = |(index, point): (usize, &crate::trend::SessionPoint)| {
        let recording = trend.left_out + index;
        match point.estimate.value {
            Some(_) => sum(&pointers(recording, list, &point.rows, series.field)),
            None => "null".into(),
        }
    };
    let left_out = recordings.iter().take(trend.left_out).map(|_| "null".to_owned());
    left_out.chain(series.points.iter().enumerate().map(point)).collect()
}

/// The formula of each recording's error.
fn errors(list: Option<&str>, series: &Series, trend: &Trend) -> Vec<String> {
    let field = format!("{}_error", series.field);
    let point = |(index, point): (usize, &crate::trend::SessionPoint)| match point.estimate {
        estimate if estimate.value.is_none() => "null".into(),
        estimate if estimate.error.is_none() => "0".into(),
        _ => root_of_squares(&pointers(trend.left_out + index, list, &point.rows, &field)),
    };
    let left_out = (0..trend.left_out).map(|_| "null".to_owned());
    left_out.chain(series.points.iter().enumerate().map(point)).collect()
}

fn curve(series: &Series, from: String) -> Option<Curve> {
    let points = measured(&series.points);
    let greatest = points.iter().map(|point| point.1).max()?.max(1) as f64;
    let steps = series.points.len().saturating_sub(1).max(1) as f64;
    let x = |session: u64| format!("{:.1}", MARGIN + session as f64 / steps * (WIDTH - 2.0 * MARGIN));
    let y = |value: f64| format!("{:.1}", HEIGHT - MARGIN - value / greatest * (HEIGHT - 2.0 * MARGIN));
    let mut strokes: Vec<Vec<String>> = Vec::new();
    let mut before: Option<u64> = None;
    for &(session, value) in &points {
        if before.is_none_or(|before| before + 1 != session) {
            strokes.push(Vec::new());
        }
        let stroke = strokes.last_mut().expect("one was begun");
        stroke.push(format!("{},{}", x(session), y(value as f64)));
        before = Some(session);
    }
    let place = series.turn.and_then(|turn| points.iter().position(|point| point.0 == turn.session as u64));
    let (one, other) = points.split_at(place.unwrap_or(points.len()));
    let stretch = |points: &[fit::Point]| {
        let heights = fit::heights(points)?;
        Some(Stretch {
            x1: x(points.first()?.0),
            y1: y(*heights.first()?),
            x2: x(points.last()?.0),
            y2: y(*heights.last()?),
        })
    };
    Some(Curve {
        from,
        dots: points.iter().map(|&(session, value)| Dot { x: x(session), y: y(value as f64) }).collect(),
        strokes: strokes.into_iter().filter(|one| one.len() > 1).map(|one| one.join(" ")).collect(),
        lines: [one, other].into_iter().filter_map(stretch).collect(),
    })
}
