//! The dashboard of a live process and that of its file are one page.
//!
//! One test, for its subject is the process.

use memscope::export::api::Exporter;
use memscope::model::Snapshot;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[memscope::track]
fn keeps(words: usize) -> Vec<String> {
    memscope::track_var!(let kept: Vec<String> = (0..words).map(|number| format!("word {number}")).collect());
    kept
}

/// What goes on in a program that does nothing but export, and why. Pointers into the document; `*` is any row.
const GOES_ON: [&str; 13] = [
    // Time passes.
    "/program/elapsed_ms",
    "/timeline",
    "/trend_ms",
    "/scopes/*/trend",
    "/memory_map/cells/*/young_blocks",
    "/lifetimes/*/live_",
    // The first export is work of memscope's own, and left its blocks in the heap and its pages resident.
    "/profiler/own_",
    "/fragmentation",
    "/memory_map/regions",
    // The observer went on looking at the threads.
    "/profiler/observer",
    "/scopes/*/activity",
    "/scopes/*/category",
    "/variables/*/category",
];

fn goes_on(pointer: &str) -> bool {
    GOES_ON.iter().any(|field| match field.split_once('*') {
        None => pointer.starts_with(field),
        Some((list, rest)) => pointer.strip_prefix(list).is_some_and(|row| {
            row.trim_start_matches(|digit: char| digit.is_ascii_digit()).starts_with(rest)
        }),
    })
}

/// The pointers at which two documents differ.
fn differences(one: &Value, other: &Value, at: &str, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) if one.keys().eq(other.keys()) => {
            one.iter()
                .for_each(|(key, value)| differences(value, &other[key], &format!("{at}/{key}"), found));
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let rows = one.iter().zip(other).enumerate();
            rows.for_each(|(index, (one, other))| differences(one, other, &format!("{at}/{index}"), found));
        }
        _ if one == other => {}
        _ => found.push(at.to_owned()),
    }
}

/// The page's figures: what each is computed from, and what it is.
fn figures(page: &str) -> BTreeMap<&str, &str> {
    let attribute = |tag: &'static str| {
        move |text: &'_ str| -> Option<(usize, usize)> {
            let start = text.find(tag)? + tag.len();
            Some((start, start + text[start..].find('"')?))
        }
    };
    let (from, value) = (attribute(" data-from=\""), attribute(" data-value=\""));
    let of_tag = |tag| {
        let ((a, b), (c, d)) = (from(tag)?, value(tag)?);
        Some((&tag[a..b], &tag[c..d]))
    };
    page.split('<').filter_map(of_tag).collect()
}

fn assert_is_one_page(snapshot: &Snapshot, folder: &Path) {
    let [live, file, page_of_it] = ["live.html", "one.memscope", "file.html"].map(|name| folder.join(name));
    memscope::export_snapshot(snapshot, &live).expect("it can be written");
    memscope::export_snapshot(snapshot, &file).expect("it can be written");
    Exporter::binary_to_html(&file, &page_of_it).expect("it was just written");
    let [live, file] = [live, page_of_it].map(|path| fs::read_to_string(path).expect("it was written"));
    let differs = live.lines().zip(file.lines()).find(|(live, file)| live != file);
    assert_eq!(differs, None);
    assert!(live == file, "one goes on");
}

#[test]
fn the_page_of_a_live_process_is_that_of_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let kept = keeps(1_000);
    let snapshot = memscope::snapshot();
    assert!(snapshot.totals.live_bytes > 0 && snapshot.variables.len() == 1);

    // Of one snapshot every byte is the same: the time stamp comes along with it.
    assert_is_one_page(&snapshot, folder);
    // Also where a file does not list everything: it lists 8,192 variables.
    let mut large = snapshot.clone();
    large.variables = (0..9_000)
        .map(|number| {
            let mut row = snapshot.variables[0].clone();
            row.name = format!("kept_{number:04}");
            row
        })
        .collect();
    assert_is_one_page(&large, folder);
    assert!(fs::read_to_string(folder.join("live.html")).expect("it was written").contains("kept_0000"));

    // Two exports of a program that does nothing else differ by what goes on meanwhile, and by nothing else.
    let [json, html, file, page_of_it] =
        ["live.json", "live.html", "two.memscope", "file.html"].map(|name| folder.join(name));
    memscope::export(&html).expect("it can be written");
    memscope::export(&json).expect("it can be written");
    memscope::export(&file).expect("it can be written");
    Exporter::binary_to_html(&file, &page_of_it).expect("it was just written");
    let live: Value = serde_json::from_slice(&fs::read(&json).expect("it was written")).expect("JSON");
    let of_file = memscope_runtime::format::read_file(&file).expect("it was just written");
    let mut differ = Vec::new();
    differences(&live, &serde_json::to_value(&of_file).expect("plain data"), "", &mut differ);
    let unexpected: Vec<&String> = differ.iter().filter(|pointer| !goes_on(pointer)).collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
    assert!(
        differ.iter().any(|pointer| pointer.starts_with("/profiler/own_")),
        "an export costs something: {differ:?}"
    );

    let [live, of_file] = [html, page_of_it].map(|path| fs::read_to_string(path).expect("it was written"));
    let [live, of_file] = [&live, &of_file].map(|page| figures(page));
    // A formula may have several pointers, with operators between them.
    let stays = |from: &str| !from.split(|c: char| !(c.is_alphanumeric() || "/_".contains(c))).any(goes_on);
    let stay = |page: &BTreeMap<&str, &str>| -> Vec<(String, String)> {
        let figures = page.iter().filter(|(from, _)| stays(from));
        figures.map(|(from, value)| ((*from).to_owned(), (*value).to_owned())).collect()
    };
    assert_eq!(stay(&live), stay(&of_file));
    assert!(stay(&live).len() > 50, "the page has figures that stay");
    drop(kept);
}
