//! Files that are nearly right, decided by bytes: the chunks of a real file, changed, with checksums that match. And what a
//! reader must do with any file.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of these")]

use super::arbitrary::arbitrary;
use memscope_runtime::format::{Recording, read, recover, write};
use memscope_runtime::snapshot::{Finding, Scope, Snapshot, Variable};
use std::io::Cursor;

const FILE_HEADER_BYTES: usize = 12;

/// A chunk that is being changed.
#[derive(Clone)]
struct Loose {
    kind: u16,
    codec: u8,
    flags: u8,
    raw: Vec<u8>,
    /// What is added to the raw length that it states.
    lie: u32,
    is_damaged: bool,
}

impl Loose {
    fn bytes(&self) -> Vec<u8> {
        let stored = if self.codec == 1 { lz4_flex::block::compress(&self.raw) } else { self.raw.clone() };
        let mut bytes = b"CHNK".to_vec();
        bytes.extend(self.kind.to_le_bytes());
        bytes.extend([self.codec, self.flags]);
        bytes.extend((stored.len() as u32).to_le_bytes());
        bytes.extend((self.raw.len() as u32).wrapping_add(self.lie).to_le_bytes());
        bytes.extend(crc32fast::hash(&stored).wrapping_add(u32::from(self.is_damaged)).to_le_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes.extend(stored);
        bytes
    }
}

fn loose_chunks(file: &[u8]) -> Vec<Loose> {
    let recording = Recording::from_source(Cursor::new(file)).expect("it was just written");
    let loose = recording.chunks().iter().map(|chunk| {
        let start = chunk.offset as usize + 24;
        let stored = &file[start..start + chunk.stored_bytes as usize];
        let raw = match chunk.codec {
            0 => stored.to_vec(),
            _ => {
                lz4_flex::block::decompress(stored, chunk.raw_bytes as usize).expect("it was just compressed")
            }
        };
        Loose { kind: chunk.kind, codec: chunk.codec, flags: chunk.flags, raw, lie: 0, is_damaged: false }
    });
    loose.collect()
}

/// The file that `choices` decide: first a snapshot, then what is done to its chunks.
pub fn file(choices: &[u8]) -> Vec<u8> {
    let (length, rest) = choices.split_at(choices.len().min(2));
    let length = length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
    let (snapshot, steps) = rest.split_at(rest.len().min(length % 2_048));
    let mut file = write(&arbitrary::<Snapshot>(snapshot));
    let mut chunks = loose_chunks(&file);
    file.truncate(FILE_HEADER_BYTES);
    for step in steps.chunks_exact(4) {
        let [what, at, place, value] = [step[0], step[1], step[2], step[3]];
        if chunks.is_empty() {
            break;
        }
        let index = usize::from(at) % chunks.len();
        let chunk = &mut chunks[index];
        let place = (usize::from(place) * 257) % (chunk.raw.len() + 1);
        match what % 14 {
            0 => _ = chunks.remove(index),
            1 => {
                let twice = chunk.clone();
                chunks.push(twice);
            }
            2 => chunks.swap(0, index),
            3 => chunk.kind = u16::from(value % 18),
            4 => chunk.codec = value % 3,
            5 => chunk.flags = value,
            6 | 7 => {
                if let Some(byte) = chunk.raw.get_mut(place) {
                    *byte = value;
                }
            }
            8 => chunk.raw.truncate(place),
            9 => chunk.raw.insert(place, value),
            10 => chunk.raw.extend(std::iter::repeat_n(value, usize::from(at) * 64)),
            11 => chunk.lie = u32::from(value) << (at % 24),
            12 => chunk.is_damaged = true,
            // The snapshot so far is closed, and another begins.
            _ => push(&mut file, &chunks, value % 8 != 0),
        }
    }
    push(&mut file, &chunks, true);
    // What is left over cuts the file off, or follows it.
    match steps.chunks_exact(4).remainder() {
        [cut] => file.truncate(file.len().saturating_sub(usize::from(*cut))),
        tail => file.extend(tail),
    }
    file
}

fn push(file: &mut Vec<u8>, chunks: &[Loose], has_end: bool) {
    let mut headers = crc32fast::Hasher::new();
    for chunk in chunks {
        let bytes = chunk.bytes();
        headers.update(&bytes[..24]);
        file.extend(bytes);
    }
    if has_end {
        let mut raw = (chunks.len() as u32).to_le_bytes().to_vec();
        raw.extend(headers.finalize().to_le_bytes());
        file.extend(Loose { kind: 0xffff, codec: 0, flags: 1, raw, lie: 0, is_damaged: false }.bytes());
    }
}

/// Reads `file` in every way. Whatever it is: no panic, and what is read can be written and read again.
pub fn check(file: &[u8]) {
    let again = |snapshot: &Snapshot| {
        let written = write(snapshot);
        let read = read(&written).expect("it was just written");
        assert_eq!(write(&read), written);
    };
    if let Ok(snapshot) = read(file) {
        again(&snapshot);
    }
    if let Ok(recovery) = recover(Cursor::new(file)) {
        again(&recovery.snapshot);
        assert!(!recovery.report.to_string().is_empty());
    }
    match Recording::from_source(Cursor::new(file)) {
        Ok(mut recording) => {
            let head = recording.head();
            let parts = [
                recording.rows::<Scope>().is_ok(),
                recording.rows::<Variable>().is_ok(),
                recording.rows::<Finding>().is_ok(),
            ];
            if let Ok(snapshot) = recording.snapshot() {
                assert!(head.is_ok() && parts == [true; 3]);
                let says_so = snapshot.findings.iter().any(|row| row.kind == "earlier_state");
                assert!(says_so || recording.bytes_after() == 0);
            }
            let _ = recording.all_blocks(|_| ());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
