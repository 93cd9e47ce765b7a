//! Values that hold another value in themselves: options, results, ranges and the like.

use super::{Container, Sharing, Trackable, left_out};
use crate::Visitor;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::mem::needs_drop;
use std::ops::{Bound, ControlFlow, Range, RangeFrom, RangeInclusive, RangeTo, RangeToInclusive};
use std::panic::AssertUnwindSafe;
use std::task::Poll;

impl<T: Trackable> Trackable for Option<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if let Some(value) = self {
            value.visit_blocks(visitor);
        }
    }
    fn sharing(&self) -> Sharing {
        self.as_ref().map(T::sharing).unwrap_or_default()
    }
}

impl<C: Container> Container for Option<C> {
    const ELEMENTS_MAY_OWN: bool = C::ELEMENTS_MAY_OWN;
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        if let Some(container) = self {
            container.visit_own_blocks(visitor);
        }
    }
    fn sharing(&self) -> Sharing {
        self.as_ref().map(C::sharing).unwrap_or_default()
    }
}

impl<T: Trackable, E: Trackable> Trackable for Result<T, E> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        match self {
            Ok(value) => value.visit_blocks(visitor),
            Err(error) => error.visit_blocks(visitor),
        }
    }
    fn sharing(&self) -> Sharing {
        self.as_ref().map_or_else(E::sharing, T::sharing)
    }
}

// An error of any type: one that may own memory is not looked at.
impl<C: Container, E> Container for Result<C, E> {
    const ELEMENTS_MAY_OWN: bool = C::ELEMENTS_MAY_OWN || needs_drop::<E>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        match self {
            Ok(container) => container.visit_own_blocks(visitor),
            Err(error) => left_out(error, visitor),
        }
    }
    fn sharing(&self) -> Sharing {
        self.as_ref().map(C::sharing).unwrap_or_default()
    }
}

impl<B: ToOwned + ?Sized> Trackable for Cow<'_, B>
where
    B::Owned: Trackable,
{
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if let Cow::Owned(value) = self {
            value.visit_blocks(visitor);
        }
    }
    fn sharing(&self) -> Sharing {
        match self {
            Cow::Owned(value) => value.sharing(),
            Cow::Borrowed(_) => Sharing::default(),
        }
    }
}

impl<B: ToOwned + ?Sized> Container for Cow<'_, B>
where
    B::Owned: Container,
{
    const ELEMENTS_MAY_OWN: bool = <B::Owned as Container>::ELEMENTS_MAY_OWN;
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        if let Cow::Owned(container) = self {
            container.visit_own_blocks(visitor);
        }
    }
}

/// Types that are one field with a meaning.
macro_rules! transparent {
    ($($wrapper:ident),+) => {$(
        impl<T: Trackable> Trackable for $wrapper<T> {
            fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
                self.0.visit_blocks(visitor);
            }
            fn sharing(&self) -> Sharing {
                self.0.sharing()
            }
        }

        impl<C: Container> Container for $wrapper<C> {
            const ELEMENTS_MAY_OWN: bool = C::ELEMENTS_MAY_OWN;
            fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
                self.0.visit_own_blocks(visitor);
            }
            fn sharing(&self) -> Sharing {
                self.0.sharing()
            }
        }
    )+};
}

transparent!(Reverse, AssertUnwindSafe);

impl<T: Trackable> Trackable for Poll<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if let Poll::Ready(value) = self {
            value.visit_blocks(visitor);
        }
    }
}

impl<B: Trackable, C: Trackable> Trackable for ControlFlow<B, C> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        match self {
            ControlFlow::Break(value) => value.visit_blocks(visitor),
            ControlFlow::Continue(value) => value.visit_blocks(visitor),
        }
    }
}

impl<T: Trackable> Trackable for Bound<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if let Bound::Included(value) | Bound::Excluded(value) = self {
            value.visit_blocks(visitor);
        }
    }
}

impl<T: Trackable> Trackable for Range<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.start.visit_blocks(visitor);
        self.end.visit_blocks(visitor);
    }
}

impl<T: Trackable> Trackable for RangeInclusive<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.start().visit_blocks(visitor);
        self.end().visit_blocks(visitor);
    }
}

impl<T: Trackable> Trackable for RangeFrom<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.start.visit_blocks(visitor);
    }
}

impl<T: Trackable> Trackable for RangeTo<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.end.visit_blocks(visitor);
    }
}

impl<T: Trackable> Trackable for RangeToInclusive<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.end.visit_blocks(visitor);
    }
}
