//! The flame graph, the tree and the table of scopes in a real browser: what they draw is the document's for each figure
//! and after each zoom, and they answer at once on the largest recording.
//!
//! Without a Chromium these tests say so and pass, as those of `browser.rs` do.

#![allow(clippy::print_stdout, reason = "what was measured is worth reading")]

#[path = "browser/devtools.rs"]
mod devtools;
mod fixture;
#[path = "fixture/forest.rs"]
mod forest;
mod reader;

use devtools::Browser;
use memscope_dashboard::render;
use memscope_runtime::snapshot::Snapshot;
use reader::page;
use serde_json::{Value, json};
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

fn live(variables: usize) -> Snapshot {
    fixture::exact(&fixture::large(variables))
}

fn seven() -> Snapshot {
    forest::seven(live(5))
}

/// Scrolls to the panel, so that a picture of the window shows it.
fn go_to_scopes(browser: &mut Browser) {
    browser.eval("document.getElementById('scopes').scrollIntoView({ behavior: 'instant' })");
}

/// Each number on the page as the browser holds it now is the document's, and so is each length that is drawn.
#[track_caller]
fn assert_bound(browser: &mut Browser, document: &Value) {
    let html = browser.eval("document.documentElement.outerHTML");
    let faults = page::faults(html.as_str().unwrap(), document);
    assert!(faults.is_empty(), "{} faults: {:#?}", faults.len(), &faults[..faults.len().min(20)]);
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
    text.as_str().unwrap().to_owned()
}

/// The scope that the keys are at, by its path in the document, and the one over the whole width.
fn at_and_top(browser: &mut Browser, snapshot: &Snapshot) -> (String, String) {
    let index = |value: Value| {
        let index: usize = value.as_str().expect("a scope").parse().unwrap();
        snapshot.scopes[index].path.join("/")
    };
    let at = browser.eval(
        "document.getElementById(document.getElementById('flame').getAttribute('aria-activedescendant')).dataset.scope",
    );
    let top = browser.eval("document.getElementById('flame').dataset.top");
    (index(at), index(top))
}

#[test]
fn what_it_draws_is_the_documents_for_each_figure_and_zoom() {
    let Some(mut browser) = Browser::start() else { return };
    for (snapshot, box_to_zoom, words) in [
        (forest::forest(live(5), 200, 12), 5, "parse"),
        (fixture::sampled(5), 1, "step"),
        (fixture::large(5), 1, "main"),
        (fixture::small(), 1, "build"),
    ] {
        let document = serde_json::to_value(&snapshot).unwrap();
        let (_folder, file) = page_of(&snapshot);
        browser.open(&file, "", DESK, "light");
        assert_bound(&mut browser, &document);
        for field in ["allocations", "live_at_peak_bytes", "allocated_bytes", "live_bytes"] {
            choose_figure(&mut browser, field);
            assert_eq!(browser.eval("document.getElementById('flame').dataset.flame"), field);
            assert_bound(&mut browser, &document);
            browser.eval(&format!("document.querySelectorAll('#flame [data-scope]')[{box_to_zoom}].click()"));
            assert_ne!(browser.eval("document.getElementById('flame').dataset.top"), "0");
            search(&mut browser, words);
            assert_bound(&mut browser, &document);
            // Each box read out, those that stand for others included.
            for each in 0..9 {
                browser.eval(&format!(
                    "document.querySelectorAll('#flame .box')[{each}]?.dispatchEvent(new PointerEvent('pointerover', {{ bubbles: true }}))"
                ));
                browser.eval(&format!(
                    "document.querySelectorAll('#flame .narrow, #flame .unlisted')[{each}]?.dispatchEvent(new PointerEvent('pointerover', {{ bubbles: true }}))"
                ));
                if each % 8 == 0 {
                    assert_bound(&mut browser, &document);
                }
            }
            browser.eval("document.querySelector('#flame-path button').click()");
            assert_eq!(browser.eval("document.getElementById('flame').dataset.top"), "0");
            search(&mut browser, "");
        }
        browser.click("#scope-tab-table");
        browser.until("document.querySelector('#scope-table .rows').children.length > 2");
        for column in ["calls", "name", "exclusive allocations", "inclusive live_at_peak_bytes"] {
            browser.eval(&format!("document.querySelector('[data-sort={column:?}]').click()"));
            assert_bound(&mut browser, &document);
        }
        browser.assert_quiet();
    }
}

