//! The search in the page's head looks in all panels that can be searched.
//!
//! Without a Chromium this test says so and passes; with `MEMSCOPE_REQUIRE_BROWSER=1` it fails.

#[path = "browser/devtools.rs"]
mod devtools;
mod fixture;

use devtools::Browser;
use memscope_dashboard::render;
use serde_json::json;
use std::fs;
use tempfile::TempDir;

#[test]
fn a_slash_leads_to_it_and_what_is_typed_is_found_in_each_panel() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, render(&fixture::large(50)).unwrap()).unwrap();
    browser.open(&file, "", (1_280, 900), "light");
    let slash = |browser: &mut Browser| {
        let key = json!({ "type": "keyDown", "key": "/", "code": "Slash", "windowsVirtualKeyCode": 191, "text": "/" });
        browser.call("Input.dispatchKeyEvent", key);
        browser.call("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": "/", "code": "Slash" }));
    };
    let focused = "[document.activeElement.id, document.getElementById('find').value]";
    slash(&mut browser);
    assert_eq!(browser.eval(focused), json!(["find", ""]));
    // Of the fifty one is called so.
    browser.call("Input.insertText", json!({ "text": "postings_07" }));
    browser.until("document.querySelector('#variables-h .ratio').textContent === '(1/7\u{202f}251)'");
    browser
        .until("document.getElementById('flame-found').textContent.startsWith('No scope has these words')");
    // Within a field a slash is a letter.
    slash(&mut browser);
    assert_eq!(browser.eval(focused), json!(["find", "postings_07/"]));
    // `main` is a scope, and in the scope of every variable.
    browser.eval("document.getElementById('find').select()");
    browser.call("Input.insertText", json!({ "text": "main" }));
    browser.until("document.querySelector('#variables-h .ratio').textContent === '(50/7\u{202f}251)'");
    browser.until("document.querySelector('#flame-found b') !== null");
    // What it leads to is at the top, below the head.
    browser.press("Enter", 13);
    let top = "document.getElementById('variables').getBoundingClientRect().top";
    browser.until(&format!("Math.abs({top} - 64) < 40"));
    browser.eval("document.getElementById('find').select()");
    browser.call("Input.insertText", json!({ "text": "nothing is called so" }));
    browser.until("document.querySelector('#variables-h .ratio').textContent === '(0/7\u{202f}251)'");
    browser.assert_quiet();
    // On a phone there is no room for it beside the panels' own.
    browser.resize(400, 800);
    assert_eq!(browser.eval("document.getElementById('find').checkVisibility()"), false);
    browser.assert_fits();
}
