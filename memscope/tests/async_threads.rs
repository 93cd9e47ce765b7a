//! A scope carried into plain threads and rayon's pool, and tasks that threads poll by hand.

mod asynchronous;

use asynchronous::*;
use memscope::{Trackable, Visitor, track, track_var};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[track]
fn below(bytes: usize) -> Vec<u8> {
    vec![0; bytes]
}

#[track]
fn spawns_a_thread() -> memscope::SpawnScope {
    memscope::spawn_scope()
}

#[test]
fn a_thread_that_is_given_the_scope_goes_on_in_it_and_one_that_is_not_begins_at_the_root() {
    let scope = spawns_a_thread();
    let work = || {
        let kept = (below(20), vec![0u8; 3]);
        let inner = memscope::spawn_scope();
        // Spawned work spawns: it carries where it is.
        let deeper = thread::spawn(inner.closure(|| below(4))).join().expect("it does not panic");
        (kept, deeper)
    };
    let kept = thread::spawn(scope.closure(move || {
        let kept = work();
        let _ = spawns_a_thread(); // already on the path: it stays the same node
        kept
    }));
    let kept = kept.join().expect("it does not panic");
    assert_eq!(calls_and_live_bytes(&["spawns_a_thread", "below"]), (2, 24));
    let snapshot = memscope::snapshot();
    let row = asynchronous::scope(&snapshot, &["spawns_a_thread"]);
    // Called once from the root and once within itself; running in it is no call.
    assert_eq!((row.calls, row.recursive_calls), (2, 1));
    // The vector of 3 bytes, and what std keeps of the thread that was spawned in the closure.
    assert!(row.exclusive.live_bytes >= 3, "{:?}", row.exclusive);
    let without = thread::spawn(|| below(50)).join().expect("it does not panic");
    assert_eq!(calls_and_live_bytes(&["below"]), (1, 50));
    assert_at_root();
    drop((kept, without));
}

#[test]
fn bytes_of_spawned_threads_are_the_spawners_to_the_byte() {
    #[track]
    fn exact() -> memscope::SpawnScope {
        memscope::spawn_scope()
    }
    let scope = exact();
    let (send, receive) = mpsc::sync_channel(8);
    thread::scope(|threads| {
        for bytes in [1usize, 20, 300] {
            let send = send.clone();
            threads.spawn(move || {
                let kept = scope.run(|| vec![0u8; bytes]);
                let outside = vec![0u8; 4_000];
                assert_at_root();
                send.send((kept, outside)).expect("it is received below");
            });
        }
    });
    let kept: Vec<_> = receive.try_iter().collect();
    assert_eq!(kept.len(), 3);
    assert_eq!(calls_and_live_bytes(&["exact"]), (1, 321)); // 1 + 20 + 300
    drop(kept);
    assert_eq!(calls_and_live_bytes(&["exact"]), (1, 0));
}

#[test]
fn a_scope_may_be_kept_and_used_after_its_function_has_ended_and_by_panicking_work() {
    #[track]
    fn ends_first() -> memscope::SpawnScope {
        memscope::spawn_scope()
    }
    let scope = ends_first();
    quietly(|| {
        for _ in 0..100 {
            let work = scope.closure(|| {
                std::mem::forget(vec![0u8; 2]);
                panic!("as it should");
            });
            let caught: thread::Result<()> = catch_unwind(AssertUnwindSafe(work));
            assert!(caught.is_err());
        }
    });
    assert_at_root();
    // 100 × 2; of what unwinding itself allocates nothing stays.
    assert_eq!(calls_and_live_bytes(&["ends_first"]), (1, 200));
}

