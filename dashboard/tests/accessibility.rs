//! axe-core's rules on the page in a real browser, each panel and the inspector, at a desk's and a phone's width, light and
//! dark.
//!
//! `MEMSCOPE_AXE` names axe-core's script (`axe.min.js` of its package on npm); without it, or without a Chromium, this says
//! so and passes. With `MEMSCOPE_REQUIRE_BROWSER=1` it fails where there is no Chromium, with `MEMSCOPE_REQUIRE_AXE=1` where
//! there is no axe-core.

#[path = "browser/axe.rs"]
mod axe;
#[path = "fixture/breakout.rs"]
mod breakout;
#[path = "browser/devtools.rs"]
mod devtools;
mod fixture;
#[path = "fixture/several.rs"]
mod several;

use axe::{axe, violations};
use devtools::Browser;
use memscope_dashboard::{render, render_compare, render_trend};
use memscope_runtime::snapshot::Snapshot;
use serde_json::Value;
use std::fs;
use tempfile::TempDir;

fn open(browser: &mut Browser, axe: &str, html: &str, size: (u32, u32), scheme: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, html).unwrap();
    browser.open(&file, "", size, scheme);
    browser.eval(&format!("{axe}; true"));
    folder
}

/// A page that breaks a rule, so that a run that finds nothing has looked.
#[test]
fn a_fault_is_found() {
    let (Some(axe), Some(mut browser)) = (axe(), Browser::start()) else { return };
    let _folder = open(&mut browser, &axe, &render(&fixture::small()).unwrap(), (1280, 900), "light");
    browser.eval("document.querySelector('main').append(document.createElement('button'))");
    let found = violations(&mut browser);
    assert!(found.iter().any(|fault| fault.starts_with("button-name")), "{found:?}");
}

#[test]
fn no_rule_is_broken() {
    let (Some(axe), Some(mut browser)) = (axe(), Browser::start()) else { return };
    let mut faults: Vec<(String, Vec<String>)> = Vec::new();
    for (name, html) in [("small", render(&fixture::small()).unwrap())] {
        for size in [(1280, 900), (400, 800)] {
            for scheme in ["light", "dark"] {
                let _folder = open(&mut browser, &axe, &html, size, scheme);
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

/// The pages over several recordings, with all their details open.
#[test]
fn no_rule_is_broken_by_a_page_of_several_recordings() {
    let (Some(axe), Some(mut browser)) = (axe(), Browser::start()) else { return };
    let [base, then] = several::pair();
    let [few, many] = several::sampled_pair();
    let sessions = several::sessions(12, &fixture::exact(&fixture::large(50)));
    let sampled = several::sessions(7, &fixture::sampled(50));
    let trend = |sessions: &[Snapshot]| render_trend(&sessions.iter().collect::<Vec<_>>()).unwrap();
    let pages = [
        ("compare", render_compare(&base, &then).unwrap()),
        ("compare of estimates", render_compare(&few, &many).unwrap()),
        ("trend", trend(&sessions)),
        ("trend of estimates", trend(&sampled)),
    ];
    let mut faults: Vec<(String, Vec<String>)> = Vec::new();
    for (name, html) in pages {
        for size in [(1280, 900), (400, 800)] {
            for scheme in ["light", "dark"] {
                let _folder = open(&mut browser, &axe, &html, size, scheme);
                browser
                    .eval("for (const details of document.querySelectorAll('details')) details.open = true");
                let found = violations(&mut browser);
                if !found.is_empty() {
                    faults.push((format!("{name} {} {scheme}", size.0), found));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
