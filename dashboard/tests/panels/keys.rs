//! Each page by its keys alone: the tab key reaches every control of every panel, what has the focus is marked and in sight,
//! arrow keys move within what has them, and Escape leads out to where the reader was.

use crate::devtools::Browser;
use crate::motion::moving;
use crate::recordings::{self, Page};
use crate::tab_key::{enter, round, watch};
use serde_json::json;

fn open(browser: &mut Browser, page: &Page) {
    browser.open(page.file(), "", (1280, 900), "light");
    watch(browser);
}

/// `page` by its keys.
fn walk(page: &Page, least_moved: u64) {
    let Some(mut browser) = Browser::start() else { return };
    open(&mut browser, page);
    // `open` asks for no motion.
    assert_eq!(moving(&mut browser), [""; 0], "{}", page.name);
    let result = round(&mut browser);
    assert_eq!(result["count"], 0, "{}: {result:#}", page.name);
    browser.eval("for (const details of document.querySelectorAll('details')) details.open = true");
    let opened = round(&mut browser);
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
    assert_eq!(moving(&mut browser), [""; 0], "{}, inspector", page.name);
    for _ in 0..browser.eval("document.querySelectorAll('dialog[open] [role=tab]').length").as_u64().unwrap()
    {
        browser.eval("document.querySelector('dialog[open] h2').focus()");
        let result = round(&mut browser);
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

/// Who does not mind motion has some: what finds none has looked.
#[test]
fn what_moves_is_found() {
    let Some(mut browser) = Browser::start() else { return };
    browser.open(recordings::PAGES[0].file(), "", (1280, 900), "light");
    let found = moving(&mut browser);
    for what in ["smooth: HTML .js", "transition: DIV .box"] {
        assert!(found.iter().any(|one| one.starts_with(what)), "{what}: {found:?}");
    }
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
    let result = round(&mut browser);
    let faults: Vec<String> = serde_json::from_value(result["faults"].clone()).unwrap();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].starts_with("not in sight: button#below"), "{faults:?}");
    assert!(faults[1].starts_with("no mark of the focus: button#unmarked"), "{faults:?}");
}
