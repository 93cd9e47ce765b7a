//! What is so of every map by address.
#![allow(unreachable_pub, reason = "each test file uses it")]

use memscope::model::Snapshot;

/// Waits until the harness's own thread waits for the test's: what it allocates while a snapshot is taken is in the map and not yet
/// in the totals, or in the totals and no more in the map.
pub fn wait_for_the_harness() {
    std::thread::sleep(std::time::Duration::from_millis(200));
}

/// The cells hold all live blocks, each once, and lie in their regions one behind the other; and so does each of the largest
/// blocks, which are listed with their addresses.
pub fn assert_sums(snapshot: &Snapshot) {
    let (regions, cells) = (&snapshot.memory_map.regions, &snapshot.memory_map.cells);
    assert_eq!(cells.iter().map(|cell| cell.live_bytes).sum::<u64>(), snapshot.totals.live_bytes);
    assert_eq!(cells.iter().map(|cell| cell.blocks).sum::<u64>(), snapshot.totals.live_allocations);
    assert!(!cells.is_empty() && cells.len() <= 4_096, "{}", cells.len());
    for cell in cells {
        let region = &regions[cell.region as usize];
        assert!(region.start <= cell.start && cell.start + cell.bytes <= region.start + region.bytes);
        assert!(0 < cell.live_bytes && cell.live_bytes <= cell.bytes, "{cell:?}");
        assert!(cell.scope_bytes <= Some(cell.live_bytes) && cell.thread_bytes <= Some(cell.live_bytes));
        assert!(cell.variable_bytes <= Some(cell.live_bytes));
        assert!(cell.variable.is_none_or(|variable| (variable as usize) < snapshot.variables.len()));
        assert!(cell.oldest_ms <= cell.newest_ms && cell.newest_ms <= snapshot.program.elapsed_ms);
        assert!(cell.young_blocks <= cell.blocks);
        assert!(region.mappings > 0, "the system says what is mapped: {region:?}");
    }
    assert!(cells.windows(2).all(|pair| pair[0].start + pair[0].bytes <= pair[1].start));
    assert!(regions.windows(2).all(|pair| pair[0].start + pair[0].bytes <= pair[1].start));
    for block in &snapshot.blocks.largest {
        let within = |start: u64, bytes: u64| {
            (block.address + block.bytes).min(start + bytes).saturating_sub(block.address.max(start))
        };
        let held: u64 = cells.iter().map(|cell| within(cell.start, cell.bytes)).sum();
        assert_eq!(held, block.bytes, "{block:?}");
    }
}
