//! A file that a program adds its state to, and what is left of it whatever happens.

#[path = "../../dashboard/tests/fixture/mod.rs"]
mod fixture;
mod said;

use memscope_runtime::format::{Appender, Recording, Written, read, read_file, recover, recover_file, write};
use memscope_runtime::snapshot::{Severity, Snapshot};
use std::fs;
use std::io::Cursor;

const FILE_HEADER_BYTES: usize = 12;

/// A small snapshot that differs by its number.
fn numbered(number: u64) -> Snapshot {
    let mut snapshot = fixture::small();
    snapshot.totals.live_bytes = number;
    snapshot
}

fn names(folder: &std::path::Path) -> usize {
    fs::read_dir(folder).expect("it is there").count()
}

#[test]
fn each_append_is_read_and_the_file_stays_within_its_bound() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s.memscope");
    fs::write(&path, "of an earlier run").expect("room");
    let mut appender = Appender::new(&path).most_bytes(20_000);
    let mut written = Vec::new();
    for number in 0..30 {
        written.push(appender.append(&numbered(number)).expect("room"));
        assert!(fs::metadata(&path).expect("it is there").len() <= 20_000);
        assert_eq!(read_file(&path).expect("it is whole"), numbered(number));
    }
    assert_eq!(written[0], Written::Replaced, "what an earlier run left is not appended to");
    assert!(written.iter().filter(|&&how| how == Written::Replaced).count() < 6, "{written:?}");
    assert_eq!(names(folder.path()), 1, "nothing is left beside");
    appender.sync().expect("it can be synced");
    // A snapshot that is larger than the bound is written all the same.
    let mut appender = Appender::new(&path).most_bytes(100);
    for number in 0..3 {
        assert_eq!(appender.append(&numbered(number)).expect("room"), Written::Replaced);
        assert_eq!(read_file(&path).expect("it is whole"), numbered(number));
    }
}

#[test]
fn a_file_that_somebody_else_changed_is_written_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s.memscope");
    let mut appender = Appender::new(&path);
    appender.append(&numbered(0)).expect("room");
    assert_eq!(appender.append(&numbered(1)).expect("room"), Written::Appended);
    fs::remove_file(&path).expect("it is there");
    assert_eq!(appender.append(&numbered(2)).expect("room"), Written::Replaced);
    fs::write(&path, "x").expect("room");
    assert_eq!(appender.append(&numbered(3)).expect("room"), Written::Replaced);
    assert_eq!(read_file(&path).expect("it is whole"), numbered(3));
}

/// What `SIGKILL` leaves at any byte of an append is a prefix of what is written.
#[test]
fn at_every_byte_of_an_append_the_snapshot_before_is_read_and_recovered() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s.memscope");
    let mut appender = Appender::new(&path);
    let [_, before, file] = [0, 1, 2].map(|number| {
        appender.append(&numbered(number)).expect("room");
        fs::read(&path).expect("it was written")
    });
    assert!(file.starts_with(&before), "an append changes nothing of what was there");
    let before = before.len();
    for len in before..=file.len() {
        let expected = if len < file.len() { 1 } else { 2 };
        let after = if len < file.len() { len - before } else { 0 };
        let read = read(&file[..len]).expect("two are whole");
        assert_eq!(read, said::earlier(&numbered(expected), after), "{len} bytes");
        let recovery = recover(Cursor::new(&file[..len])).expect("two are whole");
        assert_eq!(recovery.snapshot, numbered(expected), "{len} bytes");
        assert!(recovery.report.is_whole);
        let lost = if len < file.len() { len - before } else { 0 };
        assert_eq!(recovery.report.lost_bytes, lost as u64);
        assert_eq!(recovery.report.complete_snapshots, expected + 1);
    }
}

/// What a power cut may leave: the file has its length, and a page of it is zeros.
#[test]
fn with_a_hole_anywhere_the_last_whole_snapshot_is_recovered() {
    let parts = [write(&numbered(0)), write(&numbered(1))[FILE_HEADER_BYTES..].to_vec()];
    let file = parts.concat();
    for start in (FILE_HEADER_BYTES..file.len()).step_by(7) {
        let end = (start + 500).min(file.len());
        let mut holed = file.clone();
        holed[start..end].fill(0);
        match recover(Cursor::new(&holed)) {
            Ok(recovery) if start >= parts[0].len() => {
                assert_eq!(recovery.snapshot, numbered(0), "a hole at {start}");
            }
            Ok(recovery) if end <= parts[0].len() => {
                assert_eq!(recovery.snapshot, numbered(1), "a hole at {start}")
            }
            // The hole is in both.
            Ok(recovery) => assert!(!recovery.report.is_whole),
            Err(error) => {
                assert!(end > parts[0].len() && start < parts[0].len(), "a hole at {start}: {error}")
            }
        }
    }
}

