//! The page in a real browser: it loads nothing, says nothing on the console, fits a phone, and its controls work.
//!
//! Without a Chromium these tests say so and pass; with `MEMSCOPE_REQUIRE_BROWSER=1` they fail. Each writes what
//! it saw to the target's temporary folder, to be looked at.

#[path = "fixture/breakout.rs"]
mod breakout;
#[path = "browser/devtools.rs"]
mod devtools;
mod fixture;
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
const PHONE: (u32, u32) = (400, 800);
const TABS: [&str; 4] = ["Overview", "Lifecycle", "FFI Passport", "Optimization"];

fn page_of(snapshot: &Snapshot) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, render(snapshot).unwrap()).unwrap();
    (folder, file)
}

/// The fixture folds 7,201 variables beside those that it lists.
fn ratio(browser: &mut Browser) -> String {
    browser.eval("document.querySelector('#variables-h .ratio').textContent").as_str().unwrap().to_owned()
}

/// The names of the panels that can be seen in the open inspector.
fn visible_panels(browser: &mut Browser) -> Vec<String> {
    let panels = "[...document.querySelectorAll('dialog[open] .tab')].filter((panel) => panel.checkVisibility()) \
                  .map((panel) => panel.dataset.tab)";
    serde_json::from_value(browser.eval(panels)).unwrap()
}

fn choose(browser: &mut Browser, select: &str, value: &str) {
    browser.eval(&format!(
        "(() => {{ const select = document.getElementById({select:?}); select.focus(); select.value = {value:?}; \
         select.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()"
    ));
}

/// Each number on the page as the browser holds it now is the document's.
fn assert_bound(browser: &mut Browser, document: &Value) {
    let html = browser.eval("document.documentElement.outerHTML");
    let faults = page::faults(html.as_str().unwrap(), document);
    assert!(faults.is_empty(), "{} faults: {:#?}", faults.len(), &faults[..faults.len().min(20)]);
}

#[test]
fn the_filters_change_the_count() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, file) = page_of(&fixture::large(50));
    browser.open(&file, "", DESK, "light");
    assert_eq!(ratio(&mut browser), "(50/7\u{202f}251)");
    // As many as a screen reader is told; those in sight are elements.
    let cards = "Number(document.querySelector('#cards > li').getAttribute('aria-setsize'))";
    // Typed into the search: postings_10 to postings_19.
    browser.click("#variables-search");
    browser.insert("postings_1");
    assert_eq!(ratio(&mut browser), "(10/7\u{202f}251)");
    assert_eq!(browser.eval(cards), 10);
    // Of these, stage active is every seventh of all: 14.
    choose(&mut browser, "variables-stage", "active");
    assert_eq!(ratio(&mut browser), "(1/7\u{202f}251)");
    browser.eval("document.getElementById('variables-search').value = ''");
    // 0, 7, 14 to 49.
    choose(&mut browser, "variables-stage", "active");
    assert_eq!(ratio(&mut browser), "(8/7\u{202f}251)");
    assert_eq!(browser.eval(cards), 8);
    // Of these, thread 1 ran every fifth of all: 0 and 35.
    choose(&mut browser, "variables-thread", "1");
    assert_eq!(ratio(&mut browser), "(2/7\u{202f}251)");
    // A filtered count is no figure of the document, and does not say that it is.
    assert_eq!(
        browser.eval("document.querySelector('#variables-shown span').dataset.from ?? null"),
        Value::Null
    );
    choose(&mut browser, "variables-thread", "");
    choose(&mut browser, "variables-stage", "");
    assert_eq!(ratio(&mut browser), "(50/7\u{202f}251)");
    assert!(browser.eval("document.querySelector('#variables-shown span').dataset.from").is_string());
    // Sorted by name, the first is postings_00.
    choose(&mut browser, "variables-sort", "name");
    assert_eq!(browser.eval("document.querySelector('#cards .name').textContent"), "postings_00");
    browser.assert_quiet();
}

