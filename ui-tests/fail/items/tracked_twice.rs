//! A function is tracked once.

use memscope::track;

#[track]
#[track]
fn twice() {}

#[track]
#[inline]
#[memscope::track(name = "again")]
fn twice_with_path() {}

fn main() {
    twice();
    twice_with_path();
}
