//! Scopes from the bottom up, by function and stacked over time, in a real browser: what is drawn is the document's, sums are
//! what they are sums of, and everything answers by keys and at once.
//!
//! Without a Chromium these tests say so and pass, as those of `browser.rs` do.

#[path = "../browser/axe.rs"]
mod axe;
mod bands;
#[path = "../browser/devtools.rs"]
mod devtools;
#[path = "../browser/feeder.rs"]
mod feeder;
mod fits;
#[path = "../fixture/mod.rs"]
mod fixture;
#[path = "../fixture/forest.rs"]
mod forest;
#[path = "../reader/mod.rs"]
mod reader;
mod sums;

use devtools::Browser;
use memscope_dashboard::{live, render};
use memscope_runtime::snapshot::Snapshot;
use reader::page;
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

const DESK: (u32, u32) = (1280, 900);

fn open(browser: &mut Browser, snapshot: &Snapshot, fragment: &str) -> (TempDir, Value) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, render(snapshot).unwrap()).unwrap();
    browser.open(&file, fragment, DESK, "light");
    (folder, serde_json::to_value(snapshot).unwrap())
}

fn program(variables: usize) -> Snapshot {
    fixture::exact(&fixture::large(variables))
}

fn seven() -> Snapshot {
    forest::seven(program(5))
}

fn shared(count: usize, depth: usize) -> Snapshot {
    forest::in_one_place(forest::forest(program(5), count, depth))
}

/// With what each scope held at eight moments: from nothing to what it holds at the end, with a hump.
fn over_time(mut snapshot: Snapshot) -> Snapshot {
    snapshot.folded.scopes.scopes = 0;
    snapshot.trend_ms = (0..8).map(|moment| moment * moment * 100).collect();
    for (number, scope) in (0_u64..).zip(&mut snapshot.scopes) {
        let bytes = scope.exclusive.live_bytes;
        scope.trend = (0..8).map(|moment| bytes * moment / 7 + (moment + number) % 3 * 100).collect();
    }
    snapshot
}

#[track_caller]
fn faults(browser: &mut Browser, document: &Value) -> Vec<String> {
    let html = browser.eval("document.documentElement.outerHTML");
    page::faults(html.as_str().unwrap(), document)
}

/// Each number on the page as the browser holds it now is the document's, and so is each length that is drawn.
#[track_caller]
fn assert_bound(browser: &mut Browser, document: &Value) {
    let faults = faults(browser, document);
    assert!(faults.is_empty(), "{} faults: {:#?}", faults.len(), &faults[..faults.len().min(20)]);
}

fn turn(browser: &mut Browser, way: &str) {
    browser.eval(&format!("document.querySelector('#scope-ways [value={way}]').click()"));
}

fn tab(browser: &mut Browser, name: &str) {
    browser.eval(&format!("document.getElementById('scope-tab-{name}').click()"));
    browser.until(&format!("document.querySelector('#scope-panel-{name}').textContent.length > 60"));
}

fn choose_figure(browser: &mut Browser, field: &str) {
    browser.eval(&format!("document.querySelector('#flame-figures [value={field}]').click()"));
}

fn search(browser: &mut Browser, words: &str) {
    browser.eval(&format!(
        "(() => {{ const field = document.getElementById('flame-search'); field.value = {words:?}; \
         field.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()"
    ));
}

fn text(browser: &mut Browser, selector: &str) -> String {
    let text = browser.eval(&format!("document.querySelector({selector:?}).textContent"));
    text.as_str().unwrap().replace(['\u{202f}', '\u{a0}'], " ")
}

/// The cells of each row of a grid, as they read.
fn rows(browser: &mut Browser, grid: &str) -> Vec<Vec<String>> {
    let rows = browser.eval(&format!(
        "[...document.querySelectorAll('#{grid} .rows > *')].map((row) => [...row.children].map((cell) => cell.textContent.trim()))"
    ));
    serde_json::from_value(rows).unwrap()
}

/// The box or the row that the keys are at, by its name in the page.
fn at(browser: &mut Browser, id: &str) -> String {
    let at = browser.eval(&format!(
        "document.getElementById(document.getElementById('{id}').getAttribute('aria-activedescendant')).dataset.scope"
    ));
    at.as_str().expect("a name").to_owned()
}

