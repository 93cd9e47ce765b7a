//! A row of a thread that has ended, and a capture: one writer at a time, who sees all that the former one wrote.

use crate::sync::{AtomicBool, AtomicU32};
use crate::tenure::{Tenure, Turn};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

struct Row {
    tenure: Tenure,
    /// Stands for the accounts: loom says so if two threads may write it at once.
    allocations: UnsafeCell<u32>,
}

impl Row {
    fn allocate(&self) {
        // SAFETY: only who has taken the row calls this, which is what is tested.
        self.allocations.with_mut(|allocations| unsafe { *allocations += 1 });
    }
}

/// Broken by a load and a store in `take`, by a relaxed compare-and-swap there, and by a relaxed store in `end`.
#[test]
fn a_row_has_one_thread_at_a_time() {
    loom::model(|| {
        let tenure = Tenure { state: AtomicU32::new(0) };
        let row = Arc::new(Row { tenure, allocations: UnsafeCell::new(0) });
        row.tenure.begin();
        let go_on = |row: &Row| {
            let taken = row.tenure.take();
            if taken {
                row.allocate();
                row.tenure.end();
            }
            u32::from(taken)
        };
        let threads = [(); 2].map(|()| {
            let row = row.clone();
            thread::spawn(move || go_on(&row))
        });
        row.allocate();
        row.tenure.end();
        let taken: u32 = threads.map(|thread| thread.join().expect("it does not panic")).iter().sum();
        assert!(row.tenure.has_ended());
        assert!(row.tenure.take());
        // SAFETY: all other threads have ended.
        assert_eq!(row.allocations.with(|allocations| unsafe { *allocations }), 1 + taken);
    });
}

/// Broken by a load and a store in `try_take`, by a relaxed compare-and-swap there, and by a relaxed store in `end`.
#[test]
fn a_capture_is_written_by_one() {
    loom::model(|| {
        let captures = Arc::new((Turn { taken: AtomicBool::new(false) }, UnsafeCell::new(0)));
        let capture = |captures: &(Turn, UnsafeCell<u32>)| {
            let taken = captures.0.try_take();
            if taken {
                // SAFETY: the turn is this thread's, which is what is tested.
                captures.1.with_mut(|written| unsafe { *written += 1 });
                captures.0.end();
            }
            u32::from(taken)
        };
        let threads = [(); 2].map(|()| {
            let captures = captures.clone();
            thread::spawn(move || capture(&captures))
        });
        let mine = capture(&captures);
        let made: u32 = threads.map(|thread| thread.join().expect("it does not panic")).iter().sum();
        assert!(captures.0.try_take(), "it was given back");
        // SAFETY: all other threads have ended.
        assert_eq!(captures.1.with(|written| unsafe { *written }), mine + made);
    });
}
