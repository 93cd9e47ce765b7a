//! The command `memscope`, as a process: what it prints, and how it refuses bad input.
#![cfg(feature = "cli")]

mod fixture;

use memscope_runtime::format::{MAJOR, write};
use memscope_runtime::snapshot::Snapshot;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn memscope(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_memscope")).args(arguments).output().unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Exit code 2, nothing on stdout, one line on stderr that names the trouble.
fn assert_refused(output: &Output, says: &str) {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty());
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("memscope: ") && stderr.contains(says), "{stderr}");
}

#[test]
fn a_recording_becomes_a_page_and_text_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("s.memscope"), folder.path().join("s.html"));
    let snapshot = fixture::small();
    fs::write(&file, write(&snapshot)).unwrap();
    assert!(memscope(&["render", path(&file), "-o", path(&out)]).status.success());
    assert_eq!(fs::read_to_string(&out).unwrap(), memscope_dashboard::render(&snapshot).unwrap());
    let text = String::from_utf8(memscope(&["show", path(&file)]).stdout).unwrap();
    assert_eq!(text.lines().next(), Some("demo: live recording of 2.5 s"));
    // 5,000 bytes are 4.88 KiB, and its stage is Allocated.
    let line = text.lines().find(|line| line.contains("large_one")).unwrap();
    assert!(line.contains("4.9 KiB") && line.contains("Allocated"), "{text}");
    // Two are listed, and of 7,201 the recording has sums.
    assert!(text.contains("Variables by live bytes (2/7203)"), "{text}");
    let json = memscope(&["show", path(&file), "--json"]).stdout;
    let document: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(document, serde_json::to_value(&snapshot).unwrap());
}

#[test]
fn bad_input_is_refused_and_the_previous_page_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let good = write(&fixture::small());
    let mut newer = good.clone();
    newer[8..10].copy_from_slice(&(MAJOR + 1).to_le_bytes());
    fs::write(at("text"), "not a recording").unwrap();
    fs::write(at("truncated"), &good[..good.len() - 1]).unwrap();
    fs::write(at("newer"), newer).unwrap();
    fs::create_dir(at("folder")).unwrap();
    let out = at("out.html");
    fs::write(&out, "previous").unwrap();
    for (file, says) in [
        ("missing", "cannot be read"),
        ("folder", "cannot be read"),
        ("text", "is no .memscope recording"),
        ("truncated", "is truncated"),
        ("newer", "newer memscope"),
    ] {
        assert_refused(&memscope(&["render", path(&at(file)), "-o", path(&out)]), says);
        assert_refused(&memscope(&["show", path(&at(file))]), says);
        assert_eq!(fs::read_to_string(&out).unwrap(), "previous", "{file}");
    }
    let files = || fs::read_dir(folder.path()).unwrap().count();
    let before = files();
    fs::write(at("good"), good).unwrap();
    let good = at("good");
    assert_refused(&memscope(&["render", path(&good), "-o", path(&at("folder"))]), "it is a folder");
    let nowhere = at("nowhere").join("out.html");
    assert_refused(&memscope(&["render", path(&good), "-o", path(&nowhere)]), "make its folder first");
    // Nothing was left beside the outputs: only `good` is new.
    assert_eq!(files(), before + 1);
}

