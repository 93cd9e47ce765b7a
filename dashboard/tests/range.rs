//! A range of time on the timeline, chosen by pointer and by keyboard, in a real browser.
//!
//! Without a Chromium these tests say so and pass; with `MEMSCOPE_REQUIRE_BROWSER=1` they fail.

#[path = "fixture/breakout.rs"]
mod breakout;
#[path = "browser/devtools.rs"]
mod devtools;
mod fixture;
#[path = "fixture/forest.rs"]
mod forest;
mod reader;

use devtools::Browser;
use memscope_dashboard::render;
use memscope_runtime::snapshot::{Evidence, Finding, Snapshot, Task, TaskState, TimelinePoint};
use reader::page;
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

const ARROW_LEFT: u32 = 37;
const ARROW_RIGHT: u32 = 39;

fn open(browser: &mut Browser, snapshot: &Snapshot, size: (u32, u32), scheme: &str) -> (TempDir, Value) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, render(snapshot).unwrap()).unwrap();
    browser.open(&file, "", size, scheme);
    (folder, serde_json::to_value(snapshot).unwrap())
}

/// The words beside the handles, with plain spaces.
fn said(browser: &mut Browser) -> String {
    let text = browser.eval("document.querySelector('.range output').textContent");
    text.as_str().unwrap().replace(['\u{202f}', '\u{a0}'], " ")
}

/// What the headings of the panels say of the range, in the panels' order.
fn notes(browser: &mut Browser) -> Vec<String> {
    let notes = "[...document.querySelectorAll('.panel .range-note')].filter((note) => note.checkVisibility()) \
                 .map((note) => note.textContent)";
    serde_json::from_value(browser.eval(notes)).unwrap()
}

fn drag(browser: &mut Browser, from: f64, to: f64) {
    let at = browser.eval(
        "(() => { const plot = document.querySelector('.plot'); \
         plot.scrollIntoView({ block: 'center', behavior: 'instant' }); \
         const box = plot.getBoundingClientRect(); return [box.x, box.width, box.y + box.height / 2]; })()",
    );
    let x = |share: f64| at[0].as_f64().unwrap() + share * at[1].as_f64().unwrap();
    let steps = [
        ("mousePressed", from),
        ("mouseMoved", (from + to) / 2.0),
        ("mouseMoved", to),
        ("mouseReleased", to),
    ];
    for (kind, share) in steps {
        let event = json!({
            "type": kind, "x": x(share), "y": at[2], "button": "left", "buttons": 1, "clickCount": 1
        });
        browser.call("Input.dispatchMouseEvent", event);
    }
}

fn assert_bound(browser: &mut Browser, document: &Value) {
    let html = browser.eval("document.documentElement.outerHTML");
    let faults = page::faults(html.as_str().unwrap(), document);
    assert!(faults.is_empty(), "{} faults: {:#?}", faults.len(), &faults[..faults.len().min(20)]);
}

/// The fixture's points: 10,000 bytes at 0 s, 700,000 at 1 s, 400,000 at 2.4 s; the recording ends at 2.4 s.
#[test]
fn a_range_is_chosen_by_dragging_and_given_up_by_a_click() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, document) = open(&mut browser, &fixture::exact(&fixture::small()), (1280, 900), "light");
    assert_eq!(notes(&mut browser), [""; 0]);
    // From beside the second point (1 s of 2.4 s: 0.417 of the width) to the end.
    drag(&mut browser, 0.43, 0.99);
    // 2.4 s - 1 s = 1.4 s. 700,000 / 1,024 = 683.6 KiB, 400,000 / 1,024 = 390.6 KiB; 300,000 / 1,024 = 293.0 KiB.
    assert_eq!(
        said(&mut browser),
        "1.0 s to 2.4 s (1.4 s): live 683.6 KiB → 390.6 KiB, shrunk by 293.0 KiB; highest point 683.6 KiB at 1.0 s; \
         resident 980.0 KiB → 932.0 KiB, shrunk by 48.0 KiB; highest reading 980.0 KiB at 1.0 s"
    );
    assert!(notes(&mut browser).iter().any(|note| note == "whole recording"));
    // All of the fixture's variables were first seen in the first 30 ms and last at 1.5 s.
    assert!(notes(&mut browser).iter().any(|note| note.starts_with("between first and last sight in 1.0")));
    let cards = "document.querySelectorAll('#cards li').length";
    let variables = document["variables"].as_array().unwrap();
    assert_eq!(browser.eval(cards), variables.len());
    assert_bound(&mut browser, &document);
    browser.screenshot("range-1280-light", false);
    browser.click(".plot");
    assert!(said(&mut browser).starts_with("Drag over the curve"), "{}", said(&mut browser));
    assert_eq!(notes(&mut browser), [""; 0]);
    assert_ne!(browser.eval("document.querySelectorAll('#cards li').length"), 0);
    browser.assert_quiet();
}

