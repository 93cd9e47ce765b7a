//! A median with its quartiles.

/// A median with its quartiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) lower: f64,
    pub(crate) median: f64,
    pub(crate) upper: f64,
}

/// The spread of some values; `None` of none.
pub(crate) fn spread(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    if sorted.is_empty() {
        return None;
    }
    Some(Spread {
        lower: quantile(&sorted, 0.25),
        median: quantile(&sorted, 0.5),
        upper: quantile(&sorted, 0.75),
    })
}

/// Between two values, the share of each is by distance (definition 7 of Hyndman and Fan, "Sample Quantiles in
/// Statistical Packages", 1996).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_number_of_values_has_one_in_the_middle() {
        // Sorted 1 2 3 4 5: places 1, 2 and 3 of 0 to 4.
        assert_eq!(spread([5.0, 1.0, 4.0, 2.0, 3.0]), Some(Spread { lower: 2.0, median: 3.0, upper: 4.0 }));
    }

    #[test]
    fn between_two_values_lies_their_mean() {
        // Places 0.75, 1.5 and 2.25 of 0 to 3: 1 + 0.75 × 1, 2 + 0.5 × 2, 4 + 0.25 × 4.
        assert_eq!(spread([1.0, 2.0, 4.0, 8.0]), Some(Spread { lower: 1.75, median: 3.0, upper: 5.0 }));
    }

    #[test]
    fn one_value_is_all_of_them_and_no_value_is_none() {
        assert_eq!(spread([7.0]), Some(Spread { lower: 7.0, median: 7.0, upper: 7.0 }));
        assert_eq!(spread([]), None);
    }
}
