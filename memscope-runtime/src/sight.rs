//! A place in one thread's memory that another thread may look at, until it is taken back.
//!
//! ```text
//! the owner:  show ───────────────────── take back: hide, then wait while an eye is on it ── the memory may go
//! the looker:        put the eye on it, look if it is still shown, take the eye off
//! ```
//!
//! Either the looker finds the place hidden, or the owner finds the eye on it and waits for the few instructions that a
//! look takes. Orderings: each side writes its own word, then reads the other's, with a fence that is sequentially
//! consistent between the two, so that not both can miss the other's. The eye is taken off with release and found off
//! with acquire, so that the look is over before the memory goes.

use crate::sync::{AtomicPtr, Ordering, fence};
use std::ptr;

/// What is shown. All-zero is nothing.
#[derive(Debug)]
pub(crate) struct Shown<T> {
    pub(crate) place: AtomicPtr<T>,
}

/// What the one looker has its eye on: a [`Shown`], or nothing.
#[derive(Debug)]
pub(crate) struct Eye {
    pub(crate) on: AtomicPtr<()>,
}

impl<T> Shown<T> {
    /// Shows `place` from here on.
    ///
    /// # Safety
    /// It is there until it was [taken back](Shown::take_back).
    pub(crate) unsafe fn show(&self, place: &T) {
        self.place.store(ptr::from_ref(place).cast_mut(), Ordering::Release);
    }

    /// Takes the place back. `wait` is called while the looker looks at it.
    pub(crate) fn take_back(&self, eye: &Eye, mut wait: impl FnMut()) {
        self.place.store(ptr::null_mut(), Ordering::Relaxed);
        fence(Ordering::SeqCst);
        while ptr::eq(eye.on.load(Ordering::Acquire), ptr::from_ref(self).cast()) {
            wait();
        }
    }

    /// What `f` says of the place, if it is shown. There is one looker for an eye, which looks at one place at a time.
    pub(crate) fn look<R>(&self, eye: &Eye, f: impl FnOnce(&T) -> R) -> Option<R> {
        eye.on.store(ptr::from_ref(self).cast::<()>().cast_mut(), Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let place = self.place.load(Ordering::Acquire);
        // SAFETY: null, or a place that was shown; its owner does not let it go before the eye is off it.
        let seen = unsafe { place.as_ref() }.map(f);
        eye.on.store(ptr::null_mut(), Ordering::Release);
        seen
    }
}
