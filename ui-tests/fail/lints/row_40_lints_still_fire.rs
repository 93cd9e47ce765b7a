//! Row 40: what the compiler says about a function, it says about a tracked one.

#![deny(warnings)]

use memscope::track;

#[track]
fn dead() {}

#[track]
async fn dead_async() {}

#[track]
fn unused_argument(argument: u32) {}

#[track]
async fn unused_argument_async(argument: u32, used: u32) -> u32 {
    used
}

#[track]
fn unused_variable() {
    let mut variable = 1;
}

#[track]
#[must_use]
fn important() -> u32 {
    1
}

#[track]
fn unreachable() -> u32 {
    return 1;
    2
}

fn main() {
    unused_argument(1);
    let _ = unused_argument_async(1, 2);
    unused_variable();
    important();
    unreachable();
}
