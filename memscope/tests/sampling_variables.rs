//! Variables in sampling mode: their bytes are what the types know at the last look, and of their end only the end is
//! known.

use memscope::model::{Mode, Provenance, Snapshot, Stage, Variable, Walk};
use memscope::{track, track_var};
use std::collections::{BTreeMap, BinaryHeap, HashMap, LinkedList, VecDeque};
use std::ffi::{CString, OsString};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn find<'a>(snapshot: &'a Snapshot, scope: &str, name: &str) -> &'a Variable {
    let mut rows = snapshot.variables.iter().filter(|row| row.scope == [scope] && row.name == name);
    let row = rows.next().unwrap_or_else(|| panic!("{name} in {scope}: {:?}", snapshot.variables));
    assert!(rows.next().is_none(), "one row for {name} in {scope}");
    row
}

fn figures(row: &Variable) -> (Option<u64>, Option<u64>, Walk) {
    (row.heap_bytes, row.blocks, row.walk)
}

#[track]
fn grows() -> Snapshot {
    track_var!(let mut rows: Vec<(String, u32)> = Vec::with_capacity(2));
    let before = memscope::snapshot();
    assert_eq!(figures(find(&before, "grows", "rows")), (Some(64), Some(1), Walk::Full)); // 2 places of 32 bytes
    rows.push((String::from("a long enough name to own a block"), 1));
    rows.reserve_exact(999);
    let unseen = memscope::snapshot();
    assert_eq!(find(&unseen, "grows", "rows").heap_bytes, Some(64), "as of the last look");
    track_var!(rows);
    memscope::snapshot()
}

#[test]
fn a_variables_bytes_are_those_of_the_last_look_while_it_is_in_scope() {
    let snapshot = grows();
    assert_eq!(snapshot.mode, Mode::Sampling);
    let rows = find(&snapshot, "grows", "rows");
    // 1,000 places of (String, u32), 24 + 4 bytes padded to 32, and 33 bytes of the one name.
    assert_eq!(figures(rows), (Some(32_000 + 33), Some(2), Walk::Full));
    assert_eq!((rows.instances, rows.active_instances, rows.stage), (1, 1, Stage::Active));
    assert_eq!((rows.provenance, rows.heap_bytes_error), (Provenance::Measured, None));
    assert_eq!((rows.peak_heap_bytes, rows.grown_bytes), (Some(32_033), None));
    // Blocks are not followed: neither what became of them nor where pointers lead is known.
    assert_eq!((rows.fates, rows.moved_bytes), (None, None));
    assert_eq!((rows.unknown_blocks, rows.blocks_owned_twice), (None, None));
    assert!(rows.unused_bytes.is_some(), "the types say it");
    let life = &rows.history[0];
    assert_eq!((life.weight, life.heap_bytes, life.folded_blocks), (1, Some(32_033), 2));
    assert_eq!(rows.last_observed_ms, life.observed_ms);
    let after = memscope::snapshot();
    let rows = find(&after, "grows", "rows");
    // The vector was freed, and nobody was told: it has ended.
    assert_eq!((rows.stage, rows.stages.ended, rows.active_instances), (Stage::Ended, 1, 0));
    assert_eq!((rows.heap_bytes, rows.blocks), (None, None), "nobody knows what became of them");
    assert_eq!((rows.unused_bytes, rows.history[0].fate), (None, None));
    assert_eq!(rows.history[0].heap_bytes, None);
    assert_eq!(rows.peak_heap_bytes, Some(32_033));
}

#[track]
fn returns() -> Vec<u64> {
    track_var!(let kept: Vec<u64> = vec![7; 100]);
    kept
}

#[test]
fn what_is_returned_has_ended_and_is_not_said_to_have_outlived_anything() {
    let kept = returns();
    let snapshot = memscope::snapshot();
    assert_eq!(find(&snapshot, "returns", "kept").stage, Stage::Ended);
    assert!(snapshot.findings.iter().all(|finding| finding.kind != "outlived_scope"));
    drop(kept);
}

