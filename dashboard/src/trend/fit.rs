//! Lines through points: a slope, its error, and where one line is not enough.
//!
//! **Slope**, by least squares over points (x, y): `(n·Σxy − Σx·Σy) / (n·Σx² − (Σx)²)`, in whole numbers until the division.
//! Its standard error, where each y has one, follows from that it is a weighted sum of them:
//! `√Σ(x − x̄)²e² / Σ(x − x̄)²`. Fewer than [`FEWEST`] points, or points at one x, have no slope.
//!
//! **Turn.** One line leaves a sum of squared residuals S₁, two lines, before and from some point on, S₂ = the least such sum
//! over all places that leave [`FEWEST`] points on either side. Two lines always fit better; so we ask how much better chance
//! would do. If the points lay on one line with independent normal errors of one size, `q = S₂/S₁` at one given place would be
//! at most r with probability `r^((n−4)/2)`: a Beta((n−4)/2, 1), for S₂ has n − 4 degrees of freedom and S₁ − S₂ has 2. There
//! are n − 5 places. The line turns if `(n−5) · q^((n−4)/2) ≤ `[`CHANCE`] and one line misses some point by a byte or more,
//! and by more than [`ERRORS`] standard errors of that point.

/// Points that a line needs: two always lie on one.
pub const FEWEST: usize = 3;
/// What an estimate may be off by without meaning anything, in standard errors.
pub const ERRORS: f64 = crate::compare::difference::ERRORS;
/// How often straight lines with noise may be called turned.
pub const CHANCE: f64 = 0.01;

/// A whole number of some thing at a whole number of some other.
pub type Point = (u64, u64);

/// The least-squares slope; `None`: too few points, all at one x, or beyond what 128 bits hold.
pub fn slope(points: &[Point]) -> Option<f64> {
    let (numerator, denominator) = fraction(points)?;
    Some(numerator as f64 / denominator as f64)
}

fn fraction(points: &[Point]) -> Option<(i128, i128)> {
    if points.len() < FEWEST {
        return None;
    }
    let n = i128::try_from(points.len()).ok()?;
    // Measured from the first, so that moments of this century are small numbers.
    let first = i128::from(points.iter().map(|point| point.0).min()?);
    let (mut sum_x, mut sum_y, mut sum_xy, mut sum_xx) = (0_i128, 0_i128, 0_i128, 0_i128);
    for &(x, y) in points {
        let (x, y) = (i128::from(x) - first, i128::from(y));
        sum_x += x;
        sum_y += y;
        sum_xy = sum_xy.checked_add(x.checked_mul(y)?)?;
        sum_xx = sum_xx.checked_add(x.checked_mul(x)?)?;
    }
    let numerator = n.checked_mul(sum_xy)?.checked_sub(sum_x.checked_mul(sum_y)?)?;
    let denominator = n.checked_mul(sum_xx)?.checked_sub(sum_x.checked_mul(sum_x)?)?;
    (denominator > 0).then_some((numerator, denominator))
}

/// The standard error of the slope over the moments `at` of figures with the errors `errors`.
pub fn slope_error(at: &[u64], errors: &[f64]) -> f64 {
    let first = at.iter().copied().min().unwrap_or(0);
    let from_first: Vec<f64> = at.iter().map(|&x| (x - first) as f64).collect();
    let mean = from_first.iter().sum::<f64>() / from_first.len() as f64;
    let squares = |x: &f64| (x - mean) * (x - mean);
    let weighted: f64 = from_first.iter().zip(errors).map(|(x, error)| squares(x) * error * error).sum();
    weighted.sqrt() / from_first.iter().map(squares).sum::<f64>()
}

/// Index of the first point of the second line; `None`: one line is enough. `errors`: the points' standard errors, 0 where they
/// are exact.
pub fn turn(points: &[Point], errors: &[f64]) -> Option<usize> {
    let n = points.len();
    if n < 2 * FEWEST {
        return None;
    }
    let one = residuals(points)?;
    let is_missed =
        |(residual, error): (&f64, &f64)| residual.abs() >= 1.0 && residual.abs() > error * ERRORS;
    if !one.iter().zip(errors).any(is_missed) {
        return None;
    }
    let sum = |residuals: &[f64]| residuals.iter().map(|residual| residual * residual).sum::<f64>();
    let one = sum(&one);
    let places = FEWEST..=n - FEWEST;
    let both = |place: usize| Some(sum(&residuals(&points[..place])?) + sum(&residuals(&points[place..])?));
    let all: Vec<f64> = places.clone().map(both).collect::<Option<_>>()?;
    let least = all.iter().copied().fold(f64::INFINITY, f64::min);
    // The first of those that are as good but for what floats lose.
    let (place, two) = places.zip(all).find(|(_, two)| *two <= least + one * 1e-9)?;
    let ratio = two / one;
    let by_chance = (n - 5) as f64 * ratio.powf((n - 4) as f64 / 2.0);
    (by_chance <= CHANCE).then_some(place)
}

/// The line's height over each point's x.
pub fn heights(points: &[Point]) -> Option<Vec<f64>> {
    let slope = slope(points)?;
    let first = points.iter().map(|point| point.0).min()?;
    let from_first = |point: &Point| (point.0 - first) as f64;
    let n = points.len() as f64;
    let mean_x = points.iter().map(from_first).sum::<f64>() / n;
    let mean_y = points.iter().map(|point| point.1 as f64).sum::<f64>() / n;
    Some(points.iter().map(|point| mean_y + slope * (from_first(point) - mean_x)).collect())
}