#[test]
fn the_inspector_opens_switches_and_closes() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, file) = page_of(&fixture::small());
    browser.open(&file, "", DESK, "light");
    assert_eq!(browser.eval("document.querySelector('dialog[open]')"), Value::Null);
    browser.click("a.card[data-index='0']");
    browser.until("document.querySelector('dialog[open] h2')?.textContent === 'small_one'");
    assert_eq!(browser.eval("location.hash"), "#variable=0");
    let tabs = browser
        .eval("[...document.querySelectorAll('dialog[open] [role=tab]')].map((tab) => tab.textContent)");
    assert_eq!(tabs, json!(TABS));
    assert_eq!(visible_panels(&mut browser), ["Overview"]);
    for (number, tab) in TABS.iter().enumerate().rev() {
        browser.click(&format!("dialog[open] [role=tab]:nth-child({})", number + 1));
        assert_eq!(visible_panels(&mut browser), [*tab]);
        let selected =
            browser.eval("document.querySelector('dialog[open] [aria-selected=true]').textContent");
        assert_eq!(selected, *tab);
    }
    // By keyboard: to the left of the first is the last.
    browser.press("ArrowLeft", 37);
    assert_eq!(visible_panels(&mut browser), ["Optimization"]);
    browser.press("Escape", 27);
    browser.until("document.querySelector('dialog[open]') === null && location.hash === ''");
    // The next one opens on its first tab, with its own figures.
    browser.click("a.card[data-index='1']");
    browser.until("document.querySelector('dialog[open] h2')?.textContent === 'large_one'");
    assert_eq!(visible_panels(&mut browser), ["Overview"]);
    let heap = browser.eval("document.querySelector('dialog[open] dd [data-from]').dataset.value");
    assert_eq!(heap, "5000");
    // The finding's evidence is at `/variables/1`: its message and its saving of 5,000 bytes are on that variable's last tab,
    // and on no other's.
    let findings = "[...document.querySelectorAll('dialog[open] [data-tab=Optimization] .finding')].filter((one) => one.checkVisibility()) \
                    .map((one) => [one.querySelector('.message').textContent, one.querySelector('.saving').textContent, \
                    one.querySelector('.saving [data-from]').dataset.from])";
    browser.click("dialog[open] [role=tab]:nth-child(4)");
    let message = "large_one outlives build_index; return it or drop it.";
    assert_eq!(browser.eval(findings), json!([[message, "saves 4.9 KiB", "/findings/0/saving_bytes"]]));
    browser.click("dialog[open] .close");
    browser.until("document.querySelector('dialog[open]') === null");
    browser.assert_quiet();
}

#[test]
fn an_address_opens_its_variable() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, file) = page_of(&fixture::large(50));
    browser.open(&file, "#variable=7", PHONE, "dark");
    browser.until("document.querySelector('dialog[open] h2')?.textContent === 'postings_07'");
    browser.press("Escape", 27);
    browser.until("document.querySelector('dialog[open]') === null");
    // No such variable: the page stays as it is, and says so.
    browser.open(&file, "#variable=5000", PHONE, "dark");
    let said = browser.eval("document.getElementById('dead-link').textContent");
    assert_eq!(said, "This page holds no variable 5000.");
    assert_eq!(browser.eval("document.querySelector('dialog[open]')"), Value::Null);
    browser.assert_quiet();
}

#[test]
fn hostile_names_stay_text() {
    let Some(mut browser) = Browser::start() else { return };
    // One name everywhere, and all of them in turns.
    for (name, snapshot) in
        [("one", breakout::hostile()), ("mixed", breakout::mixed(0)), ("turned", breakout::mixed(9))]
    {
        let (_folder, file) = page_of(&snapshot);
        browser.open(&file, "", PHONE, "light");
        browser.assert_fits();
        browser.screenshot(&format!("hostile-{name}-400-page"), true);
        browser.click("a.card");
        browser.until("document.querySelector('dialog[open]') !== null");
        browser.assert_fits();
        let markup = "document.querySelectorAll('img, [onerror], [onfocus], [onload]').length";
        assert_eq!(browser.eval(markup), 0, "{name}");
        // The mark that scripts run, the partials' programs, the island, the modules as one.
        assert_eq!(browser.eval("document.scripts.length"), 4, "{name}");
        browser.screenshot(&format!("hostile-{name}-400-light"), false);
        browser.assert_quiet();
    }
}

