//! Random numbers: xorshift64 (Marsaglia, "Xorshift RNGs", 2003), the same row of numbers in every run.

/// The state; never 0.
pub(crate) struct Random(u64);

impl Random {
    /// The start of the row that all workloads use.
    pub(crate) const fn seeded() -> Self {
        Random(0x9E37_79B9_7F4A_7C15)
    }

    /// The next number.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`, which fits 32 bits. By multiplication: a division costs as much as what is measured,
    /// and compilers replace it by other code where `end` is a constant.
    #[inline(always)]
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (((self.next() >> 32) * end as u64) >> 32) as usize
    }
}
