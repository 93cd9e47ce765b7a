//! Row 39: the registered site does not make a function used.

#![deny(dead_code)]

use memscope::track;

#[track]
fn dead() {}

#[track]
async fn dead_async() {}

struct Owner;

impl Owner {
    #[track]
    fn dead_method(&self) {}
}

#[track]
unsafe extern "C" {
    fn labs(number: i64) -> i64;
}

fn main() {
    let _ = Owner;
}
