//! Row 16: type and borrow errors are reported at the user's expression.

use memscope::track;

#[track]
fn sync() -> u32 {
    "sync"
}

#[track]
async fn asynchronous() -> u32 {
    "asynchronous"
}

/// Of this crate: what the compiler says of std's types depends on whether their source is installed.
struct Wrapped<T>(T);

#[track]
async fn wrapped() -> Wrapped<u32> {
    Wrapped("wrapped")
}

#[track]
async fn no_value() -> u32 {
    let _ = 1;
}

#[track]
fn no_value_sync() -> u32 {
    let _ = 1;
}

#[track]
async fn early() -> String {
    if true {
        return 3;
    }
    String::new()
}

#[track]
async fn question() -> Result<(), std::fmt::Error> {
    std::fs::read("x")?;
    Ok(())
}

fn main() {}
