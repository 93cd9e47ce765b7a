//! What is said of variables: sizes after growth, ends, types, sharing, moves.

use memscope::model::{Snapshot, Stage, Variable, Walk};
use memscope::{track, track_var};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn find<'a>(snapshot: &'a Snapshot, scope: &str, name: &str) -> &'a Variable {
    let mut rows = snapshot.variables.iter().filter(|row| row.scope == [scope] && row.name == name);
    let row = rows.next().unwrap_or_else(|| panic!("{name} in {scope}: {:?}", snapshot.variables));
    assert!(rows.next().is_none(), "one row for {name} in {scope}");
    row
}

/// Live bytes of all rows of one name in one scope: each `track_var!` that began an instance has its own.
fn heap_bytes(snapshot: &Snapshot, scope: &str, name: &str) -> u64 {
    let rows = snapshot.variables.iter().filter(|row| row.scope == [scope] && row.name == name);
    rows.map(|row| row.heap_bytes.expect("it was walked")).sum()
}

#[track]
fn grows() -> Snapshot {
    track_var!(let mut rows: Vec<(String, u32)> = Vec::with_capacity(2));
    rows.push(("a long enough name to own a block".to_owned(), 1));
    rows.reserve_exact(999); // moves to 1,000 places of 32 bytes
    track_var!(rows); // sees the name's block too
    memscope::snapshot()
}

#[test]
fn a_grown_vec_shows_its_size_after_growth_and_its_whole_type() {
    let snapshot = grows();
    let rows = find(&snapshot, "grows", "rows");
    assert_eq!(rows.type_name.as_deref(), Some("alloc::vec::Vec<(alloc::string::String, u32)>"));
    // 1,000 places of (String, u32), 24 + 4 bytes padded to 32, and 33 bytes of the one name.
    assert_eq!(rows.heap_bytes, Some(32_000 + 33));
    assert_eq!(rows.blocks, Some(2));
    assert_eq!((rows.instances, rows.active_instances, rows.stage), (1, 1, Stage::Active));
    assert_eq!(rows.walk, Walk::Full);
    // From 2 places to 1,000: 998 × 32 bytes gained by one reallocation.
    assert_eq!(rows.grown_bytes, Some(998 * 32));
    let after = memscope::snapshot();
    let rows = find(&after, "grows", "rows");
    assert_eq!((rows.heap_bytes, rows.blocks, rows.stage), (Some(0), Some(0), Stage::Deallocated));
    assert_eq!(rows.peak_heap_bytes, Some(32_000 + 33));
    assert!(rows.history[0].blocks.iter().all(|block| block.freed_ms.is_some()));
}

#[track]
fn returns() -> Vec<u64> {
    track_var!(let kept: Vec<u64> = vec![7; 100]);
    kept
}

#[test]
fn a_returned_vec_is_allocated_until_it_is_dropped() {
    let kept = returns();
    let snapshot = memscope::snapshot();
    let row = find(&snapshot, "returns", "kept");
    assert_eq!((row.stage, row.heap_bytes, row.active_instances), (Stage::Allocated, Some(800), 0));
    assert!(snapshot.findings.iter().any(|finding| finding.kind == "outlived_scope"
        && finding.variable.as_deref() == Some("kept")
        && finding.evidence.iter().any(|evidence| evidence.value == 800)));
    drop(kept);
    let snapshot = memscope::snapshot();
    assert_eq!(find(&snapshot, "returns", "kept").stage, Stage::Deallocated);
}

#[track]
fn shares() -> Snapshot {
    track_var!(let shared = Rc::new([0u8; 1_000]));
    let _other = Rc::clone(&shared);
    track_var!(shared);
    memscope::snapshot()
}

#[test]
fn an_rc_with_two_owners_is_shared() {
    let snapshot = shares();
    let row = find(&snapshot, "shares", "shared");
    // Two counts of 8 bytes stand before the 1,000.
    assert_eq!((row.stage, row.heap_bytes, row.strong_owners), (Stage::Shared, Some(1_016), Some(2)));
    assert_eq!(row.active_instances, 1);
}

#[track]
fn maps() -> Snapshot {
    let mut table = HashMap::new();
    let mut tree = BTreeMap::new();
    for number in 0..100u64 {
        table.insert(number, number);
        tree.insert(number, number);
    }
    track_var!(table);
    track_var!(tree);
    table.clear(); // keeps its table
    track_var!(table);
    memscope::snapshot()
}

