//! Borrow errors are those of the plain function.

use memscope::track;

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

#[track]
fn moved_twice(text: String) -> (String, String) {
    (text, text)
}

#[track]
async fn held_across_await(list: &mut Vec<u8>) -> u8 {
    let first = &list[0];
    list.clear();
    std::future::ready(()).await;
    *first
}

fn main() {}
