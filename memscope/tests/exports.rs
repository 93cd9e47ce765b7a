//! What `export` writes, and what bad input gives: a clear error, and the file that was there is as it was.

use memscope::{ExportError, track, track_var};
use std::fs;
use std::path::Path;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[track]
fn keep(bytes: usize) -> Vec<u8> {
    track_var!(let kept: Vec<u8> = vec![1; bytes]);
    kept
}

fn keys(value: &serde_json::Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn file_json_and_snapshot_are_one_document() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = keep(4_096);
    let recording = folder.path().join("a.memscope");
    memscope::export(&recording).expect("it can be written");
    let read = memscope_runtime::format::read_file(&recording).expect("it was just written");
    let row = read.variables.iter().find(|row| row.name == "kept").expect("it was tracked");
    assert_eq!(row.heap_bytes, Some(4_096));
    assert_eq!(row.type_name.as_deref(), Some("alloc::vec::Vec<u8>"));

    let json = folder.path().join("a.json");
    memscope::export(&json).expect("it can be written");
    let json: serde_json::Value = serde_json::from_slice(&fs::read(&json).expect("written")).expect("JSON");
    let file = serde_json::to_value(&read).expect("plain data");
    let live = serde_json::to_value(memscope::snapshot()).expect("plain data");
    for document in [&json, &file, &live] {
        // The keys that others build on.
        let first =
            ["mode", "totals", "scopes", "variables", "threads", "types", "timeline", "findings", "profiler"];
        assert!(first.iter().all(|key| keys(document).contains(key)), "{:?}", keys(document));
        let totals = [
            "allocations",
            "deallocations",
            "reallocations",
            "allocated_bytes",
            "deallocated_bytes",
            "live_allocations",
            "live_bytes",
            "peak_bytes",
        ];
        assert!(totals.iter().all(|key| document["totals"][key].is_u64()));
        let scope = &document["scopes"][0];
        for memory in ["exclusive", "inclusive"] {
            let memory = keys(&scope[memory]);
            assert!(
                ["allocations", "allocated_bytes", "live_bytes", "live_at_peak_bytes"]
                    .iter()
                    .all(|key| memory.contains(key))
            );
        }
        assert!(["path", "file", "line", "calls"].iter().all(|key| keys(scope).contains(key)));
        let variable = keys(&document["variables"][0]);
        let named = [
            "name",
            "type_name",
            "scope",
            "file",
            "line",
            "instances",
            "active_instances",
            "stage",
            "heap_bytes",
            "blocks",
        ];
        assert!(named.iter().all(|key| variable.contains(key)), "{variable:?}");
        assert_eq!(
            keys(&document["timeline"][0]),
            ["live_bytes", "live_bytes_error", "ms", "resident_bytes"]
        );
        // Errors are those of estimates; this is no estimate.
        assert!(document["timeline"][0]["live_bytes_error"].is_null());
        let profiler = keys(&document["profiler"]);
        assert!(
            ["own_bytes", "unrecorded_events", "blocks_before_start", "sampling"]
                .iter()
                .all(|key| profiler.contains(key))
        );
        assert_eq!(document["mode"], "live");
    }
    drop(kept);
}

#[test]
fn another_extension_is_refused_and_the_three_are_named() {
    for path in ["session", "session.txt", "session.memscope.gz", ""] {
        let error = memscope::export(path).expect_err("no format");
        assert!(matches!(error, ExportError::UnknownExtension { .. }), "{error:?}");
        let text = error.to_string();
        assert!([".memscope", ".html", ".json"].iter().all(|extension| text.contains(extension)), "{text}");
        assert!(text.lines().count() == 1);
    }
}

#[test]
fn a_path_that_cannot_be_written_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    for extension in ["memscope", "html", "json"] {
        let as_folder = folder.path().join(format!("folder.{extension}"));
        fs::create_dir(&as_folder).expect("a folder");
        let missing = folder.path().join(format!("missing/file.{extension}"));
        let below_a_file = Path::new("/dev/null").join(format!("file.{extension}"));
        for path in [as_folder.clone(), missing, below_a_file] {
            let error = memscope::export(&path).expect_err("it cannot be written");
            assert!(matches!(error, ExportError::Io { .. }), "{error:?}");
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
        assert!(as_folder.is_dir());
    }
    // Only the three folders: nothing half-written was left beside.
    assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 3);
}

#[test]
fn a_failed_conversion_leaves_the_old_page() {
    use memscope::export::api::Exporter;

    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("page.html");
    fs::write(&page, "the old page").expect("it can be written");
    let recording = folder.path().join("a.memscope");
    memscope::export(&recording).expect("it can be written");
    let whole = fs::read(&recording).expect("it was just written");

    let mut newer = whole.clone();
    newer[8] = 99; // the major version
    let mut damaged = whole.clone();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    let cases: [(&str, &[u8], &str); 6] = [
        ("empty", b"", "no .memscope recording"),
        ("text", b"hello, I am a text", "no .memscope recording"),
        ("truncated", &whole[..whole.len() / 2], "truncated"),
        ("headless", &whole[..20], "truncated"),
        ("newer", &newer, "newer memscope"),
        ("damaged", &damaged, "is damaged at byte"),
    ];
    for (name, bytes, says) in cases {
        let path = folder.path().join(format!("{name}.memscope"));
        fs::write(&path, bytes).expect("it can be written");
        let error = Exporter::binary_to_html(&path, &page).expect_err(name).to_string();
        assert!(error.contains(says) && error.contains(name), "{name}: {error}");
        assert_eq!(fs::read_to_string(&page).expect("it is there"), "the old page", "{name}");
    }
    for path in [folder.path().join("not-there.memscope"), folder.path().to_owned()] {
        let error = Exporter::binary_to_html(&path, &page).expect_err("no file");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    assert_eq!(fs::read_to_string(&page).expect("it is there"), "the old page");
}
