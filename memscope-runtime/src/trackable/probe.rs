//! Which of the traits a value is walked by, found by method look-up.

use super::pointers::OwningPointer;
use super::{Container, Sharing, Trackable};
use crate::Visitor;
use crate::snapshot::Walk;
use std::fmt;

/// How to look into a value of type `T`.
pub struct Walker<T: ?Sized> {
    pub(crate) walk: Walk,
    pub(crate) visit: fn(&T, &mut Visitor<'_>),
    pub(crate) sharing: fn(&T) -> Sharing,
}

impl<T: ?Sized> Clone for Walker<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Walker<T> {}

impl<T: ?Sized> fmt::Debug for Walker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walker").field("walk", &self.walk).finish_non_exhaustive()
    }
}

/// Chooses a [`Walker`] by method look-up: `(&&&&Probe(&value)).memscope_walker()` finds the trait that applies first.
/// The method has a name that nobody writes: one that a user's trait gives to every type would be as good a candidate.
#[derive(Debug)]
pub struct Probe<'a, T: ?Sized>(pub &'a T);

/// First choice: the type is [`Trackable`].
pub trait WalkFull<T: ?Sized> {
    /// Walks everything.
    fn memscope_walker(&self) -> Walker<T>;
}

/// Second choice: the type is an owning pointer to a [`Container`], as `Arc<Mutex<Vec<Opaque>>>` is.
pub trait WalkInside<T: ?Sized> {
    /// Walks the pointer's own block and the container's.
    fn memscope_walker(&self) -> Walker<T>;
}

/// Third choice: the type is a [`Container`].
pub trait WalkContainer<T: ?Sized> {
    /// Walks the container's own blocks.
    fn memscope_walker(&self) -> Walker<T>;
}

/// Last choice: any type.
pub trait WalkNothing<T: ?Sized> {
    /// Walks nothing.
    fn memscope_walker(&self) -> Walker<T>;
}

const fn walk_of_container(elements_may_own: bool) -> Walk {
    if elements_may_own { Walk::ContainerOnly } else { Walk::Full }
}

impl<T: Trackable + ?Sized> WalkFull<T> for &&&Probe<'_, T> {
    fn memscope_walker(&self) -> Walker<T> {
        Walker { walk: Walk::Full, visit: T::visit_blocks, sharing: T::sharing }
    }
}

impl<P: OwningPointer> WalkInside<P> for &&Probe<'_, P>
where
    P::Pointee: Container,
{
    fn memscope_walker(&self) -> Walker<P> {
        Walker {
            walk: walk_of_container(P::Pointee::ELEMENTS_MAY_OWN),
            visit: |pointer, visitor| pointer.visit_through(visitor, P::Pointee::visit_own_blocks),
            sharing: |pointer| pointer.counts().or(pointer.pointee().sharing()),
        }
    }
}

impl<T: Container + ?Sized> WalkContainer<T> for &Probe<'_, T> {
    fn memscope_walker(&self) -> Walker<T> {
        let walk = walk_of_container(T::ELEMENTS_MAY_OWN);
        Walker { walk, visit: T::visit_own_blocks, sharing: T::sharing }
    }
}

impl<T: ?Sized> WalkNothing<T> for Probe<'_, T> {
    fn memscope_walker(&self) -> Walker<T> {
        Walker { walk: Walk::NotWalked, visit: |_, _| {}, sharing: |_| Sharing::default() }
    }
}
