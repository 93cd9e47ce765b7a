//! Cells of one thread.

use super::{Container, Sharing, Trackable};
use crate::Visitor;
use crate::snapshot::Held;
use std::cell::{Cell, Ref, RefCell, RefMut, UnsafeCell};
use std::mem::needs_drop;

// The value of a `Cell` can be copied or moved out, and not looked at: a look that runs a user's code could meet itself.
// So only a container of std's is looked at, by its words.
impl<T> Trackable for Cell<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if needs_drop::<T>() {
            // SAFETY: the cell is of this thread alone, and what looks at its words runs no code that could write to it.
            visitor.blocks_by_name(unsafe { &*self.as_ptr() });
        }
    }
}

impl<T> Container for Cell<T> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        self.visit_blocks(visitor);
    }
}

// What is in it is reached by unsafe code alone.
impl<T: ?Sized> Trackable for UnsafeCell<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if needs_drop::<T>() {
            visitor.could_not_look();
        }
    }
}

/// Looks into a `RefCell` if nobody writes to it: waiting could stop the program.
fn look<T: ?Sized>(cell: &RefCell<T>, visitor: &mut Visitor<'_>, visit: fn(&T, &mut Visitor<'_>)) {
    match cell.try_borrow() {
        Ok(value) => visit(&value, visitor),
        Err(_) if needs_drop::<T>() => visitor.could_not_look(),
        Err(_) => {}
    }
}

/// Borrows for a moment: nobody but this thread could see it.
fn holder<T: ?Sized>(cell: &RefCell<T>) -> Sharing {
    let held = if cell.try_borrow_mut().is_ok() {
        Held::Free
    } else if cell.try_borrow().is_ok() {
        Held::Shared
    } else {
        Held::Exclusive
    };
    Sharing { held: Some(held), ..Sharing::default() }
}

impl<T: Trackable + ?Sized> Trackable for RefCell<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        look(self, visitor, T::visit_blocks);
    }
    fn sharing(&self) -> Sharing {
        holder(self)
    }
}

impl<C: Container + ?Sized> Container for RefCell<C> {
    const ELEMENTS_MAY_OWN: bool = C::ELEMENTS_MAY_OWN;
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        look(self, visitor, C::visit_own_blocks);
    }
    fn sharing(&self) -> Sharing {
        holder(self)
    }
}

// What is borrowed stays its owner's.
impl<T: ?Sized> Trackable for Ref<'_, T> {
    fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {}
}

impl<T: ?Sized> Trackable for RefMut<'_, T> {
    fn visit_blocks(&self, _visitor: &mut Visitor<'_>) {}
}