fn residuals(points: &[Point]) -> Option<Vec<f64>> {
    Some(points.iter().zip(heights(points)?).map(|(point, height)| point.1 as f64 - height).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_places(ys: &[u64]) -> Vec<Point> {
        (0..).zip(ys.iter().copied()).collect()
    }

    fn turned(points: &[Point]) -> Option<usize> {
        turn(points, &vec![0.0; points.len()])
    }

    #[test]
    fn a_slope_is_that_of_least_squares() {
        // Σx = 6, Σy = 21, Σxy = 0·3 + 1·4 + 2·6 + 3·8 = 40, Σx² = 14: (4·40 − 6·21) / (4·14 − 36) = 34/20.
        assert_eq!(slope(&at_places(&[3, 4, 6, 8])), Some(1.7));
        // Heights are 21/4 ± 1.7·1.5 at the ends.
        let heights = heights(&at_places(&[3, 4, 6, 8])).unwrap();
        assert!((heights[0] - 2.7).abs() < 1e-12 && (heights[3] - 7.8).abs() < 1e-12, "{heights:?}");
        // A place without a point is no point: (0, 1), (2, 5), (3, 7) lie on 2x + 1.
        assert_eq!(slope(&[(0, 1), (2, 5), (3, 7)]), Some(2.0));
        // Moments of this century, in ms: 100 bytes in each hour.
        let hour = 3_600_000;
        let start = 1_700_000_000_000;
        let hours = [0, 1, 4].map(|number| (start + number * hour, 50 + number * 100));
        assert_eq!(slope(&hours).unwrap() * hour as f64, 100.0);
    }

    #[test]
    fn what_has_no_slope_has_none() {
        assert_eq!(slope(&[]), None);
        assert_eq!(slope(&at_places(&[1, 2])), None);
        assert_eq!(slope(&[(7, 1), (7, 2), (7, 3)]), None);
        // Nonsense of a hostile file overflows nothing.
        assert_eq!(slope(&[(0, u64::MAX), (u64::MAX, u64::MAX), (1, 0)]), None);
        assert_eq!(turned(&[(0, u64::MAX); 6]), None);
    }

    #[test]
    fn a_slopes_error_is_that_of_a_weighted_sum() {
        // Σ(x − x̄)² = 2 for x = 0, 1, 2; errors 3, 100, 4 weigh 1, 0, 1: √(9 + 16) / 2.
        assert_eq!(slope_error(&[0, 1, 2], &[3.0, 100.0, 4.0]), 2.5);
    }

    #[test]
    fn a_line_that_turns_is_found_where_it_turns() {
        // Flat at 100, then from 160 at the fifth (place 4) 50 more each session: two lines fit exactly, so q = 0.
        assert_eq!(turned(&at_places(&[100, 100, 100, 100, 160, 210, 260])), Some(4));
        // A session that lies on both lines (the fourth, for the second one runs through 100) begins the second.
        assert_eq!(turned(&at_places(&[100, 100, 100, 100, 150, 200, 250])), Some(3));
        // A step with flat sides turns too: the line is another one, though its slope is not.
        assert_eq!(turned(&at_places(&[10, 10, 10, 90, 90, 90])), Some(3));
    }

    #[test]
    fn straight_short_and_noisy_lines_do_not_turn() {
        assert_eq!(turned(&at_places(&[5, 10, 15, 20, 25, 30, 35])), None);
        // Five points leave no place with three on either side.
        assert_eq!(turned(&at_places(&[0, 0, 0, 90, 180])), None);
        // One line through (0,0,3,0,0,3)… x̄ = 2.5, ȳ = 1, Sxy = 3·(−0.5) + 3·2.5 = 6, Sxx = 17.5:
        // S₁ = 18 − 6 − 36/17.5 = 9.943. Either half (0, 0, 3) has ȳ = 1, Sxy = 3, Sxx = 2: 9 − 3 − 4.5 = 1.5, so S₂ = 3.
        // q = 0.302 with n = 6: (6−5)·q¹ = 0.302 is above 0.01.
        assert_eq!(turned(&at_places(&[0, 0, 3, 0, 0, 3])), None);
    }

    /// The threshold itself: of six points q is compared with 0.01 as it is.
    #[test]
    fn the_threshold_is_one_in_a_hundred() {
        // Halves (0, a, 0) and (h, h + a, h): a half's ȳ = a/3, slope 0, sum of squares 2a²/3, so S₂ = 4a²/3.
        // One line: Sxy = (h − 0)·9/2 (the halves' means are h apart, 3 sessions each; a's part is 0 by symmetry: x̄ = 2.5,
        // a·(−1.5) + a·1.5 = 0), Sxx = 17.5, Syy = 6·h²/4 + 4a²/3: S₁ = 1.5h² + 4a²/3 − 20.25h²/17.5 = 0.342857h² + 4a²/3.
        // q = 0.01 where 0.342857h² = 99·4a²/3, h = 19.62a. With a = 100: 1,962.1.
        let points = |h: u64| at_places(&[0, 100, 0, h, h + 100, h]);
        assert_eq!(turned(&points(1_961)), None);
        assert_eq!(turned(&points(1_963)), Some(3));
    }

    /// (0, 0, 0, 90, 90, 90) around its one line: Sxy = 90·(0.5 + 1.5 + 2.5) = 405, Sxx = 17.5, slope 23.14. The line misses
    /// the third point by 45 − 0.5·23.14 = 33.43 most of all, as it does the fourth.
    #[test]
    fn what_estimates_may_be_off_by_is_no_turn() {
        let points = at_places(&[0, 0, 0, 90, 90, 90]);
        assert_eq!(turn(&points, &[16.7; 6]), Some(3));
        assert_eq!(turn(&points, &[16.8; 6]), None);
    }
}
