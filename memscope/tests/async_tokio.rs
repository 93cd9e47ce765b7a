//! Tasks under tokio: the runtime of several threads, that of one, what is local to a thread, and what ends early.

mod asynchronous;

use asynchronous::*;
use memscope::{SpawnScope, track};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread::{self, ThreadId};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinSet, LocalSet};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn of_threads(threads: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(threads).enable_time().build().expect("threads can be started")
}

fn of_one_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("it needs nothing")
}

#[track]
fn below(bytes: usize) -> Vec<u8> {
    vec![0; bytes]
}

/// What it keeps, and the threads that it was polled on.
async fn waits(bytes: usize, polls: usize) -> (Vec<u8>, HashSet<ThreadId>) {
    let mut threads = Vec::with_capacity(polls);
    for _ in 0..polls {
        threads.push(thread::current().id());
        Yield::default().await;
    }
    (below(bytes), threads.into_iter().collect())
}

#[track]
async fn worker(bytes: usize, polls: usize) -> (Vec<u8>, HashSet<ThreadId>) {
    waits(bytes, polls).await
}

#[track]
fn spawns() -> SpawnScope {
    memscope::spawn_scope()
}

#[test]
fn tasks_that_are_stolen_between_threads_are_charged_to_the_byte() {
    let runtime = of_threads(4);
    let scope = spawns();
    let (mut rounds, mut was_stolen) = (0, false);
    let mut kept = Vec::new();
    // Until a task was seen on two threads. On an idle machine the first rounds show one.
    while !was_stolen && rounds < 1_000 {
        rounds += 1;
        let tasks: Vec<_> = (0..64)
            .map(|number| match number % 2 {
                0 => runtime.spawn(scope.future(worker(10, 50))),
                _ => runtime.spawn(worker(1, 50)),
            })
            .collect();
        for task in tasks {
            let (bytes, threads) = runtime.block_on(task).expect("it does not panic");
            was_stolen |= threads.len() > 1;
            kept.push(bytes);
        }
    }
    assert!(was_stolen, "no task ran on two threads in {rounds} rounds");
    let calls = 32 * rounds; // half of 64 a round
    assert_eq!(calls_and_live_bytes(&["spawns", "worker", "below"]), (calls, 10 * calls));
    assert_eq!(calls_and_live_bytes(&["worker", "below"]), (calls, calls));
    drop(kept);
    assert_eq!(calls_and_live_bytes(&["spawns", "worker", "below"]), (calls, 0));
    assert_eq!(asynchronous::scope(&memscope::snapshot(), &["spawns", "worker"]).exclusive.live_bytes, 0);
    // Each thread is back at its root: what it enters next stands right below that.
    for task in (0..64).map(|_| runtime.spawn(async { assert_at_root() })).collect::<Vec<_>>() {
        runtime.block_on(task).expect("it does not panic");
    }
    assert_at_root();
}

#[track]
async fn on_one_thread() -> Vec<u8> {
    Yield::default().await;
    below(13)
}

#[test]
fn tasks_of_a_runtime_of_one_thread_take_turns_without_taking_each_others_bytes() {
    #[track]
    async fn other() -> Vec<u8> {
        Yield::default().await;
        vec![0; 31]
    }
    let runtime = of_one_thread();
    let kept = runtime.block_on(async {
        let tasks = (tokio::spawn(on_one_thread()), tokio::spawn(other()), tokio::spawn(on_one_thread()));
        (tasks.0.await, tasks.1.await, tasks.2.await)
    });
    assert!(kept.0.is_ok() && kept.1.is_ok() && kept.2.is_ok());
    assert_eq!(calls_and_live_bytes(&["on_one_thread", "below"]), (2, 26));
    assert_eq!(calls_and_live_bytes(&["other"]), (1, 31));
    assert_at_root();
}

#[track]
async fn local() -> std::rc::Rc<Vec<u8>> {
    let kept = std::rc::Rc::new(below(19));
    Yield::default().await;
    kept
}

