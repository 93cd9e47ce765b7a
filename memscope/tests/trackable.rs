//! What blocks the types of std own, to the byte, where every block is recorded.

use memscope::model::{Snapshot, Variable, Walk};
use memscope::{Trackable, track, track_var};
use std::borrow::Cow;
use std::cell::{Cell, LazyCell, OnceCell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::error::Error;
use std::ffi::{CString, OsString};
use std::fmt::Debug;
use std::hash::BuildHasherDefault;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, RwLock};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn find<'a>(snapshot: &'a Snapshot, scope: &str, name: &str) -> &'a Variable {
    let mut rows = snapshot.variables.iter().filter(|row| row.scope == [scope] && row.name == name);
    let row = rows.next().unwrap_or_else(|| panic!("{name} in {scope}: {:?}", snapshot.variables));
    assert!(rows.next().is_none(), "one row for {name} in {scope}");
    row
}

/// Bytes and blocks of a value that was walked fully.
fn whole(bytes: u64, blocks: u64) -> (Option<u64>, Option<u64>, Walk) {
    (Some(bytes), Some(blocks), Walk::Full)
}

/// Of one whose elements were not looked at.
fn own(bytes: u64, blocks: u64) -> (Option<u64>, Option<u64>, Walk) {
    (Some(bytes), Some(blocks), Walk::ContainerOnly)
}

const UNKNOWN: (Option<u64>, Option<u64>, Walk) = (None, None, Walk::NotWalked);

/// Every pointer that was shown leads into a block, and none into one that was shown before.
const NO_TROUBLE: (Option<u64>, Option<u64>) = (Some(0), Some(0));

