//! What the file format takes: sizes, memory and time, of what is written and of what anybody may hand in.
//!
//! A file of its own, for its subject is the process's allocator.

#[path = "../../dashboard/tests/fixture/mod.rs"]
mod fixture;
mod huge;

use memscope_runtime::format::{MOST_FILE_BYTES, ReadErrorKind, Recording, bounded, read, recover, write};
use memscope_runtime::snapshot::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Cursor;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Counts live bytes and their peak. Relaxed will do: one test at a time measures, on one thread.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn gain(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(live, Ordering::Relaxed);
}

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        gain(layout.size());
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        gain(layout.size());
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's contract is the same.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        if bytes > layout.size() {
            gain(bytes - layout.size());
        } else {
            LIVE.fetch_sub(layout.size() - bytes, Ordering::Relaxed);
        }
        // SAFETY: the caller's contract is the same.
        unsafe { System.realloc(block, layout, bytes) }
    }
}

#[global_allocator]
static ALLOC: Counting = Counting;

/// One measurement at a time.
static TURN: Mutex<()> = Mutex::new(());

/// What `run` gives, and the most bytes that it held at once.
fn peak_of<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let result = run();
    (result, PEAK.load(Ordering::Relaxed) - before)
}

/// Reads the file in every way, and asserts what a reader may take: four times the raw bytes of the snapshot, and 17 MiB.
fn assert_within_limits(file: &[u8], raw_bytes: usize) -> Result<Snapshot, ReadErrorKind> {
    let most = 4 * raw_bytes + (17 << 20);
    let (result, peak) = peak_of(|| read(file));
    assert!(peak <= most, "reading took {peak} bytes for {raw_bytes} raw ones");
    let (_, peak) = peak_of(|| recover(Cursor::new(file)));
    assert!(peak <= most, "recovering took {peak} bytes for {raw_bytes} raw ones");
    let (_, peak) = peak_of(|| {
        let mut recording = Recording::from_source(Cursor::new(file)).ok()?;
        let _ = recording.head();
        let _ = recording.all_blocks(|_| ());
        recording.rows::<Variable>().ok()
    });
    assert!(peak <= most, "reading parts took {peak} bytes for {raw_bytes} raw ones");
    result.map_err(|error| error.kind)
}

fn turn() -> std::sync::MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn raw_bytes(file: &[u8]) -> usize {
    let recording = Recording::from_source(Cursor::new(file)).expect("it was just written");
    recording.chunks().iter().map(|chunk| chunk.raw_bytes as usize).sum()
}

