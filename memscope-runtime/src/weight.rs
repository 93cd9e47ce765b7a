//! Which executions of a place are kept, and for how many each of them stands.
//!
//! The first [`KEPT_IN_FULL`] are kept one and all. From then on each is kept by lot, with a probability that halves
//! whenever the executions have doubled: so a place of n executions keeps about 1,000 + 500 log2(n / 1,000) of them,
//! and half of what is kept in any stretch that doubles n lies in that stretch. One that is kept stands for 1 / π
//! executions, its weight, a whole number for π is a power of two.
//!
//! The lot of an execution is a hash of its number, so that nothing needs to be remembered between two of them, and the
//! same program keeps the same ones: what changes between two recordings is then the program rather than the lot.

/// Executions of a place that are all kept. A program that declares or binds less often in one place is told of
/// exactly; what is kept of a thousand takes about 1 MB with its names and blocks.
pub(crate) const KEPT_IN_FULL: u64 = 1_000;

/// The weight of execution `number` (from 0) of a place; `None`: it is not kept.
pub(crate) fn of_execution(seed: u64, number: u64) -> Option<u64> {
    let halvings = (number / KEPT_IN_FULL).checked_ilog2().map_or(0, |doublings| doublings + 1);
    (mix(seed, number).trailing_zeros() >= halvings).then_some(1 << halvings)
}

/// Output `number` of the generator SplitMix64 that begins with `seed` (Steele, Lea and Flood, "Fast splittable
/// pseudorandom number generators", 2014, figure 17).
pub(crate) fn mix(seed: u64, number: u64) -> u64 {
    let state = seed.wrapping_add(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed(state)
}

/// What SplitMix64 makes of a state.
pub(crate) fn mixed(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The share in the variance of a sample that was booked for `booked` and stands for `exact`: see `estimate.rs`.
pub(crate) fn variance(booked: u64, exact: u64) -> f64 {
    booked as f64 * (booked as f64 - exact as f64)
}

/// The standard error behind a variance, rounded up. Rounding of sums can leave a little below 0 of what is none.
pub(crate) fn standard_error(variance: f64) -> u64 {
    variance.max(0.0).sqrt().ceil() as u64
}

/// A sum over what is kept, each by its weight, and the variance of that sum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sum {
    pub(crate) value: u64,
    pub(crate) variance: f64,
}

impl Sum {
    /// Adds a figure of something that stands for `weight` of its kind.
    pub(crate) fn add(&mut self, exact: u64, weight: u64) {
        let booked = exact.saturating_mul(weight);
        self.value = self.value.saturating_add(booked);
        if weight > 1 {
            self.variance += variance(booked, exact);
        }
    }

    /// Takes out again what [`Sum::add`] added.
    pub(crate) fn take_out(&mut self, exact: u64, weight: u64) {
        let booked = exact.saturating_mul(weight);
        self.value = self.value.saturating_sub(booked);
        if weight > 1 {
            self.variance -= variance(booked, exact);
        }
    }

    pub(crate) fn add_sum(&mut self, other: Sum) {
        self.value = self.value.saturating_add(other.value);
        self.variance += other.variance;
    }

    pub(crate) fn error(&self) -> u64 {
        standard_error(self.variance)
    }
}

/// How many of `whole` executions are of a kind of which `part` says what was kept, and `rest` of all other kinds.
///
/// The whole is known, so this is its share by weights: unlike the sum of weights it says 0 of a kind that none is of,
/// and the whole where all are. Its variance is that of the share's linearised residuals (Särndal, Swensson and
/// Wretman, "Model assisted survey sampling", 1992, 5.7). Where none was kept it is a half, give or take a half.
pub(crate) fn share(whole: u64, part: Sum, rest: Sum) -> Sum {
    let kept = part.value as f64 + rest.value as f64;
    if kept == 0.0 {
        let half = whole as f64 / 2.0;
        return Sum { value: half as u64, variance: half * half };
    }
    let ratio = part.value as f64 / kept;
    let residuals = (1.0 - ratio).powi(2) * part.variance + ratio.powi(2) * rest.variance;
    Sum { value: (whole as f64 * ratio).round() as u64, variance: (whole as f64 / kept).powi(2) * residuals }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_samples_share_is_that_of_horvitz_and_thompson() {
        // Drawn with π = 1/4, 10 bytes are booked as 40: n² (1 − π) / π² = 100 × 0.75 × 16 = 1,200 = 40 × (40 − 10).
        assert_eq!(variance(40, 10), 1_200.0);
        assert_eq!(variance(10, 10), 0.0, "what is always in has no error");
        assert_eq!(standard_error(1_200.0), 35); // 34.64…
        assert_eq!(standard_error(-1e-9), 0);
    }

    #[test]
    fn splitmix_is_the_published_one() {
        // The first outputs of the reference implementation (https://prng.di.unimi.it/splitmix64.c) for seed 1234567.
        assert_eq!(
            [0, 1].map(|number| mix(1_234_567, number)),
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
    }

    #[test]
    fn the_probability_halves_when_executions_double_and_the_weight_is_its_inverse() {
        let kept = |from, to| (from..to).filter_map(|number| of_execution(1, number)).collect::<Vec<u64>>();
        assert_eq!(kept(0, 1_000), [1; 1_000]);
        for (from, weight) in [(1_000, 2), (2_000, 4), (4_000, 8), (64_000, 128)] {
            let kept = kept(from, 2 * from);
            assert!(kept.iter().all(|&each| each == weight), "{from}");
            // `from` draws with π = 1 / weight: 500 of them, with a standard deviation below √500 = 22.4; four of those.
            assert!((410..590).contains(&kept.len()), "{from}: {}", kept.len());
        }
        assert!(of_execution(0, u64::MAX).is_none_or(|weight| weight == 1 << 55)); // 2^64 / 1,000 lies in 2^54 … 2^55
    }

    #[test]
    fn a_share_of_a_known_whole_is_sure_where_all_are_of_one_kind() {
        let mut some = Sum::default();
        (0..30).for_each(|_| some.add(1, 4));
        assert_eq!(some, Sum { value: 120, variance: 30.0 * 12.0 }); // 4 × (4 − 1) each
        assert_eq!(share(100, some, Sum::default()), Sum { value: 100, variance: 0.0 });
        assert_eq!(share(100, Sum::default(), some), Sum { value: 0, variance: 0.0 });
        // Half and half, each residual ±1/2: (120/240)² × (1/4 × 360 + 1/4 × 360) = 45.
        assert_eq!(share(120, some, some), Sum { value: 60, variance: 45.0 });
        assert_eq!(share(3, Sum::default(), Sum::default()), Sum { value: 1, variance: 2.25 });
        // Without weights above 1 all is known.
        let mut exact = Sum::default();
        (0..7).for_each(|_| exact.add(1, 1));
        assert_eq!(share(7, exact, Sum::default()), Sum { value: 7, variance: 0.0 });
    }
}