#[test]
fn tasks_that_are_not_send() {
    #[track]
    fn spawns_locally() -> SpawnScope {
        memscope::spawn_scope()
    }
    let (runtime, set) = (of_one_thread(), LocalSet::new());
    let kept = set.block_on(&runtime, async {
        let plain = tokio::task::spawn_local(local());
        let carried = tokio::task::spawn_local(spawns_locally().future(local()));
        (plain.await.expect("it does not panic"), carried.await.expect("it does not panic"))
    });
    assert_eq!(calls_and_live_bytes(&["local", "below"]), (1, 19));
    assert_eq!(calls_and_live_bytes(&["spawns_locally", "local", "below"]), (1, 19));
    assert_at_root();
    drop(kept);
}

#[test]
fn blocking_work_is_at_the_root_unless_it_is_given_the_scope() {
    #[track]
    fn spawns_blocking() -> SpawnScope {
        memscope::spawn_scope()
    }
    #[track]
    fn blocks(bytes: usize) -> Vec<u8> {
        vec![0; bytes]
    }
    let runtime = of_one_thread();
    let kept = runtime.block_on(async {
        let scope = spawns_blocking();
        let plain = tokio::task::spawn_blocking(|| blocks(23));
        let carried = tokio::task::spawn_blocking(scope.closure(|| (blocks(29), vec![0u8; 2])));
        (plain.await.expect("it does not panic"), carried.await.expect("it does not panic"))
    });
    assert_eq!(calls_and_live_bytes(&["blocks"]), (1, 23));
    assert_eq!(calls_and_live_bytes(&["spawns_blocking", "blocks"]), (1, 29));
    assert_eq!(calls_and_live_bytes(&["spawns_blocking"]), (1, 2));
    runtime.block_on(async {
        tokio::task::spawn_blocking(assert_at_root).await.expect("it does not panic");
    });
    drop(kept);
}

#[track]
async fn never_ends(bytes: usize) {
    let _leaks = LeaksWhenDropped(bytes);
    std::future::pending::<()>().await;
}

#[track]
async fn selects() -> Vec<u8> {
    tokio::select! {
        biased;
        () = never_ends(3) => unreachable!("it never ends"),
        () = Yield::default() => {}
    }
    vec![0; 47]
}

#[track]
async fn times_out() -> Vec<u8> {
    let ended = tokio::time::timeout(Duration::from_millis(1), never_ends(6)).await;
    assert!(ended.is_err());
    vec![0; 53]
}

#[test]
fn what_a_select_and_a_timeout_drop_is_dropped_in_its_scope() {
    let runtime = of_one_thread();
    let kept = runtime.block_on(async { (selects().await, times_out().await) });
    assert_eq!(calls_and_live_bytes(&["selects", "never_ends"]), (1, 3));
    assert_eq!(calls_and_live_bytes(&["selects"]), (1, 47));
    assert_eq!(calls_and_live_bytes(&["times_out", "never_ends"]), (1, 6));
    assert_eq!(calls_and_live_bytes(&["times_out"]), (1, 53));
    assert_at_root();
    drop(kept);
}

#[track]
async fn aborted(polled: &AtomicBool) {
    let _leaks = LeaksWhenDropped(7);
    polled.store(true, Ordering::Relaxed);
    std::future::pending::<()>().await;
}

#[test]
fn an_aborted_task_is_dropped_in_its_scope_by_whoever_drops_it() {
    static POLLED: AtomicBool = AtomicBool::new(false);
    let runtime = of_threads(2);
    let task = runtime.spawn(aborted(&POLLED));
    while !POLLED.load(Ordering::Relaxed) {
        thread::yield_now();
    }
    task.abort();
    assert!(runtime.block_on(task).is_err_and(|error| error.is_cancelled()));
    assert_eq!(calls_and_live_bytes(&["aborted"]), (1, 7));
    // One that was not polled has entered nothing.
    let runtime = of_one_thread();
    let task = runtime.spawn(aborted(&POLLED));
    task.abort();
    drop(runtime);
    assert_eq!(calls_and_live_bytes(&["aborted"]), (1, 7));
    assert_at_root();
}

#[track]
async fn joined(bytes: usize) -> Vec<u8> {
    Yield::default().await;
    vec![0; bytes]
}

#[track]
fn spawns_a_set() -> SpawnScope {
    memscope::spawn_scope()
}