type Expected<'a> = &'a [(&'a str, (Option<u64>, Option<u64>, Walk))];

#[track_caller]
fn check(snapshot: &Snapshot, scope: &str, expected: Expected<'_>) {
    for (name, expected) in expected {
        let row = find(snapshot, scope, name);
        let found = (row.heap_bytes, row.blocks, row.walk);
        assert_eq!(found, *expected, "{name}: {:?}", row.type_name);
        if row.walk != Walk::NotWalked {
            assert_eq!((row.unknown_blocks, row.blocks_owned_twice), NO_TROUBLE, "{name}");
        }
    }
    // What the variables own is all that the scope holds, where all of it was walked.
    if expected.iter().all(|(_, (_, _, walk))| *walk == Walk::Full) {
        let scope = snapshot.scopes.iter().find(|row| row.path == [scope]).expect("it ran");
        let sum: u64 = expected.iter().filter_map(|(_, (bytes, _, _))| *bytes).sum();
        assert_eq!(scope.exclusive.live_bytes, sum, "blocks of the scope that no variable owns");
    }
}

/// Owns a block that memscope cannot see, and is 24 bytes itself.
struct Opaque(#[expect(dead_code, reason = "it is there to be owned")] Vec<u8>);

fn opaque() -> Opaque {
    Opaque(Vec::new())
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(align(4096))]
struct Page(u8);

#[track]
fn texts() -> Snapshot {
    let text = String::from("0123456789");
    track_var!(text);
    let boxed: Box<str> = "abc".into();
    track_var!(boxed);
    let mut path = PathBuf::with_capacity(30);
    path.push("a");
    track_var!(path);
    let os = OsString::with_capacity(40);
    track_var!(os);
    let c = CString::new("four").expect("no zero in it");
    track_var!(c);
    let shared: Arc<str> = Arc::from("abcde");
    track_var!(shared);
    let owned: Cow<'_, str> = Cow::Owned(String::from("xyz"));
    track_var!(owned);
    let borrowed: Cow<'_, str> = Cow::Borrowed("xyz");
    track_var!(borrowed);
    let empty = String::new();
    track_var!(empty);
    memscope::snapshot()
}

#[test]
fn strings_own_their_capacity() {
    let expected = [
        ("text", whole(10, 1)),
        ("boxed", whole(3, 1)),
        ("path", whole(30, 1)),
        ("os", whole(40, 1)),
        ("c", whole(5, 1)),       // and its zero
        ("shared", whole(24, 1)), // two counts of 8 and 5 bytes, padded to 8
        ("owned", whole(3, 1)),
        ("borrowed", whole(0, 0)),
        ("empty", whole(0, 0)),
    ];
    check(&texts(), "texts", &expected);
}

#[track]
fn sequences() -> Snapshot {
    let vec: Vec<Vec<u16>> = vec![vec![1, 2, 3], Vec::new()];
    track_var!(vec);
    let mut ring: VecDeque<u32> = VecDeque::with_capacity(8);
    ring.extend([1, 2, 3, 4, 5, 6, 7, 8]);
    ring.drain(..6);
    ring.extend([9, 10, 11]); // goes round
    track_var!(ring);
    let mut drained: VecDeque<u32> = (0..16).collect();
    drained.clear();
    track_var!(drained);
    let heap = BinaryHeap::from(vec![Reverse(String::from("ab"))]);
    track_var!(heap);
    let list: LinkedList<u64> = (0..5).collect();
    track_var!(list);
    let no_list: LinkedList<String> = LinkedList::new();
    track_var!(no_list);
    let units: LinkedList<()> = [(), ()].into_iter().collect();
    track_var!(units);
    let array = [String::from("a"), String::new(), String::from("bcd")];
    track_var!(array);
    let empty_sizes: Vec<()> = vec![(); 1_000];
    track_var!(empty_sizes);
    let pages = vec![Page(1); 2];
    track_var!(pages);
    let mut rest = vec![String::from("gone"), String::from("left")].into_iter();
    drop(rest.next());
    track_var!(rest);
    let slice = &vec[..];
    track_var!(slice);
    memscope::snapshot()
}

#[test]
fn sequences_own_their_places_and_what_is_in_them() {
    let expected = [
        ("vec", whole(2 * 24 + 6, 2)), // two places of 24, and three numbers
        ("ring", whole(8 * 4, 1)),
        ("drained", whole(16 * 4, 1)), // emptied, and its block kept
        ("heap", whole(24 + 2, 2)),
        ("list", whole(5 * 24, 5)), // nodes of a number and two pointers
        ("no_list", whole(0, 0)),
        ("units", whole(2 * 16, 2)), // two pointers, and nothing
        ("array", whole(4, 2)),
        ("empty_sizes", whole(0, 0)),
        ("pages", whole(2 * 4096, 1)),
        ("rest", whole(2 * 24 + 4, 2)), // the place of what was taken is kept
        ("slice", whole(0, 0)),         // borrowed
    ];
    check(&sequences(), "sequences", &expected);
}

#[track]
fn boxes() -> Snapshot {
    let number = Box::new(7u64);
    track_var!(number);
    let words: Box<[String]> = vec![String::from("ab"), String::new()].into_boxed_slice();
    track_var!(words);
    let nothing = Box::new(());
    track_var!(nothing);
    let page = Box::new(Page(1));
    track_var!(page);
    let pin = Box::pin(String::from("pinned"));
    track_var!(pin);
    let nested: Option<Box<Result<String, u8>>> = Some(Box::new(Ok(String::from("xy"))));
    track_var!(nested);
    let by_hand = ManuallyDrop::new(String::from("by hand"));
    track_var!(by_hand);
    let snapshot = memscope::snapshot();
    drop(ManuallyDrop::into_inner(by_hand));
    snapshot
}

#[test]
fn boxes_own_what_they_point_to() {
    let expected = [
        ("number", whole(8, 1)),
        ("words", whole(2 * 24 + 2, 2)),
        ("nothing", whole(0, 0)),
        ("page", whole(4096, 1)),
        ("pin", whole(24 + 6, 2)),
        ("nested", whole(24 + 2, 2)), // the result keeps its tag in the string's capacity
        ("by_hand", whole(7, 1)),
    ];
    check(&boxes(), "boxes", &expected);
}

#[track]
fn unsized_boxes() -> Snapshot {
    let debug: Box<dyn Debug> = Box::new([1u8; 100]);
    track_var!(debug);
    let error: Box<dyn Error + Send + Sync> = From::from("went wrong");
    track_var!(error);
    let counted: Rc<dyn Debug> = Rc::new([1u8; 100]);
    track_var!(counted);
    let call: Box<dyn Fn(u8) -> u8> = Box::new(|n| n + 1);
    track_var!(call);
    let walkable: Vec<Box<dyn Trackable>> = vec![Box::new(String::from("abc")), Box::new(7u8)];
    track_var!(walkable);
    memscope::snapshot()
}

#[test]
fn of_trait_objects_the_own_block_is_known() {
    let expected = [
        ("debug", own(100, 1)),
        // std boxes a message as a `String`, of 24 bytes; its text is the string's, which does not show.
        ("error", own(24, 1)),
        ("counted", own(120, 1)), // two counts of 8 and 100 bytes, padded to 8
        // A closure without captures has no size and so no block; nothing was found, and it might own something.
        ("call", own(0, 0)),
        // Two pointers of two words; a string of 24 bytes and its text; a byte.
        ("walkable", whole(2 * 16 + 24 + 3 + 1, 4)),
    ];
    check(&unsized_boxes(), "unsized_boxes", &expected);
}

#[track]
fn handed_on() -> Snapshot {
    let text = String::from("abc");
    let handed = track_var!(move text);
    let shelf = vec![handed];
    track_var!(shelf);
    memscope::snapshot()
}

#[test]
fn what_is_tracked_by_itself_counts_for_itself_wherever_it_lies() {
    let wrapper = size_of::<memscope::Tracked<String>>() as u64;
    check(&handed_on(), "handed_on", &[("text", whole(3, 1)), ("shelf", whole(wrapper, 1))]);
}

#[track]
fn counted() -> Snapshot {
    let alone = Rc::new(5u8);
    track_var!(alone);
    let slice: Rc<[u32]> = Rc::from([1, 2, 3]);
    track_var!(slice);
    let nothing = Arc::new(());
    track_var!(nothing);
    let page = Arc::new(Page(1));
    track_var!(page);
    let text = Arc::new(String::from("shared"));
    track_var!(text);
    let weak: Weak<u8> = Rc::downgrade(&alone);
    track_var!(weak);
    let left: Weak<[u8]> = Rc::downgrade(&(Rc::new([1u8; 10]) as Rc<[u8]>));
    track_var!(left);
    let never: std::sync::Weak<u8> = std::sync::Weak::new();
    track_var!(never);
    memscope::snapshot()
}

#[test]
fn counted_pointers_own_their_counts_too() {
    let expected = [
        ("alone", whole(24, 1)),   // two counts of 8, a byte, padded to 8
        ("slice", whole(32, 1)),   // two counts of 8 and 12 bytes, padded to 8
        ("nothing", whole(16, 1)), // two counts of 8
        ("page", whole(8192, 1)),  // the counts take a page of their own, for alignment
        ("text", whole(16 + 24 + 6, 2)),
        ("left", whole(32, 1)), // its owner is gone, and it keeps two counts of 8 and 10 bytes, padded to 8
        ("never", whole(0, 0)),
        ("weak", whole(0, 0)), // it keeps the block of `alone`, which is the owner's
    ];
    check(&counted(), "counted", &expected);
}

#[track]
fn tables() -> Snapshot {
    let map: HashMap<u64, String> = [(1, String::from("one")), (2, String::from("two"))].into();
    track_var!(map);
    let mut cleared: HashMap<u64, u64> = (0..100).map(|n| (n, n)).collect();
    cleared.clear();
    track_var!(cleared);
    let set: HashSet<String> = [String::from("a")].into();
    track_var!(set);
    let unit: HashMap<(), ()> = [((), ())].into();
    track_var!(unit);
    let to_unit: HashMap<(), u64> = [((), 7)].into();
    track_var!(to_unit);
    let none: HashMap<String, String> = HashMap::new();
    track_var!(none);
    type Plain = BuildHasherDefault<std::hash::DefaultHasher>;
    let mut plain: HashMap<u64, u64, Plain> = HashMap::with_capacity_and_hasher(3, Plain::default());
    plain.insert(1, 1);
    plain.remove(&1);
    track_var!(plain);
    memscope::snapshot()
}

/// Bytes of a table of `buckets`: hashbrown lays out the elements, padded to 16, a byte for each bucket, and 16 more.
const fn table(buckets: u64, element_bytes: u64) -> u64 {
    (buckets * element_bytes).next_multiple_of(16) + buckets + 16
}

#[test]
fn tables_are_found_with_elements_and_without() {
    let expected = [
        ("map", whole(table(4, 32) + 6, 3)), // two elements fit into 4 buckets
        // 100 elements need 128 buckets; `clear` keeps the table.
        ("cleared", whole(table(128, 16), 1)),
        ("set", whole(table(4, 24) + 1, 2)),
        ("to_unit", whole(table(4, 8), 1)),
        ("none", whole(0, 0)),
        ("plain", whole(table(4, 16), 1)),
    ];
    let snapshot = tables();
    for (name, expected) in expected {
        let row = find(&snapshot, "tables", name);
        assert_eq!((row.heap_bytes, row.blocks, row.walk), expected, "{name}");
        assert_eq!((row.unknown_blocks, row.blocks_owned_twice), NO_TROUBLE, "{name}");
    }
    // How many buckets the smallest table has is hashbrown's business where elements have no size: all that is left.
    let unit = find(&snapshot, "tables", "unit");
    assert_eq!((unit.blocks, unit.walk), (Some(1), Walk::Full));
    let owned: u64 = expected.iter().filter_map(|(_, (bytes, _, _))| *bytes).sum();
    let scope = snapshot.scopes.iter().find(|row| row.path == ["tables"]).expect("it ran");
    assert_eq!(Some(scope.exclusive.live_bytes - owned), unit.heap_bytes);
}

#[track]
fn trees() -> Snapshot {
    let few: BTreeMap<u64, String> = [(1, String::from("one"))].into();
    track_var!(few);
    let many: BTreeSet<u32> = (0..1_000).collect();
    track_var!(many);
    let mut emptied: BTreeMap<u64, u64> = (0..3).map(|n| (n, n)).collect();
    while emptied.pop_first().is_some() {}
    track_var!(emptied);
    let mut cleared: BTreeMap<u64, u64> = (0..3).map(|n| (n, n)).collect();
    cleared.clear();
    track_var!(cleared);
    let none: BTreeSet<String> = BTreeSet::new();
    track_var!(none);
    let unit: BTreeMap<(), ()> = [((), ())].into();
    track_var!(unit);
    let to_unit: BTreeMap<(), u64> = [((), 7)].into();
    track_var!(to_unit);
    memscope::snapshot()
}

#[test]
fn trees_own_their_nodes_and_an_emptied_one_its_root() {
    let snapshot = trees();
    // A node: 11 keys and 11 values, a pointer to its parent, and two numbers of 2 bytes, padded to 8.
    let leaf = |key: u64, value: u64| (11 * (key + value) + 8 + 4).next_multiple_of(8);
    let expected = [
        ("few", whole(leaf(8, 24) + 3, 2)),
        ("emptied", whole(leaf(8, 8), 1)),
        ("cleared", whole(0, 0)),
        ("none", whole(0, 0)),
        ("unit", whole(leaf(0, 0), 1)),
        ("to_unit", whole(leaf(0, 8), 1)),
    ];
    for (name, expected) in expected {
        let row = find(&snapshot, "trees", name);
        assert_eq!((row.heap_bytes, row.blocks, row.walk), expected, "{name}");
        assert_eq!((row.unknown_blocks, row.blocks_owned_twice), NO_TROUBLE, "{name}");
    }
    let many = find(&snapshot, "trees", "many");
    assert_eq!(many.walk, Walk::Full);
    assert!(many.blocks > Some(90), "1,000 keys, at most 11 in a node: {:?}", many.blocks);
    let owned: u64 = expected.iter().filter_map(|(_, (bytes, _, _))| *bytes).sum();
    let scope = snapshot.scopes.iter().find(|row| row.path == ["trees"]).expect("it ran");
    assert_eq!(Some(scope.exclusive.live_bytes - owned), many.heap_bytes, "all that is left is the set's");
}

#[track]
fn cells() -> Snapshot {
    let copied = Cell::new(7);
    track_var!(copied);
    let moved: Cell<Vec<u8>> = Cell::new(vec![1; 50]);
    track_var!(moved);
    let cell = RefCell::new(String::from("abc"));
    track_var!(cell);
    let once: OnceCell<String> = OnceCell::from(String::from("once"));
    track_var!(once);
    let unset: OnceLock<String> = OnceLock::new();
    track_var!(unset);
    let mutex = Mutex::new(vec![1u8; 20]);
    track_var!(mutex);
    let lock = RwLock::new(vec![1u8; 30]);
    let reader = lock.read().expect("nobody panicked");
    track_var!(lock);
    drop(reader);
    let number = Mutex::new(7);
    let held = number.lock().expect("nobody panicked");
    track_var!(number);
    drop(held);
    memscope::snapshot()
}

#[test]
fn cells_and_locks_are_looked_into_and_what_owns_nothing_owns_nothing_locked_or_not() {
    let expected = [
        ("copied", whole(0, 0)),
        ("moved", whole(50, 1)),
        ("cell", whole(3, 1)),
        ("once", whole(4, 1)),
        ("unset", whole(0, 0)),
        ("mutex", whole(20, 1)),
        ("lock", whole(30, 1)),
        ("number", whole(0, 0)),
    ];
    check(&cells(), "cells", &expected);
}

#[test]
fn looks_at_locks_that_threads_use_stop_nobody_and_poison_nothing() {
    #[track]
    fn looks(mutex: &Mutex<Vec<u8>>, lock: &RwLock<Vec<u8>>) {
        for _ in 0..500 {
            track_var!(*mutex);
            track_var!(*lock);
        }
    }
    let (mutex, lock) = (Mutex::new(Vec::new()), RwLock::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..500 {
                    mutex.lock().expect("it is not poisoned").push(1);
                    lock.write().expect("it is not poisoned").push(1);
                    drop(lock.read().expect("it is not poisoned"));
                }
            });
            scope.spawn(|| looks(&mutex, &lock));
        }
    });
    assert_eq!(mutex.into_inner().expect("it is not poisoned").len(), 1_500);
    assert_eq!(lock.into_inner().expect("it is not poisoned").len(), 1_500);
}

