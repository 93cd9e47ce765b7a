//! What the observer may spend: a share of one processor's time, saved up for a few ticks at most.

/// A share of the time that passes. Spending too much at once is paid back before more is spent.
#[derive(Debug)]
pub(crate) struct Purse {
    /// One part of so many.
    share: u64,
    left_ns: i64,
    most_ns: i64,
    last_ns: u64,
}

impl Purse {
    /// An empty purse at `now_ns`, to get one nanosecond for each `share` that pass, and to hold at most what
    /// `most_ns` of time bring.
    pub(crate) fn new(share: u64, most_ns: u64, now_ns: u64) -> Purse {
        Purse { share, left_ns: 0, most_ns: (most_ns / share) as i64, last_ns: now_ns }
    }

    /// Puts in what the time up to `now_ns` brings.
    pub(crate) fn fill(&mut self, now_ns: u64) {
        let gained = now_ns.saturating_sub(self.last_ns) / self.share;
        self.last_ns = self.last_ns.saturating_add(gained * self.share); // what is left of the division comes next time
        let gained = i64::try_from(gained).unwrap_or(i64::MAX);
        self.left_ns = self.left_ns.saturating_add(gained).min(self.most_ns);
    }

    /// Takes out what was spent.
    pub(crate) fn pay(&mut self, spent_ns: u64) {
        self.left_ns = self.left_ns.saturating_sub(i64::try_from(spent_ns).unwrap_or(i64::MAX));
    }

    /// Whether nothing is owed.
    pub(crate) fn is_free(&self) -> bool {
        self.left_ns >= 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_overspent_is_paid_back_and_savings_are_bounded() {
        // One in 200, at most what 100 ms bring: 500 µs.
        let mut purse = Purse::new(200, 100_000_000, 0);
        assert!(purse.is_free());
        purse.pay(120_000);
        // 10 ms bring 50 µs: paid back with the third tick.
        for (ms, free) in [(10, false), (20, false), (30, true)] {
            purse.fill(ms * 1_000_000);
            assert_eq!(purse.is_free(), free, "at {ms} ms");
        }
        purse.fill(3_600_000_000_000);
        purse.pay(500_000);
        assert!(purse.is_free());
        purse.pay(1);
        assert!(!purse.is_free());
        // 199 ns bring nothing, but with one more they do.
        purse.fill(3_600_000_000_199);
        assert!(!purse.is_free());
        purse.fill(3_600_000_000_200);
        assert!(purse.is_free());
    }
}
