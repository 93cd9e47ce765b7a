//! Declarations that end on one thread while another frees their blocks: the books of both threads' scopes stay exact.
//!
//! Frees were once booked to a wrong scope, through a watch that was given to another declaration too early. One
//! test, for its subject is the process's books.

use memscope::core::tracker::MemoryTracker;
use memscope::track;
use std::hint;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// With so many, the fault shows in most runs.
const ROUNDS: usize = 100_000;

static ADDRESS: AtomicUsize = AtomicUsize::new(0);
static DECLARED: AtomicUsize = AtomicUsize::new(0);

/// Looks often, so that the two threads meet, and gives way in the end, for there may be one core for both.
fn wait_for(condition: impl Fn() -> bool) {
    for turn in 0.. {
        if condition() {
            return;
        }
        if turn % 2_000 == 1_999 {
            thread::yield_now();
        }
        hint::spin_loop();
    }
}

/// Frees each block about when the other thread ends its declaration.
#[track]
fn frees(bytes: usize) {
    for round in 1..=ROUNDS {
        let block: Vec<u8> = Vec::with_capacity(bytes);
        ADDRESS.store(block.as_ptr().addr(), SeqCst);
        wait_for(|| DECLARED.load(SeqCst) >= round);
        (0..round % 64).for_each(|_| hint::spin_loop());
        drop(block);
    }
}

#[track]
fn declares(bytes: usize) {
    let tracker = MemoryTracker::new();
    let own: Vec<u8> = Vec::with_capacity(200);
    for round in 1..=ROUNDS {
        wait_for(|| ADDRESS.load(SeqCst) != 0);
        let address = ADDRESS.swap(0, SeqCst);
        tracker.track_allocation(address, bytes, None).expect("declared once");
        DECLARED.store(round, SeqCst);
        assert!(tracker.track_deallocation(address));
        // Takes the watch that was just given back.
        tracker.track_allocation(own.as_ptr().addr(), 200, None).expect("declared once");
        assert!(tracker.track_deallocation(own.as_ptr().addr()));
    }
}

#[test]
fn a_declaration_that_ends_beside_its_blocks_free_books_it_right() {
    for bytes in [100, 2_000] {
        DECLARED.store(0, SeqCst);
        let threads = [thread::spawn(move || frees(bytes)), thread::spawn(move || declares(bytes))];
        threads.into_iter().for_each(|thread| thread.join().expect("it ends"));
        let snapshot = memscope::snapshot();
        for name in ["frees", "declares"] {
            let scope = snapshot.scopes.iter().find(|scope| scope.path == [name]).expect("it ran");
            assert_eq!((scope.exclusive.live_allocations, scope.exclusive.live_bytes), (0, 0), "{name}");
        }
    }
}
