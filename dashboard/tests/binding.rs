//! The page is bound to the snapshot: each field that changes changes the page, and each figure on the page is
//! what its origin says. That no number is without an origin stands in `figures.rs`.

mod fixture;
mod reader;
#[path = "fixture/whole.rs"]
mod whole;

use memscope_dashboard::view::island::island;
use memscope_dashboard::view::label::Labels;
use memscope_runtime::snapshot::{Fragmentation, Mode, Snapshot};
use reader::markup::parse;
use reader::origin;
use serde_json::{Value, json};

/// Pointers to all leaves of `value`.
fn leaves(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| leaves(value, format!("{at}/{key}"), found))
        }
        Value::Array(rows) => {
            rows.iter().enumerate().for_each(|(index, row)| leaves(row, format!("{at}/{index}"), found));
        }
        _ => found.push(at),
    }
}

/// Other values that the field might hold, the first that deserializes is taken.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(number) => vec![json!(number.as_u64().unwrap() + 1)],
        Value::Bool(value) => vec![json!(!value)],
        Value::String(text) => {
            let variants = [
                "live",
                "declared",
                "full",
                "measured",
                "active",
                "shared",
                "error",
                "note",
                "function",
                "variable",
                "finished",
                "sent",
                "received",
                "cpu_intensive",
                "unclassified",
                "dropped_in_scope",
                "outlived_scope",
                "free",
                "exclusive",
            ];
            let mut others = vec![json!(format!("{text} changed"))];
            others.extend(variants.iter().filter(|variant| *variant != text).map(|variant| json!(variant)));
            others
        }
        _ => panic!("the fixture leaves {value} unset"),
    }
}

/// The page's body, and what its script draws of threads' parts of scopes (`tests/scope_threads.rs` reads the drawing).
fn shown(snapshot: &Snapshot) -> (String, Value) {
    let labels = Labels::new(snapshot);
    let island = serde_json::to_value(island(snapshot, &labels)).unwrap();
    (whole::body(snapshot), island["scopes"]["threads"].clone())
}

#[test]
fn each_field_that_changes_changes_the_page() {
    let mut snapshot = fixture::small();
    // So few bytes that one more is seen in a curve that is 20 high.
    for instance in snapshot.variables.iter_mut().flat_map(|row| &mut row.history) {
        instance.seen.iter_mut().zip([10, 40, 20]).for_each(|(seen, bytes)| seen.heap_bytes = bytes);
    }
    let document = serde_json::to_value(&snapshot).unwrap();
    let before = shown(&snapshot);
    let mut all = Vec::new();
    leaves(&document, String::new(), &mut all);
    // The root scope stands for no function and so has no place in the source, by the model; a site that never ran
    // has no budget here, and only a foreign function has pointers.
    let by_the_model = [
        "/scopes/0/file",
        "/scopes/0/line",
        "/sites/0/crossings",
        "/sites/1/budget",
        "/sites/1/crossings",
        "/sites/2/budget",
        "/lifetimes/2/below_ms",
        // Nothing was read of the process at the first moment, and the rest of a scope is no thread's.
        "/timeline/0/resident_bytes",
        "/scope_threads/4/thread",
        // A pair that has its thread is one; of the rest the page says what it holds, its calls are with the scope's.
        "/scope_threads/0/pairs",
        "/scope_threads/1/pairs",
        "/scope_threads/2/pairs",
        "/scope_threads/3/pairs",
        "/scope_threads/4/calls",
        // The root is no function, and calls itself never.
        "/scopes/0/recursive_calls",
    ];
    // Of small blocks those that live and those that were freed are told by different ranges, and the last has no bound.
    let is_untold =
        |pointer: &str| pointer.starts_with("/sizes/") && document.pointer(pointer) == Some(&Value::Null);
    all.retain(|pointer| !by_the_model.contains(&pointer.as_str()) && !is_untold(pointer));
    // The fixture fills every list and option: far more than a hundred leaves.
    assert!(all.len() > 250, "{}", all.len());
    let mut unbound = Vec::new();
    for pointer in &all {
        let mut changed = None;
        for other in others(document.pointer(pointer).unwrap()) {
            let mut document = document.clone();
            *document.pointer_mut(pointer).unwrap() = other;
            if let Ok(snapshot) = serde_json::from_value::<Snapshot>(document) {
                changed = Some(snapshot);
                break;
            }
        }
        let changed = changed.unwrap_or_else(|| panic!("no other value for {pointer}"));
        if shown(&changed) == before {
            unbound.push(pointer);
        }
    }
    assert!(unbound.is_empty(), "the page does not show {unbound:#?}");
}

