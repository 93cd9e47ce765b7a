//! The user's own items, at the root of the crate, have the names that the expansion uses or could use.

#![allow(dead_code, unused_macros)]

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

fn main() {
    assert_eq!(sync(1, 2, 3), 12);
    assert_eq!(ui_tests::block_on(asynchronous(1, 2)), 3);
    for name in ["sync", "asynchronous"] {
        assert_eq!(ui_tests::calls(&[name]), 1, "{name}");
    }
}