#[test]
fn a_range_is_chosen_by_the_keyboard() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, document) = open(&mut browser, &fixture::exact(&fixture::small()), (400, 800), "dark");
    browser.eval("document.querySelector('.range input').focus()");
    browser.press("ArrowRight", ARROW_RIGHT);
    assert!(said(&mut browser).starts_with("1.0 s to 2.4 s"), "{}", said(&mut browser));
    // The ends do not meet, nor pass each other.
    browser.press("ArrowRight", ARROW_RIGHT);
    assert!(said(&mut browser).starts_with("1.0 s to 2.4 s"), "{}", said(&mut browser));
    let told = browser
        .eval("document.activeElement.getAttribute('aria-valuetext').replace(/[\\u202f\\u00a0]/g, ' ')");
    // 1,003,520 bytes are 245 pages.
    assert_eq!(told, "1.0 s, 683.6 KiB live, 980.0 KiB resident");
    assert_bound(&mut browser, &document);
    browser.screenshot("range-400-dark", false);
    browser.press("ArrowLeft", ARROW_LEFT);
    assert!(said(&mut browser).starts_with("Drag over the curve"), "{}", said(&mut browser));
    browser.assert_quiet();
}

/// The errors of two estimates of one recording are not independent, so that of their difference is not made up.
#[test]
fn estimates_are_shown_with_their_errors_and_not_subtracted() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, document) = open(&mut browser, &fixture::small(), (1280, 900), "light");
    drag(&mut browser, 0.43, 0.99);
    let said = said(&mut browser);
    assert!(said.contains("683.6 KiB ± 4.9 KiB → 390.6 KiB ± 4.9 KiB; highest"), "{said}");
    // What is resident is read, so its difference is known: 1,003,520 − 954,368 = 49,152 bytes.
    let resident =
        "; resident (measured) 980.0 KiB → 932.0 KiB, shrunk by 48.0 KiB; highest reading 980.0 KiB at 1.0 s";
    assert!(said.ends_with(resident), "{said}");
    assert_bound(&mut browser, &document);
}

