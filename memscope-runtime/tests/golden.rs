//! Files of each version stay readable for ever: `golden/vN-NAME.memscope` gives what `golden/vN-NAME.json` says.
//!
//! Until the first release the model still changes, and this version's files are written anew with
//!
//! ```text
//! UPDATE_GOLDEN=1 cargo test -p memscope-runtime --no-default-features --test golden
//! ```
//!
//! From the first release on they are frozen: a change that needs them written anew breaks every file that users have. Then
//! a new major version writes files of its own beside them (the name has the version, so the same command does it), and
//! the older ones are left as they are. A field that was added since is not in an older JSON; there it must read "not
//! measured", 0 or empty.

#[path = "../../dashboard/tests/fixture/mod.rs"]
mod fixture;
mod said;

use memscope_runtime::format::{MAJOR, Recording, read_file, write};
use memscope_runtime::snapshot::Snapshot;
use serde_json::Value;
use std::fs;
use std::io::Cursor;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// What this version's files hold.
fn of_this_version() -> Vec<(&'static str, Snapshot, Vec<u8>)> {
    let [small, mut exact] = [fixture::small(), fixture::exact(&fixture::large(4))];
    exact.scopes.truncate(5);
    exact.tasks.truncate(3);
    exact.timeline.truncate(20);
    exact.blocks.largest.truncate(9);
    let appended = [&write(&exact)[..], &write(&small)[12..], &write(&exact)[12..500]].concat();
    vec![
        ("small", small.clone(), write(&small)),
        ("exact", exact.clone(), write(&exact)),
        ("mapped", fixture::mapped(&exact), write(&fixture::mapped(&exact))),
        // 500 bytes of a third snapshot, less the file's header.
        ("appended", said::earlier(&small, 488), appended),
    ]
}

/// Writes this version's files. Only on demand: a test run leaves the folder as it is.
fn update() {
    for (name, snapshot, file) in of_this_version() {
        let path = folder().join(format!("v{MAJOR}-{name}"));
        fs::write(path.with_extension("memscope"), file).expect("room");
        let json = serde_json::to_string_pretty(&snapshot).expect("it is plain data") + "\n";
        fs::write(path.with_extension("json"), json).expect("room");
    }
}

/// Whether `found` says all that `golden` says; what it says beyond that must say nothing.
fn assert_says(golden: &Value, found: &Value, at: &str) {
    match (golden, found) {
        (Value::Object(golden), Value::Object(found)) => {
            for (key, golden) in golden {
                let found =
                    found.get(key).unwrap_or_else(|| panic!("{at}/{key} is gone: keys are never renamed"));
                assert_says(golden, found, &format!("{at}/{key}"));
            }
            for (key, found) in found.iter().filter(|(key, _)| !golden.contains_key(*key)) {
                assert!(says_nothing(found), "{at}/{key} is {found}, of a file from before it was added");
            }
        }
        (Value::Array(golden), Value::Array(found)) => {
            assert_eq!(golden.len(), found.len(), "{at}");
            for (index, (golden, found)) in golden.iter().zip(found).enumerate() {
                assert_says(golden, found, &format!("{at}/{index}"));
            }
        }
        _ => assert_eq!(golden, found, "{at}"),
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_u64() == Some(0),
        Value::String(value) => value.is_empty(),
        Value::Array(rows) => rows.is_empty(),
        Value::Object(fields) => fields.values().all(says_nothing),
    }
}

#[test]
fn files_of_every_version_are_read() {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        update();
    }
    let mut read = Vec::new();
    for entry in fs::read_dir(folder()).expect("the golden files are in the repository") {
        let path = entry.expect("it can be listed").path();
        if path.extension().is_some_and(|extension| extension == "memscope") {
            let snapshot = read_file(&path).unwrap_or_else(|error| panic!("{error}"));
            let golden = fs::read(path.with_extension("json")).expect("each file has its JSON");
            let golden: Value = serde_json::from_slice(&golden).expect("it is JSON");
            let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
            assert_says(&golden, &serde_json::to_value(&snapshot).expect("it is plain data"), &name);
            read.push(name);
        }
    }
    for (name, ..) in of_this_version() {
        let name = format!("v{MAJOR}-{name}");
        assert!(read.contains(&name), "{name} is missing; UPDATE_GOLDEN=1 writes this version's files");
    }
    let appended =
        Recording::open(&folder().join(format!("v{MAJOR}-appended.memscope"))).expect("two are whole");
    assert_eq!((appended.snapshots(), appended.bytes_after()), (2, 488));
}

/// A change of the model or the format shows here, before it shows to users.
#[test]
fn this_versions_files_are_what_is_written() {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return; // the other test writes them
    }
    for (name, _, file) in of_this_version() {
        let path = folder().join(format!("v{MAJOR}-{name}.memscope"));
        let golden = fs::read(&path).expect("the golden files are in the repository");
        // Not byte by byte: a later version of the codec may pack the same rows otherwise.
        let rows = |file: &[u8]| -> Vec<(u16, u32)> {
            let recording = Recording::from_source(Cursor::new(file)).expect("its last snapshot is whole");
            recording.chunks().iter().map(|chunk| (chunk.kind, chunk.raw_bytes)).collect()
        };
        assert!(
            rows(&golden) == rows(&file),
            "{} is not what is written any more. Before the first release: UPDATE_GOLDEN=1 writes it anew. After it: \
             add fields at a row's end with a default, or raise MAJOR.",
            path.display()
        );
    }
}
