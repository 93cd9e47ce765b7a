//! The page of two recordings.

use super::compare_head::{self, Recording};
use super::first_line::Part;
use super::geometry::Bar;
use super::label::{self, Term};
use super::side::{self, Sides};
use crate::compare::measure::{self, Measure};
use crate::compare::{Class, Comparison, Difference, Row};
use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::Snapshot;
use serde::Serialize;

/// Rows of each class on the page at most: variables, scopes, types. A row takes some 1.3 KB, with errors 1.9 KB, and
/// seven classes are listed.
pub const MOST_ROWS: [usize; 3] = [100, 60, 40];

/// Everything on the page.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// Both programs.
    pub title: String,
    /// What is compared, in a sentence.
    pub first_line: Vec<Part>,
    /// What cannot be compared fairly, each in a sentence.
    pub caveats: Vec<Vec<Part>>,
    /// The baseline and the other one.
    pub recordings: Vec<Recording>,
    /// How the figures of memory are known.
    pub provenance: Provenance,
    /// Sums over the process.
    pub totals: Vec<Cell>,
    /// Variables, scopes, types.
    pub panels: Vec<Panel>,
}

/// How figures of several recordings are known.
#[derive(Clone, Debug, Serialize)]
pub struct Provenance {
    /// Of the newest.
    pub key: &'static str,
    /// Of each, where they are not all one.
    pub name: String,
}

impl Provenance {
    /// Of figures of memory in `recordings`.
    pub fn of(recordings: &[&Snapshot]) -> Self {
        let terms: Vec<Term> = recordings.iter().map(|one| label::provenance_in(one.mode)).collect();
        let mut names: Vec<&str> = terms.iter().map(|term| term.name).collect();
        names.dedup();
        names.truncate(3);
        Self { key: terms.last().map_or("not_measured", |term| term.key), name: names.join(", then ") }
    }
}

/// One kind of rows.
#[derive(Clone, Debug, Serialize)]
pub struct Panel {
    /// Its place on the page.
    pub id: &'static str,
    /// Its name.
    pub heading: &'static str,
    /// What its rows are matched by, and what they are.
    pub lead: &'static str,
    /// How its figures are known.
    pub provenance: Provenance,
    /// Names of the figures.
    pub columns: Vec<&'static str>,
    /// How many rows are of which class; classes without a row are left out.
    pub classes: Vec<ClassCount>,
    /// The rows.
    pub rows: Vec<RowView>,
    /// Rows that are listed.
    pub listed: Figure,
    /// Rows that there are.
    pub total: Figure,
}

/// How many rows are of a class.
#[derive(Clone, Debug, Serialize)]
pub struct ClassCount {
    /// The class.
    pub class: Term,
    /// How many.
    pub count: Figure,
    /// Whether its rows are listed.
    pub is_listed: bool,
    /// How many of them are not, for there are too many.
    pub folded: Option<Figure>,
}

/// A row.
#[derive(Clone, Debug, Serialize)]
pub struct RowView {
    /// What became of it.
    pub class: Term,
    /// Where it is grown or shrunk, where that is not in live bytes: "in total", "at the peak".
    pub by: Option<String>,
    /// What it is called.
    pub name: String,
    /// The variable's type.
    pub type_name: Option<String>,
    /// Where it is.
    pub scope: Option<String>,
    /// How far its live bytes went, as a share of how far any row's did; `None`: they are as they were.
    pub bar: Option<Bar>,
    /// Its figures.
    pub cells: Vec<Cell>,
}

/// One figure in both recordings.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// What it is called.
    pub label: &'static str,
    /// In the baseline; `None`: that has no such row.
    pub base: Option<Figure>,
    /// In the other recording; `None`: that has no such row.
    pub then: Option<Figure>,
    /// How far they lie apart; `None`: nobody knows, for the row may be folded.
    pub difference: Option<Figure>,
    /// The difference as a share of what was.
    pub growth: Option<Figure>,
    /// `up`, `down`, `same`, `unsure` (within the error) or `unknown`.
    pub sense: &'static str,
    /// Whether the difference is within the error.
    pub is_unsure: bool,
    /// Whether there are two figures to show: some are measured, and they are not one.
    pub has_sides: bool,
    /// Whether both have the same, and something.
    pub is_same: bool,
}