#[test]
fn what_is_drawn_is_the_documents() {
    let Some(mut browser) = Browser::start() else { return };
    for (snapshot, box_to_zoom, words) in [
        (over_time(shared(70, 8)), 5, "parse"),
        (fixture::sampled(5), 1, "step"),
        (fixture::large(5), 1, "main"),
        (fixture::small(), 1, "build"),
    ] {
        let (_folder, document) = open(&mut browser, &snapshot, "");
        turn(&mut browser, "bottom-up");
        for field in ["allocations", "live_at_peak_bytes", "allocated_bytes", "live_bytes"] {
            choose_figure(&mut browser, field);
            assert_eq!(browser.eval("document.getElementById('callers').dataset.turned"), field);
            assert_bound(&mut browser, &document);
            browser
                .eval(&format!("document.querySelectorAll('#callers [data-scope]')[{box_to_zoom}].click()"));
            assert_ne!(browser.eval("document.getElementById('callers').dataset.top"), "all");
            search(&mut browser, words);
            assert_bound(&mut browser, &document);
            browser.eval("document.querySelector('#callers-path button').click()");
            assert_eq!(browser.eval("document.getElementById('callers').dataset.top"), "all");
            search(&mut browser, "");
            // Boxes read out, those that stand for others included.
            for selector in [".box:nth-child(3)", ".box:last-child", ".narrow", ".unlisted"] {
                browser.eval(&format!(
                    "document.querySelector('#callers {selector}')?.dispatchEvent(new PointerEvent('pointerover', {{ bubbles: true }}))"
                ));
                assert_bound(&mut browser, &document);
            }
        }
        tab(&mut browser, "functions");
        for column in
            ["calls", "name", "paths", "share", "exclusive allocations", "inclusive live_at_peak_bytes"]
        {
            browser
                .eval(&format!("document.querySelector('#scope-functions [data-sort={column:?}]')?.click()"));
            browser.eval("document.querySelector('#scope-functions [aria-expanded=false] .twisty')?.click()");
            assert_bound(&mut browser, &document);
        }
        search(&mut browser, words);
        assert_bound(&mut browser, &document);
        browser.assert_quiet();
    }
}

/// The reader can fail.
#[test]
fn what_lies_is_found() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = over_time(shared(90, 8));
    let (_folder, document) = open(&mut browser, &snapshot, "");
    let lies = [
        "document.querySelectorAll('#callers .box')[3].style.width = '12.3456%'",
        "document.querySelectorAll('#callers .box')[3].remove()",
        "document.querySelector('#callers .narrow').dataset.folded = '7-0'",
        "document.querySelectorAll('#callers-tree .rows > *')[2].setAttribute('aria-level', 1)",
        "document.querySelectorAll('#callers-tree .rows > *')[2].dataset.scope = '3-0'",
        "document.querySelector('#callers-tree [data-from^=alike]').dataset.value = '77'",
        "document.querySelectorAll('#callers-tree .bar > i')[3].style.width = '12.34%'",
        "document.querySelector('#flame-found [data-counted]').textContent = '7'",
        "document.querySelector('#scope-functions [data-from^=outermost]').dataset.value = '77'",
        "document.querySelector('#scope-functions [data-from^=paths]').textContent = '77'",
        "document.querySelector('#scope-functions .within b').textContent = 'other'",
        "document.querySelectorAll('.bands path')[2].remove()",
        "document.querySelectorAll('.bands path')[2].setAttribute('d', 'M0,0L10,10Z')",
        "document.querySelector('.band-label').style.left = '7.77%'",
        "document.querySelector('.bands-table td [data-from]').textContent = '7.7 MiB'",
    ];
    let set_up = |browser: &mut Browser, lie: &str| {
        turn(browser, "bottom-up");
        search(browser, "parse");
        tab(browser, "functions");
        browser.eval("document.querySelector('#scope-functions [data-sort=paths]').click()");
        browser.eval("document.querySelector('#scope-functions [aria-expanded=false] .twisty')?.click()");
        tab(browser, "stack");
        // Rows out of sight are not in the page.
        tab(browser, if lie.contains("functions") { "functions" } else { "tree" });
    };
    for view in ["functions", "tree"] {
        set_up(&mut browser, view);
        assert_bound(&mut browser, &document);
    }
    for lie in lies {
        let (_folder, document) = open(&mut browser, &snapshot, "");
        set_up(&mut browser, lie);
        browser.eval(lie);
        assert!(!faults(&mut browser, &document).is_empty(), "{lie}");
    }
}

