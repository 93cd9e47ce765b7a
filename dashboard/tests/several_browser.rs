//! The pages over several recordings in a real browser: quiet, fitting, their controls at work, names mere text.
//!
//! Without a Chromium these tests say so and pass; with `MEMSCOPE_REQUIRE_BROWSER=1` they fail. Screenshots go to the
//! target's temporary folder, to be looked at.

#[path = "browser/axe.rs"]
mod axe;
#[path = "fixture/breakout.rs"]
mod breakout;
#[path = "browser/devtools.rs"]
mod devtools;
mod fixture;
mod reader;
#[path = "fixture/several.rs"]
mod several;

use axe::{axe, violations};
use devtools::Browser;
use memscope_dashboard::{render_compare, render_trend};
use memscope_runtime::snapshot::Snapshot;
use reader::page;
use serde_json::Value;
use several::{document, pair, sampled_pair, sessions};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const DESK: (u32, u32) = (1280, 900);
const PHONE: (u32, u32) = (400, 800);

fn file_of(html: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, html).unwrap();
    (folder, file)
}

fn trend_of(recordings: &[Snapshot]) -> String {
    render_trend(&recordings.iter().collect::<Vec<_>>()).unwrap()
}

fn assert_bound(browser: &mut Browser, document: &Value) {
    let html = browser.eval("document.documentElement.outerHTML");
    let faults = page::faults(html.as_str().unwrap(), document);
    assert!(faults.is_empty(), "{} faults: {:#?}", faults.len(), &faults[..faults.len().min(20)]);
}

#[test]
fn they_are_quiet_and_fit_in_each_size_and_colour() {
    let Some(mut browser) = Browser::start() else { return };
    let [base, then] = pair();
    let [few, many] = sampled_pair();
    let exact = fixture::exact(&fixture::large(50));
    let pages = [
        ("compare-live", render_compare(&base, &then).unwrap()),
        ("compare-sampled", render_compare(&few, &many).unwrap()),
        ("compare-unlike", render_compare(&fixture::large(50), &many).unwrap()),
        ("trend-live", trend_of(&sessions(12, &exact))),
        ("trend-sampled", trend_of(&sessions(7, &fixture::sampled(50)))),
        ("trend-two", trend_of(&sessions(2, &exact))),
        ("trend-one", trend_of(&sessions(1, &exact))),
        ("compare-itself", render_compare(&exact, &exact).unwrap()),
        ("compare-hostile", render_compare(&fixture::small(), &breakout::hostile()).unwrap()),
        ("trend-hostile", trend_of(&vec![breakout::hostile(); 3])),
    ];
    for (name, html) in pages {
        let (_folder, file) = file_of(&html);
        for (size, width) in [(DESK, "1280"), (PHONE, "400")] {
            for scheme in ["light", "dark"] {
                browser.open(&file, "", size, scheme);
                browser.assert_fits();
                let ground = browser.eval("getComputedStyle(document.body).backgroundColor");
                let expected = if scheme == "dark" { "rgb(18, 20, 24)" } else { "rgb(246, 246, 243)" };
                assert_eq!(ground, expected);
                browser.screenshot(&format!("{name}-{width}-{scheme}"), true);
                assert_eq!(browser.eval("document.querySelectorAll('img, [onerror], [onfocus]').length"), 0);
                // Without slopes there is no table of them and no formula.
                let has_slopes = !["trend-one", "trend-two"].contains(&name);
                if name.starts_with("trend") {
                    let said = "[document.querySelector('.slopes') !== null, document.body.textContent.includes('Σ')]";
                    assert_eq!(browser.eval(said), serde_json::json!([has_slopes, has_slopes]), "{name}");
                }
                browser.assert_quiet();
            }
        }
    }
}

