//! Locks, and cells that threads share.
//!
//! A value behind a lock is walked only when the lock can be had at once: waiting could stop the program. The lock is
//! then held for the walk (for reading, where it tells readers from writers), and for a moment more to say who holds it:
//! what tries a lock meanwhile (`try_lock`, `try_read`, `try_write`) is told that it is held, as it is by any other user
//! of the lock; what waits for it waits for the walk.

use super::{Container, Sharing, Trackable};
use crate::Visitor;
use crate::snapshot::Held;
use std::mem::needs_drop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

/// The guard that was had, if one was; a poisoned lock is as good.
fn guard<G>(result: Result<G, TryLockError<G>>) -> Option<G> {
    match result {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Runs `look`, which may run a user's code, under a guard. Were the guard dropped by its panic, the lock would be
/// poisoned; so it is given back before the panic goes on.
fn under<G>(guard: G, look: impl FnOnce(&G)) {
    let result = catch_unwind(AssertUnwindSafe(|| look(&guard)));
    drop(guard);
    result.unwrap_or_else(|panic| resume_unwind(panic));
}

fn look_into_mutex<T: ?Sized>(lock: &Mutex<T>, visitor: &mut Visitor<'_>, visit: fn(&T, &mut Visitor<'_>)) {
    match guard(lock.try_lock()) {
        Some(guard) => under(guard, |value| visit(value, visitor)),
        None if needs_drop::<T>() => visitor.could_not_look(),
        None => {}
    }
}

fn look_into_rw_lock<T: ?Sized>(
    lock: &RwLock<T>,
    visitor: &mut Visitor<'_>,
    visit: fn(&T, &mut Visitor<'_>),
) {
    match guard(lock.try_read()) {
        Some(guard) => under(guard, |value| visit(value, visitor)),
        None if needs_drop::<T>() => visitor.could_not_look(),
        None => {}
    }
}

fn holder_of_mutex<T: ?Sized>(lock: &Mutex<T>) -> Sharing {
    let is_free = guard(lock.try_lock()).is_some();
    let held = if is_free { Held::Free } else { Held::Exclusive };
    Sharing { held: Some(held), ..Sharing::default() }
}

/// Tries to write first: of a free lock that takes it once, and of one that is held it changes nothing.
fn holder_of_rw_lock<T: ?Sized>(lock: &RwLock<T>) -> Sharing {
    let held = if guard(lock.try_write()).is_some() {
        Held::Free
    } else if guard(lock.try_read()).is_some() {
        Held::Shared
    } else {
        Held::Exclusive
    };
    Sharing { held: Some(held), ..Sharing::default() }
}

macro_rules! behind_a_lock {
    ($lock:ident, $look:ident, $holder:ident) => {
        impl<T: Trackable + ?Sized> Trackable for $lock<T> {
            fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
                $look(self, visitor, T::visit_blocks);
            }
            fn sharing(&self) -> Sharing {
                $holder(self)
            }
        }

        impl<C: Container + ?Sized> Container for $lock<C> {
            const ELEMENTS_MAY_OWN: bool = C::ELEMENTS_MAY_OWN;
            fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
                $look(self, visitor, C::visit_own_blocks);
            }
            fn sharing(&self) -> Sharing {
                $holder(self)
            }
        }
    };
}

behind_a_lock!(Mutex, look_into_mutex, holder_of_mutex);
behind_a_lock!(RwLock, look_into_rw_lock, holder_of_rw_lock);

// What is locked stays its owner's.
impl<T: ?Sized> Trackable for MutexGuard<'_, T> {
    fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {}
}

impl<T: ?Sized> Trackable for RwLockReadGuard<'_, T> {
    fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {}
}

impl<T: ?Sized> Trackable for RwLockWriteGuard<'_, T> {
    fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {}
}
