//! What blocks the containers of other crates own, to the byte, where every block is recorded (features `bytes`,
//! `hashbrown`, `indexmap`, `smallvec`).

use bytes::{Buf as _, Bytes, BytesMut};
use hashbrown::HashTable;
use indexmap::{IndexMap, IndexSet};
use memscope::model::{Snapshot, Variable, Walk};
use memscope::{track, track_var};
use smallvec::SmallVec;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn find<'a>(snapshot: &'a Snapshot, scope: &str, name: &str) -> &'a Variable {
    let mut rows = snapshot.variables.iter().filter(|row| row.scope == [scope] && row.name == name);
    let row = rows.next().unwrap_or_else(|| panic!("{name} in {scope}: {:?}", snapshot.variables));
    assert!(rows.next().is_none(), "one row for {name} in {scope}");
    row
}

/// Checks bytes and blocks of values that were walked fully; together they hold all that the scope does.
#[track_caller]
fn check(snapshot: &Snapshot, scope: &str, expected: &[(&str, u64, u64)]) {
    for &(name, bytes, blocks) in expected {
        let row = find(snapshot, scope, name);
        let found = (row.heap_bytes, row.blocks, row.walk);
        assert_eq!(found, (Some(bytes), Some(blocks), Walk::Full), "{name}: {:?}", row.type_name);
        assert_eq!((row.unknown_blocks, row.blocks_owned_twice), (Some(0), Some(0)), "{name}");
    }
    let scope = snapshot.scopes.iter().find(|row| row.path == [scope]).expect("it ran");
    assert_eq!(scope.exclusive.live_bytes, expected.iter().map(|&(_, bytes, _)| bytes).sum::<u64>());
}

#[track]
fn small_vectors() -> Snapshot {
    let inline: SmallVec<[u64; 4]> = SmallVec::from_slice(&[1, 2, 3]);
    track_var!(inline);
    let spilled: SmallVec<[u64; 4]> = SmallVec::with_capacity(10);
    track_var!(spilled);
    let strings: SmallVec<[String; 2]> = SmallVec::from_iter([String::from("ab")]);
    track_var!(strings);
    memscope::snapshot()
}

#[test]
fn a_small_vector_owns_a_block_once_it_has_spilled() {
    let expected = [("inline", 0, 0), ("spilled", 80, 1), ("strings", 2, 1)];
    check(&small_vectors(), "small_vectors", &expected);
}

/// Bytes of a table of `buckets`: hashbrown lays out the elements, padded to 16, a byte for each bucket, and 16 more.
const fn table(buckets: u64, element_bytes: u64) -> u64 {
    (buckets * element_bytes).next_multiple_of(16) + buckets + 16
}

#[track]
fn tables() -> Snapshot {
    let map: hashbrown::HashMap<u64, String> = [(1, String::from("one"))].into_iter().collect();
    track_var!(map);
    let mut cleared: hashbrown::HashSet<u64> = (0..100).collect();
    cleared.clear();
    track_var!(cleared);
    let mut hash_table: HashTable<u64> = HashTable::with_capacity(20);
    track_var!(hash_table);
    hash_table.insert_unique(7, 7, |n| *n);
    let none: hashbrown::HashMap<u64, u64> = hashbrown::HashMap::new();
    track_var!(none);
    memscope::snapshot()
}

#[test]
fn hashbrowns_tables_are_found_with_elements_and_without() {
    let expected = [
        ("map", table(4, 32) + 3, 2),
        ("cleared", table(128, 8), 1),
        ("hash_table", table(32, 8), 1), // 20 elements fill 7/8 of 32 buckets at most
        ("none", 0, 0),
    ];
    check(&tables(), "tables", &expected);
}

#[track]
fn indexed() -> Snapshot {
    let mut map: IndexMap<u64, String> = IndexMap::with_capacity(3);
    map.insert(1, String::from("one"));
    track_var!(map);
    let mut cleared: IndexSet<u64> = IndexSet::with_capacity(7);
    cleared.insert(1);
    cleared.clear();
    track_var!(cleared);
    let none: IndexSet<u64> = IndexSet::new();
    track_var!(none);
    memscope::snapshot()
}

#[test]
fn an_indexed_map_owns_its_entries_and_its_table() {
    let expected = [
        // Three entries of a hash of 8, a key of 8 and a String of 24; a table of 4 places of 8.
        ("map", 3 * 40 + table(4, 8) + 3, 3),
        ("cleared", 7 * 16 + table(8, 8), 2),
        ("none", 0, 0),
    ];
    check(&indexed(), "indexed", &expected);
}

#[track]
fn slices() -> Snapshot {
    let fixed = Bytes::from_static(b"not on the heap");
    track_var!(fixed);
    let none = Bytes::new();
    track_var!(none);
    let exact = Bytes::from(vec![1u8; 100].into_boxed_slice());
    track_var!(exact);
    let mut roomy = Vec::with_capacity(64);
    roomy.extend_from_slice(&[1; 10]);
    let roomy = Bytes::from(roomy); // gets a header beside its block
    track_var!(roomy);
    let mut growing = BytesMut::with_capacity(200);
    growing.extend_from_slice(b"ab");
    growing.advance(1);
    track_var!(growing);
    let empty = BytesMut::new();
    track_var!(empty);
    memscope::snapshot()
}

#[test]
fn slices_of_bytes_own_their_blocks_and_headers() {
    let expected = [
        ("fixed", 0, 0),
        ("none", 0, 0),
        ("exact", 100, 1),
        ("roomy", 64 + 24, 2), // a pointer, a capacity and a count
        ("growing", 200, 1),
        ("empty", 0, 0),
    ];
    check(&slices(), "slices", &expected);
}

#[track]
fn shared_slices() -> Snapshot {
    let whole = Bytes::from(vec![1u8; 1_000]);
    let part = whole.slice(5..10);
    track_var!(part); // looked at first, so it counts for it
    track_var!(whole);
    let mut first = BytesMut::with_capacity(500);
    first.extend_from_slice(&[1; 20]);
    let second = first.split_off(10);
    track_var!(first);
    track_var!(second);
    let mut used = Bytes::from(vec![1u8; 300]);
    used.advance(300);
    track_var!(used);
    memscope::snapshot()
}

#[test]
fn a_shared_block_counts_once_and_whole() {
    let snapshot = shared_slices();
    let row = |name| {
        let row = find(&snapshot, "shared_slices", name);
        (row.heap_bytes, row.blocks, row.walk)
    };
    assert_eq!(row("part"), (Some(1_000 + 24), Some(2), Walk::Full));
    assert_eq!(row("whole"), (Some(0), Some(0), Walk::Full));
    // A vector of 24 bytes, its capacity's class, and a count.
    assert_eq!(row("first"), (Some(500 + 40), Some(2), Walk::Full));
    assert_eq!(row("second"), (Some(0), Some(0), Walk::Full));
    // Of a slice that has come to its end no byte leads to its block; the word with its owner's address does.
    assert_eq!(row("used"), (Some(300), Some(1), Walk::ContainerOnly));
}
