//! An async function's argument that nothing reads is reported, though the others are taken into a block of ours.

#![deny(unused)]

use memscope::track;

#[track(vars)]
async fn with_vars(argument: u8, used: Vec<u8>) -> usize {
    used.len()
}

#[track]
async fn without_vars(used: Vec<u8>, argument: u8, _allowed: u8) -> usize {
    used.len()
}

fn main() {
    let _ = (with_vars(1, Vec::new()), without_vars(Vec::new(), 1, 2));
}
