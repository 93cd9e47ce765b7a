//! One hostile recording through every output of the command: terminal, JSON, CSV, page, file names.
#![cfg(feature = "cli")]

#[path = "fixture/breakout.rs"]
mod breakout;
mod fixture;

use memscope_runtime::format::{read_file, write};
use memscope_runtime::snapshot::Snapshot;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const LISTS: [&str; 5] = ["variables", "scopes", "sites", "threads", "blocks"];

/// A folder in a folder, so that a name that climbs out of the inner one is found in the outer one.
struct Folders {
    outer: tempfile::TempDir,
    inner: PathBuf,
}

impl Folders {
    fn new() -> Folders {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        fs::create_dir(&inner).unwrap();
        Folders { outer, inner }
    }

    /// All files in them, sorted.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = [self.outer.path(), &self.inner]
            .iter()
            .flat_map(|folder| fs::read_dir(folder).unwrap())
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn memscope(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_memscope"));
        command.current_dir(&self.inner).args(arguments).output().unwrap()
    }
}

/// What a terminal obeys, or what turns the reading of what stands beside it.
fn is_obeyed(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{2028}' | '\u{2029}')
}

/// What was printed, on stdout and stderr, of which a terminal obeys nothing.
fn harmless(output: &Output) -> (String, String) {
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8(bytes.clone()).unwrap());
    for text in [&stdout, &stderr] {
        let obeyed: Vec<char> = text.chars().filter(|&c| is_obeyed(c)).collect();
        assert!(obeyed.is_empty(), "{obeyed:?} in {text:?}");
    }
    (stdout, stderr)
}

/// The recordings in which each hostile name comes to stand in each place.
fn recordings() -> impl Iterator<Item = Snapshot> {
    (0..breakout::names().len()).map(breakout::mixed)
}

#[test]
fn the_terminal_gets_text_alone() {
    let folders = Folders::new();
    let file = folders.inner.join("s.memscope");
    for snapshot in recordings() {
        let whole = write(&snapshot);
        fs::write(&file, &whole).unwrap();
        for arguments in [&["show"][..], &["info"], &["recover"], &["recover", "-o", "clean.memscope"]] {
            let (command, options) = arguments.split_first().unwrap();
            let output = folders.memscope(&[&[command, "s.memscope"], options].concat());
            let (stdout, stderr) = harmless(&output);
            assert!(output.status.success() && stderr.is_empty(), "{stderr}");
            // A name makes no line of its own.
            assert!(!stdout.lines().any(|line| line.starts_with("memscope: forged")), "{stdout}");
        }
        // Cut off, and damaged: what is said of it names parts, not names.
        fs::write(&file, [&whole[..], &whole[12..400]].concat()).unwrap();
        for command in ["show", "info", "recover"] {
            let (_, stderr) = harmless(&folders.memscope(&[command, "s.memscope"]));
            assert!(stderr.lines().count() <= 1, "{stderr}");
        }
        fs::write(&file, &whole[..whole.len() - 40]).unwrap();
        for command in ["show", "info", "recover"] {
            harmless(&folders.memscope(&[command, "s.memscope"]));
        }
    }
    assert_eq!(
        folders.names(),
        ["clean.memscope", "inner", "s.memscope"],
        "no file is named after a recorded name"
    );
}

#[test]
fn a_files_own_name_is_text_too() {
    let folders = Folders::new();
    // A file's name has no zero, no slash and at most 255 bytes.
    let is_name = |name: &String| !name.is_empty() && !name.contains(['\0', '/']) && name.len() < 200;
    let names: Vec<String> = breakout::names().into_iter().filter(is_name).collect();
    assert!(names.len() > 8);
    for name in &names {
        // Behind `--`, for some begin like an option.
        for command in ["show", "info", "recover"] {
            let output = folders.memscope(&[command, "--", name]);
            let (stdout, stderr) = harmless(&output);
            assert_eq!((output.status.code(), stdout.as_str()), (Some(2), ""));
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
        }
        fs::write(folders.inner.join(name), write(&fixture::small())).unwrap();
        for command in ["show", "info", "recover"] {
            let output = folders.memscope(&[command, "--", name]);
            harmless(&output);
            assert!(output.status.success());
        }
        harmless(&folders.memscope(&["render", "-o", "page.html", "--", name]));
    }
}

#[test]
fn json_means_what_the_recording_says() {
    let folders = Folders::new();
    let file = folders.inner.join("s.memscope");
    for snapshot in recordings() {
        fs::write(&file, write(&snapshot)).unwrap();
        let (json, stderr) = harmless(&folders.memscope(&["show", "s.memscope", "--json"]));
        assert!(stderr.is_empty(), "{stderr}");
        let document: Value = serde_json::from_str(&json).unwrap();
        let recorded = read_file(&file).unwrap();
        assert_eq!(document, serde_json::to_value(&recorded).unwrap());
        assert_eq!(serde_json::from_value::<Snapshot>(document).unwrap(), recorded);
    }
}

/// A text as a cell has it, said here a second time.
fn as_cell(text: &str) -> String {
    let is_formula = text.chars().next().is_some_and(|first| "=+-@\t\r\n＝＋－＠".contains(first));
    format!("{}{}", if is_formula { "'" } else { "" }, memscope_dashboard::text::visible(text))
}

fn read_csv(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let strings = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
    let header = strings(reader.headers().unwrap());
    (header, reader.records().map(|record| strings(&record.unwrap())).collect())
}

