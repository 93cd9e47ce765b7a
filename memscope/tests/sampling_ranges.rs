//! `sizes` and `lifetimes` where blocks are sampled.
//!
//! One test, for its subject is the process's allocator.

#[path = "ranges/mod.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod ranges;

use memscope::model::Snapshot;
use memscope::{sampling, track};
use ranges::{Sum, assert_sums, freed_after, more};
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[track]
fn boxed(bytes: usize) -> Box<[u8]> {
    black_box(vec![7; bytes].into_boxed_slice())
}

/// What lives, and what was freed, of sizes from `from_bytes` on.
fn of_size(snapshot: &Snapshot, from_bytes: u64) -> (Sum, Sum) {
    let row = snapshot.sizes.iter().find(|row| row.from_bytes == from_bytes).copied().unwrap_or_default();
    let sum = |blocks: Option<u64>, bytes: Option<u64>| (blocks.unwrap_or(0), bytes.unwrap_or(0));
    (sum(row.live_allocations, row.live_bytes), sum(row.deallocations, row.freed_bytes))
}

#[test]
fn sizes_and_lifetimes_are_estimated_for_all_blocks() {
    // Every block is in the sample: figures are exact, and of small blocks too.
    sampling::set_mean_bytes(0);
    drop(boxed(8));
    // The harness's own thread waits for this one by then; what it allocated before was sampled otherwise.
    thread::sleep(Duration::from_millis(200));
    let before = memscope::snapshot();
    let held: [Box<[u8]>; 3] = [100, 100, 3_000].map(boxed);
    let living = memscope::snapshot();
    assert_sums(&living);
    // 100 is from 64 to 127, 3,000 from 2,048 to 4,095.
    for (from, blocks, bytes) in [(64, 2, 200), (2_048, 1, 3_000)] {
        assert_eq!(more(of_size(&living, from).0, of_size(&before, from).0), (blocks, bytes), "{from}");
    }
    let mut took = Duration::MAX;
    for _ in 0..5 {
        let started = Instant::now();
        let before = memscope::snapshot();
        let kept = boxed(6_000);
        thread::sleep(Duration::from_millis(150));
        drop(kept);
        let after = memscope::snapshot();
        took = started.elapsed();
        if took < Duration::from_millis(900) {
            assert_eq!(more(freed_after(&after, Some(100)), freed_after(&before, Some(100))), (1, 6_000));
            break;
        }
    }
    assert!(took < Duration::from_millis(900), "this machine stood still: {took:?}");
    drop(held);
    let after = memscope::snapshot();
    assert_sums(&after);
    for (from, blocks, bytes) in [(64, 2, 200), (2_048, 1, 3_000)] {
        assert_eq!(more(of_size(&after, from).1, of_size(&before, from).1), (blocks, bytes), "{from}");
        assert_eq!(of_size(&after, from).0, of_size(&before, from).0, "{from}");
    }
    let figures = |row: &memscope::model::SizeRange| {
        [row.deallocations_error, row.freed_bytes_error, row.live_allocations_error, row.live_bytes_error]
    };
    let errors = |snapshot: &Snapshot, from_bytes: u64| {
        snapshot.sizes.iter().find(|row| row.from_bytes == from_bytes).map_or([Some(0); 4], figures)
    };
    for row in &after.sizes {
        assert_eq!(figures(row), errors(&before, row.from_bytes), "all since are in the sample");
    }

    // 20,000 blocks of 512 bytes with a sample every 16 KiB: within five standard errors, which a run in two million misses.
    sampling::set_mean_bytes(16 << 10);
    sampling::seed(7);
    let before = memscope::snapshot();
    for _ in 0..20_000 {
        drop(boxed(512));
    }
    let after = memscope::snapshot();
    let (blocks, bytes) = more(of_size(&after, 512).1, of_size(&before, 512).1);
    let row = after.sizes.iter().find(|row| row.from_bytes == 512).expect("some are in the sample");
    let is_within =
        |found: u64, truth: u64, error: Option<u64>| found.abs_diff(truth) <= 5 * error.expect("sampled");
    assert!(is_within(blocks, 20_000, row.deallocations_error), "{blocks} ± {:?}", row.deallocations_error);
    assert!(is_within(bytes, 20_000 * 512, row.freed_bytes_error), "{bytes} ± {:?}", row.freed_bytes_error);
    assert_ne!(row.deallocations_error, Some(0));
}
