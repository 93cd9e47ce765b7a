//! What a reader chose on a page that is fed, when the program's figures are others: it stays what it was.
//!
//! Without a Chromium these tests say so and pass; with `MEMSCOPE_REQUIRE_BROWSER=1` they fail.

#[path = "browser/devtools.rs"]
mod devtools;
#[path = "browser/feeder.rs"]
mod feeder;
mod fixture;
#[path = "browser/tab_key.rs"]
mod tab_key;

use devtools::Browser;
use feeder::{feed, open};
use memscope_dashboard::live;
use memscope_runtime::snapshot::{Snapshot, TimelinePoint};
use serde_json::{Value, json};
use tab_key::{round_while, watch};

/// The first two variables are of these types, and all others of none.
fn of_types(types: [&str; 2], bytes: [u64; 2]) -> Snapshot {
    let mut snapshot = fixture::exact(&fixture::large(4));
    for (number, variable) in snapshot.variables.iter_mut().enumerate() {
        variable.type_name = types.get(number).map(|&name| name.into());
        variable.heap_bytes = Some(bytes.get(number).copied().unwrap_or(1));
    }
    snapshot
}

#[test]
fn the_type_that_was_chosen_stays() {
    let Some(mut browser) = Browser::start() else { return };
    let types = ["Vec<u8>", "String"];
    let _folder = open(&mut browser, &of_types(types, [2_000, 1_000]), "");
    let chosen = "(() => { const { options, selectedIndex, dataset } = document.getElementById('variables-type'); \
                  return [options[selectedIndex].text, location.hash, \
                  [...document.querySelectorAll('#cards .type')].map((type) => type.textContent).join()]; })()";
    browser.eval(
        "{ const type = document.getElementById('variables-type'); type.focus(); \
         type.selectedIndex = [...type.options].findIndex(({ text }) => text === 'Vec<u8>'); \
         type.dispatchEvent(new Event('input', { bubbles: true })); \
         document.getElementById('variables-thread').options[1].mark = true; type.options[1].mark = true; }",
    );
    let expected = json!(["Vec<u8>", "#variables?type=Vec%3Cu8%3E", "Vec<u8>"]);
    assert_eq!(browser.eval(chosen), expected);
    // The other outgrows it, so that the texts are numbered anew.
    feed(&mut browser, live::panels_of_variables(&of_types(types, [2_000, 3_000])));
    assert_eq!(browser.eval(chosen), expected);
    // Who is in a list has all of it, and what is open stays open.
    let options = "['type', 'thread'].map((name) => [...document.getElementById(`variables-${name}`).options] \
                   .map(({ text, mark }) => text + (mark ? ' stays' : '')).join())";
    let kept = browser.eval(options);
    assert_eq!(kept[0], "all,String stays,Vec<u8>");
    assert!(kept[1].as_str().unwrap().contains(" stays"), "{kept}");
    feed(&mut browser, live::panels_of_variables(&of_types(["Vec<u8>", "Box<str>"], [2_000, 1_000])));
    assert_eq!(browser.eval(options)[0], "all,Box<str>,Vec<u8>");
    assert_eq!(browser.eval(chosen), expected);
    // No variable is of it any more: that is what the filter says, and it does not become another.
    feed(&mut browser, live::panels_of_variables(&of_types(["Box<str>", "Box<str>"], [2_000, 1_000])));
    assert_eq!(browser.eval(chosen), json!(["Vec<u8>", expected[1], ""]));
    assert_eq!(browser.thrown(), 0);
}

