//! How large blocks are.

use serde::{Deserialize, Serialize};

/// Blocks of sizes within a range.
///
/// Where every block is recorded, those that live are told by powers of two, and so are the freed ones from 1,024 bytes on. Of
/// smaller blocks that were freed only the sum is known: a row of its own (0 to 1,024), which has no `live_…`. So no block is in
/// two rows, and the sums over what is not null are those of [`Totals`](super::Totals), over a program that stands still (but for
/// `freed_bytes`, which leaves out what reallocations took from blocks). A range without a row holds no block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeRange {
    /// The least size.
    pub from_bytes: u64,
    /// All are below this; `None`: no bound.
    pub below_bytes: Option<u64>,
    /// Blocks that had such a size when they were freed; `None`: not told by this range.
    pub deallocations: Option<u64>,
    /// Standard error of `deallocations`.
    pub deallocations_error: Option<u64>,
    /// Their bytes.
    pub freed_bytes: Option<u64>,
    /// Standard error of `freed_bytes`.
    pub freed_bytes_error: Option<u64>,
    /// Blocks alive now that are so large; `None`: not told by this range.
    pub live_allocations: Option<u64>,
    /// Standard error of `live_allocations`.
    pub live_allocations_error: Option<u64>,
    /// Their bytes.
    pub live_bytes: Option<u64>,
    /// Standard error of `live_bytes`.
    pub live_bytes_error: Option<u64>,
}

impl SizeRange {
    /// The range from 2^`power` to below the next, of which nothing is known yet; the first begins at 0.
    #[cfg(feature = "recorder")]
    pub(crate) fn of_power(power: usize) -> SizeRange {
        SizeRange {
            from_bytes: if power == 0 { 0 } else { 1 << power },
            below_bytes: 1u64.checked_shl(power as u32 + 1),
            ..SizeRange::default()
        }
    }
}
