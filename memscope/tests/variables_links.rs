//! What a variable is said to own is what its last look found: blocks that left it, pointers into nothing, blocks shown
//! twice, owners of shared blocks.

use memscope::model::{Held, Snapshot, Stage, Variable, Walk};
use memscope::{Sharing, Trackable, Visitor, track, track_var};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn find<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Variable {
    let mut rows = snapshot.variables.iter().filter(|row| row.name == name);
    let row = rows.next().unwrap_or_else(|| panic!("{name}: {:?}", snapshot.variables));
    assert!(rows.next().is_none(), "one row for {name}");
    row
}

#[track_caller]
fn holds(name: &str, bytes: u64, blocks: u64) {
    let snapshot = memscope::snapshot();
    let row = find(&snapshot, name);
    assert_eq!((row.heap_bytes, row.blocks), (Some(bytes), Some(blocks)), "{name}");
    let listed: u64 = row.history.iter().filter_map(|instance| instance.heap_bytes).sum();
    assert_eq!(listed, bytes, "{name}: all of it is in the newest executions");
}

#[track]
fn pops_elsewhere() {
    let mut words: Vec<String> = (0..20).map(|_| "ten bytes.".to_owned()).collect();
    words.shrink_to_fit();
    track_var!(words);
    holds("words", 20 * 24 + 20 * 10, 21);
    let mut untracked: Vec<String> = words.drain(..15).collect(); // of the first eight each has a watch of its own
    holds("words", 20 * 24 + 20 * 10, 21); // as of the last look
    track_var!(words);
    holds("words", 20 * 24 + 5 * 10, 6);
    // What became of the others is nobody's business: they grow, and they end.
    untracked.iter_mut().for_each(|word| word.reserve_exact(1_000));
    holds("words", 20 * 24 + 5 * 10, 6);
    untracked.truncate(3);
    words.append(&mut untracked);
    track_var!(words); // three of them are back
    holds("words", 20 * 24 + 5 * 10 + 3 * 1_010, 9);
    words.clear();
    holds("words", 20 * 24, 1);
}

#[test]
fn what_left_a_variable_counts_no_longer_after_the_next_look() {
    pops_elsewhere();
    holds("words", 0, 0);
    let snapshot = memscope::snapshot();
    let row = find(&snapshot, "words");
    assert_eq!(row.stage, Stage::Deallocated);
    // 3 words of 10 bytes grew to 1,010 while they were nobody's.
    assert_eq!((row.grown_bytes, row.peak_heap_bytes), (Some(0), Some(20 * 24 + 5 * 10 + 3 * 1_010)));
}

#[track]
fn takes_out() -> Vec<u8> {
    let mut emptied = vec![0u8; 500];
    track_var!(emptied);
    let taken = std::mem::take(&mut emptied);
    track_var!(emptied);
    holds("emptied", 0, 0);
    taken
}

#[test]
fn a_vector_that_was_taken_out_of_its_variable_is_nobodys() {
    let taken = takes_out();
    let snapshot = memscope::snapshot();
    let row = find(&snapshot, "emptied");
    assert_eq!(
        (row.stage, row.heap_bytes, row.fates.map(|fates| fates.live_at_export)),
        (Stage::Moved, Some(0), Some(0))
    );
    let block = snapshot.blocks.largest.iter().find(|block| block.address == taken.as_ptr().addr() as u64);
    assert_eq!(block.expect("it lives").variable, None);
}

#[track]
fn looks_in_vain() {
    let behind_a_lock = Mutex::new(vec![0u8; 600]);
    track_var!(behind_a_lock);
    let held = behind_a_lock.lock().expect("nobody panics");
    track_var!(behind_a_lock);
    holds("behind_a_lock", 600, 1);
    drop(held);
    *behind_a_lock.lock().expect("nobody panics") = vec![0; 601];
    track_var!(behind_a_lock);
    holds("behind_a_lock", 601, 1);
}

#[test]
fn a_look_that_could_not_see_everything_lets_nothing_go() {
    looks_in_vain();
}

static BYTES: [u8; 64] = [1; 64];

struct Odd {
    shown: Vec<u8>,
    also: Box<[u8; 100]>,
}

