//! `smallvec`: a vector that has a block once it has outgrown its own room.

use super::sequences::visit_places;
use super::{Container, Trackable, walk_elements};
use crate::Visitor;
use smallvec::{Array, SmallVec};
use std::mem::needs_drop;

impl<A: Array> Container for SmallVec<A> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<A::Item>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        if self.spilled() {
            visit_places(self.as_ptr(), self.capacity(), self.len(), visitor);
        }
    }
}

impl<A: Array<Item: Trackable>> Trackable for SmallVec<A> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, element);
    }
}
