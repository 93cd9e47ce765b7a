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
    browser.until("document.getElementById('found').textContent === '1 variable'");
    // Within a field a slash is a letter.
    slash(&mut browser);
    assert_eq!(browser.eval(focused), json!(["find", "postings_07/"]));
    // `main` is a scope, and in the scope of every variable.
    browser.eval("document.getElementById('find').select()");
    browser.call("Input.insertText", json!({ "text": "main" }));
    browser.until("document.querySelector('#variables-h .ratio').textContent === '(50/7\u{202f}251)'");
    browser.until("document.querySelector('#flame-found b') !== null");
    // The scopes are `main`, one below it of the small fixture, and 37 more below it; not the root.
    browser.until("document.getElementById('found').textContent === '50 variables, 39 scopes'");
    // What it leads to is at the top, below the head.
    browser.press("Enter", 13);
    let top = "document.getElementById('variables').getBoundingClientRect().top";
    browser.until(&format!("Math.abs({top} - 64) < 40"));
    slash(&mut browser);
    browser.call("Input.insertText", json!({ "text": "nothing is called so" }));
    browser.until("document.querySelector('#variables-h .ratio').textContent === '(0/7\u{202f}251)'");
    browser.until("document.getElementById('found').textContent === 'nothing found'");
    // Where nothing is found Enter leads nowhere.
    browser.eval("document.documentElement.style.scrollBehavior = 'auto'");
    browser.press("Enter", 13);
    browser.settle();
    let below = "document.getElementById('scopes').getBoundingClientRect().top > 300 && document.activeElement.id === 'find'";
    assert_eq!(browser.eval(below), true);
    browser.assert_quiet();
    // A phone has it too, and a link to a search stands in it.
    browser.open(&file, "#variables?q=postings_07", (400, 800), "light");
    browser.until("document.getElementById('found').textContent === '1 variable'");
    assert_eq!(browser.eval("document.getElementById('find').checkVisibility()"), true);
    slash(&mut browser);
    assert_eq!(browser.eval(focused), json!(["find", "postings_07"]));
    // Not all panels are in sight, and the row of them says so.
    let row = "document.querySelector('nav ul')";
    assert_eq!(
        browser.eval(&format!(
            "{row}.scrollWidth > {row}.clientWidth && getComputedStyle({row}).maskImage !== 'none'"
        )),
        true
    );
    browser.assert_fits();
    in_each_card_its_share_is_to_be_seen(&mut browser);
    the_chosen_figure_is_in_sight(&mut browser);
    browser.assert_quiet();
}

fn in_each_card_its_share_is_to_be_seen(browser: &mut Browser) {
    browser.eval("{ const field = document.getElementById('variables-search'); field.value = ''; field.dispatchEvent(new Event('input', { bubbles: true })); }");
    for width in [400, 1_280, 2_560] {
        browser.resize(width, 800);
        browser.eval("document.getElementById('variables').scrollIntoView({ behavior: 'instant' })");
        browser.settle();
        // A bar is four pixels high, and no card holds more than fits.
        let faults = "[...document.querySelectorAll('.card')].filter((card) => card.scrollHeight > card.clientHeight \
                      || card.querySelector('.bar').getBoundingClientRect().height !== 4).length";
        assert_eq!(browser.eval(faults), 0, "{width}");
    }
    assert!(browser.eval("document.querySelectorAll('.card').length").as_u64() > Some(4));
}

/// In the table of all scopes, of a phone.
fn the_chosen_figure_is_in_sight(browser: &mut Browser) {
    browser.resize(400, 800);
    browser.eval("document.getElementById('scope-tab-table').click()");
    let first = "(() => { const heads = [...document.querySelectorAll('#scope-table [role=columnheader]')].slice(0, 3); \
                 const { right } = document.getElementById('scope-table').getBoundingClientRect(); \
                 return heads.filter((head) => head.getBoundingClientRect().right <= right) \
                 .map((head) => `${head.ariaSort ?? ''} ${head.firstElementChild.dataset.sort}`); })()";
    let of = |field: &str| {
        json!([" name", format!(" exclusive {field}"), format!("descending inclusive {field}")])
    };
    assert_eq!(browser.eval(first), of("live_bytes"));
    browser.eval("document.querySelector('#flame-figures [value=allocated_bytes]').click()");
    assert_eq!(browser.eval(first), of("allocated_bytes"));
}
