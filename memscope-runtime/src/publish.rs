//! Places for what is made once and never given back.
//!
//! Orderings: a pointer is published with release and read with acquire, so who sees it sees what it points to.

use crate::sync::{AtomicPtr, Ordering};
use std::ptr;

/// Whoever loses the race to publish, and is told `false`, leaves its zeroed pages untouched.
pub(crate) fn publish<T>(place: &AtomicPtr<T>, fresh: *const T) -> bool {
    let null = ptr::null_mut();
    place.compare_exchange(null, fresh.cast_mut(), Ordering::AcqRel, Ordering::Acquire).is_ok()
}

/// Puts `fresh` at the head of a list. `set_next` writes its link, perhaps more than once.
pub(crate) fn push<T>(head: &AtomicPtr<T>, fresh: *const T, set_next: impl Fn(*mut T)) {
    let mut next = head.load(Ordering::Relaxed);
    loop {
        set_next(next);
        match head.compare_exchange_weak(next, fresh.cast_mut(), Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(newer) => next = newer,
        }
    }
}
