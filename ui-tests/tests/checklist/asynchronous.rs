//! Rows 1 to 12: async functions, and functions that return futures.

use memscope::{track, track_var};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;
use ui_tests::{assert_at_root, block_on, calls, scope, unwind, yield_now};

fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn live_bytes(path: &[&str]) -> u64 {
    scope(&memscope::snapshot(), path).exclusive.live_bytes
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[test]
fn row_01_entered_and_left_at_each_poll() {
    #[track]
    async fn polled() -> Vec<u8> {
        let mut bytes = vec![0; 100];
        yield_now().await;
        bytes.reserve_exact(200);
        bytes
    }
    // The call enters nothing: a future that is never polled has no scope.
    drop(polled());
    assert!(memscope::snapshot().scopes.iter().all(|scope| scope.path != ["polled"]));

    let mut future = Box::pin(polled());
    assert!(poll_once(future.as_mut()).is_pending());
    assert_at_root();
    let between = vec![0u8; 5000];
    let Poll::Ready(bytes) = poll_once(future.as_mut()) else { panic!("it waits only once") };
    assert_at_root();
    // 100 bytes, grown to 300; what was allocated between the polls belongs elsewhere.
    let snapshot = memscope::snapshot();
    let polled = scope(&snapshot, &["polled"]);
    assert_eq!((polled.calls, polled.exclusive.live_bytes), (1, 300));
    drop((between, bytes));
    assert_eq!(live_bytes(&["polled"]), 0);
}

#[test]
fn row_02_nested() {
    #[track]
    async fn outer_future() -> (Vec<u8>, Vec<u8>) {
        let first = inner_future(3).await;
        let kept = vec![0u8; 50];
        drop(kept);
        (first, inner_future(4).await)
    }
    #[track]
    async fn inner_future(length: usize) -> Vec<u8> {
        yield_now().await;
        vec![0; length]
    }
    let kept = block_on(is_send(outer_future()));
    let snapshot = memscope::snapshot();
    let outer = scope(&snapshot, &["outer_future"]);
    let inner = scope(&snapshot, &["outer_future", "inner_future"]);
    assert_eq!((outer.calls, inner.calls), (1, 2));
    assert_eq!((outer.exclusive.allocated_bytes, outer.exclusive.live_bytes), (50, 0));
    assert_eq!((inner.exclusive.live_bytes, outer.inclusive.live_bytes), (7, 7));
    assert_at_root();
    drop(kept);
}

#[test]
fn row_02_recursive() {
    #[track]
    async fn descends_async(depth: u32) -> u32 {
        yield_now().await;
        if depth == 0 { 0 } else { 1 + Box::pin(descends_async(depth - 1)).await }
    }
    assert_eq!(block_on(descends_async(20)), 20);
    let snapshot = memscope::snapshot();
    let folded = scope(&snapshot, &["descends_async"]);
    assert_eq!((folded.calls, folded.recursive_calls), (21, 20));
    assert_at_root();
}

#[test]
fn row_02_interleaved() {
    #[track]
    async fn interleaved_left() -> Vec<u8> {
        let kept = vec![0; 10];
        yield_now().await;
        kept
    }
    #[track]
    async fn interleaved_right() -> Vec<u8> {
        yield_now().await;
        vec![0; 20]
    }
    let (mut left, mut right) = (pin!(interleaved_left()), pin!(interleaved_right()));
    assert!(poll_once(left.as_mut()).is_pending());
    assert!(poll_once(right.as_mut()).is_pending());
    let (left, right) = (poll_once(left), poll_once(right));
    assert_eq!((live_bytes(&["interleaved_left"]), live_bytes(&["interleaved_right"])), (10, 20));
    assert_at_root();
    drop((left, right));
}

#[test]
fn row_03_empty_body() {
    #[track]
    async fn empty_async() {}
    #[track]
    async fn empty_async_generic<T: Default>() -> T {
        T::default()
    }
    block_on(empty_async());
    block_on(empty_async());
    assert_eq!(calls(&["empty_async"]), 2);
    assert_eq!(block_on(empty_async_generic::<u8>()), 0);
    assert_at_root();
}

mod modifiers {
    use super::track;

    #[track]
    pub(in crate::asynchronous) async unsafe fn async_unsafe(pointer: *const u8) -> u8 {
        // SAFETY: the caller's promise is handed on.
        unsafe { *pointer }
    }

    #[track]
    pub(super) async fn async_restricted() -> u8 {
        1
    }

    pub(super) struct Owner;

    impl Owner {
        #[track]
        pub(super) async unsafe fn async_unsafe_method<'a>(&'a self, pointer: &'a u8) -> &'a u8 {
            pointer
        }
    }
}

#[test]
fn row_04_async_unsafe_fn() {
    // SAFETY: the pointer is that of a value which lives on.
    assert_eq!(block_on(unsafe { modifiers::async_unsafe(&3) }), 3);
    // SAFETY: it asks for nothing.
    assert_eq!(block_on(unsafe { modifiers::Owner.async_unsafe_method(&4) }), &4);
    assert_eq!(block_on(modifiers::async_restricted()), 1);
    for name in ["async_unsafe", "async_unsafe_method", "async_restricted"] {
        assert_eq!(calls(&[name]), 1, "{name}");
    }
    assert_at_root();
}

#[async_trait::async_trait]
trait Fetch: Sync {
    async fn fetched(&self, length: usize) -> Result<Vec<u8>, String>;

    #[track]
    async fn fetched_by_default(&self) -> usize {
        self.fetched(7).await.map_or(0, |bytes| bytes.len())
    }
}

struct Remote(String);

#[async_trait::async_trait]
impl Fetch for Remote {
    #[track]
    async fn fetched(&self, length: usize) -> Result<Vec<u8>, String> {
        yield_now().await;
        if length == 0 {
            return Err(self.0.clone());
        }
        let number: usize = "1".parse().map_err(|_| String::new())?;
        Ok(vec![0; length * number])
    }
}

#[test]
fn row_05_async_trait() {
    let remote: Box<dyn Fetch + Send> = Box::new(Remote("empty".into()));
    assert_eq!(block_on(is_send(remote.fetched(0))), Err("empty".into()));
    assert_eq!(block_on(remote.fetched(3)), Ok(vec![0; 3]));
    assert_eq!(block_on(remote.fetched_by_default()), 7);
    // The call by the default method is made in that method's scope.
    let snapshot = memscope::snapshot();
    let of_fetched =
        |scope: &&memscope::model::Scope| scope.path.last().is_some_and(|name| name == "fetched");
    assert_eq!(snapshot.scopes.iter().filter(of_fetched).map(|scope| scope.calls).sum::<u64>(), 3);
    assert_eq!(scope(&snapshot, &["fetched_by_default"]).calls, 1);
    assert_at_root();
}

#[test]
fn row_05_polls_of_async_trait_are_in_the_scope() {
    #[async_trait::async_trait]
    trait Load: Sync {
        async fn loaded(&self, length: usize) -> Vec<u8>;
    }
    struct Disk;
    #[async_trait::async_trait]
    impl Load for Disk {
        #[track]
        async fn loaded(&self, length: usize) -> Vec<u8> {
            let first = vec![0; length];
            yield_now().await;
            [first, vec![0; length]].concat()
        }
    }
    let disk: &dyn Load = &Disk;
    let kept = block_on(is_send(disk.loaded(5)));
    assert_eq!(live_bytes(&["loaded"]), 10);
    assert_at_root();
    drop(kept);
}

#[test]
fn row_06_statements_before_a_returned_future() {
    #[track]
    fn returns_future(length: usize) -> impl Future<Output = usize> {
        let bytes = vec![0u8; length];
        async move { bytes.len() }
    }
    #[track]
    fn returns_future_of<'a, T: Clone + Send>(value: &'a T) -> impl Future<Output = T> + Send + use<'a, T> {
        let copy = value.clone();
        async move {
            yield_now().await;
            copy
        }
    }
    assert_eq!(block_on(returns_future(40)), 40);
    assert_eq!(block_on(is_send(returns_future_of(&String::from("a")))), "a");
    let snapshot = memscope::snapshot();
    let returns_future = scope(&snapshot, &["returns_future"]);
    assert_eq!((returns_future.calls, returns_future.exclusive.allocated_bytes), (1, 40));
    assert_eq!(scope(&snapshot, &["returns_future_of"]).exclusive.allocated_bytes, 1);
    assert_at_root();
}