/// The tab key comes round while figures, and which variable is the largest, change with every step.
#[test]
fn keys_filters_and_links_work_while_the_page_is_fed() {
    let Some(mut browser) = Browser::start() else { return };
    let types = ["Vec<u8>", "String"];
    let _folder = open(&mut browser, &of_types(types, [2_000, 1_000]), "");
    let mut bytes = 2_000;
    let mut feed_more = |browser: &mut Browser| {
        bytes += 1_000;
        let now = of_types(types, [bytes, 4_500]);
        for panels in
            [live::panels_of_variables(&now), live::panels_of_books(&now), live::panels_of_blocks(&now)]
        {
            feed(browser, panels);
        }
        bytes
    };
    watch(&mut browser);
    let mut steps = 0;
    let walked = round_while(&mut browser, |browser| {
        steps += 1;
        // Each piece of news is three panels' worth; a walk has some hundred steps.
        if steps % 8 == 0 {
            feed_more(browser);
        }
    });
    assert_eq!(walked["count"], 0, "{walked:#}");
    assert!(steps > 16, "{steps}");
    for control in ["live-pause", "find", "variables-search", "flame"] {
        assert_eq!(browser.eval(&format!("keys.has('{control}')")), true, "{control}");
    }
    // A filter lets through what it says, whatever came before and comes after.
    let shown = "[document.querySelector('#variables-h .ratio').textContent, document.querySelector('#cards .name').textContent]";
    browser.eval(
        "{ const search = document.getElementById('variables-search'); search.value = 'postings_01'; \
         search.dispatchEvent(new Event('input', { bubbles: true })); }",
    );
    for _ in 0..2 {
        assert_eq!(browser.eval(shown), json!(["(1/7\u{202f}205)", "postings_01"]));
        assert_eq!(browser.eval("location.hash"), "#variables?q=postings_01");
        feed_more(&mut browser);
    }
    browser.eval("location.hash = '#variables?type=Vec%3Cu8%3E'");
    browser.until(&format!("({shown}).join() === '(1/7\u{202f}205),postings_00'"));
    feed_more(&mut browser);
    assert_eq!(browser.eval(shown), json!(["(1/7\u{202f}205)", "postings_00"]));
    // A link to a variable opens it, one to a finding leads to it, and there the reader stays.
    browser.eval("location.hash = '#variable=0'");
    browser.until("document.querySelector('dialog[open] h2')?.textContent === 'postings_00'");
    feed_more(&mut browser);
    assert_eq!(browser.eval("document.querySelector('dialog[open] h2').textContent"), "postings_00");
    browser.press("Escape", 27);
    browser.until("document.querySelector('dialog') === null");
    browser.eval("location.hash = '#finding-0'");
    browser.until("document.activeElement.id === 'finding-0'");
    let now = feed_more(&mut browser);
    assert_eq!(browser.eval("document.activeElement.id"), "finding-0");
    let largest = "document.querySelector('#answers [data-from=\"/variables/0/heap_bytes\"]').dataset.value";
    assert_eq!(browser.eval(largest), now.to_string());
    assert_eq!(browser.thrown(), 0);
}

#[test]
fn the_focus_stays_at_its_variable() {
    let Some(mut browser) = Browser::start() else { return };
    let types = ["Vec<u8>", "String"];
    let _folder = open(&mut browser, &of_types(types, [2_000, 1_000]), "");
    let focused = "[document.activeElement.tagName, document.activeElement.closest('li')?.getAttribute('aria-posinset'), document.activeElement.querySelector('.name')?.textContent]";
    browser.eval("document.querySelector('#cards a.card').focus()");
    assert_eq!(browser.eval(focused), json!(["A", "1", "postings_00"]));
    feed(&mut browser, live::panels_of_variables(&of_types(types, [2_000, 3_000])));
    assert_eq!(browser.eval(focused), json!(["A", "2", "postings_00"]));
    // Its inspector is open while its card becomes another; there is no program to ask, so it is of what the page holds.
    browser.eval("document.activeElement.click()");
    browser.until("document.querySelector('dialog[open]') !== null");
    feed(&mut browser, live::panels_of_variables(&of_types(types, [4_000, 3_000])));
    browser.press("Escape", 27);
    browser.until("document.querySelector('dialog') === null");
    assert_eq!(browser.eval(focused), json!(["A", "1", "postings_00"]));
    assert_eq!(browser.thrown(), 0);
}

/// A point at every hundredth millisecond.
fn until(ms: u64) -> Snapshot {
    let mut snapshot = fixture::exact(&fixture::large(4));
    let point = |n| TimelinePoint {
        ms: n * 100,
        live_bytes: 1_000 + n,
        live_bytes_error: None,
        resident_bytes: None,
    };
    snapshot.timeline = (0..=ms / 100).map(point).collect();
    snapshot.program.elapsed_ms = ms;
    snapshot
}

