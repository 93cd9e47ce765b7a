//! The flame graph, the tree and the table of scopes in a real browser: what they draw is the document's for each figure
//! and after each zoom, and they answer at once on the largest recording.
//!
//! Without a Chromium these tests say so and pass, as those of `browser.rs` do.

#[path = "fixture/breakout.rs"]
mod breakout;
#[path = "browser/devtools.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod devtools;
#[path = "fixture/drawing.rs"]
mod drawing;
mod fixture;
#[path = "fixture/forest.rs"]
mod forest;
#[path = "fixture/markup.rs"]
mod markup;
#[path = "fixture/origin.rs"]
mod origin;
#[path = "fixture/page.rs"]
mod page;
#[path = "fixture/reading.rs"]
mod reading;
#[path = "fixture/scopes_drawn.rs"]
mod scopes_drawn;

use devtools::Browser;
use memscope_dashboard::render;
use memscope_runtime::snapshot::Snapshot;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const DESK: (u32, u32) = (1280, 900);

fn page_of(snapshot: &Snapshot) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, render(snapshot).unwrap()).unwrap();
    (folder, file)
}

/// Scrolls to the panel, so that a picture of the window shows it.
fn go_to_scopes(browser: &mut Browser) {
    browser.eval("document.getElementById('scopes').scrollIntoView({ behavior: 'instant' })");
}

#[test]
fn it_draws() {
    let Some(mut browser) = Browser::start() else { return };
    let base = fixture::exact(&fixture::large(5));
    for (snapshot, name) in [
        (forest::forest(base.clone(), 160, 9), "some"),
        (forest::forest(base, 4_096, 60), "many"),
        (fixture::sampled(5), "sampled"),
    ] {
        let (_folder, file) = page_of(&snapshot);
        for width in [400, 1280, 2560] {
            for scheme in ["light", "dark"] {
                browser.open(&file, "", (width, 1000), scheme);
                go_to_scopes(&mut browser);
                browser.screenshot(&format!("flame-{name}-{width}-{scheme}"), false);
                browser.assert_quiet();
            }
        }
    }
}