#[test]
fn rows_are_searched_filtered_and_ordered() {
    let Some(mut browser) = Browser::start() else { return };
    let [base, then] = pair();
    let document = document(&[&base, &then]);
    let (_folder, file) = file_of(&render_compare(&base, &then).unwrap());
    browser.open(&file, "", DESK, "light");
    let shown = "document.querySelector('#variables .shown').textContent";
    let names = "[...document.querySelectorAll('#variables tbody tr')].filter((row) => !row.hidden) \
                 .map((row) => row.querySelector('.name').textContent)";
    let choose = |browser: &mut Browser, name: &str, value: &str| {
        browser.eval(&format!(
            "(() => {{ const field = document.querySelector('#variables [name={name}]'); field.value = {value:?}; \
             field.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()"
        ));
    };
    choose(&mut browser, "class", "new");
    assert_eq!(browser.eval(shown), "3");
    assert_eq!(browser.eval(names), serde_json::json!(["arena", "index", "names"]));
    assert_bound(&mut browser, &document);
    browser.click("#variables [name=search]");
    browser.insert("inde");
    // `index` and, by their scope build_index, the other two.
    assert_eq!(browser.eval(shown), "3");
    browser.insert("x vec");
    assert_eq!(browser.eval(shown), "3");
    browser.insert("tor");
    assert_eq!(browser.eval(shown), "0");
    assert_eq!(browser.eval("document.querySelector('#variables .none-shown').hidden"), false);
    choose(&mut browser, "search", "");
    choose(&mut browser, "class", "");
    // By how far live bytes lie apart: 3,500,000 of the new arena are the most.
    choose(&mut browser, "order", "live");
    assert_eq!(browser.eval("document.querySelector('#variables tbody .name').textContent"), "arena");
    choose(&mut browser, "order", "name");
    assert_eq!(browser.eval("document.querySelector('#variables tbody .name').textContent"), "arena");
    choose(&mut browser, "order", "executions");
    assert_bound(&mut browser, &document);
    // The address says so, and leads there again.
    choose(&mut browser, "class", "new");
    assert_eq!(browser.eval("location.hash"), "#variables?class=new&order=executions");
    browser.eval("location.hash = '#variables?search=arena&class=new'");
    browser.until("document.querySelector('#variables [name=search]').value === 'arena'");
    // Of the three new ones; fifty of the first recording and the three are the rows that there are.
    browser.until("document.querySelector('#variables .ratio').textContent === '(1/53)'");
    browser.eval("document.activeElement.blur()");
    let slash = serde_json::json!({ "type": "keyDown", "key": "/", "code": "Slash", "windowsVirtualKeyCode": 191, "text": "/" });
    browser.call("Input.dispatchKeyEvent", slash);
    assert_eq!(
        browser.eval("document.activeElement === document.querySelector('#variables [name=search]')"),
        true
    );
    choose(&mut browser, "search", "");
    // A count that is not that of the rows is found.
    choose(&mut browser, "class", "gone");
    browser.eval("document.querySelector('#variables .shown span').textContent = '9'");
    let html = browser.eval("document.documentElement.outerHTML");
    assert_eq!(page::faults(html.as_str().unwrap(), &document), ["9 of 2 that are shown"]);
    browser.assert_quiet();
}

/// With all their details open.
#[test]
fn none_of_axe_cores_rules_is_broken() {
    let (Some(axe), Some(mut browser)) = (axe(), Browser::start()) else { return };
    let [base, then] = pair();
    let [few, many] = sampled_pair();
    let exact = sessions(12, &fixture::exact(&fixture::large(50)));
    let sampled = sessions(7, &fixture::sampled(50));
    let pages = [
        ("compare", render_compare(&base, &then).unwrap()),
        ("compare of estimates", render_compare(&few, &many).unwrap()),
        ("trend", trend_of(&exact)),
        ("trend of estimates", trend_of(&sampled)),
    ];
    let mut faults: Vec<(String, Vec<String>)> = Vec::new();
    for (name, html) in pages {
        for size in [(1280, 900), (400, 800)] {
            for scheme in ["light", "dark"] {
                let (_folder, file) = file_of(&html);
                browser.open(&file, "", size, scheme);
                browser.eval(&format!("{axe}; true"));
                browser
                    .eval("for (const details of document.querySelectorAll('details')) details.open = true");
                let found = violations(&mut browser, "document");
                if !found.is_empty() {
                    faults.push((format!("{name} {} {scheme}", size.0), found));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
