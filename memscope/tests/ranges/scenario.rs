//! Known blocks, freed in known ways, whatever the allocator.

use super::ranges::{assert_lists, assert_sums, freed_after, freed_of_size, more};
use memscope::model::Snapshot;
use memscope::{track, track_var};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// Starts the observer, who writes the time.
#[track]
fn starts_the_clock() {}

fn boxed(bytes: usize) -> Box<[u8]> {
    vec![7; bytes].into_boxed_slice()
}

/// What `work` changes; the program stands still before and after.
fn around(work: impl FnOnce()) -> (Snapshot, Snapshot) {
    let before = memscope::snapshot();
    work();
    let after = memscope::snapshot();
    (before, after)
}

fn sizes_change(work: impl FnOnce(), from_bytes: &[u64]) -> Vec<(u64, u64)> {
    let (before, after) = around(work);
    assert_sums(&after);
    from_bytes.iter().map(|&from| more(freed_of_size(&after, from), freed_of_size(&before, from))).collect()
}

/// The whole, in one test, for its subject is the process's allocator.
pub(crate) fn every_block_is_counted() {
    before_the_clock();
    sizes();
    threads();
    lifetimes();
}

/// Where nobody writes the time, no lifetime is known.
fn before_the_clock() {
    let (before, after) = around(|| {
        let block = boxed(5_000);
        thread::sleep(Duration::from_millis(30));
        drop(block);
    });
    assert_sums(&after);
    assert_eq!(more(freed_after(&after, None), freed_after(&before, None)), (1, 5_000));
}

fn sizes() {
    starts_the_clock();
    // 1,024 is the least that is told by its power; 1,023 is one of the small ones.
    let freed = sizes_change(
        || {
            for bytes in [1_024, 2_047, 2_048, 1_023, 100, 100, 16] {
                drop(boxed(bytes));
            }
        },
        &[1_024, 2_048, 0],
    );
    assert_eq!(freed, [(2, 1_024 + 2_047), (1, 2_048), (4, 1_023 + 2 * 100 + 16)]);

    // Counted by the size at the free, once. What a reallocation takes is of no freed block: neither the 80,000 bytes of the
    // one nor the 2,400 of the other make the small ones larger.
    let freed = sizes_change(
        || {
            let mut grown: Vec<u8> = Vec::with_capacity(500);
            grown.reserve_exact(9_000);
            let mut shrunk: Vec<u8> = Vec::with_capacity(100_000);
            shrunk.shrink_to(20_000);
            let mut made_small: Vec<u8> = Vec::with_capacity(3_000);
            made_small.shrink_to(600);
            assert_eq!((grown.capacity(), shrunk.capacity(), made_small.capacity()), (9_000, 20_000, 600));
        },
        &[2_048, 8_192, 16_384, 65_536, 0],
    );
    assert_eq!(freed, [(0, 0), (1, 9_000), (1, 20_000), (0, 0), (1, 600)]);

    // A block that a variable owns, and memscope's own: a snapshot is of blocks that memscope allocated.
    let own = memscope::snapshot();
    let freed = sizes_change(
        || {
            track_var!(let owned = boxed(300_000));
            drop(owned);
            drop(own);
            drop(memscope::snapshot());
        },
        &[262_144],
    );
    assert_eq!(freed, [(1, 300_000)]);
    let (before, after) = around(|| drop(memscope::snapshot()));
    assert_eq!(
        before.totals.deallocations, after.totals.deallocations,
        "a snapshot's own frees are not the program's"
    );
    let large = |snapshot: &Snapshot| -> Vec<(u64, Option<u64>)> {
        let rows = snapshot.sizes.iter().filter(|row| row.from_bytes >= 1_024);
        rows.map(|row| (row.from_bytes, row.deallocations)).collect()
    };
    assert_eq!(large(&before), large(&after));
}

/// Blocks of one thread that another frees, of one that has ended, and at the very end of a thread.
fn threads() {
    thread_local! {
        static LAST: std::cell::RefCell<Option<Box<[u8]>>> = const { std::cell::RefCell::new(None) };
    }
    // Sizes that no thread's start or end needs.
    let freed = sizes_change(
        || {
            let (give, take) = channel::<Box<[u8]>>();
            let (give_back, taken_back) = channel::<Box<[u8]>>();
            let thread = thread::spawn(move || {
                let theirs: Vec<Box<[u8]>> = take.iter().collect();
                drop(theirs);
                for _ in 0..3 {
                    give_back.send(boxed(70_000)).expect("it waits");
                }
                LAST.with_borrow_mut(|last| *last = Some(boxed(1 << 20)));
            });
            for _ in 0..5 {
                give.send(boxed(40_000)).expect("it waits");
            }
            drop(give);
            thread.join().expect("it ends");
            taken_back.iter().for_each(drop);
        },
        &[32_768, 65_536, 1 << 20],
    );
    assert_eq!(freed, [(5, 200_000), (3, 210_000), (1, 1 << 20)]);
}

fn lifetimes() {
    starts_the_clock();
    // At once: but for those between whose ends a tick falls, all within the first range. Ticks are 10 ms apart at least,
    // and each of the two snapshots reads the clock, too.
    let started = Instant::now();
    let (before, after) = around(|| (0..1_000).for_each(|_| drop(boxed(5_000))));
    let ticks = started.elapsed().as_millis() as u64 / 10 + 3;
    let (blocks, bytes) = more(freed_after(&after, Some(0)), freed_after(&before, Some(0)));
    assert!((1_000u64.saturating_sub(ticks)..=1_000).contains(&blocks), "{blocks} with {ticks} ticks");
    assert_eq!(bytes, blocks * 5_000);

    // After 150 ms, a tick more or less: from 100 ms on. The one is reallocated between, and is as old as it was.
    let mut took = Duration::MAX;
    for _ in 0..5 {
        let started = Instant::now();
        let (before, after) = around(|| {
            let kept = boxed(6_000);
            let mut grown: Vec<u8> = Vec::with_capacity(1_500);
            thread::sleep(Duration::from_millis(150));
            grown.reserve_exact(7_000);
            drop((kept, grown));
        });
        took = started.elapsed();
        if took < Duration::from_millis(900) {
            assert_sums(&after);
            assert_eq!(more(freed_after(&after, Some(100)), freed_after(&before, Some(100))), (2, 13_000));
            break;
        }
    }
    assert!(took < Duration::from_millis(900), "this machine stood still: {took:?}");

    // Those that live, small ones too.
    let held: [Box<[u8]>; 6] = [24, 24, 30, 900, 5_000, 1 << 20].map(boxed);
    assert_lists(&memscope::snapshot());
    thread::sleep(Duration::from_millis(150));
    let snapshot = memscope::snapshot();
    assert_sums(&snapshot);
    assert_lists(&snapshot);
    drop(held);
    let row = |bytes: u64, snapshot: &Snapshot| {
        let row = snapshot
            .sizes
            .iter()
            .find(|row| row.from_bytes == bytes)
            .map(|row| (row.live_allocations, row.live_bytes));
        row.unwrap_or_default()
    };
    let (held, dropped) = (row(1 << 20, &snapshot), row(1 << 20, &memscope::snapshot()));
    assert_eq!(held.0.unwrap_or(0) - dropped.0.unwrap_or(0), 1);
    assert_eq!(held.1.unwrap_or(0) - dropped.1.unwrap_or(0), 1 << 20);
}