#[test]
fn row_06_polls_of_a_returned_future_are_in_the_scope() {
    #[track]
    fn polled_later(length: usize) -> impl Future<Output = Vec<u8>> {
        let before = vec![0; length];
        async move {
            yield_now().await;
            [before, vec![0; length]].concat()
        }
    }
    #[track]
    fn polled_later_send<'a>(
        text: &'a str,
    ) -> impl Future<Output = Result<String, std::fmt::Error>> + Send + 'a {
        async move {
            let first = text.chars().next().ok_or(std::fmt::Error)?;
            yield_now().await;
            Ok(first.to_string())
        }
    }
    let mut future = Box::pin(polled_later(6));
    assert_eq!(live_bytes(&["polled_later"]), 6);
    assert!(poll_once(future.as_mut()).is_pending());
    assert_at_root();
    let Poll::Ready(kept) = poll_once(future.as_mut()) else { panic!("it waits only once") };
    assert_eq!(live_bytes(&["polled_later"]), 12);
    let text = block_on(is_send(polled_later_send("ab")));
    assert_eq!((text.as_deref(), live_bytes(&["polled_later_send"])), (Ok("a"), 1));
    assert!(block_on(polled_later_send("")).is_err());
    assert_at_root();
    drop((kept, text));
}

#[test]
fn row_07_polls_of_a_boxed_future_are_in_the_scope() {
    #[track]
    fn polled_boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = String> + Send + 'a>> {
        let mut owned = String::with_capacity(70);
        Box::pin(async move {
            owned.push_str(text);
            yield_now().await;
            String::with_capacity(7) + &owned[..3]
        })
    }
    let kept = block_on(is_send(polled_boxed("abc")));
    assert_eq!((kept.as_str(), live_bytes(&["polled_boxed"])), ("abc", 7));
    // Dropped unfinished, what it held goes in its scope as well.
    let mut future = polled_boxed("abc");
    assert!(poll_once(future.as_mut()).is_pending());
    drop(future);
    assert_eq!(live_bytes(&["polled_boxed"]), 7);
    assert_at_root();
    drop(kept);
}