#[track]
fn every_type_that_knows_its_blocks() -> Snapshot {
    let text = String::from("0123456789");
    track_var!(text);
    let boxed = Box::new([0u64; 10]);
    track_var!(boxed);
    let slice: Box<[u16]> = vec![0; 7].into_boxed_slice();
    track_var!(slice);
    let mut ring: VecDeque<u32> = VecDeque::with_capacity(8);
    ring.push_back(1);
    track_var!(ring);
    let drained: VecDeque<u32> = VecDeque::with_capacity(16);
    track_var!(drained);
    let heap: BinaryHeap<u8> = BinaryHeap::with_capacity(5);
    track_var!(heap);
    let mut path = PathBuf::with_capacity(30);
    path.push("a");
    track_var!(path);
    let os = OsString::with_capacity(40);
    track_var!(os);
    let c = CString::new("four").expect("no zero in it");
    track_var!(c);
    let alone = Rc::new(5u8);
    track_var!(alone);
    let words: Arc<str> = Arc::from("abcde");
    track_var!(words);
    let nested: Vec<Option<Box<String>>> = vec![Some(Box::new(String::from("xy"))), None];
    track_var!(nested);
    let empty: Vec<u8> = Vec::new();
    track_var!(empty);
    memscope::snapshot()
}

#[test]
fn each_type_of_std_says_what_it_asked_of_the_allocator() {
    let snapshot = every_type_that_knows_its_blocks();
    let after = memscope::snapshot();
    let expected = [
        ("text", 10, 1),
        ("boxed", 80, 1),
        ("slice", 14, 1),
        ("ring", 32, 1),
        ("drained", 64, 1),
        ("heap", 5, 1),
        ("path", 30, 1),
        ("os", 40, 1),
        ("c", 5, 1),                // and its zero
        ("alone", 24, 1),           // two counts of 8, a byte, padded to 8
        ("words", 24, 1),           // 16 + 5, padded to 8
        ("nested", 16 + 24 + 2, 3), // two pointers, a String, its text
        ("empty", 0, 0),
    ];
    for (name, bytes, blocks) in expected {
        let row = find(&snapshot, "every_type_that_knows_its_blocks", name);
        assert_eq!(figures(row), (Some(bytes), Some(blocks), Walk::Full), "{name}");
        let row = find(&after, "every_type_that_knows_its_blocks", name);
        let stage = if blocks == 0 { Stage::NoHeap } else { Stage::Ended };
        assert_eq!(row.stage, stage, "{name}");
    }
}

