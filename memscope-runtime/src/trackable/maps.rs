//! Hash tables and trees.

use super::{Container, Trackable, walk_elements};
use crate::Visitor;
use std::any::type_name;
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::mem::needs_drop;
use std::sync::OnceLock;

/// The table of a hash map or set: the block around `element`, or behind the words of a map without one that shows.
///
/// What of it is unused is at least the room of the elements that it has capacity for: a table keeps more places free
/// than its capacity says, and a byte beside each.
pub(super) fn visit_table<T, E, S>(
    table: &T,
    element: Option<*const u8>,
    unused: usize,
    visitor: &mut Visitor<'_>,
) {
    match element {
        Some(element) => visitor.block(element),
        None if may_look_behind_words_of::<S>() => visitor.blocks_behind_words_of(table),
        None => visitor.could_not_look(),
    }
    if !visitor.is_by_size() {
        visitor.unused(unused * size_of::<E>());
    }
}

/// A hasher of the user's own may hold addresses too; std's and hashbrown's own hold keys.
pub(super) fn may_look_behind_words_of<S>() -> bool {
    const OF_KEYS: [&str; 2] = ["hashbrown::hasher::DefaultHashBuilder", "foldhash::fast::RandomState"];
    let name = type_name::<S>();
    size_of::<S>() == 0 || name == type_name::<RandomState>() || OF_KEYS.contains(&name)
}

/// The address of a value that has a size, and so lies within its container's block.
pub(super) fn sized_address<T>(value: &T) -> Option<*const u8> {
    (size_of::<T>() > 0).then(|| std::ptr::from_ref(value).cast())
}

/// A hash map and the set that is made of it.
macro_rules! tables {
    ($map:ident, $set:ident) => {
        impl<K, V, S> Container for $map<K, V, S> {
            const ELEMENTS_MAY_OWN: bool = needs_drop::<K>() || needs_drop::<V>();
            fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
                if self.capacity() > 0 {
                    let element = self.iter().next();
                    let element =
                        element.and_then(|(key, value)| sized_address(key).or(sized_address(value)));
                    visit_table::<_, (K, V), S>(self, element, self.capacity() - self.len(), visitor);
                }
            }
        }

        impl<K: Trackable, V: Trackable, S> Trackable for $map<K, V, S> {
            fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
                walk_elements!(self, visitor, key, value);
            }
        }

        impl<T, S> Container for $set<T, S> {
            const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
            fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
                if self.capacity() > 0 {
                    let element = self.iter().next().and_then(sized_address);
                    visit_table::<_, T, S>(self, element, self.capacity() - self.len(), visitor);
                }
            }
        }

        impl<T: Trackable, S> Trackable for $set<T, S> {
            fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
                walk_elements!(self, visitor, element);
            }
        }
    };
}
#[cfg(feature = "hashbrown")]
pub(super) use tables;

tables!(HashMap, HashSet);

/// The most keys that a tree's node holds, in all versions of std so far.
const KEYS_OF_NODE: usize = 11;

/// The nodes of a tree. Every node holds at least one key, so every node is the block around some key or value. One
/// whose keys and values have no size, and one that was emptied, is at most a root, to which one word of the map leads.
fn visit_nodes<T>(
    tree: &T,
    len: usize,
    element_bytes: usize,
    elements: impl Iterator<Item = *const u8>,
    visitor: &mut Visitor<'_>,
) {
    if len > 0 && element_bytes > 0 {
        elements.for_each(|element| visitor.block(element));
    } else if len > KEYS_OF_NODE {
        visitor.could_not_look();
    } else {
        match root_of(tree) {
            Some(0) => {}
            Some(root) if !visitor.is_by_size() => visitor.block_at(root),
            _ => visitor.could_not_look(),
        }
    }
}

/// The address of a tree's root; 0: it has none. `None`: std keeps it otherwise than is known here.
fn root_of<T>(tree: &T) -> Option<usize> {
    let index = root_index()?;
    if size_of::<T>() != size_of::<BTreeMap<u8, u8>>() || align_of::<T>() != align_of::<usize>() {
        return None;
    }
    // SAFETY: the word lies within the tree. It is the pointer to the root, or null where there is none, in a map of
    // one key (`root_index`); which type the keys have makes no difference to std's definition, and this one has the
    // same size. So it is initialised.
    Some(unsafe { std::ptr::from_ref(tree).cast::<usize>().add(index).read() })
}

/// Which word of a map is the pointer to its root, learned from a map of one key: the one that leads to the key's node.
/// The others are its height, which an empty map leaves uninitialised, and the length.
fn root_index() -> Option<usize> {
    static INDEX: OnceLock<Option<usize>> = OnceLock::new();
    *INDEX.get_or_init(|| {
        const WORDS: usize = size_of::<BTreeMap<u8, u8>>() / size_of::<usize>();
        /// More than a node of such a map takes.
        const NODE_BYTES: usize = 256;
        let map = BTreeMap::from([(0u8, 0u8)]);
        let key = std::ptr::from_ref(map.first_key_value()?.0).addr();
        let words = std::ptr::from_ref(&map).cast::<usize>();
        (0..WORDS).find(|&index| {
            // SAFETY: the word lies within the map, and all words of a map with a root are initialised.
            let word = unsafe { words.add(index).read() };
            word <= key && key - word < NODE_BYTES
        })
    })
}

impl<K, V> Container for BTreeMap<K, V> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<K>() || needs_drop::<V>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        let elements = self.iter().filter_map(|(key, value)| sized_address(key).or(sized_address(value)));
        visit_nodes(self, self.len(), size_of::<K>() + size_of::<V>(), elements, visitor);
    }
}

impl<K: Trackable, V: Trackable> Trackable for BTreeMap<K, V> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, key, value);
    }
}

impl<T> Container for BTreeSet<T> {
    const ELEMENTS_MAY_OWN: bool = needs_drop::<T>();
    fn visit_own_blocks(&self, visitor: &mut Visitor<'_>) {
        let elements = self.iter().filter_map(sized_address);
        visit_nodes(self, self.len(), size_of::<T>(), elements, visitor);
    }
}

impl<T: Trackable> Trackable for BTreeSet<T> {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        walk_elements!(self, visitor, element);
    }
}
