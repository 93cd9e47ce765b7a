//! A tracked function, and a tracked variable, on the path of the user's own global allocator: below memscope's, and
//! around it. It is inert there, or counted; nothing recurses, and nothing waits for itself.

use memscope::{Allocator, track, track_var};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use ui_tests::{assert_at_root, scope};

/// Calls tracked functions for each block.
struct Tracks<A>(A);

static CALLS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

#[track(name = "within the allocator")]
fn within() {
    CALLS.fetch_add(1, Ordering::Relaxed);
    deeper(3);
}

#[track]
fn deeper(depth: u8) {
    if depth > 0 {
        deeper(depth - 1);
    }
}

/// With a variable, which memscope allocates for: the user's allocator is entered again.
fn with_variable() {
    if !WITHIN.replace(true) {
        track_var!(let size: usize = 3);
        assert_eq!(size, 3);
        WITHIN.set(false);
    }
}

// SAFETY: the inner allocator's answers are handed on.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Tracks<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        within();
        with_variable();
        // SAFETY: the caller's promise is handed on.
        unsafe { self.0.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        within();
        // SAFETY: the caller's promise is handed on.
        unsafe { self.0.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        within();
        // SAFETY: the caller's promise is handed on.
        unsafe { self.0.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOC: Tracks<Allocator<Tracks<System>>> = Tracks(Allocator::new(Tracks(System)));

#[track]
fn allocates() -> Vec<Box<[u8]>> {
    let mut kept = Vec::with_capacity(100);
    for _ in 0..100 {
        kept.push(vec![0; 46].into_boxed_slice());
    }
    kept
}

#[test]
fn row_46_within_the_allocator() {
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(allocates)).collect();
    let kept: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect();
    assert_at_root();
    assert!(CALLS.load(Ordering::Relaxed) > 800, "once around memscope's allocator and once below it");
    let snapshot = memscope::snapshot();
    let allocates = scope(&snapshot, &["allocates"]);
    let list = 100 * size_of::<Box<[u8]>>() as u64;
    assert_eq!((allocates.calls, allocates.exclusive.live_bytes), (4, 4 * (4600 + list)));
    drop(kept);
    assert_eq!(scope(&memscope::snapshot(), &["allocates"]).exclusive.live_bytes, 0);
}
