//! What is told of functions and their callers are sums over scopes, each byte once.

use crate::devtools::Browser;
use crate::{
    assert_bound, choose_figure, forest, open, program, rows, search, seven, shared, tab, text, turn,
};
use serde_json::json;

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