#[test]
fn row_07_statements_before_a_boxed_future() {
    #[track]
    fn returns_boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = usize> + 'a>> {
        let owned = text.to_owned();
        if text.is_empty() {
            return Box::pin(std::future::ready(0));
        }
        Box::pin(async move { owned.len() })
    }
    assert_eq!(block_on(returns_boxed("abc")), 3);
    assert_eq!(block_on(returns_boxed("")), 0);
    let snapshot = memscope::snapshot();
    let returns_boxed = scope(&snapshot, &["returns_boxed"]);
    assert_eq!(returns_boxed.calls, 2);
    // The text, the boxed future that holds it, and the boxed future of the empty text.
    assert_eq!((returns_boxed.exclusive.allocations, returns_boxed.exclusive.live_bytes), (3, 0));
    assert_at_root();
}

#[test]
fn row_08_a_returned_closure_keeps_one_type() {
    #[track]
    fn adder(a: u32) -> impl Fn(u32) -> u32 {
        move |b| a + b
    }
    #[track]
    async fn async_adder(a: u32) -> impl FnOnce(u32) -> u32 {
        yield_now().await;
        move |b| a + b
    }
    let mut add = adder(1);
    assert_eq!(add(2), 3);
    add = adder(2);
    assert_eq!(add(2), 4);
    let mut add = block_on(async_adder(1));
    assert_eq!(add(1), 2);
    add = block_on(async_adder(2));
    assert_eq!(add(2), 4);
    assert_eq!((calls(&["adder"]), calls(&["async_adder"])), (2, 2));
    assert_at_root();
}

