//! Walks without variables: what is unused, who holds, how deep a walk goes, and what a panic leaves behind.

use super::*;
use crate::visitor::{BySize, Looked};
use crate::watch::Watch;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::OsString;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, RwLock};

/// What a walk found: bytes, blocks, bytes that hold no element, and whether all was looked at.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    bytes: u64,
    blocks: u64,
    unused_bytes: usize,
    is_whole: bool,
}

/// No variable has this number, so no block is taken from one.
fn visitor() -> Visitor<'static> {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1 << 40);
    let instance = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Visitor::new(Looked { instance, look: 1, row_number: 0, counted: None, singles: 0, by_size: None })
}

/// Walks a value where every block is recorded.
fn walk<T: Trackable + ?Sized>(value: &T) -> Found {
    let mut visitor = visitor();
    value.visit_blocks(&mut visitor);
    let watches = visitor.single.iter().chain(&visitor.grouped).filter_map(|&id| Watch::get(id));
    let (bytes, blocks) =
        watches.fold((0, 0), |(bytes, blocks), watch| (bytes + watch.bytes(), blocks + watch.blocks()));
    Found { bytes, blocks, unused_bytes: visitor.unused_bytes, is_whole: !visitor.incomplete }
}

/// Walks a value by the sizes that its types know.
fn walk_by_size<T: Trackable + ?Sized>(value: &T) -> Found {
    let mut visitor = visitor();
    visitor.by_size = Some(BySize::default());
    value.visit_blocks(&mut visitor);
    let BySize { bytes, blocks, .. } = visitor.by_size.unwrap_or_default();
    Found { bytes, blocks, unused_bytes: visitor.unused_bytes, is_whole: !visitor.incomplete }
}

#[test]
fn capacity_without_elements_is_unused() {
    let mut text = String::with_capacity(10);
    text.push_str("abc");
    let mut ring: VecDeque<u64> = VecDeque::with_capacity(4);
    assert_eq!(walk(&ring).unused_bytes, 32, "an empty ring");
    ring.push_back(1);
    let mut heap: BinaryHeap<u16> = BinaryHeap::with_capacity(5);
    heap.push(1);
    let mut path = PathBuf::with_capacity(20);
    path.push("ab");
    // A vector of two places with one string of 10 bytes of which 3 are used.
    let mut nested = Vec::with_capacity(2);
    nested.push(text.clone());
    nested[0].reserve_exact(7);
    for (found, bytes, unused) in [
        (walk(&text), 10, 7),
        (walk(&OsString::with_capacity(9)), 9, 9),
        (walk(&path), 20, 18),
        (walk(&ring), 32, 24),
        (walk(&heap), 10, 8),
        (walk(&nested), 48 + 10, 24 + 7),
        (walk_by_size(&nested), 48 + 10, 24 + 7),
        (walk(&vec![(); 9]), 0, 0),
        (walk(&Vec::<u64>::new()), 0, 0),
    ] {
        assert_eq!((found.bytes, found.unused_bytes, found.is_whole), (bytes, unused, true));
    }
    // Room for 7 in 8 buckets of 16 bytes; one is taken.
    let map: HashMap<u64, u64> = {
        let mut map = HashMap::with_capacity(7);
        map.insert(1, 1);
        map
    };
    assert_eq!(walk(&map).unused_bytes, 6 * 16);
    let set: HashSet<u32> = HashSet::with_capacity(14);
    assert_eq!(walk(&set).unused_bytes, 14 * 4);
    // What is unused of a block that is not found is not known either.
    assert_eq!(walk_by_size(&map), Found { bytes: 0, blocks: 0, unused_bytes: 0, is_whole: false });
}

