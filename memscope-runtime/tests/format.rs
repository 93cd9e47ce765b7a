//! The file format: round trips, reading by parts, and every way in which a file can be broken.

mod arbitrary;
#[path = "../../dashboard/tests/fixture/mod.rs"]
mod fixture;
mod said;

use arbitrary::arbitrary;
use memscope_runtime::format::{MAJOR, ReadErrorKind, Recording, bounded, read, recover, write};
use memscope_runtime::snapshot::{Block, Scope, Snapshot, TimelinePoint, Variable};
use proptest::prelude::*;
use std::io::{Cursor, Read, Seek, SeekFrom};

const FILE_HEADER_BYTES: usize = 12;
const CHUNK_HEADER_BYTES: usize = 24;

/// A chunk as `docs/format.md` has it, spelled out here a second time.
fn chunk(kind: u16, codec: u8, flags: u8, raw_bytes: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"CHNK".to_vec();
    bytes.extend(kind.to_le_bytes());
    bytes.extend([codec, flags]);
    bytes.extend((payload.len() as u32).to_le_bytes());
    bytes.extend(raw_bytes.to_le_bytes());
    bytes.extend(crc32fast::hash(payload).to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes.extend(payload);
    bytes
}

/// The chunks of a file, without its end.
fn chunks(file: &[u8]) -> Vec<Vec<u8>> {
    let recording = Recording::from_source(Cursor::new(file)).expect("it was just written");
    let bytes = |offset: u64, length: u32| {
        file[offset as usize..offset as usize + CHUNK_HEADER_BYTES + length as usize].to_vec()
    };
    recording.chunks().iter().map(|chunk| bytes(chunk.offset, chunk.stored_bytes)).collect()
}

/// A file of these chunks, with the end that they need.
fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = write(&fixture::small())[..FILE_HEADER_BYTES].to_vec();
    let mut headers = crc32fast::Hasher::new();
    for chunk in chunks {
        headers.update(&chunk[..CHUNK_HEADER_BYTES]);
        bytes.extend(chunk);
    }
    let mut end = (chunks.len() as u32).to_le_bytes().to_vec();
    end.extend(headers.finalize().to_le_bytes());
    bytes.extend(chunk(0xffff, 0, 1, 8, &end));
    bytes
}

/// What the rows say by themselves: what a file holds of executions apart reads as not measured.
fn without_lives(variables: &[Variable]) -> Vec<Variable> {
    let mut variables = variables.to_vec();
    for instance in variables.iter_mut().flat_map(|row| &mut row.history) {
        (instance.peak_heap_bytes, instance.seen) = (None, Vec::new());
        instance.blocks.iter_mut().for_each(|block| (block.resized_ms, block.moved_ms) = (None, None));
    }
    variables
}

