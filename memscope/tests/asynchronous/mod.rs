//! What the tests of tasks share.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of these")]

use memscope::model::{Scope, Snapshot};
use memscope::{SpawnScope, track};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// The row of the scope with this path.
pub fn scope<'a>(snapshot: &'a Snapshot, path: &[&str]) -> &'a Scope {
    let found = snapshot.scopes.iter().find(|scope| scope.path == path);
    found.unwrap_or_else(|| {
        panic!("{path:?} in {:?}", snapshot.scopes.iter().map(|s| &s.path).collect::<Vec<_>>())
    })
}

/// Calls, and bytes that are alive, of the scope with this path, now.
pub fn calls_and_live_bytes(path: &[&str]) -> (u64, u64) {
    let snapshot = memscope::snapshot();
    let scope = scope(&snapshot, path);
    (scope.calls, scope.exclusive.live_bytes)
}

/// Bytes that were ever charged to the scope with this path.
pub fn allocated_bytes(path: &[&str]) -> u64 {
    scope(&memscope::snapshot(), path).exclusive.allocated_bytes
}

/// Pending once, and woken at once: the poll ends and the executor, any one, polls again. It allocates nothing, unlike
/// `tokio::task::yield_now`, which may lengthen a list of tokio's.
#[derive(Debug, Default)]
pub struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

pub fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A scope in which nothing is allocated but what is spawned from it.
#[track]
pub fn spawner() -> SpawnScope {
    memscope::spawn_scope()
}

#[track]
fn after() {}

/// Asserts that this thread is at the root, or in `SpawnScope::run` of a root: what it enters next stands right below
/// it.
pub fn assert_at_root() {
    after();
    let snapshot = memscope::snapshot();
    let mut paths = snapshot.scopes.iter().map(|scope| &scope.path);
    assert!(paths.all(|path| path.len() == 1 || path.last().is_none_or(|name| name != "after")));
}

/// Keeps its bytes for good, in the scope that drops it.
pub struct LeaksWhenDropped(pub usize);

impl Drop for LeaksWhenDropped {
    fn drop(&mut self) {
        std::mem::forget(vec![0u8; self.0]);
    }
}

/// Runs `work` with panics that say nothing.
pub fn quietly<R>(work: impl FnOnce() -> R) -> R {
    std::panic::set_hook(Box::new(|_| {}));
    let result = work();
    let _ = std::panic::take_hook();
    result
}
