//! `fork`: the child finds every registry unlocked and no observer.
//!
//! Before a fork the forking thread takes all registries' locks, so no other thread is in the middle of a change;
//! after it parent and child give them back. The child's observer is not running: it starts again with the next
//! scope that the child enters or variable that it tracks.
//!
//! Lock order, here and wherever two are held: declarations, crossings, variables, sites, scope tree, followers, watch
//! numbers, and last the turns of the timeline and of the peak's capture, which the observer and the hook take too, but
//! only try. That of the recent alerts is held beside no other. Of the declarations (`declared/`) those of foreign memory are taken here; the others are behind locks of
//! the program's own objects.

use crate::alerts::recent;
use crate::{
    books, crossing, declared, follow, observer, owned_bytes, peak, scope, site, thread_state, variable,
    watch,
};
use parking_lot::lock_api::RawMutex as _;
use parking_lot::{Mutex, RawMutex};
use std::sync::Once;

/// Makes forks known. Call it under [`thread_state::own_work`].
pub(crate) fn learn() {
    static ONCE: Once = Once::new();
    // SAFETY: the handlers stay valid, and do what is allowed around a fork: they take and give back locks that are
    // only held for moments.
    ONCE.call_once(|| _ = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) });
}

extern "C" fn before() {
    let _own = thread_state::own_work();
    declared::lock_foreign();
    crossing::lock();
    variable::lock();
    site::lock();
    scope::lock();
    follow::lock_for_fork();
    watch::lock();
    owned_bytes::lock();
    recent::lock_for_fork();
    observer::before_fork();
    peak::before_fork();
}

extern "C" fn in_parent() {
    peak::after_fork();
    observer::after_fork();
    // SAFETY: `before` took the locks on this thread.
    unsafe { unlock_all(Side::Parent) };
}

extern "C" fn in_child() {
    observer::is_gone();
    peak::after_fork();
    observer::after_fork();
    thread_state::only_this_thread(books::live_bytes());
    // SAFETY: `before` took the locks on the thread of which this is the fork.
    unsafe { unlock_all(Side::Child) };
}

/// Who gives back a lock that was taken for a fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The process that forked.
    Parent,
    /// The new one.
    Child,
}

/// # Safety
/// `before` took the locks on this thread, or on the one of which this is the fork.
unsafe fn unlock_all(side: Side) {
    // SAFETY: the caller's promise is handed on.
    unsafe {
        recent::unlock(side);
        owned_bytes::unlock(side);
        watch::unlock(side);
        follow::unlock(side);
        scope::unlock(side);
        site::unlock(side);
        variable::unlock(side);
        crossing::unlock(side);
        declared::unlock_foreign(side);
    }
}

/// Gives back a lock that was taken and kept. In a child it is made anew: giving it back could hand it to a thread
/// that waited for it and that the child does not have.
///
/// # Safety
/// The lock is held, and this is the only thread of the child or the holder in the parent.
pub unsafe fn unlock<T>(mutex: &Mutex<T>, side: Side) {
    match side {
        // SAFETY: the caller holds it.
        Side::Parent => unsafe { mutex.force_unlock() },
        Side::Child => {
            // SAFETY: a raw mutex is one atomic, which may be written through a shared reference, and no other
            // thread is there to use it.
            unsafe { std::ptr::from_ref(mutex.raw()).cast_mut().write(RawMutex::INIT) };
        }
    }
}