#[test]
fn rayon_runs_closures_in_the_scope_of_who_spawned_them() {
    #[track]
    fn uses_a_pool() -> memscope::SpawnScope {
        memscope::spawn_scope()
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("three threads");
    let scope = uses_a_pool();
    let (send, receive) = mpsc::sync_channel(64);
    for _ in 0..50 {
        let send = send.clone();
        pool.spawn(scope.closure(move || send.send(below(7)).expect("it is received below")));
    }
    drop(send);
    let kept: Vec<_> = receive.iter().collect();
    assert_eq!(calls_and_live_bytes(&["uses_a_pool", "below"]), (50, 350)); // 50 × 7
    // One closure for many items.
    let sums = pool.install(|| {
        use rayon::prelude::*;
        (0..40usize).into_par_iter().map(|_| scope.run(|| below(5))).collect::<Vec<_>>()
    });
    assert_eq!(calls_and_live_bytes(&["uses_a_pool", "below"]), (90, 550)); // and 40 × 5
    pool.broadcast(|_| assert_at_root());
    drop((kept, sums));
}

#[track]
async fn moves(first: usize, second: usize) -> (Vec<u8>, Vec<u8>) {
    let kept = below(first);
    Yield::default().await;
    (kept, vec![0; second])
}

#[test]
fn a_tracked_block_begins_on_one_thread_ends_on_another_and_is_dropped_on_a_third() {
    let begun = thread::spawn(|| {
        let mut future = Box::pin(moves(11, 22));
        assert!(poll_once(future.as_mut()).is_pending());
        assert_at_root();
        future
    });
    let mut future = begun.join().expect("it does not panic");
    let ended = thread::spawn(move || {
        let std::task::Poll::Ready(kept) = poll_once(future.as_mut()) else { panic!("it waits once") };
        assert_at_root();
        (future, kept)
    });
    let (future, kept) = ended.join().expect("it does not panic");
    assert_eq!(calls_and_live_bytes(&["moves"]), (1, 22));
    assert_eq!(calls_and_live_bytes(&["moves", "below"]), (1, 11));
    thread::spawn(move || drop(future)).join().expect("it does not panic");
    drop(kept);
    assert_eq!(calls_and_live_bytes(&["moves"]), (1, 0));
    assert_at_root();
}

#[track]
async fn allocates_on_two_threads() -> (Vec<u8>, Vec<u8>) {
    let first = vec![0; 1_234_561];
    Yield::default().await;
    (first, vec![0; 1_234_567])
}

#[test]
fn a_block_is_the_threads_that_polled_when_it_was_allocated() {
    let mut future = Box::pin(allocates_on_two_threads());
    assert!(poll_once(future.as_mut()).is_pending());
    let ended = thread::spawn(move || match poll_once(future.as_mut()) {
        std::task::Poll::Ready(kept) => kept,
        std::task::Poll::Pending => panic!("it waits once"),
    });
    let kept = ended.join().expect("it does not panic");
    let snapshot = memscope::snapshot();
    let thread_of = |bytes: usize| {
        let block = snapshot.blocks.largest.iter().find(|block| block.bytes == bytes as u64);
        block.expect("it is among the largest").thread.expect("it was recorded")
    };
    assert_ne!(thread_of(kept.0.len()), thread_of(kept.1.len()));
}

#[track]
async fn unfinished() {
    let _leaks = LeaksWhenDropped(333);
    Yield::default().await;
}

#[test]
fn a_future_that_is_dropped_on_another_thread_is_dropped_in_its_scope() {
    let mut future = Box::pin(unfinished());
    assert!(poll_once(future.as_mut()).is_pending());
    thread::spawn(move || drop(future)).join().expect("it does not panic");
    assert_eq!(calls_and_live_bytes(&["unfinished"]), (1, 333));

    // So is one that carries its spawner's scope, polled or not.
    #[track]
    fn spawner_of_drops() -> memscope::SpawnScope {
        memscope::spawn_scope()
    }
    let leaks = LeaksWhenDropped(44);
    let future = Box::pin(spawner_of_drops().future(async move {
        let _leaks = leaks;
        Yield::default().await;
    }));
    thread::spawn(move || drop(future)).join().expect("it does not panic");
    assert_eq!(calls_and_live_bytes(&["spawner_of_drops"]), (1, 44));
    assert_at_root();
}

#[track]
async fn panics_when_polled() {
    Yield::default().await;
    let _leaks = LeaksWhenDropped(5);
    panic!("as it should");
}

#[test]
fn after_100_caught_panics_all_goes_on_as_usual() {
    quietly(|| {
        for _ in 0..100 {
            let mut future = Box::pin(panics_when_polled());
            assert!(poll_once(future.as_mut()).is_pending());
            assert!(catch_unwind(AssertUnwindSafe(|| poll_once(future.as_mut()))).is_err());
            assert_at_root();
        }
    });
    assert_eq!(calls_and_live_bytes(&["panics_when_polled"]), (100, 500)); // 5 each, leaked while unwinding
    let mut future = Box::pin(moves_after_panics());
    assert!(poll_once(future.as_mut()).is_pending());
    assert!(poll_once(future.as_mut()).is_ready());
    assert_eq!(calls_and_live_bytes(&["moves_after_panics"]), (1, 0));
    assert_at_root();
}

#[track]
async fn moves_after_panics() {
    let kept = vec![0u8; 9];
    Yield::default().await;
    drop(kept);
}

/// A value whose look spawns, and polls what is tracked, from within memscope's own work.
struct Spawns;

impl Trackable for Spawns {
    fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {
        let scope = memscope::spawn_scope();
        let mut future = Box::pin(scope.future(polled_by_memscope()));
        assert!(poll_once(future.as_mut()).is_pending());
        // Finished outside: there its polls are the program's.
        let finished = thread::spawn(move || {
            let finished = poll_once(future.as_mut()).is_ready();
            assert_at_root();
            finished
        });
        assert!(finished.join().expect("it does not panic"));
        let mut begun_outside = BEGUN.lock().expect("no panic holds it");
        if let Some(future) = begun_outside.as_mut() {
            assert!(poll_once(future.as_mut()).is_ready());
        }
    }
}

type Begun = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
static BEGUN: std::sync::Mutex<Option<Begun>> = std::sync::Mutex::new(None);

#[track]
async fn polled_by_memscope() {
    std::mem::forget(vec![0u8; 60]);
    Yield::default().await;
    std::mem::forget(vec![0u8; 6]);
}

#[track]
async fn ended_by_memscope() {
    std::mem::forget(vec![0u8; 70]);
    Yield::default().await;
    std::mem::forget(vec![0u8; 7]);
}

#[test]
fn what_memscopes_own_work_polls_stays_its_own() {
    let mut begun: Begun = Box::pin(ended_by_memscope());
    assert!(poll_once(begun.as_mut()).is_pending());
    *BEGUN.lock().expect("no panic holds it") = Some(begun);
    let spawns = Spawns;
    track_var!(spawns);
    // The first poll, 60 bytes, was memscope's own work; the task began with the second, on the program's thread.
    assert_eq!(calls_and_live_bytes(&["polled_by_memscope"]), (1, 6));
    // The other way about.
    assert_eq!(calls_and_live_bytes(&["ended_by_memscope"]), (1, 70));
    assert_at_root();
}

/// What a macro may emit for a function that returns a future.
mod returned {
    use memscope::__private::{Site, enter, future};

    static SITE: Site = Site::function(
        "returns_a_future",
        || "async_threads::returned::returns_a_future::here",
        file!(),
        line!(),
        column!(),
        "fn returns_a_future(bytes: usize) -> impl Future<Output = Vec<u8>>",
    );

    pub(super) fn returns_a_future(bytes: usize) -> impl Future<Output = Vec<u8>> {
        let _scope = enter(&SITE);
        let first = vec![0u8; bytes];
        future(&SITE, async move {
            super::Yield::default().await;
            drop(first);
            super::below(2 * bytes)
        })
    }
}

#[test]
fn a_returned_future_runs_in_its_functions_scope_and_is_no_second_call() {
    let mut future = Box::pin(returned::returns_a_future(10));
    assert_eq!(calls_and_live_bytes(&["returns_a_future"]), (1, 10));
    assert!(poll_once(future.as_mut()).is_pending());
    let std::task::Poll::Ready(kept) = poll_once(future.as_mut()) else { panic!("it waits once") };
    assert_eq!(calls_and_live_bytes(&["returns_a_future"]), (1, 0));
    assert_eq!(calls_and_live_bytes(&["returns_a_future", "below"]), (1, 20));
    // First polled on a thread that carries its caller's scope, it is in the node of the call.
    #[track]
    fn polls(bytes: usize) -> Vec<u8> {
        let mut future = Box::pin(returned::returns_a_future(bytes));
        let elsewhere = thread::spawn(memscope::spawn_scope().closure(move || {
            assert!(poll_once(future.as_mut()).is_pending());
            future
        }));
        let mut future = elsewhere.join().expect("it does not panic");
        let std::task::Poll::Ready(kept) = poll_once(future.as_mut()) else { panic!("it waits once") };
        kept
    }
    let more = polls(4);
    assert_eq!(calls_and_live_bytes(&["polls", "returns_a_future"]), (1, 0));
    assert_eq!(calls_and_live_bytes(&["polls", "returns_a_future", "below"]), (1, 8));
    assert_at_root();
    drop((kept, more));
}

/// Auto traits are those of what is carried.
#[test]
fn what_carries_a_scope_is_send_where_its_content_is() {
    fn is_send_and_static<T: Send + 'static>(value: T) -> T {
        value
    }
    fn is_copy_send_sync<T: Copy + Send + Sync + std::panic::UnwindSafe>(_: T) {}
    is_copy_send_sync(memscope::spawn_scope());
    let scope = spawner();
    drop(is_send_and_static(scope.closure(|| 3)));
    drop(is_send_and_static(scope.future(async { 3 })));
    drop(is_send_and_static(scope.future(moves(1, 1))));
    // One that is not `Send` is carried all the same, to where none is asked for.
    let local = std::rc::Rc::new(4);
    assert_eq!(scope.run(|| *local), 4);
    let mut future = Box::pin(scope.future(async move { *local }));
    assert!(poll_once(future.as_mut()).is_ready());
}
