//! `hashbrown`: the tables that std's are made of, with hashers and capacities of their own. `HashTable` says what it
//! allocated.

use super::maps::{sized_address, visit_table};
use super::{Container, Trackable, walk_elements};
use crate::Visitor;
use hashbrown::{HashMap, HashSet, HashTable};
use std::mem::needs_drop;

impl<K, V, S> Container for HashMap<K, V, S> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<K>() || needs_drop::<V>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        if self.capacity() > 0 {
            let element = self.iter().next();
            let element = element.and_then(|(key, value)| sized_address(key).or(sized_address(value)));
            visit_table::<_, (K, V), S>(self, element, self.capacity() - self.len(), visitor);
        }
    }
}

impl<K: Trackable, V: Trackable, S> Trackable for HashMap<K, V, S> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, key, value);
    }
}

impl<T, S> Container for HashSet<T, S> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        if self.capacity() > 0 {
            let element = self.iter().next().and_then(sized_address);
            visit_table::<_, T, S>(self, element, self.capacity() - self.len(), visitor);
        }
    }
}

impl<T: Trackable, S> Trackable for HashSet<T, S> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, element);
    }
}

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
