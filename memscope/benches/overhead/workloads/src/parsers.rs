//! Two parsers as programs use them: much of the time goes into allocating, but not all.

use crate::tracked::Tracked;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Objects of the document; every second one is inside another.
const OBJECTS: usize = 4_000;

/// A document of 4,000 nested objects, about 200 KB, is parsed into a `Value`, and dropped.
#[inline(never)]
pub fn json(operations: u64, _: &Tracked) -> Duration {
    let text = document();
    let start = Instant::now();
    for _ in 0..operations {
        let value: serde_json::Value = serde_json::from_str(black_box(&text)).expect("the document is JSON");
        drop(black_box(value));
    }
    start.elapsed()
}

fn document() -> String {
    let mut text = String::from("[");
    for number in 0..OBJECTS / 2 {
        let comma = if number == 0 { "" } else { "," };
        write!(
            text,
            r#"{comma}{{"id":{number},"name":"item {number}","price":{}.5,"tags":["red","small"],"#,
            number % 90
        )
        .and_then(|()| write!(text, r#""place":{{"shelf":{},"row":"row {}"}}}}"#, number % 40, number % 7))
        .expect("a String takes any text");
    }
    text.push(']');
    text
}

/// Bytes of Rust that are parsed at least.
const RUST_BYTES: usize = 100_000;

/// memscope's own recorder.
const SOURCES: [&str; 9] = [
    include_str!("../../../../../memscope-runtime/src/live_map.rs"),
    include_str!("../../../../../memscope-runtime/src/snapshot/variable.rs"),
    include_str!("../../../../../memscope-runtime/src/thread_state.rs"),
    include_str!("../../../../../memscope-runtime/src/capture/scopes.rs"),
    include_str!("../../../../../memscope-runtime/src/declared/mod.rs"),
    include_str!("../../../../../memscope-runtime/src/variable/mod.rs"),
    include_str!("../../../../../memscope-runtime/src/watch.rs"),
    include_str!("../../../../../memscope-runtime/src/record.rs"),
    include_str!("../../../../../memscope-runtime/src/slot.rs"),
];

/// About 100 KB of Rust are parsed into a syntax tree, which is dropped.
#[inline(never)]
pub fn rust(operations: u64, _: &Tracked) -> Duration {
    let text = source();
    let start = Instant::now();
    for _ in 0..operations {
        drop(black_box(syn::parse_file(black_box(&text)).expect("our sources are Rust")));
    }
    start.elapsed()
}

/// Our sources one after another. What may stand only at the top of a file is left out.
fn source() -> String {
    let mut text = String::new();
    for line in SOURCES.iter().cycle().flat_map(|source| source.lines().chain([""])) {
        // An empty line at the margin lies between two items, or within one that a later line ends; so the text
        // is cut where a file ends.
        if text.len() >= RUST_BYTES && line.is_empty() && syn::parse_file(&text).is_ok() {
            break;
        }
        if !line.starts_with("//!") && !line.starts_with("#![") {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_4_000_objects_and_about_200_kilobytes() {
        let text = document();
        // Each object opens one brace, and no string holds one.
        assert_eq!(text.matches('{').count(), 4_000);
        assert!((180_000..220_000).contains(&text.len()), "{} bytes", text.len());
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value.as_array().unwrap().len(), 2_000);
    }

    #[test]
    fn the_rust_is_whole_and_about_100_kilobytes() {
        let text = source();
        assert!(syn::parse_file(&text).is_ok());
        // One file more than needed at most.
        assert!((RUST_BYTES..130_000).contains(&text.len()), "{} bytes", text.len());
    }
}
