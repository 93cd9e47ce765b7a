//! The map by address over another allocator, whose memory is no `[heap]`.

#[path = "../../tests/memory_map/sums.rs"]
mod sums;

use sums::{assert_sums, wait_for_the_harness};

#[global_allocator]
static ALLOC: memscope::Allocator<mimalloc::MiMalloc> = memscope::Allocator::new(mimalloc::MiMalloc);

#[test]
fn cells_hold_every_live_block_where_it_lies() {
    wait_for_the_harness();
    let blocks: Vec<Vec<u8>> = (1..3_000).map(|bytes| vec![1; bytes]).collect();
    let large = vec![2_u8; 100 << 20];
    let held = memscope::snapshot();
    assert_sums(&held);
    drop((blocks, large));
    let dropped = memscope::snapshot();
    assert_sums(&dropped);
    // 1 + 2 + … + 2,999 and 100 MiB, with the list of 2,999 vectors of 24 bytes.
    let freed = 2_999 * 3_000 / 2 + (100 << 20) + 2_999 * 24;
    let live = |snapshot: &memscope::model::Snapshot| {
        snapshot.memory_map.cells.iter().map(|cell| cell.live_bytes).sum::<u64>()
    };
    // The first snapshot itself is held: it is memscope's own, and in no map.
    assert_eq!(live(&held) - live(&dropped), freed);
}
