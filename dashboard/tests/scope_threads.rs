//! One thread's part of the scopes in a real browser: flame graph, tree and table are the document's for each figure, and
//! what is not told apart is said and in no sum.
//!
//! Without a Chromium these tests say so and pass, as those of `browser.rs` do.

#[path = "browser/devtools.rs"]
mod devtools;
mod fixture;
#[path = "fixture/forest.rs"]
mod forest;
mod reader;

use devtools::Browser;
use memscope_dashboard::{island, render};
use memscope_runtime::snapshot::{ScopeThread, Snapshot};
use reader::page;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const DESK: (u32, u32) = (1280, 900);
/// The tabs that can be chosen.
const TABS: &str = "#scope-tabs button:not([hidden])";

fn page_of(snapshot: &Snapshot) -> (TempDir, PathBuf, Value) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, render(snapshot).unwrap()).unwrap();
    (folder, file, serde_json::to_value(snapshot).unwrap())
}

/// Seven scopes with 4,000 live bytes: 400 of thread 1, 3,000 of thread 2, and 600 in `serve` of two threads that are not told
/// apart.
fn seven() -> Snapshot {
    let base = fixture::exact(&fixture::large(5));
    let template = base.scope_threads[0];
    let mut snapshot = forest::seven(base);
    let rows = [
        (1, Some(1), 100),
        (2, Some(1), 200),
        (2, Some(2), 100),
        (3, Some(2), 500),
        (4, Some(1), 100),
        (5, Some(2), 400),
        (5, None, 600),
        (6, Some(2), 2_000),
    ];
    let pair = |(scope, thread, live_bytes): (u32, Option<u32>, u64)| ScopeThread {
        scope,
        thread,
        pairs: if thread.is_some() { 1 } else { 2 },
        calls: u64::from(scope) + 1,
        allocations: 3,
        allocated_bytes: 3 * live_bytes,
        live_bytes,
        live_at_peak_bytes: Some(live_bytes),
        ..template
    };
    snapshot.scope_threads = rows.into_iter().map(pair).collect();
    snapshot
}

#[track_caller]
fn assert_bound(browser: &mut Browser, document: &Value) {
    let html = browser.eval("document.documentElement.outerHTML");
    let faults = page::faults(html.as_str().unwrap(), document);
    assert!(faults.is_empty(), "{} faults: {:#?}", faults.len(), &faults[..faults.len().min(20)]);
}

fn choose(browser: &mut Browser, thread: &str) {
    browser.eval(&format!(
        "(() => {{ const select = document.getElementById('flame-thread'); select.value = {thread:?}; \
         select.dispatchEvent(new Event('change', {{ bubbles: true }})); }})()"
    ));
}

/// Texts of the elements, with plain spaces.
fn texts(browser: &mut Browser, selector: &str) -> Vec<String> {
    let all = format!(
        "[...document.querySelectorAll({selector:?})].filter((one) => one.checkVisibility()) \
         .map((one) => one.textContent.replace(/[\\u202f\\u00a0]/g, ' '))"
    );
    serde_json::from_value(browser.eval(&all)).unwrap()
}

/// Each scope's value in the flame graph's boxes.
fn values(browser: &mut Browser) -> Value {
    browser.eval(
        "Object.fromEntries([...document.querySelectorAll('#flame [data-scope] [data-from]')] \
         .map((one) => [one.closest('.box').dataset.scope, Number(one.dataset.value)]))",
    )
}

/// The second thread's part of [`seven`] is drawn, by each figure.
#[track_caller]
fn assert_is_the_seconds(browser: &mut Browser, document: &Value) {
    // 400 of its own in serve and 2,000 below it; 100 in parse and 500 in parse_line.
    assert_eq!(values(browser), json!({ "0": 3_000, "1": 600, "2": 600, "3": 500, "5": 2_400, "6": 2_000 }));
    for field in ["live_at_peak_bytes", "allocated_bytes", "allocations", "live_bytes"] {
        browser.eval(&format!("document.querySelector('#flame-figures [value={field}]').click()"));
        assert_bound(browser, document);
    }
}

