//! How numbers read: the one formatter of bytes, counts, times, shares and addresses, for findings, page and terminal.
//!
//! Invariant: pure functions of the number; what is rounded here is stated exactly beside it by the caller.

/// What every absent figure reads, everywhere.
pub const NOT_MEASURED: &str = "not measured";

/// What an estimate of 0 reads that no sample stands behind.
pub const NO_SAMPLE: &str = "no sample";

/// Separates groups of three digits: a narrow space at which no line breaks.
const GROUP: char = '\u{202f}';

/// `1234567` as `1 234 567` (narrow no-break spaces).
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(GROUP);
        }
        text.push(digit);
    }
    text
}

/// Bytes in the largest binary unit up to GiB that leaves at least one whole, with one decimal.
pub fn bytes(value: u64) -> String {
    in_unit(value, unit_of(value))
}

/// Bytes of an error in the unit of `figure`, which it stands beside, so that the two compare at a glance; in its own
/// unit where it is larger than that or would round to nothing.
pub fn bytes_beside(figure: u64, error: u64) -> String {
    let unit = unit_of(figure);
    let reads_zero = unit > 0 && tenths(error, 1024_u64.pow(unit)) == 0;
    in_unit(error, if reads_zero { unit_of(error) } else { unit.max(unit_of(error)) })
}

/// Names of the powers of 1024.
const BYTE_UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];

/// The power of 1024 in which `value` reads best.
fn unit_of(value: u64) -> u32 {
    let mut unit = u32::from(value >= 1024);
    // 1023.95 KiB rounds to 1024.0 KiB and reads 1.0 MiB.
    while unit > 0 && unit < 3 && tenths(value, 1024_u64.pow(unit)) >= 10_240 {
        unit += 1;
    }
    unit
}

fn in_unit(value: u64, unit: u32) -> String {
    let name = BYTE_UNITS[unit as usize];
    if unit == 0 {
        return format!("{value} {name}");
    }
    let tenths = tenths(value, 1024_u64.pow(unit));
    format!("{}.{} {name}", count(tenths / 10), tenths % 10)
}

/// Milliseconds as ms, s, min or h.
pub fn milliseconds(value: u64) -> String {
    // One decimal of a second rounds 59,950 ms to 60.0 s, of a minute 3,597,000 ms to 60.0 min.
    let (divisor, unit) = match value {
        0..1_000 => return format!("{value} ms"),
        1_000..59_950 => (1_000, "s"),
        59_950..3_597_000 => (60_000, "min"),
        _ => (3_600_000, "h"),
    };
    let tenths = tenths(value, divisor);
    format!("{}.{} {unit}", count(tenths / 10), tenths % 10)
}

/// Microseconds as µs or ms, and from a second on as [`milliseconds`].
pub fn microseconds(value: u64) -> String {
    // One decimal of a millisecond rounds 999,950 µs to 1000.0 ms.
    match value {
        0..1_000 => format!("{value} µs"),
        1_000..999_950 => {
            let tenths = tenths(value, 1_000);
            format!("{}.{} ms", tenths / 10, tenths % 10)
        }
        // The seconds' own rounding, from the microseconds: that of a rounded millisecond would round twice.
        999_950..59_950_000 => {
            let tenths = tenths(value, 1_000_000);
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        _ => milliseconds(value / 1_000),
    }
}

/// A share of one as a percentage with one decimal.
pub fn share(value: f64) -> String {
    format!("{:.1} %", value * 100.0)
}

/// A frequency: whole and grouped from 10 on, with one decimal below.
pub fn rate(value: f64) -> String {
    // A float casts to an integer by saturation, so no rate is too great.
    if value >= 9.95 { count(value.round() as u64) } else { format!("{value:.1}") }
}

/// An address in hexadecimal.
pub fn address(value: u64) -> String {
    format!("{value:#x}")
}

/// A moment given in milliseconds since the Unix epoch, as a UTC date and time.
///
/// The civil date is Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>), for days after the epoch only.
pub fn utc(unix_ms: u64) -> String {
    let seconds = unix_ms / 1000;
    let days = seconds / 86_400 + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// `value / divisor` in tenths, rounded half up, without overflow.
fn tenths(value: u64, divisor: u64) -> u64 {
    let exact = (u128::from(value) * 10 + u128::from(divisor) / 2) / u128::from(divisor);
    u64::try_from(exact).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_in_the_largest_unit_with_one_decimal() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024), "1.0 KiB");
        assert_eq!(bytes(1536), "1.5 KiB");
        // 1 MiB − 1 B is 1023.999 KiB: it must not read "1024.0 KiB".
        assert_eq!(bytes(1024 * 1024 - 1), "1.0 MiB");
        assert_eq!(bytes(5 * 1024 * 1024 * 1024), "5.0 GiB");
        // 2^64 − 1 B is 2^34 GiB less a byte.
        assert_eq!(bytes(u64::MAX), "17\u{202f}179\u{202f}869\u{202f}184.0 GiB");
    }

    #[test]
    fn an_error_reads_in_the_unit_of_its_figure() {
        const MIB: u64 = 1024 * 1024;
        // 0.4 MiB are 409.6 KiB.
        assert_eq!(bytes_beside(12 * MIB, 419_430), "0.4 MiB");
        assert_eq!(bytes_beside(12 * MIB, 10_240), "10.0 KiB");
        assert_eq!(bytes_beside(512, 2 * MIB), "2.0 MiB");
        assert_eq!(bytes_beside(0, 100), "100 B");
        assert_eq!(bytes_beside(12 * MIB, 0), "0 B");
    }

    #[test]
    fn counts_are_grouped_by_three() {
        assert_eq!(count(7), "7");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1\u{202f}000");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
    }

    #[test]
    fn times_change_unit_before_they_would_round_up_to_it() {
        assert_eq!(milliseconds(999), "999 ms");
        assert_eq!(milliseconds(1_250), "1.3 s");
        assert_eq!(milliseconds(59_949), "59.9 s");
        assert_eq!(milliseconds(59_950), "1.0 min");
        assert_eq!(milliseconds(3_600_000), "1.0 h");
    }

    #[test]
    fn short_times_read_in_their_own_unit() {
        assert_eq!(microseconds(999), "999 µs");
        assert_eq!(microseconds(1_250), "1.3 ms");
        assert_eq!(microseconds(999_949), "999.9 ms");
        assert_eq!(microseconds(999_950), "1.0 s");
        // 1.2495 s are 1,250 ms, which would read 1.3 s.
        assert_eq!(microseconds(1_249_500), "1.2 s");
        assert_eq!(microseconds(60_000_000), "1.0 min");
        assert_eq!(microseconds(u64::MAX), milliseconds(u64::MAX / 1_000));
    }

    #[test]
    fn moments_are_civil_dates() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        // `date -u -d @951827696` (a leap day): Tue Feb 29 12:34:56 UTC 2000.
        assert_eq!(utc(951_827_696_000), "2000-02-29 12:34:56 UTC");
    }
}
