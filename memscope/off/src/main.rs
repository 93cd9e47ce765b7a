//! What memscope leaves of a program that switches it off: nothing. `.ci/off-build` builds this twice, with
//! memscope (feature `memscope`, neither `live` nor `html`) and with it linked alone (feature `linked`), and compares the code of each
//! function in [`functions`] and the ways to the system's allocator.
//!
//! Without the feature the attribute is taken away by `cfg_attr`, and `track_var!` is the macro below.

#[cfg(all(feature = "linked", not(feature = "memscope")))]
extern crate memscope as _;

/// Emits its `let`, or nothing.
#[cfg(not(feature = "memscope"))]
macro_rules! track_var {
    (let $($rest:tt)*) => { let $($rest)*; };
    ($($place:expr),+) => {};
}

mod functions;

#[cfg(feature = "memscope")]
#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[cfg(not(feature = "memscope"))]
#[global_allocator]
static ALLOC: std::alloc::System = std::alloc::System;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let numbers: Vec<u64> = (0..words.len() as u64 + 3).collect();
    let mut shelf = functions::Shelf::default();
    shelf.put(functions::joined(&words, ", "));
    shelf.put(functions::zeroed(words.len()).len().to_string());
    let figures = (
        functions::sum(&numbers),
        functions::largest(&numbers),
        functions::largest(&words).map(String::len),
        functions::squares(numbers.len()).len(),
        functions::looked_at(&numbers),
        functions::boxed(numbers[0]),
        functions::outer(&numbers),
        functions::polled(numbers[1]),
        functions::carried(numbers[1]),
        functions::first_word(&shelf.titles()).map(str::len),
    );
    assert!(figures.0 > 0, "{figures:?}");
}
