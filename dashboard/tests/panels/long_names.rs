//! A name of any length leaves the page what it is: it is cut to a few lines, and whole where somebody asks for it.

use crate::devtools::Browser;
use crate::{breakout, fixture};
use memscope_dashboard::render;
use memscope_runtime::snapshot::Snapshot;
use serde_json::json;
use std::fs;
use tempfile::TempDir;

/// Elements of the page or the open dialog in which a text of over 1,000 letters stands and that are higher than six lines. What a
/// finding says may take twelve: it ends with what to change.
const TOO_HIGH: &str = "[...document.querySelectorAll('body *:not(script, style, noscript)')] \
    .filter((one) => !document.querySelector('dialog[open]') || one.closest('dialog')) \
    .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.length > 1000)) \
    .filter((one) => one.checkVisibility() && (one.closest('.finding dd') ?? one).getBoundingClientRect().height > (one.matches('.message') ? 13 : 6) * 24) \
    .map((one) => `${one.closest('[id]')?.id}: ${one.tagName}.${one.className} ${one.parentElement.className} ${one.getBoundingClientRect().height}`)";

fn open(browser: &mut Browser, snapshot: &Snapshot, width: u32) -> TempDir {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, render(snapshot).unwrap()).unwrap();
    browser.open(&file, "", (width, 900), "light");
    browser.eval("document.documentElement.classList.remove('resting')");
    folder
}

#[test]
fn a_long_name_fills_no_panel() {
    let Some(mut browser) = Browser::start() else { return };
    for snapshot in [breakout::long(), fixture::mapped(&breakout::long())] {
        for width in [400, 1280] {
            let _folder = open(&mut browser, &snapshot, width);
            browser.eval("for (const details of document.querySelectorAll('details')) details.open = true");
            browser.assert_fits();
            assert_eq!(browser.eval(TOO_HIGH), json!([]), "{width}");
            browser.screenshot(&format!("long-names-{width}"), true);
            // Pointed at, a name that was cut is whole in its title.
            let titles = "[...document.querySelectorAll('.long, h1 .of')].filter((one) => one.checkVisibility()).map((one) => { \
                one.dispatchEvent(new PointerEvent('pointerover', { bubbles: true })); return one.title === one.textContent; })";
            let titles: Vec<bool> = serde_json::from_value(browser.eval(titles)).unwrap();
            assert!(titles.len() > 10 && titles.iter().all(|&is_whole| is_whole), "{titles:?}");
            browser.eval("document.querySelector('#cards a').click()");
            browser.until("document.querySelector('dialog[open]') !== null");
            browser.assert_fits();
            // What stands at the dialog's top leaves room for the rest.
            let head = browser
                .eval("document.querySelector('dialog[open] > header').getBoundingClientRect().height");
            assert!(head.as_f64().unwrap() < 0.5 * 900.0, "{head}");
            browser.screenshot(&format!("long-names-{width}-inspector"), false);
            browser.assert_quiet();
        }
    }
}