/// The name of `class`, and what it says.
pub fn class(class: Class) -> Term {
    let (key, name, meaning) = match class {
        Class::Grown => ("grown", "grown", "More than in the baseline."),
        Class::Shrunk => ("shrunk", "shrunk", "Less than in the baseline."),
        Class::New => ("new", "new", "Not in the baseline, which lists everything."),
        Class::Gone => ("gone", "gone", "In the baseline alone; the other recording lists everything."),
        Class::WithinError => (
            "within_error",
            "within the error",
            "The figures are estimates that differ by no more than twice the standard error of their difference.",
        ),
        Class::MayBeFolded => (
            "may_be_folded",
            "may be folded",
            "In one recording alone; the other lists not everything, and may have folded it.",
        ),
        Class::NotMeasured => {
            ("not_measured", "not measured", "One recording did not measure what the rows are compared by.")
        }
        Class::Unchanged => ("unchanged", "unchanged", "The same in both."),
    };
    Term { key, name, meaning }
}

/// The page for `comparison` of `then` with `base`.
pub fn page(base: &Snapshot, then: &Snapshot, comparison: &Comparison) -> Page {
    let both = [base, then];
    let recorded = both.map(measure::is_recorded);
    let provenance = Provenance::of(&both);
    let totals = measure::OF_TOTALS.iter().zip(&comparison.totals).map(|(measure, difference)| {
        let rows = [vec![0], vec![0]];
        cell(measure.label, &Sides { list: None, rows: &rows, difference, recorded })
    });
    Page {
        title: compare_head::title(&both),
        first_line: compare_head::first_line(base, then),
        caveats: comparison.caveats.iter().map(|one| compare_head::caveat(one, base, then)).collect(),
        recordings: both.into_iter().enumerate().map(|(at, one)| compare_head::recording(at, one)).collect(),
        totals: totals.collect(),
        panels: vec![
            panel(
                ("variables", "Variables", MOST_ROWS[0]),
                "Matched by scope path, name and type. Live and peak are the bytes of a variable's own blocks.",
                &comparison.variables,
                labels(&measure::OF_VARIABLES),
                (recorded, &provenance),
            ),
            panel(
                ("scopes", "Scopes", MOST_ROWS[1]),
                "Matched by path. Each scope by itself, without what is below it; at the peak is at the moment of the \
                 process's peak.",
                &comparison.scopes,
                labels(&measure::OF_SCOPES),
                (recorded, &provenance),
            ),
            panel(
                ("types", "Types", MOST_ROWS[2]),
                "Matched by name, with all parameters. The sums of their variables.",
                &comparison.types,
                labels(&measure::OF_TYPES),
                (recorded, &provenance),
            ),
        ],
        provenance,
    }
}

fn labels<R>(measures: &[Measure<R>]) -> Vec<&'static str> {
    measures.iter().map(|measure| measure.label).collect()
}

fn panel(
    (id, heading, most): (&'static str, &'static str, usize),
    lead: &'static str,
    rows: &[Row],
    columns: Vec<&'static str>,
    (recorded, provenance): ([bool; 2], &Provenance),
) -> Panel {
    let listed = listed(rows, most);
    let live = |row: &Row| row.differences[0].difference;
    let furthest =
        listed.iter().filter(|row| live(row).is_some()).max_by_key(|row| row.differences[0].size());
    let views = listed.iter().map(|row| row_view(id, row, &columns, recorded, furthest.copied()));
    let counts = Class::ALL.into_iter().filter_map(|one| {
        let count = rows.iter().filter(|row| row.class == one).count();
        let from = format!("classed({id}, {})", class(one).key);
        let is_listed = one != Class::Unchanged;
        let folded = (is_listed && count > most)
            .then(|| Figure::count(format!("{from} - {most}"), (count - most) as u64));
        (count > 0).then(|| ClassCount {
            class: class(one),
            count: Figure::count(from, count as u64),
            is_listed,
            folded,
        })
    });
    Panel {
        id,
        heading,
        lead,
        provenance: provenance.clone(),
        classes: counts.collect(),
        rows: views.collect(),
        listed: listed_figure(id, rows, most, listed.len()),
        total: Figure::count(format!("keys({id})"), rows.len() as u64),
        columns: columns.clone(),
    }
}

