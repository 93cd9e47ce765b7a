//! What the tests of `sizes` and `lifetimes` share.

use memscope::model::{Lifetimes, SizeRange, Snapshot};

/// Blocks and bytes.
pub(crate) type Sum = (u64, u64);

/// What was freed of sizes from `from_bytes` to below the double, or to below 1,024 for 0.
pub(crate) fn freed_of_size(snapshot: &Snapshot, from_bytes: u64) -> Sum {
    let below_bytes = if from_bytes == 0 { 1_024 } else { 2 * from_bytes };
    let is_it = |row: &&SizeRange| (row.from_bytes, row.below_bytes) == (from_bytes, Some(below_bytes));
    let row = snapshot.sizes.iter().find(is_it);
    row.map_or((0, 0), |row| (row.deallocations.expect("told"), row.freed_bytes.expect("told")))
}

/// What was freed after at least `from_ms`; `None`: after a time that is not known.
pub(crate) fn freed_after(snapshot: &Snapshot, from_ms: Option<u64>) -> Sum {
    let is_it = |row: &&Lifetimes| match from_ms {
        Some(from_ms) => row.from_ms == from_ms && (from_ms, row.below_ms) != (0, None),
        None => (row.from_ms, row.below_ms) == (0, None),
    };
    let row = snapshot.lifetimes.iter().find(is_it);
    row.map_or((0, 0), |row| (row.deallocations, row.freed_bytes.expect("measured")))
}

/// What came between two sums.
pub(crate) fn more(after: Sum, before: Sum) -> Sum {
    (after.0 - before.0, after.1 - before.1)
}

/// Over a program that stands still the rows sum to the totals.
pub(crate) fn assert_sums(snapshot: &Snapshot) {
    let totals = snapshot.totals;
    let sizes = |figure: fn(&SizeRange) -> Option<u64>| snapshot.sizes.iter().filter_map(figure).sum::<u64>();
    let lifetimes = |figure: fn(&Lifetimes) -> u64| snapshot.lifetimes.iter().map(figure).sum::<u64>();
    assert_eq!(sizes(|row| row.live_allocations), totals.live_allocations);
    assert_eq!(sizes(|row| row.live_bytes), totals.live_bytes);
    assert_eq!(sizes(|row| row.deallocations), totals.deallocations);
    assert_eq!(lifetimes(|row| row.live_allocations), totals.live_allocations);
    assert_eq!(lifetimes(|row| row.live_bytes.expect("measured")), totals.live_bytes);
    assert_eq!(lifetimes(|row| row.deallocations), totals.deallocations);
    assert_eq!(sizes(|row| row.freed_bytes), lifetimes(|row| row.freed_bytes.expect("measured")));
    assert!(snapshot.sizes.is_sorted_by_key(|row| (row.from_bytes, row.below_bytes)));
}

/// The rows of what lives say what the list of all live blocks says.
pub(crate) fn assert_lists(snapshot: &Snapshot) {
    let blocks = &snapshot.blocks;
    assert_eq!(blocks.folded_blocks, 0, "all blocks are listed");
    for row in &snapshot.sizes {
        let Some(live) = row.live_allocations.zip(row.live_bytes) else { continue };
        let within = blocks.largest.iter().map(|block| block.bytes);
        let within =
            within.filter(|&bytes| row.from_bytes <= bytes && row.below_bytes.is_none_or(|end| bytes < end));
        assert_eq!(live, (within.clone().count() as u64, within.sum()), "from {} bytes", row.from_bytes);
    }
    let (unknown, known) = snapshot.lifetimes.split_last().expect("they are measured");
    assert_eq!((unknown.from_ms, unknown.below_ms), (0, None));
    for row in known {
        let ages = blocks.largest.iter().map(|block| snapshot.program.elapsed_ms - block.allocated_ms);
        let within =
            ages.filter(|&age| row.from_ms <= age && row.below_ms.is_none_or(|end| age < end)).count() as u64;
        // Of what was allocated before the first tracked function ran the age may not be known.
        assert!((row.live_allocations..=row.live_allocations + unknown.live_allocations).contains(&within));
    }
}
