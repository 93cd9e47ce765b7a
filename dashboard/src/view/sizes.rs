//! Sizes of live blocks by powers of two: of those that the recording lists, which are the largest.
//!
//! A recording holds no size of the others and none of blocks that were freed, so nothing is said of these but how many
//! they are: what is counted in the lowest range, and below it, is less than there is.

use super::geometry::{Bar, bar};
use super::label;
use crate::figure::Figure;
use memscope_runtime::snapshot::{Mode, Snapshot};
use serde::Serialize;
use std::collections::BTreeMap;

/// The panel of sizes.
#[derive(Clone, Debug, Serialize)]
pub struct Sizes {
    /// Where its figures come from.
    pub provenance: label::Term,
    /// Blocks whose sizes are known.
    pub listed: Figure,
    /// One row for each range that holds a block, largest first.
    pub rows: Vec<Range>,
    /// Live blocks whose sizes are not known; `None`: all are.
    pub unlisted: Option<Unlisted>,
    /// Whether blocks are sampled.
    pub is_sampled: bool,
}

/// Blocks of sizes within a range.
#[derive(Clone, Debug, Serialize)]
pub struct Range {
    /// The least size.
    pub from: Figure,
    /// All are below this; `None`: a size of 2^63 bytes or more.
    pub below: Option<Figure>,
    /// How many there are.
    pub blocks: Figure,
    /// Their bytes.
    pub bytes: Figure,
    /// Blocks as a share of those of the range with the most.
    pub blocks_bar: Bar,
    /// Bytes as a share of those of the range with the most.
    pub bytes_bar: Bar,
    /// Whether there may be more, for it is the range of the smallest that are listed.
    pub at_least: bool,
}

/// Live blocks whose sizes are not known.
#[derive(Clone, Debug, Serialize)]
pub struct Unlisted {
    /// How many.
    pub blocks: Figure,
    /// Their bytes.
    pub bytes: Figure,
}

/// The sizes from a power of two on that `bytes` is among: the first, and the first of the next; `None`: there is none.
fn range(bytes: u64) -> (u64, Option<u64>) {
    match bytes.checked_ilog2() {
        None => (0, Some(1)),
        Some(power) => (1 << power, 1_u64.checked_shl(power + 1)),
    }
}

/// The panel for `snapshot`; `None`: it lists no block.
pub fn sizes(snapshot: &Snapshot) -> Option<Sizes> {
    let blocks = &snapshot.blocks;
    let mut ranges: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for block in &blocks.largest {
        let (count, bytes) = ranges.entry(range(block.bytes).0).or_default();
        *count += 1;
        *bytes = bytes.saturating_add(block.bytes);
    }
    let smallest = *ranges.keys().next()?;
    let formula = |function: &str, from: u64| {
        let end = range(from).1.map_or_else(String::new, |below| below.to_string());
        format!("{function}(/blocks/largest/*/bytes, bytes in {from}..{end})")
    };
    let most = |of: fn(&(u64, u64)) -> u64| ranges.iter().max_by_key(|(_, sums)| of(sums));
    let (most_blocks, most_bytes) = (most(|sums| sums.0)?, most(|sums| sums.1)?);
    let row = |(&from, &(count, bytes)): (&u64, &(u64, u64))| {
        let (count_from, bytes_from) = (formula("len", from), formula("sum", from));
        Range {
            from: Figure::bytes(from.to_string(), from),
            below: range(from).1.map(|below| Figure::bytes(below.to_string(), below)),
            blocks_bar: bar(&count_from, count, &formula("len", *most_blocks.0), most_blocks.1.0),
            bytes_bar: bar(&bytes_from, bytes, &formula("sum", *most_bytes.0), most_bytes.1.1),
            blocks: Figure::count(count_from, count),
            bytes: Figure::bytes(bytes_from, bytes),
            at_least: blocks.folded_blocks > 0 && from == smallest,
        }
    };
    Some(Sizes {
        provenance: label::provenance_in(snapshot.mode),
        listed: Figure::count("len(/blocks/largest)", blocks.largest.len() as u64),
        rows: ranges.iter().rev().map(row).collect(),
        unlisted: (blocks.folded_blocks > 0).then(|| Unlisted {
            blocks: Figure::count("/blocks/folded_blocks", blocks.folded_blocks),
            bytes: Figure::bytes("/blocks/folded_bytes", blocks.folded_bytes),
        }),
        is_sampled: snapshot.mode == Mode::Sampling,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_goes_from_a_power_of_two_to_below_the_next() {
        assert_eq!(range(0), (0, Some(1)));
        assert_eq!(range(1), (1, Some(2)));
        assert_eq!((range(31), range(32)), ((16, Some(32)), (32, Some(64))));
        assert_eq!(range(u64::MAX), (1 << 63, None));
    }
}