/// A moment without a reading is not measured, neither 0 nor something between its neighbours; and a curve that is hidden
/// leaves the whole height to the other.
#[test]
fn resident_memory_stands_beside_live_bytes() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = fixture::exact(&fixture::small());
    let (_folder, document) = open(&mut browser, &snapshot, (1280, 900), "light");
    // From the first moment, without a reading, to the second.
    drag(&mut browser, 0.05, 0.43);
    let words = said(&mut browser);
    assert!(words.starts_with("0 ms to 1.0 s"), "{words}");
    assert!(words.ends_with("; resident highest reading 980.0 KiB at 1.0 s"), "{words}");
    let rows = texts(&mut browser, "#timeline tbody td:last-child");
    assert!(rows.is_empty(), "the table is closed");
    browser.eval("document.querySelector('#timeline details').open = true");
    assert_eq!(
        texts(&mut browser, "#timeline tbody td:last-child"),
        ["not measured", "980.0 KiB", "932.0 KiB"]
    );
    let read_out = |browser: &mut Browser, share: f64| {
        browser.eval(&format!(
            "(() => {{ const plot = document.querySelector('.plot'), box = plot.getBoundingClientRect();              plot.dispatchEvent(new PointerEvent('pointermove', {{ clientX: box.x + {share} * box.width, bubbles: true }})); }})()"
        ));
        texts(browser, "#timeline .readout").concat()
    };
    assert_eq!(read_out(&mut browser, 0.43), "683.6 KiB live, 980.0 KiB resident at 1.0 s");
    assert_bound(&mut browser, &document);
    browser.screenshot("resident-1280-light", false);
    assert_eq!(read_out(&mut browser, 0.0), "9.8 KiB live, resident not measured at 0 ms");
    // The peak's 800,000 of 1,003,520 bytes: as much of the height beside the other curve, and all of it alone.
    let height = "document.querySelector('.plot .line').getBoundingClientRect().height";
    let beside = browser.eval(height).as_f64().unwrap();
    browser.click("#timeline .resident-key input");
    assert_eq!(browser.eval("getComputedStyle(document.querySelector('.on-resident')).display"), "none");
    let alone = browser.eval(height).as_f64().unwrap();
    assert!((beside / alone - 800_000.0 / 1_003_520.0).abs() < 0.02, "{beside} of {alone} pixels");
    assert_bound(&mut browser, &document);

    // A recording of before it was measured.
    snapshot.timeline.iter_mut().for_each(|point| point.resident_bytes = None);
    let (_folder, document) = open(&mut browser, &snapshot, (400, 800), "dark");
    let key = texts(&mut browser, "#timeline figcaption").concat();
    assert!(
        key.starts_with("Live bytes over time") && key.ends_with("resident memory: not measured"),
        "{key}"
    );
    assert_eq!(
        browser.eval("document.querySelector('.plot .resident, .resident-key, #timeline th:nth-child(3)')"),
        Value::Null
    );
    assert_bound(&mut browser, &document);
    browser.assert_quiet();
}

/// The reader can fail.
#[test]
fn a_resident_curve_that_lies_is_found() {
    let Some(mut browser) = Browser::start() else { return };
    let lies = [
        "document.querySelector('.plot .resident').setAttribute('d', 'M4165 100l5831 100')",
        "document.querySelector('.plot .resident').remove()",
        "document.querySelector('.on-live').removeAttribute('transform')",
        "document.querySelectorAll('#timeline tbody tr')[1].children[2].querySelector('[data-from]').textContent = '981.0 KiB'",
        "document.querySelector('.resident-key [data-from]').dataset.value = '1003521'",
    ];
    for lie in lies {
        let (_folder, document) = open(&mut browser, &fixture::small(), (1280, 900), "light");
        assert_bound(&mut browser, &document);
        browser.eval(lie);
        let html = browser.eval("document.documentElement.outerHTML");
        assert!(!page::faults(html.as_str().unwrap(), &document).is_empty(), "{lie}");
    }
}

/// Four scopes at the moments 0.5, 1.5 and 2.5 s, points of the timeline at each second from 0 to 3 s; three tasks, two
/// findings.
fn growing() -> Snapshot {
    let base = fixture::exact(&fixture::large(5));
    let rows: [(&[&str], u64); 4] =
        [(&[], 0), (&["main"], 100), (&["main", "parse"], 300), (&["serve"], 1_000)];
    let mut snapshot = forest::tree(base, &rows);
    let trends = [[0, 0, 0], [2_000, 9_000, 3_000], [4_096, 1_024, 1_024], [0, 100, 5_000]];
    snapshot.trend_ms = vec![500, 1_500, 2_500];
    for (scope, trend) in snapshot.scopes.iter_mut().zip(trends) {
        scope.trend = trend.to_vec();
    }
    let point =
        |ms| TimelinePoint { ms, live_bytes: 1_000 + ms, live_bytes_error: None, resident_bytes: None };
    snapshot.timeline = [0, 1_000, 2_000, 3_000].map(point).to_vec();
    snapshot.program.elapsed_ms = 3_000;
    snapshot.folded.scopes.scopes = 0;
    let task = |number, state, first_ms, last_ms| Task {
        number,
        state,
        first_ms,
        last_ms,
        ..fixture::small().tasks[0].clone()
    };
    snapshot.tasks = vec![
        task(1, TaskState::Finished, 0, 999),
        // It waits since its latest poll, and is there all the same.
        task(2, TaskState::Running, 200, 300),
        task(3, TaskState::Dropped, 2_900, 2_950),
    ];
    let evidence = |moment: usize| Evidence {
        what: "when that was".into(),
        value: snapshot.trend_ms[moment],
        unit: "ms".into(),
        pointer: format!("/trend_ms/{moment}"),
    };
    let finding =
        |moment| Finding { evidence: vec![evidence(moment)], ..fixture::small().findings[0].clone() };
    snapshot.findings = vec![finding(0), finding(2)];
    snapshot
}