impl Trackable for Odd {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.shown.visit_blocks(visitor);
        visitor.block(BYTES.as_ptr()); // in no block
        visitor.block_of(BYTES.as_ptr(), 64);
        visitor.shared_block(BYTES.as_ptr());
        visitor.block_of(self.also.as_ptr(), 100);
        visitor.block_of(self.also.as_ptr(), 100); // the second owner
        visitor.block_of(self.also.as_ptr(), 40); // a part of it
        visitor.block(self.also.as_ptr().wrapping_add(50)); // somewhere within
        self.shown.visit_blocks(visitor);
    }
}

#[track]
fn owns_oddly() {
    track_var!(let odd = Odd { shown: vec![0; 33], also: Box::new([0; 100]) });
    track_var!(odd);
    let snapshot = memscope::snapshot();
    let row = find(&snapshot, "odd");
    // The static is shown three times; the box and the vector are each shown once too often, at each look.
    assert_eq!((row.unknown_blocks, row.blocks_owned_twice), (Some(3), Some(2)));
    assert_eq!((row.heap_bytes, row.blocks, row.walk), (Some(133), Some(2), Walk::Full));
}

#[test]
fn pointers_into_nothing_and_blocks_owned_twice_are_counted() {
    owns_oddly();
    let snapshot = memscope::snapshot();
    assert_eq!(find(&snapshot, "odd").unknown_blocks, Some(0), "it is not alive");
    assert_eq!(find(&snapshot, "odd").blocks_owned_twice, Some(2), "it was");
}

#[track]
fn owns_everything() -> Snapshot {
    let everything = (
        vec![vec![String::from("a"), String::new()], Vec::new()],
        (0..40u64).map(|n| (n, Box::new(n))).collect::<std::collections::BTreeMap<_, _>>(),
        (0..40u64).map(|n| (n, vec![n])).collect::<HashMap<_, _>>(),
        (0..40u64).map(Box::new).collect::<std::collections::LinkedList<_>>(),
        (0..40u64).map(Box::new).collect::<std::collections::VecDeque<_>>(),
        (0..40u64).map(Box::new).collect::<std::collections::BinaryHeap<_>>(),
        (Rc::<str>::from("words"), Arc::new(vec![1u8]), std::ffi::CString::new("c").expect("no zero in it")),
        (vec![(); 9], Box::new(()), Vec::<u64>::new(), Box::<[u8]>::default(), String::new()),
    );
    for _ in 0..2 {
        track_var!(everything);
    }
    memscope::snapshot()
}

#[test]
fn no_type_of_std_shows_a_block_twice_or_one_that_is_none() {
    let snapshot = owns_everything();
    let row = find(&snapshot, "everything");
    assert_eq!((row.unknown_blocks, row.blocks_owned_twice, row.walk), (Some(0), Some(0), Walk::Full));
    let scope = snapshot.scopes.iter().find(|scope| scope.path == ["owns_everything"]).expect("it ran");
    assert_eq!(row.heap_bytes, Some(scope.exclusive.live_bytes), "all that the scope holds");
}

#[track]
fn shares() -> Snapshot {
    track_var!(let one_owner: Rc<RefCell<Vec<u8>>> = Rc::new(RefCell::new(vec![0; 70])));
    track_var!(let other_owner: Rc<RefCell<Vec<u8>>> = Rc::clone(&one_owner));
    let weak = Rc::downgrade(&one_owner);
    track_var!(one_owner);
    let plain = vec![0u8; 3];
    track_var!(plain);
    let snapshot = memscope::snapshot();
    drop((weak, other_owner));
    snapshot
}

#[test]
fn rows_that_share_a_block_name_each_other_and_it_counts_once() {
    let snapshot = shares();
    let (one, other) = (find(&snapshot, "one_owner"), find(&snapshot, "other_owner"));
    let named = |row: &Variable| -> Vec<String> {
        row.shared_with.iter().map(|&index| snapshot.variables[index as usize].name.clone()).collect()
    };
    assert_eq!((named(one), named(other)), (vec!["other_owner".to_owned()], vec!["one_owner".to_owned()]));
    // Two counts, a borrow flag and a vector: 16 + 8 + 24 bytes; and what the vector holds.
    assert_eq!((one.heap_bytes, other.heap_bytes), (Some(48 + 70), Some(0)));
    assert_eq!((one.strong_owners, one.weak_owners, one.borrow_count.is_some()), (Some(2), Some(1), true));
    let plain = find(&snapshot, "plain");
    let told = (plain.strong_owners, plain.weak_owners, plain.held, plain.borrow_count);
    assert_eq!(told, (None, None, None, None), "a vector can tell nothing of who borrows it");
    assert!(plain.shared_with.is_empty());
}

