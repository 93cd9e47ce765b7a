//! Borrow errors are those of the plain function.

use memscope::{track, track_var};

#[track]
fn dangling<'a>() -> &'a str {
    let text = String::new();
    &text
}

#[track]
async fn dangling_async<'a>() -> &'a str {
    let text = String::new();
    &text
}

fn id<T>(value: T) -> T {
    value
}

fn temporary() {
    track_var!(let x = id(&mut Vec::<u8>::new()));
    x.push(1);
}

fn moved() {
    let x = vec![1];
    drop(x);
    track_var!(x);
}

fn main() {}
