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
#[path = "browser/motion.rs"]
mod motion;
#[path = "browser/paper.rs"]
mod paper;
mod reader;
#[path = "fixture/several.rs"]
mod several;
#[path = "browser/tab_key.rs"]
mod tab_key;

use axe::{axe, violations};
use devtools::Browser;
use memscope_dashboard::{render_compare, render_trend};
use memscope_runtime::snapshot::Snapshot;
use motion::moving;
use paper::{assert_light_and_still, print};
use reader::page;
use serde_json::{Value, json};
use several::{document, pair, sampled_pair, sessions};
use std::fs;
use std::path::PathBuf;
use tab_key::{round, watch};
use tempfile::TempDir;

const DESK: (u32, u32) = (1280, 900);
/// A phone's, a tablet's, a laptop's and two desks' widths.
const WIDTHS: [u32; 5] = [400, 768, 1280, 1920, 2560];
const PICTURED: [u32; 2] = [400, 1280];
const SCHEMES: [(&str, &str); 2] = [("light", "rgb(246, 246, 243)"), ("dark", "rgb(18, 20, 24)")];
/// Where axe-core's rules are checked: each scheme twice.
const CHECKED: [(u32, &str); 4] = [(400, "dark"), (768, "light"), (1280, "light"), (2560, "dark")];
/// Pages on which they are not: what they are made of is on the others.
const UNCHECKED: [&str; 4] = ["compare-unlike", "trend-two", "compare-hostile", "trend-hostile"];
/// What of a text on paper is not in sight: cut by what holds it, or beyond the paper.
const CUT: &str = "[...document.querySelectorAll('body *')].filter((one) => one.checkVisibility() && !one.closest('svg')) \
    .filter((one) => { const { overflowX, overflowY } = getComputedStyle(one); \
    return (overflowX !== 'visible' && one.scrollWidth > one.clientWidth + 1) || (overflowY !== 'visible' && one.scrollHeight > one.clientHeight + 1) \
    || one.getBoundingClientRect().right > innerWidth + 1; }) \
    .map((one) => `${one.closest('[id]')?.id}: ${one.tagName}.${one.className} ${one.textContent.slice(0, 40)}`).slice(0, 10)";

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

/// All that the page holds, with what it opens open.
fn open_all(browser: &mut Browser) {
    browser.eval("for (const details of document.querySelectorAll('details')) details.open = true");
}

#[test]
fn they_fit_each_width_in_each_colour_print_and_are_walked_by_keys() {
    let Some(mut browser) = Browser::start() else { return };
    let axe = axe();
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
    let mut faults: Vec<(String, Vec<String>)> = Vec::new();
    for (name, html) in pages {
        let (_folder, file) = file_of(&html);
        browser.open(&file, "", DESK, "light");
        if let Some(axe) = &axe {
            browser.eval(&format!("{axe}; true"));
        }
        open_all(&mut browser);
        for (scheme, ground) in SCHEMES {
            browser.prefer(scheme);
            for width in WIDTHS {
                browser.resize(width, DESK.1);
                browser.settle();
                browser.assert_fits();
                assert_eq!(browser.eval("getComputedStyle(document.body).backgroundColor"), ground);
                if PICTURED.contains(&width) {
                    browser.screenshot(&format!("{name}-{width}-{scheme}"), true);
                }
                if axe.is_some() && CHECKED.contains(&(width, scheme)) && !UNCHECKED.contains(&name) {
                    let found = violations(&mut browser, "document");
                    if !found.is_empty() {
                        faults.push((format!("{name} {width} {scheme}"), found));
                    }
                }
            }
        }
        assert_eq!(browser.eval("document.querySelectorAll('img, [onerror], [onfocus]').length"), 0);
        if name.starts_with("trend") {
            // Without slopes there is no table of them and no formula.
            let has_slopes = !["trend-one", "trend-two"].contains(&name);
            let said =
                "[document.querySelector('.slopes') !== null, document.body.textContent.includes('Σ')]";
            assert_eq!(browser.eval(said), json!([has_slopes, has_slopes]), "{name}");
        }
        assert!(print(&mut browser, &format!("print-{name}")) > 0);
        assert_light_and_still(&mut browser, "dark");
        assert_eq!(browser.eval(CUT), json!([]), "{name} on paper");
        browser.screenshot(&format!("{name}-paper"), true);
        browser.prefer("light");
        browser.resize(DESK.0, DESK.1);
        watch(&mut browser);
        let walked = round(&mut browser);
        assert_eq!(walked["count"], 0, "{name}: {walked:#}");
        assert_eq!(moving(&mut browser), [""; 0], "{name}");
        browser.assert_quiet();
    }
    assert!(faults.is_empty(), "{faults:#?}");
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
    assert_eq!(browser.eval(names), json!(["arena", "index", "names"]));
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