/// The reader can fail: a box of another width, one that is gone, a count that is not that of its rows.
#[test]
fn a_box_that_lies_is_found() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = forest::forest(live(5), 400, 12);
    let document = serde_json::to_value(&snapshot).unwrap();
    let (_folder, file) = page_of(&snapshot);
    let lies = [
        "document.querySelectorAll('#flame .box')[3].style.width = '12.3456%'",
        "document.querySelectorAll('#flame .box')[3].style.backgroundSize = '12.3456% 4px'",
        "document.querySelectorAll('#flame .box')[3].remove()",
        "document.querySelector('#flame .narrow').dataset.folded = '7'",
        "document.querySelectorAll('#scope-tree .rows > *')[3].setAttribute('aria-level', 1)",
        "document.querySelector('#flame-readout [data-from]').textContent = '7.7 MiB'",
        "document.querySelector('#flame-found [data-counted]').textContent = '7'",
        "document.querySelectorAll('#scope-tree .bar > i')[3].style.width = '12.34%'",
    ];
    browser.open(&file, "", (400, 900), "light");
    search(&mut browser, "parse");
    assert_bound(&mut browser, &document);
    for lie in lies {
        browser.open(&file, "", (400, 900), "light");
        search(&mut browser, "parse");
        browser.eval(lie);
        let html = browser.eval("document.documentElement.outerHTML");
        assert!(!page::faults(html.as_str().unwrap(), &document).is_empty(), "{lie}");
    }
}

/// The root's inclusive figures are the totals: of the whole width nothing is missing and nothing counted twice. That a
/// recording's are stands in `memscope/tests/snapshots_anywhere.rs` and `peak.rs`.
#[test]
fn the_root_has_the_totals() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = forest::forest(live(5), 300, 12);
    let (_folder, file) = page_of(&snapshot);
    browser.open(&file, "", DESK, "light");
    let totals = snapshot.totals;
    for (field, total) in [
        ("live_bytes", totals.live_bytes),
        ("live_at_peak_bytes", totals.peak_bytes),
        ("allocated_bytes", totals.allocated_bytes),
        ("allocations", totals.allocations),
    ] {
        choose_figure(&mut browser, field);
        let root = browser.eval("document.querySelector('#flame-0 [data-from]').dataset.value");
        assert_eq!(root, total.to_string(), "{field}");
        // Of each box, its own share and those of the boxes below it are the whole of it.
        let missing = browser.eval(
            "(() => { const all = [...document.querySelectorAll('#flame .box')].map((box) => { \
               const [left, width, top, own] = box.getAttribute('style').match(/[0-9.]+/g).map(Number); \
               return { left, width, depth: top / 23, own, scope: box.dataset.scope }; }); \
             return Math.max(...all.filter((box) => box.scope).map((box) => { \
               const below = all.filter((one) => one.depth === box.depth + 1 && one.left >= box.left - 1e-3 \
                 && one.left < box.left + box.width - 1e-3); \
               const sum = below.reduce((sum, one) => sum + one.width, box.width * box.own / 100); \
               return Math.abs(sum - box.width); })); })()",
        );
        // Rounding of four decimals, over at most a few dozen boxes side by side.
        assert!(missing.as_f64().unwrap() < 0.01, "{field}: {missing}");
    }
}

