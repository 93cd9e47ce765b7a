//! What each page looks like: it fits each width in both colour schemes, says nothing, asks for nothing, and breaks none of
//! axe-core's rules.
//!
//! Rules are checked and inspectors pictured at two of the ten combinations; at all of them with
//! `MEMSCOPE_ALL_LOOKS=1`, which takes some times as long.

use crate::axe::{axe, violations};
use crate::data;
use crate::devtools::Browser;
use crate::recordings::{self, Page};
use serde_json::Value;
use std::env;

/// A phone's, a tablet's, a laptop's and two desks' widths.
const WIDTHS: [u32; 5] = [400, 768, 1280, 1920, 2560];
/// Of these, those with the page of one column and with the one of several; each scheme once.
const CHECKED: [(u32, &str); 2] = [(400, "dark"), (1280, "light")];
const HEIGHT: u32 = 900;
/// Of a page with more, the inspector's rules are checked on its first tab; the others stand on the other pages.
const MANY_ELEMENTS: u64 = 10_000;
const SCHEMES: [(&str, &str); 2] = [("light", "rgb(246, 246, 243)"), ("dark", "rgb(18, 20, 24)")];

fn tabs(browser: &mut Browser) -> u64 {
    browser.eval("document.querySelectorAll('dialog[open] [role=tab]').length").as_u64().unwrap()
}

/// Opens the inspector of a variable of which the page holds everything.
fn inspect(browser: &mut Browser) {
    let index = data(browser)["inspectors"]["index"][0].clone();
    browser.eval(&format!("location.hash = '#variable={index}'"));
    browser.until("document.querySelector('dialog[open]') !== null");
    assert_eq!(tabs(browser), 4);
}

fn close(browser: &mut Browser) {
    browser.press("Escape", 27);
    browser.until("document.querySelector('dialog[open]') === null");
}

/// `page` at each width in both schemes.
fn look(page: &Page) {
    let axe = axe();
    let all = env::var_os("MEMSCOPE_ALL_LOOKS").is_some();
    let Some(mut browser) = Browser::start() else { return };
    let mut faults: Vec<(String, Vec<String>)> = Vec::new();
    browser.open(page.file(), "", (1280, HEIGHT), "light");
    let elements = browser.eval("document.querySelectorAll('*').length").as_u64().unwrap();
    if let Some(axe) = &axe {
        browser.eval(&format!("{axe}; true"));
    }
    for (scheme, ground) in SCHEMES {
        browser.prefer(scheme);
        for width in WIDTHS {
            browser.resize(width, HEIGHT);
            browser.settle();
            browser.assert_fits();
            assert_eq!(browser.eval("getComputedStyle(document.body).backgroundColor"), ground);
            let name = format!("panels-{}-{width}-{scheme}", page.name);
            browser.screenshot(&name, true);
            let is_checked = all || CHECKED.contains(&(width, scheme));
            let mut check = |browser: &mut Browser, within: &str, what: &str| {
                let found =
                    if is_checked && axe.is_some() { violations(browser, within) } else { Vec::new() };
                if !found.is_empty() {
                    faults.push((format!("{name} {what}"), found));
                }
            };
            inspect(&mut browser);
            for tab in 1..=tabs(&mut browser) {
                browser.click(&format!("dialog[open] [role=tab]:nth-child({tab})"));
                browser.assert_fits();
                if is_checked {
                    browser.screenshot(&format!("{name}-inspector-{tab}"), false);
                }
                // For each check axe-core reads the whole page, however little of it is checked.
                if tab == 1 || elements < MANY_ELEMENTS {
                    check(&mut browser, "document.querySelector('dialog')", "inspector");
                }
            }
            close(&mut browser);
            browser.eval("for (const details of document.querySelectorAll('details')) details.open = true");
            browser.assert_fits();
            check(&mut browser, "document", "page with all details");
            browser.eval("for (const details of document.querySelectorAll('details')) details.open = false");
        }
    }
    browser.assert_quiet();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn tiny() {
    look(&recordings::PAGES[0]);
}

#[test]
fn code_index() {
    look(&recordings::PAGES[1]);
}

#[test]
fn hostile() {
    look(&recordings::PAGES[2]);
}

#[test]
fn largest() {
    look(&recordings::PAGES[3]);
}

/// A page that breaks a rule, so that a run that finds nothing has looked.
#[test]
fn a_broken_rule_is_found() {
    let (Some(axe), Some(mut browser)) = (axe(), Browser::start()) else { return };
    browser.open(recordings::PAGES[0].file(), "", (1280, HEIGHT), "light");
    browser.eval(&format!("{axe}; true"));
    browser.eval("document.querySelector('main').append(document.createElement('button'))");
    let found = violations(&mut browser, "document");
    assert!(found.iter().any(|fault| fault.starts_with("button-name")), "{found:?}");
}

/// Something that is too wide, within a panel that would clip it.
#[test]
#[should_panic(expected = "threads: ")]
fn what_is_too_wide_is_found() {
    let Some(mut browser) = Browser::start() else { panic!("threads: no browser") };
    browser.open(recordings::PAGES[0].file(), "", (400, HEIGHT), "light");
    assert_eq!(browser.eval("document.documentElement.classList.contains('resting')"), Value::Bool(true));
    browser.eval("document.querySelector('#threads h2').style.width = '500px'");
    browser.assert_fits();
}
