//! Each page by its keys alone: the tab key reaches every control of every panel, what has the focus is marked and in sight,
//! arrow keys move within what has them, and Escape leads out to where the reader was.

use crate::devtools::Browser;
use crate::recordings::{self, Page};
use serde_json::{Value, json};

/// More than any page has controls.
const MOST_STEPS: usize = 4_000;

fn open(browser: &mut Browser, page: &Page) {
    browser.open(page.file(), "", (1280, 900), "light");
    browser.prefer_no_motion();
    assert_eq!(browser.eval(include_str!("keys.js")), true);
}

fn enter(browser: &mut Browser) {
    let key = json!({ "type": "keyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r" });
    browser.call("Input.dispatchKeyEvent", key);
    browser.call("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": "Enter", "code": "Enter" }));
}

/// Presses the tab key until it comes round, and gives what was wrong on the way.
fn tab_round(browser: &mut Browser) -> Value {
    let expected = browser.eval("keys.start()").as_u64().unwrap();
    assert!(expected > 0, "nothing to reach");
    for step in 0..MOST_STEPS {
        let key = json!({ "type": "rawKeyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9 });
        browser.call("Input.dispatchKeyEvent", key);
        if step > 1 && browser.eval("keys.isRound()") == true {
            return browser.eval("keys.result()");
        }
    }
    panic!("the tab key does not come round: {}", browser.eval("keys.result()"));
}

/// `page` by its keys.
fn walk(page: &Page, least_moved: u64) {
    let Some(mut browser) = Browser::start() else { return };
    open(&mut browser, page);
    let result = tab_round(&mut browser);
    assert_eq!(result["count"], 0, "{}: {result:#}", page.name);
    browser.eval("for (const details of document.querySelectorAll('details')) details.open = true");
    let opened = tab_round(&mut browser);
    assert_eq!(opened["count"], 0, "{} with all details: {opened:#}", page.name);
    browser.eval("for (const details of document.querySelectorAll('details')) details.open = false");

    let arrows = browser.eval(include_str!("arrows.js"));
    assert_eq!(arrows["unmoved"], json!([]), "{}: {arrows}", page.name);
    assert!(arrows["moved"].as_u64().unwrap() >= least_moved, "{}: {arrows}", page.name);

    // Enter opens a card, the tab key stays within and reaches everything, Escape leads back to the card.
    let index =
        browser.eval("document.querySelector('a.card').focus(); document.activeElement.dataset.index");
    enter(&mut browser);
    browser.until("document.querySelector('dialog[open]')?.contains(document.activeElement)");
    for _ in 0..browser.eval("document.querySelectorAll('dialog[open] [role=tab]').length").as_u64().unwrap()
    {
        browser.eval("document.querySelector('dialog[open] h2').focus()");
        let result = tab_round(&mut browser);
        assert_eq!(result["count"], 0, "{}, inspector: {result:#}", page.name);
        browser.eval("document.querySelector('dialog[open] [aria-selected=true]').focus()");
        browser.press("ArrowRight", 39);
        assert_eq!(browser.eval("document.activeElement.getAttribute('aria-selected')"), "true");
    }
    browser.press("Escape", 27);
    browser.until("document.querySelector('dialog[open]') === null");
    assert_eq!(browser.eval("document.activeElement.dataset.index"), index);
    browser.assert_quiet();
}

#[test]
fn tiny() {
    walk(&recordings::PAGES[0], 4);
}

#[test]
fn code_index() {
    // There and back on the tabs, flame graph and tree, two handles, there and back on the cards, the map.
    walk(&recordings::PAGES[1], 9);
}

#[test]
fn hostile() {
    walk(&recordings::PAGES[2], 4);
}

#[test]
fn largest() {
    // The same without the map, whose first thread has one block.
    walk(&recordings::PAGES[3], 8);
}

/// A control that the keys pass by, and a focus without a mark: a walk that finds nothing has looked.
#[test]
fn what_the_keys_pass_by_is_found() {
    let Some(mut browser) = Browser::start() else { return };
    open(&mut browser, &recordings::PAGES[0]);
    browser.eval(
        "for (const [id, style] of [['below', 'position:fixed;left:-5000px'], ['unmarked', 'outline:none']]) { \
         const button = document.createElement('button'); button.id = id; button.textContent = id; \
         button.style = style; document.getElementById('types').append(button); }",
    );
    let result = tab_round(&mut browser);
    let faults: Vec<String> = serde_json::from_value(result["faults"].clone()).unwrap();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].starts_with("not in sight: button#below"), "{faults:?}");
    assert!(faults[1].starts_with("no mark of the focus: button#unmarked"), "{faults:?}");
}