#[track]
fn unseen() -> Snapshot {
    let lazy: LazyCell<String> = LazyCell::new(|| String::from("made"));
    assert_eq!(*lazy, "made");
    track_var!(lazy);
    let lazy_lock: LazyLock<String> = LazyLock::new(|| String::from("never made"));
    track_var!(lazy_lock);
    let cell = Cell::new(opaque());
    track_var!(cell);
    let cell_of_opaques = Cell::new(vec![opaque()]);
    track_var!(cell_of_opaques);
    let written = RefCell::new(String::from("abc"));
    let writer = written.borrow_mut();
    track_var!(written);
    drop(writer);
    let waker = std::task::Waker::noop();
    let waker = waker.clone();
    track_var!(waker);
    let tuple = (String::from("ten bytes."), waker.clone());
    track_var!(tuple);
    memscope::snapshot()
}

#[test]
fn what_cannot_be_looked_at_is_said() {
    let expected = [
        ("lazy", UNKNOWN),
        ("lazy_lock", UNKNOWN),
        ("cell", UNKNOWN),
        ("cell_of_opaques", own(24, 1)),
        ("written", UNKNOWN),
        ("waker", UNKNOWN),
        ("tuple", own(10, 1)),
    ];
    check(&unseen(), "unseen", &expected);
}

