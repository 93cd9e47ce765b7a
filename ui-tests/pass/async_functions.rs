//! Async functions: entered at each poll, left when the poll ends, typed as without the attribute.

use memscope::{track, track_var};
use std::error::Error;
use std::fmt::Display;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use ui_tests::{block_on, calls, scope, yield_now};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

// Row 1: what is allocated between two polls of a task belongs elsewhere.

#[track]
async fn polled() -> Vec<u8> {
    let mut bytes = vec![0; 100];
    yield_now().await;
    bytes.reserve_exact(200);
    bytes
}

// Rows 2, 3: nested, empty.

#[track]
async fn outer() -> usize {
    inner(3).await.len() + inner(4).await.len()
}

#[track]
async fn inner(length: usize) -> Vec<u8> {
    yield_now().await;
    vec![0; length]
}

#[track]
async fn empty() {}

// Row 4: modifiers.

#[track]
pub(crate) async unsafe fn unsafe_read(pointer: *const u8) -> u8 {
    unsafe { *pointer }
}

// Rows 6, 7: functions that return futures run their own statements in their scope.

#[track]
fn returns_future(length: usize) -> impl Future<Output = usize> {
    let bytes = vec![0u8; length];
    async move { bytes.len() }
}

#[track]
fn returns_boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = usize> + 'a>> {
    let length = text.len();
    Box::pin(async move { length })
}

// Rows 13, 14, 15, 17: the type of the body is that of the signature.

#[track]
async fn impl_trait(a: u32) -> impl Display + use<> {
    a
}

#[track]
async fn result_of_impl_trait(fail: bool) -> Result<impl Display + use<>, Box<dyn Error>> {
    if fail {
        return Err("failed".into());
    }
    let number: u32 = "7".parse()?;
    Ok(number)
}

#[track]
async fn coerced(wide: bool) -> Box<dyn Display> {
    if wide {
        return Box::new(1u64);
    }
    Box::new("narrow")
}

#[track]
async fn coerced_result() -> Result<Box<dyn Fn(u32) -> u32 + Send>, Box<dyn Error + Send + Sync>> {
    Ok(Box::new(|a| a + 1))
}

#[track]
async fn only_ok() -> Result<(), Box<dyn Error>> {
    Ok(())
}

#[track]
async fn forever() -> ! {
    loop {
        yield_now().await;
    }
}

#[track]
async fn function_pointer() -> fn() -> ! {
    || panic!("called")
}

// Rows 19, 21, 22, 23, 24.

#[track]
async fn push(into: &mut Vec<u32>, (a, b): (u32, u32), _: u8) {
    into.push(a);
    yield_now().await;
    into.push(b);
}

#[track]
async fn generic<'a, T, const N: usize>(items: &'a [T; N]) -> &'a T
where
    T: Clone,
{
    &items[N - 1]
}

#[track]
async fn elided(text: &str) -> &str {
    yield_now().await;
    &text[1..]
}

struct Owner(String);

impl Owner {
    #[track]
    async fn by_ref(&self) -> &str {
        &self.0
    }
    #[track]
    async fn by_mut(&mut self) -> &mut Self {
        self.0.push('!');
        self
    }
    #[track]
    async fn by_value(self) -> String {
        self.0
    }
    #[track]
    async fn by_rc(self: Rc<Self>) -> usize {
        self.0.len()
    }
}

trait Fetch {
    async fn fetch(&self) -> String;
}

impl Fetch for Owner {
    #[track]
    async fn fetch(&self) -> String {
        self.0.clone()
    }
}

// A variable across an `.await`; the future stays `Send`.

#[track]
async fn holds_variable() -> usize {
    track_var!(let held: Vec<u8> = vec![0; 64]);
    yield_now().await;
    track_var!(held);
    held.len()
}

fn is_send<T: Send>(value: T) -> T {
    value
}

// Rows 9, 10.

struct AllocatesInDrop;

impl Drop for AllocatesInDrop {
    fn drop(&mut self) {
        std::mem::forget(vec![0u8; 333]);
    }
}