/// The moments of the range that is shown.
fn range(browser: &mut Browser) -> Vec<u64> {
    let moments = browser.eval(
        "[...document.querySelectorAll('.range output [data-from$=\"/ms\"]')].slice(0, 2).map(({ dataset }) => Number(dataset.value))",
    );
    serde_json::from_value(moments).unwrap()
}

#[test]
fn a_range_is_of_the_moments_that_were_chosen() {
    let Some(mut browser) = Browser::start() else { return };
    let _folder = open(&mut browser, &until(10_000), "#range=3000-4000");
    assert_eq!(range(&mut browser), [3_000, 4_000]);
    // Of a longer timeline fewer points are drawn, so other ones.
    for seconds in (20..=400).step_by(20) {
        feed(&mut browser, live::panels_of_books(&until(seconds * 1_000)));
        let shown = range(&mut browser);
        // 200 stretches: no point is further away than the length of two of them.
        let most = seconds * 1_000 / 200 * 2;
        assert!(shown.len() == 2 && shown[0] < shown[1], "{seconds} s: {shown:?}");
        assert!(
            shown[0].abs_diff(3_000) <= most && shown[1].abs_diff(4_000) <= most,
            "{seconds} s: {shown:?}"
        );
    }
    browser.eval("new Promise((done) => setTimeout(done, 400))");
    assert_eq!(browser.eval("location.hash"), "#range=3000-4000");
    feed(&mut browser, live::panels_of_books(&until(10_000)));
    assert_eq!(range(&mut browser), [3_000, 4_000]);
    assert_eq!(browser.thrown(), 0);
}

#[test]
fn a_range_that_is_being_drawn_is_of_the_moment_where_it_began() {
    let Some(mut browser) = Browser::start() else { return };
    let _folder = open(&mut browser, &until(10_000), "");
    let at = browser.eval(
        "(() => { const plot = document.querySelector('.plot'); \
         plot.scrollIntoView({ block: 'center', behavior: 'instant' }); \
         const box = plot.getBoundingClientRect(); return [box.x, box.width, box.y + box.height / 2]; })()",
    );
    let mouse = |browser: &mut Browser, kind: &str, share: f64| {
        let x = at[0].as_f64().unwrap() + share * at[1].as_f64().unwrap();
        let event =
            json!({ "type": kind, "x": x, "y": at[2], "button": "left", "buttons": 1, "clickCount": 1 });
        browser.call("Input.dispatchMouseEvent", event);
    };
    mouse(&mut browser, "mousePressed", 0.8);
    mouse(&mut browser, "mouseMoved", 0.9);
    assert_eq!(range(&mut browser), [8_000, 9_000]);
    // A curve of fewer points comes, of which there is no eightieth: of 8 s and one more at 40 s.
    let mut short = until(8_000);
    short.timeline = short.timeline.into_iter().step_by(20).collect();
    short.timeline.push(TimelinePoint { ms: 40_000, ..short.timeline[0] });
    short.program.elapsed_ms = 40_000;
    feed(&mut browser, live::panels_of_books(&short));
    mouse(&mut browser, "mouseMoved", 0.99);
    mouse(&mut browser, "mouseReleased", 0.99);
    assert_eq!(range(&mut browser), [8_000, 40_000]);
    assert_eq!(browser.thrown(), 0);
}

/// No float has these.
#[test]
fn what_is_past_the_floats_is_subtracted_exactly() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = until(300);
    snapshot.timeline[1].live_bytes = 1;
    snapshot.timeline[2].live_bytes = u64::MAX;
    snapshot.timeline[3].live_bytes = u64::MAX - 1;
    let _folder = open(&mut browser, &snapshot, "#range=100-200");
    let grown = "document.querySelector('.range output [data-from=\"/timeline/2/live_bytes - /timeline/1/live_bytes\"]').dataset.value";
    // 2^64 - 1, less 1.
    assert_eq!(browser.eval(grown), "18446744073709551614");
    assert_eq!(browser.thrown(), 0);
}

/// The addresses and figures that the map's readout tells.
fn told(browser: &mut Browser) -> Value {
    browser.eval(
        "[...document.querySelectorAll('#memory-map-readout [data-from]')].slice(0, 3).map(({ dataset }) => dataset.value)",
    )
}

