//! A snapshot holds nothing for long that the program's threads may wait for, and reads whole figures all the same.

use memscope::model::{Snapshot, Variable};
use memscope::{track, track_var};
use memscope_runtime::hold;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

// Every block, also where sampling is compiled in.
#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system().mode(memscope::Mode::Live);

/// Generous: the target is 5 ms, and a hold takes less than 1 ms (`snapshot_cost` prints it). Read in one hold, as rows once
/// were, 10^5 executions held threads up for 99 ms in a release build. It is time on the processor, so that a busy machine
/// changes it little.
const BOUND: Duration = Duration::from_millis(25);

fn row<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Variable {
    snapshot.variables.iter().find(|row| row.name == name).expect("it is tracked")
}

fn check_holds() {
    for (held, longest) in hold::longest() {
        assert!(longest < BOUND, "{held:?}: {longest:?}");
    }
    let (_, variables) = hold::longest()[hold::Held::Variables as usize];
    assert!(variables > Duration::ZERO, "it was held");
}

#[track]
fn leaves_behind() -> Vec<u8> {
    track_var!(let left: Vec<u8> = vec![1; 24]);
    left
}

#[test]
fn executions_whose_blocks_live_on_are_read_in_pieces() {
    let kept: Vec<Vec<u8>> = (0..100_000).map(|_| leaves_behind()).collect();
    let snapshot = memscope::snapshot();
    let row = row(&snapshot, "left");
    assert_eq!((row.instances, row.active_instances, row.stages.allocated), (100_000, 0, 100_000));
    // A block of 24 bytes each.
    assert_eq!((row.blocks, row.heap_bytes), (Some(100_000), Some(2_400_000)));
    assert_eq!((row.history.len(), row.folded_instances), (16, 100_000 - 16));
    check_holds();
    drop(kept);
    let snapshot = memscope::snapshot();
    let row = self::row(&snapshot, "left");
    assert_eq!((row.stages.deallocated, row.blocks), (100_000, Some(0)));
    check_holds();
}

#[track]
fn goes_down(depth: u64) -> Snapshot {
    track_var!(let step: Vec<u64> = vec![depth; 4]);
    let snapshot = if depth == 1 { memscope::snapshot() } else { goes_down(depth - 1) };
    black_box(&step);
    snapshot
}

#[test]
fn executions_in_scope_are_read_in_pieces() {
    let deep = std::thread::Builder::new().stack_size(256 << 20);
    let deep = deep.spawn(|| goes_down(20_000)).expect("a thread");
    let snapshot = deep.join().expect("it does not panic");
    let row = row(&snapshot, "step");
    assert_eq!((row.instances, row.active_instances, row.stages.active), (20_000, 20_000, 20_000));
    // Four numbers of 8 bytes each.
    assert_eq!((row.blocks, row.heap_bytes), (Some(20_000), Some(20_000 * 32)));
    assert_eq!((row.history.len(), row.folded_instances), (16, 20_000 - 16));
    check_holds();
}

#[track]
fn kept_by_threads() -> Vec<u8> {
    track_var!(let busy: Vec<u8> = vec![1; 40]);
    busy
}

/// Lists grow, and are shortened, between the pieces of a reading: nothing is left out or counted twice.
#[test]
fn rows_that_change_meanwhile_are_whole() {
    static BEGUN: AtomicU64 = AtomicU64::new(0);
    static DONE: AtomicU64 = AtomicU64::new(0);
    static STOP: AtomicBool = AtomicBool::new(false);
    let threads: Vec<_> = (0..2)
        .map(|_| {
            std::thread::spawn(|| {
                let mut kept: Vec<Vec<u8>> = Vec::new();
                while !STOP.load(Ordering::Relaxed) && kept.len() < 50_000 {
                    BEGUN.fetch_add(1, Ordering::SeqCst);
                    kept.push(kept_by_threads());
                    DONE.fetch_add(1, Ordering::SeqCst);
                }
                kept
            })
        })
        .collect();
    while DONE.load(Ordering::SeqCst) < 1_000 {
        std::thread::yield_now();
    }
    for _ in 0..20 {
        let done = DONE.load(Ordering::SeqCst);
        let snapshot = memscope::snapshot();
        let begun = BEGUN.load(Ordering::SeqCst);
        let row = row(&snapshot, "busy");
        // Each execution leaves one block of 40 bytes behind, and none is freed.
        assert!((done..=begun).contains(&row.instances), "{done} ≤ {} ≤ {begun}", row.instances);
        assert_eq!(row.stages.allocated + row.stages.active + row.stages.no_heap, row.instances);
        // While a look at one of them is under way, of which nothing is known yet, the row's bytes are "not measured".
        let Some(blocks) = row.blocks else { continue };
        assert!((done..=begun).contains(&blocks), "{done} ≤ {blocks} ≤ {begun}");
        assert_eq!(row.heap_bytes, Some(40 * blocks));
    }
    STOP.store(true, Ordering::Relaxed);
    let kept: Vec<Vec<Vec<u8>>> =
        threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect();
    let snapshot = memscope::snapshot();
    let all: usize = kept.iter().map(Vec::len).sum();
    assert_eq!(row(&snapshot, "busy").blocks, Some(all as u64));
    check_holds();
}
