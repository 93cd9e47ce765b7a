//! `vars` hides no lint: what nothing reads is still unused, and is reported as without it.

#![deny(unused)]

use memscope::track;

#[track(vars)]
fn with_unused(argument: u8, (left, right): (u8, u8)) -> u8 {
    let unused = vec![1];
    let shadowed = 1;
    let shadowed = 2;
    let mut overwritten = 1;
    overwritten = 2;
    let mut counted = 0;
    counted += 1;
    let mut overwritten_unread = vec![1];
    overwritten_unread = vec![2];
    drop(overwritten_unread);
    let mut never_changed = right;
    let S { field } = S { field: shadowed };
    never_changed
}

struct S {
    field: u8,
}

fn main() {
    with_unused(1, (2, 3));
}
