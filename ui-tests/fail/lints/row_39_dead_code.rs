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

fn main() {
    let _ = Owner;
}