#[test]
fn a_join_set_of_tasks_outlives_the_scope_that_they_carry() {
    let runtime = of_threads(2);
    let kept = runtime.block_on(async {
        let mut set = JoinSet::new();
        let scope = spawns_a_set(); // the function has ended before any of them begins
        for bytes in 1..=20 {
            set.spawn(scope.future(joined(bytes)));
        }
        set.join_all().await
    });
    assert_eq!(calls_and_live_bytes(&["spawns_a_set", "joined"]), (20, 210)); // 1 + … + 20
    drop(kept);
}

#[track]
async fn panics_in_tokio(number: usize) -> usize {
    Yield::default().await;
    if number % 2 == 0 { panic!("as it should") } else { number }
}

#[test]
fn after_100_panics_that_tokio_caught_its_threads_go_on_as_usual() {
    let runtime = of_threads(2);
    quietly(|| {
        let tasks: Vec<_> = (0..200).map(|number| runtime.spawn(panics_in_tokio(number))).collect();
        let failed = tasks.into_iter().filter_map(|task| runtime.block_on(task).err());
        assert_eq!(failed.filter(tokio::task::JoinError::is_panic).count(), 100);
    });
    assert_eq!(scope(&memscope::snapshot(), &["panics_in_tokio"]).calls, 200);
    let kept: Vec<_> = (0..50).map(|_| runtime.block_on(runtime.spawn(normal_use()))).collect();
    assert!(kept.iter().all(Result::is_ok));
    assert_eq!(calls_and_live_bytes(&["normal_use", "below"]), (50, 100));
    for task in (0..50).map(|_| runtime.spawn(async { assert_at_root() })).collect::<Vec<_>>() {
        runtime.block_on(task).expect("it does not panic");
    }
}

#[track]
async fn normal_use() -> Vec<u8> {
    Yield::default().await;
    below(2)
}

#[track]
async fn inner_of_two_runtimes() -> Vec<u8> {
    Yield::default().await;
    vec![0; 59]
}

#[track]
async fn outer_of_two_runtimes() -> (Vec<u8>, Vec<u8>) {
    let within = tokio::task::block_in_place(|| {
        let other = of_one_thread();
        other.block_on(async { tokio::spawn(inner_of_two_runtimes()).await.expect("it does not panic") })
    });
    Yield::default().await;
    (within, vec![0; 61])
}

#[test]
fn a_runtime_within_a_task_of_another() {
    let runtime = of_threads(2);
    let kept = runtime.block_on(runtime.spawn(outer_of_two_runtimes())).expect("it does not panic");
    // Polled within a poll of the outer task, it stands below that.
    assert_eq!(calls_and_live_bytes(&["outer_of_two_runtimes", "inner_of_two_runtimes"]), (1, 59));
    // The other runtime is gone, and with it what it had allocated in the outer task's poll.
    let snapshot = memscope::snapshot();
    let outer = scope(&snapshot, &["outer_of_two_runtimes"]);
    assert!(outer.exclusive.live_bytes >= 61, "{:?}", outer.exclusive);
    assert_at_root();
    drop(kept);
}

#[track]
async fn begins_in_one_runtime() -> (Vec<u8>, Vec<u8>) {
    let first = below(5);
    Yield::default().await;
    (first, below(8))
}

#[test]
fn a_future_that_moves_into_another_runtime_keeps_its_node() {
    let mut future = Box::pin(begins_in_one_runtime());
    let (one, other) = (of_one_thread(), of_threads(1));
    one.block_on(std::future::poll_fn(|context| {
        assert!(future.as_mut().poll(context).is_pending());
        Poll::Ready(())
    }));
    drop(one);
    let kept = other.block_on(other.spawn(spawns_a_move().future(future))).expect("it does not panic");
    assert_eq!(calls_and_live_bytes(&["begins_in_one_runtime"]), (1, 0));
    assert_eq!(calls_and_live_bytes(&["begins_in_one_runtime", "below"]), (2, 13));
    assert_at_root();
    drop(kept);
}

#[track]
fn spawns_a_move() -> SpawnScope {
    memscope::spawn_scope()
}