#[test]
fn each_figure_is_what_its_origin_says() {
    // 2,100 variables, so that rows are folded and the order is not the document's.
    for snapshot in [fixture::small(), fixture::large(50), fixture::large(2_100), fixture::sampled(50)] {
        let figures = origin::figures(&whole::body(&snapshot));
        assert!(figures.len() > 300, "{}", figures.len());
        origin::check(&figures, &serde_json::to_value(&snapshot).unwrap());
    }
}

/// All options to null: each reads "not measured" where the model says so, and nothing reads 0 in its place.
#[test]
fn what_is_null_reads_not_measured() {
    let mut snapshot = fixture::small();
    for row in &mut snapshot.variables {
        row.heap_bytes = None;
        row.peak_heap_bytes = None;
        row.blocks = None;
        row.value_bytes = None;
        row.grown_bytes = None;
        row.moved_bytes = None;
        row.unused_bytes = None;
        row.fates = None;
        row.strong_owners = None;
        row.weak_owners = None;
        row.held = None;
        row.borrow_count = None;
        row.unknown_blocks = None;
        row.blocks_owned_twice = None;
        row.shared_with.clear();
        row.ffi_crossings = None;
        row.category = None;
    }
    snapshot.program.page_bytes = None;
    snapshot.profiler.own_bytes = None;
    snapshot.profiler.clock_resolution_ms = None;
    snapshot.profiler.peak_error_bound_bytes = None;
    snapshot.scopes[1].exclusive.live_at_peak_bytes = None;
    snapshot.scopes[1].exclusive.unowned_live_bytes = None;
    snapshot.scopes[1].category = None;
    snapshot.scopes[1].trend.clear();
    snapshot.trend_ms.clear();
    snapshot.types[0].heap_bytes = None;
    snapshot.fragmentation = Fragmentation::default();
    let html = whole::body(&snapshot);
    let mut pointers = vec![
        "/program/page_bytes".to_owned(),
        "/profiler/own_bytes".into(),
        "/profiler/clock_resolution_ms".into(),
        "/profiler/peak_error_bound_bytes".into(),
        "/scopes/1/exclusive/live_at_peak_bytes".into(),
        "/scopes/1/exclusive/unowned_live_bytes".into(),
        "/types/0/heap_bytes".into(),
        "/fragmentation/slack_bytes".into(),
        "/fragmentation/resident_bytes".into(),
        // Both variables are in stage allocated and neither is walked.
        "sum(/variables/*/heap_bytes, stage &#x3D; &quot;allocated&quot;)".into(),
    ];
    let fields = [
        "heap_bytes",
        "peak_heap_bytes",
        "blocks",
        "value_bytes",
        "grown_bytes",
        "moved_bytes",
        "unused_bytes",
        "strong_owners",
        "weak_owners",
        "borrow_count",
        "unknown_blocks",
        "blocks_owned_twice",
        "ffi_crossings",
    ];
    for field in fields {
        pointers.push(format!("/variables/0/{field}"));
    }
    for pointer in pointers {
        let span =
            format!("<span class=\"none\" data-from=\"{pointer}\" data-value=\"null\">not measured</span>");
        assert!(html.contains(&span), "{span}");
    }
    // Growing scopes, for there is no trend to find them by; live bytes have no share of a resident memory that nobody measured; glibc's
    // account; the category of two cards; who holds what and who shares it, in two inspectors; the trends
    // of three scopes.
    assert_eq!(html.matches("<span class=\"none\">not measured</span>").count(), 3 + 2 + 2 * 2 + 3);
    // Category and fates of two inspectors; the scope's category.
    assert_eq!(html.matches("<p class=\"none\">not measured</p>").count(), 4 + 1);
    // Finding 0 rests on a figure that is null now; all other figures must agree with the document.
    snapshot.findings.clear();
    let figures = origin::figures(&whole::body(&snapshot));
    origin::check(&figures, &serde_json::to_value(&snapshot).unwrap());
}

#[test]
fn the_first_line_says_what_limits_the_figures() {
    let first_line = |snapshot: &Snapshot| {
        let html = whole::body(snapshot);
        let (_, rest) = html.split_once("<p id=\"first-line\"").unwrap();
        let line = rest.split_once("</p>").unwrap().0.split_once('>').unwrap().1;
        // Without the tags of its figures.
        line.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect::<String>()
    };
    let mut snapshot = fixture::small();
    assert_eq!(first_line(&snapshot), "demo: live recording of 2.5 s");
    snapshot.profiler.allocator_installed = false;
    snapshot.mode = Mode::Declared;
    let line = first_line(&snapshot);
    assert!(line.starts_with("The memscope allocator is not installed:"), "{line}");
    assert!(line.contains("declared allocations only") && line.contains("#[global_allocator]"), "{line}");
    snapshot.mode = Mode::Off;
    assert!(first_line(&snapshot).starts_with("Nothing was recorded:"));
    // Zeros of a recording that is off are no measurement.
    assert!(!whole::body(&snapshot).contains("data-from=\"/totals/live_bytes\""));
}

