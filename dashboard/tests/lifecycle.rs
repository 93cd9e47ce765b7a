//! A variable's executions as they are drawn: small columns on its card, and in the inspector's tab Lifecycle a bar for each
//! execution and block, marks for what happened to them, and the bytes over time.

#[path = "browser/axe.rs"]
mod axe;
#[path = "browser/devtools.rs"]
mod devtools;
mod fixture;

use axe::{axe, violations};
use devtools::Browser;
use memscope_dashboard::render;
use memscope_dashboard::view::{inspector::inspectors, label::Labels};
use memscope_runtime::snapshot::{BytesAt, Instance, InstanceBlock, Snapshot, Stage};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

const DESK: (u32, u32) = (1280, 900);
const PHONE: (u32, u32) = (400, 800);

/// A block of 1,000 ms of recording, alive from `allocated_ms` on.
fn block(address: u64, allocated_ms: u64, freed_ms: Option<u64>) -> InstanceBlock {
    InstanceBlock {
        allocated_ms: Some(allocated_ms),
        freed_ms,
        freed_by: freed_ms.map(|_| 1),
        resized_ms: None,
        moved_ms: None,
        reallocations: 0,
        grown_bytes: 0,
        moved_bytes: 0,
        ..fixture::block(address)
    }
}

/// One variable with three executions in 1,000 ms, all freed but for a block of the last.
fn recording() -> Snapshot {
    let mut snapshot = fixture::small();
    snapshot.program.elapsed_ms = 1_000;
    snapshot.findings.clear();
    let seen = |ms, heap_bytes| BytesAt { ms, heap_bytes };
    let ended = |bound_ms: u64, peak, seen, blocks| Instance {
        bound_ms,
        observed_ms: bound_ms + 50,
        ended_ms: Some(bound_ms + 100),
        stage: Stage::Deallocated,
        fate: None,
        heap_bytes: Some(0),
        peak_heap_bytes: Some(peak),
        seen,
        blocks,
        folded_blocks: 0,
        ..fixture::instance(bound_ms)
    };
    let resized = InstanceBlock {
        reallocations: 2,
        resized_ms: Some(370),
        moved_ms: Some(350),
        ..block(0x2000, 320, Some(390))
    };
    let grows = InstanceBlock { reallocations: 1, resized_ms: Some(800), ..block(0x4000, 600, None) };
    let row = &mut snapshot.variables[0];
    row.stage = Stage::Active;
    row.history = vec![
        ended(100, 512, vec![seen(150, 512), seen(200, 0)], vec![block(0x1000, 120, Some(190))]),
        ended(300, 2_048, vec![seen(350, 1_024), seen(400, 0)], vec![resized]),
        Instance {
            ended_ms: None,
            stage: Stage::Active,
            heap_bytes: Some(1_024),
            ..ended(
                600,
                1_024,
                vec![seen(650, 256), seen(750, 1_024)],
                vec![grows, block(0x5000, 610, Some(700))],
            )
        },
    ];
    snapshot
}

/// The page of `snapshot`, with the Lifecycle of its first variable open where `opens`.
fn page(browser: &mut Browser, snapshot: &Snapshot, opens: bool, size: (u32, u32), scheme: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, render(snapshot).unwrap()).unwrap();
    browser.open(&file, if opens { "#variable=0" } else { "" }, size, scheme);
    if opens {
        browser.until("document.querySelector('dialog[open] [role=tab]') !== null");
        browser.click("dialog[open] [role=tab]:nth-child(2)");
    }
    folder
}

/// What `script` gives for each element of the open tab that `selector` names.
fn each(browser: &mut Browser, selector: &str, script: &str) -> Value {
    browser.eval(&format!(
        "[...document.querySelectorAll('dialog[open] [data-tab=Lifecycle] {selector}')].map((element) => {script})"
    ))
}

/// Where the middles of the marks are, in percent of the width of the bar that they stand on, as the browser laid them out.
fn places(browser: &mut Browser, selector: &str) -> Vec<f64> {
    let place = "(() => { const [mark, bar] = [element, element.parentElement].map((one) => one.getBoundingClientRect()); \
                 return mark.height > 0 && mark.width > 0 ? ((mark.left + mark.right) / 2 - bar.left) / bar.width * 100 : null; })()";
    let places = each(browser, selector, place);
    serde_json::from_value(places).expect("each mark is seen")
}

/// `drawn` are `expected`, within half a percent: some three pixels.
fn assert_near(what: &str, drawn: &[f64], expected: &[f64]) {
    let is_near = drawn.len() == expected.len()
        && drawn.iter().zip(expected).all(|(one, other)| (one - other).abs() < 0.5);
    assert!(is_near, "{what}: drawn at {drawn:?}, expected {expected:?}");
}

