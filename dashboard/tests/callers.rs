//! Scopes from the bottom up, by function and stacked over time, in a real browser: what is drawn is the document's, sums are
//! what they are sums of, and everything answers by keys and at once.
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

/// 4,000 bytes in seven scopes; `parse` below `main` and below `serve`.
fn seven() -> Snapshot {
    forest::tree(
        program(5),
        &[
            (&[], 0),
            (&["main"], 100),
            (&["main", "parse"], 300),
            (&["main", "parse", "parse_line"], 500),
            (&["main", "parse", "read"], 100),
            (&["serve"], 1_000),
            (&["serve", "parse"], 2_000),
        ],
    )
}

/// A forest in which a function stands at one place in the sources, wherever it is called.
fn shared(count: usize, depth: usize) -> Snapshot {
    let mut snapshot = forest::forest(program(5), count, depth);
    for scope in &mut snapshot.scopes {
        scope.line = scope.key.last().map(|key| key.bytes().map(u32::from).sum());
    }
    snapshot
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
        (over_time(shared(160, 12)), 5, "parse"),
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
    let snapshot = over_time(shared(300, 12));
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

/// Below the first row stands each function once, and what is theirs alone is all there is.
#[test]
fn the_first_level_is_the_root_to_the_byte() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = shared(90, 12);
    let (_folder, _) = open(&mut browser, &snapshot, "");
    turn(&mut browser, "bottom-up");
    let root = snapshot.scopes[0].inclusive;
    for (field, whole) in [
        ("live_bytes", root.live_bytes),
        ("live_at_peak_bytes", root.live_at_peak_bytes.unwrap()),
        ("allocated_bytes", root.allocated_bytes),
        ("allocations", root.allocations),
    ] {
        choose_figure(&mut browser, field);
        // All rows, as on paper.
        browser.eval("window.dispatchEvent(new Event('beforeprint'))");
        let sum = browser.eval(
            "[...document.querySelectorAll('#callers-tree [aria-level=\"2\"] > :last-child > [data-value]')] \
             .reduce((sum, figure) => sum + Number(figure.dataset.value), 0)",
        );
        assert_eq!(sum.as_u64(), Some(whole), "{field}");
        browser.eval("window.dispatchEvent(new Event('afterprint'))");
    }
    let functions: std::collections::BTreeSet<_> =
        snapshot.scopes.iter().map(|scope| (scope.key.last(), &scope.file, scope.line)).collect();
    assert!(functions.len() < 90, "some function has several paths");
    let count = browser.eval("document.getElementById('callers-tree').getAttribute('aria-rowcount')");
    // A row for each function, one for all, and the head.
    assert_eq!(count, (functions.len() + 2).to_string());
}

#[test]
fn callers_have_their_part_of_what_is_the_functions_alone() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = seven();
    let (_folder, document) = open(&mut browser, &snapshot, "");
    turn(&mut browser, "bottom-up");
    // Sorted by path: main 1, main/parse 2, main/parse/parse_line 3, main/parse/read 4, serve 5, serve/parse 6.
    // parse has 300 and 2,000 of 4,000 bytes: the widest; 2,000 of its 2,300 through serve, which the root calls.
    let style = |browser: &mut Browser, name: &str| {
        browser.eval(&format!(
            "document.querySelector('#callers [data-scope=\"{name}\"]').getAttribute('style')"
        ))
    };
    let expected = [
        ("all", "left:0.0000%;width:100.0000%;top:0px;"),
        ("2-0", "left:0.0000%;width:57.5000%;top:23px;"),
        ("6-1", "left:0.0000%;width:50.0000%;top:46px;"),
        ("2-1", "left:50.0000%;width:7.5000%;top:46px;"),
        ("6-2", "left:0.0000%;width:50.0000%;top:69px;"),
        ("2-2", "left:50.0000%;width:7.5000%;top:69px;"),
    ];
    for (name, start) in expected {
        let style = style(&mut browser, name);
        assert!(style.as_str().unwrap().starts_with(start), "{name}: {style}");
    }
    browser.eval("document.querySelector('#callers [data-scope=\"6-1\"]').click()");
    // 2,000 of 2,300 and of 4,000 bytes; 1.95 KiB.
    let readout = text(&mut browser, "#callers-readout");
    assert!(
        readout.contains("parse ← serve") && readout.contains("exclusive of parse, called so 2.0 KiB"),
        "{readout}"
    );
    assert!(readout.contains("of parse 87.0 %") && readout.contains("of all 50.0 %"), "{readout}");
    assert_eq!(browser.eval("location.hash"), "#callers=6-1");
    let steps =
        browser.eval("[...document.querySelectorAll('#callers-path li')].map((step) => step.textContent)");
    assert_eq!(steps, json!(["all functions", "parse", "serve"]));
    // What a search finds is each function's own: 2,300 and 500 of 4,000 bytes.
    search(&mut browser, "parse");
    assert_eq!(text(&mut browser, "#flame-found"), "2 functions, 2.7 KiB in them alone, 70.0 % of all");
    assert_bound(&mut browser, &document);
    // Two functions of one short name stay two.
    let mut snapshot = seven();
    snapshot.scopes[6].key[1] = "other::parse".into();
    let (_folder, document) = open(&mut browser, &snapshot, "#callers");
    let widths = browser.eval(
        "['2-0', '6-0'].map((name) => document.querySelector(`#callers [data-scope=\"${name}\"]`).style.width)",
    );
    assert_eq!(widths, json!(["7.5%", "50%"]));
    assert_bound(&mut browser, &document);
    browser.assert_quiet();
}

