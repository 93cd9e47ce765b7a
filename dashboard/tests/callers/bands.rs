//! Live bytes over time, stacked by function.

use crate::devtools::Browser;
use crate::{assert_bound, forest, open, over_time, program, seven, tab, text};

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
        ["outside tracked functions", "0 B", "0 B"],
        ["main", "100 B", "100 B"],
        ["read", "100 B", "100 B"],
        ["parse_line", "0 B", "500 B"],
        ["serve", "0 B", "1000 B"],
        ["parse", "3.8 KiB", "3.8 KiB"],
        ["together", "4.0 KiB", "4.0 KiB"],
    ];
    // main and read are as high: the first of them in the document lies below.
    assert_eq!(told.len(), expected.len(), "{told:?}");
    // The only other one has its name.
    for name in ["outside", "parse", "serve", "parse_line", "together"] {
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

/// Of eight functions one is among the others: it has most at the second moment. At the first there is nothing.
#[test]
fn who_has_most_is_said_of_all_functions_and_of_none_where_there_is_nothing() {
    let Some(mut browser) = Browser::start() else { return };
    let names = [["a"], ["b"], ["c"], ["d"], ["e"], ["f"], ["g"], ["h"]];
    let mut rows: Vec<(&[&str], u64)> = vec![(&[], 0)];
    rows.extend(names.iter().map(|name| (name.as_slice(), 100_000)));
    let mut snapshot = forest::tree(program(5), &rows);
    snapshot.folded.scopes.scopes = 0;
    snapshot.trend_ms = vec![0, 1_000, 4_000];
    for scope in &mut snapshot.scopes {
        scope.trend = match scope.path.last().map(|name| &**name) {
            None => vec![0, 0, 0],
            Some("h") => vec![0, 50, 60],
            Some(_) => vec![0, 40, 100],
        };
    }
    let (_folder, document) = open(&mut browser, &snapshot, "");
    tab(&mut browser, "stack");
    let others = "document.querySelector('.bands-table tbody th').textContent";
    // `h`, and the root, which is a function too.
    assert_eq!(browser.eval(others), "all others, 2 scopes");
    browser.eval("document.querySelector('.stacked input').focus()");
    browser.press("Home", 36);
    assert_eq!(text(&mut browser, ".stacked .moment"), "At 0 ms: 0 B together");
    assert_bound(&mut browser, &document);
    browser.press("ArrowRight", 39);
    // 50 and seven times 40 bytes.
    assert_eq!(text(&mut browser, ".stacked .moment"), "At 1.0 s: 330 B together, most in h");
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