/// The first `most` rows of each class but the unchanged.
pub fn listed(rows: &[Row], most: usize) -> Vec<&Row> {
    let mut taken = [0; Class::ALL.len()];
    rows.iter()
        .filter(|row| row.class != Class::Unchanged)
        .filter(|row| {
            taken[row.class as usize] += 1;
            taken[row.class as usize] <= most
        })
        .collect()
}

fn listed_figure(id: &str, rows: &[Row], most: usize, listed: usize) -> Figure {
    let is_there = |one: &Class| *one != Class::Unchanged && rows.iter().any(|row| row.class == *one);
    let parts: Vec<String> = Class::ALL
        .into_iter()
        .filter(is_there)
        .map(|one| format!("min(classed({id}, {}), {most})", class(one).key))
        .collect();
    let from = if parts.is_empty() { "0".to_owned() } else { parts.join(" + ") };
    Figure::count(from, listed as u64)
}

fn row_view(
    list: &'static str,
    row: &Row,
    columns: &[&'static str],
    recorded: [bool; 2],
    furthest: Option<&Row>,
) -> RowView {
    let sides = |row: &Row, number: usize| {
        let sides =
            Sides { list: Some(list), rows: &row.rows, difference: &row.differences[number], recorded };
        (side::difference(&sides), row.differences[number].difference)
    };
    let bar = furthest.and_then(|furthest| match (sides(row, 0), sides(furthest, 0)) {
        ((one, Some(part)), (most, Some(whole))) if part != 0 => Some(Bar {
            width: format!("{:.2}", part.unsigned_abs() as f64 / whole.unsigned_abs() as f64 * 100.0),
            from: format!("{} / {}", upwards(&one, part), upwards(&most, whole)),
        }),
        _ => None,
    });
    let is_variable = row.name.is_some();
    let scope = label::scope(&row.scope);
    let full = row.full.as_ref().map(|full| visible(&full.join(" › ")));
    let is_type = list == "types";
    let (name, scope) = match (&row.name, &row.type_name) {
        (Some(name), _) => (visible(name), Some(scope)),
        (None, Some(type_name)) if is_type => (visible(type_name), None),
        _ => (row.scope.last().map_or_else(|| scope.clone(), |name| visible(name)), full.or(Some(scope))),
    };
    let cells = columns.iter().zip(&row.differences).map(|(label, difference)| {
        cell(label, &Sides { list: Some(list), rows: &row.rows, difference, recorded })
    });
    RowView {
        class: class(row.class),
        by: row.by.filter(|&by| by > 0).map(|by| match columns[by] {
            moment if moment.starts_with("at ") => moment.to_owned(),
            label => format!("in {label}"),
        }),
        name,
        type_name: is_variable
            .then(|| row.type_name.as_deref().map_or_else(|| "type not known".into(), visible)),
        scope,
        bar,
        cells: cells.collect(),
    }
}

/// The formula `from`, whose value has the sign of `value`, turned so that it is not negative.
fn upwards(from: &str, value: i64) -> String {
    if value < 0 { format!("(0 - ({from}))") } else { format!("({from})") }
}

/// The figure in both recordings.
pub fn cell(label: &'static str, sides: &Sides<'_>) -> Cell {
    let Difference { difference, .. } = *sides.difference;
    let value = |side: Option<measure::Estimate>| side.and_then(|side| side.value);
    let (base, then) = (value(sides.difference.base), value(sides.difference.then));
    let is_known = sides.difference.base.is_some() && sides.difference.then.is_some();
    let growth = match (base, then, difference) {
        (Some(base), Some(then), Some(difference)) if difference != 0 => {
            Figure::growth(&side::formula(sides, 0), base, &side::formula(sides, 1), then)
        }
        _ => None,
    };
    Cell {
        label,
        base: side::figure(sides, 0),
        then: side::figure(sides, 1),
        difference: (difference.is_some() || is_known).then(|| side::difference_figure(sides)),
        growth,
        sense: match difference {
            None => "unknown",
            Some(_) if sides.difference.is_within_error => "unsure",
            Some(0) => "same",
            Some(difference) => {
                if difference > 0 {
                    "up"
                } else {
                    "down"
                }
            }
        },
        is_unsure: sides.difference.is_within_error,
        has_sides: base.or(then).is_some() && difference != Some(0),
        is_same: is_known && difference == Some(0) && then != Some(0),
    }
}
