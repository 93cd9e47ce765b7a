//! The page of a program that runs, in a real browser: figures become what the program says, and what a person did to the
//! page stays.
//!
//! Without a Chromium it says so and passes; with `MEMSCOPE_REQUIRE_BROWSER=1` it fails.

#[path = "../../dashboard/tests/browser/axe.rs"]
mod axe;
#[path = "../../dashboard/tests/browser/devtools.rs"]
mod devtools;

use devtools::Browser;
use memscope::{alerts, track, track_var};
use memscope_runtime::format;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

const DESK: (u32, u32) = (1280, 900);
const PHONE: (u32, u32) = (400, 800);

#[track]
fn keep(bytes: usize) -> Vec<u8> {
    track_var!(let kept: Vec<u8> = vec![1; bytes]);
    kept
}

/// A scope that stands before `keep` in the document's order.
#[track]
fn afresh(bytes: usize) -> Vec<u8> {
    vec![2; bytes]
}

/// One test at a time, for what lives is the process's.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The figure of `kept` on its card, the first in the order by size, as the page says it.
const KEPT: &str = "document.querySelector('#cards .size [data-value]')?.dataset.value";

fn is(what: &str, value: &str) -> String {
    format!("{what} === {value:?}")
}

const STATE: &str = "document.getElementById('live')?.dataset.state";

#[test]
fn a_page_follows_its_program_and_keeps_what_a_person_did() {
    let _alone = alone();
    let Some(mut browser) = Browser::start() else { return };
    let server = memscope::serve("127.0.0.1:0").expect("a free port");
    let address = server.address();
    // More than all that the test itself keeps, so that it stays the first card.
    let mut kept = keep(50_000_000);
    browser.open_url(server.url(), "", DESK, "light");
    browser.until(&is(STATE, "live"));
    browser.until(&is(KEPT, "50000000"));

    // The sums: 100 MB more of what lives.
    let live = "Number(document.querySelector('#overview [data-from=\"/totals/live_bytes\"]').dataset.value)";
    let before = browser.eval(live).as_u64().expect("a number");
    let more = vec![1_u8; 100_000_000];
    browser.until(&format!("{live} >= {before} + 100000000 && {live} < {before} + 110000000"));
    drop(more);
    browser.until(&format!("{live} < {before} + 10000000"));

    // The focus would have the page glide to what has it, for some frames after it was told to be elsewhere.
    browser.prefer_no_motion();
    // What a person did: typed, with the focus and the selection there; opened a row; scrolled.
    browser.eval("document.getElementById('variables-search').focus()");
    browser.insert("kept");
    browser.eval("document.querySelector('#sites details').open = true");
    browser.eval("window.mark = document.querySelector('#sites details'); window.scrollTo({ top: 300, behavior: 'instant' })");
    // What stands above may change its height; what is looked at stays where it is, to the pixel that browsers round by.
    browser.eval("window.seen = document.elementFromPoint(640, 100)");
    let place = "window.seen.getBoundingClientRect().top";
    let looked_at = browser.eval(place).as_f64().expect("a number");

    // The variable grows: the same instance, looked at again by the allocator.
    kept.reserve_exact(10_000_000);
    // A `Vec` of 50,000,000 that reserves 10,000,000 more exactly has room for 60,000,000.
    assert_eq!(kept.capacity(), 60_000_000);
    browser.until(&is(KEPT, "60000000"));
    assert_eq!(browser.eval("document.getElementById('variables-search').value"), "kept");
    assert_eq!(browser.eval("document.activeElement.id"), "variables-search");
    assert_eq!(browser.eval("window.mark.isConnected && window.mark.open"), true);
    let now = browser.eval(place).as_f64().expect("a number");
    assert!((now - looked_at).abs() <= 1.0, "{looked_at} became {now}");

    // An open inspector stays open, at its tab, and its figures go on.
    browser.eval("document.querySelector('#cards a.card').click()");
    browser.until("document.querySelector('dialog[open]') !== null");
    browser.eval(
        "[...document.querySelectorAll('dialog[open] [role=tab]')].find((tab) => tab.textContent === 'Lifecycle').click()",
    );
    kept.reserve_exact(15_000_000);
    assert_eq!(kept.capacity(), 65_000_000);
    browser.until("document.querySelector('dialog[open] [data-value=\"65000000\"]') !== null");
    let tab = "document.querySelector('dialog[open] [role=tab][aria-selected=true]').textContent";
    assert_eq!(browser.eval(tab), "Lifecycle");
    browser.press("Escape", 27);
    browser.until("document.querySelector('dialog[open]') === null");

    // Paused, nothing comes; resumed, what came meanwhile does.
    browser.click("#live-pause");
    browser.until(&is(STATE, "paused"));
    kept.reserve_exact(20_000_000);
    assert_eq!(kept.capacity(), 70_000_000);
    sleep(Duration::from_secs(2));
    assert_eq!(browser.eval(KEPT), "65000000");
    // At once it is neither paused nor fed.
    browser.eval("document.getElementById('live-pause').click(); window.resumed = document.getElementById('live-state').textContent");
    assert_eq!(browser.eval("window.resumed"), "Connecting …");
    browser.until(&is(KEPT, "70000000"));

    // An alert.
    let alerts = alerts::when().live_bytes_above(1_000).to(|_| ()).start();
    browser
        .until("document.querySelector('#live-alerts li')?.textContent.includes('more than 1000;') === true");
    drop(alerts);
    browser.screenshot("live", true);
    browser.assert_asks_only(|url, page| {
        [format!("{page}events?"), format!("{page}inspector?variable=")]
            .iter()
            .any(|own| url.starts_with(own))
            || url == page
    });

    // The program goes, and comes again as another at the same place.
    drop(server);
    browser.until(&is(STATE, "lost"));
    browser.until("document.getElementById('live-state').textContent.startsWith('Connection lost')");
    browser.screenshot("live-lost", false);
    browser.eval("window.mark = 'the page before'");
    let mut server = None;
    browser
        .until_loaded_by(|| server = Some(memscope::serve(&address.to_string()).expect("the port is free")));
    browser.until(&is(STATE, "live"));
    assert_eq!(browser.eval("window.mark === undefined"), true);
    drop(kept);
}

