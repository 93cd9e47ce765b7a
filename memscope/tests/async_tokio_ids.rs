//! Tasks are listed with their ids in tokio (feature `tokio`).

mod asynchronous;

use asynchronous::*;
use memscope::model::{Task, TaskState};
use memscope::track;
use std::thread;
use tokio::runtime::Builder;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// The only task in a scope.
fn only(path: &[&str]) -> Task {
    let mut tasks = memscope::snapshot().tasks;
    tasks.retain(|task| task.scope == path);
    assert_eq!(tasks.len(), 1, "{path:?}: {tasks:?}");
    tasks.remove(0)
}

/// The number that tokio prints.
fn number(id: tokio::task::Id) -> Option<u64> {
    id.to_string().parse().ok()
}

#[track]
async fn spawned() {
    part().await;
}

#[track]
async fn part() {
    Yield::default().await;
}

#[track]
async fn not_spawned() {
    part().await;
}

#[track]
async fn aborted() {
    std::future::pending::<()>().await;
}

#[test]
fn a_row_has_the_id_that_the_join_handle_gives() {
    let runtime = Builder::new_current_thread().build().expect("it needs nothing");
    let task = runtime.spawn(spawned());
    let id = number(task.id());
    runtime.block_on(task).expect("it does not panic");
    let row = only(&["spawned"]);
    assert!(id.is_some());
    assert_eq!((row.id, row.state, row.polls), (id, TaskState::Finished, 2));
    // What `block_on` polls is no task of tokio's, and has no id there.
    runtime.block_on(not_spawned());
    assert_eq!(only(&["not_spawned"]).id, None);
    let task = runtime.spawn(aborted());
    let id = number(task.id());
    runtime.block_on(async { Yield::default().await });
    task.abort();
    assert!(runtime.block_on(task).is_err());
    let row = only(&["aborted"]);
    assert_eq!((row.id, row.state, row.polls), (id, TaskState::Dropped, 1));
}

#[track]
async fn outer() -> tokio::task::Id {
    let id = tokio::task::block_in_place(|| {
        let other = Builder::new_current_thread().build().expect("it needs nothing");
        other.block_on(async {
            let task = tokio::spawn(inner());
            let id = task.id();
            task.await.expect("it does not panic");
            id
        })
    });
    Yield::default().await;
    id
}

#[track]
async fn inner() {
    part().await;
}

#[test]
fn a_task_of_a_runtime_within_a_task_has_a_row_of_its_own() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().expect("threads can be started");
    let task = runtime.spawn(outer());
    let id = number(task.id());
    let inner = number(runtime.block_on(task).expect("it does not panic"));
    assert_eq!((only(&["outer"]).id, only(&["outer", "inner"]).id), (id, inner));
    assert_ne!(id, inner);
    assert_eq!(only(&["outer"]).polls, 2);
    // What the inner one awaits is part of that.
    assert!(
        memscope::snapshot().tasks.iter().all(|task| task.scope.last().is_none_or(|name| name != "part"))
    );
    // A thread that tokio does not know has no id to give.
    thread::spawn(|| assert!(poll_once(Box::pin(elsewhere()).as_mut()).is_ready()))
        .join()
        .expect("it does not panic");
    assert_eq!(only(&["elsewhere"]).id, None);
}

#[track]
async fn elsewhere() {}
