//! Which rows of a long list are shown, and what is said of the others.
//!
//! Invariant: an index into the document survives every sorting; what is not shown is counted.

use crate::compare::measure::root_of_squares;
use crate::figure::Figure;
use serde::Serialize;
use std::cmp::Reverse;

/// What a panel does not show.
#[derive(Clone, Debug, Serialize)]
pub struct Folded {
    /// Rows.
    pub rows: Figure,
    /// Their bytes; `None` where the rows have none.
    pub bytes: Option<Figure>,
}

/// The indices of the first `most` rows by descending `key` (absent last, then as they stand), and of the rest.
pub fn ranked<T, K: Ord>(rows: &[T], most: usize, key: impl Fn(&T) -> K) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&index| (Reverse(key(&rows[index])), index));
    let rest = order.split_off(most.min(order.len()));
    (order, rest)
}

/// Says how many rows of the list `list` stand beyond the first `most` by `key`, and the sum of their `field`. `bytes` gives
/// that of a row, and its standard error. No sample counts for two rows of a list, so their errors are independent.
pub fn folded<T>(
    rows: &[T],
    rest: &[usize],
    (list, most, field, key): (&str, usize, &str, &str),
    bytes: impl Fn(&T) -> (Option<u64>, Option<u64>),
) -> Option<Folded> {
    if rest.is_empty() {
        return None;
    }
    let parts: Vec<_> = rest.iter().map(|&index| bytes(&rows[index])).collect();
    let measured: Vec<u64> = parts.iter().filter_map(|part| part.0).collect();
    let sum = (!measured.is_empty()).then(|| measured.iter().fold(0_u64, |sum, &b| sum.saturating_add(b)));
    let errors: Vec<f64> = parts.iter().filter_map(|part| part.1).map(|error| error as f64).collect();
    let error = (!errors.is_empty()).then(|| root_of_squares(&errors).ceil() as u64);
    Some(Folded {
        rows: Figure::count(format!("len({list}) - {most}"), rest.len() as u64),
        bytes: Some(
            Figure::bytes(format!("rest({most}, {list}/*/{field}, {key})"), sum)
                .with_error_of_bytes(format!("hypot_rest({most}, {list}/*/{field}_error, {key})"), error),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_keep_original_indices_and_put_the_unmeasured_last() {
        let rows = [Some(5), None, Some(9), Some(5)];
        let (shown, rest) = ranked(&rows, 3, |row| *row);
        assert_eq!(shown, [2, 0, 3]);
        assert_eq!(rest, [1]);
        let of = ("/variables", 3, "heap_bytes", "heap_bytes");
        let folded = folded(&rows, &rest, of, |row| (*row, None)).unwrap();
        assert_eq!(folded.rows.value, 1);
        // The only folded row is not measured: neither is the sum.
        assert!(!folded.bytes.unwrap().is_measured());
    }
}
