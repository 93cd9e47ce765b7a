//! From runs to figures, round by round.

/// `of` ÷ `to`, round by round. A round in which one of them failed gives nothing.
pub(crate) fn ratios(of: &[Option<f64>], to: &[Option<f64>]) -> impl Iterator<Item = f64> {
    of.iter().zip(to).filter_map(|(of, to)| Some((*of)? / (*to)?))
}

/// `of` − `to`, round by round, as above.
pub(crate) fn differences(of: &[Option<f64>], to: &[Option<f64>]) -> impl Iterator<Item = f64> {
    of.iter().zip(to).filter_map(|(of, to)| Some((*of)? - (*to)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_of_the_same_round() {
        // The machine is half as fast in round 2, for both: 3 ÷ 2 and 6 ÷ 4. Rounds 3 and 4 lack one of the two.
        let of = [Some(3.0), Some(6.0), None, Some(3.0)];
        let to = [Some(2.0), Some(4.0), Some(2.0), None];
        assert_eq!(ratios(&of, &to).collect::<Vec<_>>(), [1.5, 1.5]);
        // 3 − 2 and 6 − 4.
        assert_eq!(differences(&of, &to).collect::<Vec<_>>(), [1.0, 2.0]);
    }
}
