//! Vectors, rings, heaps, lists, slices and arrays.

use super::{Container, Trackable, walk_elements};
use crate::Visitor;
use std::collections::{BinaryHeap, LinkedList, VecDeque};
use std::mem::needs_drop;
use std::vec;

/// The block of `capacity` places of which `len` are taken, if there is one.
pub(super) fn visit_places<T>(start: *const T, capacity: usize, len: usize, visitor: &mut Visitor<'_>) {
    if capacity > 0 && size_of::<T>() > 0 {
        visitor.block_of(start.cast(), capacity * size_of::<T>());
        visitor.unused((capacity - len) * size_of::<T>());
    }
}

impl<T> Container for Vec<T> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        visit_places(self.as_ptr(), self.capacity(), self.len(), visitor);
    }
}

impl<T: Trackable> Trackable for Vec<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, element);
    }
}

impl<T> Container for vec::IntoIter<T> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    // Neither its start nor its capacity is shown; an element that is left leads to the block.
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        match self.as_slice().first() {
            _ if size_of::<T>() == 0 => {}
            Some(next) => visitor.block(std::ptr::from_ref(next).cast()),
            None => visitor.could_not_look(),
        }
    }
}

impl<T: Trackable> Trackable for vec::IntoIter<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.visit_own_blocks(visitor);
        self.as_slice().iter().for_each(|element| element.visit_blocks(visitor));
    }
}

impl<T> Container for VecDeque<T> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        match self.front() {
            Some(element) => visit_places(element, self.capacity(), self.len(), visitor),
            None if self.capacity() > 0 && size_of::<T>() > 0 => {
                let bytes = self.capacity() * size_of::<T>();
                visitor.hidden_block_of(self, bytes);
                visitor.unused(bytes);
            }
            None => {}
        }
    }
}

impl<T: Trackable> Trackable for VecDeque<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, element);
    }
}

impl<T> Container for BinaryHeap<T> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        visit_places(self.as_slice().as_ptr(), self.capacity(), self.len(), visitor);
    }
}

impl<T: Trackable> Trackable for BinaryHeap<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, element);
    }
}

impl<T> Container for LinkedList<T> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    // A node is the block around its element. An element without a size may stand at its node's very end; then the
    // list's own words lead to its first and its last node, and to no other.
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        if size_of::<T>() > 0 {
            self.iter().for_each(|element| visitor.block(std::ptr::from_ref(element).cast()));
        } else if !self.is_empty() {
            visitor.blocks_behind_words_of(self);
            if self.len() > 2 {
                visitor.could_not_look();
            }
        }
    }
}

impl<T: Trackable> Trackable for LinkedList<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, element);
    }
}

// A slice or an array lies in its owner's memory.
impl<T> Container for [T] {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    fn visit_own_blocks(&self, _visitor: &mut Visitor<'_>) {}
}

impl<T: Trackable> Trackable for [T] {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if needs_drop::<T>() {
            self.iter().for_each(|element| element.visit_blocks(visitor));
        }
    }
}

impl<T: Trackable, const N: usize> Trackable for [T; N] {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.as_slice().visit_blocks(visitor);
    }
}

impl<C: Container, const N: usize> Container for [C; N] {
    const ELEMENTS_MAY_OWN: bool = C::ELEMENTS_MAY_OWN;
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        self.iter().for_each(|element| element.visit_own_blocks(visitor));
    }
}
