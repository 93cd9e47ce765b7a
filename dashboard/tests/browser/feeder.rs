//! A page that is fed, by a test in place of a program.
#![allow(unreachable_pub, reason = "each test file has it as its own")]

use super::devtools::Browser;
use memscope_dashboard::live::{self, Panel};
use memscope_runtime::snapshot::Snapshot;
use serde_json::json;
use std::fs;
use tempfile::TempDir;

/// Opens the page of `snapshot`, which listens to what [`feed`] says. It goes with what is given back.
pub fn open(browser: &mut Browser, snapshot: &Snapshot, fragment: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder for the page");
    let file = folder.path().join("page.html");
    fs::write(&file, live::page(snapshot, "run", 1).expect("a page")).expect("a folder of ours");
    browser.open(&file, fragment, (1_280, 900), "light");
    // Pausing and going on, the page asks for events anew: of us.
    browser.eval(
        "window.EventSource = class { constructor() { this.on = {}; window.feed = this; } \
         addEventListener(name, act) { this.on[name] = act; } close() {} }; \
         const pause = document.getElementById('live-pause'); pause.click(); pause.click()",
    );
    folder
}

/// What the program is now comes, as far as `made` makes it.
pub fn feed(browser: &mut Browser, made: Result<Vec<Panel>, serde_json::Error>) {
    for panel in made.expect("views are plain data") {
        let event = json!({ "data": format!("{{\"name\":\"{}\",\"view\":{}}}", panel.name, panel.json) });
        browser.eval(&format!("feed.on.panel({event})"));
    }
}
