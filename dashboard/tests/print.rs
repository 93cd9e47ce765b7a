//! The page on paper, printed by a real browser: light whatever the reader prefers, without anything to press, with every panel,
//! and with so many pages as a person may want to hold.
//!
//! Without a Chromium these tests say so and pass; with `MEMSCOPE_REQUIRE_BROWSER=1` they fail.

#[path = "browser/devtools.rs"]
mod devtools;
mod fixture;
#[path = "browser/paper.rs"]
mod paper;

use devtools::Browser;
use memscope_dashboard::render;
use memscope_runtime::snapshot::Snapshot;
use paper::{assert_light_and_still, print, visible};
use serde_json::json;
use std::fs;
use tempfile::TempDir;

fn open(browser: &mut Browser, snapshot: &Snapshot, scheme: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, render(snapshot).unwrap()).unwrap();
    browser.open(&file, "", (1_280, 900), scheme);
    // What is on the page when it is printed.
    browser.eval(
        "addEventListener('beforeprint', () => { \
         const count = (what) => document.querySelectorAll(what).length; \
         window.printed = { cards: count('#cards > li'), rows: count('#scope-tree .rows > *'), \
         more: [...document.querySelectorAll('[data-more]')].map((one) => `${one.id} ${one.dataset.more}`) }; })",
    );
    folder
}

#[test]
fn it_prints_light_and_without_anything_to_press() {
    let Some(mut browser) = Browser::start() else { return };
    for scheme in ["light", "dark"] {
        for (snapshot, name) in [
            (fixture::exact(&fixture::small()), "small"),
            (fixture::mapped(&fixture::exact(&fixture::large(300))), "large"),
        ] {
            let _folder = open(&mut browser, &snapshot, scheme);
            browser.eval("document.querySelector('#cards a').click()");
            browser.until("document.querySelector('dialog[open]') !== null");
            let pages = print(&mut browser, &format!("print-{name}-{scheme}"));
            // Twice what they are now, 6 and 21: with rows that nobody drew there would be hundreds.
            assert!(
                (2..if name == "small" { 12 } else { 42 }).contains(&pages),
                "{name}, {scheme}: {pages} pages"
            );
            browser.eval("document.querySelector('dialog[open]').close()");
            assert_light_and_still(&mut browser, scheme);
            // What says how a figure is known is open on paper, and what is closed says so.
            assert_ne!(visible(&mut browser, ".key-to-provenance dd"), json!([]));
            let closed = "[...document.querySelectorAll('details:not([open]):not(.key-to-provenance, .why details) > summary')] \
                          .map((one) => getComputedStyle(one, '::after').content).filter((said) => !said.includes('closed'))";
            assert_eq!(browser.eval(closed), json!([]));
            // Nothing is cut of what is said first.
            let cut = "[...document.querySelectorAll('.held .row > *, .held .row > * > a')].filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== 'visible') \
                       .map((one) => one.outerHTML)";
            assert_eq!(browser.eval(cut), json!([]));
            browser.screenshot(&format!("print-{name}-{scheme}"), true);
            browser.assert_quiet();
        }
    }
}

#[test]
fn what_is_drawn_in_sight_alone_prints_its_first_hundred_and_says_how_many_more() {
    let Some(mut browser) = Browser::start() else { return };
    let _folder = open(&mut browser, &fixture::exact(&fixture::large(300)), "light");
    print(&mut browser, "print-many");
    let printed = browser.eval("window.printed");
    // 300 variables, of which a hundred print.
    assert_eq!(printed["cards"], 100);
    assert!(printed["more"].as_array().unwrap().contains(&"cards-room 200".into()), "{printed}");
    // The page is as it was.
    assert!(browser.eval("document.querySelectorAll('#cards > li').length").as_u64().unwrap() < 100);
    assert_eq!(browser.eval("document.querySelectorAll('[data-more]').length"), 0);
    browser.assert_quiet();
}

/// What prints and should not is found.
#[test]
fn a_control_that_prints_is_found() {
    let Some(mut browser) = Browser::start() else { return };
    let _folder = open(&mut browser, &fixture::exact(&fixture::small()), "light");
    assert_ne!(visible(&mut browser, "button, input, select"), json!([]));
}