#[test]
fn executions_blocks_and_what_happened_to_them_are_drawn_where_they_were() {
    let Some(mut browser) = Browser::start() else { return };
    let _folder = page(&mut browser, &recording(), true, DESK, "light");
    // The newest execution first, as the list has them; percent of 1,000 ms.
    let bars = "[element.style.left, element.style.width]";
    assert_eq!(
        each(&mut browser, ".lives > li > .track > i", bars),
        json!([["60%", "40%"], ["30%", "10%"], ["10%", "10%"]])
    );
    assert_eq!(
        each(&mut browser, ".track.block > i", bars),
        json!([["60%", "40%"], ["61%", "9%"], ["32%", "7%"], ["12%", "7%"]])
    );
    // The last looks, the bindings' ends, frees, resizes, and the one move to another address.
    assert_near("looks", &places(&mut browser, ".seen"), &[65.0, 35.0, 15.0]);
    assert_near("ends", &places(&mut browser, ".ended"), &[40.0, 20.0]);
    assert_near("frees", &places(&mut browser, ".freed-at"), &[70.0, 39.0, 19.0]);
    assert_near("resizes", &places(&mut browser, ".track .resized-at"), &[80.0, 37.0]);
    assert_near("moves", &places(&mut browser, ".track .moved-at"), &[35.0]);
    // Up at the first look, held until the next moment; 256 of 1,024 bytes are a quarter of 20. The newest has as many bytes at
    // the end as at the last moment, the others none at both.
    assert_eq!(
        each(&mut browser, "svg.life path", "element.getAttribute('d')"),
        json!([
            "M65.00 20V15.00H75.00V0.00H100",
            "M35.00 20V0.00H40.00V20.00H100",
            "M15.00 20V0.00H20.00V20.00H100"
        ])
    );
    let widths = each(
        &mut browser,
        "svg.life",
        "element.getBoundingClientRect().width / element.nextElementSibling.getBoundingClientRect().width",
    );
    assert_eq!(widths, json!([1, 1, 1]), "as wide as the bar below");
    // What each mark means stands in the legend, and its moment as a figure beside the block.
    assert_eq!(each(&mut browser, ".legend .resized-at, .legend .moved-at", "1"), json!([1, 1]));
    let told = each(
        &mut browser,
        ".what [data-from$=resized_ms], .what [data-from$=moved_ms]",
        "Number(element.dataset.value)",
    );
    assert_eq!(told, json!([800, 370, 350]));
    browser.assert_quiet();
}

#[test]
fn a_card_draws_the_most_bytes_of_executions_that_are_all_freed() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = recording();
    snapshot.variables[0].history.truncate(2);
    let _folder = page(&mut browser, &snapshot, false, DESK, "light");
    let path = "document.querySelector('.card[data-index=\"0\"] svg[data-history] path')";
    // 512 of 2,048 bytes are a quarter of 20; the last two of sixteen places, whose middles are 14.5 and 15.5 sixteenths.
    assert_eq!(browser.eval(&format!("{path}.getAttribute('d')")), "M90.6 20V15.0M96.9 20V0.0");
    assert!(browser.eval(&format!("{path}.getBoundingClientRect().width")).as_f64() > Some(1.0));
    browser.assert_quiet();
}

#[test]
fn the_drawing_is_sound_in_both_schemes_and_on_a_phone() {
    let Some(mut browser) = Browser::start() else { return };
    for (size, scheme) in [(DESK, "light"), (DESK, "dark"), (PHONE, "light"), (PHONE, "dark")] {
        let _folder = page(&mut browser, &recording(), true, size, scheme);
        browser.assert_fits();
        browser.screenshot(&format!("lifecycle-{}-{scheme}", size.0), false);
        if let Some(axe) = axe() {
            browser.eval(&format!("{axe};0"));
            assert_eq!(
                violations(&mut browser, "document.querySelector('dialog[open]')"),
                [""; 0],
                "{size:?} {scheme}"
            );
        }
    }
}

/// A recording has an execution's blocks by their addresses; a reader asks for the largest.
#[test]
fn the_largest_block_comes_first() {
    let mut snapshot = fixture::small();
    let of_bytes = |address, bytes| InstanceBlock { bytes, ..block(address, 0, None) };
    snapshot.variables[0].history[0].blocks =
        vec![of_bytes(0x1000, 8), of_bytes(0x2000, 4_096), of_bytes(0x3000, 72)];
    let labels = Labels::new(&snapshot);
    let all = inspectors(&snapshot, &labels, 2);
    let of_first = all.iter().find(|inspector| inspector.index == 0).unwrap();
    let is_it = |figure: &str| figure.starts_with("/variables/0/history/0/blocks/");
    let blocks = of_first.lifecycle.iter().flat_map(|execution| &execution.blocks);
    let read: Vec<_> =
        blocks.filter(|block| is_it(&block.bytes.from)).map(|block| &*block.bytes.from).collect();
    let expected = [1, 2, 0].map(|place| format!("/variables/0/history/0/blocks/{place}/bytes"));
    assert_eq!(read, expected);
}
