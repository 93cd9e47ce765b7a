//! Two recordings, a baseline and one then: what grew, shrank, came and went.
//!
//! ```text
//! two snapshots → keys → groups of rows (matching) → figures of each side (measure) → differences → classes
//! ```
//!
//! Invariants: pure functions of the two snapshots; what one of them did not measure has no difference, and what one of
//! them may have folded is neither new nor gone. Row order: by class as in [`Class::ALL`], then by which figure decided, then by
//! how far apart the figures lie.

pub mod caveat;
pub mod difference;
pub mod matching;
pub mod measure;

pub use caveat::{Caveat, caveats};
pub use difference::{Class, Difference};
use matching::Group;
use measure::{Measure, is_recorded};
use memscope_runtime::snapshot::Snapshot;
use serde::Serialize;
use std::cmp::Reverse;

/// What became of a program's memory from one recording to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What cannot be compared fairly.
    pub caveats: Vec<Caveat>,
    /// The whole process.
    pub totals: Vec<Difference>,
    /// Variables, by scope path, name and type.
    pub variables: Vec<Row>,
    /// Scopes, each by itself, by path.
    pub scopes: Vec<Row>,
    /// Types, by name.
    pub types: Vec<Row>,
}

/// One variable, scope or type.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What became of it.
    pub class: Class,
    /// Which of its `differences` made it grown or shrunk.
    pub by: Option<usize>,
    /// The scope's path; empty for types and for what is outside tracked functions.
    pub scope: Vec<String>,
    /// The scope's full names, where several scopes share its path.
    pub full: Option<Vec<String>>,
    /// The variable's name.
    pub name: Option<String>,
    /// The type's name.
    pub type_name: Option<String>,
    /// Its rows in the baseline and in the other recording; more than one are summed.
    pub rows: [Vec<usize>; 2],
    /// Its figures.
    pub differences: Vec<Difference>,
}

/// Compares `then` with the baseline `base`.
pub fn compare(base: &Snapshot, then: &Snapshot) -> Comparison {
    let both = [base, then];
    let folds = |folded: fn(&Snapshot) -> u64| both.map(|snapshot| folded(snapshot) > 0);
    let totals = measure::OF_TOTALS.iter().map(|measure| {
        let side = |snapshot: &Snapshot| {
            Some(measure.sum(std::slice::from_ref(snapshot), &[0], is_recorded(snapshot)))
        };
        Difference::new(measure.field, measure.unit, side(base), side(then), false)
    });
    Comparison {
        caveats: caveats(base, then),
        totals: totals.collect(),
        variables: rows(
            &matching::variables(&both),
            both.map(|snapshot| (&*snapshot.variables, is_recorded(snapshot))),
            &measure::OF_VARIABLES,
            folds(|snapshot| snapshot.folded.variables.variables),
        ),
        scopes: rows(
            &matching::scopes(&both),
            both.map(|snapshot| (&*snapshot.scopes, is_recorded(snapshot))),
            &measure::OF_SCOPES,
            folds(|snapshot| snapshot.folded.scopes.scopes),
        ),
        types: rows(
            &matching::types(&both),
            both.map(|snapshot| (&*snapshot.types, is_recorded(snapshot))),
            &measure::OF_TYPES,
            folds(|snapshot| snapshot.folded.types),
        ),
    }
}

/// The rows of `groups`, whose lists stand in `lists` beside whether they were recorded; `folds`: whether a recording lists not
/// everything.
fn rows<R>(
    groups: &[Group<'_>],
    lists: [(&[R], bool); 2],
    measures: &[Measure<R>],
    folds: [bool; 2],
) -> Vec<Row> {
    let mut found: Vec<Row> = groups
        .iter()
        .map(|group| {
            let rows = [group.of(0), group.of(1)];
            let is_there = [!rows[0].is_empty(), !rows[1].is_empty()];
            let may_be_folded = (0..2).any(|side| !is_there[side] && folds[side]);
            // Where nothing was recorded nothing is missing.
            let is_unknown = may_be_folded || (0..2).any(|side| !is_there[side] && !lists[side].1);
            let side = |measure: &Measure<R>, number: usize| {
                let (list, is_recorded) = lists[number];
                is_there[number].then(|| measure.sum(list, &rows[number], is_recorded))
            };
            let difference = |measure: &Measure<R>| {
                let (base, then) = (side(measure, 0), side(measure, 1));
                Difference::new(measure.field, measure.unit, base, then, is_unknown)
            };
            let differences: Vec<Difference> = measures.iter().map(difference).collect();
            let deciding = measures.iter().take_while(|measure| measure.decides).count();
            let (class, by) = match is_there {
                _ if may_be_folded => (Class::MayBeFolded, None),
                _ if is_unknown => (Class::NotMeasured, None),
                [false, _] => (Class::New, None),
                [_, false] => (Class::Gone, None),
                _ => difference::class(&differences[..deciding]),
            };
            Row {
                class,
                by,
                scope: group.key.scope.to_vec(),
                full: group.key.full.map(<[String]>::to_vec),
                name: group.key.name.map(str::to_owned),
                type_name: group.key.type_name.map(str::to_owned),
                rows,
                differences,
            }
        })
        .collect();
    // Rows of one rank stay in the order of the recordings, which is that of their names.
    found.sort_by_cached_key(|row| {
        let decided = &row.differences[row.by.unwrap_or(0)];
        (row.class, row.by, Reverse(decided.size()))
    });
    found
}
