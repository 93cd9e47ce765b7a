//! `hashbrown`: the tables that std's are made of, with hashers and capacities of their own. `HashTable` says what it
//! allocated.

use super::maps::{sized_address, tables, visit_table};
use super::{Container, Trackable, walk_elements};
use crate::Visitor;
use hashbrown::{HashMap, HashSet, HashTable};
use std::mem::needs_drop;

tables!(HashMap, HashSet);

impl<T> Container for HashTable<T> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        if self.allocation_size() > 0 {
            match self.iter().next().and_then(sized_address) {
                Some(element) => visitor.block_of(element, self.allocation_size()),
                None => visitor.hidden_block_of(self, self.allocation_size()),
            }
            visitor.unused((self.capacity() - self.len()) * size_of::<T>());
        }
    }
}

impl<T: Trackable> Trackable for HashTable<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, element);
    }
}