#[test]
fn the_keys_walk_and_the_address_leads_back() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = over_time(seven());
    let (_folder, document) = open(&mut browser, &snapshot, "#callers=6-1");
    browser.until("document.getElementById('callers').dataset.top === '6-1'");
    assert_eq!(browser.eval("document.querySelector('#scope-ways :checked').value"), "bottom-up");
    let codes = [
        ("ArrowLeft", 37),
        ("ArrowUp", 38),
        ("ArrowRight", 39),
        ("ArrowDown", 40),
        ("Enter", 13),
        ("Escape", 27),
    ];
    let walk = |browser: &mut Browser, id: &str, steps: &[(&str, &str)]| {
        browser.eval(&format!("document.getElementById('{id}').focus()"));
        for (key, expected) in steps {
            let (_, code) = codes.iter().find(|(name, _)| name == key).unwrap();
            browser.press(key, *code);
            assert_eq!(at(browser, id), *expected, "{id}: {key}");
        }
    };
    // Out, and down again: parse has 2,300 bytes, serve 1,000; parse was called by serve (2,000) and by main (300).
    walk(
        &mut browser,
        "callers",
        &[
            ("Escape", "6-1"),
            ("ArrowRight", "2-1"),
            ("ArrowUp", "2-0"),
            ("ArrowRight", "5-0"),
            ("ArrowLeft", "2-0"),
        ],
    );
    assert_eq!(browser.eval("location.hash"), "#callers");
    walk(&mut browser, "callers", &[("ArrowDown", "6-1"), ("Enter", "6-1")]);
    assert_eq!(browser.eval("document.getElementById('callers').dataset.top"), "6-1");
    walk(&mut browser, "callers", &[("ArrowUp", "2-0")]);
    // The tree, which went along.
    walk(
        &mut browser,
        "callers-tree",
        &[
            ("ArrowRight", "6-1"),
            ("ArrowRight", "6-1"),
            ("ArrowRight", "6-2"),
            ("ArrowLeft", "6-1"),
            ("ArrowLeft", "6-1"),
            ("ArrowLeft", "2-0"),
        ],
    );
    browser.eval("history.back()");
    browser.until("document.getElementById('callers').dataset.top === '6-1'");
    assert_bound(&mut browser, &document);
    // The table by function; what is chosen in it is shown in the graph.
    tab(&mut browser, "functions");
    browser.eval("document.querySelector('#scope-functions [data-scope=\"2-0\"]').click()");
    walk(
        &mut browser,
        "scope-functions",
        &[
            ("ArrowRight", "2-0"),
            ("ArrowRight", "2-caller-6-1"),
            ("ArrowDown", "2-caller-2-1"),
            ("ArrowDown", "2-callee-3-1"),
            ("Enter", "2-callee-3-1"),
        ],
    );
    browser.until("document.getElementById('callers').dataset.top === '3-1'");
    walk(&mut browser, "scope-functions", &[("ArrowLeft", "2-0"), ("ArrowLeft", "2-0")]);
    assert_eq!(
        browser.eval("document.querySelector('#scope-functions [data-scope=\"2-0\"]').ariaExpanded"),
        "false"
    );
    assert_bound(&mut browser, &document);
    // A link to a scope leads to the other direction.
    browser.eval("location.hash = '#scope=2'");
    browser.until("document.getElementById('flame').dataset.top === '2' && document.getElementById('flame').checkVisibility()");
    assert_eq!(browser.eval("document.getElementById('callers').checkVisibility()"), false);
    browser.assert_quiet();
}

/// A range of time: live at its end in the graph, the table and the bands.
#[test]
fn a_range_of_time_is_followed() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = over_time(shared(80, 8));
    snapshot.program.elapsed_ms = 4_900;
    snapshot.timeline = (0..50)
        .map(|n| memscope_runtime::snapshot::TimelinePoint {
            ms: n * 100,
            live_bytes: n * 1_000,
            live_bytes_error: None,
            resident_bytes: None,
        })
        .collect();
    let (_folder, document) = open(&mut browser, &snapshot, "#range=400-2600");
    turn(&mut browser, "bottom-up");
    // The last moments up to 400 and 2,600 ms are 2² and 5² hundreds.
    assert_eq!(browser.eval("document.getElementById('callers').dataset.turned"), "trend/5");
    let root: u64 = snapshot.scopes.iter().map(|scope| scope.trend[5]).sum();
    let drawn =
        browser.eval("document.querySelector('#callers [data-scope=all] [data-value]').dataset.value");
    assert_eq!(drawn, root.to_string());
    assert_bound(&mut browser, &document);
    tab(&mut browser, "functions");
    browser.eval("document.querySelector('#scope-functions [aria-expanded=false] .twisty').click()");
    let titles = browser.eval("document.querySelectorAll('#scope-functions [data-sort]').length");
    assert_eq!(titles, 5, "function, change, at both ends, highest");
    assert_bound(&mut browser, &document);
    tab(&mut browser, "stack");
    assert_eq!(browser.eval("document.querySelector('.bands svg').dataset.stacked"), "2-5");
    assert_bound(&mut browser, &document);
    browser.eval("document.querySelector('#timeline .range button').click()");
    assert_eq!(browser.eval("document.querySelector('.bands svg').dataset.stacked"), "0-7");
    assert_bound(&mut browser, &document);
    browser.assert_quiet();
}