struct Told(Sharing);

impl Trackable for Told {
    fn visit_blocks(&self, _: &mut Visitor<'_>) {}
    fn sharing(&self) -> Sharing {
        self.0
    }
}

#[track]
fn tells(strong: Option<usize>, held: Option<Held>) -> Option<u64> {
    let mut sharing = Sharing::default();
    (sharing.strong, sharing.held) = (strong, held);
    track_var!(let told: Told = Told(sharing));
    let snapshot = memscope::snapshot();
    assert_eq!(find(&snapshot, "told").held, held);
    std::hint::black_box(&told);
    find(&snapshot, "told").borrow_count
}

#[test]
fn borrows_are_owners_beyond_the_first_and_holders() {
    assert_eq!(tells(None, None), None);
    assert_eq!(tells(Some(1), None), Some(0));
    assert_eq!(tells(Some(4), None), Some(3));
    assert_eq!(tells(None, Some(Held::Free)), Some(0));
    assert_eq!(tells(None, Some(Held::Shared)), Some(1));
    assert_eq!(tells(Some(3), Some(Held::Exclusive)), Some(3)); // 2 + 1
}

#[track]
fn gives_away(to: std::sync::mpsc::SyncSender<Vec<u8>>) {
    let mut given: Vec<Vec<u8>> = (0..32).map(|_| vec![0; 100]).collect();
    track_var!(given);
    for _ in 0..3_000 {
        given.push(vec![0; 100]);
        track_var!(given);
        to.send(given.swap_remove(0)).expect("it listens");
        track_var!(given); // lets go of what the other thread resizes and frees at this moment
    }
    drop(to);
    holds("given", given.capacity() as u64 * 24 + 32 * 100, 33);
    given = vec![vec![0; 10_000_000]];
    track_var!(given);
}

#[test]
fn what_is_let_go_while_another_thread_frees_it_counts_neither_twice_nor_never() {
    let (to, from) = std::sync::mpsc::sync_channel::<Vec<u8>>(1);
    let frees = std::thread::spawn(move || {
        for (turn, mut block) in from.into_iter().enumerate() {
            (0..turn % 64).for_each(|_| std::hint::spin_loop());
            if turn % 2 == 0 {
                block.reserve_exact(5_000);
            }
        }
    });
    gives_away(to);
    frees.join().expect("it does not panic");
    let snapshot = memscope::snapshot();
    // The row's own sum, of which the peak is taken, would be off by each byte that was taken off twice or never.
    assert_eq!(find(&snapshot, "given").peak_heap_bytes, Some(10_000_000 + 24));
    assert_eq!((find(&snapshot, "given").heap_bytes, find(&snapshot, "given").blocks), (Some(0), Some(0)));
}

static SHELF: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[track]
fn looks_at_the_shelf() {
    for turn in 0..200 {
        let mut shelf = SHELF.lock().expect("nobody panics");
        shelf.push(format!("{turn:>20}"));
        let gone = if turn % 3 == 0 { shelf.pop() } else { None };
        drop(shelf);
        track_var!(SHELF);
        drop(gone);
    }
}

#[test]
fn looks_of_many_threads_at_one_place_lose_and_double_nothing() {
    let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(looks_at_the_shelf)).collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no look panics"));
    #[track]
    fn looks_last() {
        track_var!(SHELF);
        let shelf = SHELF.lock().expect("nobody panics");
        // 8 × 133 of 8 × 200: turns 0, 3, … 198 take one away each.
        assert_eq!(shelf.len(), 8 * 133);
        let bytes = (shelf.capacity() * 24 + shelf.iter().map(String::capacity).sum::<usize>()) as u64;
        let snapshot = memscope::snapshot();
        let rows = snapshot.variables.iter().filter(|row| row.name == "SHELF");
        let (bytes_of_rows, blocks) = rows.fold((0, 0), |(bytes, blocks), row| {
            (bytes + row.heap_bytes.unwrap_or(0), blocks + row.blocks.unwrap_or(0))
        });
        assert_eq!((bytes_of_rows, blocks), (bytes, 1 + 8 * 133));
    }
    looks_last();
}