#[test]
fn hidden_blocks_of_maps_are_found() {
    let snapshot = maps();
    let scope = snapshot.scopes.iter().find(|scope| scope.path == ["maps"]).expect("it ran");
    let table = find(&snapshot, "maps", "table");
    let tree = find(&snapshot, "maps", "tree");
    // What the two maps hold is all that the scope holds.
    assert_eq!(
        table.heap_bytes.unwrap_or(0) + tree.heap_bytes.unwrap_or(0),
        scope.exclusive.live_bytes,
        "{table:?} {tree:?}"
    );
    // hashbrown: 100 entries need 128 buckets of 16 bytes, a control byte for each, and 16 more.
    assert_eq!((table.heap_bytes, table.blocks), (Some(128 * 16 + 128 + 16), Some(1)));
    assert!(tree.blocks > Some(9), "100 keys, at most 11 in a node: {tree:?}");
}

struct Opaque(#[expect(dead_code, reason = "owns a block that memscope cannot see")] Vec<u8>);

#[track]
fn unknown() -> Snapshot {
    track_var!(let opaque = Opaque(vec![1; 500]));
    track_var!(let opaques = vec![Opaque(vec![1; 500])]);
    track_var!(let number = 7u32);
    let snapshot = memscope::snapshot();
    drop((opaque, opaques, number));
    snapshot
}

#[test]
fn a_type_that_cannot_be_walked_has_no_size_instead_of_a_wrong_one() {
    let snapshot = unknown();
    let opaque = find(&snapshot, "unknown", "opaque");
    assert_eq!((opaque.walk, opaque.heap_bytes, opaque.blocks), (Walk::NotWalked, None, None));
    let opaques = find(&snapshot, "unknown", "opaques");
    // Its own buffer of one element of 24 bytes is known, what the element owns is not.
    assert_eq!((opaques.walk, opaques.heap_bytes), (Walk::ContainerOnly, Some(24)));
    let number = find(&snapshot, "unknown", "number");
    assert_eq!((number.heap_bytes, number.value_bytes), (Some(0), Some(4)));
}

#[track]
fn loops() {
    for _ in 0..1_000 {
        track_var!(let scratch = vec![0u8; 64]);
        drop(scratch);
    }
}

#[test]
fn a_loop_folds_its_ended_instances_and_counts_them_all() {
    loops();
    let snapshot = memscope::snapshot();
    let row = find(&snapshot, "loops", "scratch");
    assert_eq!((row.instances, row.stages.deallocated, row.active_instances), (1_000, 1_000, 0));
    assert_eq!(row.history.len() as u64 + row.folded_instances, 1_000);
    assert_eq!(row.peak_heap_bytes, Some(64), "one lives at a time");
}

#[track]
fn hands_over() -> Snapshot {
    track_var!(let first = vec![1u8; 300]);
    track_var!(let second = first);
    let snapshot = memscope::snapshot();
    drop(second);
    snapshot
}

#[test]
fn a_moved_value_belongs_to_the_variable_that_has_it() {
    let snapshot = hands_over();
    assert_eq!(find(&snapshot, "hands_over", "first").heap_bytes, Some(0));
    assert_eq!(find(&snapshot, "hands_over", "second").heap_bytes, Some(300));
    let after = memscope::snapshot();
    assert_eq!(find(&after, "hands_over", "first").stage, Stage::Moved);
    assert_eq!(find(&after, "hands_over", "second").stage, Stage::Deallocated);
}

#[track]
fn never_called() {
    track_var!(let nothing = 1);
    let _ = nothing;
}

#[test]
fn sites_that_never_ran_are_listed() {
    let snapshot = memscope::snapshot();
    if std::hint::black_box(false) {
        never_called();
    }
    let site = snapshot.sites.iter().find(|site| site.name == "never_called").expect("it is compiled in");
    assert_eq!((site.executions, site.signature.as_str()), (0, "fn never_called()"));
    assert!(site.key.ends_with("variables::never_called"), "{}", site.key);
    assert!(snapshot.sites.iter().any(|site| site.name == "nothing" && site.executions == 0));
}

struct Panics(Vec<u8>);

impl memscope::Trackable for Panics {
    fn visit_blocks(&self, visitor: &mut memscope::Visitor<'_>) {
        self.0.visit_blocks(visitor);
        assert!(self.0.len() > 1, "a user's walk may panic");
    }
}

#[track]
fn looks_twice() -> Snapshot {
    let mut value = Panics(vec![0; 1]);
    value.0.reserve_exact(99);
    let look = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        track_var!(value);
    }));
    assert!(look.is_err());
    value.0.push(0);
    track_var!(value);
    memscope::snapshot()
}