#[track]
fn containers_of_opaques() -> Snapshot {
    let vec = vec![opaque()];
    track_var!(vec);
    let option = Some(vec![opaque(), opaque()]);
    track_var!(option);
    let fine: Result<Vec<Opaque>, Opaque> = Ok(vec![opaque()]);
    track_var!(fine);
    let failed: Result<Vec<Opaque>, Opaque> = Err(opaque());
    track_var!(failed);
    let cell = RefCell::new(vec![opaque()]);
    track_var!(cell);
    let mutex = Mutex::new(vec![opaque()]);
    track_var!(mutex);
    let lock = RwLock::new(VecDeque::from([opaque()]));
    track_var!(lock);
    let once = OnceLock::from(vec![opaque()]);
    track_var!(once);
    let pin = Pin::new(Box::new(vec![opaque()]));
    track_var!(pin);
    let shared = Arc::new(Mutex::new(vec![opaque()]));
    track_var!(shared);
    let boxed: Box<[Opaque]> = Box::new([opaque(), opaque()]);
    track_var!(boxed);
    let pair = (vec![opaque()], String::from("text"));
    track_var!(pair);
    let array = [Some(vec![opaque()]), None];
    track_var!(array);
    memscope::snapshot()
}

#[test]
fn of_containers_of_opaque_elements_the_own_blocks_are_known() {
    let expected = [
        ("vec", own(24, 1)),
        ("option", own(48, 1)),
        ("fine", own(24, 1)),
        ("failed", UNKNOWN),
        ("cell", own(24, 1)),
        ("mutex", own(24, 1)),
        ("lock", own(24, 1)),
        ("once", own(24, 1)),
        ("pin", own(24 + 24, 2)), // the vector, and its place
        // Two counts of 8, the lock's word of 4 and flag of 1, padded to 8, the vector of 24; and its place.
        ("shared", own(48 + 24, 2)),
        ("boxed", own(48, 1)),
        ("pair", own(24 + 4, 2)),
        ("array", own(24, 1)),
    ];
    check(&containers_of_opaques(), "containers_of_opaques", &expected);
}

