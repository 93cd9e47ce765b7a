//! A number on the page, and where in the document it comes from.
//!
//! Each figure says in `data-from` how to compute it from the snapshot's JSON document, and in `data-value` what
//! came out, so that a test (or a doubting reader) can compute it again. The grammar of `data-from`:
//!
//! ```text
//! formula = product { (" + " | " - ") product }
//! product = factor { (" * " | " / ") factor }          a division by 0 is null
//! factor  = "(" formula ")"
//!         | pointer                                    JSON pointer (RFC 6901), e.g. /totals/live_bytes
//!         | "/scopes/" n "/of_thread/" id "/" field    what the thread with this id has of `exclusive/…`, `inclusive/…` or
//!                                                      `calls` in that scope: see below
//!         | integer
//!         | "sum(" rows [", " filter] ")"              sum of what is not null; null if all of one or more are
//!         | "len(" rows [", " filter] ")"              how many rows there are
//!         | "max(" rows ")"                            the greatest; null if there is no row
//!         | "kinds(" rows ")"                          how many different values there are
//!         | "min(" formula ", " formula ")"
//!         | "rest(" integer ", " rows ", " key ")"     sum over all rows but the first `integer` of them in
//!                                                      descending order of `key` (null last, then as they stand)
//!         | "sqrt(" formula ")"                        square root
//!         | "hypot(" rows {", " rows} [", " filter] ")"   root of the sum of squares of what is not null, rounded up to a
//!                                                      whole number: the standard error of a sum of independent estimates
//!         | "hypot_rest(" integer ", " rows ", " key ")"   the same of the rows that `rest` sums
//!         | "within(" pointer ")"                      sum of what it points at in a row of /scopes, and of the same in all
//!                                                      rows below that one
//!         | ("alike(" | "outermost(") scope ", " integer ")"   see below
//!         | ("hypot_alike(" | "hypot_outermost(") scope ", " integer ")"
//!         | "paths(" pointer ", " integer ")"
//!         | "listed(" rows ")"                         sum over the rows of /scopes that a page holds; null if one is
//!         | over several recordings                    see below
//! rows    = pointer, in which one token may be "*": every element of that list
//! filter  = key " = " JSON literal                     only elements whose value at `key` is this
//!         | key " in " integer ".." [integer]          only those whose value is in this range, its end left out
//! key     = tokens relative to the element, e.g. inclusive/allocated_bytes
//! ```
//!
//! What a thread has alone in a scope stands in the row of /scope_threads that names both. Without one it is 0, and its error
//! null or, where rows of /scope_threads have errors, 0; but where a row of the scope names no thread, both are null, for the thread may be
//! one of those that it stands for. `inclusive` is the sum of what is not null over the scope and all below, its error as by
//! `hypot`; null if all are.
//!
//! Any null makes a formula null, except inside `sum`. A null figure reads "not measured".
//!
//! A function is all scopes of one full name (the last of `key`), name (the last of `path`), file and line. Of the rows of
//! /scopes a page holds those with the most inclusive allocated bytes, at most
//! [`MOST_TREE_SCOPES`](crate::view::scope_tree::MOST_TREE_SCOPES). Among these
//!
//! ```text
//! alike(scope, n)       sum of what `scope` points at over all rows of the same function as that one, whose nearest `n`
//!                       callers are of the same functions too; the caller of a row is the row above it, the root's last
//! outermost(scope, n)   the same without the rows that are below another of them, whose inclusive figures hold theirs
//! hypot_…(scope, n)     root of the sum of squares of the same, rounded up, as `hypot`
//! paths(row, n)         how many rows `alike` sums over
//! scope = pointer to a figure of a row of /scopes | "within(" pointer ")"
//! ```
//!
//! The pages over several recordings speak of one document, `{"recordings": [document, …]}`: the baseline and the other one
//! for a comparison, all in time order ([`crate::trend::in_time_order`]) for a trend. So a pointer begins with
//! `/recordings/0`, a difference is `a - b`, its standard error `sqrt(a_error * a_error + b_error * b_error)`. Beside these:
//!
//! ```text
//! classed(list, class)      how many rows of /recordings/*/list, matched by crate::compare, are of this class
//! keys(list)                how many different rows there are, matched so
//! slope(y, …)               least-squares slope of what is not null over its places 0, 1, 2 …; null if it has none
//! slope_over(rows, y, …)    the same over the values of `rows` at these places
//! slope_error(e, …)         standard error of `slope` of figures with these errors; null: no figure at this place
//! slope_error_over(rows, e, …)   that of `slope_over`
//! at_turn(rows, y, …)       the value of `rows` at the first place of the second of two lines (crate::trend::fit); of
//!                           estimates the word "errors" and theirs follow
//! list = "variables" | "scopes" | "types"; y, e = formula | "null"
//! ```
//!
//! What the page's scripts show says where it comes from too: `data-row` points at the row of the document that a text
//! tells of, `data-shown` names the list on the page whose shown items are counted. Of lengths that are drawn see
//! [`crate::view::geometry`].
//!
//! An estimate carries its standard error, a figure of its own, and reads `12.3 MiB ± 0.4 MiB`. Where no sample stands
//! behind it, it never reads `0 ± 0`: it reads its upper bound, `< 1.5 MiB`, or "no sample" where the document has none.

