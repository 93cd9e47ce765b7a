//! The page of a program that runs, in a real browser: figures become what the program says, and what a person did to the
//! page stays.
//!
//! Without a Chromium it says so and passes; with `MEMSCOPE_REQUIRE_BROWSER=1` it fails.

#[path = "../../dashboard/tests/browser/devtools.rs"]
mod devtools;

use devtools::Browser;
use memscope::{alerts, track, track_var};
use std::thread::sleep;
use std::time::Duration;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

const DESK: (u32, u32) = (1280, 900);

#[track]
fn keep(bytes: usize) -> Vec<u8> {
    track_var!(let kept: Vec<u8> = vec![1; bytes]);
    kept
}

/// The figure of `kept` on its card, the first in the order by size, as the page says it.
const KEPT: &str = "document.querySelector('#cards .size [data-value]')?.dataset.value";

fn is(what: &str, value: &str) -> String {
    format!("{what} === {value:?}")
}

const STATE: &str = "document.getElementById('live')?.dataset.state";

#[test]
fn a_page_follows_its_program_and_keeps_what_a_person_did() {
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

    // What a person did: typed, with the focus and the selection there; opened a row; scrolled.
    browser.eval("document.getElementById('variables-search').focus()");
    browser.insert("kept");
    browser.eval("document.querySelector('#scope-rows details').open = true");
    browser.eval("window.mark = document.querySelector('#scope-rows details'); window.scrollTo({ top: 300, behavior: 'instant' })");
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
    browser.click("#live-pause");
    browser.until(&is(KEPT, "70000000"));

    // An alert.
    let alerts = alerts::when().live_bytes_above(1_000).to(|_| ()).start();
    browser
        .until("document.querySelector('#live-alerts li')?.textContent.includes('more than 1000;') === true");
    drop(alerts);
    browser.screenshot("live", true);
    browser.assert_asks_only(|url, page| url == page || url.starts_with(&format!("{page}events?")));

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
