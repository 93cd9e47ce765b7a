//! Row 37: in a crate that denies all warnings, forbids unsafe code and turns clippy's strictest groups on, tracked
//! functions add nothing. `cargo test` runs it under rustc's lints, `cargo clippy --all-targets` under clippy's.

#![cfg(feature = "live")]
#![forbid(unsafe_code)]
#![deny(warnings, unused, future_incompatible, rust_2018_idioms, unreachable_pub, missing_docs)]
#![deny(unused_qualifications, single_use_lifetimes, unused_lifetimes, let_underscore_drop)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery)]

use memscope::{Trackable, track, track_var};
use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use ui_tests::{block_on, calls, yield_now};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[track]
fn words(text: &str) -> HashMap<String, usize> {
    /// The body opens with an item.
    const LEAST: usize = 1;
    track_var!(let mut counts: HashMap<String, usize> = HashMap::new());
    for word in text.split_whitespace().filter(|word| word.len() >= LEAST) {
        *counts.entry(word.to_owned()).or_default() += 1;
    }
    track_var!(counts);
    counts
}

/// Derived for, and dropped with what it says of itself unread.
#[derive(Trackable)]
struct Shelf<'a, T, const N: usize> {
    label: &'a str,
    _books: [Option<Box<T>>; N],
    #[track(skip)]
    _call: Box<dyn Fn()>,
    #[deprecated]
    old: u8,
}

#[derive(Trackable)]
struct Marker;

#[derive(Trackable)]
enum Either<'a, T> {
    Neither,
    One(&'a T),
    Both { one: T, other: Vec<T> },
}

#[track]
fn derived() -> usize {
    #[expect(deprecated, reason = "it is what is tried")]
    let shelf = Shelf { label: "a", _books: [None::<Box<u8>>], _call: Box::new(|| ()), old: 1 };
    track_var!(shelf);
    let marker = Marker;
    track_var!(marker);
    let either = [Either::Neither, Either::One(&1), Either::Both { one: 1, other: vec![2] }];
    track_var!(either);
    let sum = either.iter().map(|either| match either {
        Either::Neither => 0,
        Either::One(one) => **one,
        Either::Both { one, other } => one + other.iter().sum::<usize>(),
    });
    shelf.label.len() + sum.sum::<usize>()
}

#[rustfmt::skip]
#[track]
fn on_one_line(list: &[u32]) -> usize { list.len() }

#[rustfmt::skip]
#[track]
async fn on_one_line_async() -> u8 { yield_now().await; 1 }

macro_rules! written_by_macro {
    ($name:ident $body:block) => {
        #[track]
        fn $name() -> u32 $body
    };
}
written_by_macro!(written { 1 });

#[track]
fn unit(list: &mut Vec<u32>) {
    list.push(1);
}

#[track]
fn fallible(text: &str) -> Result<u32, Box<dyn Error>> {
    track_var!(let number = text.parse::<u32>()?);
    track_var!(let (next, _) = number.overflowing_add(1));
    track_var!(let Some(last) = next.checked_add(1) else { return Ok(0) });
    Ok(last)
}

#[track]
async fn asynchronous(
    text: &str,
) -> Result<HashMap<String, Vec<Box<dyn Fn(u32) -> u32 + Send>>>, Box<dyn Error>> {
    yield_now().await;
    let number = fallible(text)?;
    track_var!(let mut map = HashMap::<String, Vec<Box<dyn Fn(u32) -> u32 + Send>>>::new());
    map.entry(text.to_owned()).or_default().push(Box::new(move |a| a + number));
    yield_now().await;
    Ok(map)
}

#[track]
async fn unit_async() {
    yield_now().await;
}

#[track]
async fn returns_future() -> impl Future<Output = u8> {
    yield_now().await;
    async { 3 }
}

#[track]
async fn diverges(really: bool) {
    yield_now().await;
    if !really {
        return;
    }
    panic!("diverges")
}

#[track]
async fn always_diverges() -> u8 {
    yield_now().await;
    panic!("diverges")
}

#[track]
async fn never() -> ! {
    yield_now().await;
    panic!("never")
}

#[track]
async fn infallible() -> Result<u8, std::convert::Infallible> {
    yield_now().await;
    Ok(1)
}

struct Counter {
    seen: Vec<u64>,
}

impl Counter {
    #[track]
    fn new(seen: &[u64]) -> Self {
        Self { seen: seen.to_vec() }
    }

