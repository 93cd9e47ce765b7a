//! A figure of a row in several recordings: its formula and how it reads.

use crate::compare::Difference;
use crate::compare::measure::{Estimate, Unit};
use crate::figure::Figure;

/// A figure of two recordings, and where in the document it stands.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// The list that its rows stand in; `None`: it is one of the whole process.
    pub list: Option<&'a str>,
    /// Its rows in each recording.
    pub rows: &'a [Vec<usize>; 2],
    /// The figure.
    pub difference: &'a Difference,
    /// Whether the recordings recorded anything.
    pub recorded: [bool; 2],
}

/// Pointers to `field` of each of `rows` of a recording's `list`.
pub fn pointers(recording: usize, list: Option<&str>, rows: &[usize], field: &str) -> Vec<String> {
    let at = format!("/recordings/{recording}");
    match list {
        None => vec![format!("{at}/{field}")],
        Some(list) => rows.iter().map(|index| format!("{at}/{list}/{index}/{field}")).collect(),
    }
}

/// The sum of `pointers`, as a factor; 0 if there is none.
pub fn sum(pointers: &[String]) -> String {
    match pointers {
        [] => "0".into(),
        [one] => one.clone(),
        several => format!("({})", several.join(" + ")),
    }
}

/// The standard error of the sum or difference of figures whose errors stand at `pointers`.
pub fn root_of_squares(pointers: &[String]) -> String {
    match pointers {
        [] => "0".into(),
        [one] => one.clone(),
        several => {
            let squares: Vec<String> = several.iter().map(|one| format!("{one} * {one}")).collect();
            format!("sqrt({})", squares.join(" + "))
        }
    }
}

/// An estimate that stands at `pointers`.
pub fn estimate(pointers: &[String], estimate: &Estimate, unit: Unit, errors: &[String]) -> Figure {
    let from = sum(pointers);
    let figure = match unit {
        Unit::Bytes => Figure::bytes(from, estimate.value),
        Unit::Count => Figure::count(from, estimate.value),
    };
    let error = estimate.error.map(|error| {
        let beside = estimate.value.unwrap_or(0) as f64;
        Figure::error_beside(root_of_squares(errors), error, beside, unit)
    });
    let figure = figure.with_error(error);
    match pointers {
        // A sum of several bounds stands nowhere.
        [_] => figure.with_upper_bound(estimate.upper_bound),
        _ => figure,
    }
}

/// Where the figure stands in recording number `side`.
pub fn formula(sides: &Sides<'_>, side: usize) -> String {
    sum(&pointers(side, sides.list, &sides.rows[side], sides.difference.field))
}

/// The figure in recording number `side`; `None`: that has no such row.
pub fn figure(sides: &Sides<'_>, side: usize) -> Option<Figure> {
    let value = [sides.difference.base, sides.difference.then][side]?;
    if !sides.recorded[side] {
        return Some(Figure::not_measured());
    }
    let at = pointers(side, sides.list, &sides.rows[side], sides.difference.field);
    Some(estimate(&at, &value, sides.difference.unit, &errors(sides, side)))
}

/// Where the errors of the figure's rows stand, as far as they have some.
fn errors(sides: &Sides<'_>, side: usize) -> Vec<String> {
    let estimate = [sides.difference.base, sides.difference.then][side];
    if estimate.is_none_or(|estimate| estimate.error.is_none()) {
        return Vec::new();
    }
    let field = format!("{}_error", sides.difference.field);
    pointers(side, sides.list, &sides.rows[side], &field)
}

/// The formula of the difference.
pub fn difference(sides: &Sides<'_>) -> String {
    match (sides.difference.base, sides.difference.then) {
        (None, _) => formula(sides, 1),
        (_, None) => format!("0 - {}", formula(sides, 0)),
        _ => format!("{} - {}", formula(sides, 1), formula(sides, 0)),
    }
}

/// The difference, with its error.
pub fn difference_figure(sides: &Sides<'_>) -> Figure {
    if sides.recorded.contains(&false) {
        return Figure::not_measured();
    }
    let unit = sides.difference.unit;
    let value = sides.difference.difference.map(|value| value as f64);
    let at = [errors(sides, 1), errors(sides, 0)].concat();
    // Estimates of which every instance was looked at have an error of 0, and their difference is exact.
    let is_unsampled = sides.difference.difference == Some(0) && sides.difference.is_within_error;
    let error = sides
        .difference
        .error
        .filter(|&error| error > 0.0 || is_unsampled)
        .map(|error| Figure::error_beside(root_of_squares(&at), error, value.unwrap_or(0.0), unit));
    Figure::signed(difference(sides), value, unit).with_error(error)
}