/// Texts of the elements, with plain spaces.
fn texts(browser: &mut Browser, selector: &str) -> Vec<String> {
    let all = format!(
        "[...document.querySelectorAll({selector:?})].filter((one) => one.checkVisibility()) \
         .map((one) => one.textContent.replace(/[\\u202f\\u00a0]/g, ' '))"
    );
    serde_json::from_value(browser.eval(&all)).unwrap()
}

fn note_of(browser: &mut Browser, panel: &str) -> String {
    texts(browser, &format!("#{panel} h2 .range-note")).concat()
}

fn show_table(browser: &mut Browser) {
    browser.eval("document.getElementById('scope-tab-table').click()");
    browser.until("document.querySelector('#scope-table .rows').children.length > 2");
}

#[test]
fn every_panel_speaks_of_the_range_or_says_that_it_does_not() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, document) = open(&mut browser, &growing(), (1280, 900), "light");
    show_table(&mut browser);
    drag(&mut browser, 0.34, 0.99);
    assert!(said(&mut browser).starts_with("1.0 s to 3.0 s (2.0 s)"), "{}", said(&mut browser));
    // The last moments up to 1 s and to 3 s.
    assert_eq!(note_of(&mut browser, "scopes"), "live from 500 ms to 2.5 s; else whole recording");
    let head = texts(&mut browser, "#scope-table .head-row [role=columnheader]");
    assert_eq!(head, ["Scope", "Change", "At 500 ms", "At 2.5 s", "Highest noted"]);
    // 5,000 − 0 = 4.9 KiB; 3,000 − 2,000 = 1000 B, of 2.0 and 2.9 KiB, and 9,000 = 8.8 KiB between; 1,024 − 4,096 = −3 KiB.
    let rows: Vec<Vec<String>> = (1..=4)
        .map(|row| texts(&mut browser, &format!("#scope-table .rows > :nth-child({row}) :is(b, .num)")))
        .collect();
    let expected = [
        ["serve", "+4.9 KiB", "0 B", "4.9 KiB", "4.9 KiB"],
        ["main", "+1000 B", "2.0 KiB", "2.9 KiB", "8.8 KiB"],
        ["outside tracked functions", "0 B", "0 B", "0 B", "0 B"],
        ["parse", "\u{2212}3.0 KiB", "4.0 KiB", "1.0 KiB", "4.0 KiB"],
    ];
    assert_eq!(rows, expected);
    // The flame graph: all at 2.5 s, 0 + 3,000 + 1,024 + 5,000; main with parse 4,024.
    assert_eq!(browser.eval("document.getElementById('flame').dataset.flame"), "trend/2");
    assert_eq!(texts(&mut browser, "#flame-figures :checked + span"), ["Live at 2.5 s"]);
    let value = |scope: usize| format!("document.querySelector('#flame-{scope} [data-from]').dataset.value");
    assert_eq!(browser.eval(&value(0)), "9024");
    assert_eq!(browser.eval(&value(1)), "4024");
    // The first ended before; the second has not ended; the third began within.
    assert_eq!(note_of(&mut browser, "tasks"), "2 of those listed alive in 1.0 s to 3.0 s");
    assert_eq!(texts(&mut browser, "#task-rows tr > th"), ["2", "3"]);
    // The first rests on 0.5 s, the second on 2.5 s.
    assert_eq!(note_of(&mut browser, "diagnostics"), "marked where evidence is of 1.0 s to 3.0 s");
    assert_eq!(texts(&mut browser, "#finding-1 .range-note"), ["evidence from the range"]);
    assert_eq!(texts(&mut browser, "#diagnostics .finding .range-note").len(), 1);
    assert_eq!(note_of(&mut browser, "variables"), "between first and last sight in 1.0 s to 3.0 s");
    assert_eq!(note_of(&mut browser, "overview"), "whole recording; of the range: below the curve");
    assert_eq!(note_of(&mut browser, "types"), "whole recording: a type's bytes have no times");
    assert_eq!(note_of(&mut browser, "threads"), "whole recording: threads have no times");
    let silent = browser.eval(
        "[...document.querySelectorAll('.panel')].filter((one) => !one.querySelector('h2 .range-note')?.checkVisibility()) \
         .map((one) => one.outerHTML.slice(0, 80))",
    );
    assert_eq!(silent, json!([]));
    assert_bound(&mut browser, &document);
    for (panel, picture) in [("scopes", "scopes"), ("tasks", "tasks"), ("diagnostics", "diagnostics")] {
        browser
            .eval(&format!("document.getElementById('{panel}').scrollIntoView({{ behavior: 'instant' }})"));
        browser.screenshot(&format!("range-{picture}"), false);
    }
    // Other figures are of the whole recording, and the words say so; live is of the range again.
    browser.eval("document.querySelector('#flame-figures [value=allocations]').click()");
    assert_eq!(browser.eval("document.getElementById('flame').dataset.flame"), "allocations");
    browser.eval("document.querySelector('#flame-figures [value=live_bytes]').click()");
    assert_eq!(browser.eval("document.getElementById('flame').dataset.flame"), "trend/2");
    browser.eval("document.querySelector('#flame [data-scope=\"1\"]').click()");
    browser.eval("document.querySelector('#scope-tab-tree').click()");
    assert_bound(&mut browser, &document);
    browser.eval("document.querySelector('.range button').click()");
    assert_eq!(notes(&mut browser), [""; 0]);
    assert_eq!(browser.eval("document.getElementById('flame').dataset.flame"), "live_bytes");
    let views = ["Tree", "All scopes", "By function", "Over time"];
    assert_eq!(texts(&mut browser, "#scope-tabs button"), views);
    assert_eq!(texts(&mut browser, "#task-rows tr > th").len(), 3);
    assert_eq!(texts(&mut browser, "#diagnostics .range-note").len(), 0);
    assert_bound(&mut browser, &document);
    browser.assert_quiet();
}