use crate::units;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::fmt;

/// The largest whole number up to which a float holds each: `Number.MAX_SAFE_INTEGER`.
const MOST_OF_A_FLOAT: u64 = (1 << 53) - 1;

/// A whole number in data of the page's scripts: above 2^53 − 1 it is a string of its digits, for JSON's numbers are
/// floats in a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole(pub u64);

impl Serialize for Whole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 > MOST_OF_A_FLOAT {
            serializer.collect_str(&self.0)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

fn exactly<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    match value.as_u64() {
        Some(whole) => Whole(whole).serialize(serializer),
        None => value.serialize(serializer),
    }
}

/// A ratio as JSON: one that is whole without a decimal point, as a browser writes it.
fn ratio(value: f64) -> Value {
    let is_whole = value.fract() == 0.0 && (0.0..=MOST_OF_A_FLOAT as f64).contains(&value);
    if is_whole { Value::from(value as u64) } else { Value::from(value) }
}

/// A number as it is shown, with its exact value and its origin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What the page reads.
    pub text: String,
    /// The exact number; null: not measured. JSON of the view holds a whole one above 2^53 − 1 as a string of its
    /// digits, for a browser would round it.
    #[serde(serialize_with = "exactly")]
    pub value: Value,
    /// Formula over JSON pointers, see the [module](self); empty where the document has nothing to point at.
    pub from: String,
    /// The exact value in words, where `text` is rounded or needs explaining.
    pub title: Option<String>,
    /// One standard error of an estimate, whose text begins with ±; `None`: the figure is exact.
    pub error: Option<Box<Figure>>,
    /// What the figure is below, read in its place; `None`: `text` is read.
    pub bound: Option<Box<Figure>>,
}

/// The figure as text alone: with its error, or its bound.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.bound, &self.error) {
            (Some(bound), _) => write!(f, "{}", bound.text),
            (None, Some(error)) => write!(f, "{} {}", self.text, error.text),
            (None, None) => write!(f, "{}", self.text),
        }
    }
}

impl Figure {
    /// Bytes, rounded to one decimal of their unit.
    pub fn bytes(from: impl Into<String>, value: impl Into<Option<u64>>) -> Self {
        Self::new(from, value.into(), units::bytes, |value| match value {
            0..1024 => None,
            _ => Some(format!("{} bytes", units::count(value))),
        })
    }

    /// A count of things.
    pub fn count(from: impl Into<String>, value: impl Into<Option<u64>>) -> Self {
        Self::new(from, value.into(), units::count, |_| None)
    }

    /// Bytes at `from` with their standard error, which stands at `{from}_error`; `None`: they are exact.
    pub fn estimated_bytes(from: &str, value: impl Into<Option<u64>>, error: Option<u64>) -> Self {
        Self::bytes(from, value).with_error_of_bytes(format!("{from}_error"), error)
    }

