//! A value that takes its instance along: for variables that outlive the function that made them.

#[cfg(feature = "recorder")]
use crate::trackable::Walker;
#[cfg(feature = "recorder")]
use crate::variable::Binding;
use crate::{Trackable, Visitor};
use std::fmt;
#[cfg(not(feature = "recorder"))]
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// A tracked value that is handed on: made by `track_var!(move x)`, used like the value itself.
///
/// The instance lasts as long as the wrapper, wherever it goes, and is looked at when it is made and at each
/// [`Tracked::observe`]. Without recording the wrapper is the value and nothing else. Lifetimes in `T` stay as they were
/// when it was wrapped: a `Tracked<&'static str>` is no `Tracked<&'a str>`.
///
/// ```text
/// fn load(path: &Path) -> Tracked<Index> {
///     let index = Index::read(path);
///     track_var!(move index)
/// }
/// ```
#[must_use = "the variable's end is noted when this is dropped"]
pub struct Tracked<T> {
    // Dropped in this order: the value's blocks are freed while its binding is in scope.
    value: T,
    #[cfg(feature = "recorder")]
    binding: Binding,
    #[cfg(feature = "recorder")]
    walker: Walker<T>,
    /// As invariant as with a walker, so that both settings accept the same programs.
    #[cfg(not(feature = "recorder"))]
    invariant: PhantomData<fn(T) -> T>,
}

/// Wraps a value whose instance has begun, and looks at it.
#[cfg(feature = "recorder")]
pub fn tracked<T>(binding: Binding, value: T, walker: Walker<T>) -> Tracked<T> {
    let tracked = Tracked { value, binding, walker };
    tracked.observe();
    tracked
}

/// Wraps a value that is not recorded.
#[cfg(not(feature = "recorder"))]
pub fn untracked<T>(value: T) -> Tracked<T> {
    Tracked { value, invariant: PhantomData }
}

impl<T> Tracked<T> {
    /// Looks at the value: what it owns now.
    pub fn observe(&self) {
        #[cfg(feature = "recorder")]
        self.binding.observe(&self.value, self.walker);
    }

    /// Takes the value out; its instance ends.
    pub fn into_inner(tracked: Tracked<T>) -> T {
        tracked.value
    }
}

impl<T> Deref for Tracked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Tracked<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

// Its blocks count for the instance that it takes along, wherever it lies.
impl<T> Trackable for Tracked<T> {
    fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {}
}

impl<T: fmt::Debug> fmt::Debug for Tracked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for Tracked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
