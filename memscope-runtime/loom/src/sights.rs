//! A place that another thread looks at: it is not looked at any more once it was taken back.

use crate::sight::{Eye, Shown};
use crate::sync::AtomicPtr;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use std::ptr;

struct Threads {
    shown: Shown<UnsafeCell<u32>>,
    eye: Eye,
    /// The ending thread's own: it writes here once it has taken the place back, as who gets its memory next would.
    place: UnsafeCell<u32>,
}

// SAFETY: the place is reached by who may, which is what is tested.
unsafe impl Sync for Threads {}
// SAFETY: as above.
unsafe impl Send for Threads {}

/// Broken by either fence left out, by a relaxed store that takes the eye off, by a relaxed load in `take_back`, and by
/// looking without the eye on the place.
#[test]
fn a_place_that_was_taken_back_is_not_looked_at() {
    loom::model(|| {
        let threads = Arc::new(Threads {
            shown: Shown { place: AtomicPtr::new(ptr::null_mut()) },
            eye: Eye { on: AtomicPtr::new(ptr::null_mut()) },
            place: UnsafeCell::new(1),
        });
        // SAFETY: it is taken back below, before it is written to.
        unsafe { threads.shown.show(&threads.place) };
        let looker = {
            let threads = threads.clone();
            thread::spawn(move || {
                // SAFETY: loom says so if the other thread writes meanwhile.
                let look = |place: &UnsafeCell<u32>| place.with(|place| unsafe { *place });
                threads.shown.look(&threads.eye, look)
            })
        };
        threads.shown.take_back(&threads.eye, loom::hint::spin_loop);
        // SAFETY: nobody looks any more, which is what is tested.
        threads.place.with_mut(|place| unsafe { *place = 2 });
        let seen = looker.join().expect("it does not panic");
        assert_ne!(seen, Some(2));
    });
}
