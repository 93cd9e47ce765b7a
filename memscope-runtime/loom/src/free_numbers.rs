//! Numbers that are taken and given back by two threads: no number is anybody's twice, and who takes one sees what its
//! last holder wrote.

use crate::free_list::FreeList;
use crate::sync::{AtomicU32, AtomicU64};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

struct Numbers {
    list: FreeList,
    links: [AtomicU32; 3],
    /// Written by who holds the number: loom says so if two may at once, or if one does not see the other's.
    held: [UnsafeCell<u32>; 3],
}

impl Numbers {
    /// With 1 and 2 in the list, 1 at its head.
    fn both_free() -> Arc<Numbers> {
        let numbers = Numbers {
            list: FreeList { head: AtomicU64::new(0) },
            links: [(); 3].map(|()| AtomicU32::new(0)),
            held: [(); 3].map(|()| UnsafeCell::new(0)),
        };
        numbers.give(2);
        numbers.give(1);
        Arc::new(numbers)
    }

    fn take(&self) -> Option<u32> {
        let number = self.list.take(|number| self.links.get(number as usize))?;
        // SAFETY: the number is this thread's; loom checks that.
        self.held[number as usize].with_mut(|times| unsafe { *times += 1 });
        Some(number)
    }

    fn give(&self, number: u32) {
        self.list.give(number, &self.links[number as usize]);
    }
}

/// Broken by a head without a count (one thread reads that 2 follows 1; the other takes both and gives 1 back: then 2
/// would be in the list and in its hand), and by a relaxed give.
#[test]
fn a_number_is_nobodys_twice() {
    loom::model(|| {
        let numbers = Numbers::both_free();
        let other = thread::spawn({
            let numbers = numbers.clone();
            move || {
                let first = numbers.take();
                let second = numbers.take();
                if let Some(number) = first {
                    numbers.give(number);
                }
                second
            }
        });
        let mine = numbers.take();
        let theirs = other.join().expect("it does not panic");
        assert!(mine.is_none() || mine != theirs, "{mine:?}");
        let left = std::iter::from_fn(|| numbers.take());
        let mut all: Vec<u32> = left.chain(mine).chain(theirs).collect();
        all.sort_unstable();
        assert_eq!(all, [1, 2], "none is lost");
    });
}
