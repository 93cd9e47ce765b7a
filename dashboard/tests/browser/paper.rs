//! A page on paper.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use super::devtools::Browser;
use serde_json::{Value, json};

/// A4 at 96 pixels to the inch, less the margins of 12 mm.
const PAPER: (u32, u32) = (703, 1_017);

/// Prints to `name`.pdf among the test's temporary files; how many pages it has.
pub fn print(browser: &mut Browser, name: &str) -> usize {
    let params = json!({ "preferCSSPageSize": true, "paperWidth": 8.27, "paperHeight": 11.69 });
    let pdf = browser.pdf(name, params);
    // The objects of a PDF stand in plain text, and each page is one of the type Page; their tree is of the type Pages.
    let text = String::from_utf8_lossy(&pdf);
    text.matches("/Type /Page").count() - text.matches("/Type /Pages").count()
}

/// What of the page is visible, is `selector`, and should not be there.
pub fn visible(browser: &mut Browser, selector: &str) -> Value {
    browser.eval(&format!(
        "[...document.querySelectorAll({selector:?})].filter((one) => one.checkVisibility() && one.getBoundingClientRect().height > 0) \
         .map((one) => one.outerHTML.slice(0, 90))"
    ))
}

/// Shows the page as it prints to who prefers `scheme`: light all the same, as wide as the paper, with nothing to press.
pub fn assert_light_and_still(browser: &mut Browser, scheme: &str) {
    browser.emulate_paper(scheme);
    browser.resize(PAPER.0, PAPER.1);
    browser.settle();
    let pressed =
        "button, input, select, .handles, nav, .skip, dialog, .readout, .flame-readout, .tabs, .cursor";
    assert_eq!(visible(browser, pressed), json!([]));
    let ground = "[document.documentElement, document.body, document.querySelector('.panel')] \
                  .map((one) => getComputedStyle(one).backgroundColor).join()";
    assert_eq!(browser.eval(ground), "rgba(0, 0, 0, 0),rgb(255, 255, 255),rgb(255, 255, 255)");
    assert_eq!(browser.eval("getComputedStyle(document.body).color"), "rgb(27, 29, 34)");
    // Name and recording on top, then every panel.
    assert_ne!(visible(browser, "#first-line"), json!([]));
    assert_ne!(visible(browser, "h1"), json!([]));
    let missing = "[...document.querySelectorAll('.panel')].filter((panel) => { const heading = panel.querySelector('h2'); \
                   return !heading.checkVisibility() || heading.getBoundingClientRect().height === 0 || panel.scrollHeight < 40; }) \
                   .map((panel) => panel.id)";
    assert_eq!(browser.eval(missing), json!([]));
    browser.assert_fits();
}