/// Samples of scopes apart are different ones: the error of a sum is the root of the sum of squares, rounded up.
#[test]
fn sums_of_estimates_have_their_errors() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = seven();
    for scope in &mut snapshot.scopes {
        for memory in [&mut scope.exclusive, &mut scope.inclusive] {
            memory.live_bytes_error = Some(memory.live_bytes / 10);
        }
    }
    let (_folder, document) = open(&mut browser, &snapshot, "#callers");
    browser.eval("document.querySelector('#callers [data-scope=\"2-0\"]').dispatchEvent(new PointerEvent('pointerover', { bubbles: true }))");
    // 300 ± 30 and 2,000 ± 200 bytes: √(900 + 40,000) = 202.2…
    let error = browser.eval("document.querySelector('#callers-readout .plus-minus').dataset.value");
    assert_eq!(error, "203");
    assert_bound(&mut browser, &document);
    tab(&mut browser, "functions");
    // With all below: 900 ± 90 and 2,000 ± 200: √(8,100 + 40,000) = 219.3…
    let error = browser.eval(
        "[...document.querySelectorAll('#scope-functions [data-scope=\"2-0\"] .plus-minus')].map((error) => error.dataset.value)",
    );
    assert_eq!(error, json!(["203", "220"]));
    assert_bound(&mut browser, &document);
    browser.assert_quiet();
}

#[test]
fn a_function_shows_its_callers_and_its_callees() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = seven();
    // A finding tells the root's.
    for (calls, scope) in (10..).zip(&mut snapshot.scopes).skip(1) {
        scope.calls = calls;
    }
    let (_folder, document) = open(&mut browser, &snapshot, "");
    tab(&mut browser, "functions");
    browser.eval("document.querySelector('#scope-functions [data-scope=\"2-0\"] .twisty').click()");
    let told: Vec<Vec<String>> =
        rows(&mut browser, "scope-functions").into_iter().map(|row| row[..6].to_vec()).collect();
    // Name, share of the inclusive bytes (of all, then of the function), calls, paths, live bytes alone and with all below.
    // parse: 12 + 16 calls, 300 + 2,000 bytes alone, 900 + 2,000 with all below, of 4,000.
    let expected = [
        ["parse", "72.5 %", "28", "2", "2.2 KiB", "2.8 KiB"],
        ["called by serve", "69.0 %", "16", "1", "2.0 KiB", "2.0 KiB"],
        ["called by main", "31.0 %", "12", "1", "300 B", "900 B"],
        ["calls parse_line", "17.2 %", "13", "1", "500 B", "500 B"],
        ["calls read", "3.4 %", "14", "1", "100 B", "100 B"],
        ["serve", "75.0 %", "15", "1", "1000 B", "2.9 KiB"],
        ["parse_line", "12.5 %", "13", "1", "500 B", "500 B"],
    ];
    for (row, expected) in told.iter().zip(expected) {
        let row: Vec<String> = row.iter().map(|cell| cell.replace(['\u{202f}', '\u{a0}'], " ")).collect();
        let is_so = row[0].starts_with(expected[0]) && row[1..] == expected[1..];
        assert!(is_so, "{row:?}, expected {expected:?}");
    }
    assert_bound(&mut browser, &document);
    // By each column, both ways; functions stay with what is below them.
    let first = |browser: &mut Browser| rows(browser, "scope-functions")[0][0].clone();
    for (column, most, least) in
        [("calls", "parse", "outside"), ("paths", "parse", "outside"), ("name", "main", "serve")]
    {
        let click = format!("document.querySelector('#scope-functions [data-sort={column}]').click()");
        browser.eval(&click);
        assert!(first(&mut browser).starts_with(most), "{column}: {}", first(&mut browser));
        browser.eval(&click);
        assert!(
            first(&mut browser).starts_with(least) || column == "paths",
            "{column}: {}",
            first(&mut browser)
        );
    }
    search(&mut browser, "serve");
    assert_eq!(rows(&mut browser, "scope-functions").len(), 1);
    browser.assert_quiet();
}

