//! `#[track(…)]` before the derive is the attribute of that name, which does not go on types.

use memscope::{Trackable, track};

#[track(crate = ::memscope)]
#[derive(Trackable)]
struct Before {
    text: String,
}

#[derive(Trackable)]
#[track(crate = ::memscope)]
struct After {
    #[track(skip)]
    text: String,
}

#[track]
fn is_used() {}

fn main() {}
