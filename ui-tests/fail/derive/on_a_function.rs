//! The derive on what is no type, and packed fields that cannot be copied out.

use memscope::Trackable;

#[derive(Trackable)]
fn function() {}

#[derive(Trackable)]
#[repr(packed)]
struct Packed {
    text: String,
}

fn main() {}
