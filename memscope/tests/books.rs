//! Exact books: what memscope says equals what the inner allocator counted, to the byte.
//!
//! One test, for its subject is the process's allocator.

use memscope::{track, track_var};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;

/// Counts what passes, with the books' own rule for reallocation: gained bytes are allocated, lost ones are freed.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static DEALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static REALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static ALLOCATED_BYTES: AtomicU64 = AtomicU64::new(0);
static DEALLOCATED_BYTES: AtomicU64 = AtomicU64::new(0);

// SAFETY: every method forwards to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, SeqCst);
        ALLOCATED_BYTES.fetch_add(layout.size() as u64, SeqCst);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, SeqCst);
        ALLOCATED_BYTES.fetch_add(layout.size() as u64, SeqCst);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        DEALLOCATIONS.fetch_add(1, SeqCst);
        DEALLOCATED_BYTES.fetch_add(layout.size() as u64, SeqCst);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(block, layout) }
    }
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        REALLOCATIONS.fetch_add(1, SeqCst);
        if new_size >= layout.size() {
            ALLOCATED_BYTES.fetch_add((new_size - layout.size()) as u64, SeqCst);
        } else {
            DEALLOCATED_BYTES.fetch_add((layout.size() - new_size) as u64, SeqCst);
        }
        // SAFETY: the caller's promise is handed on.
        unsafe { System.realloc(block, layout, new_size) }
    }
}

#[global_allocator]
static ALLOC: memscope::Allocator<Counting> = memscope::Allocator::new(Counting);

/// Boxes and growing vectors, some kept, some handed to the next thread, some freed here.
#[track]
fn work(seed: u64, give: &dyn Fn(Box<[u8]>)) -> Vec<Box<[u8]>> {
    let mut kept = Vec::new();
    let mut random = seed;
    for _ in 0..2_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let len = 1 + (random >> 33) as usize % 5_000;
        let mut bytes: Vec<u8> = Vec::with_capacity(len);
        bytes.resize(len + len / 2, 7); // grows by reallocation
        bytes.shrink_to_fit();
        match random >> 62 {
            0 => kept.push(bytes.into_boxed_slice()),
            1 => give(bytes.into_boxed_slice()),
            _ => drop(bytes),
        }
    }
    kept
}

fn assert_exact(what: &str) {
    // Nothing happens between these two lines on this thread. The snapshot reads its books before it allocates.
    let inner = [&ALLOCATIONS, &DEALLOCATIONS, &REALLOCATIONS, &ALLOCATED_BYTES, &DEALLOCATED_BYTES]
        .map(|counter| counter.load(SeqCst));
    let snapshot = memscope::snapshot();
    let (totals, own) = (snapshot.totals, &snapshot.profiler);
    assert_eq!((own.unrecorded_events, own.blocks_before_start), (0, Some(0)), "{what}");
    let recorded = [
        totals.allocations + own.own_allocations,
        totals.deallocations + own.own_deallocations,
        totals.reallocations + own.own_reallocations,
        totals.allocated_bytes + own.own_allocated_bytes,
        totals.deallocated_bytes + own.own_deallocated_bytes,
    ];
    assert_eq!(recorded, inner, "{what}: allocations, frees, resizes, bytes allocated, bytes freed");
    assert!(own.own_allocations > 0, "memscope's registries allocate");

    // The parts sum to the whole: scopes, threads, and the inclusive figures of the root.
    let sum = |figure: fn(&memscope::model::ScopeMemory) -> u64| {
        snapshot.scopes.iter().map(|scope| figure(&scope.exclusive)).sum::<u64>()
    };
    assert_eq!(sum(|memory| memory.live_bytes), totals.live_bytes, "{what}");
    assert_eq!(sum(|memory| memory.allocations), totals.allocations, "{what}");
    assert_eq!(sum(|memory| memory.reallocations), totals.reallocations, "{what}");
    assert_eq!(snapshot.scopes[0].path, [""; 0]);
    assert_eq!(snapshot.scopes[0].inclusive.live_bytes, totals.live_bytes, "{what}");
    assert_eq!(
        snapshot.threads.iter().map(|thread| thread.live_bytes).sum::<u64>(),
        totals.live_bytes,
        "{what}"
    );
    assert_eq!(snapshot.threads.iter().map(|thread| thread.deallocations).sum::<u64>(), totals.deallocations);
    assert!(totals.peak_bytes >= totals.live_bytes);
}

fn live_of_work() -> u64 {
    let snapshot = memscope::snapshot();
    let scope = snapshot.scopes.iter().find(|scope| scope.path == ["work"]).expect("it ran");
    scope.exclusive.live_bytes
}

#[test]
fn totals_equal_the_inner_allocators_count() {
    track_var!(let first = vec![1u8; 10]); // starts the observer
    assert_exact("after start");

    let kept = work(1, &|block| drop(block));
    assert_exact("one thread");
    // The blocks kept and the vector that lists them were allocated by `work`: 16 bytes for each place.
    let expected = kept.iter().map(|block| block.len() as u64).sum::<u64>() + 16 * kept.capacity() as u64;
    assert_eq!(live_of_work(), expected);
    drop(kept);
    assert_eq!(live_of_work(), 0);

    // Eight threads in a ring: each frees what its neighbour gives.
    let (givers, takers): (Vec<_>, Vec<_>) = (0..8).map(|_| channel::<Box<[u8]>>()).unzip();
    let mut givers: Vec<_> = givers.into_iter().map(Some).collect();
    givers.rotate_left(1);
    let threads: Vec<_> = givers
        .into_iter()
        .zip(takers)
        .enumerate()
        .map(|(index, (giver, taker))| {
            thread::spawn(move || {
                let giver = giver.expect("one for each thread");
                let kept = work(index as u64, &|block| giver.send(block).expect("the neighbour listens"));
                drop(giver);
                taker.iter().for_each(drop);
                kept
            })
        })
        .collect();
    let kept: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect();
    assert_exact("eight threads");
    let snapshot = memscope::snapshot();
    assert!(
        snapshot.threads.iter().filter(|thread| thread.foreign_deallocations > 0).count() >= 8,
        "each thread freed blocks of its neighbour"
    );
    drop(kept);
    assert_exact("all dropped");
    let snapshot = memscope::snapshot();
    for scope in snapshot.scopes.iter().filter(|scope| !scope.path.is_empty()) {
        assert_eq!(
            (scope.exclusive.live_bytes, scope.exclusive.live_allocations),
            (0, 0),
            "{:?}",
            scope.path
        );
    }
    drop(first);
}
