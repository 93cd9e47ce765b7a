//! Pointers that own what they point to.
//!
//! A walk goes through a pointer, as through a container, on the program's stack, so a value that is deep (a list of
//! boxes) is followed as far as the stack allows; the walk is incomplete past that.

use super::{Container, Sharing, Trackable};
use crate::Visitor;
use std::alloc::Layout;
use std::cell::Cell;
use std::mem::{ManuallyDrop, needs_drop};
use std::ops::Deref;
use std::pin::Pin;
use std::rc::{Rc, Weak as RcWeak};
use std::sync::{Arc, Weak as ArcWeak};

/// A pointer that owns, alone or among others, a block with its pointee.
#[cfg_attr(not(feature = "recorder"), expect(unreachable_pub, reason = "the probe is what it is public for"))]
pub trait OwningPointer {
    /// What it points to.
    type Pointee: ?Sized;

    /// What it points to.
    fn pointee(&self) -> &Self::Pointee;

    /// Shows its own block, and unless this walk has been there, runs `visit` on the pointee.
    fn visit_through(&self, visitor: &mut Visitor<'_>, visit: impl FnOnce(&Self::Pointee, &mut Visitor<'_>));

    /// How many share the pointee.
    fn counts(&self) -> Sharing {
        Sharing::default()
    }
}

/// Runs `visit` if the stack allows for it.
fn deeper<T: ?Sized>(value: &T, visitor: &mut Visitor<'_>, visit: impl FnOnce(&T, &mut Visitor<'_>)) {
    if visitor.may_go_deeper() {
        visit(value, visitor);
    } else {
        visitor.could_not_look();
    }
}

/// Pointers in a row through which what is behind them is asked for its holders.
const SHARING_DEPTH: u8 = 8;

/// Asks behind a pointer; past some depth nothing is said, for a value may lead back to itself.
fn sharing_behind(ask: impl FnOnce() -> Sharing) -> Sharing {
    thread_local! {
        static DEPTH: Cell<u8> = const { Cell::new(0) };
    }
    struct Deeper;
    impl Drop for Deeper {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }
    if DEPTH.get() >= SHARING_DEPTH {
        return Sharing::default();
    }
    DEPTH.set(DEPTH.get() + 1);
    let _deeper = Deeper;
    ask()
}

impl<T: ?Sized> OwningPointer for Box<T> {
    type Pointee = T;

    fn pointee(&self) -> &T {
        self
    }

    fn visit_through(&self, visitor: &mut Visitor<'_>, visit: impl FnOnce(&T, &mut Visitor<'_>)) {
        let bytes = size_of_val::<T>(self);
        if bytes > 0 {
            visitor.block_of(std::ptr::from_ref::<T>(self).cast(), bytes);
        }
        deeper(&**self, visitor, visit);
    }
}

/// Where a weak pointer points that never had a value (`Weak::new`).
const NOWHERE: usize = usize::MAX;

/// Size of the block that `Rc` and `Arc` allocate for `value`: two counts, then the value, as `repr(C)` lays them out.
fn bytes_with_counts<T: ?Sized>(value: &T) -> usize {
    let with_value = Layout::new::<[usize; 2]>().extend(Layout::for_value(value));
    with_value.map_or(0, |(layout, _)| layout.pad_to_align().size()) // it was allocated, so it is a layout
}

