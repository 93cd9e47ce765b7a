//! `indexmap`: a vector of entries, and a table of their places in it. Neither is shown, so both are found behind the
//! words of the map; where its hasher may hold addresses too, only the entries are.

use super::maps::may_look_behind_words_of;
use super::{Container, Trackable, walk_elements};
use crate::Visitor;
use indexmap::{IndexMap, IndexSet};
use std::mem::needs_drop;

/// The two blocks of a map whose entries start at `entries`. At least `unused` bytes hold no entry.
fn visit<T, S>(map: &T, entries: *const u8, capacity: usize, unused: usize, visitor: &mut Visitor<'_>) {
    if may_look_behind_words_of::<S>() {
        if capacity > 0 {
            visitor.blocks_behind_words_of(map);
        }
    } else if capacity > 0 {
        visitor.block(entries);
        visitor.could_not_look();
    }
    if !visitor.is_by_size() {
        visitor.unused(unused);
    }
}

impl<K, V, S> Container for IndexMap<K, V, S> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<K>() || needs_drop::<V>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        let entries = std::ptr::from_ref(self.as_slice()).cast();
        let unused = (self.capacity() - self.len()) * size_of::<(K, V)>();
        visit::<_, S>(self, entries, self.capacity(), unused, visitor);
    }
}

impl<K: Trackable, V: Trackable, S> Trackable for IndexMap<K, V, S> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, key, value);
    }
}

impl<T, S> Container for IndexSet<T, S> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        let entries = std::ptr::from_ref(self.as_slice()).cast();
        let unused = (self.capacity() - self.len()) * size_of::<T>();
        visit::<_, S>(self, entries, self.capacity(), unused, visitor);
    }
}

impl<T: Trackable, S> Trackable for IndexSet<T, S> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, element);
    }
}
