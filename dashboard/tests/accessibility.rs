//! axe-core's rules on the page in a real browser, each panel and the inspector, at a desk's and a phone's width, light and
//! dark.
//!
//! `MEMSCOPE_AXE` names axe-core's script (`axe.min.js` of its package on npm); without it, or without a Chromium, this says
//! so and passes. With `MEMSCOPE_REQUIRE_BROWSER=1` it fails where there is no Chromium, with `MEMSCOPE_REQUIRE_AXE=1` where
//! there is no axe-core.

#[path = "fixture/breakout.rs"]
mod breakout;
#[path = "browser/devtools.rs"]
mod devtools;
mod fixture;

use devtools::Browser;
use memscope_dashboard::render;
use memscope_runtime::snapshot::Snapshot;
use serde_json::Value;
use std::path::Path;
use std::{env, fs};
use tempfile::TempDir;

/// The rules' source, if it is here.
#[expect(clippy::print_stderr, reason = "what is not run is said")]
fn axe() -> Option<String> {
    let Some(file) = env::var_os("MEMSCOPE_AXE") else {
        assert!(env::var_os("MEMSCOPE_REQUIRE_AXE").is_none(), "MEMSCOPE_AXE names no axe.min.js");
        eprintln!("MEMSCOPE_AXE names no axe.min.js: its rules were not run");
        return None;
    };
    Some(fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", Path::new(&file).display())))
}

/// Each violation in words: the rule, and the elements that break it.
///
/// Within a dialog any link below its fold is taken for a skip link, and that of another variable leads to a dialog that is
/// made when the link is followed; so that rule is for the page.
fn violations(browser: &mut Browser) -> Vec<String> {
    let found = browser.eval(
        "axe.run(document, { resultTypes: ['violations'], \
         rules: { 'skip-link': { enabled: document.querySelector('dialog[open]') === null } } }).then((results) => results.violations.map((rule) => \
         `${rule.id} (${rule.impact}): ${rule.help}: ${rule.nodes.slice(0, 5).map((node) => node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? '')).join(' | ')}`))",
    );
    serde_json::from_value(found).unwrap()
}

fn open(browser: &mut Browser, axe: &str, snapshot: &Snapshot, size: (u32, u32), scheme: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, render(snapshot).unwrap()).unwrap();
    browser.open(&file, "", size, scheme);
    browser.eval(&format!("{axe}; true"));
    folder
}

/// A page that breaks a rule, so that a run that finds nothing has looked.
#[test]
fn a_fault_is_found() {
    let (Some(axe), Some(mut browser)) = (axe(), Browser::start()) else { return };
    let _folder = open(&mut browser, &axe, &fixture::small(), (1280, 900), "light");
    browser.eval("document.querySelector('main').append(document.createElement('button'))");
    let found = violations(&mut browser);
    assert!(found.iter().any(|fault| fault.starts_with("button-name")), "{found:?}");
}

#[test]
fn no_rule_is_broken() {
    let (Some(axe), Some(mut browser)) = (axe(), Browser::start()) else { return };
    let mut faults: Vec<(String, Vec<String>)> = Vec::new();
    for (name, snapshot) in [("small", fixture::small())] {
        for size in [(1280, 900), (400, 800)] {
            for scheme in ["light", "dark"] {
                let _folder = open(&mut browser, &axe, &snapshot, size, scheme);
                let mut look = |browser: &mut Browser, what: &str| {
                    let found = violations(browser);
                    if !found.is_empty() {
                        faults.push((format!("{name} {} {scheme} {what}", size.0), found));
                    }
                };
                look(&mut browser, "page");
                browser
                    .eval("for (const details of document.querySelectorAll('details')) details.open = true");
                look(&mut browser, "with all details");
                browser.click("a.card");
                browser.until("document.querySelector('dialog[open]') !== null");
                let tabs = browser.eval("document.querySelectorAll('dialog[open] [role=tab]').length");
                for tab in 0..tabs.as_u64().unwrap() {
                    browser.eval(&format!(
                        "document.querySelectorAll('dialog[open] [role=tab]')[{tab}].click()"
                    ));
                    look(&mut browser, &format!("inspector's tab {tab}"));
                }
                assert_eq!(tabs, Value::from(4));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