/// Has nothing to drop, and no trait of memscope's.
#[derive(Clone, Copy)]
struct Point {
    #[expect(dead_code, reason = "it is there to have a size")]
    x: f64,
}

#[track]
fn owners_of_nothing(argument: &str) -> Snapshot {
    track_var!(let number = argument.len()); // their types are open here, so they go by their names
    track_var!(let borrowed = argument.trim());
    track_var!(let function = owners_of_nothing as fn(&str) -> Snapshot);
    track_var!(let unit = ());
    let cell = RefCell::new(vec![1u8]);
    track_var!(let guard = cell.borrow());
    let lock = Mutex::new(vec![1u8]);
    track_var!(let lock_guard = lock.lock().expect("nobody panicked"));
    track_var!(let pointer = argument.as_ptr());
    track_var!(let point = Point { x: 1.0 });
    track_var!(let points = [Point { x: 1.0 }; 3].to_vec());
    track_var!(let strs = argument.split(' ').collect::<Vec<_>>());
    track_var!(let by_hand = ManuallyDrop::new(Opaque(Vec::new())));
    let point = Mutex::new(point);
    track_var!(point);
    let atomic = AtomicU64::new(7);
    track_var!(atomic);
    let address = std::net::Ipv4Addr::LOCALHOST;
    track_var!(address);
    let range = 0..5;
    track_var!(range);
    let snapshot = memscope::snapshot();
    let _ = (borrowed, function, unit, pointer, points, strs, by_hand, guard.len(), lock_guard.len());
    snapshot
}