#[track]
async fn dropped_unfinished() {
    let _held = AllocatesInDrop;
    yield_now().await;
}

#[track]
async fn panics() {
    yield_now().await;
    panic!("in a poll");
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

// Row 11.

#[track]
async fn moves_between_threads() -> (Vec<u8>, Vec<u8>) {
    let first = vec![0; 11];
    yield_now().await;
    (first, vec![0; 22])
}

fn main() {
    let mut future = Box::pin(polled());
    assert!(poll_once(future.as_mut()).is_pending());
    let between = vec![0u8; 5000];
    let Poll::Ready(bytes) = poll_once(future.as_mut()) else { panic!("ready") };
    let snapshot = memscope::snapshot();
    let polled = scope(&snapshot, &["polled"]);
    assert_eq!((polled.calls, polled.exclusive.live_bytes), (1, 300));
    drop((between, bytes));

    assert_eq!(block_on(outer()), 7);
    assert_eq!(calls(&["outer", "inner"]), 2);
    block_on(empty());
    assert_eq!(calls(&["empty"]), 1);
    // A future that is never polled is never entered.
    drop(empty());
    assert_eq!(calls(&["empty"]), 1);
    // SAFETY: the pointer is that of a value which lives on.
    assert_eq!(block_on(unsafe { unsafe_read(&3) }), 3);

    assert_eq!(block_on(returns_future(40)) + block_on(returns_boxed("ab")), 42);
    assert_eq!(scope(&memscope::snapshot(), &["returns_future"]).exclusive.allocated_bytes, 40);

    assert_eq!(block_on(impl_trait(1)).to_string(), "1");
    assert_eq!(block_on(result_of_impl_trait(false)).map_err(|_| ()).map(|d| d.to_string()), Ok("7".into()));
    assert!(block_on(result_of_impl_trait(true)).is_err());
    assert_eq!(block_on(coerced(true)).to_string() + &block_on(coerced(false)).to_string(), "1narrow");
    assert_eq!(block_on(coerced_result()).map_err(|_| ()).map(|f| f(1)), Ok(2));
    assert!(block_on(only_ok()).is_ok());
    assert!(poll_once(Box::pin(forever()).as_mut()).is_pending());
    let _ = block_on(function_pointer());

    let mut numbers = Vec::new();
    block_on(push(&mut numbers, (1, 2), 0));
    numbers.push(3);
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(block_on(generic(&[1, 2, 3])), &3);
    assert_eq!(block_on(elided("abc")), "bc");
    let mut owner = Owner("a".into());
    block_on(owner.by_mut());
    assert_eq!(block_on(owner.by_ref()), "a!");
    assert_eq!(block_on(owner.fetch()), "a!");
    assert_eq!(block_on(owner.by_value()), "a!");
    assert_eq!(block_on(Rc::new(Owner("ab".into())).by_rc()), 2);

    assert_eq!(block_on(is_send(holds_variable())), 64);

    let mut unfinished = Box::pin(dropped_unfinished());
    assert!(poll_once(unfinished.as_mut()).is_pending());
    drop(unfinished);
    assert_eq!(scope(&memscope::snapshot(), &["dropped_unfinished"]).exclusive.live_bytes, 333);

    std::panic::set_hook(Box::new(|_| {}));
    for _ in 0..100 {
        assert!(catch_unwind(AssertUnwindSafe(|| block_on(panics()))).is_err());
    }
    assert_eq!(calls(&["panics"]), 100);
    block_on(empty());
    assert_eq!(calls(&["empty"]), 2, "the stack is balanced: `empty` is still entered from the root");

    let mut travels = Box::pin(moves_between_threads());
    let mut travels = std::thread::spawn(move || {
        assert!(poll_once(travels.as_mut()).is_pending());
        travels
    })
    .join()
    .expect("the first poll does not panic");
    let Poll::Ready(kept) = poll_once(travels.as_mut()) else { panic!("ready") };
    assert_eq!(scope(&memscope::snapshot(), &["moves_between_threads"]).exclusive.live_bytes, 33);
    drop(kept);
}