#[test]
fn the_timeline_says_its_error_and_a_bound_is_no_rank() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, file) = page_of(&fixture::sampled(5));
    browser.open(&file, "", DESK, "light");
    browser.eval(
        "document.querySelector('.plot').dispatchEvent( \
         new PointerEvent('pointermove', { clientX: document.querySelector('.plot').getBoundingClientRect().left }))",
    );
    // 60,000 · 250 bytes are 14.3 MiB, and stand for 28.6 samples.
    let readout = browser.eval("document.querySelector('.readout').textContent");
    assert_eq!(readout, "14.3 MiB ± 2.7 MiB live, 800.0 KiB resident (measured) at 0 ms");
    // By exclusive live bytes: scopes whose bound is larger than what others are estimated at come last all the same.
    browser.eval("document.getElementById('scope-tab-table').click()");
    let by_exclusive = "document.querySelector('[data-sort=\"exclusive live_bytes\"]').click()";
    let first = "document.querySelector('#scope-table .rows > :first-child > :nth-child(3)').textContent";
    browser.eval(by_exclusive);
    let greatest = browser.eval(first);
    assert!(greatest.as_str().unwrap().contains("±"), "{greatest}");
    browser.eval(by_exclusive);
    assert_eq!(browser.eval(first), "< 1.5 MiB");
    browser.assert_quiet();
}

/// What the page's script makes of it: the inspector's tabs, a filtered count, what is read out below a pointer.
#[test]
fn what_the_script_shows_is_the_documents_too() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = fixture::sampled(50);
    let document = serde_json::to_value(&snapshot).unwrap();
    let (_folder, file) = page_of(&snapshot);
    browser.open(&file, "", DESK, "light");
    assert_bound(&mut browser, &document);
    for card in [0, 7, 31] {
        browser.eval(&format!("location.hash = '#variable={card}'"));
        browser.until("document.querySelector('dialog[open]') !== null");
        for number in 1..=TABS.len() {
            browser.click(&format!("dialog[open] [role=tab]:nth-child({number})"));
            assert_bound(&mut browser, &document);
        }
        browser.press("Escape", 27);
        browser.until("document.querySelector('dialog[open]') === null");
    }
    choose(&mut browser, "variables-stage", "active");
    assert_eq!(ratio(&mut browser), "(8/7\u{202f}251)");
    assert_bound(&mut browser, &document);
    // A count that is not that of the cards is found.
    browser.eval("document.querySelector('#variables-shown span').textContent = '9'");
    let html = browser.eval("document.documentElement.outerHTML");
    let faults = page::faults(html.as_str().unwrap(), &document);
    assert!(
        !faults.is_empty() && faults.iter().all(|fault| fault.starts_with("9 and not what is shown")),
        "{faults:?}"
    );
    choose(&mut browser, "variables-stage", "");
    choose(&mut browser, "variables-sort", "name");
    browser.eval("document.getElementById('scope-tab-table').click()");
    browser.eval("document.querySelector('[data-sort=\"exclusive live_bytes\"]').click()");
    for share in ["0", "0.3", "0.99"] {
        browser.eval(&format!(
            "(() => {{ const plot = document.querySelector('.plot'); const box = plot.getBoundingClientRect(); \
             plot.dispatchEvent(new PointerEvent('pointermove', {{ clientX: box.left + box.width * {share} }})); }})()"
        ));
        assert!(
            browser.eval("document.querySelector('.readout').textContent").as_str().unwrap().contains(" at ")
        );
        assert_bound(&mut browser, &document);
    }
    browser.eval("document.querySelector('.squares a:nth-child(3)').focus()");
    assert_eq!(browser.eval("document.getElementById('memory-map-readout').hidden"), false);
    assert_bound(&mut browser, &document);
    browser.assert_quiet();
}

#[test]
fn a_link_to_a_scope_opens_its_row() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, file) = page_of(&fixture::large(50));
    browser.open(&file, "", PHONE, "light");
    let is_open = |scope: usize| {
        format!(
            "(() => {{ const row = document.querySelector('#scope-tree [data-scope=\"{scope}\"]'); \
             const top = document.getElementById('scopes').getBoundingClientRect().top; \
             return Boolean(row) && row.classList.contains('at') && top >= 0 && top < window.innerHeight; }})()"
        )
    };
    // The finding's root cause.
    browser.click("#diagnostics a[href='#scope=2']");
    browser.until(&is_open(2));
    // From an inspector, which closes and does not take the reader back.
    browser.eval("location.hash = '#variable=0'");
    browser.until("document.querySelector('dialog[open]') !== null");
    let scope = browser.eval("document.querySelector('dialog[open] a[href^=\"#scope=\"]').hash");
    // `step_00` stands after the three scopes of the small fixture.
    assert_eq!(scope, "#scope=3");
    browser.click("dialog[open] a[href='#scope=3']");
    browser.until(&is_open(3));
    assert_eq!(browser.eval("document.querySelector('dialog[open]')"), Value::Null);
    // The way back leads to the tab that was shown. Its finding does not lead where the reader is.
    browser.eval("location.hash = '#variable=1'");
    browser.until("document.querySelector('dialog[open]') !== null");
    browser.click("dialog[open] [role=tab]:nth-child(4)");
    let to_itself =
        |within: &str| format!("document.querySelectorAll(`{within} .finding [href='#variable=1']`).length");
    assert_eq!(browser.eval(&to_itself("dialog[open]")), 0);
    assert_ne!(browser.eval(&to_itself("#diagnostics")), 0);
    browser.click("dialog[open] .finding a[href='#scope=2']");
    browser.until(&is_open(2));
    browser.eval("history.back()");
    browser.until("document.querySelector('dialog[open]') !== null");
    assert_eq!(visible_panels(&mut browser), ["Optimization"]);
    // As an address, too.
    browser.open(&file, "#scope=5", PHONE, "light");
    browser.until(&is_open(5));
    browser.assert_quiet();
}

