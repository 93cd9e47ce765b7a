//! Tasks under async-executor, which smol is made of, and under block_on of futures-lite.

mod asynchronous;

use async_executor::{Executor, LocalExecutor};
use asynchronous::*;
use futures_lite::future::{self, block_on};
use memscope::track;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[track]
async fn worker(bytes: usize) -> Vec<u8> {
    let first = vec![0u8; bytes];
    for _ in 0..3 {
        Yield::default().await;
    }
    let second = vec![0; bytes];
    drop(first);
    second
}

#[track]
fn spawns_into_an_executor() -> memscope::SpawnScope {
    memscope::spawn_scope()
}

#[test]
fn three_threads_run_one_executor() {
    let executor = Arc::new(Executor::new());
    let scope = spawns_into_an_executor();
    let carried: Vec<_> = (0..100).map(|_| executor.spawn(scope.future(worker(8)))).collect();
    let plain: Vec<_> = (0..100).map(|_| executor.spawn(worker(3))).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let (executor, stop) = (Arc::clone(&executor), Arc::clone(&stop));
            thread::spawn(move || {
                block_on(executor.run(async {
                    while !stop.load(Ordering::Relaxed) {
                        future::yield_now().await;
                    }
                }));
                assert_at_root();
            })
        })
        .collect();
    let kept: Vec<Vec<u8>> = block_on(async {
        let mut kept = Vec::new();
        for task in carried.into_iter().chain(plain) {
            kept.push(task.await);
        }
        kept
    });
    stop.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    // 100 × 8 below the spawner, and 100 × 3 from the root, each the second of its task's two vectors.
    assert_eq!(calls_and_live_bytes(&["spawns_into_an_executor", "worker"]), (100, 800));
    assert_eq!(allocated_bytes(&["spawns_into_an_executor", "worker"]), 1_600);
    assert_eq!(calls_and_live_bytes(&["worker"]), (100, 300));
    assert_at_root();
    drop(kept);
}

#[track]
async fn cancelled() {
    let _leaks = LeaksWhenDropped(21);
    future::pending::<()>().await;
}

#[test]
fn a_cancelled_task_and_one_that_its_executor_drops_are_dropped_in_their_scope() {
    let executor = LocalExecutor::new();
    let task = executor.spawn(cancelled());
    executor.try_tick();
    block_on(executor.run(async { assert!(task.cancel().await.is_none()) }));
    assert_eq!(calls_and_live_bytes(&["cancelled"]), (1, 21));
    executor.spawn(cancelled()).detach();
    executor.try_tick();
    drop(executor);
    assert_eq!(calls_and_live_bytes(&["cancelled"]), (2, 42));
    assert_at_root();
}

#[track]
async fn loses(bytes: usize) {
    let _leaks = LeaksWhenDropped(bytes);
    future::pending::<()>().await;
}

#[track]
async fn races() {
    future::or(loses(4), Yield::default()).await;
    std::mem::forget(vec![0u8; 5]);
}

#[test]
fn the_branch_of_a_race_that_is_dropped_is_dropped_in_its_scope() {
    block_on(races());
    assert_eq!(calls_and_live_bytes(&["races", "loses"]), (1, 4));
    assert_eq!(calls_and_live_bytes(&["races"]), (1, 5));
    assert_at_root();
}

#[track]
async fn panics() {
    Yield::default().await;
    panic!("as it should");
}

#[track]
async fn survives() {
    use future::FutureExt as _;
    for _ in 0..100 {
        assert!(AssertUnwindSafe(panics()).catch_unwind().await.is_err());
    }
    std::mem::forget(vec![0u8; 6]);
}

#[test]
fn a_task_goes_on_after_100_panics_that_it_caught() {
    quietly(|| block_on(survives()));
    let snapshot = memscope::snapshot();
    assert_eq!(scope(&snapshot, &["survives", "panics"]).calls, 100);
    // What unwinding leaves is std's: nothing of this scope but the 6 bytes.
    assert_eq!(scope(&snapshot, &["survives"]).exclusive.live_bytes, 6);
    assert_at_root();
}

#[track]
async fn inner_of_two_executors() -> Vec<u8> {
    Yield::default().await;
    vec![0; 17]
}

#[track]
async fn outer_of_two_executors() -> Vec<u8> {
    let other = LocalExecutor::new();
    // The task of another executor is polled within this poll, and so stands below it.
    let kept = block_on(other.run(other.spawn(inner_of_two_executors())));
    Yield::default().await;
    kept
}

#[test]
fn an_executor_within_a_task_of_another() {
    let executor = LocalExecutor::new();
    let kept = block_on(executor.run(executor.spawn(outer_of_two_executors())));
    assert_eq!(calls_and_live_bytes(&["outer_of_two_executors", "inner_of_two_executors"]), (1, 17));
    assert_at_root();
    drop(kept);
}

#[test]
fn a_future_that_moves_to_another_executor_keeps_its_node() {
    #[track]
    async fn moves_on() -> Vec<u8> {
        let first = vec![0u8; 2];
        Yield::default().await;
        drop(first);
        vec![0; 3]
    }
    let mut future = Box::pin(moves_on());
    {
        let first = LocalExecutor::new();
        block_on(first.run(async { assert!(poll_once(future.as_mut()).is_pending()) }));
    }
    let executor = Executor::new();
    let kept = spawner().run(|| block_on(executor.run(executor.spawn(future))));
    assert_eq!(calls_and_live_bytes(&["moves_on"]), (1, 3));
    assert_eq!(allocated_bytes(&["moves_on"]), 5);
    drop(kept);
}