/// A column in which each row says 1 says nothing.
#[test]
fn what_a_row_of_threads_stands_for_is_told_where_it_is_more_than_one() {
    let mut snapshot = fixture::small();
    let says = |snapshot: &Snapshot| {
        let html = whole::body(snapshot);
        (html.contains("Stands for"), html.contains("data-from=\"/threads/1/threads\""))
    };
    assert_eq!(says(&snapshot), (true, true));
    snapshot.threads.iter_mut().for_each(|row| row.threads = 1);
    assert_eq!(says(&snapshot), (false, false));
    snapshot.threads[0].threads = 2;
    assert_eq!(says(&snapshot), (true, true));
}

/// Growing is a finding or none: never a 0 that nobody counted.
#[test]
fn growing_is_what_was_found() {
    let mut snapshot = fixture::small();
    let of = |snapshot: &Snapshot| memscope_dashboard::view::overview::overview(snapshot).growing.to_string();
    assert_eq!(of(&snapshot), "none found");
    snapshot.findings[0].kind = "growing".into();
    assert_eq!(of(&snapshot), "1");
    snapshot.trend_ms.clear();
    assert_eq!(of(&snapshot), "not measured");
}

/// An empty list says that there is none only where somebody looked.
#[test]
fn what_nobody_looked_for_is_not_said_to_be_none() {
    let mut snapshot = fixture::small();
    snapshot.variables[0].shared_with.clear();
    snapshot.foreign_frees.clear();
    for row in &mut snapshot.threads {
        row.foreign_deallocations = 0;
    }
    let (no_sharer, no_free) = ("no variable was seen to", "No thread was seen to free a block of another");
    let says = |snapshot: &Snapshot| {
        let html = whole::body(snapshot);
        (html.contains(no_sharer), html.contains(no_free))
    };
    assert_eq!(says(&snapshot), (true, true));
    snapshot.threads[1].foreign_deallocations = 1;
    snapshot.variables[0].blocks = None;
    assert_eq!(says(&snapshot), (false, false));
    snapshot.threads[1].foreign_deallocations = 0;
    snapshot.variables[0].blocks = Some(11);
    snapshot.mode = Mode::Declared;
    assert_eq!(says(&snapshot), (false, false));
}

/// Where a rate or a share stands, what it is called and defined as, where it comes from, and what it says.
#[test]
fn rates_and_efficiency_stand_beside_their_definitions() {
    let mut snapshot = fixture::exact(&fixture::small());
    snapshot.program.elapsed_ms = 2_000;
    let totals = &mut snapshot.totals;
    (totals.allocations, totals.allocated_bytes, totals.deallocated_bytes) = (50, 8_192, 4_096);
    (totals.live_bytes, totals.peak_bytes) = (6_144, 8_192);
    let root = parse(&whole::whole(&snapshot));
    let overview = root.by_id("overview").unwrap();
    let said = |label: &str| {
        let row = overview.find(|one| {
            ["div", "dd"].contains(&&*one.name)
                && one.elements().any(|term| term.name == "dt" && term.text().starts_with(label))
        });
        let row = row.unwrap_or_else(|| panic!("the overview has no {label}"));
        let figure = row.find(|one| one.attribute("data-from").is_some()).unwrap();
        let definition = row.find(|one| one.name == "small" || one.has_class("sub")).map(|one| one.text());
        (figure.attribute("data-from").unwrap().to_owned(), figure.text(), definition.unwrap_or_default())
    };
    // In two seconds: 50 allocations, 6,144 bytes that are alive, 4,096 freed; 6,144 of 8,192 are three quarters.
    for (label, from, text, definition) in [
        ("Allocation rate, mean", "/totals/allocations * 1000 / /program/elapsed_ms", "25/s", ""),
        (
            "Growth rate, mean",
            "/totals/live_bytes * 1000 / /program/elapsed_ms",
            "3.0 KiB/s",
            "live at export ÷ the recording's length",
        ),
        (
            "Churn rate, mean",
            "/totals/deallocated_bytes * 1000 / /program/elapsed_ms",
            "2.0 KiB/s",
            "bytes freed ÷ its length: they came and went",
        ),
        ("Memory efficiency", "/totals/live_bytes / /totals/peak_bytes", "75.0 %", "live ÷ peak"),
    ] {
        assert_eq!(said(label), (from.into(), text.into(), definition.into()), "{label}");
    }
    // Beside what was allocated, how much of it in a second: 8,192 bytes in two.
    let allocated = "/totals/allocated_bytes * 1000 / /program/elapsed_ms";
    let mean = overview.find(|one| one.attribute("data-from") == Some(allocated)).unwrap();
    assert_eq!(mean.text(), "4.0 KiB/s");
}