struct AllocatesInDrop(usize);

impl Drop for AllocatesInDrop {
    fn drop(&mut self) {
        std::mem::forget(vec![0u8; self.0]);
    }
}

#[test]
fn row_09_dropped_unfinished() {
    #[track]
    async fn dropped_unfinished(_argument: AllocatesInDrop) {
        let _held = AllocatesInDrop(300);
        yield_now().await;
    }
    let mut unfinished = Box::pin(dropped_unfinished(AllocatesInDrop(0)));
    assert!(poll_once(unfinished.as_mut()).is_pending());
    drop(unfinished);
    assert_eq!(live_bytes(&["dropped_unfinished"]), 300);
    assert_at_root();

    // On another thread than the one that polled.
    let mut unfinished = Box::pin(dropped_unfinished(AllocatesInDrop(0)));
    assert!(poll_once(unfinished.as_mut()).is_pending());
    thread::spawn(move || {
        drop(unfinished);
        assert_at_root();
    })
    .join()
    .expect("it does not panic");
    assert_eq!(live_bytes(&["dropped_unfinished"]), 600);

    // Unfinished within another: the inner drop runs inside the inner scope.
    #[track]
    async fn drops_inner() {
        let mut inner = Box::pin(dropped_unfinished(AllocatesInDrop(0)));
        assert!(poll_once(inner.as_mut()).is_pending());
    }
    block_on(drops_inner());
    assert_eq!(live_bytes(&["drops_inner", "dropped_unfinished"]), 300);
    assert_at_root();
}

#[test]
fn row_10_a_hundred_caught_panics_then_normal_use() {
    #[track]
    async fn panics_async(really: bool) -> Vec<u8> {
        panics_within(really).await
    }
    #[track]
    async fn panics_within(really: bool) -> Vec<u8> {
        let kept = vec![0; 10];
        yield_now().await;
        if really {
            unwind();
        }
        kept
    }
    for _ in 0..100 {
        assert!(catch_unwind(AssertUnwindSafe(|| block_on(panics_async(true)))).is_err());
    }
    let kept = block_on(panics_async(false));
    let snapshot = memscope::snapshot();
    let outer = scope(&snapshot, &["panics_async"]);
    let inner = scope(&snapshot, &["panics_async", "panics_within"]);
    assert_eq!((outer.calls, inner.calls), (101, 101));
    assert_eq!((outer.exclusive.live_bytes, inner.exclusive.live_bytes), (0, 10));
    assert_at_root();
    drop(kept);
}

#[test]
fn row_11_from_one_thread_to_another() {
    #[track]
    async fn changes_thread() -> (Vec<u8>, Vec<u8>) {
        track_var!(let first: Vec<u8> = vec![0; 11]);
        yield_now().await;
        track_var!(first);
        (first, vec![0; 22])
    }
    let mut future = Box::pin(is_send(changes_thread()));
    let mut future = thread::spawn(move || {
        assert!(poll_once(future.as_mut()).is_pending());
        assert_at_root();
        future
    })
    .join()
    .expect("it does not panic");
    let Poll::Ready(kept) = poll_once(future.as_mut()) else { panic!("it waits only once") };
    assert_at_root();
    let snapshot = memscope::snapshot();
    let task = scope(&snapshot, &["changes_thread"]);
    assert_eq!((task.calls, task.exclusive.live_bytes), (1, 33));
    drop(kept);
    assert_eq!(live_bytes(&["changes_thread"]), 0);
}

