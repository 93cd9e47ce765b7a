//! What a page holds compressed comes out in a browser as it was written, or nothing is drawn of it.
//!
//! Without a Chromium these tests say so and pass; with `MEMSCOPE_REQUIRE_BROWSER=1` they fail.

#[path = "browser/devtools.rs"]
mod devtools;
mod fixture;
#[path = "browser/modules.rs"]
mod modules;
#[path = "fixture/random.rs"]
mod random;

use devtools::Browser;
use memscope_dashboard::{island, render};
use random::Random;
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

/// Texts that compress in each way: not at all, by copies of all lengths and distances, by copies that run into themselves.
fn texts() -> Vec<Value> {
    let mut random = Random(1);
    let mut texts = vec![json!([]), json!("a".repeat(100_000)), json!("äöü€😀".repeat(3_000))];
    for round in 0..40_usize {
        let mut text = String::new();
        while text.len() < 3_000 * (round + 1) {
            let word = random.below(1 << (round % 20 + 1));
            let times = random.below(300).pow(2) / 3_000 + 1;
            (0..times).for_each(|_| text.push_str(&format!("{word:x} ")));
        }
        texts.push(json!([text, round]));
    }
    texts
}

#[test]
fn what_is_compressed_comes_out_as_it_was() {
    let Some(mut browser) = Browser::start() else { return };
    for text in texts() {
        // Anew each time, for the first call in a page is compiled in another way than later ones.
        let _folder = modules::open(&mut browser, &["island.js"]);
        let packed = island::compressed(&text).unwrap();
        assert_eq!(browser.eval(&format!("island.unpackedJson({packed:?})")), text);
    }
}

#[test]
fn of_damaged_data_nothing_is_drawn() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    let html = render(&fixture::small()).unwrap();
    let begin = html.find("id=\"data\">").unwrap() + "id=\"data\">".len();
    let end = begin + html[begin..].find('<').unwrap();
    // The last letters hold what ends the JSON; a letter some before them is in a literal of it.
    for at in [begin, begin + 9, end - 12] {
        let mut bytes = html.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        fs::write(&file, bytes).unwrap();
        browser.open(&file, "", (1_280, 900), "light");
        browser.until("!document.documentElement.classList.contains('js')");
        // What stands in the page without a script is there.
        assert_eq!(browser.eval("document.querySelector('#scope-list').checkVisibility()"), true);
        assert_eq!(browser.eval("document.querySelector('#flame').childElementCount"), 0);
        assert_eq!(browser.thrown(), 1, "one line in the console, and no other");
    }
}