#[test]
fn the_cell_that_was_told_is_told_again() {
    let Some(mut browser) = Browser::start() else { return };
    let before = fixture::mapped(&fixture::exact(&fixture::large(50)));
    let _folder = open(&mut browser, &before, "");
    let sentence = "document.getElementById('memory-map-readout').textContent.trim()";
    let first_said = browser.eval(sentence);
    browser.eval("document.querySelector('[data-region=\"1\"]').focus()");
    for key in ["Home", "ArrowRight", "ArrowRight"] {
        browser.press(key, 0);
    }
    // The mapping's cells are 2 × 65,536 bytes from each other: its third stretch is its second cell, of 65,536 bytes.
    let cell = before.memory_map.cells.iter().position(|cell| cell.region == 1).unwrap() + 1;
    let start = before.memory_map.cells[cell].start;
    let expected = |live: u64| json!([start.to_string(), (start + 65_536).to_string(), live.to_string()]);
    assert_eq!(told(&mut browser), expected(before.memory_map.cells[cell].live_bytes));
    // The cell before it is free now, and it holds more.
    let mut now = before.clone();
    now.memory_map.cells[cell].live_bytes += 1_000;
    now.memory_map.cells.remove(cell - 1);
    feed(&mut browser, live::panels_of_blocks(&now));
    assert_eq!(told(&mut browser), expected(before.memory_map.cells[cell].live_bytes + 1_000));
    let slider =
        "[document.activeElement.dataset.region, document.activeElement.getAttribute('aria-valuenow')]";
    assert_eq!(browser.eval(slider), json!(["1", "2"]));
    // A region that lies before it is gone: it is the first one now.
    now.memory_map.cells.retain(|cell| cell.region != 0);
    now.memory_map.regions.remove(0);
    now.memory_map.cells.iter_mut().for_each(|cell| cell.region -= 1);
    feed(&mut browser, live::panels_of_blocks(&now));
    assert_eq!(told(&mut browser), expected(before.memory_map.cells[cell].live_bytes + 1_000));
    assert_eq!(browser.eval(slider), json!(["0", "2"]));
    // It is gone itself.
    now.memory_map.cells.retain(|cell| cell.region != 0);
    now.memory_map.regions.remove(0);
    now.memory_map.cells.iter_mut().for_each(|cell| cell.region -= 1);
    feed(&mut browser, live::panels_of_blocks(&now));
    assert_eq!(browser.eval(sentence), first_said);
    assert_eq!(browser.thrown(), 0);
}

#[test]
fn who_dismisses_an_alert_is_at_the_next() {
    let Some(mut browser) = Browser::start() else { return };
    let _folder = open(&mut browser, &fixture::small(), "");
    for number in 1..=3 {
        let alert = json!({ "number": number, "severity": "warning", "message": format!("alert {number}"), "at": "1 s" });
        browser.eval(&format!("feed.on.alert({})", json!({ "data": alert.to_string() })));
    }
    // The newest is the first. From the second to the third, from there back to the first, and from the last to what is beside.
    let focused = "document.activeElement.closest('li')?.textContent ?? document.activeElement.id";
    browser.eval("document.querySelector('#live-alerts li:nth-child(2) button').focus()");
    for expected in ["1 s: alert 1 Dismiss", "1 s: alert 3 Dismiss", "live-pause"] {
        browser.eval("document.activeElement.click()");
        assert_eq!(browser.eval(focused), expected);
    }
    assert_eq!(browser.thrown(), 0);
}

#[test]
fn the_title_of_a_cut_name_is_the_name_that_is_there() {
    let Some(mut browser) = Browser::start() else { return };
    let _folder = open(&mut browser, &fixture::small(), "");
    let point = |browser: &mut Browser, name: &str| {
        browser.eval(&format!(
            "(() => {{ const long = document.querySelector('.long'); long.firstChild.nodeValue = '{name}'; \
             long.dispatchEvent(new PointerEvent('pointerover', {{ bubbles: true }})); return long.getAttribute('title'); }})()"
        ))
    };
    browser.eval("document.querySelector('.long').replaceChildren('-')");
    let [long, other] = ["long_name_".repeat(60), "other_name_".repeat(60)];
    assert_eq!(point(&mut browser, &long), long);
    assert_eq!(point(&mut browser, &other), other);
    assert_eq!(point(&mut browser, "short"), Value::Null);
    assert_eq!(browser.thrown(), 0);
}