/// The page hears of the scopes of `now`.
fn feed_scopes(browser: &mut Browser, now: &Snapshot) {
    let mut panels = live::panels_of_books(now).unwrap();
    panels.retain(|panel| panel.name == "data:scopes");
    feeder::feed(browser, Ok(panels));
}

/// Two functions of one name below one scope, at one line or at two, stay two: who is at the first is not moved to the second.
#[test]
fn two_of_one_name_stay_two() {
    let Some(mut browser) = Browser::start() else { return };
    for lines in [[7, 8], [7, 7]] {
        let rows: [(&[&str], u64); 4] =
            [(&[], 0), (&["main"], 100), (&["main", "step"], 300), (&["main", "step"], 500)];
        let mut snapshot = forest::tree(program(5), &rows);
        for (scope, line) in snapshot.scopes[2..].iter_mut().zip(lines) {
            scope.line = Some(line);
        }
        let _page = feeder::open(&mut browser, &snapshot, "#scope=2");
        browser.until("document.getElementById('flame').dataset.top === '2'");
        for calls in 1..=3 {
            snapshot.scopes[1].calls = calls;
            feed_scopes(&mut browser, &snapshot);
        }
        assert_eq!(browser.eval("document.getElementById('flame').dataset.top"), "2", "{lines:?}");
        browser.eval("location.hash = ''");
        browser.until("document.getElementById('flame').dataset.top === '0'");
        // The root, main and the two.
        let ids = browser.eval("[...document.querySelectorAll('#flame .box')].map((box) => box.id).sort()");
        assert_eq!(ids, json!(["flame-0", "flame-1", "flame-2", "flame-3"]), "{lines:?}");
    }
}

/// A link that names no chain shows the functions, at once; one by another name than the page's is no step of the way back.
#[test]
fn a_link_that_leads_nowhere_stops_nobody() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, _) = open(&mut browser, &seven(), "#callers=2-0");
    browser.until("document.getElementById('callers').dataset.top === '2-0'");
    browser.eval("location.hash = '#callers=3-999999999'");
    // parse_line, called by parse, called by main, called from outside of tracked functions: of more callers there are none.
    browser.until("document.getElementById('callers').dataset.top === '3-3'");
    assert_eq!(browser.eval("location.hash"), "#callers=3-3");
    browser.eval("history.back()");
    browser.until("document.getElementById('callers').dataset.top === '2-0'");
    browser.assert_quiet();
}

/// A page that is fed: other scopes come, and the reader stays at the same chain of callers.
#[test]
fn new_scopes_leave_the_reader_where_they_were() {
    let Some(mut browser) = Browser::start() else { return };
    // Without main/parse/read, so that all behind it have other places.
    let now = seven();
    let mut before = seven();
    before.scopes.remove(4);
    let _folder = feeder::open(&mut browser, &before, "#callers=5-1");
    browser.until("document.getElementById('callers').dataset.top === '5-1'");
    assert_eq!(browser.eval("document.getElementById('scope-tab-stack').checkVisibility()"), false);
    tab(&mut browser, "functions");
    browser.eval("document.querySelector('#scope-functions [data-scope=\"2-0\"] .twisty').click()");
    feed_scopes(&mut browser, &now);
    // serve/parse is the seventh scope now.
    assert_eq!(browser.eval("document.getElementById('callers').dataset.top"), "6-1");
    assert_eq!(browser.eval("location.hash"), "#callers=6-1");
    assert_eq!(at(&mut browser, "callers"), "6-1");
    let opened: Vec<String> = rows(&mut browser, "scope-functions")
        .into_iter()
        .take(6)
        .map(|row| row[0].replace("  ", " "))
        .collect();
    let expected = ["parse", "called by serve", "called by main", "calls parse_line", "calls read", "serve"];
    for (row, expected) in opened.iter().zip(expected) {
        assert!(row.starts_with(expected), "{opened:?}");
    }
    let html = browser.eval("document.getElementById('scopes').outerHTML");
    let document = serde_json::to_value(&now).unwrap();
    let figures = reader::origin::figures(html.as_str().unwrap());
    let ours = figures.into_iter().filter(|(from, _)| from.contains("alike(") || from.contains("outermost("));
    let ours: Vec<(String, String)> = ours.collect();
    assert!(ours.len() > 4, "{ours:?}");
    reader::origin::check(&ours, &document);
}
