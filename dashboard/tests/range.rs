//! A range of time on the timeline, chosen by pointer and by keyboard, in a real browser.
//!
//! Without a Chromium these tests say so and pass; with `MEMSCOPE_REQUIRE_BROWSER=1` they fail.

#[path = "fixture/breakout.rs"]
mod breakout;
#[path = "browser/devtools.rs"]
mod devtools;
mod fixture;
mod reader;

use devtools::Browser;
use memscope_dashboard::render;
use memscope_runtime::snapshot::Snapshot;
use reader::page;
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

const ARROW_LEFT: u32 = 37;
const ARROW_RIGHT: u32 = 39;

fn open(browser: &mut Browser, snapshot: &Snapshot, size: (u32, u32), scheme: &str) -> (TempDir, Value) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, render(snapshot).unwrap()).unwrap();
    browser.open(&file, "", size, scheme);
    (folder, serde_json::to_value(snapshot).unwrap())
}

/// The words beside the handles, with plain spaces.
fn said(browser: &mut Browser) -> String {
    let text = browser.eval("document.querySelector('.range output').textContent");
    text.as_str().unwrap().replace(['\u{202f}', '\u{a0}'], " ")
}

/// What the headings of the panels say of the range, in the panels' order.
fn notes(browser: &mut Browser) -> Vec<String> {
    let notes = "[...document.querySelectorAll('.panel .range-note')].filter((note) => note.checkVisibility()) \
                 .map((note) => note.textContent)";
    serde_json::from_value(browser.eval(notes)).unwrap()
}

fn drag(browser: &mut Browser, from: f64, to: f64) {
    let at = browser.eval(
        "(() => { const plot = document.querySelector('.plot'); \
         plot.scrollIntoView({ block: 'center', behavior: 'instant' }); \
         const box = plot.getBoundingClientRect(); return [box.x, box.width, box.y + box.height / 2]; })()",
    );
    let x = |share: f64| at[0].as_f64().unwrap() + share * at[1].as_f64().unwrap();
    let steps = [
        ("mousePressed", from),
        ("mouseMoved", (from + to) / 2.0),
        ("mouseMoved", to),
        ("mouseReleased", to),
    ];
    for (kind, share) in steps {
        let event = json!({
            "type": kind, "x": x(share), "y": at[2], "button": "left", "buttons": 1, "clickCount": 1
        });
        browser.call("Input.dispatchMouseEvent", event);
    }
}

fn assert_bound(browser: &mut Browser, document: &Value) {
    let html = browser.eval("document.documentElement.outerHTML");
    let faults = page::faults(html.as_str().unwrap(), document);
    assert!(faults.is_empty(), "{} faults: {:#?}", faults.len(), &faults[..faults.len().min(20)]);
}

/// The fixture's points: 10,000 bytes at 0 s, 700,000 at 1 s, 400,000 at 2.4 s; the recording ends at 2.4 s.
#[test]
fn a_range_is_chosen_by_dragging_and_given_up_by_a_click() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, document) = open(&mut browser, &fixture::exact(&fixture::small()), (1280, 900), "light");
    assert_eq!(notes(&mut browser), [""; 0]);
    // From beside the second point (1 s of 2.4 s: 0.417 of the width) to the end.
    drag(&mut browser, 0.43, 0.99);
    // 2.4 s - 1 s = 1.4 s. 700,000 / 1,024 = 683.6 KiB, 400,000 / 1,024 = 390.6 KiB; 300,000 / 1,024 = 293.0 KiB.
    assert_eq!(
        said(&mut browser),
        "1.0 s to 2.4 s (1.4 s): live 683.6 KiB → 390.6 KiB, shrunk by 293.0 KiB; highest point 683.6 KiB at 1.0 s"
    );
    assert!(notes(&mut browser).iter().any(|note| note == "whole recording"));
    // All of the fixture's variables were first seen in the first 30 ms.
    assert!(notes(&mut browser).iter().any(|note| note == "first seen in the range"));
    assert_eq!(browser.eval("document.querySelectorAll('#cards li').length"), 0);
    assert_bound(&mut browser, &document);
    browser.screenshot("range-1280-light", false);
    browser.click(".plot");
    assert!(said(&mut browser).starts_with("Drag over the curve"), "{}", said(&mut browser));
    assert_eq!(notes(&mut browser), [""; 0]);
    assert_ne!(browser.eval("document.querySelectorAll('#cards li').length"), 0);
    browser.assert_quiet();
}

#[test]
fn a_range_is_chosen_by_the_keyboard() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, document) = open(&mut browser, &fixture::exact(&fixture::small()), (400, 800), "dark");
    browser.eval("document.querySelector('.range input').focus()");
    browser.press("ArrowRight", ARROW_RIGHT);
    assert!(said(&mut browser).starts_with("1.0 s to 2.4 s"), "{}", said(&mut browser));
    // The ends do not meet, nor pass each other.
    browser.press("ArrowRight", ARROW_RIGHT);
    assert!(said(&mut browser).starts_with("1.0 s to 2.4 s"), "{}", said(&mut browser));
    let told = browser
        .eval("document.activeElement.getAttribute('aria-valuetext').replace(/[\\u202f\\u00a0]/g, ' ')");
    assert_eq!(told, "1.0 s, 683.6 KiB");
    assert_bound(&mut browser, &document);
    browser.screenshot("range-400-dark", false);
    browser.press("ArrowLeft", ARROW_LEFT);
    assert!(said(&mut browser).starts_with("Drag over the curve"), "{}", said(&mut browser));
    browser.assert_quiet();
}

/// The errors of two estimates of one recording are not independent, so that of their difference is not made up.
#[test]
fn estimates_are_shown_with_their_errors_and_not_subtracted() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, document) = open(&mut browser, &fixture::small(), (1280, 900), "light");
    drag(&mut browser, 0.43, 0.99);
    let said = said(&mut browser);
    assert!(said.contains("683.6 KiB ± 4.9 KiB → 390.6 KiB ± 4.9 KiB; highest"), "{said}");
    assert_bound(&mut browser, &document);
}