/// A function below itself, which a recorder folds and a file may hold: with all below it has each byte once.
#[test]
fn what_is_below_itself_counts_once() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot =
        forest::tree(program(5), &[(&[], 0), (&["f"], 100), (&["f", "g"], 200), (&["f", "g", "f"], 400)]);
    let (_folder, document) = open(&mut browser, &snapshot, "");
    tab(&mut browser, "functions");
    browser.eval("document.querySelector('#scope-functions [data-scope=\"1-0\"] .twisty').click()");
    let told: Vec<Vec<String>> = rows(&mut browser, "scope-functions")
        .into_iter()
        .map(|row| [&row[..2], &row[4..6]].concat())
        .collect();
    // f alone 100 + 400, with all below the outer one's 700; g has 200, with all below 600.
    let expected = [
        ["f", "100.0 %", "500 B", "700 B"],
        ["called by g", "57.1 %", "400 B", "400 B"],
        ["called by outside tracked functions", "100.0 %", "100 B", "700 B"],
        ["calls g", "85.7 %", "200 B", "600 B"],
        ["g", "85.7 %", "200 B", "600 B"],
    ];
    for (row, expected) in told.iter().zip(expected) {
        let is_so = row[0].starts_with(expected[0]) && row[1..] == expected[1..];
        assert!(is_so, "{row:?}, expected {expected:?}");
    }
    assert_bound(&mut browser, &document);
    browser.assert_quiet();
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

#[test]
fn bands_tell_each_moment() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = seven();
    snapshot.folded.scopes.scopes = 0;
    snapshot.trend_ms = vec![0, 1_000, 4_000];
    // root, main, main/parse, parse_line, read, serve, serve/parse
    let trends = [
        [0, 0, 0],
        [100, 100, 100],
        [0, 900, 300],
        [0, 0, 500],
        [0, 100, 100],
        [0, 0, 1_000],
        [0, 3_000, 2_000],
    ];
    for (scope, trend) in snapshot.scopes.iter_mut().zip(trends) {
        scope.trend = trend.to_vec();
    }
    let (_folder, document) = open(&mut browser, &snapshot, "");
    tab(&mut browser, "stack");
    let table = |browser: &mut Browser| -> Vec<Vec<String>> {
        let rows = browser.eval(
            "[...document.querySelectorAll('.bands-table tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent))",
        );
        let rows: Vec<Vec<String>> = serde_json::from_value(rows).unwrap();
        rows.iter()
            .map(|row| row.iter().map(|cell| cell.trim().replace(['\u{202f}', '\u{a0}'], " ")).collect())
            .collect()
    };
    // At first the highest moment: 100 + 900 + 100 + 3,000 = 4,100 bytes. The largest lies at the bottom: parse, with 3,900.
    assert_eq!(text(&mut browser, ".stacked .moment"), "At 1.0 s: 4.0 KiB together, most in parse");
    let told = table(&mut browser);
    let expected = [
        ["all others, 1 scope", "0 B", "0 B"],
        ["main", "100 B", "100 B"],
        ["read", "100 B", "100 B"],
        ["parse_line", "0 B", "500 B"],
        ["serve", "0 B", "1000 B"],
        ["parse", "3.8 KiB", "3.8 KiB"],
        ["together", "4.0 KiB", "4.0 KiB"],
    ];
    // main and read are as high: the first of them in the document lies below.
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for name in ["parse", "serve", "parse_line", "together"] {
        let of =
            |rows: &[Vec<String>]| rows.iter().find(|row| row[0].split(' ').next() == Some(name)).cloned();
        let wanted: Vec<Vec<String>> = expected.iter().map(|row| row.map(str::to_owned).to_vec()).collect();
        assert_eq!(
            of(&told).map(|row| row[1..].to_vec()),
            of(&wanted).map(|row| row[1..].to_vec()),
            "{name}"
        );
    }
    assert_bound(&mut browser, &document);
    // By keys: the next moment, at which 100 + 300 + 500 + 100 + 1,000 + 2,000 = 4,000 bytes; there is none after it.
    browser.eval("document.querySelector('.stacked input').focus()");
    for _ in 0..2 {
        browser.press("ArrowRight", 39);
        assert_eq!(text(&mut browser, ".stacked .moment"), "At 4.0 s: 3.9 KiB together, most in parse");
    }
    assert_eq!(browser.eval("document.querySelector('.stacked input').ariaValueText"), "4.0 s");
    assert_bound(&mut browser, &document);
    browser.press("Home", 36);
    assert_eq!(text(&mut browser, ".stacked .moment"), "At 0 ms: 100 B together, most in main");
    // By the pointer.
    browser.eval(
        "(() => { const plot = document.querySelector('.bands'); const box = plot.getBoundingClientRect(); \
         plot.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, clientX: box.left + box.width * 0.3 })); })()",
    );
    assert!(text(&mut browser, ".stacked .moment").starts_with("At 1.0 s"));
    assert_bound(&mut browser, &document);
    browser.assert_quiet();
}

