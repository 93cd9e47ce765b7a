//! The map by address: in a browser each cell is drawn where and as the document says, and what is pointed at or walked to by
//! keys is told with figures of the document; a map that contradicts itself is not drawn.

#[path = "browser/devtools.rs"]
mod devtools;
mod fixture;
mod reader;
#[path = "fixture/whole.rs"]
mod whole;

use devtools::Browser;
use memscope_dashboard::render;
use memscope_dashboard::view::address_map::{MOST_REGIONS, address_map};
use memscope_dashboard::view::label::Labels;
use memscope_runtime::snapshot::{Cell, MemoryMap, Mode, Region, Snapshot};
use reader::page;
use serde_json::Value;
use std::fs;
use tempfile::TempDir;

/// What cells can be coloured by.
const COLOURS: [&str; 6] = ["occupancy", "thread", "scope", "variable", "age", "young"];

fn mapped() -> Snapshot {
    let mut snapshot = fixture::mapped(&fixture::exact(&fixture::large(50)));
    snapshot.folded = Default::default();
    snapshot
}

fn open(browser: &mut Browser, snapshot: &Snapshot, size: (u32, u32), scheme: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, render(snapshot).unwrap()).unwrap();
    browser.open(&file, "", size, scheme);
    folder
}

fn assert_bound(browser: &mut Browser, document: &Value) {
    let html = browser.eval("document.documentElement.outerHTML");
    let faults = page::faults(html.as_str().unwrap(), document);
    assert!(faults.is_empty(), "{} faults: {:#?}", faults.len(), &faults[..faults.len().min(20)]);
}

fn choose(browser: &mut Browser, colour: &str) {
    browser.eval(&format!("document.querySelector('[name=map-colour][value={colour}]').click()"));
}

fn point_at(browser: &mut Browser, selector: &str) {
    browser.eval(&format!(
        "document.querySelector({selector:?}).dispatchEvent(new PointerEvent('pointerover', {{ bubbles: true }}))"
    ));
}

fn readout(browser: &mut Browser) -> String {
    browser.eval("document.getElementById('memory-map-readout').textContent").as_str().unwrap().to_owned()
}

#[test]
fn each_cell_is_drawn_as_the_document_says() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = mapped();
    let document = serde_json::to_value(&snapshot).unwrap();
    let _folder = open(&mut browser, &snapshot, (1280, 900), "light");
    let cells = snapshot.memory_map.cells.len();
    assert_eq!(browser.eval("document.querySelectorAll('.cells [data-cell]').length"), cells);
    // Squares are drawn in its place where there is no map.
    assert_eq!(browser.eval("document.querySelectorAll('.squares').length"), 0);
    for colour in COLOURS {
        choose(&mut browser, colour);
        assert_bound(&mut browser, &document);
        let keys = "[...document.querySelectorAll('[data-key]')].filter((key) => key.checkVisibility()) \
                    .map((key) => key.dataset.key).join()";
        assert_eq!(browser.eval(keys), colour);
    }
    // The largest variables stand below by their sizes, whatever the cells tell.
    let mut sizes: Vec<_> = snapshot.variables.iter().filter_map(|row| row.heap_bytes).collect();
    sizes.sort_by_key(|&bytes| std::cmp::Reverse(bytes));
    let listed = browser.eval(
        "[...document.querySelectorAll('.map-sizes li')].map((one) => Number(one.querySelector('[data-value]').dataset.value))",
    );
    assert_eq!(listed, serde_json::json!(sizes[..7]));
    // A cell of another colour is found.
    browser.eval("document.querySelector('[data-cell=\"3\"]').className = 'lo at le'");
    let html = browser.eval("document.documentElement.outerHTML");
    assert_eq!(page::faults(html.as_str().unwrap(), &document).len(), 1);
    browser.assert_quiet();
}

#[test]
fn what_is_pointed_at_is_told() {
    let Some(mut browser) = Browser::start() else { return };
    let snapshot = mapped();
    let document = serde_json::to_value(&snapshot).unwrap();
    let _folder = open(&mut browser, &snapshot, (1280, 900), "light");
    for cell in 0..snapshot.memory_map.cells.len() {
        point_at(&mut browser, &format!("[data-cell='{cell}']"));
        if cell % 17 == 0 {
            assert_bound(&mut browser, &document);
        }
    }
    point_at(&mut browser, ".cells i:not([data-cell])");
    assert!(readout(&mut browser).contains("no live block"));
    assert_bound(&mut browser, &document);
    // The first cell of the mapping holds block 0 of the fixture, of variable 0 in scope 0: 60,048 bytes at its first address.
    let first = snapshot.memory_map.cells.iter().position(|cell| cell.region == 1).unwrap();
    point_at(&mut browser, &format!("[data-cell='{first}']"));
    let told = readout(&mut browser);
    assert!(told.contains("large block 0x7f3a00000000, 58.6 KiB, variable postings_00"), "{told}");
    browser.click("#memory-map-readout a[href='#variable=0']");
    browser.until("document.querySelector('dialog[open]') !== null");
    browser.press("Escape", 27);
    browser.until("document.querySelector('dialog[open]') === null");
    // By keys. The focus scrolls, and the pointer, which is still where it clicked, is over something else then.
    browser.eval("document.querySelector('[data-region=\"0\"]').focus()");
    browser.eval("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 200)))");
    let at = "document.querySelector('.cells .at').dataset.cell ?? null";
    for (key, code, cell) in
        [("Home", 36, 0), ("ArrowRight", 39, 1), ("ArrowLeft", 37, 0), ("End", 35, -1), ("Home", 36, 0)]
    {
        browser.press(key, code);
        let expected = if cell < 0 { Value::Null } else { cell.to_string().into() };
        assert_eq!(browser.eval(at), expected, "{key}");
    }
    assert_bound(&mut browser, &document);
    browser.assert_quiet();
}