/// The reader can fail: a change of another sign, a task that is hidden and counted, a box that is of another moment.
#[test]
fn a_range_that_lies_is_found() {
    let Some(mut browser) = Browser::start() else { return };
    let lies = [
        "document.querySelectorAll('#scope-table .rows .num [data-from]')[0].textContent = '4.8 KiB'",
        "document.querySelectorAll('#scope-table .rows .num [data-from]')[1].dataset.value = '1'",
        "document.querySelector('#task-rows tr:not([hidden])').hidden = true",
        "document.getElementById('flame').dataset.flame = 'trend/1'",
        "document.querySelector('#flame-1 [data-from]').dataset.from = 'within(/scopes/2/trend/2)'",
        "document.querySelector('#scopes h2 .range-note [data-from]').textContent = '600 ms'",
    ];
    for lie in lies {
        let (_folder, document) = open(&mut browser, &growing(), (1280, 900), "light");
        show_table(&mut browser);
        drag(&mut browser, 0.34, 0.99);
        browser.eval(lie);
        let html = browser.eval("document.documentElement.outerHTML");
        assert!(!page::faults(html.as_str().unwrap(), &document).is_empty(), "{lie}");
    }
}

/// What the page does not know of a scope is no 0, and a graph that would miss it is not drawn.
#[test]
fn a_scope_without_a_trend_is_not_measured() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = growing();
    snapshot.scopes[1].trend.clear();
    let (_folder, document) = open(&mut browser, &snapshot, (1280, 900), "light");
    show_table(&mut browser);
    drag(&mut browser, 0.34, 0.99);
    assert_eq!(browser.eval("document.getElementById('flame').dataset.flame"), "live_bytes");
    assert_eq!(texts(&mut browser, "#flame-figures :checked + span"), ["Live"]);
    let mains = texts(&mut browser, "#scope-table [data-scope='1'] .num");
    assert_eq!(mains, ["not measured"; 4]);
    assert_bound(&mut browser, &document);
    // Between two moments nothing is known of a change.
    snapshot.trend_ms = vec![100, 200, 2_999];
    let (_folder, _) = open(&mut browser, &snapshot, (1280, 900), "light");
    drag(&mut browser, 0.34, 0.67);
    assert!(said(&mut browser).starts_with("1.0 s to 2.0 s"), "{}", said(&mut browser));
    assert_eq!(note_of(&mut browser, "scopes"), "whole recording");
    browser.assert_quiet();
}