#[test]
fn csv_has_texts_and_numbers_and_no_formula() {
    let folders = Folders::new();
    let file = folders.inner.join("s.memscope");
    let mut texts = 0;
    for snapshot in recordings() {
        fs::write(&file, write(&snapshot)).unwrap();
        let recorded = read_file(&file).unwrap();
        let document = serde_json::to_value(&recorded).unwrap();
        for list in LISTS {
            let (text, _) = harmless(&folders.memscope(&["show", "s.memscope", "--csv", list]));
            let (header, rows) = read_csv(&text);
            let listed = if list == "blocks" { &document["blocks"]["largest"] } else { &document[list] };
            let listed = listed.as_array().unwrap();
            assert_eq!(rows.len(), listed.len(), "{list}");
            for (cells, row) in rows.iter().zip(listed) {
                for (column, cell) in header.iter().zip(cells) {
                    assert!(
                        !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']),
                        "{list} {column}: {cell}"
                    );
                    // `exclusive_live_bytes` is `exclusive/live_bytes`.
                    let objects = ["exclusive", "inclusive", "fates"];
                    let nested = objects
                        .iter()
                        .find_map(|object| Some((object, column.strip_prefix(&format!("{object}_"))?)));
                    let value = match nested {
                        Some((object, key)) => &row[object][key],
                        None if column == "category_kind" => &row["category"]["kind"],
                        None => row.get(column).unwrap_or_else(|| panic!("{list} has no {column}")),
                    };
                    match value {
                        _ if list == "blocks"
                            && ["address", "scope", "variable"].contains(&column.as_str()) => {}
                        Value::Null => assert_eq!(cell, "", "{column}"),
                        Value::String(value) => {
                            assert_eq!(*cell, as_cell(value), "{column}");
                            texts += 1;
                        }
                        Value::Array(names) => {
                            let names: Vec<&str> = names.iter().map(|name| name.as_str().unwrap()).collect();
                            let expected = match names[..] {
                                [] if column == "path" => "whole program".to_owned(),
                                [] => "outside tracked functions".to_owned(),
                                _ => as_cell(&names.join(" › ")),
                            };
                            assert_eq!(*cell, expected, "{column}");
                        }
                        number => assert_eq!(*cell, number.to_string(), "{column}"),
                    }
                }
            }
        }
    }
    // Each recording has some dozens of them: two variables' names, types and files, scopes' files, sites' five texts …
    assert!(texts > 24 * breakout::names().len(), "{texts}");
}

#[test]
fn csv_has_headers_with_units_and_figures_that_are_the_documents() {
    let folders = Folders::new();
    fs::write(folders.inner.join("s.memscope"), write(&fixture::small())).unwrap();
    let output = folders.memscope(&["show", "s.memscope", "--csv", "variables"]);
    let (header, rows) = read_csv(std::str::from_utf8(&output.stdout).unwrap());
    assert_eq!(&header[..4], ["name", "type_name", "scope", "file"]);
    let column = |name: &str| header.iter().position(|column| column == name).unwrap();
    // The fixture's large_one: 5,000 bytes, in main › build_index.
    let row = rows.iter().find(|row| row[0] == "large_one").unwrap();
    assert_eq!(row[column("heap_bytes")], "5000");
    assert_eq!(row[column("scope")], "main › build_index");
    // The recording has sums of 7,201 more.
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("7201 rows more are not in the recording one by one"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1);

    let refused = folders.memscope(&["show", "s.memscope", "--csv", "everything"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        String::from_utf8(refused.stderr)
            .unwrap()
            .contains("[possible values: variables, scopes, sites, threads, blocks]")
    );
    let refused = folders.memscope(&["show", "s.memscope", "--csv", "scopes", "--json"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn csv_lists_all_live_blocks_where_the_recording_does() {
    let folders = Folders::new();
    let file = folders.inner.join("s.memscope");
    let snapshot = fixture::small();
    let mut block = snapshot.blocks.largest[0].clone();
    memscope_runtime::format::write_file_with_all_blocks(&file, &snapshot, |each| {
        for number in 0..5_000 {
            block.address = 0x10_0000 + 32 * number;
            block.bytes = number + 1;
            each(block.clone());
        }
    })
    .unwrap();
    let output = folders.memscope(&["show", "s.memscope", "--csv", "blocks"]);
    let (header, rows) = read_csv(std::str::from_utf8(&output.stdout).unwrap());
    assert_eq!(header, ["address", "bytes", "scope", "thread", "allocated_ms", "variable"]);
    assert_eq!(rows.len(), 5_000);
    // The last of them: 0x10_0000 + 32 · 4,999 is 0x1270e0, of 5,000 bytes.
    assert_eq!(&rows[4_999][..2], ["0x1270e0", "5000"]);
    assert!(output.stderr.is_empty());
    let info = String::from_utf8(folders.memscope(&["info", "s.memscope"]).stdout).unwrap();
    // 1 + 2 + … + 5,000 = 12,502,500.
    assert!(info.contains("Each of 5000 live blocks is listed, 12502500 bytes together"), "{info}");
}

#[test]
fn the_page_is_whole_and_nothing_in_it_is_obeyed() {
    let folders = Folders::new();
    let page = |snapshot: &Snapshot| {
        fs::write(folders.inner.join("s.memscope"), write(snapshot)).unwrap();
        harmless(&folders.memscope(&["render", "s.memscope", "-o", "page.html"]));
        fs::read_to_string(Path::new(&folders.inner).join("page.html")).unwrap()
    };
    let scripts = page(&fixture::small()).matches("<script").count();
    for snapshot in recordings() {
        let page = page(&snapshot);
        assert_eq!(page.matches("<script").count(), scripts);
        assert!(!page.contains("<svg/onload") && !page.contains("<img"));
        assert!(!page.chars().any(|c| is_obeyed(c) && c != '\t'), "a mark that is obeyed");
    }
    assert_eq!(folders.names(), ["inner", "page.html", "s.memscope"]);
}
