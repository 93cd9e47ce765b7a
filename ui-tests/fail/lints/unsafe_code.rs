//! The user's own `unsafe` is still refused where it is forbidden.

#![forbid(unsafe_code)]

#[memscope::track]
fn f(pointer: *const u8) -> u8 {
    unsafe { *pointer }
}

fn main() {
    f(&1);
}