#[test]
fn a_click_zooms_and_there_are_ways_out() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = seven();
    let (_folder, file) = page_of(&snapshot);
    browser.open(&file, "", DESK, "light");
    assert_eq!(at_and_top(&mut browser, &snapshot), (String::new(), String::new()));
    // Sorted by path: main, main/parse, main/parse/parse_line, main/parse/read, serve, serve/parse.
    // No mouse, which would come to lie over another box and have that read out.
    browser.eval("document.querySelector('#flame [data-scope=\"2\"]').click()");
    assert_eq!(at_and_top(&mut browser, &snapshot), ("main/parse".into(), "main/parse".into()));
    assert_eq!(browser.eval("location.hash"), "#scope=2");
    let style = browser.eval("document.querySelector('#flame [data-scope=\"3\"]').getAttribute('style')");
    // 500 of 900 bytes, below a box of the whole width; all its own.
    assert_eq!(style, "left:0.0000%;width:55.5556%;top:23px;background-size:100.0000% 4px");
    // 900 of main's 1,000 bytes, and of all 4,000.
    let readout = text(&mut browser, "#flame-readout");
    assert!(readout.contains("of main 90.0 %") && readout.contains("of all 22.5 %"), "{readout}");
    assert!(readout.contains("inclusive 900 B") && readout.contains("exclusive 300 B"), "{readout}");
    let steps =
        browser.eval("[...document.querySelectorAll('#flame-path li')].map((step) => step.textContent)");
    assert_eq!(steps, json!(["whole program", "main", "parse"]));
    // A step of the way back, the key, the browser's own way back.
    browser.click("#flame-path li:nth-child(2) button");
    assert_eq!(at_and_top(&mut browser, &snapshot).1, "main");
    browser.press("Escape", 27);
    assert_eq!(at_and_top(&mut browser, &snapshot).1, "");
    assert_eq!(browser.eval("location.hash"), "");
    browser.eval("history.back()");
    browser.until("document.getElementById('flame').dataset.top === '1'");
    browser.assert_quiet();
}

/// A link by another name than the page's, such as the root's, is no step of the way back that leads there again.
#[test]
fn a_link_leaves_the_way_back() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, file) = page_of(&seven());
    browser.open(&file, "#scope=5", DESK, "light");
    browser.until("document.getElementById('flame').dataset.top === '5'");
    browser.eval("location.hash = '#scope=0'");
    browser.until("document.getElementById('flame').dataset.top === '0' && location.hash === ''");
    browser.eval("history.back()");
    browser.until("document.getElementById('flame').dataset.top === '5'");
    browser.assert_quiet();
}

/// What is zoomed to may have none of a figure that others have: the page says whose it is not, and there is a way out.
#[test]
fn there_is_a_way_out_of_what_has_nothing_to_draw() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = seven();
    // serve and what is below it have all but 1,000 of the bytes at the peak; now that was allocated later.
    for scope in &mut snapshot.scopes[5..] {
        (scope.exclusive.live_at_peak_bytes, scope.inclusive.live_at_peak_bytes) = (Some(0), Some(0));
    }
    snapshot.scopes[0].inclusive.live_at_peak_bytes = Some(1_000);
    let (_folder, file) = page_of(&snapshot);
    for key in [("Escape", 27), ("ArrowUp", 38)] {
        browser.open(&file, "#scope=5", DESK, "light");
        browser.until("document.getElementById('flame').dataset.top === '5'");
        choose_figure(&mut browser, "live_at_peak_bytes");
        assert_eq!(
            text(&mut browser, "#flame-readout"),
            "Nothing to draw: serve, with all below, has none of “At the peak”. Esc goes out."
        );
        browser.eval("document.getElementById('flame').focus()");
        browser.press(key.0, key.1);
        browser.until("document.getElementById('flame').dataset.top === '0'");
        browser.assert_quiet();
    }
}