struct Opaque(#[expect(dead_code, reason = "it owns a block that nobody can see")] Vec<u8>);

#[track]
fn hidden() -> Snapshot {
    let table = HashMap::from([(1u32, String::from("one"))]);
    track_var!(table);
    let tree = BTreeMap::from([(1u32, String::from("one"))]);
    track_var!(tree);
    let list = LinkedList::from([1u8]);
    track_var!(list);
    let no_table: HashMap<u32, String> = HashMap::new();
    track_var!(no_table);
    let tables = vec![HashMap::from([(1u8, 1u8)])];
    track_var!(tables);
    let opaque = Opaque(vec![1; 100]);
    track_var!(opaque);
    let opaques = vec![Opaque(Vec::new())];
    track_var!(opaques);
    memscope::snapshot()
}

#[test]
fn what_no_type_knows_is_not_guessed() {
    let snapshot = hidden();
    for name in ["table", "tree", "list", "opaque"] {
        let row = find(&snapshot, "hidden", name);
        assert_eq!(figures(row), (None, None, Walk::NotWalked), "{name}");
        assert_eq!((row.provenance, row.history[0].heap_bytes), (Provenance::NotMeasured, None), "{name}");
    }
    assert_eq!(figures(find(&snapshot, "hidden", "no_table")), (Some(0), Some(0), Walk::Full));
    // One place for a map of std: 4 words of table and 2 of keys.
    assert_eq!(figures(find(&snapshot, "hidden", "tables")), (Some(48), Some(1), Walk::ContainerOnly));
    assert_eq!(figures(find(&snapshot, "hidden", "opaques")), (Some(24), Some(1), Walk::ContainerOnly));
    let after = memscope::snapshot();
    assert_eq!(find(&after, "hidden", "table").stage, Stage::Ended, "not walked is not without heap");
}

#[track]
fn shares() -> Snapshot {
    let first = Rc::new(vec![0u8; 100]);
    let second = Rc::clone(&first);
    track_var!(first);
    track_var!(second);
    memscope::snapshot()
}

#[test]
fn a_shared_block_counts_once() {
    let snapshot = shares();
    // Two counts and a Vec, 16 + 24, and the vector's 100.
    let first = find(&snapshot, "shares", "first");
    assert_eq!((figures(first), first.stage), ((Some(140), Some(2), Walk::Full), Stage::Shared));
    let second = find(&snapshot, "shares", "second");
    assert_eq!((figures(second), second.stage), ((Some(0), Some(0), Walk::Full), Stage::Shared));
    let named = |row: &Variable| -> Vec<String> {
        row.shared_with.iter().map(|&index| snapshot.variables[index as usize].name.clone()).collect()
    };
    assert_eq!((named(first), named(second)), (vec!["second".to_owned()], vec!["first".to_owned()]));
    assert_eq!((first.strong_owners, first.borrow_count), (Some(2), Some(1)));
}

#[track]
fn busy(number: usize, kept: &mut Vec<Vec<u8>>) {
    track_var!(let buffer: Vec<u8> = Vec::with_capacity(1 + number % 100));
    track_var!(buffer); // the same execution, whether it is kept or not
    kept.push(buffer);
}

#[track]
fn nests(depth: usize) -> Option<Snapshot> {
    track_var!(let buffer: Vec<u8> = Vec::with_capacity(100 + depth % 50));
    let below = if depth == 0 { Some(memscope::snapshot()) } else { nests(depth - 1) };
    drop(buffer);
    below
}

#[test]
fn past_the_first_thousand_executions_are_kept_by_lot_and_counted() {
    let mut kept = Vec::new();
    (0..10_000).for_each(|number| busy(number, &mut kept));
    let snapshot = memscope::snapshot();
    let row = find(&snapshot, "busy", "buffer");
    assert_eq!((row.instances, row.active_instances, row.heap_bytes), (10_000, 0, None));
    assert_eq!((row.stages.ended, row.stages.total(), row.stage), (10_000, 10_000, Stage::Ended));
    assert!(row.history.iter().all(|life| life.weight == 16)); // from 8,000 on
    assert_eq!(row.folded_instances, 10_000 - row.history.len() as u64);

    // 4,000 at once, in the frames of a recursion.
    let deep = std::thread::Builder::new().stack_size(64 << 20).spawn(|| nests(3_999)).expect("a thread");
    let snapshot = deep.join().expect("it returns").expect("the innermost frame's");
    let row = find(&snapshot, "nests", "buffer");
    assert_eq!((row.instances, row.active_instances, row.provenance), (4_000, 4_000, Provenance::Sampled));
    // 80 times 50 sizes of 100 … 149 bytes: 4,000 × 124.5.
    let (bytes, error) = (row.heap_bytes.expect("estimated"), row.heap_bytes_error.expect("estimated"));
    assert!(error > 0 && bytes.abs_diff(498_000) <= 4 * error, "{bytes} ± {error}");
    let (blocks, error) = (row.blocks.expect("estimated"), row.blocks_error.expect("estimated"));
    assert!(error > 0 && blocks.abs_diff(4_000) <= 4 * error, "{blocks} ± {error}");
    let after = memscope::snapshot();
    let row = find(&after, "nests", "buffer");
    assert_eq!((row.heap_bytes, row.active_instances, row.stages.ended), (None, 0, 4_000));
}

#[test]
fn crossings_are_not_measured_where_blocks_are_sampled() {
    #[memscope::track]
    unsafe extern "C" {
        fn strnlen(text: *const std::ffi::c_char, most: usize) -> usize;
    }
    track_var!(let crosses: Vec<u8> = vec![1; 100]);
    // SAFETY: nothing is read.
    let read = unsafe { strnlen(crosses.as_ptr().cast(), 0) + strnlen(std::ptr::null(), 0) };
    assert_eq!(read, 0);
    let snapshot = memscope::snapshot();
    let row = snapshot.variables.iter().find(|row| row.name == "crosses").expect("it is tracked");
    assert_eq!((row.heap_bytes, row.ffi_crossings), (Some(100), None));
    let site = snapshot.sites.iter().find(|site| site.name == "strnlen").expect("it is a site");
    let sent = site.crossings.as_ref().expect("it is a foreign function").sent;
    // Two pointers, of which one is null; whether the other is into a live block nobody knows.
    assert_eq!((sent.pointers, sent.null, sent.live_blocks, sent.elsewhere), (2, 1, None, None));
    drop(crosses);
}