/// The errors of what scopes held at a moment are not in the recording, nor is that of a difference to be had.
#[test]
fn estimates_of_scopes_in_a_range_have_no_change() {
    let Some(mut browser) = Browser::start() else { return };
    let sampled = fixture::sampled(5);
    let (_folder, document) = open(&mut browser, &sampled, (1280, 900), "light");
    show_table(&mut browser);
    drag(&mut browser, 0.3, 0.8);
    let note = note_of(&mut browser, "scopes");
    assert!(note.ends_with(", estimates without errors; else whole recording"), "{note}");
    let head = texts(&mut browser, "#scope-table .head-row [role=columnheader]");
    assert_eq!((head.len(), &*head[3]), (4, "Highest noted"));
    assert_bound(&mut browser, &document);
    browser.assert_quiet();
}

#[test]
fn a_link_names_the_range() {
    let Some(mut browser) = Browser::start() else { return };
    let (folder, _) = open(&mut browser, &growing(), (1280, 900), "light");
    drag(&mut browser, 0.34, 0.99);
    browser.until("location.hash === '#range=1000-3000'");
    let file = folder.path().join("page.html");
    // The ends in either order; between two points the nearest counts.
    for (link, expected) in [
        ("#range=1000-3000", "1.0 s to 3.0 s"),
        ("#range=2100-900", "1.0 s to 2.0 s"),
        ("#range=2000-999999999999999", "2.0 s to 3.0 s"),
        ("#range=2000-99999999999999999999", "Drag over"),
        ("#range=1000-1001", "Drag over"),
        ("#range=0-3000", "Drag over"),
        ("#range=1000-", "Drag over"),
    ] {
        browser.open(&file, "", (1280, 900), "light");
        browser.open(&file, link, (1280, 900), "light");
        assert!(said(&mut browser).starts_with(expected), "{link}: {}", said(&mut browser));
    }
    browser.open(&file, "#range=1000-3000", (1280, 900), "light");
    assert_eq!(note_of(&mut browser, "scopes"), "live from 500 ms to 2.5 s; else whole recording");
    browser.eval("document.querySelector('.range button').click()");
    browser.until("location.hash === ''");
    // What the address names already, it goes on naming, with the range behind it.
    browser.open(&file, "#scope=1", (1280, 900), "light");
    drag(&mut browser, 0.34, 0.99);
    browser.eval("new Promise((done) => setTimeout(done, 400))");
    assert_eq!(browser.eval("location.hash"), "#scope=1&range=1000-3000");
    browser.assert_quiet();
}

