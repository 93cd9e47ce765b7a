//! One figure in two recordings, and what a row's differences make of it.
//!
//! A difference is `then − baseline`. Of estimates its standard error is √(e₁² + e₂²), for the recordings are independent;
//! one that is no more than [`ERRORS`] of these is *within the error*, and nothing is called grown or shrunk by it. Where a
//! side has no sample, so that only an upper bound is known of it, the difference must pass the bound besides.

use super::measure::{Estimate, Unit, root_of_squares};
use serde::Serialize;

/// A difference of estimates is told from chance if it is larger than this many standard errors: 95 % of the differences
/// between two samples of one program lie below it.
pub const ERRORS: f64 = 2.0;

/// One figure in two recordings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Where it stands in its row.
    pub field: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// In the baseline; `None`: that has no such row.
    pub base: Option<Estimate>,
    /// In the other recording; `None`: that has no such row.
    pub then: Option<Estimate>,
    /// `then − base`, in which a row that is not there counts as 0; it ends at ±2^63. `None`: one of them was not measured,
    /// or the row may be folded.
    pub difference: Option<i64>,
    /// Standard error of `difference`; `None`: it is exact.
    pub error: Option<f64>,
    /// Whether the difference may as well be chance.
    pub is_within_error: bool,
}

impl Difference {
    /// Of `base` and `then`, of which one may be missing: because there is no such row, or (`is_unknown`) for nobody can know.
    pub fn new(
        field: &'static str,
        unit: Unit,
        base: Option<Estimate>,
        then: Option<Estimate>,
        is_unknown: bool,
    ) -> Self {
        let value = |side: Option<Estimate>| side.map_or(Some(0), |side| side.value);
        let difference = match (value(base), value(then)) {
            (Some(base), Some(then)) if !is_unknown => {
                let exact = i128::from(then) - i128::from(base);
                Some(i64::try_from(exact).unwrap_or(if exact < 0 { i64::MIN } else { i64::MAX }))
            }
            _ => None,
        };
        let sides: Vec<Estimate> = [base, then].into_iter().flatten().collect();
        let errors: Vec<f64> = sides.iter().filter_map(|side| side.error).collect();
        let error = (difference.is_some() && !errors.is_empty()).then(|| root_of_squares(&errors));
        let bounds: f64 = sides.iter().filter_map(|side| side.upper_bound).map(|bound| bound as f64).sum();
        let is_unsampled = sides.iter().any(Estimate::is_unsampled);
        let slack = error.unwrap_or(0.0) * ERRORS + bounds;
        let is_within_error = difference.is_some_and(|difference| {
            (slack > 0.0 && difference.unsigned_abs() as f64 <= slack) || (difference == 0 && is_unsampled)
        });
        Self { field, unit, base, then, difference, error, is_within_error }
    }

    /// Whether the figures differ by more than chance.
    pub fn is_certain(&self) -> bool {
        !self.is_within_error && self.difference.is_some_and(|difference| difference != 0)
    }

    /// What the row's rank follows: how far the figures lie apart; what is known of them where nobody can say.
    pub fn size(&self) -> u64 {
        let known = || [self.then, self.base].into_iter().flatten().find_map(|side| side.value);
        self.difference.map_or_else(|| known().unwrap_or(0), i64::unsigned_abs)
    }
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// More than before.
    Grown,
    /// Less than before.
    Shrunk,
    /// Not in the baseline, which lists everything.
    New,
    /// In the baseline alone; the other recording lists everything.
    Gone,
    /// The figures differ by no more than chance.
    WithinError,
    /// In one recording alone; the other lists not everything, and may have folded it.
    MayBeFolded,
    /// One recording did not measure what the rows are compared by.
    NotMeasured,
    /// The figures are the same.
    Unchanged,
}

impl Class {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 8] = [
        Self::Grown,
        Self::Shrunk,
        Self::New,
        Self::Gone,
        Self::WithinError,
        Self::MayBeFolded,
        Self::NotMeasured,
        Self::Unchanged,
    ];
}

/// The class of a row that is in both recordings, by the differences of the figures that decide (the first is live bytes), and
/// which of them made it grown or shrunk.
///
/// The first figure whose difference is certain decides: live bytes, and where these are as they were, what follows. If none
/// is and live bytes were not measured, nothing can be said.
pub fn class(deciding: &[Difference]) -> (Class, Option<usize>) {
    if let Some(by) = deciding.iter().position(Difference::is_certain) {
        let is_more = deciding[by].difference.is_some_and(|difference| difference > 0);
        return (if is_more { Class::Grown } else { Class::Shrunk }, Some(by));
    }
    let class = match deciding.first() {
        Some(live) if live.difference.is_none() => Class::NotMeasured,
        _ if deciding.iter().any(|one| one.is_within_error) => Class::WithinError,
        _ => Class::Unchanged,
    };
    (class, None)
}