    /// The bytes with their standard error, which `from` tells; `None`: they are exact.
    pub fn with_error_of_bytes(self, from: impl Into<String>, error: Option<u64>) -> Self {
        let error = error.map(|error| {
            let text = units::bytes_beside(self.value.as_u64().unwrap_or(0), error);
            Self { text, ..Self::bytes(from, error) }
        });
        self.with_error(error)
    }

    /// A count at `from` with its standard error, which stands at `{from}_error`; `None`: it is exact.
    pub fn estimated_count(from: &str, value: impl Into<Option<u64>>, error: Option<u64>) -> Self {
        Self::count(from, value).with_error(error.map(|error| Self::count(format!("{from}_error"), error)))
    }

    /// The figure as an estimate with the standard error `error`. What is not measured has none; an estimate of 0
    /// with an error of 0 rests on no sample, and says so.
    pub fn with_error(mut self, error: Option<Self>) -> Self {
        let Some(mut error) = error.filter(|_| self.is_measured()) else { return self };
        let is_zero = |figure: &Self| figure.value.as_f64() == Some(0.0);
        if is_zero(&self) && is_zero(&error) {
            self.text = units::NO_SAMPLE.into();
            self.title = Some("No sample stands behind the estimate of 0.".into());
            return self;
        }
        error.text.insert_str(0, "± ");
        self.error = Some(Box::new(error));
        self
    }

    /// Estimated bytes for which no sample was drawn, if there is a `bound`: that, which stands at
    /// `{from}_upper_bound`, is read in their place.
    pub fn with_upper_bound(mut self, bound: Option<u64>) -> Self {
        let Some(bound) = bound else { return self };
        let mut figure = Self::bytes(format!("{}_upper_bound", self.from), bound);
        figure.text.insert_str(0, "< ");
        figure.title = None;
        let exact = |figure: &Self| figure.value.as_u64().filter(|&value| value > 0).map(units::count);
        let estimate = exact(&self).unwrap_or_else(|| "0".into());
        let error = self.error.as_deref().and_then(exact);
        self.title = Some(format!(
            "No sample: below {} bytes with a confidence of 95 %; the estimate itself is {estimate}{}",
            units::count(bound),
            error.map_or(String::new(), |error| format!(" ± {error}"))
        ));
        self.bound = Some(Box::new(figure));
        self
    }

    /// A length of time, or a moment since the recording began.
    pub fn ms(from: impl Into<String>, value: impl Into<Option<u64>>) -> Self {
        Self::new(from, value.into(), units::milliseconds, |value| match value {
            0..1000 => None,
            _ => Some(format!("{} ms", units::count(value))),
        })
    }

    /// A length of time in microseconds.
    pub fn us(from: impl Into<String>, value: impl Into<Option<u64>>) -> Self {
        Self::new(from, value.into(), units::microseconds, |value| match value {
            0..1000 => None,
            _ => Some(format!("{} µs", units::count(value))),
        })
    }

    /// A moment in milliseconds since the Unix epoch.
    pub fn utc(from: impl Into<String>, value: u64) -> Self {
        Self::new(from, Some(value), units::utc, |value| Some(format!("{value} ms since the Unix epoch")))
    }

    /// A number that names something (a line, a thread, a process): no grouping.
    pub fn name(from: impl Into<String>, value: impl Into<Option<u64>>) -> Self {
        Self::new(from, value.into(), |value| value.to_string(), |_| None)
    }

    /// An address, in hexadecimal.
    pub fn address(from: impl Into<String>, value: u64) -> Self {
        Self::new(from, Some(value), units::address, |_| None)
    }

    /// `numerator / denominator` in percent; not measured where the denominator is 0.
    pub fn share(numerator_from: &str, numerator: u64, denominator_from: &str, denominator: u64) -> Self {
        let share = (denominator > 0).then(|| numerator as f64 / denominator as f64);
        Self {
            text: share.map_or_else(|| units::NOT_MEASURED.into(), units::share),
            value: share.map_or(Value::Null, ratio),
            from: format!("{numerator_from} / {denominator_from}"),
            title: share
                .map(|_| format!("{} of {} bytes", units::count(numerator), units::count(denominator))),
            error: None,
            bound: None,
        }
    }

