//! A reader beside a holder that frees one block and is given another one in the same slot.

use crate::block::{Block, Words};
use loom::thread;
use std::sync::atomic::{AtomicBool, Ordering};

const FIRST: Block = Block { owner: 1, offset: 0, bytes: 100 };
const SECOND: Block = Block { owner: 2, offset: 16, bytes: 200 };
/// What the slot held before both; its further words are still there.
const EARLIER: Block = Block { owner: 3, offset: 32, bytes: 300 };

type Told = Option<(u32, usize, usize)>;

/// Runs a holder beside a reader, and hands what that read, twice, to `check`.
fn read_beside(words: fn() -> Words, check: fn(Told)) {
    loom::model(move || {
        let words = words();
        words.store(EARLIER);
        words.slot().clear();
        let holder = thread::spawn({
            let words = words.clone();
            move || {
                words.store(FIRST);
                words.slot().clear();
                words.store(SECOND);
            }
        });
        let (once, again) = (words.read(), words.read());
        check(once);
        check(again);
        // Blocks come in order: what was seen to be the second's is not the first's again.
        let owner = |told: Told| told.map(|(owner, ..)| owner);
        assert!(owner(once) != Some(SECOND.owner) || again == once);
        holder.join().expect("it does not panic");
        assert_eq!(words.read(), Some(SECOND.told()));
    });
}

/// A slot of one word is whole.
#[test]
fn a_one_word_slot_is_read_whole() {
    read_beside(Words::one, |told| {
        assert!(told.is_none() || told == Some(FIRST.told()) || told == Some(SECOND.told()), "{told:?}");
    });
}

/// No place of an earlier block with the owner of a later one. Broken by a relaxed store of the record, by a
/// relaxed load of it, and by storing it before the further words.
#[test]
fn no_later_owner_stands_with_an_earlier_place() {
    read_beside(Words::two, |told| match told {
        None => {}
        Some((owner, address, bytes)) if owner == FIRST.owner => {
            assert!([FIRST, SECOND].iter().any(|block| (block.address(), block.bytes) == (address, bytes)));
        }
        told => assert_eq!(told, Some(SECOND.told())),
    });
    // Size and start are words of their own, so with the first owner each may be of either block.
    read_beside(Words::three, |told| match told {
        None => {}
        Some((owner, address, bytes)) if owner == FIRST.owner => {
            assert!(address == FIRST.address() || address == SECOND.address());
            assert!(bytes == FIRST.bytes || bytes == SECOND.bytes);
        }
        told => assert_eq!(told, Some(SECOND.told())),
    });
}

/// A limit, and not a promise: an earlier owner may stand with the place of a later block, for a reader does
/// not look at the record again. Only blocks that are freed during the reading are told so; `rename` finds
/// their record changed.
#[test]
fn an_earlier_owner_may_stand_with_a_later_place() {
    static SEEN: AtomicBool = AtomicBool::new(false);
    read_beside(Words::two, |told| {
        if told == Some((FIRST.owner, SECOND.address(), SECOND.bytes)) {
            SEEN.store(true, Ordering::Relaxed);
        }
    });
    assert!(SEEN.load(Ordering::Relaxed));
}
