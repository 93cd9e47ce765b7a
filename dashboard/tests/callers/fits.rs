//! It fits in each size and colour with as many scopes as a file lists, and axe-core finds nothing.

use crate::axe::{axe, violations};
use crate::devtools::Browser;
use crate::{forest, shared, tab};
use memscope_dashboard::render;
use std::fs;

#[test]
fn it_fits_in_each_size_and_colour() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = forest::over_time(shared(4_096, 60));
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("callers.html");
    fs::write(&file, render(&snapshot).unwrap()).unwrap();
    let axe = axe();
    for width in [400, 1280, 2560] {
        for scheme in ["light", "dark"] {
            browser.open(&file, "#callers", (width, 1400), scheme);
            if let Some(axe) = &axe {
                browser.eval(&format!("{axe}; true"));
            }
            for view in ["tree", "functions", "stack"] {
                tab(&mut browser, view);
                if view == "functions" {
                    browser.eval(
                        "document.querySelector('#scope-functions [aria-expanded=false] .twisty').click()",
                    );
                }
                browser.assert_fits();
                if axe.is_some() && width == 1280 {
                    let found = violations(&mut browser, "document.getElementById('scopes')");
                    assert!(found.is_empty(), "{view}, {scheme}: {found:#?}");
                }
                browser.eval("document.getElementById('scopes').scrollIntoView({ behavior: 'instant' })");
                browser.screenshot(&format!("callers-{view}-{width}-{scheme}"), false);
            }
            browser.assert_quiet();
        }
    }
}