/// What is not known over time is not drawn as nothing.
#[test]
fn what_has_no_moments_is_left_out_and_said() {
    let Some(mut browser) = Browser::start() else { return };
    // No moments at all: no tab.
    let mut snapshot = seven();
    snapshot.trend_ms.clear();
    let (_folder, _) = open(&mut browser, &snapshot, "");
    assert_eq!(browser.eval("document.getElementById('scope-tab-stack').checkVisibility()"), false);
    // A scope of parse has none: the function is left out, with both its scopes.
    let mut snapshot = over_time(seven());
    snapshot.scopes[6].trend.clear();
    let (_folder, document) = open(&mut browser, &snapshot, "");
    tab(&mut browser, "stack");
    let said = text(&mut browser, ".stacked .lead");
    assert!(
        said.contains("Not in here: 2 scopes of functions whose bytes over time are not all on this page."),
        "{said}"
    );
    assert_bound(&mut browser, &document);
    // Estimates, whose errors then are unknown.
    let mut snapshot = over_time(seven());
    for scope in &mut snapshot.scopes {
        scope.exclusive.live_bytes_error = Some(7);
        scope.inclusive.live_bytes_error = Some(7);
    }
    let (_folder, document) = open(&mut browser, &snapshot, "");
    tab(&mut browser, "stack");
    assert!(text(&mut browser, ".stacked .lead").contains("errors at these moments are not recorded"));
    assert_bound(&mut browser, &document);
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

/// A page that is fed: other scopes come, and the reader stays at the same chain of callers.
#[test]
fn new_scopes_leave_the_reader_where_they_were() {
    let Some(mut browser) = Browser::start() else { return };
    // Without main/parse/read, so that all behind it have other places.
    let now = seven();
    let mut before = seven();
    before.scopes.remove(4);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, live::page(&before, "run", 1).unwrap()).unwrap();
    browser.open(&file, "#callers=5-1", DESK, "light");
    browser.until("document.getElementById('callers').dataset.top === '5-1'");
    assert_eq!(browser.eval("document.getElementById('scope-tab-stack').checkVisibility()"), false);
    tab(&mut browser, "functions");
    browser.eval("document.querySelector('#scope-functions [data-scope=\"2-0\"] .twisty').click()");
    // Pausing and going on, the page asks for events anew: of us.
    browser.eval(
        "window.EventSource = class { constructor() { this.on = {}; window.feed = this; } \
         addEventListener(name, act) { this.on[name] = act; } close() {} }; \
         const pause = document.getElementById('live-pause'); pause.click(); pause.click()",
    );
    for panel in live::panels_of_books(&now).unwrap() {
        if panel.name == "data:scopes" {
            let event = json!({ "data": format!("{{\"name\":\"{}\",\"view\":{}}}", panel.name, panel.json) });
            browser.eval(&format!("feed.on.panel({event})"));
        }
    }
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

#[test]
fn it_fits_and_answers_at_once() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = over_time(shared(4_096, 60));
    snapshot.trend_ms = (0..32).map(|moment| moment * 75).collect();
    // Most scopes of a program rest, so that the page has room for all trends.
    for (number, scope) in (0_u64..).zip(&mut snapshot.scopes) {
        let step = if number % 64 == 0 { number * 10 } else { 0 };
        scope.trend = (0..32).map(|moment| scope.exclusive.live_bytes + step * moment).collect();
    }
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("callers.html");
    fs::write(&file, render(&snapshot).unwrap()).unwrap();
    for width in [400, 1280, 2560] {
        for scheme in ["light", "dark"] {
            browser.open(&file, "#callers", (width, 1400), scheme);
            for view in ["tree", "functions", "stack"] {
                tab(&mut browser, view);
                if view == "functions" {
                    browser.eval(
                        "document.querySelector('#scope-functions [aria-expanded=false] .twisty').click()",
                    );
                }
                browser.assert_fits();
                browser.eval("document.getElementById('scopes').scrollIntoView({ behavior: 'instant' })");
                browser.screenshot(&format!("callers-{view}-{width}-{scheme}"), false);
            }
            browser.assert_quiet();
        }
    }
    browser.open(&file, "", (2560, 1400), "light");
    let acts = [
        ("turn", "document.querySelectorAll('#scope-ways input')[(turn + 1) % 2].click()"),
        ("figure", "document.querySelectorAll('#flame-figures input')[(turn + 1) % 4].click()"),
        ("zoom", "document.querySelectorAll('#callers [data-scope]')[3 + turn].click()"),
        ("out", "document.querySelector('#callers-path button').click()"),
        (
            "search",
            "const field = document.getElementById('flame-search'); field.value = 'parsel'.slice(0, turn + 1); \
             field.dispatchEvent(new Event('input', { bubbles: true }))",
        ),
        (
            "clear",
            "const field = document.getElementById('flame-search'); field.value = ''; \
             field.dispatchEvent(new Event('input', { bubbles: true }))",
        ),
        (
            "walk",
            "document.getElementById('callers').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown' }))",
        ),
        ("row", "document.querySelectorAll('#callers-tree .twisty')[1].click()"),
        ("by function", "document.querySelectorAll('#scope-tabs button')[2 - turn % 2].click()"),
        ("sort", "document.querySelectorAll('#scope-functions .head-row button')[turn].click()"),
        ("open", "document.querySelector('#scope-functions .twisty').click()"),
        ("over time", "document.querySelectorAll('#scope-tabs button')[3 - turn % 2].click()"),
        (
            "moment",
            "document.querySelector('.stacked input').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft' }))",
        ),
        (
            "range",
            "const handle = document.querySelector('.range input'); handle.value = 20 + 10 * turn; \
             handle.dispatchEvent(new Event('input', { bubbles: true }))",
        ),
    ];
    browser.call("Performance.enable", json!({ "timeDomain": "threadTicks" }));
    let busy = |browser: &mut Browser| {
        let metrics = browser.call("Performance.getMetrics", json!({}))["metrics"].clone();
        let all = metrics.as_array().unwrap().iter();
        let busy = all
            .filter(|metric| metric["name"] == "TaskDuration")
            .map(|metric| metric["value"].as_f64().unwrap());
        busy.sum::<f64>() * 1_000.0
    };
    for (what, act) in acts {
        let (mut walls, mut own) = (Vec::new(), Vec::new());
        for turn in 0..5 {
            match what {
                "out" => drop(browser.eval("document.querySelectorAll('#callers [data-scope]')[3].click()")),
                "moment" => tab(&mut browser, "stack"),
                "sort" | "open" => tab(&mut browser, "functions"),
                _ => {}
            }
            let before = busy(&mut browser);
            let wall = browser.eval(&format!(
                "(async () => {{ const turn = {turn}; const start = performance.now(); {act}; \
                 await new Promise((done) => requestAnimationFrame(() => setTimeout(done))); \
                 return performance.now() - start; }})()"
            ));
            walls.push(wall.as_f64().unwrap());
            own.push(busy(&mut browser) - before);
        }
        // In the order of the turns: what is made once counts in the first.
        println!("{what}: {walls:.0?} ms by the clock, {own:.0?} ms of the page's thread");
        let quickest = own.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(quickest < 250.0, "{what}: {walls:?} ms, {own:?} ms of the page's thread");
    }
    browser.assert_quiet();
}
