//! Row 30: the user's own items and variables have the names that the expansion uses or could use.
//! Row 31: another name for the crate.

#![allow(dead_code, unused_macros)]

use ::memscope as renamed;

#[global_allocator]
static ALLOC: ::memscope::Allocator = ::memscope::Allocator::system();

mod memscope {}
mod core {}
mod std {}
mod alloc {}
mod inventory {}
struct Option;
struct Result;
struct Some;
struct None;
struct Site;
struct Probe;
struct Walker;
trait Future {}
trait WalkFull {}
const _GUARD: () = ();
static SITE: u8 = 0;
static __INVENTORY: u8 = 0;
fn enter() {}
fn task() {}
fn bind() {}
fn here() {}
fn drop() {}

macro_rules! line {
    () => {
        ::core::compile_error!("the user's macro")
    };
}
macro_rules! submit {
    () => {
        ::core::compile_error!("the user's macro")
    };
}

#[::memscope::track]
fn sync(_guard: u8, _scope: u8, value: u8) -> u8 {
    let guard = _guard + _scope + value;
    let _mark_0 = guard;
    ::memscope::track_var!(let value: u8 = _mark_0);
    ::memscope::track_var!(let mark = value);
    ::memscope::track_var!(value, mark);
    _mark_0 + mark
}

#[::memscope::track]
async fn asynchronous(value: u8, _scope: u8) -> u8 {
    value + _scope
}

#[::memscope::track(crate = renamed)]
fn by_alias() -> u8 {
    ::memscope::track_var!(crate = renamed; let x: u8 = 1);
    ::memscope::track_var!(crate = crate::renamed; x);
    x
}

mod facade {
    pub mod inner {
        pub use ::memscope::*;
    }
}

#[facade::inner::track(crate = facade::inner)]
async fn by_facade() -> u8 {
    2
}

// A macro of a crate that re-exports memscope.
macro_rules! through_crate {
    ($name:ident) => {
        #[$crate::facade::inner::track(crate = $crate::facade::inner)]
        fn $name() -> u8 {
            $crate::facade::inner::track_var!(crate = $crate::facade::inner; let y: u8 = 3);
            y
        }
    };
}
through_crate!(by_macro);

fn main() {
    assert_eq!(sync(1, 2, 3), 12);
    assert_eq!(ui_tests::block_on(asynchronous(1, 2)), 3);
    assert_eq!(by_alias() + ui_tests::block_on(by_facade()) + by_macro(), 6);
    for name in ["sync", "asynchronous", "by_alias", "by_facade", "by_macro"] {
        assert_eq!(ui_tests::calls(&[name]), 1, "{name}");
    }
}