#[test]
fn row_11_on_the_threads_of_a_runtime() {
    #[track]
    async fn wanders(bytes: usize) -> Vec<Vec<u8>> {
        let mut kept = Vec::with_capacity(100);
        for _ in 0..100 {
            kept.push(wanders_within(bytes).await);
            yield_now().await;
        }
        kept
    }
    #[track]
    async fn wanders_within(bytes: usize) -> Vec<u8> {
        yield_now().await;
        vec![0; bytes]
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().expect("threads");
    let kept = runtime.block_on(async {
        let tasks: Vec<_> = (0..40).map(|_| tokio::spawn(wanders(5))).collect();
        let mut kept = Vec::new();
        for task in tasks {
            kept.push(task.await.expect("it does not panic"));
        }
        // All workers are at their roots again.
        let checks: Vec<_> = (0..40).map(|_| tokio::spawn(async { assert_at_root() })).collect();
        for check in checks {
            check.await.expect("balanced");
        }
        kept
    });
    drop(runtime);
    let snapshot = memscope::snapshot();
    let outer = scope(&snapshot, &["wanders"]);
    let inner = scope(&snapshot, &["wanders", "wanders_within"]);
    assert_eq!((outer.calls, inner.calls), (40, 4000));
    let list = 100 * size_of::<Vec<u8>>() as u64;
    assert_eq!((outer.exclusive.live_bytes, inner.exclusive.live_bytes), (40 * list, 20_000));
    assert_at_root();
    drop(kept);
    let snapshot = memscope::snapshot();
    assert_eq!(scope(&snapshot, &["wanders"]).inclusive.live_bytes, 0);
}

#[test]
fn row_12_a_spawned_task_starts_a_root() {
    #[track]
    async fn spawns() -> Vec<u8> {
        tokio::spawn(spawned()).await.expect("it does not panic")
    }
    #[track]
    async fn spawned() -> Vec<u8> {
        yield_now().await;
        vec![0; 12]
    }
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("threads");
    let kept = threads.block_on(spawns());
    assert_eq!((calls(&["spawns"]), live_bytes(&["spawned"])), (1, 12));
    drop(kept);
    let one = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let kept = one.block_on(spawns());
    assert_eq!((calls(&["spawns"]), live_bytes(&["spawned"])), (2, 12));
    assert_at_root();
    drop(kept);
}

#[test]
fn row_12_the_helper_hands_the_scope_on() {
    #[track]
    async fn spawns_below() -> (Vec<u8>, Vec<u8>) {
        let scope = memscope::spawn_scope();
        let in_thread = thread::spawn(scope.closure(|| vec![0; 13]));
        let in_task = tokio::spawn(scope.future(spawned_below())).await.expect("it does not panic");
        (in_task, in_thread.join().expect("it does not panic"))
    }
    #[track]
    async fn spawned_below() -> Vec<u8> {
        yield_now().await;
        vec![0; 12]
    }
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("threads");
    let kept = threads.block_on(async {
        // The spawner itself in a task, and its task on another worker perhaps.
        tokio::spawn(spawns_below()).await.expect("it does not panic")
    });
    drop(threads);
    let snapshot = memscope::snapshot();
    let below = scope(&snapshot, &["spawns_below", "spawned_below"]);
    assert_eq!((below.calls, below.exclusive.live_bytes), (1, 12));
    assert!(scope(&snapshot, &["spawns_below"]).exclusive.live_bytes >= 13);
    assert_at_root();
    drop(kept);
}

/// What a tracked future adds to the plain one is a few words, whatever its arguments.
#[test]
fn row_11_futures_are_send_and_of_bounded_size() {
    async fn plain(bytes: [u8; 1000]) -> u8 {
        yield_now().await;
        bytes[0]
    }
    #[track]
    async fn sized(bytes: [u8; 1000]) -> u8 {
        yield_now().await;
        bytes[0]
    }
    let (plain, tracked) = (size_of_val(&plain([0; 1000])), size_of_val(&is_send(sized([0; 1000]))));
    assert!(tracked <= plain + 128, "{plain} bytes became {tracked}");
    assert_eq!(block_on(sized([3; 1000])), 3);
}
