//! The hex dump of `docs/format.md` is what the writer writes, and the figures there are the constants of the code.
//!
//! `UPDATE_DOCS=1 cargo test -p memscope-runtime --no-default-features --test format_doc` writes the dump anew.

use memscope_runtime::format::{MAJOR, MINOR, MOST_FILE_BYTES, MOST_RAW_BYTES, Recording, write};
use memscope_runtime::nothing_recorded;
use memscope_runtime::snapshot::{Mode, Snapshot, TimelinePoint};
use std::fmt::Write as _;
use std::fs;
use std::io::Cursor;
use std::path::Path;

const BEGIN: &str = "<!-- hex dump: written by tests/format_doc.rs -->\n```text\n";
const END: &str = "```\n<!-- end of the hex dump -->";

/// A tiny snapshot, the same on every machine.
fn tiny() -> Snapshot {
    let mut snapshot = nothing_recorded(true);
    snapshot.mode = Mode::Live;
    snapshot.program.name = "demo".to_owned();
    snapshot.program.pid = 7;
    snapshot.program.started_unix_ms = 1_700_000_000_000;
    snapshot.program.elapsed_ms = 300;
    snapshot.program.os = "linux".to_owned();
    snapshot.program.arch = "x86_64".to_owned();
    snapshot.program.memscope_version = "0.1.0".to_owned();
    snapshot.totals.allocations = 2;
    snapshot.totals.allocated_bytes = 640;
    snapshot.totals.live_allocations = 2;
    snapshot.totals.live_bytes = 640;
    snapshot.totals.peak_bytes = 640;
    snapshot.timeline = vec![
        TimelinePoint { ms: 0, live_bytes: 0, live_bytes_error: None, resident_bytes: None },
        TimelinePoint { ms: 300, live_bytes: 640, live_bytes_error: None, resident_bytes: Some(2_097_152) },
    ];
    snapshot
}

fn hex(line: &mut String, bytes: &[u8]) {
    for byte in bytes {
        write!(line, "{byte:02x} ").expect("writing to a String cannot fail");
    }
}

/// Offset, bytes, what they are: a line for each field of a header, sixteen bytes a line for a payload.
fn dump(file: &[u8]) -> String {
    let mut out = String::new();
    let mut unpacked = Vec::new();
    let mut field = |offset: usize, length: usize, what: &str| {
        for (line, bytes) in file[offset..offset + length].chunks(16).enumerate() {
            let mut text = format!("{:04x}  ", offset + 16 * line);
            hex(&mut text, bytes);
            let what = if line == 0 { what } else { "" };
            out.push_str(format!("{text:<54}  {what}").trim_end());
            out.push('\n');
        }
    };
    field(0, 8, "magic \"MEMSCOPE\"");
    field(8, 2, "major version");
    field(10, 2, "minor version");
    let recording = Recording::from_source(Cursor::new(file)).expect("it was just written");
    let last = recording
        .chunks()
        .last()
        .map_or(12, |chunk| chunk.offset as usize + 24 + chunk.stored_bytes as usize);
    let starts = recording.chunks().iter().map(|chunk| chunk.offset as usize).chain([last]);
    for start in starts {
        let number = |at: usize, length: usize| {
            let mut bytes = [0; 8];
            bytes[..length].copy_from_slice(&file[start + at..start + at + length]);
            u64::from_le_bytes(bytes)
        };
        let (kind, codec, stored) = (number(4, 2), number(6, 1), number(8, 4) as usize);
        let name = recording
            .chunks()
            .iter()
            .find(|chunk| u64::from(chunk.kind) == kind)
            .and_then(|chunk| chunk.name());
        field(start, 4, &format!("marker \"CHNK\" of {}", name.unwrap_or("end")));
        field(start + 4, 2, &format!("kind {kind}"));
        field(start + 6, 1, if codec == 1 { "codec: LZ4" } else { "codec: as it is" });
        field(start + 7, 1, "flags: required");
        field(start + 8, 4, &format!("stored length: {stored}"));
        field(start + 12, 4, &format!("raw length: {}", number(12, 4)));
        field(start + 16, 4, "checksum of the payload");
        field(start + 20, 4, "checksum of this header");
        field(start + 24, stored, "payload");
        if codec == 1 {
            unpacked.push((start + 24, number(12, 4) as usize, stored));
        }
    }
    for (start, raw_bytes, stored) in unpacked {
        let raw = lz4_flex::block::decompress(&file[start..start + stored], raw_bytes)
            .expect("it was just compressed");
        writeln!(out, "\nThe payload at {start:04x}, uncompressed: its rows")
            .expect("writing to a String cannot fail");
        rows(&mut out, &raw);
    }
    out
}

/// The number of rows, and each row behind its length. In the example no row is longer than 127 bytes, so a length is a byte.
fn rows(out: &mut String, raw: &[u8]) {
    let mut line = |offset: usize, bytes: &[u8], what: &str| {
        for (part, bytes) in bytes.chunks(16).enumerate() {
            let mut text = format!("{:04x}  ", offset + 16 * part);
            hex(&mut text, bytes);
            let what = if part == 0 { what } else { "" };
            out.push_str(format!("{text:<54}  {what}").trim_end());
            out.push('\n');
        }
    };
    line(0, &raw[..1], "rows");
    let names = ["mode", "program", "totals", "fragmentation", "folded blocks", "folded", "profiler"];
    assert_eq!(usize::from(raw[0]), names.len());
    let mut offset = 1;
    for name in names {
        let length = usize::from(raw[offset]);
        assert!(length < 0x80);
        line(offset, &raw[offset..=offset + length], name);
        offset += 1 + length;
    }
    assert_eq!(offset, raw.len());
}

#[test]
fn the_hex_dump_is_what_the_writer_writes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/format.md");
    let doc = fs::read_to_string(&path).expect("it is in the repository");
    let (before, rest) = doc.split_once(BEGIN).expect("it has the dump");
    let (written, after) = rest.split_once(END).expect("the dump ends");
    let dump = dump(&write(&tiny()));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, [before, BEGIN, &dump, END, after].concat()).expect("room");
        return;
    }
    assert_eq!(written, dump, "UPDATE_DOCS=1 writes it anew");
}

#[test]
fn the_figures_are_those_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/format.md");
    let doc = fs::read_to_string(&path).expect("it is in the repository");
    for figure in [
        format!("major version, {MAJOR}"),
        format!("minor version, {MINOR}"),
        format!("at most {} MiB", MOST_FILE_BYTES >> 20),
        format!("at most {} MiB of raw bytes", MOST_RAW_BYTES >> 20),
    ] {
        assert!(doc.contains(&figure), "docs/format.md does not say \"{figure}\"");
    }
}