    /// How often something happened in a second, over `elapsed_ms`; not measured where no time passed.
    pub fn per_second(count_from: &str, count: u64, elapsed_from: &str, elapsed_ms: u64) -> Self {
        Self::rate(count_from, count, elapsed_from, elapsed_ms, |rate| format!("{}/s", units::rate(rate)))
    }

    /// How many bytes in a second, over `elapsed_ms`; not measured where no time passed.
    pub fn bytes_per_second(bytes_from: &str, bytes: u64, elapsed_from: &str, elapsed_ms: u64) -> Self {
        Self::rate(bytes_from, bytes, elapsed_from, elapsed_ms, |rate| {
            // A float casts to an integer by saturation, so no rate is too great.
            format!("{}/s", units::bytes(rate.round() as u64))
        })
    }

    fn rate(
        from: &str,
        amount: u64,
        elapsed_from: &str,
        elapsed_ms: u64,
        text: impl Fn(f64) -> String,
    ) -> Self {
        let rate = (elapsed_ms > 0).then(|| amount as f64 * 1000.0 / elapsed_ms as f64);
        Self {
            text: rate.map_or_else(|| units::NOT_MEASURED.into(), text),
            value: rate.map_or(Value::Null, ratio),
            from: format!("{from} * 1000 / {elapsed_from}"),
            title: rate.map(|_| format!("{} in {} ms", units::count(amount), units::count(elapsed_ms))),
            error: None,
            bound: None,
        }
    }

    /// What nobody measured and the document has no place for.
    pub fn not_measured() -> Self {
        Self::new("", None, |_| String::new(), |_| None)
    }

    /// Whether there is a number.
    pub fn is_measured(&self) -> bool {
        !self.value.is_null()
    }

    fn new(
        from: impl Into<String>,
        value: Option<u64>,
        text: impl Fn(u64) -> String,
        title: impl Fn(u64) -> Option<String>,
    ) -> Self {
        Self {
            text: value.map_or_else(|| units::NOT_MEASURED.into(), text),
            value: value.map_or(Value::Null, Value::from),
            from: from.into(),
            title: value.and_then(title),
            error: None,
            bound: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_reads_with_its_error() {
        let figure = Figure::estimated_bytes("/totals/live_bytes", 12_897_485, Some(419_430));
        assert_eq!(figure.to_string(), "12.3 MiB ± 0.4 MiB");
        let error = figure.error.unwrap();
        assert_eq!((&*error.from, error.value.as_u64()), ("/totals/live_bytes_error", Some(419_430)));
        assert_eq!(error.title.unwrap(), "419\u{202f}430 bytes");
        assert_eq!(Figure::estimated_count("/totals/allocations", 40, Some(3)).to_string(), "40 ± 3");
    }

    #[test]
    fn an_exact_or_absent_figure_has_no_error() {
        let exact = Figure::estimated_bytes("/totals/live_bytes", 12_897_485, None);
        assert_eq!(exact, Figure::bytes("/totals/live_bytes", 12_897_485));
        let absent = Figure::estimated_bytes("/types/0/heap_bytes", None, Some(5));
        assert_eq!(absent, Figure::bytes("/types/0/heap_bytes", None));
    }

    #[test]
    fn what_no_sample_stands_behind_never_reads_zero() {
        let figure = Figure::estimated_bytes("/scopes/1/exclusive/live_bytes", 0, Some(0));
        assert_eq!((figure.to_string(), figure.value.as_u64()), ("no sample".into(), Some(0)));
        let figure = figure.with_upper_bound(Some(1_572_864));
        assert_eq!(figure.to_string(), "< 1.5 MiB");
        let title = figure.title.unwrap();
        assert!(title.contains("95 %") && title.starts_with("No sample"), "{title}");
        let bound = figure.bound.unwrap();
        assert_eq!(bound.from, "/scopes/1/exclusive/live_bytes_upper_bound");
        // Nor does a bound of an estimate whose error is not stated.
        let figure = Figure::estimated_bytes("/a", 0, None).with_upper_bound(Some(2_048));
        assert_eq!(figure.to_string(), "< 2.0 KiB");
    }
}