/// No block of the cell is among the largest, which have their variables beside them.
#[test]
fn a_cell_of_many_small_blocks_tells_their_variable() {
    let Some(mut browser) = Browser::start() else { return };
    let mut snapshot = mapped();
    snapshot.blocks.largest.clear();
    let cells = &mut snapshot.memory_map.cells;
    for cell in &mut cells[2..6] {
        (cell.live_bytes, cell.blocks, cell.scope_bytes, cell.thread_bytes) = (4_000, 120, Some(9), Some(9));
        cell.young_blocks = 0;
    }
    // A variable; none; not told; and one that there is not.
    (cells[2].variable, cells[2].variable_bytes) = (Some(3), Some(3_072));
    (cells[3].variable, cells[3].variable_bytes) = (None, Some(2_048));
    (cells[4].variable, cells[4].variable_bytes) = (None, None);
    (cells[5].variable, cells[5].variable_bytes) = (Some(u32::MAX), Some(1_024));
    let document = serde_json::to_value(&snapshot).unwrap();
    let _folder = open(&mut browser, &snapshot, (1280, 900), "light");
    choose(&mut browser, "variable");
    let name = snapshot.variables[3].name.clone();
    for (cell, says) in [
        (2, format!("begin here: 120, of which 0 young; most owned by {name} (3.0 KiB)")),
        (3, "most owned by no tracked variable (2.0 KiB)".into()),
        (4, "variables not told apart".into()),
        (5, "most owned by a variable that the page does not list (1.0 KiB)".into()),
    ] {
        point_at(&mut browser, &format!("[data-cell='{cell}']"));
        let told = readout(&mut browser);
        assert!(told.contains(&says), "{told}");
        assert!(!told.contains("large block"), "{told}");
        assert_bound(&mut browser, &document);
    }
    point_at(&mut browser, "[data-cell='2']");
    browser.click("#memory-map-readout a[href='#variable=3']");
    browser.until("document.querySelector('dialog[open]') !== null");
    browser.assert_quiet();
}

#[test]
fn it_fits_in_each_size_and_colour() {
    let Some(mut browser) = Browser::start() else { return };
    for (size, width) in [((1280, 900), "1280"), ((400, 800), "400")] {
        for scheme in ["light", "dark"] {
            let _folder = open(&mut browser, &mapped(), size, scheme);
            for colour in ["occupancy", "thread", "variable", "age"] {
                choose(&mut browser, colour);
                point_at(&mut browser, "[data-region='1'] [data-cell]");
                // Twice, for what is above comes into sight meanwhile, and has another height then.
                for _ in 0..2 {
                    browser.eval("document.getElementById('memory-map').scrollIntoView()");
                    browser.eval("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))");
                }
                browser.screenshot(&format!("map-{colour}-{width}-{scheme}"), false);
                let scrolled = browser.eval("document.documentElement.scrollWidth").as_u64().unwrap();
                assert!(scrolled <= u64::from(size.0), "{scrolled}");
            }
            browser.assert_quiet();
        }
    }
}

/// A map of as many cells as there are, each alone: what takes longest to draw.
fn full() -> Snapshot {
    let mut snapshot = mapped();
    let template = snapshot.memory_map.cells[0].clone();
    let region = Region { start: 1 << 40, bytes: 4_096 * 8_192, ..snapshot.memory_map.regions[0].clone() };
    let cells = (0..4_096).map(|n| Cell {
        start: (1 << 40) + n * 8_192,
        oldest_ms: n % 9,
        newest_ms: 9,
        ..template.clone()
    });
    snapshot.memory_map = MemoryMap { regions: vec![region], cells: cells.collect() };
    snapshot
}

