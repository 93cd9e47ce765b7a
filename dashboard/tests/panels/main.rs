//! Every panel of the page in a real browser, on four recordings: a tiny one, one of the example `code_index`, one of hostile
//! names, and the largest that a file can hold.
//!
//! Without a Chromium these tests say so and pass; with `MEMSCOPE_REQUIRE_BROWSER=1` they fail. What they saw is in the
//! target's temporary folder as `panels-*.png`, to be looked at.

#[path = "../browser/axe.rs"]
mod axe;
#[path = "../fixture/breakout.rs"]
mod breakout;
#[path = "../browser/devtools.rs"]
mod devtools;
#[path = "../fixture/mod.rs"]
mod fixture;
#[path = "../fixture/forest.rs"]
mod forest;
#[path = "../../../memscope-runtime/tests/huge/mod.rs"]
mod huge;
mod keys;
mod links;
mod long_names;
mod look;
#[path = "../browser/motion.rs"]
mod motion;
mod pace;
mod recordings;
#[path = "../browser/tab_key.rs"]
mod tab_key;

use devtools::Browser;
use serde_json::Value;

/// What the open page holds for its script.
fn data(browser: &mut Browser) -> Value {
    let data = browser.eval("document.getElementById('data').textContent");
    memscope_dashboard::island::json(data.as_str().expect("a text")).expect("the page's data")
}