/// What a search found and what is too narrow to be drawn is lit where it is folded, at any depth below.
#[test]
fn what_is_found_within_a_fold_is_lit() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = forest::forest(live(5), 4_096, 60);
    let (_folder, file) = page_of(&snapshot);
    browser.open(&file, "", DESK, "light");
    search(&mut browser, "rank_spans");
    let places: std::collections::HashMap<&[String], usize> =
        (0..).zip(&snapshot.scopes).map(|(place, scope)| (scope.path.as_slice(), place)).collect();
    let above = |path: &[String]| path.split_last().map(|(_, above)| places[above]);
    let parents: Vec<Option<usize>> = snapshot.scopes.iter().map(|scope| above(&scope.path)).collect();
    let lit = browser.eval(&format!(
        "(() => {{ const parents = {}; const folds = new Map(); \
         for (const box of document.querySelectorAll('#flame .narrow')) \
           for (const row of box.dataset.folded.split(' ')) folds.set(Number(row), box); \
         const found = document.querySelector('#flame-found [data-counted]').dataset.counted.split(' ').map(Number); \
         const within = (row) => {{ \
           for (let at = row; at !== null; at = parents[at]) if (folds.has(at)) return {{ box: folds.get(at), isBelow: at !== row }}; \
           return null; }}; \
         const inFolds = found.map(within).filter(Boolean); \
         return {{ below: inFolds.filter(({{ isBelow }}) => isBelow).length, \
           dark: inFolds.filter(({{ box }}) => !box.classList.contains('found')).length, \
           lit: document.querySelectorAll('#flame .narrow.found').length, \
           of: new Set(inFolds.map(({{ box }}) => box)).size }}; }})()",
        serde_json::to_string(&parents).unwrap()
    ));
    assert!(lit["below"].as_u64().unwrap() > 0, "{lit}");
    assert_eq!((&lit["dark"], &lit["lit"]), (&json!(0), &lit["of"]), "{lit}");
    browser.assert_quiet();
}

#[test]
fn a_search_counts_no_byte_twice() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, file) = page_of(&seven());
    browser.open(&file, "", DESK, "light");
    search(&mut browser, "Parse");
    // `parse_line` is within the first `parse`: 900 and 2,000 bytes, 2.83 KiB, of 4,000.
    let sentence = text(&mut browser, "#flame-found");
    assert_eq!(sentence, "3 scopes, 2.8 KiB, 72.5 % of all (not counted twice)");
    let found = browser
        .eval("[...document.querySelectorAll('#flame .found')].map((box) => box.dataset.scope).sort()");
    assert_eq!(found, json!(["2", "3", "6"]));
    // Found rows are open to sight in the tree, and alone in the table.
    assert_eq!(browser.eval("document.querySelectorAll('#scope-tree .found').length"), 3);
    browser.click("#scope-tab-table");
    assert_eq!(browser.eval("document.querySelectorAll('#scope-table .rows > *').length"), 3);
    search(&mut browser, "no such name");
    assert!(text(&mut browser, "#flame-found").starts_with("No scope has these words"));
    browser.click("#flame-search");
    browser.press("Escape", 27);
    assert_eq!(text(&mut browser, "#flame-found"), "");
    assert_eq!(browser.eval("document.querySelectorAll('#flame .found').length"), 0);
    browser.assert_quiet();
}

/// What a search finds lies in scopes apart, whose samples are different ones: the error of the sum is the root of the sum of
/// the errors' squares, rounded up as the recorder does.
#[test]
fn a_sum_of_estimates_has_its_error() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = seven();
    for scope in &mut snapshot.scopes {
        for memory in [&mut scope.exclusive, &mut scope.inclusive] {
            memory.live_bytes_error = Some(memory.live_bytes / 10);
        }
    }
    let document = serde_json::to_value(&snapshot).unwrap();
    let (_folder, file) = page_of(&snapshot);
    browser.open(&file, "", DESK, "light");
    search(&mut browser, "parse");
    // 900 ± 90 and 2,000 ± 200 bytes: √(8,100 + 40,000) = 219.3…; 2,900 bytes are 2.8 KiB, 220 are 0.2.
    let sentence = text(&mut browser, "#flame-found");
    assert_eq!(sentence, "3 scopes, 2.8 KiB ± 0.2 KiB, 72.5 % of all (not counted twice)");
    let value = browser.eval("document.querySelector('#flame-found .plus-minus').dataset.value");
    assert_eq!(value, "220");
    assert_bound(&mut browser, &document);
    browser.eval("document.querySelector('#flame-found .plus-minus').dataset.value = '219'");
    let html = browser.eval("document.documentElement.outerHTML");
    assert!(!page::faults(html.as_str().unwrap(), &document).is_empty());
    browser.assert_quiet();
}