    #[track]
    fn total(&self) -> u64 {
        track_var!(self.seen);
        self.seen.iter().sum()
    }

    #[track(name = "Counter: add")]
    async fn add(&mut self, value: u64) {
        yield_now().await;
        self.seen.push(value);
    }
}

#[track(skip(left_out))]
impl Counter {
    const fn constant() -> u8 {
        1
    }

    fn left_out(&self) -> usize {
        self.seen.iter().filter(|seen| **seen > 0).count()
    }

    fn in_a_block(&self) -> usize {
        usize::from(Self::constant()) + self.left_out()
    }

    async fn in_a_block_async(mut self, _unused: String, more: Vec<u64>) -> Self {
        yield_now().await;
        self.seen.extend(more);
        self
    }
}

#[track]
mod tracked_module {
    use std::fmt;

    impl fmt::Display for super::Counter {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", seen(self))
        }
    }

    fn seen(counter: &super::Counter) -> usize {
        counter.seen.len()
    }
}

#[track(vars, skip(quiet), budget = "1 MiB", max_allocs = 100)]
fn with_variables(given: &[String], (first, _second): (u64, u64), quiet: Option<String>) -> Vec<String> {
    let mut kept = Vec::new();
    let limit = usize::try_from(first).unwrap_or(usize::MAX);
    for text in given.iter().take(limit) {
        let copied = text.clone();
        kept.push(copied);
    }
    let Some(last) = quiet else { return kept };
    kept.push(last);
    kept
}

#[track(vars, budget = "1 MiB")]
async fn with_variables_async(given: Vec<u8>) -> Result<usize, Box<dyn Error>> {
    let number: usize = "3".parse()?;
    yield_now().await;
    Ok(number + given.len())
}

#[track]
fn returns_a_future(length: usize) -> impl Future<Output = usize> {
    let bytes = vec![0_u8; length];
    async move {
        yield_now().await;
        bytes.len()
    }
}

#[track]
fn returns_boxed<'a>(text: &'a str) -> std::pin::Pin<Box<dyn Future<Output = usize> + Send + 'a>> {
    Box::pin(async move {
        yield_now().await;
        text.len()
    })
}

#[track]
fn outlives() -> memscope::Tracked<Vec<u8>> {
    let list = vec![1];
    track_var!(move list)
}

/// Clippy looks for the one canonical shape of the bodies.
#[derive(PartialEq, Eq)]
struct Ordered(u32);

#[track]
impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Ordered {
    #[track]
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Copied(u32);

impl Copy for Copied {}

#[track]
#[allow(clippy::expl_impl_clone_on_copy, reason = "what is looked for is how it is implemented")]
impl Clone for Copied {
    fn clone(&self) -> Self {
        *self
    }
}

#[track]
fn is_send<T: Send>() {}

#[test]
fn row_37_strict_lints_stay_silent() {
    assert_eq!(words("a b a").len(), 2);
    let mut list = Vec::new();
    unit(&mut list);
    assert_eq!(list, [1]);
    assert_eq!(on_one_line(&list) + usize::from(block_on(on_one_line_async())), 2);
    assert_eq!(written(), 1);
    assert_eq!(derived(), 1 + 1 + (1 + 2));
    assert!(fallible("x").is_err());
    let map = block_on(asynchronous("3")).unwrap_or_default();
    assert_eq!(map["3"][0](1), 6);
    block_on(unit_async());
    assert_eq!(block_on(block_on(returns_future())), 3);
    assert_eq!(block_on(infallible()), Ok(1));
    block_on(diverges(false));
    drop((always_diverges(), never()));
    let mut counter = Counter::new(&[1, 2]);
    block_on(counter.add(3));
    assert_eq!(counter.total(), 6);
    assert_eq!(calls(&["Counter: add"]), 1);
    assert_eq!(counter.in_a_block(), 4);
    let counter = block_on(counter.in_a_block_async(String::new(), vec![1]));
    assert_eq!(counter.to_string(), "4");
    assert_eq!(with_variables(&["a".to_owned()], (1, 2), Some(String::new())).len(), 2);
    assert_eq!(block_on(with_variables_async(vec![0; 4])).unwrap_or_default(), 7);
    assert_eq!(block_on(returns_a_future(2)) + block_on(returns_boxed("abc")), 5);
    assert_eq!(outlives().len(), 1);
    assert!(Ordered(1) < Ordered(2));
    let copied = Copied(1);
    assert_eq!(Clone::clone(&copied), copied);
    is_send::<Copied>();
}