#[test]
fn a_walk_that_panicked_loses_no_block() {
    let snapshot = looks_twice();
    // 100 bytes, first under the watch of the look that panicked, then under that of the second: counted once.
    let walked =
        snapshot.variables.iter().filter(|row| row.scope == ["looks_twice"] && row.heap_bytes.is_some());
    let found: Vec<_> = walked.map(|row| (row.name.as_str(), row.heap_bytes, row.blocks)).collect();
    assert_eq!(found, [("value", Some(100), Some(1))]);
}

#[track]
fn locks() -> Snapshot {
    let locked = std::sync::Mutex::new(vec![0u8; 700]);
    let held = locked.lock().expect("nobody panicked");
    track_var!(locked);
    drop(held);
    memscope::snapshot()
}

#[test]
fn a_locked_value_is_not_called_empty() {
    let snapshot = locks();
    let row = find(&snapshot, "locks", "locked");
    assert_eq!(
        (row.walk, row.heap_bytes),
        (Walk::NotWalked, None),
        "what is behind the lock was not looked at"
    );
}

#[track]
fn drops_early() -> Snapshot {
    track_var!(let dropped: Vec<u8> = vec![0; 1_000]);
    track_var!(let shared: Rc<u64> = Rc::new(7));
    let other = Rc::clone(&shared);
    track_var!(shared);
    drop((dropped, shared, other));
    memscope::snapshot()
}

#[test]
fn a_freed_vec_is_not_shown_as_alive_although_its_binding_is_in_scope() {
    let snapshot = drops_early();
    for name in ["dropped", "shared"] {
        let row = find(&snapshot, "drops_early", name);
        assert_eq!(
            (row.stage, row.heap_bytes, row.active_instances),
            (Stage::Deallocated, Some(0), 1),
            "{name}"
        );
    }
}

#[track]
fn looks_at_its_argument(v: &Vec<u8>) {
    track_var!(*v);
}

#[track]
fn calls_a_looker() -> Snapshot {
    let v = vec![0u8; 60];
    let v = &v;
    track_var!(*v);
    looks_at_its_argument(v);
    memscope::snapshot()
}

#[test]
fn what_a_callee_looks_at_is_in_the_callees_row() {
    let snapshot = calls_a_looker();
    let scopes: Vec<_> =
        snapshot.variables.iter().filter(|row| row.name == "*v").map(|row| &row.scope[..]).collect();
    assert_eq!(scopes, [&["calls_a_looker"][..], &["calls_a_looker", "looks_at_its_argument"][..]]);
}

#[track]
fn hands_on_in_a_loop() {
    let mut value = vec![0u8; 1_000];
    for _ in 0..3 {
        track_var!(let taken: Vec<u8> = std::mem::take(&mut value));
        value = taken;
    }
}

#[test]
fn a_block_that_is_handed_on_within_a_row_counts_once_at_the_peak() {
    hands_on_in_a_loop();
    let snapshot = memscope::snapshot();
    assert_eq!(find(&snapshot, "hands_on_in_a_loop", "taken").peak_heap_bytes, Some(1_000));
}

#[track]
fn outlives_its_sharer() -> Snapshot {
    let second;
    {
        track_var!(let first: Rc<[u8; 100]> = Rc::new([0; 100]));
        second = Rc::clone(&first);
        track_var!(second);
        // `first` is in scope, so the block counts for it.
        assert_eq!(heap_bytes(&memscope::snapshot(), "outlives_its_sharer", "second"), 0);
        drop(first);
    }
    track_var!(second);
    memscope::snapshot()
}

#[test]
fn a_shared_block_goes_to_the_owner_that_is_left() {
    let snapshot = outlives_its_sharer();
    // Two counts of 8 bytes stand before the 100; the size is a multiple of 8: 120.
    assert_eq!(heap_bytes(&snapshot, "outlives_its_sharer", "second"), 120);
    assert_eq!(heap_bytes(&snapshot, "outlives_its_sharer", "first"), 0);
}

static PLACES: std::sync::Mutex<Vec<u8>> = std::sync::Mutex::new(Vec::new());

#[test]
fn a_static_that_many_threads_look_at_is_no_trouble() {
    #[track]
    fn looks_at_a_static() {
        for _ in 0..300 {
            track_var!(PLACES);
        }
    }
    let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(looks_at_a_static)).collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no look panics"));
}