/// What is known of a scope beside its row is made when it is asked for: beside the tree, or in the list where there is no
/// tree to draw.
#[test]
fn what_else_is_known_of_a_scope_is_told_when_it_is_asked_for() {
    let Some(mut browser) = Browser::start() else { return };
    let with_tree = fixture::small();
    let mut without = with_tree.clone();
    // The first row is no root now.
    without.scopes[0].path = vec!["elsewhere".into()];
    for (snapshot, row, home) in [
        (with_tree, "#scope-tree [data-scope='2']", "#scope-details"),
        (without, "#scope-rows > li:nth-child(3) summary", "#scope-rows [open]"),
    ] {
        let (_folder, file) = page_of(&snapshot);
        browser.open(&file, "", DESK, "light");
        let told = format!(
            "document.querySelector(\"{home} .more-of-scope [data-from='/scopes/2/recursive_calls']\")"
        );
        assert_eq!(browser.eval(&told), Value::Null);
        browser.click(row);
        browser.until(&format!("{told} !== null"));
        let times = browser.eval(&format!("{told}.textContent"));
        assert_eq!(times, snapshot.scopes[2].recursive_calls.to_string());
        assert_bound(&mut browser, &serde_json::to_value(&snapshot).unwrap());
        browser.assert_quiet();
    }
}

/// Where the focus is: the place of its card, from 1.
fn place(browser: &mut Browser) -> Value {
    browser.eval("document.activeElement.closest('li')?.getAttribute('aria-posinset') ?? null")
}

