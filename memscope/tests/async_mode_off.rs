//! Nothing is recorded in mode off, and carried scopes and tasks run as they would without memscope.

mod asynchronous;

use asynchronous::*;
use memscope::model::Mode;
use memscope::track;
use std::thread;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system().mode(memscope::Mode::Off);

#[track]
async fn task() -> u32 {
    Yield::default().await;
    7
}

#[test]
fn work_runs_and_nothing_is_recorded() {
    let scope = spawner();
    assert_eq!(thread::spawn(scope.closure(|| 3)).join().expect("it does not panic"), 3);
    let mut future = Box::pin(scope.future(task()));
    assert!(poll_once(future.as_mut()).is_pending());
    assert_eq!(poll_once(future.as_mut()), std::task::Poll::Ready(7));
    drop(Box::pin(task()));
    let snapshot = memscope::snapshot();
    assert_eq!((snapshot.mode, snapshot.tasks.len(), snapshot.scopes.len()), (Mode::Off, 0, 0));
}