/// /proc takes no new file, for root neither.
#[cfg(target_os = "linux")]
#[test]
fn an_unwritable_output_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.memscope");
    fs::write(&file, write(&fixture::small())).unwrap();
    assert_refused(&memscope(&["render", path(&file), "-o", "/proc/out.html"]), "cannot be written");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.memscope");
    // More than a pipe holds (64 KiB), so that the write fails for want of a reader.
    fs::write(&file, write(&fixture::large(500))).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_memscope"))
        .args(["show", "--json", path(&file)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_recording_is_not_overwritten_by_its_own_page() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.memscope");
    let bytes = write(&fixture::small());
    fs::write(&file, &bytes).unwrap();
    assert_refused(&memscope(&["render", path(&file), "-o", path(&file)]), "is the recording itself");
    assert_eq!(fs::read(&file).unwrap(), bytes);
}

/// A file of two snapshots, of which the second is cut off.
fn cut_off() -> (Vec<u8>, usize) {
    let first = write(&fixture::small());
    let second = write(&fixture::large(3));
    ([&first[..], &second[12..300]].concat(), first.len())
}

#[test]
fn a_recording_that_was_cut_off_is_shown_with_a_word_and_recovered() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("s.memscope"), folder.path().join("clean.memscope"));
    let (bytes, whole) = cut_off();
    fs::write(&file, &bytes).unwrap();
    let output = memscope(&["show", "--json", path(&file)]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut shown: Snapshot = serde_json::from_value(document).unwrap();
    let told = shown.findings.iter().position(|row| row.kind == "earlier_state").expect("it says so");
    assert!(shown.findings.remove(told).message.contains("the last 288 bytes of the file"));
    assert_eq!(shown, fixture::small());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("the last 288 bytes belong to no complete snapshot"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1);

    let report = memscope(&["recover", path(&file)]);
    let text = String::from_utf8(report.stdout).unwrap();
    assert_eq!(
        text,
        format!(
            "{}: The file of {} bytes has 1 complete snapshot and 1 that is cut off or damaged. Saved: the last whole one, {} \
             bytes from byte 12. Lost: the 288 bytes behind it. The first damage is at byte {}. Nothing was written; -o \
             OUT.memscope writes a clean file.\n",
            path(&file),
            bytes.len(),
            whole - 12,
            text.split("at byte ").nth(1).and_then(|rest| rest.split('.').next()).unwrap(),
        )
    );
    assert!(report.stderr.is_empty());
    let report = memscope(&["recover", path(&file), "-o", path(&out)]);
    assert!(String::from_utf8(report.stdout).unwrap().ends_with(&format!(" Written to {}.\n", path(&out))));
    assert_eq!(fs::read(&out).unwrap(), write(&fixture::small()));
    assert_eq!(fs::read(&file).unwrap(), bytes, "the damaged file is left as it is");
    assert!(memscope(&["show", path(&out)]).stderr.is_empty());

    assert_refused(&memscope(&["recover", path(&file), "-o", path(&file)]), "is the damaged file itself");
    let nowhere = folder.path().join("nowhere/out");
    assert_refused(&memscope(&["recover", path(&file), "-o", path(&nowhere)]), "make its folder first");
    fs::write(&file, "MEMSCOPE").unwrap();
    assert_refused(&memscope(&["recover", path(&file)]), "is truncated");
    assert_refused(&memscope(&["recover", path(&nowhere)]), "cannot be read");
}

#[test]
fn the_parts_of_a_file_are_listed_with_their_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.memscope");
    let bytes = write(&fixture::large(2_000));
    fs::write(&file, &bytes).unwrap();
    let text = String::from_utf8(memscope(&["info", path(&file)]).stdout).unwrap();
    let recording = memscope_runtime::format::Recording::open(&file).unwrap();
    let of = |name| recording.chunks().iter().filter(move |chunk| chunk.name() == Some(name));
    let stored: u32 = of("variables").map(|chunk| chunk.stored_bytes).sum();
    let raw: u32 = of("variables").map(|chunk| chunk.raw_bytes).sum();
    let line = text.lines().find(|line| line.contains("variables")).unwrap();
    let figures: Vec<&str> = line.split_whitespace().skip(1).collect();
    assert_eq!(figures, [of("variables").count().to_string(), stored.to_string(), raw.to_string()], "{text}");
    assert!(
        text.contains(&format!("{} bytes, 1 snapshot complete, 0 bytes after the last", bytes.len())),
        "{text}"
    );
    fs::write(&file, &bytes[..40]).unwrap();
    assert_refused(&memscope(&["info", path(&file)]), "is truncated");
}