#[test]
fn what_is_written_is_read() {
    for snapshot in [fixture::small(), fixture::large(300), memscope_runtime::nothing_recorded(true)] {
        let bytes = write(&snapshot);
        assert_eq!(read(&bytes).expect("it was just written"), snapshot);
        assert_eq!(file(&chunks(&bytes)), bytes, "docs/format.md says how a file is put together");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every field of the model, with every value that it can have.
    #[test]
    fn any_snapshot_is_read_as_it_was(choices in proptest::collection::vec(any::<u8>(), 0..6_000)) {
        let snapshot: Snapshot = arbitrary(&choices);
        // Postcard's own reader agrees with ours about every row.
        let of_postcard: Snapshot = postcard::from_bytes(&postcard::to_stdvec(&snapshot).unwrap()).unwrap();
        let read = read(&write(&snapshot)).expect("it was just written");
        // NaN is not itself; as text it is.
        prop_assert_eq!(format!("{read:?}"), format!("{:?}", bounded(&snapshot)));
        let in_rows = Snapshot { variables: without_lives(&snapshot.variables), ..snapshot };
        prop_assert_eq!(format!("{of_postcard:?}"), format!("{in_rows:?}"));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut recording = write(&fixture::small())[..FILE_HEADER_BYTES].to_vec();
        recording.extend(&bytes);
        prop_assert!(read(&recording).is_err());
        // As the payload of each kind of chunk that there is.
        for kind in 1..=15 {
            let payload = chunk(kind, 0, 1, bytes.len() as u32, &bytes);
            let _ = read(&file(std::slice::from_ref(&payload)));
            let head = chunks(&write(&fixture::small())).remove(0);
            let _ = read(&file(&[head, payload]));
        }
    }
}

#[test]
fn every_truncation_is_an_error() {
    let whole = write(&fixture::small());
    for len in 0..whole.len() {
        let error = read(&whole[..len]).expect_err("a part is no recording");
        let expected = match len {
            0 => matches!(error.kind, ReadErrorKind::NotARecording),
            FILE_HEADER_BYTES => matches!(error.kind, ReadErrorKind::Empty),
            _ => {
                matches!(error.kind, ReadErrorKind::Truncated { file_bytes, .. } if file_bytes == len as u64)
            }
        };
        assert!(expected, "{len} bytes: {error:?}");
    }
}

#[test]
fn an_end_that_does_not_close_what_is_there_is_damage() {
    let mut whole = write(&fixture::small());
    *whole.last_mut().expect("it has bytes") ^= 1;
    let error = read(&whole).expect_err("its end is damaged");
    let end = whole.len() - 8 - CHUNK_HEADER_BYTES;
    assert!(matches!(error.kind, ReadErrorKind::Header { offset } if offset == end as u64), "{error:?}");
    // Whole chunks, one of which is missing.
    let mut chunks = chunks(&write(&fixture::small()));
    let all = file(&chunks);
    let missing = chunks.remove(1).len();
    let mut short = file(&chunks);
    short.splice(short.len() - 32.., all[all.len() - 32..].iter().copied());
    assert_eq!(short.len() + missing, all.len());
    assert!(matches!(read(&short).expect_err("a chunk is missing").kind, ReadErrorKind::Header { .. }));
}

#[test]
fn every_flipped_bit_is_an_error_or_is_unused() {
    let whole = write(&fixture::small());
    for index in 0..whole.len() {
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[index] ^= 1 << bit;
            match read(&flipped) {
                Err(_) => {}
                // The minor version says what was added.
                Ok(snapshot) => {
                    assert!((10..FILE_HEADER_BYTES).contains(&index), "byte {index} bit {bit}");
                    assert_eq!(snapshot, fixture::small());
                }
            }
        }
    }
}

/// Two different snapshots in one file, and where the second begins.
fn two() -> (Vec<u8>, usize, Snapshot, Snapshot) {
    let [first, second] = [fixture::small(), fixture::large(3)];
    let mut bytes = write(&first);
    let start = bytes.len();
    bytes.extend(&write(&second)[FILE_HEADER_BYTES..]);
    (bytes, start, first, second)
}

#[test]
fn the_last_complete_snapshot_is_read_whatever_follows_it() {
    let (bytes, start, first, second) = two();
    assert_eq!(read(&bytes).expect("both are whole"), second);
    for len in start..bytes.len() {
        let read = read(&bytes[..len]).expect("the first is whole");
        assert_eq!(read, said::earlier(&first, len - start), "{len} bytes");
    }
    let parts = Recording::from_source(Cursor::new(&bytes[..start + 100])).expect("the first is whole");
    assert_eq!((parts.snapshots(), parts.bytes_after()), (1, 100));
    let zeros = [&bytes[..], &[0; 5_000]].concat();
    assert_eq!(read(&zeros).expect("both are whole"), said::earlier(&second, 5_000));
}

/// Damage in the last snapshot: where its chunks or its end are not what they were, the one before is read and says so;
/// where a payload is not, it is an error that names `memscope recover`, which gives the one before.
#[test]
fn of_two_snapshots_every_flipped_byte_leaves_one_that_says_so_or_is_an_error_that_names_it() {
    let (bytes, start, first, second) = two();
    let headers = headers(&bytes);
    for index in FILE_HEADER_BYTES..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[index] ^= 0x10;
        let in_header =
            headers.iter().any(|header| (header..&(header + CHUNK_HEADER_BYTES)).contains(&&index));
        let is_end = index >= bytes.len() - 8;
        match read(&flipped) {
            Ok(snapshot) if index < start => assert_eq!(snapshot, second, "byte {index}"),
            Ok(snapshot) => {
                assert!(in_header || is_end, "byte {index}");
                assert_eq!(snapshot, said::earlier(&first, bytes.len() - start), "byte {index}");
            }
            Err(error) => {
                assert!(index >= start && !in_header, "byte {index}: {error}");
                let ReadErrorKind::Checksum { offset, part: Some(_) } = error.kind else { panic!("{error}") };
                assert!(offset <= index as u64, "byte {index}: {error}");
                assert!(error.to_string().contains("`memscope recover`"), "{error}");
            }
        }
        if index >= start {
            let recovered = recover(Cursor::new(&flipped)).expect("the first is whole").snapshot;
            assert_eq!(recovered, first, "byte {index}");
        }
    }
}

