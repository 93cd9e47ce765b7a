//! What heap blocks a value owns, asked of the value itself.
//!
//! [`Trackable`] walks all of a value's blocks, [`Container`] those of a container alone, whatever its elements
//! are. `track_var!` takes the first of the two that the type has (`probe.rs`), and says "not walked" where it has
//! neither and the type has something to drop.
//!
//! A block is owned by who frees it when dropped. So references, raw pointers and handles own nothing, and neither does
//! any type that has nothing to drop.
//!
//! A block that a std container does not show (a map's table, a tree's node) is found by asking the live map for
//! the block around an element, or, in an empty container that kept its memory, around the addresses that the
//! container itself holds. In sampling mode the live map knows no block, and such a container says so. What cannot be
//! found at all makes the walk incomplete; nothing is guessed.
//!
//! Without a recorder the traits and their implementations are the same, so that a program compiles or is refused in
//! both settings alike; nobody asks them then.

mod cells;
#[cfg(feature = "recorder")]
mod hidden;
mod io;
mod locks;
mod maps;
mod once;
mod plain;
mod pointers;
#[cfg(feature = "recorder")]
mod probe;
mod sequences;
// With `sampling` compiled in, a program starts in that mode, and no block is in the live map.
#[cfg(all(test, feature = "live", not(feature = "sampling")))]
mod tests;
mod text;
mod tuples;
mod wrappers;

#[cfg(feature = "bytes")]
mod bytes;
#[cfg(feature = "hashbrown")]
mod hashbrown;
#[cfg(feature = "indexmap")]
mod indexmap;
#[cfg(feature = "smallvec")]
mod smallvec;

#[cfg(feature = "recorder")]
pub use probe::{Probe, WalkContainer, WalkFull, WalkInside, WalkNothing, Walker};

use crate::Visitor;
use crate::snapshot::Held;
use std::mem::needs_drop;

/// A value that can show all heap blocks that it owns.
///
/// `#[derive(Trackable)]` of `memscope` implements it field by field. By hand:
///
/// ```
/// use memscope_runtime::{Trackable, Visitor};
///
/// struct Document { title: String, pages: Vec<String> }
///
/// impl Trackable for Document {
///     fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
///         self.title.visit_blocks(visitor);
///         self.pages.visit_blocks(visitor);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    note = "derive `memscope::Trackable`, or implement it by visiting each field that owns memory",
    note = "in a derive, a field that cannot be walked is left out by `#[track(skip)]`",
    note = "if the variable's type is not settled at `track_var!(x)`, annotate it, or move the macro below its first use"
)]
pub trait Trackable {
    /// Shows every owned block to the visitor; borrowed memory is not owned. A block that the type allocates itself is
    /// shown by [`Visitor::block_of`] where its size is known, so that it is found in sampling mode too.
    fn visit_blocks(&self, visitor: &mut Visitor<'_>);

    /// What the value can tell of who shares or holds it at this moment.
    fn sharing(&self) -> Sharing {
        Sharing::default()
    }
}

/// What a value can tell of who shares or holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// Strong owners; `None`: it has one owner by its type.
    pub strong: Option<usize>,
    /// Weak pointers; `None`: it has none by its type.
    pub weak: Option<usize>,
    /// Who holds its `RefCell` or lock; `None`: it has none.
    pub held: Option<Held>,
}

impl Sharing {
    /// What an owner says, and where it says nothing, what the value within it does.
    fn or(self, within: Sharing) -> Sharing {
        let counts = if self.strong.is_some() { self } else { within };
        Sharing { strong: counts.strong, weak: counts.weak, held: self.held.or(within.held) }
    }
}

/// A container that can show its own blocks, whatever its elements are.
pub trait Container {
    /// Whether elements may own blocks, which then are not looked at. What has nothing to drop owns none.
    const ELEMENTS_MAY_OWN: bool;

    /// Shows the container's own blocks.
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>);

    /// See [`Trackable::sharing`].
    fn sharing(&self) -> Sharing {
        Sharing::default()
    }
}

/// A part of a value that is left out of the walk: the walk is incomplete if it may own anything.
pub fn left_out<T: ?Sized>(_part: &T, visitor: &mut Visitor<'_>) {
    if needs_drop::<T>() {
        visitor.could_not_look();
    }
}

/// Types whose own blocks are all that they own.
macro_rules! whole_in_itself {
    ($($type:ty),+ $(,)?) => {$(
        impl crate::trackable::Container for $type {
            const ELEMENTS_MAY_OWN: bool = false;
            fn visit_own_blocks(&self, visitor: &mut crate::Visitor<'_>) {
                crate::trackable::Trackable::visit_blocks(self, visitor);
            }
        }
    )+};
}
use whole_in_itself;

/// The whole walk of a container: its own blocks, then what its elements own, if the stack allows for it.
macro_rules! walk_elements {
    ($value:ident, $visitor:ident, $element:ident) => {
        crate::trackable::walk_elements!(@ $value, $visitor, for $element in $value {
            $element.visit_blocks($visitor);
        })
    };
    ($value:ident, $visitor:ident, $key:ident, $mapped:ident) => {
        crate::trackable::walk_elements!(@ $value, $visitor, for ($key, $mapped) in $value {
            $key.visit_blocks($visitor);
            $mapped.visit_blocks($visitor);
        })
    };
    (@ $value:ident, $visitor:ident, $walk:expr) => {{
        $value.visit_own_blocks($visitor);
        if Self::ELEMENTS_MAY_OWN {
            if $visitor.may_go_deeper() {
                $walk
            } else {
                $visitor.could_not_look();
            }
        }
    }};
}
use walk_elements;