#[test]
fn one_threads_part_is_drawn_listed_and_summed() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = seven();
    let (_folder, file, document) = page_of(&snapshot);
    browser.open(&file, "", DESK, "light");
    assert_eq!(texts(&mut browser, "#flame-thread option").len(), 0, "a select's options are no text");
    let offered = browser.eval("[...document.getElementById('flame-thread').options].map((one) => one.text)");
    assert_eq!(offered, json!(["all threads", "1 main", "2 worker"]));
    assert_eq!(values(&mut browser)["0"], 4_000);

    choose(&mut browser, "1");
    // 100 in main, 200 in parse, 100 in read: parse has 300 with all below.
    assert_eq!(values(&mut browser), json!({ "0": 400, "1": 400, "2": 300, "4": 100 }));
    // What is told of a scope below the tree is not of one thread, and the panel says so. It is told when the reader is at one.
    assert_eq!(texts(&mut browser, "#scope-details, #scope-details-of"), [""; 0]);
    browser.eval("document.getElementById('flame-0').click()");
    assert_eq!(texts(&mut browser, "#scope-details-of"), ["Of the scope, by all threads together:"]);
    let note = texts(&mut browser, "#flame-thread-note").concat();
    assert!(note.starts_with("Only what thread 1 main allocated, whoever freed it"), "{note}");
    let folded = "In 1 scope some threads are not told apart (2 times, 600 B together)";
    assert!(note.contains(folded), "{note}");
    assert_eq!(browser.eval("location.hash"), "#scope=0&thread=1");
    assert_bound(&mut browser, &document);

    // In serve thread 1 may be one of the two; what is below serve is known, and 0.
    let row = |scope: usize| format!("#scope-tree [data-scope='{scope}'] .num");
    assert_eq!(texts(&mut browser, &row(5)), ["not measured", "not measured", "0 B"]);
    // Two calls of scope 1, 100 bytes alone, 400 with all below.
    assert_eq!(texts(&mut browser, &row(1)), ["2", "100 B", "400 B"]);

    choose(&mut browser, "2");
    assert_is_the_seconds(&mut browser, &document);
    browser.eval("document.querySelector('#flame [data-scope=\"5\"]').click()");
    assert_eq!(browser.eval("location.hash"), "#scope=5&thread=2");
    browser.eval(
        "(() => { const field = document.getElementById('flame-search'); field.value = 'parse'; \
         field.dispatchEvent(new Event('input', { bubbles: true })); })()",
    );
    // parse and parse_line below main (600), parse below serve (2,000); of 3,000.
    let found = texts(&mut browser, "#flame-found").concat();
    assert!(found.starts_with("3 scopes, 2.5 KiB, 86.7 % of all"), "{found}");
    assert_bound(&mut browser, &document);
    browser.click("#scope-tab-table");
    browser.until("document.querySelector('#scope-table .rows').children.length > 2");
    for column in ["calls", "exclusive live_bytes", "inclusive allocations"] {
        browser.eval(&format!("document.querySelector('[data-sort={column:?}]').click()"));
        assert_bound(&mut browser, &document);
    }
    browser.screenshot("scope-threads-1280-light", false);

    choose(&mut browser, "");
    assert_eq!(browser.eval("document.getElementById('flame').dataset.thread ?? null"), Value::Null);
    assert_eq!(texts(&mut browser, "#flame-thread-note, #scope-details-of"), [""; 0]);
    assert_eq!(browser.eval("location.hash"), "#scope=5");
    assert_bound(&mut browser, &document);
    browser.assert_quiet();
}