/// A chunk as `docs/format.md` has it.
fn chunk(kind: u16, codec: u8, raw_bytes: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"CHNK".to_vec();
    bytes.extend(kind.to_le_bytes());
    bytes.extend([codec, 1]);
    bytes.extend((payload.len() as u32).to_le_bytes());
    bytes.extend(raw_bytes.to_le_bytes());
    bytes.extend(crc32fast::hash(payload).to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes.extend(payload);
    bytes
}

/// A file of the head of a small snapshot and these chunks.
fn crafted(chunks: &[Vec<u8>]) -> Vec<u8> {
    let small = write(&memscope_runtime::nothing_recorded(true));
    let head = Recording::from_source(Cursor::new(&small)).expect("it was just written").chunks()[0];
    let mut bytes = small[..12 + 24 + head.stored_bytes as usize].to_vec();
    let mut headers = crc32fast::Hasher::new();
    headers.update(&bytes[12..36]);
    for chunk in chunks {
        headers.update(&chunk[..24]);
        bytes.extend(chunk);
    }
    let mut end = (chunks.len() as u32 + 1).to_le_bytes().to_vec();
    end.extend(headers.finalize().to_le_bytes());
    bytes.extend(chunk(0xffff, 0, 8, &end));
    bytes
}

fn packed(kind: u16, raw: &[u8]) -> Vec<u8> {
    chunk(kind, 1, raw.len() as u32, &lz4_flex::block::compress(raw))
}

fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[test]
fn lengths_that_are_lies_take_no_memory() {
    let _turn = turn();
    // Rows without end; a row, a list in a row, a text of 2^64 − 1 bytes; a chunk of 4 GiB, 1 MiB out of nothing.
    let endless = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let row = |bytes: &[u8]| [&[1, bytes.len() as u8][..], bytes].concat();
    let lies = [
        chunk(2, 0, 10, &endless),
        chunk(2, 0, 11, &[&[1][..], &endless].concat()),
        chunk(2, 0, 12, &row(&endless)),
        chunk(2, 0, 13, &row(&[&[1][..], &endless].concat())),
        chunk(3, 0, 12, &row(&endless)),
        chunk(3, 1, u32::MAX, &[0]),
        chunk(3, 1, 1 << 20, &[0]),
        chunk(3, 1, 1 << 20, &[]),
        chunk(3, 0, u32::MAX, &[]),
        chunk(15, 1, 1 << 20, &[0xff; 100]),
    ];
    for lie in &lies {
        let (result, peak) = peak_of(|| read(&crafted(std::slice::from_ref(lie))));
        // The list of all blocks is not read with the others.
        assert_eq!(result.is_err(), lie[4] != 15, "{result:?}");
        assert!(peak < 64 << 10, "{peak} bytes for {lie:?}");
        let _ = assert_within_limits(&crafted(std::slice::from_ref(lie)), 0);
    }
}

#[test]
fn rows_of_nothing_take_no_more_memory_than_they_warrant() {
    let _turn = turn();
    // One scope whose path has a million empty names: a byte each in the file, 24 in memory.
    let names = (1 << 20) - 64;
    let mut row = number(names);
    row.resize(row.len() + names, 0);
    let raw = [vec![1], number(row.len()), row].concat();
    let file = crafted(&vec![packed(2, &raw); 8]);
    assert!(matches!(assert_within_limits(&file, 8 * raw.len()), Err(ReadErrorKind::Payload { .. })));
    // As many of the shortest rows of each list as a chunk holds: zeros, which are a row of nothing where they suffice.
    for kind in 2..=22 {
        for length in [1, 4, 20, 80] {
            let count = (1 << 20) / (length + 1) - 1;
            let mut raw = number(count);
            for _ in 0..count {
                raw.push(length as u8);
                raw.resize(raw.len() + length, 0);
            }
            let file = crafted(&vec![packed(kind, &raw); 4]);
            let _ = assert_within_limits(&file, 4 * raw.len());
        }
    }
}

#[test]
fn a_snapshot_of_more_than_64_mib_is_refused_before_it_is_unpacked() {
    let _turn = turn();
    let zeros = vec![0; 1 << 20];
    let file = crafted(&vec![packed(2, &zeros); 65]);
    let (result, peak) = peak_of(|| read(&file));
    let kind = result.expect_err("it is too large").kind;
    let ReadErrorKind::TooLarge { bytes, most, .. } = kind else { panic!("{kind:?}") };
    // The head and 64 MiB.
    assert!(bytes > most && most == 64 << 20, "{bytes} {most}");
    assert!(peak < 256 << 10, "{peak}");
}

/// What a row of each list takes least in the file: no names, no options, no lists in it, all figures 0.
fn nothing<T: serde::de::DeserializeOwned>() -> T {
    postcard::from_bytes(&[0; 2_000]).expect("zeros are a row of nothing")
}

fn nothings<T: Clone + serde::de::DeserializeOwned>(count: usize) -> Vec<T> {
    vec![nothing(); count]
}

/// As many rows as a file lists, each as short as a row can be, with names of one letter: what takes most memory for a byte.
/// Where this cannot be read any more because a row has grown, a share in `format/bound.rs` is to be lowered.
fn at_the_shares() -> Snapshot {
    let name = || "f".to_owned();
    // 24 moments take 384 bytes in memory, a quarter of which counts, and half of that in the file: 8,000 of them fit 768 KiB.
    let seen = vec![BytesAt { ms: 0, heap_bytes: 0 }; 24];
    let instance = Instance { blocks: nothings(2), seen, ..nothing() };
    let mut snapshot = memscope_runtime::nothing_recorded(true);
    let scope = Scope { path: vec![name()], key: vec![name()], file: Some(name()), ..nothing() };
    snapshot.scopes = vec![scope; 4_096];
    let variable = Variable {
        name: name(),
        type_name: Some(name()),
        scope: vec![name()],
        file: Some(name()),
        ..nothing()
    };
    snapshot.variables = vec![variable; 8_192];
    // An execution with two blocks takes 384 bytes in memory and 31 in the file: 260 beyond four times these, of 2 MiB.
    for row in snapshot.variables.iter_mut().take(4_000) {
        row.history = vec![instance.clone(); 2];
    }
    snapshot.scope_threads = nothings(8_192);
    snapshot.threads = nothings(1_536);
    snapshot.foreign_frees = nothings(512);
    snapshot.tasks = nothings(1_536);
    snapshot.types = nothings(4_096);
    snapshot.timeline = nothings(4_096);
    snapshot.findings = nothings(2_048);
    snapshot.blocks.largest = nothings(2_048);
    snapshot.handed_out = nothings(4_096);
    snapshot.memory_map.regions = nothings(4_096);
    snapshot.memory_map.cells = nothings(4_096);
    let site = SiteRow { name: name(), key: name(), file: name(), signature: name(), ..nothing() };
    snapshot.sites = vec![site; 6_144];
    snapshot
}

#[test]
fn what_is_written_can_be_read_within_the_limits() {
    let _turn = turn();
    let shortest = at_the_shares();
    assert!(matches!(bounded(&shortest), std::borrow::Cow::Borrowed(_)), "it is just what a file lists");
    for snapshot in [shortest, huge::huge(), fixture::large(8_000)] {
        let file = write(&snapshot);
        let raw = raw_bytes(&file);
        let read = assert_within_limits(&file, raw).expect("it was just written");
        assert!(read == *bounded(&snapshot));
    }
}

/// Long names, deep paths, long lists: all that makes rows long, in every list.
fn longest() -> Snapshot {
    let text = |number: usize| {
        let mixed = |at: u64| char::from(b'!' + (huge::mixed(number as u64 * 1_000 + at) % 90) as u8);
        (0..3_000).map(mixed).collect::<String>()
    };
    let mut snapshot = fixture::large(3);
    let template = snapshot.variables[0].clone();
    let names = |number: usize| (0..8).map(|depth| text(number / 10 + depth)).collect::<Vec<_>>();
    snapshot.variables = (0..2_000)
        .map(|number| Variable {
            name: text(number),
            type_name: Some(text(number + 1)),
            scope: names(number),
            history: vec![template.history[0].clone(); 100],
            ..template.clone()
        })
        .collect();
    let template = snapshot.scopes[1].clone();
    snapshot.scopes = (0..2_000)
        .map(|number| Scope { path: names(number), key: names(number), ..template.clone() })
        .collect();
    let template = snapshot.sites[0].clone();
    snapshot.sites =
        (0..2_000).map(|number| SiteRow { signature: text(number), ..template.clone() }).collect();
    let template = snapshot.types[0].clone();
    snapshot.types = (0..2_000).map(|number| Type { type_name: text(number), ..template.clone() }).collect();
    let template = snapshot.findings[0].clone();
    snapshot.findings =
        (0..2_000).map(|number| Finding { message: text(number), ..template.clone() }).collect();
    let template = snapshot.handed_out[0].clone();
    snapshot.handed_out =
        (0..2_000).map(|number| HandedOut { function: text(number), ..template.clone() }).collect();
    let template = snapshot.threads[0].clone();
    snapshot.threads =
        (0..2_000).map(|id| Thread { id, name: Some(text(id as usize)), ..template.clone() }).collect();
    // The longest that a recorder writes: 79 bytes, for scopes, variables and threads have at most 22 bits.
    let cell = Cell {
        region: 4_095,
        start: u64::MAX >> 8,
        bytes: u64::MAX >> 15,
        live_bytes: u64::MAX >> 15,
        blocks: u64::MAX >> 36,
        young_blocks: u64::MAX >> 36,
        scope: Some(1 << 21),
        scope_bytes: Some(u64::MAX >> 15),
        thread: Some(1 << 13),
        thread_bytes: Some(u64::MAX >> 15),
        oldest_ms: u64::MAX >> 29,
        newest_ms: u64::MAX >> 29,
        variable: Some(1 << 21),
        variable_bytes: Some(u64::MAX >> 15),
    };
    let region = Region {
        start: u64::MAX >> 8,
        bytes: u64::MAX >> 15,
        name: Some("x".repeat(36)),
        mappings: 1,
        cell_bytes: 1 << 48,
    };
    snapshot.memory_map = MemoryMap { regions: vec![region; 4_096], cells: vec![cell; 4_096] };
    let pair = ScopeThread {
        calls: u64::MAX,
        allocated_bytes: u64::MAX,
        allocated_bytes_error: Some(u64::MAX),
        live_bytes: u64::MAX >> 15,
        live_bytes_error: Some(u64::MAX),
        ..snapshot.scope_threads[0]
    };
    snapshot.scope_threads = (0..8_000)
        .map(|number| ScopeThread { scope: number / 4, thread: Some(1 + number % 4), ..pair })
        .collect();
    let template = snapshot.tasks[0].clone();
    snapshot.tasks =
        (0..2_000).map(|number| Task { number, scope: names(number as usize), ..template.clone() }).collect();
    snapshot
}

#[test]
fn a_file_is_bounded_whatever_the_program() {
    let _turn = turn();
    for snapshot in [huge::huge(), longest()] {
        let file = write(&snapshot);
        assert!(file.len() as u64 <= MOST_FILE_BYTES, "{} bytes", file.len());
        // Not thanks to the codec: what is drawn is not compressed.
        assert!(raw_bytes(&file) as u64 <= MOST_FILE_BYTES, "{} raw bytes", raw_bytes(&file));
        let read = read(&file).expect("it was just written");
        let rows = |of: &Snapshot| (of.memory_map.regions.len(), of.memory_map.cells.len());
        assert_eq!(rows(&read), rows(&snapshot), "a recorder's map is never left out");
        assert!(matches!(bounded(&read), std::borrow::Cow::Borrowed(_)), "what is bounded stays as it is");
    }
}

#[test]
fn times_grow_in_proportion_to_the_file() {
    let _turn = turn();
    let shortest = |run: &dyn Fn()| {
        let timed = (0..3).map(|_| {
            let started = Instant::now();
            run();
            started.elapsed()
        });
        timed.min().expect("it ran").as_secs_f64()
    };
    // Markers, headers without a payload, headers that go past the end, rows of nothing: ten times as many of each.
    let past_the_end = {
        let mut header = chunk(3, 0, 3, b"abc")[..24].to_vec();
        header[8..12].copy_from_slice(&(1u32 << 30).to_le_bytes());
        let checksum = crc32fast::hash(&header[..20]);
        header[20..].copy_from_slice(&checksum.to_le_bytes());
        header
    };
    let zeros = packed(3, &[&number(1 << 19)[..], &[0; 1 << 19]].concat());
    let head = crafted(&[])[12..].to_vec();
    for (name, unit, count) in [
        ("markers", b"CHNK".to_vec(), 30_000),
        ("empty chunks", chunk(77, 0, 0, b""), 3_000),
        ("empty chunks and a byte", [chunk(77, 0, 0, b""), vec![7]].concat(), 3_000),
        ("headers past the end", past_the_end, 3_000),
        ("rows of nothing", zeros, 2),
        ("snapshots", head, 200),
    ] {
        let file = |times: usize| [&crafted(&[])[..12], &unit.repeat(count * times)].concat();
        let files = [file(1), file(10)];
        let times = || {
            files.each_ref().map(|file| {
                shortest(&|| {
                    let _ = read(file);
                    let _ = recover(Cursor::new(file));
                })
            })
        };
        // A quadratic reader takes a hundred times as long, whenever it is asked; a crowded machine now and then.
        let is_in_proportion = |[one, ten]: [f64; 2]| ten < 30.0 * one + 0.01;
        let tries: Vec<[f64; 2]> =
            (0..5).map(|_| times()).take_while(|&times| !is_in_proportion(times)).collect();
        assert!(tries.len() < 5, "{name}: seconds of one, and of ten times as many: {tries:?}");
    }
}

/// The times that are promised, in an optimised build; others are slower.
#[test]
fn more_than_a_file_lists_is_written_and_read_in_time() {
    let _turn = turn();
    let snapshot = huge::huge();
    let started = Instant::now();
    let file = write(&snapshot);
    let write_s = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let read = read(&file).expect("it was just written");
    let read_s = started.elapsed().as_secs_f64();
    // What is listed and what is folded are the whole.
    let Folded { scopes, variables, threads, timeline_points, findings, .. } = read.folded;
    assert_eq!(read.variables.len() as u64 + variables.variables, huge::VARIABLES as u64);
    assert_eq!(read.scopes.len() as u64 + scopes.scopes, huge::SCOPES as u64);
    assert_eq!(
        read.threads.iter().map(|row| u64::from(row.threads)).sum::<u64>(),
        5 * u64::from(huge::THREADS)
    );
    assert_eq!(read.threads.len() as u64 - 1 + threads, u64::from(huge::THREADS));
    assert_eq!(read.timeline.len() as u64 + timeline_points, huge::TIMELINE_POINTS);
    // One of those listed says what is folded.
    assert_eq!(read.findings.len() as u64 - 1 + findings, huge::VARIABLES as u64 / 10);
    assert_eq!(read.totals, snapshot.totals);
    if !cfg!(debug_assertions) {
        assert!(write_s < 0.3 && read_s < 0.1, "write {write_s} s, read {read_s} s");
    }
}
