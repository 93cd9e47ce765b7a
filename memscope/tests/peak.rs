//! The peak, and each scope's bytes at it, beside what the program knows that it held.
//!
//! One test, for its subject is the process's peak.

use memscope::model::Snapshot;
use memscope::track;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

const MIB: u64 = 1 << 20;

#[track]
fn keeps(bytes: u64) -> Vec<u8> {
    Vec::with_capacity(bytes as usize)
}

/// Lives for some microseconds, between two ticks of any clock.
#[track]
fn spikes(bytes: u64) {
    drop(black_box(Vec::<u8>::with_capacity(bytes as usize)));
}

/// Blocks of 100 bytes, which take the quick way.
#[track]
#[allow(clippy::vec_box, reason = "each block is to be one of its own")]
fn crumbles(bytes: u64) -> Vec<Box<[u8; 100]>> {
    (0..bytes / 100).map(|_| Box::new([1; 100])).collect()
}

/// Asserts that the peak lies within its stated bound around `expected`, and so do the scopes' parts.
#[track_caller]
fn assert_peak(snapshot: &Snapshot, expected: u64, parts: &[(&str, u64)]) {
    let bound = snapshot.profiler.peak_error_bound_bytes.expect("the allocator is installed");
    assert_eq!(snapshot.profiler.missed_peak_captures, 0);
    let peak = snapshot.totals.peak_bytes;
    assert!(peak.abs_diff(expected) <= bound, "peak {peak}, expected {expected} ± {bound}");
    let at_peak = |memory: &memscope::model::ScopeMemory| memory.live_at_peak_bytes.expect("measured");
    let sum: u64 = snapshot.scopes.iter().map(|scope| at_peak(&scope.exclusive)).sum();
    assert_eq!(sum, peak, "the parts sum to the whole");
    assert_eq!(at_peak(&snapshot.scopes[0].inclusive), peak);
    for &(name, expected) in parts {
        let scope = snapshot.scopes.iter().find(|scope| scope.path == [name]).expect("it ran");
        let part = at_peak(&scope.exclusive);
        assert!(part.abs_diff(expected) <= bound, "{name}: {part}, expected {expected} ± {bound}");
    }
}

#[test]
fn the_peak_is_that_of_the_moment_and_its_parts_sum_to_it() {
    // The test harness's own few KB are below the bound.
    let kept = keeps(10 * MIB);
    spikes(5 * MIB);
    // 64 KiB for this thread and the harness's; and 1 % of the peak.
    let snapshot = memscope::snapshot();
    let bound = snapshot.profiler.peak_error_bound_bytes.expect("the allocator is installed");
    let threads = (bound - snapshot.totals.peak_bytes / 100) / 65_536;
    assert_eq!(threads, 2);
    assert_eq!(bound, threads * 65_536 + snapshot.totals.peak_bytes / 100);
    assert_peak(&snapshot, 15 * MIB, &[("keeps", 10 * MIB), ("spikes", 5 * MIB)]);

    // Less than before: the peak stays what it was.
    drop(kept);
    drop(crumbles(4 * MIB));
    spikes(9 * MIB);
    assert_peak(
        &memscope::snapshot(),
        15 * MIB,
        &[("keeps", 10 * MIB), ("spikes", 5 * MIB), ("crumbles", 0)],
    );

    // More than before, in small blocks: 20 MB of them, and the list of their pointers, 8 bytes for each.
    let blocks = crumbles(20_000_000);
    let held = 20_000_000 + 8 * blocks.capacity() as u64;
    assert_peak(&memscope::snapshot(), held, &[("keeps", 0), ("spikes", 0), ("crumbles", held)]);
    drop(blocks);
    assert_peak(&memscope::snapshot(), held, &[("crumbles", held)]);

    // Eight threads, each with 4 MB, all at the same moment; before and after it less.
    let barrier = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                barrier.wait();
                let blocks = crumbles(4_000_000);
                let held = 4_000_000 + 8 * blocks.capacity() as u64;
                barrier.wait();
                drop(blocks);
                held
            })
        })
        .collect();
    let held: u64 = threads.into_iter().map(|thread| thread.join().expect("it ends")).sum();
    let snapshot = memscope::snapshot();
    assert_peak(&snapshot, held, &[("crumbles", held), ("keeps", 0)]);
    assert!(snapshot.profiler.peak_error_bound_bytes <= Some(11 * 65_536 + held / 99), "11 threads at most");

    // A spike of one thread while others churn.
    let kept = keeps(30 * MIB);
    let threads: Vec<_> = (0..3)
        .map(|_| {
            thread::spawn(|| {
                for _ in 0..200 {
                    drop(crumbles(10_000));
                }
            })
        })
        .collect();
    spikes(40 * MIB);
    threads.into_iter().for_each(|thread| thread.join().expect("it ends"));
    // The others hold at most 10,000 bytes and 800 for the list, each.
    assert_peak(&memscope::snapshot(), 70 * MIB, &[("keeps", 30 * MIB), ("spikes", 40 * MIB)]);
    drop(kept);
}