/// Offsets of all headers.
fn headers(bytes: &[u8]) -> Vec<usize> {
    let mut offsets = Vec::new();
    let mut offset = FILE_HEADER_BYTES;
    while offset < bytes.len() {
        offsets.push(offset);
        let stored = u32::from_le_bytes(bytes[offset + 8..offset + 12].try_into().expect("four bytes"));
        offset += CHUNK_HEADER_BYTES + stored as usize;
    }
    offsets
}

#[test]
fn a_chunk_that_is_not_known_is_skipped_unless_it_is_required() {
    let chunks = chunks(&write(&fixture::small()));
    let with = |chunk: Vec<u8>| read(&file(&[&chunks[..2], &[chunk], &chunks[2..]].concat()));
    let refused = |chunk: Vec<u8>| match with(chunk).expect_err("it is required").kind {
        ReadErrorKind::NotUnderstood { kind, codec, flags, .. } => (kind, codec, flags),
        other => panic!("{other:?}"),
    };
    // A kind, a codec, a flag of a later version.
    for (kind, codec, flags) in [(77, 0, 0), (77, 9, 0), (77, 0, 6), (3, 9, 0), (3, 0, 6)] {
        assert_eq!(with(chunk(kind, codec, flags, 3, b"abc")).expect("the rest is whole"), fixture::small());
        assert_eq!(refused(chunk(kind, codec, flags | 1, 3, b"abc")), (kind, codec, flags | 1));
    }
    let text = with(chunk(77, 0, 1, 3, b"abc")).expect_err("it is required").to_string();
    assert!(text.contains("kind 77") && text.contains("update memscope"), "{text}");
}

#[test]
fn versions_are_refused_by_name() {
    let mut bytes = write(&fixture::small());
    for (major, says) in [
        (MAJOR + 1, "written by a newer memscope (format 6; this one reads up to 5); update memscope"),
        (4, "written by a memscope before the first release (format 4; this one reads 5); record it again"),
    ] {
        bytes[8..10].copy_from_slice(&major.to_le_bytes());
        let text = read(&bytes).expect_err("it is another version").to_string();
        assert!(text.ends_with(says), "{text}");
    }
}

/// What was read of a source.
struct Counting<R>(R, u64);

impl<R: Read> Read for &mut Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1 += read as u64;
        Ok(read)
    }
}

impl<R: Seek> Seek for &mut Counting<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn parts_are_read_without_the_rest() {
    // What a file holds of it: all but some histories.
    let snapshot = bounded(&fixture::large(5_000)).into_owned();
    let bytes = write(&snapshot);
    let mut source = Counting(Cursor::new(&bytes), 0);
    let mut recording = Recording::from_source(&mut source).expect("it was just written");
    assert_eq!(recording.head().expect("it is whole").totals, snapshot.totals);
    let count = recording.chunks().len() as u64 + 1;
    drop(recording);
    let read_for_head = source.1;
    assert!(read_for_head <= 2 * (count + 1) * 4_096 + 4_096, "{read_for_head} of {} bytes", bytes.len());
    assert!(read_for_head < bytes.len() as u64 / 2, "{read_for_head} of {} bytes", bytes.len());

    let mut recording = Recording::from_source(Cursor::new(&bytes)).expect("it was just written");
    assert_eq!(recording.rows::<Variable>().expect("it is whole"), without_lives(&snapshot.variables));
    assert_eq!(recording.rows::<Scope>().expect("it is whole"), snapshot.scopes);
    assert_eq!(recording.rows::<TimelinePoint>().expect("it is whole"), snapshot.timeline);
    assert_eq!(recording.rows::<Block>().expect("it is whole"), snapshot.blocks.largest);
    assert_eq!(recording.all_blocks(|_| panic!("there is none")).expect("it is whole"), None);
    // A damaged list does not keep the others from being read.
    let damaged =
        recording.chunks().iter().find(|chunk| chunk.kind == 3).expect("it has variables").offset as usize;
    let mut bytes = bytes.clone();
    bytes[damaged + CHUNK_HEADER_BYTES] ^= 1;
    let mut recording = Recording::from_source(Cursor::new(&bytes)).expect("its headers are whole");
    assert_eq!(recording.rows::<Scope>().expect("it is whole"), snapshot.scopes);
    assert!(matches!(
        recording.rows::<Variable>().expect_err("it is damaged").kind,
        ReadErrorKind::Checksum { part: Some("variables"), .. }
    ));
}