#[test]
fn what_has_nothing_to_drop_is_walked_and_has_no_heap() {
    let snapshot = owners_of_nothing("a b");
    let names = ["number", "borrowed", "function", "unit", "pointer", "atomic", "address", "range"];
    for name in names.into_iter().chain(["guard", "lock_guard"]) {
        let row = find(&snapshot, "owners_of_nothing", name);
        assert_eq!((row.heap_bytes, row.blocks, row.walk), whole(0, 0), "{name}");
    }
    let points: Vec<_> = snapshot.variables.iter().filter(|row| row.name == "point").collect();
    assert_eq!(points.len(), 2, "the point, and the lock of that name");
    assert!(points.iter().all(|row| (row.heap_bytes, row.blocks, row.walk) == whole(0, 0)));
    let row = |name| {
        let row = find(&snapshot, "owners_of_nothing", name);
        (row.heap_bytes, row.blocks, row.walk)
    };
    // By the name alone it is not known that a `Point` owns nothing; of a reference it is.
    assert_eq!(row("points"), own(3 * 8, 1));
    assert_eq!(row("strs").2, Walk::Full);
    assert_eq!(row("by_hand"), UNKNOWN, "it drops nothing, and yet may own");
}

#[track]
fn buffers() -> Snapshot {
    let mut reader = BufReader::with_capacity(100, &b"0123456789"[..]);
    track_var!(reader);
    reader.fill_buf().expect("it is memory");
    reader.consume(4);
    track_var!(reader);
    let mut read = BufReader::with_capacity(8, &b"01234567"[..]);
    read.fill_buf().expect("it is memory");
    read.consume(8); // what is read next is behind the buffer's end
    track_var!(read);
    let mut writer = BufWriter::with_capacity(200, vec![0u8; 3]);
    writer.write_all(b"waits").expect("it is memory");
    track_var!(writer);
    let opaque: BufWriter<Box<dyn std::io::Write>> = BufWriter::with_capacity(50, Box::new(std::io::sink()));
    track_var!(opaque);
    memscope::snapshot()
}

#[test]
fn buffered_readers_and_writers_own_their_buffers() {
    let snapshot = buffers();
    let readers: Vec<_> = snapshot.variables.iter().filter(|row| row.name == "reader").collect();
    // The second look is at the instance that the first one began.
    let found: Vec<_> = readers.iter().map(|row| (row.heap_bytes, row.blocks, row.walk)).collect();
    assert_eq!(found, [whole(100, 1)]);
    let row = |name| {
        let row = find(&snapshot, "buffers", name);
        (row.heap_bytes, row.blocks, row.walk)
    };
    assert_eq!(row("read"), whole(8, 1));
    assert_eq!(row("writer"), whole(203, 2));
    assert_eq!(row("opaque"), own(50, 1));
}
