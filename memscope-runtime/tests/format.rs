//! The file format: round trip, and every way in which a file can be broken.

use memscope_runtime::format::{ReadErrorKind, read, replace_file, write};
use memscope_runtime::nothing_recorded;
use memscope_runtime::snapshot::{Finding, Severity, Snapshot, TimelinePoint};

fn sample() -> Snapshot {
    let mut snapshot = nothing_recorded(true);
    snapshot.program.started_unix_ms = 1_700_000_000_000; // the same at every call
    snapshot.timeline =
        (0..20).map(|ms| TimelinePoint { ms, live_bytes: u64::MAX - ms, live_bytes_error: None }).collect();
    snapshot.findings.push(Finding {
        kind: "a_kind".to_owned(),
        severity: Severity::Note,
        message: "</script>\u{202e}\0 é".to_owned(),
        scope: vec![String::new(), "b".to_owned()],
        variable: None,
        evidence: Vec::new(),
        saving_bytes: Some(7),
    });
    snapshot
}

#[test]
fn what_is_written_is_read() {
    assert_eq!(read(&write(&sample())).expect("it was just written"), sample());
}

#[test]
fn every_truncation_is_an_error() {
    let whole = write(&sample());
    for len in 0..whole.len() {
        let error = read(&whole[..len]).expect_err("a part is no recording");
        let expected = match len {
            0 => matches!(error.kind, ReadErrorKind::NotARecording),
            // The header alone is a file without a chunk.
            12 => matches!(error.kind, ReadErrorKind::Empty),
            _ => matches!(error.kind, ReadErrorKind::Truncated { .. }),
        };
        assert!(expected, "{len} bytes: {error:?}");
    }
}

#[test]
fn every_flipped_bit_is_an_error_or_is_unused() {
    let whole = write(&sample());
    for index in 0..whole.len() {
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[index] ^= 1 << bit;
            match read(&flipped) {
                Err(_) => {}
                // The minor version says what was added.
                Ok(snapshot) => {
                    assert!((10..12).contains(&index), "byte {index} bit {bit}");
                    assert_eq!(snapshot, sample());
                }
            }
        }
    }
}

#[test]
fn unknown_chunks_are_skipped_and_a_huge_length_allocates_nothing() {
    let whole = write(&sample());
    let mut with_unknown = whole[..12].to_vec();
    with_unknown.extend_from_slice(&77u32.to_le_bytes());
    with_unknown.extend_from_slice(&3u64.to_le_bytes());
    with_unknown.extend_from_slice(&0x352441C2u32.to_le_bytes()); // CRC-32 of "abc", a known value
    with_unknown.extend_from_slice(b"abc");
    with_unknown.extend_from_slice(&whole[12..]);
    assert_eq!(read(&with_unknown).expect("the rest is whole"), sample());

    let mut huge = whole.clone();
    huge[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(
        read(&huge).expect_err("nothing is that long").kind,
        ReadErrorKind::Truncated { needed: u64::MAX, .. }
    ));
}

#[test]
fn a_file_is_replaced_as_a_whole_or_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.memscope");
    replace_file(&path, b"first").expect("it can be written");
    replace_file(&path, b"second").expect("it can be written");
    assert_eq!(std::fs::read(&path).expect("it is there"), b"second");
    assert!(replace_file(folder.path(), b"x").is_err());
    assert!(replace_file(&folder.path().join("missing/a"), b"x").is_err());
    assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 1, "nothing is left beside");
}
