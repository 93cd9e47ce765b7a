//! A resize marks its block as moving before the inner allocator may give the address away, and takes the
//! mark away afterwards, when the address may be another thread's.

use crate::block::{Block, Words};
use crate::slot;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

const MOVED: Block = Block { owner: 1, offset: 0, bytes: 100 };
const NEXT: Block = Block { owner: 2, offset: 16, bytes: 200 };

/// The inner allocator, as far as one address goes. A real one hands an address from thread to thread under a
/// lock or by an atomic of its own, which is at least a release and an acquire.
#[derive(Clone)]
struct Inner {
    gave_up: Arc<AtomicBool>,
}

impl Inner {
    fn new() -> Inner {
        Inner { gave_up: Arc::new(AtomicBool::new(false)) }
    }

    fn give_up(&self) {
        self.gave_up.store(true, Ordering::Release);
    }

    /// Whether this thread is given the address.
    fn is_given(&self) -> bool {
        self.gave_up.load(Ordering::Acquire)
    }
}

/// Moves the block away while `next` runs, if the address is given to it; says what stands in the slot at the
/// end.
fn moved_beside(words: Words, next: fn(&Words)) -> (bool, Option<(u32, usize, usize)>) {
    words.store(MOVED);
    let inner = Inner::new();
    let mover = thread::spawn({
        let (words, inner) = (words.clone(), inner.clone());
        move || {
            let moving = words.slot().begin_move().expect("it lives");
            assert_eq!(moving.record(), MOVED.record());
            inner.give_up();
            moving.clear();
        }
    });
    let given = inner.is_given();
    if given {
        next(&words);
    }
    mover.join().expect("it does not panic");
    (given, words.read())
}

/// Broken by a plain store in `Moving::clear` (the next owner's record goes), and by a `clear` that does not
/// expect the mark (the moved block's record stays).
#[test]
fn the_next_owner_of_the_old_address_stays() {
    for words in [Words::one, Words::two, Words::three] {
        loom::model(move || {
            let (given, left) = moved_beside(words(), |words| words.store(NEXT));
            assert_eq!(left, given.then_some(NEXT.told()));
        });
    }
}

/// Broken by a `Moving::clear` that, where the slot has changed, puts back what it saw.
#[test]
fn the_next_owner_may_free_at_once() {
    loom::model(|| {
        let (_, left) = moved_beside(Words::one(), |words| {
            slot::store_small(words.word(), NEXT.record(), NEXT.address(), NEXT.bytes);
            assert_eq!(slot::plain_owner(words.word()), Some(NEXT.owner));
            slot::clear_small(words.word());
        });
        assert_eq!(left, None);
    });
}

/// The next block may look just like the moved one: charged to the same account (of a third thread, or of the
/// one that now allocates), of the same size, within the same tick. While that one is moving too, the first
/// move's `clear` takes the second move's mark for its own. It may: the second move ends by a store or by a
/// `clear`. Broken by a `put_back` that is a compare-and-swap.
#[test]
fn a_look_alike_that_moves_too_is_not_lost() {
    loom::model(|| {
        let (given, left) = moved_beside(Words::one(), |words| {
            words.store(MOVED);
            words.slot().begin_move().expect("it lives").put_back();
        });
        assert_eq!(left, given.then_some(MOVED.told()));
    });
    loom::model(|| {
        let (_, left) = moved_beside(Words::one(), |words| {
            words.store(MOVED);
            words.slot().begin_move().expect("it lives").clear();
        });
        assert_eq!(left, None);
    });
    // The inner allocator resized it where it was.
    loom::model(|| {
        let (given, left) = moved_beside(Words::one(), |words| {
            words.store(MOVED);
            words.slot().begin_move().expect("it lives").clear();
            words.store(NEXT);
        });
        assert_eq!(left, given.then_some(NEXT.told()));
    });
}

/// A refused resize: the block lives all the time, and readers see it. Broken by a `begin_move` that empties
/// the slot, by a reader that does not look past the mark, and by a `put_back` that leaves the mark or stores
/// anything but what was there.
#[test]
fn a_refused_move_changes_nothing() {
    for words in [Words::one, Words::two, Words::three] {
        loom::model(move || {
            let words = words();
            words.store(MOVED);
            let mover = thread::spawn({
                let words = words.clone();
                move || words.slot().begin_move().expect("it lives").put_back()
            });
            assert_eq!(words.read(), Some(MOVED.told()));
            mover.join().expect("it does not panic");
            assert_eq!(words.read(), Some(MOVED.told()));
            assert_eq!(slot::plain_owner(words.word()), Some(MOVED.owner), "no mark is left");
        });
    }
}

/// A resize that ends in the slot that it was in, and one that ends elsewhere beside the next owner of the old one.
/// Broken by an `end_in` that clears after its store, and by one that stores without the record's owner.
#[test]
fn a_resized_block_stands_in_its_new_slot() {
    loom::model(|| {
        let words = Words::one();
        words.store(MOVED);
        let reader = thread::spawn({
            let words = words.clone();
            move || words.read()
        });
        let moving = words.slot().begin_move().expect("it lives");
        moving.end_in(words.slot(), MOVED.address(), 120);
        let resized = Some((MOVED.owner, MOVED.address(), 120));
        let told = reader.join().expect("it does not panic");
        assert!(told == Some(MOVED.told()) || told == resized, "it lives all the time: {told:?}");
        assert_eq!(words.read(), resized);
    });
    loom::model(|| {
        let (old, new) = (Words::one(), Words::one());
        old.store(MOVED);
        let inner = Inner::new();
        let mover = thread::spawn({
            let (old, new, inner) = (old.clone(), new.clone(), inner.clone());
            move || {
                let moving = old.slot().begin_move().expect("it lives");
                inner.give_up();
                moving.end_in(new.slot(), MOVED.address(), MOVED.bytes);
            }
        });
        let given = inner.is_given();
        if given {
            old.store(NEXT);
        }
        mover.join().expect("it does not panic");
        assert_eq!((old.read(), new.read()), (given.then_some(NEXT.told()), Some(MOVED.told())));
    });
}