#[test]
fn a_link_names_the_thread() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, file, document) = page_of(&seven());
    let thread = "document.getElementById('flame').dataset.thread ?? null";
    for (link, expected, top) in [
        ("#scope=1&thread=2", json!("2"), "1"),
        ("#scope=0&thread=1", json!("1"), "0"),
        ("#scope=5&thread=77", Value::Null, "5"),
        ("#scope=1", Value::Null, "1"),
        ("#scope=1&thread=", Value::Null, "0"),
    ] {
        browser.open(&file, "", (400, 800), "dark");
        browser.open(&file, link, (400, 800), "dark");
        assert_eq!(browser.eval(thread), expected, "{link}");
        assert_eq!(browser.eval("document.getElementById('flame').dataset.top"), top, "{link}");
        assert_bound(&mut browser, &document);
    }
    // The select is reached and used by keys.
    browser.open(&file, "#scope=0&thread=1", (400, 800), "dark");
    browser.eval("document.getElementById('flame-thread').focus()");
    browser.press("ArrowDown", 40);
    browser.until("document.getElementById('flame').dataset.thread === '2'");
    browser.screenshot("scope-threads-400-dark", false);
    browser.assert_quiet();
}

/// What a thread held at a moment is not recorded: the panel says so, and shows the whole recording.
#[test]
fn a_range_does_not_follow_one_thread() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = seven();
    snapshot.trend_ms = vec![500, 1_500, 2_400];
    snapshot.scopes.iter_mut().for_each(|scope| scope.trend = vec![1, 2, 3]);
    snapshot.folded.scopes.scopes = 0;
    snapshot.timeline.truncate(200);
    let (_folder, file, document) = page_of(&snapshot);
    browser.open(&file, "#range=600-2000", DESK, "light");
    let flame = "document.getElementById('flame').dataset.flame";
    assert_eq!(browser.eval(flame), "trend/1");
    // The address goes on to name the range, and the way back leads to all of it.
    browser.eval("document.querySelector('#flame [data-scope=\"1\"]').click()");
    assert_eq!(browser.eval("location.hash"), "#scope=1&range=600-2000");
    browser.eval("history.back()");
    browser.until("document.getElementById('flame').dataset.top === '0'");
    browser.eval("location.hash = '#variable=0'");
    browser.until("document.querySelector('dialog[open]') !== null");
    assert_eq!(browser.eval("location.hash"), "#variable=0&range=600-2000");
    browser.press("Escape", 27);
    browser.until("location.hash === '#range=600-2000'");
    // From the bottom up all threads are told together: who chooses one leaves it.
    browser.eval("document.querySelector('#scope-ways [value=bottom-up]').click()");
    assert_eq!(browser.eval("document.getElementById('bottom-up').checkVisibility()"), true);
    choose(&mut browser, "2");
    assert_eq!(browser.eval("document.getElementById('bottom-up').checkVisibility()"), false);
    assert_eq!(browser.eval("document.querySelector('#scope-ways [value=bottom-up]').disabled"), true);
    assert_eq!(browser.eval("location.hash"), "#scope=0&thread=2&range=600-2000");
    assert_eq!(browser.eval(flame), "live_bytes");
    let note = "whole recording: what one thread held at a moment is not recorded";
    assert_eq!(texts(&mut browser, "#scopes h2 .range-note"), [note]);
    // By function and over time there are figures of all threads only.
    assert_eq!(texts(&mut browser, TABS), ["Tree", "All scopes"]);
    assert_bound(&mut browser, &document);
    choose(&mut browser, "");
    assert_eq!(browser.eval(flame), "trend/1");
    assert_eq!(texts(&mut browser, TABS), ["Tree", "Change by scope", "By function", "Over time"]);
    assert_bound(&mut browser, &document);
    browser.assert_quiet();
}

