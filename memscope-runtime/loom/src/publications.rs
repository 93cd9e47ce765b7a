//! Two threads map the same leaf, or open rows at once: one is published, or both are listed, and whole.

use crate::publish::{publish, push};
use crate::sync::{AtomicPtr, Ordering};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use std::ptr;

/// What a reader behind a published pointer sees. Never given back, as the recorder's memory is not.
struct Leaf {
    next: AtomicPtr<Leaf>,
    /// Written before publication, and not as an atomic: loom says so if a reader may see it half written.
    first_address: UnsafeCell<usize>,
}

/// A leaf that lives as long as `keeper`.
fn leaf(first_address: usize) -> Arc<Leaf> {
    Arc::new(Leaf { next: AtomicPtr::new(ptr::null_mut()), first_address: UnsafeCell::new(first_address) })
}

fn read(place: *mut Leaf) -> usize {
    // SAFETY: each test keeps its leaves until its threads have ended.
    unsafe { (*place).first_address.with(|address| *address) }
}

/// Broken by a load and a store in place of the compare-and-swap, and by a relaxed one.
#[test]
fn one_of_two_leaves_is_published() {
    loom::model(|| {
        let place = Arc::new(AtomicPtr::new(ptr::null_mut()));
        let other = thread::spawn({
            let place = place.clone();
            move || {
                let second = leaf(2);
                (publish(&place, &*second), read(place.load(Ordering::Acquire)), second)
            }
        });
        let first = leaf(1);
        let mine = (publish(&place, &*first), read(place.load(Ordering::Acquire)));
        let theirs = other.join().expect("it does not panic");
        assert!(mine.0 != theirs.0);
        // Both go on with the same leaf.
        assert_eq!((mine.1, theirs.1), if mine.0 { (1, 1) } else { (2, 2) });
    });
}

/// Broken by a load and a store in place of the compare-and-swap, by a relaxed one, and by a link that is not written
/// again when it failed.
#[test]
fn every_leaf_is_listed_once() {
    loom::model(|| {
        let head = Arc::new(AtomicPtr::new(ptr::null_mut()));
        let (first, second) = (leaf(1), leaf(2));
        let listed = |head: &AtomicPtr<Leaf>| {
            let mut found = Vec::new();
            let mut next = head.load(Ordering::Acquire);
            while !next.is_null() {
                found.push(read(next));
                // SAFETY: as in `read`.
                next = unsafe { (*next).next.load(Ordering::Relaxed) };
            }
            found
        };
        let other = thread::spawn({
            let (head, second) = (head.clone(), second.clone());
            move || push(&head, &*second, |next| second.next.store(next, Ordering::Relaxed))
        });
        push(&head, &*first, |next| first.next.store(next, Ordering::Relaxed));
        let meanwhile = listed(&head);
        assert!([vec![1], vec![1, 2], vec![2, 1]].contains(&meanwhile), "{meanwhile:?}");
        other.join().expect("it does not panic");
        let mut all = listed(&head);
        all.sort_unstable();
        assert_eq!(all, [1, 2]);
    });
}