#[test]
fn the_keys_walk_the_graph_and_the_tree() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = seven();
    let (_folder, file) = page_of(&snapshot);
    browser.open(&file, "", DESK, "light");
    browser.eval("document.getElementById('flame').focus()");
    let codes = [("ArrowLeft", 37), ("ArrowUp", 38), ("ArrowRight", 39), ("ArrowDown", 40), ("Enter", 13)];
    let walk = |browser: &mut Browser, steps: &[(&str, &str)]| {
        for (key, expected) in steps {
            let (_, code) = codes.iter().find(|(name, _)| name == key).unwrap();
            browser.press(key, *code);
            assert_eq!(at_and_top(browser, &snapshot).0, *expected, "{key}");
        }
    };
    // The greatest first: serve has 3,000 bytes, main 1,000.
    let steps = [
        ("ArrowDown", "serve"),
        ("ArrowRight", "main"),
        ("ArrowRight", "main"),
        ("ArrowDown", "main/parse"),
        ("ArrowDown", "main/parse/parse_line"),
        ("ArrowRight", "main/parse/read"),
        ("ArrowLeft", "main/parse/parse_line"),
        ("ArrowUp", "main/parse"),
        ("Enter", "main/parse"),
    ];
    walk(&mut browser, &steps);
    assert_eq!(at_and_top(&mut browser, &snapshot).1, "main/parse");
    // Above the top is the way out.
    walk(&mut browser, &[("ArrowUp", "main")]);
    assert_eq!(at_and_top(&mut browser, &snapshot).1, "main");
    browser.press("Escape", 27);
    // The tree: main is closed and opened, and its first row entered; the graph goes along.
    browser.eval("document.getElementById('scope-tree').focus()");
    let expanded = "document.querySelector('#scope-tree [data-scope=\"1\"]').getAttribute('aria-expanded')";
    assert_eq!(browser.eval(expanded), "true");
    walk(&mut browser, &[("ArrowLeft", "main")]);
    assert_eq!(browser.eval(expanded), "false");
    walk(
        &mut browser,
        &[
            ("ArrowRight", "main"),
            ("ArrowRight", "main/parse"),
            ("ArrowUp", "main"),
            ("ArrowUp", "serve/parse"),
        ],
    );
    browser.assert_quiet();
}

#[test]
fn a_link_to_a_scope_zooms_to_it_and_opens_its_row() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = forest::forest(live(5), 4_096, 60);
    let (_folder, file) = page_of(&snapshot);
    let deepest = (0..4_096).max_by_key(|&index| snapshot.scopes[index].path.len()).unwrap();
    assert!(snapshot.scopes[deepest].path.len() >= 60);
    browser.open(&file, &format!("#scope={deepest}"), DESK, "light");
    browser.until(&format!("document.getElementById('flame').dataset.top === '{deepest}'"));
    let in_sight = format!(
        "(() => {{ const row = document.querySelector('#scope-tree [data-scope=\"{deepest}\"]'); \
         const grid = document.getElementById('scope-tree').getBoundingClientRect(); const box = row?.getBoundingClientRect(); \
         return Boolean(box) && box.top >= grid.top && box.bottom <= grid.bottom + 1 && row.classList.contains('at'); }})()"
    );
    browser.until(&in_sight);
    // No such scope: the page stays as it is, and says so.
    browser.open(&file, "#scope=5000", DESK, "light");
    assert_eq!(browser.eval("document.getElementById('flame').dataset.top"), "0");
    assert_eq!(text(&mut browser, "#dead-link"), "This page holds no scope 5000.");
    browser.assert_quiet();
}

fn hash(browser: &mut Browser) -> String {
    browser.eval("location.hash").as_str().unwrap().to_owned()
}