#[test]
fn without_a_map_of_the_blocks_what_types_do_not_show_is_missing_and_said_to_be() {
    let known = |bytes, blocks| Found { bytes, blocks, unused_bytes: 0, is_whole: true };
    let missing = |bytes, blocks| Found { bytes, blocks, unused_bytes: 0, is_whole: false };
    assert_eq!(walk_by_size(&HashMap::<u8, String>::new()), known(0, 0));
    assert_eq!(walk_by_size(&BTreeMap::<u8, String>::new()), known(0, 0));
    assert_eq!(walk_by_size(&BTreeMap::from([(1, String::from("abc"))])), missing(3, 1));
    assert_eq!(walk_by_size(&LinkedList::<u8>::new()), known(0, 0));
    assert_eq!(walk_by_size(&LinkedList::from([()])), missing(0, 0));
    assert_eq!(walk_by_size(&vec![String::from("a")].into_iter()), missing(1, 1));
    assert_eq!(walk_by_size(&Cell::new(vec![1u8])), missing(0, 0));
    assert_eq!(walk_by_size(&BufReader::with_capacity(9, &b""[..])).bytes, 9);
    assert_eq!(walk_by_size(&Mutex::new([Some(Box::new(1u64)), None])), known(8, 1));
    let mut emptied = BTreeMap::from([(1, 1)]);
    emptied.clear();
    assert_eq!(walk_by_size(&emptied), known(0, 0), "it gives its root back");
    emptied.insert(1, 1);
    emptied.remove(&1);
    assert_eq!(walk_by_size(&emptied), missing(0, 0), "it keeps its root");
    let shared = Arc::<[u16]>::from([1, 2, 3]);
    assert_eq!(walk_by_size(&shared), known(24, 1), "two counts of 8 and 6 bytes, padded to 8");
}

fn held<T: Trackable>(value: &T) -> Option<Held> {
    value.sharing().held
}

#[test]
fn a_cell_says_who_holds_it() {
    let cell = RefCell::new(String::new());
    assert_eq!(held(&cell), Some(Held::Free));
    let readers = (cell.borrow(), cell.borrow());
    assert_eq!(held(&cell), Some(Held::Shared));
    drop(readers);
    let writer = cell.borrow_mut();
    assert_eq!(held(&cell), Some(Held::Exclusive));
    drop(writer);
    assert!(cell.try_borrow_mut().is_ok(), "the asking left nothing behind");
    assert_eq!(held(&String::new()), None);
}

#[test]
fn a_lock_says_who_holds_it_poisoned_or_not() {
    let mutex = Mutex::new(1);
    assert_eq!(held(&mutex), Some(Held::Free));
    let guard = mutex.lock().expect("nobody panicked");
    assert_eq!(held(&mutex), Some(Held::Exclusive));
    drop(guard);
    let lock = RwLock::new(1);
    assert_eq!(held(&lock), Some(Held::Free));
    let readers = (lock.read(), lock.read());
    assert_eq!(held(&lock), Some(Held::Shared));
    drop(readers);
    let writer = lock.write().expect("nobody panicked");
    assert_eq!(held(&lock), Some(Held::Exclusive));
    drop(writer);
    let poison = catch_unwind(AssertUnwindSafe(|| {
        let _guards = (mutex.lock(), lock.write());
        std::panic::resume_unwind(Box::new(()));
    }));
    assert!(poison.is_err() && mutex.is_poisoned() && lock.is_poisoned());
    assert_eq!((held(&mutex), held(&lock)), (Some(Held::Free), Some(Held::Free)));
    assert!(mutex.is_poisoned() && lock.is_poisoned(), "and stay so");
}

#[test]
fn pointers_and_wrappers_say_what_the_value_within_says() {
    let shared = Arc::new(Mutex::new(Vec::<u8>::new()));
    let other = Arc::clone(&shared);
    let _weak = Arc::downgrade(&shared);
    let guard = other.lock().expect("nobody panicked");
    let expected = Sharing { strong: Some(2), weak: Some(1), held: Some(Held::Exclusive) };
    assert_eq!(Trackable::sharing(&shared), expected);
    assert_eq!(Trackable::sharing(&Some(Box::new(&*shared))), Sharing::default(), "a reference owns nothing");
    let wrapped = Some(Box::new(Pin::new(Arc::clone(&other))));
    assert_eq!(Trackable::sharing(&wrapped), Sharing { strong: Some(3), ..expected });
    drop(guard);
    let rc: Result<Rc<RefCell<u8>>, ()> = Ok(Rc::new(RefCell::new(1)));
    let expected = Sharing { strong: Some(1), weak: Some(0), held: Some(Held::Free) };
    assert_eq!(Trackable::sharing(&rc), expected);
    // As a container whose elements are unknown it says the same.
    struct Opaque;
    let cell = Rc::new(RefCell::new(vec![Opaque]));
    #[expect(clippy::needless_borrow, reason = "each of them is a choice that comes before the next")]
    let walker = (&&&&Probe(&cell)).memscope_walker();
    assert_eq!((walker.sharing)(&cell), expected);
}

/// A new name for a pointer that may lead back to itself.
struct Link(OnceCell<Rc<Link>>);

impl Trackable for Link {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.0.visit_blocks(visitor);
    }
    fn sharing(&self) -> Sharing {
        Trackable::sharing(&self.0)
    }
}