#[test]
fn estimates_have_their_errors_and_names_stay_text() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = fixture::small();
    snapshot.threads[1].name = Some("</script><b>&amp; é".into());
    let (_folder, file, document) = page_of(&snapshot);
    browser.open(&file, "", DESK, "dark");
    choose(&mut browser, "2");
    // 60,000 ± 1,203 and 80,000 ± 1,204 bytes: 1,203² + 1,204² = 2,896,825, whose root is above 1,702.
    let error = browser.eval("document.querySelector('#flame-0 .plus-minus')?.dataset.value");
    assert_eq!(error, "1703");
    for field in ["live_at_peak_bytes", "allocated_bytes", "allocations", "live_bytes"] {
        browser.eval(&format!("document.querySelector('#flame-figures [value={field}]').click()"));
        assert_bound(&mut browser, &document);
    }
    let note = texts(&mut browser, "#flame-thread-note").concat();
    assert!(note.starts_with("Only what thread 2 </script><b>&amp; é"), "{note}");
    // Three threads, 5 × 20,000 ± 1,205 bytes.
    assert!(note.contains("(3 times, 97.7 KiB ± 1.2 KiB together)"), "{note}");
    browser.assert_quiet();
}

/// No recorder writes such a file: errors of one thread's pairs, none of the other's.
#[test]
fn a_thread_without_errors_can_be_chosen_beside_one_with_them() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = seven();
    for pair in snapshot.scope_threads.iter_mut().filter(|pair| pair.thread == Some(1)) {
        pair.live_bytes_error = Some(9);
    }
    let (_folder, file, document) = page_of(&snapshot);
    browser.open(&file, "", DESK, "light");
    choose(&mut browser, "2");
    assert_eq!(browser.eval("document.querySelectorAll('#flame .plus-minus').length"), 0);
    assert_is_the_seconds(&mut browser, &document);
    browser.assert_quiet();
}

/// Puts other data into the page of `file`, which have `other` in place of `one`.
fn island_but(file: &Path, one: &str, other: &str) -> String {
    let html = fs::read_to_string(file).unwrap();
    let (_, rest) = html.split_once("id=\"data\">").unwrap();
    let island = island::json(rest.split_once('<').unwrap().0).unwrap().to_string();
    assert!(island.contains(one), "{island}");
    let lie: Value = serde_json::from_str(&island.replace(one, other)).unwrap();
    format!("document.getElementById('data').textContent = '{}'", island::compressed(&lie).unwrap())
}

/// The reader can fail.
#[test]
fn a_thread_that_lies_is_found() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, file, document) = page_of(&seven());
    for lie in [
        "document.getElementById('flame').dataset.thread = '1'",
        "delete document.getElementById('flame').dataset.thread",
        "document.querySelector('#flame-0 [data-from]').textContent = '2.8 KiB'",
        "document.querySelector('#scope-tree [data-scope=\"5\"] .num [data-from*=exclusive]').dataset.from = '/scopes/5/of_thread/1/exclusive/live_bytes'",
        "document.querySelector('#flame-thread-note [data-from*=pairs]').textContent = '3'",
        &island_but(&file, "\"rows\":[2,3,5,6]", "\"rows\":[2,3,4,6]"),
    ] {
        browser.open(&file, "#scope=0&thread=2", DESK, "light");
        assert_bound(&mut browser, &document);
        browser.eval(lie);
        let html = browser.eval("document.documentElement.outerHTML");
        assert!(!page::faults(html.as_str().unwrap(), &document).is_empty(), "{lie}");
    }
}

/// A recording of before this was recorded, and one of a single thread, offer no choice.
#[test]
fn without_threads_there_is_no_choice() {
    let Some(mut browser) = Browser::start() else { return };
    for keep in [0, 1] {
        let mut snapshot = seven();
        snapshot.scope_threads.truncate(keep);
        let (_folder, file, document) = page_of(&snapshot);
        browser.open(&file, "", DESK, "light");
        assert_eq!(browser.eval("document.getElementById('flame-thread-choice').checkVisibility()"), false);
        assert_bound(&mut browser, &document);
    }
    browser.assert_quiet();
}
