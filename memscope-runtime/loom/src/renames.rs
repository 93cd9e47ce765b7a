//! An observer hands a block from its account to a watch while the block's holder goes on.
//!
//! The watch counts the block before the rename and takes it back where that fails (`visitor.rs`), so the two
//! must agree: what is renamed, the holder has to see.

use crate::block::{Block, Words};
use loom::thread;
use std::sync::atomic::{AtomicBool, Ordering};

const BLOCK: Block = Block { owner: 1, offset: 0, bytes: 100 };
const WATCH: u32 = 7;
const OTHER_WATCH: u32 = 8;

/// What an observer does; true: the block is the watch's.
fn take(words: &Words, watch: u32) -> bool {
    let base = BLOCK.address();
    let Some(found) = words.slot().found(base) else { return false };
    found.slot.rename(found.record, watch, true)
}

/// What a free does (`record.rs`), by the number that it tells of the end; `None`: the block is in no slot.
fn free(words: &Words) -> Option<u32> {
    let record = words.slot().load()?;
    words.slot().clear();
    Some(record.owner())
}

/// What a resize that moves does; gives the record that it takes along.
fn move_away(words: &Words) -> (u32, bool) {
    let moving = words.slot().begin_move().expect("it lives");
    let record = moving.record();
    moving.clear();
    (record.owner(), record.is_watched())
}

/// Broken by a plain store in `begin_move` (the rename is lost), and by a plain store in `rename` (the mark
/// is).
#[test]
fn a_move_takes_the_watch_along() {
    loom::model(|| {
        let words = Words::one();
        words.store(BLOCK);
        let observer = thread::spawn({
            let words = words.clone();
            move || take(&words, WATCH)
        });
        let taken_along = move_away(&words);
        let renamed = observer.join().expect("it does not panic");
        assert_eq!(taken_along, if renamed { (WATCH, true) } else { (BLOCK.owner, false) });
        assert_eq!(words.read(), None, "the old slot is empty");
    });
}

/// Broken by a `rename` that takes a moving block: what it wrote is overwritten.
#[test]
fn a_refused_move_keeps_the_watch() {
    loom::model(|| {
        let words = Words::one();
        words.store(BLOCK);
        let observer = thread::spawn({
            let words = words.clone();
            move || take(&words, WATCH)
        });
        words.slot().begin_move().expect("it lives").put_back();
        let renamed = observer.join().expect("it does not panic");
        let record = words.slot().load().expect("it lives");
        let expected = if renamed { (WATCH, true) } else { (BLOCK.owner, false) };
        assert_eq!((record.owner(), record.is_watched()), expected);
        assert_eq!(
            words.read().map(|(_, address, bytes)| (address, bytes)),
            Some((BLOCK.address(), BLOCK.bytes))
        );
    });
}

/// Broken by a plain store in `rename`.
#[test]
fn a_rename_never_brings_a_block_back() {
    for words in [Words::one, Words::two] {
        loom::model(move || {
            let words = words();
            words.store(BLOCK);
            let observer = thread::spawn({
                let words = words.clone();
                move || take(&words, WATCH)
            });
            let told = free(&words);
            let renamed = observer.join().expect("it does not panic");
            assert_eq!(words.read(), None);
            assert!(told == Some(BLOCK.owner) || renamed && told == Some(WATCH));
        });
    }
}

/// Neither does it name the block that is given the same place next, unless that one is of the same account
/// and tick. Broken by a `rename` that does not compare with what its caller found.
#[test]
fn a_rename_does_not_touch_the_next_block() {
    const NEXT: Block = Block { owner: 2, offset: 16, bytes: 200 };
    loom::model(|| {
        let words = Words::one();
        words.store(BLOCK);
        let found = words.slot().found(BLOCK.address()).expect("it lives");
        let holder = thread::spawn({
            let words = words.clone();
            move || {
                free(&words);
                words.store(NEXT);
            }
        });
        found.slot.rename(found.record, WATCH, true);
        holder.join().expect("it does not panic");
        assert_eq!(words.read(), Some(NEXT.told()));
    });
}

/// Of two observers one has the block, so its former watch is told once that it was handed over.
/// Broken by a plain store in `rename`.
#[test]
fn one_of_two_observers_has_the_block() {
    loom::model(|| {
        let words = Words::one();
        words.store(BLOCK);
        let other = thread::spawn({
            let words = words.clone();
            let found = BLOCK.record();
            move || words.slot().rename(found, OTHER_WATCH, true)
        });
        let first = words.slot().rename(BLOCK.record(), WATCH, true);
        let second = other.join().expect("it does not panic");
        assert!(first != second, "{first} {second}");
        assert_eq!(words.read().map(|(owner, ..)| owner), Some(if first { WATCH } else { OTHER_WATCH }));
    });
}

/// A limit, and not a promise: a free that has read the record and not yet cleared it misses a rename in
/// between. The watch then counts a block that is gone, or a former watch is told twice. Whoever takes a
/// block must therefore keep it from being freed for that long; a look at a variable does, for it borrows the
/// value.
///
/// Should this test fail, the limit is gone: then let it assert that `told` is the watch wherever `renamed`
/// is true.
#[test]
fn a_free_may_miss_a_rename_so_an_observer_has_to_hold_the_block() {
    static MISSED: AtomicBool = AtomicBool::new(false);
    loom::model(|| {
        let words = Words::one();
        words.store(BLOCK);
        let observer = thread::spawn({
            let words = words.clone();
            move || take(&words, WATCH)
        });
        let told = free(&words);
        if observer.join().expect("it does not panic") && told != Some(WATCH) {
            MISSED.store(true, Ordering::Relaxed);
        }
    });
    assert!(MISSED.load(Ordering::Relaxed));
}