/// "Export now" is a link: what it leads to is saved, a recording that reads, of the moment when it was asked for.
#[test]
fn export_now_saves_a_recording() {
    let _alone = alone();
    let Some(mut browser) = Browser::start() else { return };
    let server = memscope::serve("127.0.0.1:0").expect("a free port");
    let kept = keep(50_000_000);
    browser.open_url(server.url(), "", DESK, "light");
    browser.until(&is(STATE, "live"));
    let folder = tempfile::TempDir::new().expect("a folder");
    browser.save_to(folder.path());
    browser.click("#live a[href='export.memscope']");
    let recording = format::read_file(&browser.saved()).expect("a recording");
    let row = recording.variables.iter().find(|row| row.name == "kept").expect("it is kept");
    assert_eq!(row.heap_bytes, Some(50_000_000));
    browser.click("#live a[href='export.html']");
    let page = std::fs::read_to_string(browser.saved()).expect("a page");
    assert!(page.starts_with("<!DOCTYPE html>") && !page.contains("id=\"live\""));
    // The page goes on.
    assert_eq!(browser.eval(STATE), "live");
    drop(kept);
}

/// The flame graph, the tree and the table are drawn of what is fed, and the reader stays where he is.
#[test]
fn scopes_are_drawn_and_follow_the_program() {
    let _alone = alone();
    let Some(mut browser) = Browser::start() else { return };
    let server = memscope::serve("127.0.0.1:0").expect("a free port");
    let mut kept = keep(50_000_000);
    browser.open_url(server.url(), "", DESK, "light");
    browser.until(&is(STATE, "live"));
    let boxes = "[...document.querySelectorAll('#flame .box')]";
    let of_keep = format!("{boxes}.find((box) => box.textContent.startsWith('keep'))");
    browser.until(&format!(
        "document.getElementById('scopes-drawn').hidden === false && {of_keep} !== undefined"
    ));

    // Zoomed to `keep`, searched, the tree with the focus.
    let number =
        browser.eval(&format!("{of_keep}.dataset.scope")).as_str().map(str::to_owned).expect("a number");
    browser.eval(&format!("{of_keep}.click()"));
    browser.eval("document.getElementById('flame-search').value = 'keep'");
    browser
        .eval("document.getElementById('flame-search').dispatchEvent(new Event('input', { bubbles: true }))");
    browser.eval("document.getElementById('scope-tree').focus()");
    let top = "document.getElementById('flame').dataset.top";
    assert_eq!(browser.eval(top), number.as_str());
    let drawn = "document.querySelector('#flame .box [data-value]')?.dataset.value";
    browser.until(&is(drawn, "50000000"));

    // It grows, and what is drawn with it: all that `keep` allocated is the vector.
    kept.reserve_exact(10_000_000);
    assert_eq!(kept.capacity(), 60_000_000);
    browser.until(&is(drawn, "60000000"));
    let in_tree = |number: &str| {
        format!(
            "document.querySelector('#scope-tree [data-scope=\"{number}\"] .num:last-child [data-value]')?.dataset.value"
        )
    };
    browser.until(&is(&in_tree(&number), "60000000"));
    browser.eval(
        "document.getElementById('scope-tab-table').click(); document.getElementById('scope-tree').focus()",
    );
    let in_table = format!(
        "document.querySelector('#scope-table [data-scope=\"{number}\"] [data-from$=\"inclusive/live_bytes\"]')?.dataset.value"
    );
    browser.until(&is(&in_table, "60000000"));
    browser.eval(
        "document.getElementById('scope-tab-tree').click(); document.getElementById('scope-tree').focus()",
    );

    // A scope before it: the same scope has another number, and is where the reader is.
    let afresh = afresh(20_000_000);
    let next = (number.parse::<u64>().expect("a number") + 1).to_string();
    browser.until(&is(top, &next));
    assert_eq!(browser.eval("location.hash"), format!("#scope={next}"));
    assert_eq!(browser.eval(drawn), "60000000");
    assert_eq!(browser.eval("document.getElementById('flame-search').value"), "keep");
    assert_eq!(browser.eval("document.activeElement.id"), "scope-tree");
    assert_eq!(browser.eval("document.querySelectorAll('#flame-path li').length"), 2);
    // All that is known of it: its own list of figures, with its own numbers.
    browser.until(&format!(
        "document.querySelector('#scope-details [data-from=\"/scopes/{next}/exclusive/live_bytes\"]')?.dataset.value === '60000000'"
    ));
    browser.eval("document.querySelector('#flame-path button').click()");
    browser.until(&format!("{boxes}.some((box) => box.textContent.startsWith('afresh'))"));

    // Paused, each panel says how old it is.
    browser.click("#live-pause");
    browser.until(&is(STATE, "paused"));
    for heading in ["#memory-map > h2", "#overview > h2", "#fragmentation-h", "#scope-details-h"] {
        browser.until(&format!(
            "/\\d+ s ago$/.test(document.querySelector('{heading} .age-note:not([hidden])')?.textContent)"
        ));
    }
    drop((kept, afresh));
}

