//! Threads that begin and end while the observer looks at them, their memory gone as soon as they have: with stacks of this
//! size glibc keeps none for later.
//!
//! One test, for its subject is the process.

use memscope::track;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

static STOP: AtomicBool = AtomicBool::new(false);
static THREADS: AtomicU64 = AtomicU64::new(0);

#[track]
fn lives_briefly(number: u64) {
    black_box(vec![0u8; 64]);
    if number % 4 == 0 {
        thread::sleep(Duration::from_millis(number % 32));
    }
}

/// At the thread's end, after memscope has heard of it or before.
struct AllocatesAtTheEnd;

impl Drop for AllocatesAtTheEnd {
    fn drop(&mut self) {
        lives_briefly(1);
    }
}

thread_local! {
    static AT_THE_END: AllocatesAtTheEnd = const { AllocatesAtTheEnd };
}

fn spawns() {
    while !STOP.load(Ordering::Relaxed) {
        let number = THREADS.fetch_add(1, Ordering::Relaxed);
        let thread = thread::Builder::new().stack_size(64 << 20).spawn(move || {
            AT_THE_END.with(|_| ());
            lives_briefly(number);
        });
        thread.expect("a thread").join().expect("it does not panic");
    }
}

#[test]
fn threads_may_end_while_they_are_looked_at() {
    let spawners: Vec<_> = (0..8).map(|_| thread::spawn(spawns)).collect();
    thread::sleep(Duration::from_secs(3));
    STOP.store(true, Ordering::Relaxed);
    spawners.into_iter().for_each(|spawner| spawner.join().expect("it does not panic"));
    let threads = THREADS.load(Ordering::Relaxed);
    assert!(threads > 1_100, "{threads}: too few for rows to be used again");
    let first = memscope::snapshot().profiler.observer.expect("it runs");
    thread::sleep(Duration::from_secs(2));
    let second = memscope::snapshot().profiler.observer.expect("it runs");
    // It goes on, and looks at what is left, this thread and the test's main one. It passes a thousand rows in between, and in
    // a debug build reading these threads' accounts takes most of its budget.
    assert!(second.elapsed_ms > first.elapsed_ms + 1_000, "{first:?} {second:?}");
    assert!(second.thread_samples > first.thread_samples, "{first:?} {second:?}");
}