#[test]
#[expect(clippy::print_stdout, reason = "times that a person asks for with --nocapture")]
fn the_largest_map_is_coloured_within_a_tenth_of_a_second() {
    let Some(mut browser) = Browser::start() else { return };
    let _folder = open(&mut browser, &full(), (1280, 900), "light");
    let mut quickest = COLOURS.map(|_| f64::INFINITY);
    // From the last on, so that each is a change.
    for place in (0..COLOURS.len()).rev().cycle().take(10 * COLOURS.len()) {
        let colour = COLOURS[place];
        let took = browser.eval(&format!(
            "(() => {{ const start = performance.now(); \
             document.querySelector('[name=map-colour][value={colour}]').click(); \
             document.getElementById('memory-map').getBoundingClientRect(); return performance.now() - start; }})()"
        ));
        let took = took.as_f64().unwrap();
        println!("{colour}: {took:.0} ms");
        quickest[place] = quickest[place].min(took);
    }
    // On a busy machine one of ten was not interrupted.
    for (colour, quickest) in COLOURS.into_iter().zip(quickest) {
        assert!(quickest < 100.0, "{colour}: {quickest} ms");
    }
}

#[test]
fn regions_beyond_the_most_are_counted_with_their_bytes() {
    let mut snapshot = mapped();
    let region = snapshot.memory_map.regions[2].clone();
    let cell = snapshot.memory_map.cells.last().unwrap().clone();
    for n in 3..20 {
        let start = region.start + u64::from(n) * 8_192;
        snapshot.memory_map.regions.push(Region { start, ..region.clone() });
        snapshot.memory_map.cells.push(Cell {
            region: n,
            start,
            live_bytes: 100,
            scope_bytes: Some(1),
            thread_bytes: Some(2),
            variable_bytes: Some(3),
            ..cell.clone()
        });
    }
    let labels = Labels::new(&snapshot);
    let map = address_map(&snapshot, &labels).unwrap().unwrap();
    assert_eq!(map.regions.len(), MOST_REGIONS);
    let folded = map.folded.unwrap();
    // 20 regions, of which the largest three and nine of the small ones are drawn: eight of 100 bytes are not.
    assert_eq!((&folded.rows.value, &folded.bytes.unwrap().value), (&8.into(), &800.into()));
    let faults = page::faults(&whole::whole(&snapshot), &serde_json::to_value(&snapshot).unwrap());
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_map_that_contradicts_itself_is_not_drawn() {
    type Change = fn(&mut MemoryMap);
    let changes: [Change; 14] = [
        |map| map.cells[0].region = 99,
        |map| map.cells.swap(0, 1),
        |map| map.cells[0].start = 5,
        |map| map.cells[0].bytes = u64::MAX,
        |map| map.cells[0].bytes = 0,
        |map| map.cells[0].bytes += 1 << 30,
        |map| map.cells[0].scope_bytes = Some(u64::MAX),
        |map| map.cells[0].variable_bytes = Some(map.cells[0].live_bytes + 1),
        |map| map.cells[0].young_blocks = map.cells[0].blocks + 1,
        |map| map.cells[0].oldest_ms = map.cells[0].newest_ms + 1,
        |map| map.cells[0].live_bytes = u64::MAX,
        |map| map.regions[0].cell_bytes = 0,
        |map| map.regions[0].start = u64::MAX,
        // Each below what a float holds exactly; 4,096 times 2^53 − 1 is more than 64 bits hold.
        |map| {
            *map = full().memory_map;
            map.cells.iter_mut().for_each(|cell| cell.live_bytes = (1 << 53) - 1);
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut snapshot = mapped();
        change(&mut snapshot.memory_map);
        let why = address_map(&snapshot, &Labels::new(&snapshot)).unwrap_err();
        assert!(why.contains("contradicts"), "{number}");
        assert!(render(&snapshot).unwrap().contains(&why.replace('\'', "&#x27;")), "{number}");
    }
}

/// The recorder may meet a block twice that is freed and given out anew while it walks: no contradiction.
#[test]
fn a_cell_with_more_than_its_length_is_drawn() {
    let mut snapshot = mapped();
    let cell = &mut snapshot.memory_map.cells[0];
    cell.live_bytes = cell.bytes + 48;
    let labels = Labels::new(&snapshot);
    assert!(address_map(&snapshot, &labels).unwrap().is_some());
}

#[test]
fn where_there_is_no_map_the_panel_says_why() {
    let mut snapshot = mapped();
    snapshot.memory_map = MemoryMap::default();
    let why = |snapshot: &Snapshot| address_map(snapshot, &Labels::new(snapshot)).err().unwrap_or_default();
    assert!(why(&snapshot).contains("did not make one"));
    snapshot.folded.map_cells = 5_000;
    assert!(why(&snapshot).contains("more cells than a file holds"));
    snapshot.folded.map_cells = 0;
    snapshot.mode = Mode::Sampling;
    assert!(why(&snapshot).contains("blocks are sampled"));
    snapshot.mode = Mode::Live;
    snapshot.totals.live_bytes = 0;
    assert_eq!(why(&snapshot), "");
}
