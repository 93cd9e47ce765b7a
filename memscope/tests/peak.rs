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

/// How often what several threads do is done again at most.
const ATTEMPTS: u64 = 10;

/// What was live after `act`, and what it gives. Where the system puts a thread aside in the middle of a capture, those that come
/// meanwhile are missed, and counted: then it is done again, with a million bytes more, so that there is another peak.
fn undisturbed(act: impl Fn(u64) -> u64) -> (Snapshot, u64) {
    let mut attempt = 0;
    loop {
        let missed = memscope::snapshot().profiler.missed_peak_captures;
        let held = act(attempt * 1_000_000);
        let snapshot = memscope::snapshot();
        attempt += 1;
        if snapshot.profiler.missed_peak_captures == missed || attempt == ATTEMPTS {
            return (snapshot, held);
        }
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

    // One thread alone is in nobody's way.
    assert_eq!(memscope::snapshot().profiler.missed_peak_captures, 0);

    // Eight threads, each with 4 MB, all at the same moment; before and after it less.
    let (snapshot, held) = undisturbed(|more| {
        let barrier = Arc::new(Barrier::new(8));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let barrier = Arc::clone(&barrier);
                thread::spawn(move || {
                    barrier.wait();
                    let blocks = crumbles(4_000_000 + more);
                    let held = 4_000_000 + more + 8 * blocks.capacity() as u64;
                    barrier.wait();
                    drop(blocks);
                    held
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("it ends")).sum()
    });
    assert_peak(&snapshot, held, &[("crumbles", held), ("keeps", 0)]);
    assert!(snapshot.profiler.peak_error_bound_bytes <= Some(11 * 65_536 + held / 99), "11 threads at most");

    // A spike of one thread while others churn.
    let kept = keeps(30 * MIB);
    let (snapshot, spike) = undisturbed(|more| {
        let threads: Vec<_> = (0..3)
            .map(|_| {
                thread::spawn(|| {
                    for _ in 0..200 {
                        drop(crumbles(10_000));
                    }
                })
            })
            .collect();
        let spike = 80 * MIB + 30 * more;
        spikes(spike);
        threads.into_iter().for_each(|thread| thread.join().expect("it ends"));
        spike
    });
    // The others hold at most 10,000 bytes and 800 for the list, each.
    assert_peak(&snapshot, 30 * MIB + spike, &[("keeps", 30 * MIB), ("spikes", spike)]);
    drop(kept);
}