#[test]
fn a_cycle_ends() {
    let link = Rc::new(Link(OnceCell::new()));
    assert!(link.0.set(Rc::clone(&link)).is_ok());
    // Two counts, and the pointer.
    assert_eq!(walk(&link), Found { bytes: 24, blocks: 1, unused_bytes: 0, is_whole: true });
    assert_eq!(Trackable::sharing(&link).strong, Some(2));
    assert_eq!(Trackable::sharing(&link).held, None);
}

struct Node(Option<Box<Node>>, #[expect(dead_code, reason = "it is there to have a size")] u64);

impl Trackable for Node {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.0.visit_blocks(visitor);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some(mut node) = next {
            next = node.0.take();
        }
    }
}

fn list(len: usize) -> Node {
    (1..len).fold(Node(None, 0), |list, number| Node(Some(Box::new(list)), number as u64))
}

#[test]
fn a_short_list_is_walked_whole_and_one_too_deep_for_the_stack_in_part() {
    assert_eq!(walk(&list(101)), Found { bytes: 1600, blocks: 100, unused_bytes: 0, is_whole: true });
    let deep = list(100_000);
    let on_a_small_stack = std::thread::Builder::new().stack_size(256 << 10);
    std::thread::scope(|scope| {
        let found = on_a_small_stack.spawn_scoped(scope, || walk(&deep)).expect("a thread").join();
        let found = found.expect("the stack did not overflow");
        assert!(found.blocks > 100 && found.is_whole == (found.blocks == 99_999), "{found:?}");
    });
}

/// As deep by its vectors as a list is by its boxes.
struct Tree(Vec<Tree>);

impl Trackable for Tree {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.0.visit_blocks(visitor);
    }
}

#[test]
fn containers_in_containers_do_not_overflow_the_stack_either() {
    let mut tree = (0..100_000).fold(Tree(Vec::new()), |tree, _| Tree(vec![tree]));
    let on_a_small_stack = std::thread::Builder::new().stack_size(256 << 10);
    std::thread::scope(|scope| {
        let found = on_a_small_stack.spawn_scoped(scope, || walk(&tree)).expect("a thread").join();
        let found = found.expect("the stack did not overflow");
        assert!(found.blocks > 100 && found.is_whole == (found.blocks == 100_000), "{found:?}");
    });
    // It would overflow when dropped as it is.
    while let Some(next) = tree.0.pop() {
        tree = next;
    }
}

/// Panics while it is looked at.
struct Panics(Vec<u8>);

impl Trackable for Panics {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.0.visit_blocks(visitor);
        std::panic::resume_unwind(Box::new("a user's walk may panic"));
    }
    fn sharing(&self) -> Sharing {
        std::panic::resume_unwind(Box::new("so may this"));
    }
}

#[test]
fn a_walk_that_panics_poisons_and_holds_nothing() {
    let mutex = Mutex::new(Panics(vec![1]));
    let lock = RwLock::new(Panics(vec![1]));
    let cell = RefCell::new(Panics(vec![1]));
    let looks: [&dyn Fn() -> bool; 4] =
        [&|| walk(&mutex).is_whole, &|| walk(&lock).is_whole, &|| walk(&cell).is_whole, &|| {
            Trackable::sharing(&Box::new(Panics(Vec::new()))).held.is_some()
        }];
    for look in looks {
        let panic = catch_unwind(AssertUnwindSafe(look)).expect_err("it panics");
        assert!(panic.downcast_ref::<&str>().is_some(), "with what it panicked with");
    }
    assert!(!mutex.is_poisoned() && mutex.try_lock().is_ok());
    assert!(!lock.is_poisoned() && lock.try_write().is_ok());
    assert!(cell.try_borrow_mut().is_ok());
    // The pointers' depth was given back: what is behind one is asked again.
    assert_eq!(held(&Box::new(RefCell::new(1))), Some(Held::Free));
}

#[test]
fn a_million_elements_are_walked_and_nothing_is_allocated_for_them() {
    let allocations = |elements: usize| {
        let strings: Vec<String> = (0..elements).map(|_| String::from("a")).collect();
        let mut visitor = visitor();
        let all = || crate::thread_state::with(|local| local.allocations());
        let before = all();
        strings.visit_blocks(&mut visitor);
        assert!(!visitor.incomplete);
        all() - before
    };
    // The lists of watches, which stop growing at some tens; nothing by element.
    let (few, many) = (allocations(100), allocations(1_000_000));
    assert!(many <= few + 8, "{few} for 100 elements, {many} for 1,000,000");
}