/// Of the fixture's cells the n-th holds blocks from 7 n ms to 7 n + 200 (n mod 9) ms; they are n = 1 and those of 0 to 59 that
/// leave no 1 by 3 (41), 100 to 129, and 7.
#[test]
fn the_map_says_which_cells_hold_blocks_of_the_range() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, document) = open(&mut browser, &fixture::mapped(&growing()), (1280, 900), "light");
    drag(&mut browser, 0.34, 0.67);
    assert!(said(&mut browser).starts_with("1.0 s to 2.0 s"), "{}", said(&mut browser));
    // No oldest block is as young as 1,000 ms (7 · 129 = 903). The newest is older in the heap where n mod 9 is 0, 2 or 3, seven
    // times each (and for n = 1), in the mapping for n = 100, 108, 109, 117 and 126: 27 cells. It is younger than 2,000 ms for
    // n = 106, 107, 115, 116, 123, 124 and 125, where what lies between is not known. 41 + 30 + 1 − 27 − 7 = 38.
    assert_eq!(
        note_of(&mut browser, "memory-map"),
        "allocated in 1.0 s to 2.0 s: in 38 of the cells drawn, perhaps in 7 more, in 27 none"
    );
    for colour in ["thread", "age", "occupancy"] {
        browser.eval(&format!("document.querySelector('[name=map-colour][value={colour}]').click()"));
        assert_bound(&mut browser, &document);
    }
    let told = |browser: &mut Browser, class: &str| {
        browser.eval(&format!(
            "document.querySelector('.cells i{class}').dispatchEvent(new PointerEvent('pointerover', {{ bubbles: true }}))"
        ));
        let row = "document.querySelector('.cells:has(.at)').getAttribute('aria-valuetext')";
        let value = browser.eval(row).as_str().unwrap().to_owned();
        (value, texts(browser, "#memory-map-readout").concat())
    };
    let (value, text) = told(&mut browser, ".off");
    assert_eq!(value, "a cell, blocks from the range: none");
    assert!(text.contains("; from the range: none"), "{text}");
    let (value, text) = told(&mut browser, ".may");
    assert_eq!(value, "a cell, blocks from the range: perhaps");
    assert!(text.contains("; from the range: perhaps some: they are older and newer ones"), "{text}");
    let (value, text) = told(&mut browser, "[data-cell]:not(.off, .may)");
    assert_eq!(value, "a cell");
    assert!(text.contains("; from the range: some"), "{text}");
    assert_bound(&mut browser, &document);
    browser.eval("document.getElementById('memory-map').scrollIntoView({ behavior: 'instant' })");
    browser.screenshot("range-map", false);
    browser.eval("document.querySelector('.range button').click()");
    assert_eq!(browser.eval("document.querySelectorAll('.off, .may').length"), 0);
    assert_bound(&mut browser, &document);
    browser.assert_quiet();
}

/// Where blocks are drawn one by one each has its moment.
#[test]
fn blocks_of_the_range_are_told_from_the_others() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = growing();
    snapshot.blocks.largest.truncate(25);
    for (n, block) in (0..).zip(&mut snapshot.blocks.largest) {
        block.allocated_ms = n * 100;
    }
    let (_folder, document) = open(&mut browser, &snapshot, (1280, 900), "light");
    drag(&mut browser, 0.34, 0.67);
    // Of blocks at 0, 100, … 2,400 ms eleven are from 1,000 to 2,000 ms, both ends included.
    assert_eq!(note_of(&mut browser, "memory-map"), "11 of the blocks drawn allocated in 1.0 s to 2.0 s");
    let listed: Vec<String> = texts(&mut browser, "#hotspot-rows td:last-child");
    assert!(listed.iter().all(|at| at.starts_with("1.") || at == "2.0 s"), "{listed:?}");
    // Of the ten that are listed.
    assert_eq!(
        texts(&mut browser, "#hotspots .range-note"),
        [format!("{} of those listed allocated in 1.0 s to 2.0 s", listed.len())]
    );
    assert_bound(&mut browser, &document);
    browser.screenshot("range-squares", false);
    browser.eval("document.querySelector('.range button').click()");
    assert_eq!(texts(&mut browser, "#memory-map .range-note").len(), 0);
    assert_bound(&mut browser, &document);
    browser.assert_quiet();
}

/// The reader can fail: a cell that is pale and should not be, counts that are off, a row that is hidden.
#[test]
fn a_map_of_a_range_that_lies_is_found() {
    let Some(mut browser) = Browser::start() else { return };
    let lies = [
        (true, "document.querySelector('.cells .off').classList.remove('off')"),
        (true, "document.querySelector('.cells .may').className = 'off'"),
        (true, "document.querySelectorAll('#memory-map-h [data-shown]')[1].textContent = '1'"),
        (true, "document.querySelector('#memory-map-h .range-note').remove()"),
        (true, "document.querySelector('#hotspot-rows tr').hidden ^= 1"),
        (false, "document.querySelector('.squares .off').classList.remove('off')"),
        (false, "document.querySelector('#memory-map-h [data-shown]').textContent = '1'"),
    ];
    for (is_map, lie) in lies {
        let snapshot = if is_map { fixture::mapped(&growing()) } else { growing() };
        let (_folder, document) = open(&mut browser, &snapshot, (1280, 900), "light");
        drag(&mut browser, 0.34, 0.67);
        assert_bound(&mut browser, &document);
        browser.eval(lie);
        let html = browser.eval("document.documentElement.outerHTML");
        assert!(!page::faults(html.as_str().unwrap(), &document).is_empty(), "{lie}");
    }
}