#[test]
fn the_address_names_scope_and_figure_and_the_way_back_leads_to_both() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = seven();
    let (_folder, file) = page_of(&snapshot);
    let flame = |browser: &mut Browser| {
        browser.eval("(({ flame, top }) => [flame, top])(document.getElementById('flame').dataset)")
    };
    browser.open(&file, "", DESK, "light");
    // What is known of a scope is told when the reader is at one.
    let details = "document.getElementById('scope-details').checkVisibility()";
    assert_eq!(browser.eval(details), false);
    browser.open(&file, "#scope=1&figure=live_at_peak_bytes", DESK, "light");
    assert_eq!(flame(&mut browser), json!(["live_at_peak_bytes", "1"]));
    assert_eq!(browser.eval(details), true);
    // Above main is the whole program, of which it has the same part as of all.
    let readout = text(&mut browser, "#flame-readout");
    assert!(readout.contains("of all") && !readout.contains("of whole program"), "{readout}");
    choose_figure(&mut browser, "allocations");
    assert_eq!(hash(&mut browser), "#scope=1&figure=allocations");
    // By a link to a panel, which says nothing of scopes, and back to it.
    browser.eval("location.hash = '#types'");
    browser.settle();
    assert_eq!(flame(&mut browser), json!(["allocations", "1"]));
    browser.eval("document.querySelector('#flame [data-scope=\"2\"]').click()");
    assert_eq!(hash(&mut browser), "#scope=2&figure=allocations");
    // The second press of two.
    browser.eval("document.querySelector('#flame [data-scope=\"2\"]').dispatchEvent(new MouseEvent('click', { bubbles: true, detail: 2 }))");
    assert_eq!(flame(&mut browser), json!(["allocations", "2"]));
    browser.eval("history.back()");
    browser.until("document.getElementById('flame').dataset.top === '1'");
    assert_eq!((hash(&mut browser), flame(&mut browser)), ("#types".into(), json!(["allocations", "1"])));
    choose_figure(&mut browser, "live_bytes");
    browser.eval("location.hash = '#scope=5'");
    browser.until(
        "document.getElementById('flame').dataset.top === '5' && document.activeElement.id === 'flame'",
    );
    // What is found elsewhere is pale here: read is below main.
    search(&mut browser, "read");
    let found = text(&mut browser, "#flame-found");
    assert!(
        found.starts_with("1 scope, ") && found.ends_with("; none of them below serve zoom out"),
        "{found}"
    );
    assert_bound(&mut browser, &serde_json::to_value(&snapshot).unwrap());
    browser.click("#flame-found button");
    assert!(!text(&mut browser, "#flame-found").contains("zoom out"));
    assert_eq!((hash(&mut browser), flame(&mut browser)), (String::new(), json!(["live_bytes", "0"])));
    for (link, words) in [
        ("#scope=99", "This page holds no scope 99."),
        ("#scope=-1", "This page holds no scope -1."),
        ("#variable=999999", "This page holds no variable 999999."),
        ("#callers=xyz", "This page holds no callers xyz."),
        ("#callers=99-0", "This page holds no callers 99-0."),
        ("#range=abc", "This page holds no range abc."),
        ("#scope=1", ""),
    ] {
        browser.eval(&format!("location.hash = {link:?}"));
        browser.settle();
        assert_eq!(text(&mut browser, "#dead-link"), words, "{link}");
    }
    browser.assert_quiet();
}

/// What a recording does not hold for scopes is said, and cannot be chosen.
#[test]
fn a_figure_that_nobody_measured_cannot_be_chosen() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = seven();
    for scope in &mut snapshot.scopes {
        scope.exclusive.live_at_peak_bytes = None;
        scope.inclusive.live_at_peak_bytes = None;
    }
    let (_folder, file) = page_of(&snapshot);
    browser.open(&file, "", DESK, "light");
    let choice = "document.querySelector('#flame-figures [value=live_at_peak_bytes]')";
    assert_eq!(browser.eval(&format!("{choice}.disabled")), true);
    let label = browser.eval(&format!("{choice}.parentElement.textContent"));
    assert_eq!(label, "At the peak (not measured by scope in this recording)");
    assert_bound(&mut browser, &serde_json::to_value(&snapshot).unwrap());
    // Nothing lives: another figure is drawn at first.
    for scope in &mut snapshot.scopes {
        scope.exclusive.live_bytes = 0;
        scope.inclusive.live_bytes = 0;
    }
    let (_folder, file) = page_of(&snapshot);
    browser.open(&file, "", DESK, "light");
    assert_eq!(browser.eval("document.getElementById('flame').dataset.flame"), "allocated_bytes");
    choose_figure(&mut browser, "live_bytes");
    assert!(text(&mut browser, "#flame-readout").starts_with("Nothing to draw"));
    // No scopes at all: the list that the page came with stays.
    snapshot.scopes.clear();
    let (_folder, file) = page_of(&snapshot);
    browser.open(&file, "", DESK, "light");
    assert_eq!(browser.eval("document.getElementById('scopes-drawn').hidden"), true);
    browser.assert_quiet();
}