fn press_all(browser: &mut Browser, keys: &[(&str, u32)]) {
    for (key, code) in keys {
        browser.press(key, *code);
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "times that a person asks for with --nocapture")]
fn ten_thousand_cards_scroll_and_are_walked_by_keys() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = fixture::large(10_050);
    let document = serde_json::to_value(&snapshot).unwrap();
    let (_folder, file) = page_of(&snapshot);
    browser.open(&file, "", DESK, "light");
    assert_eq!(ratio(&mut browser), "(10\u{202f}000/17\u{202f}251)");
    let more =
        browser.eval("[...document.querySelectorAll('#variables > .more')].map((more) => more.textContent)");
    let says = |number: usize, words: &str| more[number].as_str().is_some_and(|more| more.starts_with(words));
    assert!(says(0, "7\u{202f}201 variables, "), "not in the recording: {more}");
    assert!(says(1, "and 50 more variables, "), "not on the page: {more}");
    // Few are elements: a screenful, and two lines above and below.
    let elements = "document.querySelectorAll('#cards > li').length";
    assert!(browser.eval(elements).as_u64().unwrap() < 60);
    let columns = browser
        .eval("getComputedStyle(document.getElementById('cards')).gridTemplateColumns.split(' ').length");
    let columns = columns.as_u64().unwrap();
    browser.eval("document.querySelector('a.card').focus()");
    press_all(&mut browser, &[("ArrowRight", 39), ("ArrowDown", 40)]);
    assert_eq!(place(&mut browser), (2 + columns).to_string());
    press_all(&mut browser, &[("ArrowLeft", 37), ("ArrowUp", 38)]);
    assert_eq!(place(&mut browser), "1");
    browser.press("PageDown", 34);
    assert!(place(&mut browser).as_str().unwrap().parse::<u64>().unwrap() > columns);
    assert_bound_cards(&mut browser, &document);
    browser.press("End", 35);
    assert_eq!(place(&mut browser), "10000");
    assert!(browser.eval(elements).as_u64().unwrap() < 60);
    assert_bound_cards(&mut browser, &document);
    // Enter opens it, by what its card tells, for the page has no room for all about it.
    browser.call("Input.dispatchKeyEvent", json!({ "type": "keyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r" }));
    browser.until("document.querySelector('dialog[open]') !== null");
    assert_eq!(browser.eval("document.querySelectorAll('dialog[open] .tab').length"), 1);
    browser.assert_fits();
    browser.press("Escape", 27);
    browser.until("document.querySelector('dialog[open]') === null");
    browser.press("Home", 36);
    assert_eq!(place(&mut browser), "1");
    // What it takes to filter, to jump and to open: well below a tenth of a second each on the machine that this was
    // written on; the bound is ten times that, for the machine may be busy.
    let slow = browser.eval(
        "(async () => { const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done))); \
         const timed = async (what) => { const start = performance.now(); what(); await frame(); return performance.now() - start; }; \
         const search = document.getElementById('variables-search'); \
         return [await timed(() => { search.value = 'postings_99'; search.dispatchEvent(new Event('input', { bubbles: true })); }), \
         await timed(() => { search.value = ''; search.dispatchEvent(new Event('input', { bubbles: true })); }), \
         await timed(() => { document.getElementById('cards-room').scrollTop = 123456; }), \
         await timed(() => { location.hash = '#variable=5'; })]; })()",
    );
    println!("search, search back, scroll, open: {slow} ms");
    assert!(slow.as_array().unwrap().iter().all(|ms| ms.as_f64().unwrap() < 1_000.0), "{slow}");
    browser.assert_quiet();
    for (size, width) in [(PHONE, "400"), ((2_560, 1_400), "2560")] {
        browser.open(&file, "#variables?sort=name", size, "dark");
        browser.assert_fits();
        browser.screenshot(&format!("variables-{width}-dark"), false);
        browser.assert_quiet();
    }
}

/// Each number of the cards that are elements now is the document's.
fn assert_bound_cards(browser: &mut Browser, document: &Value) {
    let nothing = memscope_dashboard::island::compressed(&json!({ "variables": { "index": [] } })).unwrap();
    let html = browser.eval(&format!(
        "`<html><body>${{document.getElementById('cards').outerHTML}}<span id=\"variables-shown\">${{document.getElementById('variables-shown').innerHTML}}</span>\
         <script id=\"data\">{nothing}</script></body></html>`",
    ));
    let faults = page::faults(html.as_str().unwrap(), document);
    assert!(faults.is_empty(), "{} faults: {:#?}", faults.len(), &faults[..faults.len().min(20)]);
}

#[test]
fn a_link_tells_a_filter() {
    let Some(mut browser) = Browser::start() else { return };
    let (_folder, file) = page_of(&fixture::large(50));
    // Stage active is every seventh of all: 0, 7, 14 to 49; type 0 every fifth: 0 and 35 of these.
    browser.open(
        &file,
        "#variables?stage=active&type=HashMap%3CString%2C+Vec%3CPosting%3E%3E",
        DESK,
        "light",
    );
    assert_eq!(ratio(&mut browser), "(2/7\u{202f}251)");
    choose(&mut browser, "variables-stage", "");
    assert_eq!(ratio(&mut browser), "(10/7\u{202f}251)");
    assert_eq!(browser.eval("location.hash"), "#variables?type=HashMap%3CString%2C+Vec%3CPosting%3E%3E");
    choose(&mut browser, "variables-type", "");
    assert_eq!(browser.eval("location.hash"), "");
    // The finding is about the variable at 1; every third has no category.
    choose(&mut browser, "variables-finding", "any");
    assert_eq!(ratio(&mut browser), "(1/7\u{202f}251)");
    choose(&mut browser, "variables-finding", "");
    choose(&mut browser, "variables-category", "none");
    assert_eq!(ratio(&mut browser), "(17/7\u{202f}251)");
    // No such stage, no such type: nothing is filtered by it, or nothing passes.
    browser.open(&file, "#variables?stage=nonsense&q=%22%3E%3Cimg%3E", DESK, "light");
    assert_eq!(ratio(&mut browser), "(0/7\u{202f}251)");
    assert_eq!(browser.eval("document.getElementById('variables-none').checkVisibility()"), true);
    browser.assert_quiet();
}
