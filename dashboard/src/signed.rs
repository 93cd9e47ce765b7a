//! Figures with a sign: differences between recordings, slopes over them, and their errors, which are no whole numbers.
//!
//! Invariant: the sign is always read, `+` or `−`, but for 0; what is below a unit keeps one decimal.

use crate::compare::measure::Unit;
use crate::figure::Figure;
use crate::units;
use serde_json::Value;

/// Names of the powers of 1024.
const BYTE_UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
/// Whole numbers below this are exact in a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Figure {
    /// `value`, which is more or less than nothing; `None`: not measured.
    pub fn signed(from: impl Into<String>, value: Option<f64>, unit: Unit) -> Self {
        let mut figure = Self::not_measured();
        figure.from = from.into();
        let Some(value) = value else { return figure };
        figure.value = number(value);
        figure.text = format!("{}{}", sign(value), magnitude(value.abs(), unit, power(value.abs())));
        let is_rounded = unit == Unit::Bytes && value.abs() >= 1024.0;
        figure.title = is_rounded.then(|| format!("{}{} bytes", sign(value), decimal(value.abs())));
        figure
    }

    /// The standard error `error` of a figure that reads `beside`, in the unit of that.
    pub fn error_beside(from: impl Into<String>, error: f64, beside: f64, unit: Unit) -> Self {
        let mut figure = Self::not_measured();
        let reads_zero = (error * 10.0 / 1024_f64.powi(power(beside.abs()))).round() == 0.0;
        let power = if reads_zero { power(error) } else { power(beside.abs()).max(power(error)) };
        figure.from = from.into();
        figure.value = number(error);
        // Nobody needs the tenths of an error of a hundred; the exact one stands in the title.
        let is_small = error < 100.0;
        figure.text =
            magnitude(if unit == Unit::Count && !is_small { error.round() } else { error }, unit, power);
        figure.title = match unit {
            Unit::Bytes => (power > 0).then(|| format!("{} bytes", decimal(error))),
            Unit::Count => (!is_small && error.fract() != 0.0).then(|| decimal(error)),
        };
        figure
    }

    /// How much more `then` is than `base`, as a share of that; `None` where the base is 0, or the share would read so.
    pub fn growth(base_from: &str, base: u64, then_from: &str, then: u64) -> Option<Self> {
        let share = (base > 0).then(|| (then as f64 - base as f64) / base as f64)?;
        // It would read 0.0 %, of something that is not 0.
        if share.abs() < 0.0005 {
            return None;
        }
        let mut figure = Self::not_measured();
        figure.from = format!("({then_from} - {base_from}) / {base_from}");
        figure.value = number(share);
        figure.text = format!("{}{} %", sign(share), one_decimal(share.abs() * 100.0));
        Some(figure)
    }
}

/// A whole number as such.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < EXACT { Value::from(value as i64) } else { Value::from(value) }
}

fn sign(value: f64) -> &'static str {
    match value {
        _ if value > 0.0 => "+",
        _ if value < 0.0 => "\u{2212}",
        _ => "",
    }
}

/// The power of 1024 in which so many bytes read best.
fn power(value: f64) -> i32 {
    let mut power = i32::from(value >= 1024.0);
    // 1023.95 KiB rounds to 1024.0 KiB and reads 1.0 MiB.
    while power > 0 && power < 3 && (value * 10.0 / 1024_f64.powi(power)).round() >= 10_240.0 {
        power += 1;
    }
    power
}

fn magnitude(value: f64, unit: Unit, power: i32) -> String {
    match unit {
        Unit::Count => decimal(value),
        Unit::Bytes if power == 0 => format!("{} B", decimal(value)),
        Unit::Bytes => {
            format!("{} {}", one_decimal(value / 1024_f64.powi(power)), BYTE_UNITS[power as usize])
        }
    }
}

/// Whole, or with one decimal where it is not.
fn decimal(value: f64) -> String {
    // A float casts to an integer by saturation, so nothing is too great.
    if value.fract() == 0.0 { units::count(value as u64) } else { one_decimal(value) }
}

fn one_decimal(value: f64) -> String {
    let tenths = (value * 10.0).round() as u64;
    format!("{}.{}", units::count(tenths / 10), tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(value: f64) -> String {
        Figure::signed("/a", Some(value), Unit::Bytes).text
    }

    #[test]
    fn a_difference_reads_with_its_sign() {
        assert_eq!(bytes(1536.0), "+1.5 KiB");
        assert_eq!(bytes(-1536.0), "−1.5 KiB");
        assert_eq!(bytes(0.0), "0 B");
        assert_eq!(bytes(-7.0), "−7 B");
        // A slope of a third of a byte.
        assert_eq!(bytes(1.0 / 3.0), "+0.3 B");
        // 1 MiB − 1 B is 1023.999 KiB.
        assert_eq!(bytes(-1_048_575.0), "−1.0 MiB");
        let figure = Figure::signed("/a", Some(-1_048_575.0), Unit::Bytes);
        assert_eq!(figure.title.unwrap(), "−1\u{202f}048\u{202f}575 bytes");
        assert_eq!(figure.value.to_string(), "-1048575");
        assert_eq!(Figure::signed("/a", Some(1234.0), Unit::Count).text, "+1\u{202f}234");
        assert_eq!(Figure::signed("/a", None, Unit::Count).text, "not measured");
    }

    #[test]
    fn an_error_reads_in_the_unit_of_its_figure() {
        let error = |error, beside| Figure::error_beside("/a", error, beside, Unit::Bytes).text;
        // 0.4 MiB are 419,430.4 bytes.
        assert_eq!(error(419_430.4, -12_897_485.0), "0.4 MiB");
        assert_eq!(error(10_240.0, 12_897_485.0), "10.0 KiB");
        assert_eq!(error(2.5, 0.0), "2.5 B");
        assert_eq!(error(2_097_152.0, 1.0), "2.0 MiB");
    }

    #[test]
    fn growth_is_a_share_of_what_was() {
        // 150 of 100 is half more, 75 of 100 a quarter less; of nothing there is no share.
        assert_eq!(Figure::growth("/b", 100, "/a", 150).unwrap().text, "+50.0 %");
        assert_eq!(Figure::growth("/b", 100, "/a", 75).unwrap().text, "−25.0 %");
        assert!(Figure::growth("/b", 0, "/a", 75).is_none());
        assert!(Figure::growth("/b", 100_000, "/a", 100_049).is_none());
    }
}
