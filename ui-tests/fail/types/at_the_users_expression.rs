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

#[track]
async fn in_result() -> Result<u32, String> {
    Ok("in result")
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
