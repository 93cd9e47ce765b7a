//! Functions as users write them, each tracked. None is inlined, so that each can be found in the executable.

#[cfg(feature = "memscope")]
use memscope::track_var;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Allocates nothing.
#[cfg_attr(feature = "memscope", memscope::track)]
#[inline(never)]
pub(crate) fn sum(numbers: &[u64]) -> u64 {
    numbers.iter().sum()
}

/// Compiled once for each type that it is called with.
#[cfg_attr(feature = "memscope", memscope::track(name = "the largest"))]
#[inline(never)]
pub(crate) fn largest<T: Ord>(values: &[T]) -> Option<&T> {
    values.iter().max()
}

/// A `String` that grows.
#[cfg_attr(feature = "memscope", memscope::track)]
#[inline(never)]
pub(crate) fn joined(words: &[String], between: &str) -> String {
    track_var!(let mut text: String = String::new());
    for word in words {
        if !text.is_empty() {
            text.push_str(between);
        }
        text.push_str(word);
    }
    track_var!(text);
    text
}

/// A `Vec` that is bound by `track_var!`, with a type that is written down.
#[cfg_attr(feature = "memscope", memscope::track)]
#[inline(never)]
pub(crate) fn squares(count: usize) -> Vec<u64> {
    track_var!(let squares: Vec<u64> = (0..count as u64).map(|n| n * n).collect());
    squares
}

/// Zeroed memory.
#[cfg_attr(feature = "memscope", memscope::track)]
#[inline(never)]
pub(crate) fn zeroed(len: usize) -> Vec<u8> {
    track_var!(let zeroed = vec![0; len]);
    zeroed
}

/// A binding that is looked at again, and a pattern with two names.
#[cfg_attr(feature = "memscope", memscope::track)]
#[inline(never)]
pub(crate) fn looked_at(numbers: &[u64]) -> usize {
    track_var!(let (mut even, odd): (Vec<u64>, Vec<u64>) = numbers.iter().partition(|&n| n % 2 == 0));
    track_var!(even, odd);
    even.extend(&odd);
    track_var!(even);
    even.len()
}

/// A `Box`, and a `let … else`.
#[cfg_attr(feature = "memscope", memscope::track)]
#[inline(never)]
pub(crate) fn boxed(number: u64) -> u64 {
    track_var!(let boxed: Box<u64> = std::hint::black_box(Box::new(number)));
    track_var!(let Some(next) = boxed.checked_add(1) else { return 0 });
    next
}

/// A tracked function within a tracked function, inlined or not as the compiler likes.
#[cfg_attr(feature = "memscope", memscope::track)]
#[inline(never)]
pub(crate) fn outer(numbers: &[u64]) -> u64 {
    #[cfg_attr(feature = "memscope", memscope::track)]
    fn middle(numbers: &[u64]) -> u64 {
        inner(numbers.len()).into_iter().zip(numbers).map(|(a, b)| a * b).sum()
    }
    #[cfg_attr(feature = "memscope", memscope::track)]
    #[inline(never)]
    fn inner(count: usize) -> Vec<u64> {
        track_var!(let mut descending: Vec<u64> = (0..count as u64).collect());
        descending.reverse();
        descending
    }
    middle(numbers) + squares(numbers.len()).into_iter().max().unwrap_or(0)
}

/// Polls [`later`] by hand.
#[cfg_attr(feature = "memscope", memscope::track)]
#[inline(never)]
pub(crate) fn polled(number: u64) -> u64 {
    let mut future = pin!(later(number));
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

/// Polls by hand, in a scope that is carried, and calls a closure in it.
#[cfg_attr(feature = "memscope", memscope::track)]
#[inline(never)]
pub(crate) fn carried(number: u64) -> u64 {
    let (work, future) = (move || zeroed(number as usize), later(number));
    #[cfg(feature = "memscope")]
    let (work, future) = {
        let scope = memscope::spawn_scope();
        (scope.closure(work), scope.future(future))
    };
    let length = work().len() as u64;
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value + length;
        }
    }
}

/// Waits once, and holds a vector meanwhile.
#[cfg_attr(feature = "memscope", memscope::track)]
pub(crate) async fn later(number: u64) -> u64 {
    track_var!(let kept: Vec<u64> = vec![number; 3]);
    Once { waited: false }.await;
    track_var!(kept);
    kept.iter().sum()
}

struct Once {
    waited: bool,
}

impl Future for Once {
    type Output = ();

    #[inline(never)]
    fn poll(mut self: std::pin::Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        if self.waited {
            return Poll::Ready(());
        }
        self.waited = true;
        Poll::Pending
    }
}

/// Returns early by `?`, and borrows from its argument.
#[cfg_attr(feature = "memscope", memscope::track)]
#[inline(never)]
pub(crate) fn first_word<'a>(titles: &[&'a str]) -> Option<&'a str> {
    let first = titles.first()?;
    track_var!(let words: Vec<&str> = first.split(' ').collect());
    words.first().copied()
}

/// Methods, and a field that is looked at.
#[derive(Default)]
pub(crate) struct Shelf {
    books: Vec<String>,
}

impl Shelf {
    #[cfg_attr(feature = "memscope", memscope::track)]
    #[inline(never)]
    pub(crate) fn put(&mut self, book: String) {
        self.books.push(book);
        track_var!(self.books);
    }

    #[cfg_attr(feature = "memscope", memscope::track)]
    #[inline(never)]
    pub(crate) fn titles(&self) -> Vec<&str> {
        self.books.iter().map(String::as_str).collect()
    }
}
