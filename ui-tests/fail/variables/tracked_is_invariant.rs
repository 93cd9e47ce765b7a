//! A wrapped value keeps its lifetimes, with recording and without.

use memscope::Tracked;

fn shorter<'a>(kept: Tracked<&'static str>, _: &'a str) -> Tracked<&'a str> {
    kept
}

fn main() {}
