//! What each thread has in each scope where blocks are sampled: the rows sum to the scopes' estimates, and so do the variances
//! behind their errors.
//!
//! One test, for its subject is the process.

use memscope::model::{Mode, ScopeThread};
use memscope::track;
use std::thread;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// Blocks of 20,000 bytes: 400 of them are 8 MB, some 15 samples at the mean distance of 512 KiB.
#[track]
fn hold(blocks: usize) -> Vec<Vec<u8>> {
    (0..blocks).map(|_| vec![1; 20_000]).collect()
}

#[test]
fn estimates_by_thread_sum_to_those_of_the_scope() {
    let named = |(name, blocks): (&str, usize)| {
        thread::Builder::new()
            .name(name.into())
            .spawn(move || hold(blocks))
            .expect("the system gives a thread")
    };
    let held =
        [("few", 400), ("many", 1_200)].map(named).map(|thread| thread.join().expect("it does not panic"));
    let snapshot = memscope::snapshot();
    assert_eq!(snapshot.mode, Mode::Sampling);
    let index = snapshot.scopes.iter().position(|scope| scope.path == ["hold"]).expect("it ran");
    let scope = &snapshot.scopes[index];
    let rows: Vec<&ScopeThread> =
        snapshot.scope_threads.iter().filter(|row| row.scope as usize == index).collect();
    assert_eq!(rows.iter().map(|row| (row.calls, row.pairs)).collect::<Vec<_>>(), [(1, 1), (1, 1)]);
    let sum = |of: fn(&ScopeThread) -> u64| rows.iter().map(|row| of(row)).sum::<u64>();
    assert_eq!(sum(|row| row.allocations), scope.exclusive.allocations);
    assert_eq!(sum(|row| row.allocated_bytes), scope.exclusive.allocated_bytes);
    assert_eq!(sum(|row| row.live_bytes), scope.exclusive.live_bytes);
    assert_eq!(Some(sum(|row| row.live_at_peak_bytes.unwrap())), scope.exclusive.live_at_peak_bytes);
    // No sample is in two threads' accounts, so variances add up. Each error is rounded to a whole number, by less than 1.
    let of_sum = |of: fn(&ScopeThread) -> Option<u64>| {
        rows.iter().map(|row| (of(row).expect("an estimate has an error") as f64).powi(2)).sum::<f64>().sqrt()
    };
    let pairs = [
        (of_sum(|row| row.live_bytes_error), scope.exclusive.live_bytes_error),
        (of_sum(|row| row.allocated_bytes_error), scope.exclusive.allocated_bytes_error),
        (of_sum(|row| row.allocations_error), scope.exclusive.allocations_error),
        (of_sum(|row| row.live_at_peak_bytes_error), scope.exclusive.live_at_peak_bytes_error),
    ];
    for (computed, said) in pairs {
        let said = said.expect("an estimate has an error") as f64;
        assert!((computed - said).abs() <= 2.5, "{computed} {said}");
    }
    // 8 MB and 24 MB, each within five errors: less often wrong than once in a million runs.
    for (name, blocks) in [("few", 400u64), ("many", 1_200)] {
        // Which of them came first is the system's.
        let thread =
            snapshot.threads.iter().find(|thread| thread.name.as_deref() == Some(name)).expect("it ran");
        let row = rows.iter().find(|row| row.thread == Some(thread.id)).expect("a row");
        let error = row.live_bytes_error.expect("it has one") as f64;
        assert!(
            (row.live_bytes as f64 - (blocks * 20_000) as f64).abs() <= 5.0 * error.max(524_288.0),
            "{row:?}"
        );
    }
    assert!(snapshot.timeline.last().is_some_and(|point| {
        point.live_bytes_error.is_some() && (cfg!(not(target_os = "linux")) || point.resident_bytes.is_some())
    }));
    drop(held);
}