/// axe-core's rules on a page that is fed, from a phone's width to a large desk's, light and dark.
#[test]
fn no_rule_of_accessibility_is_broken_while_it_is_fed() {
    let _alone = alone();
    let (Some(axe), Some(mut browser)) = (axe::axe(), Browser::start()) else { return };
    let server = memscope::serve("127.0.0.1:0").expect("a free port");
    let kept = keep(1_000_000);
    let alerts = alerts::when().live_bytes_above(1_000).to(|_| ()).start();
    let mut faults: Vec<(String, Vec<String>)> = Vec::new();
    // The page is of one column, of several, and in between.
    for (size, schemes) in [
        (DESK, &["light", "dark"][..]),
        (PHONE, &["light", "dark"]),
        ((768, 1_000), &["dark"]),
        ((2_560, 1_400), &["light"]),
    ] {
        let width = size.0;
        for &scheme in schemes {
            browser.open_url(server.url(), "", size, scheme);
            browser.until(&is(STATE, "live"));
            browser.until("document.querySelector('#live-alerts li') !== null");
            browser.eval(&format!("{axe}; true"));
            let mut look = |browser: &mut Browser, what: &str| {
                let wide = browser.eval("document.documentElement.scrollWidth").as_u64().expect("a number");
                assert!(wide <= u64::from(browser.width()), "{wide} wide, {what}");
                let found = axe::violations(browser, "document");
                if !found.is_empty() {
                    faults.push((format!("{width} {scheme} {what}"), found));
                }
            };
            look(&mut browser, "fed");
            browser.click("#live-pause");
            browser.until(&is(STATE, "paused"));
            browser.until("document.querySelector('.age-note:not([hidden])') !== null");
            look(&mut browser, "paused");
            browser.screenshot(&format!("live-paused-{width}-{scheme}"), false);
            browser.eval("document.querySelector('#cards a.card').click()");
            browser.until("document.querySelector('dialog[open] .moment') !== null");
            look(&mut browser, "an inspector that was asked for");
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    drop((kept, alerts));
}
