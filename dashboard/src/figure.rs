//! A number on the page, and where in the document it comes from.
//!
//! Each figure says in `data-from` how to compute it from the snapshot's JSON document, and in `data-value` what
//! came out, so that a test (or a doubting reader) can compute it again. The grammar of `data-from`:
//!
//! ```text
//! formula = product { (" + " | " - ") product }
//! product = factor { (" * " | " / ") factor }          a division by 0 is null
//! factor  = pointer                                    JSON pointer (RFC 6901), e.g. /totals/live_bytes
//!         | integer
//!         | "sum(" rows [", " filter] ")"              sum of what is not null; null if all of one or more are
//!         | "len(" rows [", " filter] ")"              how many rows there are
//!         | "max(" rows ")"                            the greatest; null if there is no row
//!         | "min(" formula ", " formula ")"
//!         | "rest(" integer ", " rows ", " key ")"     sum over all rows but the first `integer` of them in
//!                                                      descending order of `key` (null last, then as they stand)
//! rows    = pointer, in which one token may be "*": every element of that list
//! filter  = key " = " JSON literal                     only elements whose value at `key` is this
//! key     = tokens relative to the element, e.g. inclusive/allocated_bytes
//! ```
//!
//! Any null makes a formula null, except inside `sum`. A null figure reads "not measured".

use crate::units;
use serde::Serialize;
use serde_json::Value;

/// A number as it is shown, with its exact value and its origin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What the page reads.
    pub text: String,
    /// The exact number; null: not measured.
    pub value: Value,
    /// Formula over JSON pointers, see the [module](self); empty where the document has nothing to point at.
    pub from: String,
    /// The exact value in words, where `text` is rounded or needs explaining.
    pub title: Option<String>,
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

    /// A length of time, or a moment since the recording began.
    pub fn ms(from: impl Into<String>, value: impl Into<Option<u64>>) -> Self {
        Self::new(from, value.into(), units::milliseconds, |value| match value {
            0..1000 => None,
            _ => Some(format!("{} ms", units::count(value))),
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
            value: share.map_or(Value::Null, Value::from),
            from: format!("{numerator_from} / {denominator_from}"),
            title: share
                .map(|_| format!("{} of {} bytes", units::count(numerator), units::count(denominator))),
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
            value: rate.map_or(Value::Null, Value::from),
            from: format!("{from} * 1000 / {elapsed_from}"),
            title: rate.map(|_| format!("{} in {} ms", units::count(amount), units::count(elapsed_ms))),
        }
    }

    /// What nobody measured and the document has no place for.
    pub fn not_measured() -> Self {
        Self { text: units::NOT_MEASURED.into(), value: Value::Null, from: String::new(), title: None }
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
        }
    }
}