macro_rules! shared_pointer {
    ($pointer:ident, $weak:ident) => {
        impl<T: ?Sized> OwningPointer for $pointer<T> {
            type Pointee = T;

            fn pointee(&self) -> &T {
                self
            }

            fn visit_through(&self, visitor: &mut Visitor<'_>, visit: impl FnOnce(&T, &mut Visitor<'_>)) {
                // The value stands behind the two counts, in their block. One without a size may stand at the
                // block's end, so the byte before it, which is a count's or padding, is asked for.
                let counts = std::ptr::from_ref::<T>(self).cast::<u8>().wrapping_sub(1);
                let bytes = bytes_with_counts::<T>(self);
                if $pointer::strong_count(self) == 1 {
                    visitor.block_of(counts, bytes);
                    deeper(&**self, visitor, visit);
                } else if visitor.shared_block_of(counts, bytes) {
                    // Through each shared value once: it may hold a way back to itself.
                    deeper(&**self, visitor, visit);
                }
            }

            fn counts(&self) -> Sharing {
                let (strong, weak) = ($pointer::strong_count(self), $pointer::weak_count(self));
                Sharing { strong: Some(strong), weak: Some(weak), held: None }
            }
        }

        // A weak pointer does not own the value; its block is left to the strong owners. Once they are gone the weak
        // pointers keep it, and it holds nothing that could be walked.
        impl<T: ?Sized> Trackable for $weak<T> {
            fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
                let value = self.as_ptr().cast::<u8>();
                if self.strong_count() == 0 && value.addr() != NOWHERE {
                    visitor.shared_block(value.wrapping_sub(1));
                }
            }
        }

        impl<T: ?Sized> Container for $weak<T> {
            const ELEMENTS_MAY_OWN: bool = false;
            fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
                self.visit_blocks(visitor);
            }
        }
    };
}

shared_pointer!(Rc, RcWeak);
shared_pointer!(Arc, ArcWeak);

macro_rules! walks_through {
    ($($pointer:ident),+) => {$(
        impl<T: ?Sized> Container for $pointer<T> {
            // Of an unsized value that is not a slice it is not known here: then it may.
            const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
            fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
                self.visit_through(visitor, |_, _| {});
            }
            fn sharing(&self) -> Sharing {
                self.counts()
            }
        }

        impl<T: Trackable + ?Sized> Trackable for $pointer<T> {
            fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
                self.visit_through(visitor, T::visit_blocks);
            }
            fn sharing(&self) -> Sharing {
                self.counts().or(sharing_behind(|| self.pointee().sharing()))
            }
        }
    )+};
}

walks_through!(Box, Rc, Arc);

/// The pointer that is pinned.
fn pinned<P>(pin: &Pin<P>) -> &P
where
    P: Deref,
{
    // SAFETY: `Pin` is `repr(transparent)` over its pointer, which is only read.
    unsafe { &*std::ptr::from_ref(pin).cast::<P>() }
}

impl<P: OwningPointer + Deref> OwningPointer for Pin<P> {
    type Pointee = P::Pointee;

    fn pointee(&self) -> &P::Pointee {
        pinned(self).pointee()
    }

    fn visit_through(&self, visitor: &mut Visitor<'_>, visit: impl FnOnce(&P::Pointee, &mut Visitor<'_>)) {
        pinned(self).visit_through(visitor, visit);
    }

    fn counts(&self) -> Sharing {
        pinned(self).counts()
    }
}

impl<P: Container + Deref> Container for Pin<P> {
    const ELEMENTS_MAY_OWN: bool = P::ELEMENTS_MAY_OWN;
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        pinned(self).visit_own_blocks(visitor);
    }
    fn sharing(&self) -> Sharing {
        pinned(self).sharing()
    }
}

impl<P: Trackable + Deref> Trackable for Pin<P> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        pinned(self).visit_blocks(visitor);
    }
    fn sharing(&self) -> Sharing {
        pinned(self).sharing()
    }
}

// It frees nothing itself, but whoever has it is who can. As elements of a container these are not looked at: they have
// nothing to drop.
impl<T: Trackable + ?Sized> Trackable for ManuallyDrop<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        (**self).visit_blocks(visitor);
    }
    fn sharing(&self) -> Sharing {
        (**self).sharing()
    }
}

impl<C: Container + ?Sized> Container for ManuallyDrop<C> {
    const ELEMENTS_MAY_OWN: bool = C::ELEMENTS_MAY_OWN;
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        (**self).visit_own_blocks(visitor);
    }
    fn sharing(&self) -> Sharing {
        (**self).sharing()
    }
}
