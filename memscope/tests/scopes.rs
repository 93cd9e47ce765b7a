//! The scope tree: who is charged, recursion, futures, threads.

use memscope::model::{Scope, Snapshot};
use memscope::track;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::{panic, thread};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn scope<'a>(snapshot: &'a Snapshot, path: &[&str]) -> &'a Scope {
    let found = snapshot.scopes.iter().find(|scope| scope.path == path);
    found.unwrap_or_else(|| {
        panic!("{path:?} in {:?}", snapshot.scopes.iter().map(|s| &s.path).collect::<Vec<_>>())
    })
}

#[track]
fn inner(bytes: usize) -> Vec<u8> {
    vec![0; bytes]
}

#[track]
fn outer() -> (Vec<u8>, Vec<u8>) {
    (inner(100), Vec::with_capacity(30))
}

#[test]
fn bytes_are_charged_to_the_innermost_scope_and_summed_upwards() {
    let kept = outer();
    let freed_elsewhere = thread::spawn(|| inner(50)).join().expect("it does not panic");
    let snapshot = memscope::snapshot();
    let (outer, below) = (scope(&snapshot, &["outer"]), scope(&snapshot, &["outer", "inner"]));
    assert_eq!((outer.calls, below.calls), (1, 1));
    assert_eq!((outer.exclusive.live_bytes, outer.inclusive.live_bytes), (30, 130));
    assert_eq!((below.exclusive.live_bytes, below.exclusive.allocations), (100, 1));
    // Called from another thread's root it is another node, with the same key.
    let alone = scope(&snapshot, &["inner"]);
    assert_eq!(alone.exclusive.live_bytes, 50);
    assert_eq!(alone.key, below.key[1..]);
    assert!(below.file.as_deref().is_some_and(|file| file.ends_with("scopes.rs")));
    drop((kept, freed_elsewhere));
    let snapshot = memscope::snapshot();
    assert_eq!(scope(&snapshot, &["outer"]).inclusive.live_bytes, 0);
    assert_eq!(scope(&snapshot, &["inner"]).exclusive.live_bytes, 0);
}

#[track]
fn descends(depth: u32) -> Vec<Vec<u8>> {
    let mut kept = if depth == 0 { Vec::new() } else { turns_back(depth - 1) };
    kept.push(vec![0; 10]);
    kept
}

#[track]
fn turns_back(depth: u32) -> Vec<Vec<u8>> {
    descends(depth)
}

#[test]
fn recursion_does_not_deepen_the_tree() {
    let kept = descends(50);
    let snapshot = memscope::snapshot();
    let paths: Vec<_> =
        snapshot.scopes.iter().filter(|s| s.path.first().is_some_and(|p| p == "descends")).collect();
    assert_eq!(paths.len(), 2, "descends, and turns_back below it");
    let top = scope(&snapshot, &["descends"]);
    // 51 calls, of which the first is not recursive; each keeps 10 bytes.
    assert_eq!((top.calls, top.recursive_calls), (51, 50));
    assert_eq!(scope(&snapshot, &["descends", "turns_back"]).calls, 50);
    assert!(top.exclusive.live_bytes >= 510, "and the list of them: {:?}", top.exclusive);
    drop(kept);
}

struct Twice {
    name: &'static str,
}
struct Thrice;

impl Twice {
    #[track]
    fn new() -> Box<Twice> {
        Box::new(Twice { name: "twice" })
    }
}
impl Thrice {
    #[expect(clippy::new_ret_no_self, reason = "only its name matters")]
    #[track]
    fn new() -> Vec<u64> {
        vec![3; 3]
    }
}

#[test]
fn two_functions_of_one_name_are_two_scopes() {
    let kept = (Twice::new(), Thrice::new());
    assert_eq!(kept.0.name, "twice");
    let snapshot = memscope::snapshot();
    let mut keys: Vec<_> = snapshot
        .scopes
        .iter()
        .filter(|scope| scope.path == ["new"])
        .map(|scope| scope.key[0].as_str())
        .collect();
    keys.sort_unstable();
    assert_eq!(keys, ["scopes::Thrice::new", "scopes::Twice::new"]);
}

/// Pending once, so that its task can be moved between polls.
struct Yield(bool);

impl Future for Yield {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[track]
async fn task_of_two_threads() -> (Vec<u8>, Vec<u8>) {
    let first = vec![0; 70];
    Yield(false).await;
    (first, vec![0; 7])
}

#[test]
fn a_task_keeps_its_node_on_another_thread() {
    let mut future = Box::pin(task_of_two_threads());
    let mut context = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    let outside = vec![0u8; 333]; // between two polls nothing is charged to the task
    let kept = thread::spawn(move || {
        let mut context = Context::from_waker(Waker::noop());
        match future.as_mut().poll(&mut context) {
            Poll::Ready(kept) => kept,
            Poll::Pending => panic!("it waits only once"),
        }
    })
    .join()
    .expect("it does not panic");
    let snapshot = memscope::snapshot();
    let task = scope(&snapshot, &["task_of_two_threads"]);
    assert_eq!((task.calls, task.exclusive.live_bytes), (1, 77));
    drop((kept, outside));
}

#[track]
async fn panics() {
    Yield(false).await;
    panic!("as it should");
}

#[test]
fn a_caught_panic_in_a_poll_leaves_the_scope() {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    for _ in 0..100 {
        let mut future = pin!(panics());
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
        let poll = panic::catch_unwind(panic::AssertUnwindSafe(|| future.as_mut().poll(&mut context)));
        assert!(poll.is_err());
    }
    panic::set_hook(hook);
    let before = scope(&memscope::snapshot(), &["panics"]).exclusive.allocations;
    drop(vec![0u8; 11]);
    let snapshot = memscope::snapshot();
    assert_eq!(
        scope(&snapshot, &["panics"]).exclusive.allocations,
        before,
        "this thread is back at its root"
    );
    assert_eq!(scope(&snapshot, &["panics"]).calls, 100);
}

#[track]
fn churns(bytes: usize) -> Vec<u8> {
    vec![0; bytes]
}

#[test]
fn evidence_is_what_its_pointer_gives() {
    let hoard: Vec<_> = (0..200).map(|_| churns(1)).collect();
    let mut growing = Vec::new();
    for _ in 0..30_000 {
        drop(churns(9)); // churn
        growing.reserve_exact(growing.len() + 1);
        growing.push(1u8);
    }
    let snapshot = memscope::snapshot();
    assert!(snapshot.findings.iter().any(|finding| finding.kind == "churn"), "{:?}", snapshot.findings);
    let document = serde_json::to_value(&snapshot).expect("plain data");
    for finding in &snapshot.findings {
        for evidence in &finding.evidence {
            let there = document.pointer(&evidence.pointer).and_then(serde_json::Value::as_u64);
            assert_eq!(there, Some(evidence.value), "{}: {}", finding.kind, evidence.pointer);
        }
    }
    drop((hoard, growing));
}