/// On paper the graph stands without its controls, and the tree with all that is open.
#[test]
fn it_prints() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = forest::forest(live(5), 300, 12);
    let (_folder, file) = page_of(&snapshot);
    browser.open(&file, "", DESK, "light");
    let rows = "document.querySelectorAll('#scope-tree .rows > *').length";
    let open =
        browser.eval("Number(document.getElementById('scope-tree').getAttribute('aria-rowcount')) - 1");
    let pdf = browser.call("Page.printToPDF", json!({ "printBackground": true }));
    assert!(pdf["data"].as_str().unwrap().len() > 10_000);
    browser.eval("window.dispatchEvent(new Event('beforeprint'))");
    browser.call("Emulation.setEmulatedMedia", json!({ "media": "print" }));
    assert_eq!(browser.eval(rows), open);
    assert_eq!(browser.eval("document.getElementById('flame-controls').checkVisibility()"), false);
    assert_eq!(browser.eval("document.querySelector('#flame .box').checkVisibility()"), true);
    go_to_scopes(&mut browser);
    browser.screenshot("flame-print", false);
    assert_bound(&mut browser, &serde_json::to_value(&snapshot).unwrap());
    browser.assert_quiet();
}

/// Names of every module have the same contrast, in light and dark: at least that of WCAG's AA.
#[test]
fn names_are_legible_on_every_colour() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, file) = page_of(&seven());
    for scheme in ["light", "dark"] {
        browser.open(&file, "", DESK, scheme);
        let least = browser.eval(
            "(() => { const graph = document.getElementById('flame'); \
             const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true }); \
             const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4); \
             const luminance = (colour) => { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); \
               const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((c) => linear(c / 255)); \
               return 0.2126 * r + 0.7152 * g + 0.0722 * b; }; \
             const contrasts = []; \
             for (const hue of ['none', ...'abcdefghijkl']) for (const shade of 'abc') { \
               const box = document.createElement('div'); box.className = `box hue-${hue} shade-${shade}`; graph.append(box); \
               const style = getComputedStyle(box); \
               const [one, other] = [luminance(style.color), luminance(style.backgroundColor)].sort((a, b) => b - a); \
               contrasts.push((one + 0.05) / (other + 0.05)); box.remove(); } \
             return Math.min(...contrasts); })()",
        );
        let least = least.as_f64().unwrap();
        assert!(least >= 4.5, "{scheme}: {least}");
        println!("least contrast, {scheme}: {least:.1}");
    }
}

/// What is narrower than two pixels is folded; while there are more than 600 boxes, what is narrower than one and a half of that.
#[track_caller]
fn assert_folded(browser: &mut Browser) {
    browser.until("new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(true))))");
    let number = |browser: &mut Browser, script: &str| browser.eval(script).as_u64().unwrap();
    let least = number(browser, "Number(document.getElementById('flame').dataset.least)");
    let boxes = number(browser, "document.querySelectorAll('#flame .box').length");
    let mut expected = number(browser, "Math.floor(document.getElementById('flame').clientWidth / 2)");
    while expected > least {
        expected = expected * 2 / 3;
    }
    assert_eq!(least, expected);
    assert!(boxes > 0 && boxes <= 600, "{boxes} boxes");
}

#[test]
fn it_fits_in_each_size_and_colour() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshots = [(forest::forest(live(5), 4_096, 60), "many"), (fixture::sampled(5), "sampled")];
    for (snapshot, name) in snapshots {
        let (_folder, file) = page_of(&snapshot);
        for width in [400, 1280, 2560] {
            for scheme in ["light", "dark"] {
                browser.open(&file, "", (width, 1000), scheme);
                browser.assert_fits();
                assert_folded(&mut browser);
                go_to_scopes(&mut browser);
                browser.screenshot(&format!("flame-{name}-{width}-{scheme}"), false);
                browser.assert_quiet();
            }
        }
        // A window that is made narrower is drawn anew.
        browser.resize(700, 900);
        browser.until("document.getElementById('flame').clientWidth < 700");
        assert_folded(&mut browser);
        browser.assert_quiet();
    }
}