#[test]
fn of_a_single_snapshot_what_is_whole_is_recovered_and_what_is_missing_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let [path, out] = ["s.memscope", "clean.memscope"].map(|name| folder.path().join(name));
    let snapshot = fixture::large(3_000);
    let file = write(&snapshot);
    let recording = Recording::from_source(Cursor::new(&file)).expect("it was just written");
    let chunks = recording.chunks().to_vec();
    let types = chunks.iter().position(|chunk| chunk.name() == Some("types")).expect("it has types");

    // Cut off in its types: scopes, variables, threads and tasks are whole.
    fs::write(&path, &file[..chunks[types].offset as usize + 30]).expect("room");
    let text = read_file(&path).expect_err("it is cut off").to_string();
    assert!(text.contains("is truncated") && text.contains("memscope recover"), "{text}");
    let mut recovery = recover_file(&path).expect("its head is whole");
    assert_eq!(recovery.snapshot.variables, snapshot.variables);
    assert_eq!(recovery.snapshot.totals, snapshot.totals);
    assert!(recovery.snapshot.types.is_empty());
    assert!(!recovery.report.is_whole && !recovery.report.has_end);
    let text = recovery.report.to_string();
    assert!(
        text.contains("up to where its writing was cut off") && text.contains("Lost: the 30 bytes"),
        "{text}"
    );
    recovery.save(&out).expect("room");
    let clean = read_file(&out).expect("it is clean");
    assert_eq!(clean, recovery.snapshot);
    assert_eq!(
        (clean.findings[0].kind.as_str(), clean.findings[0].severity),
        ("incomplete_recording", Severity::Error)
    );

    // Damaged in its types alone.
    let mut damaged = file.clone();
    damaged[chunks[types].offset as usize + 30] ^= 4;
    fs::write(&path, &damaged).expect("room");
    let recovery = recover_file(&path).expect("its head is whole");
    assert_eq!(recovery.report.damaged_parts, ["types"]);
    assert!(recovery.report.has_end);
    assert_eq!(recovery.snapshot.sites, snapshot.sites);
    assert!(recovery.snapshot.findings[0].message.contains("Damaged: types."));

    // Damaged in the first of its variables: the executions of those that are left are given no other's life.
    let variables = chunks.iter().position(|chunk| chunk.name() == Some("variables")).expect("it has some");
    let mut damaged = file.clone();
    damaged[chunks[variables].offset as usize + 30] ^= 4;
    fs::write(&path, &damaged).expect("room");
    let recovery = recover_file(&path).expect("its head is whole");
    assert_eq!(recovery.report.damaged_parts, ["variables", "lives of executions"]);
    let mut left = recovery.snapshot.variables.iter().flat_map(|row| &row.history);
    assert!(left.all(|instance| instance.peak_heap_bytes.is_none() && instance.seen.is_empty()));

    // Damaged in its head: nothing can be said of it.
    let mut damaged = file.clone();
    damaged[FILE_HEADER_BYTES + 30] ^= 4;
    fs::write(&path, &damaged).expect("room");
    let text = recover_file(&path).err().expect("its head is damaged").to_string();
    assert!(text.starts_with(path.to_str().expect("it is text")) && text.contains("(totals)"), "{text}");
}

#[test]
fn a_whole_snapshot_is_saved_byte_by_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let [path, out] = ["s.memscope", "clean.memscope"].map(|name| folder.path().join(name));
    let mut file = write(&numbered(0));
    file.extend(&write(&numbered(1))[FILE_HEADER_BYTES..]);
    file.extend([9; 77]);
    fs::write(&path, &file).expect("room");
    let mut recovery = recover_file(&path).expect("both are whole");
    assert_eq!(
        recovery.report.to_string(),
        format!(
            "The file of {} bytes has 2 complete snapshots. Saved: the last whole one, {} bytes from byte {}. Lost: the \
             77 bytes behind it. The first damage is at byte {}.",
            file.len(),
            write(&numbered(1)).len() - FILE_HEADER_BYTES,
            write(&numbered(0)).len(),
            file.len() - 77
        )
    );
    recovery.save(&out).expect("room");
    assert_eq!(fs::read(&out).expect("it was written"), write(&numbered(1)));
    // Over itself.
    recovery.save(&path).expect("room");
    assert_eq!(fs::read(&path).expect("it was written"), write(&numbered(1)));
}

/// A disk that fills up during an append.
#[cfg(unix)]
#[test]
fn an_append_that_fails_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("s.memscope");
    let child = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$0\" --exact --nocapture child"])
        .arg(std::env::current_exe().expect("it runs"))
        .env("MEMSCOPE_TEST_PATH", &path)
        .output()
        .expect("there is a shell");
    let output = String::from_utf8_lossy(&child.stdout);
    let appended = output.lines().find_map(|line| line.strip_prefix("child: "));
    let mut appended = appended.expect("it printed").split_whitespace();
    let (count, length): (u64, u64) = (
        appended.next().and_then(|count| count.parse().ok()).expect("a count"),
        appended.next().and_then(|length| length.parse().ok()).expect("a length"),
    );
    assert!(count > 5, "{output}");
    assert_eq!(fs::metadata(&path).expect("it is there").len(), length);
    let recording = Recording::open(&path).expect("it is whole");
    assert_eq!((recording.snapshots(), recording.bytes_after()), (count, 0));
    assert_eq!(read_file(&path).expect("it is whole"), numbered(count - 1));
    assert_eq!(names(folder.path()), 1);
}

/// Not a test of its own: appends until the disk is full, and prints how many snapshots went in, and their bytes.
#[cfg(unix)]
#[test]
fn child() {
    let Some(path) = std::env::var_os("MEMSCOPE_TEST_PATH") else { return };
    let mut appender = Appender::new(path.as_ref());
    let mut count = 0;
    let mut length = 0;
    while appender.append(&numbered(count)).is_ok() {
        count += 1;
        length = fs::metadata(&path).expect("it is there").len();
    }
    #[expect(clippy::print_stdout, reason = "the parent reads it")]
    {
        println!("child: {count} {length}");
    }
}