#[test]
fn two_recordings_are_compared_as_text_json_and_page() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let base = fixture::exact(&fixture::small());
    let mut then = base.clone();
    then.program.started_unix_ms += 1_000;
    then.variables[1].heap_bytes = Some(9_096);
    fs::write(at("base"), write(&base)).unwrap();
    fs::write(at("then"), write(&then)).unwrap();
    let (base_file, then_file, page) = (at("base"), at("then"), at("page.html"));
    let both = ["compare", path(&base_file), path(&then_file)];
    let text = String::from_utf8(memscope(&both).stdout).unwrap();
    // 9,096 − 5,000 bytes are 4 KiB; the small fixture folds variables, so it says so.
    let line = text.lines().find(|line| line.contains("large_one")).unwrap();
    assert!(line.starts_with(" grown") && line.contains("+4.0 KiB"), "{text}");
    assert!(
        text.contains("1 grown, 1 unchanged") && text.contains("! The baseline lists not everything"),
        "{text}"
    );
    let json = memscope(&[&both[..], &["--json"]].concat()).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json, serde_json::to_value(memscope_dashboard::compare::compare(&base, &then)).unwrap());
    assert_eq!(json["variables"][0]["differences"][0]["difference"], 4_096);
    let written = memscope(&[&both[..], &["-o", path(&page)]].concat());
    assert!(written.status.success() && written.stdout.is_empty());
    assert_eq!(fs::read_to_string(&page).unwrap(), memscope_dashboard::render_compare(&base, &then).unwrap());
    // Bad input: one line, and the page is left.
    fs::write(at("text"), "not a recording").unwrap();
    let (text_file, missing) = (at("text"), at("missing"));
    let output = ["-o", path(&page)];
    for (other, says) in [(&text_file, "is no .memscope recording"), (&missing, "cannot be read")] {
        for order in [[path(&base_file), path(other)], [path(other), path(&base_file)]] {
            assert_refused(&memscope(&[&["compare"], &order[..], &output].concat()), says);
            assert_refused(&memscope(&[&["trend"], &order[..], &output].concat()), says);
        }
    }
    for own in [&base_file, &then_file] {
        assert_refused(&memscope(&[&both[..], &["-o", path(own)]].concat()), "is the recording itself");
        let trend = ["trend", path(&base_file), path(&then_file), "-o", path(own)];
        assert_refused(&memscope(&trend), "is the recording itself");
    }
    assert!(fs::read_to_string(&page).unwrap().contains("comparison"));
}

#[test]
fn sessions_have_a_trend_as_text_json_and_page() {
    let folder = tempfile::tempdir().unwrap();
    let mut sessions = Vec::new();
    for number in 0..3_u64 {
        let mut session = fixture::exact(&fixture::small());
        session.program.started_unix_ms += number * 3_600_000;
        session.totals.live_bytes += number * 2_048;
        let file = folder.path().join(format!("{number}.memscope"));
        fs::write(&file, write(&session)).unwrap();
        sessions.push((session, file));
    }
    // In whichever order they are given.
    sessions.reverse();
    let files: Vec<&str> = sessions.iter().map(|(_, file)| path(file)).collect();
    let all: Vec<_> = sessions.iter().map(|(session, _)| session).collect();
    let arguments = [&["trend"], &files[..]].concat();
    let text = String::from_utf8(memscope(&arguments).stdout).unwrap();
    // 2,048 bytes more in each session, which are an hour apart.
    let line = text.lines().find(|line| line.contains("Live at export")).unwrap();
    assert_eq!(line.matches("+2.0 KiB").count(), 2, "{text}");
    let json = memscope(&[&arguments[..], &["--json"]].concat()).stdout;
    // As text, for a float that is read again may lose its last bit.
    let expected = serde_json::to_string_pretty(&memscope_dashboard::trend::trend(&all)).unwrap();
    assert_eq!(String::from_utf8(json).unwrap().trim_end(), expected);
    let page = folder.path().join("page.html");
    assert!(memscope(&[&arguments[..], &["-o", path(&page)]].concat()).status.success());
    assert_eq!(fs::read_to_string(&page).unwrap(), memscope_dashboard::render_trend(&all).unwrap());
    let one = String::from_utf8(memscope(&["trend", files[0]]).stdout).unwrap();
    // Said once: no cell of a table says so again, and the one session is not its own first and last.
    assert_eq!(one.matches("not computed").count(), 1, "{one}");
    assert!(
        one.contains("! Slopes are not computed: they take three sessions") && !one.contains(" first "),
        "{one}"
    );
    let twice = String::from_utf8(memscope(&["trend", files[0], files[0]]).stdout).unwrap();
    assert!(twice.lines().next().unwrap().ends_with("; not all are different recordings"), "{twice}");
    let itself = String::from_utf8(memscope(&["compare", files[0], files[0]]).stdout).unwrap();
    // The small fixture's length.
    assert_eq!(
        itself.lines().next(),
        Some("demo: one recording, compared with itself, of 2.5 s"),
        "{itself}"
    );
    // None at all is clap's to refuse.
    assert_eq!(memscope(&["trend"]).status.code(), Some(2));
}
