//! The own blocks of a std container whose type was not settled when the macro looked at it.
//!
//! `track_var!(let rows = Vec::new())` must not ask for the traits of a type that the compiler is still inferring:
//! the question itself would settle it. But the full type name is known at run time, and for these types of std it
//! says which words the value is made of: all are initialised, and the one that leads to a live block is the
//! container's pointer (the others are lengths and hash keys, which are no addresses of blocks).
//!
//! Invariant: only types by whose definition that block is owned are listed. What elements own is not looked at.

use crate::snapshot::Walk;
use crate::visitor::Visitor;
use std::mem::needs_drop;

enum Owner {
    /// One word points to the start of the one block.
    Start,
    /// One word points into the one block.
    Inside,
    /// One word points to the start of a block with other owners.
    Shared,
}

/// Names without parameters, and how many parameters they have: a type's default parameters are not in its name, so one
/// more is an allocator or a hasher of the user's own, which may hold addresses too. A program's own type cannot have
/// these names: they begin with a crate of std.
const OWNERS: [(&str, usize, Owner); 12] = [
    ("alloc::vec::Vec", 1, Owner::Start),
    ("alloc::string::String", 0, Owner::Start),
    ("alloc::boxed::Box", 1, Owner::Start),
    ("alloc::collections::vec_deque::VecDeque", 1, Owner::Start),
    ("alloc::collections::binary_heap::BinaryHeap", 1, Owner::Start),
    ("alloc::ffi::c_str::CString", 0, Owner::Start),
    ("std::path::PathBuf", 0, Owner::Start),
    ("std::ffi::os_str::OsString", 0, Owner::Start),
    ("std::collections::hash::map::HashMap", 2, Owner::Inside),
    ("std::collections::hash::set::HashSet", 1, Owner::Inside),
    ("alloc::rc::Rc", 1, Owner::Shared),
    ("alloc::sync::Arc", 1, Owner::Shared),
];

/// Values of these types own nothing.
const PRIMITIVES: [&str; 17] = [
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64",
    "bool", "char", "str",
];

/// How the names of borrowing types begin: references, raw pointers and functions.
const BORROWS: [&str; 8] =
    ["&", "*const ", "*mut ", "fn(", "unsafe fn(", "extern ", "unsafe extern ", "for<"];

/// Guards of std's: what they lead to is borrowed. Where another version of std names them otherwise they are not known.
const GUARDS: [&str; 5] = [
    "core::cell::Ref",
    "core::cell::RefMut",
    "std::sync::poison::mutex::MutexGuard",
    "std::sync::poison::rwlock::RwLockReadGuard",
    "std::sync::poison::rwlock::RwLockWriteGuard",
];

/// Types by which an owner takes dropping into its own hands.
const DROPPED_BY_HAND: [&str; 2] = ["ManuallyDrop<", "MaybeUninit<"];

/// Visits the container's own blocks; [`Walk::NotWalked`] if the type is none of those that are known, and in sampling
/// mode, for the words do not say the size of the block. A value with nothing to drop owns nothing.
pub(crate) fn visit_own_blocks<T: ?Sized>(value: &T, type_name: &str, visitor: &mut Visitor<'_>) -> Walk {
    if !needs_drop::<T>() {
        let is_by_hand = DROPPED_BY_HAND.iter().any(|name| type_name.contains(name));
        return if is_by_hand { Walk::NotWalked } else { Walk::Full };
    }
    let (name, parameters) = match type_name.split_once('<') {
        Some((name, rest)) => (name, rest.strip_suffix('>').unwrap_or(rest)),
        None => (type_name, ""),
    };
    if GUARDS.contains(&name) {
        return Walk::Full;
    }
    if visitor.is_by_size() {
        return Walk::NotWalked;
    }
    let known = OWNERS.iter().find(|(known, count, _)| *known == name && *count == parts(parameters).count());
    let Some((_, _, owner)) = known else { return Walk::NotWalked };
    let word_bytes = size_of::<usize>();
    if align_of_val(value) != word_bytes || size_of_val(value) % word_bytes != 0 || size_of_val(value) > 64 {
        return Walk::NotWalked;
    }
    let words = std::ptr::from_ref(value).cast::<usize>();
    for index in 0..size_of_val(value) / word_bytes {
        // SAFETY: the word lies within `value`, is aligned, and is initialised: by its name the type is one of
        // std's, which are made of pointers, lengths and hash keys of a word each.
        let word = unsafe { words.add(index).read() };
        match owner {
            Owner::Start => visitor.block_at(word),
            Owner::Inside => visitor.block_around(word),
            Owner::Shared => visitor.shared_block_at(word),
        }
    }
    if parts(parameters).all(owns_nothing) { Walk::Full } else { Walk::ContainerOnly }
}

/// Whether the name alone says that values of a type own nothing.
fn owns_nothing(name: &str) -> bool {
    let within = |open, close| name.strip_prefix(open).and_then(|rest: &str| rest.strip_suffix(close));
    if let Some(fields) = within('(', ')') {
        return parts(fields).all(owns_nothing);
    }
    if let Some(array) = within('[', ']') {
        return owns_nothing(array.rsplit_once("; ").map_or(array, |(element, _)| element));
    }
    PRIMITIVES.contains(&name) || BORROWS.iter().any(|start| name.starts_with(start))
}

/// The parts between the commas of a list of types, those within its parts not counted.
fn parts(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0i32;
    let mut previous = ' ';
    let parts = list.split(move |character| {
        match character {
            '<' | '(' | '[' => depth += 1,
            '>' if previous == '-' => {} // the arrow of a function's type
            '>' | ')' | ']' => depth -= 1,
            _ => {}
        }
        previous = character;
        character == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::any::type_name;
    use std::collections::HashMap;
    use std::hash::{BuildHasherDefault, DefaultHasher};

    fn parameters<T>() -> Vec<&'static str> {
        let name = type_name::<T>();
        parts(name.split_once('<').map_or("", |(_, rest)| &rest[..rest.len() - 1])).collect()
    }

    #[test]
    fn a_default_parameter_is_not_in_a_types_name_and_any_other_is() {
        type Plain = HashMap<(u8, Vec<u8>), fn(u8) -> u8>;
        type Hashed = HashMap<u8, u8, BuildHasherDefault<DefaultHasher>>;
        assert_eq!(parameters::<Plain>(), ["(u8, alloc::vec::Vec<u8>)", "fn(u8) -> u8"]);
        assert_eq!(parameters::<Hashed>().len(), 3);
        assert_eq!(parameters::<Vec<[u8; 3]>>(), ["[u8; 3]"]);
        assert_eq!(parameters::<String>(), [""; 0]);
    }

    #[test]
    fn names_of_types_that_own_nothing_are_told_from_those_that_may() {
        fn check<T: ?Sized>() -> bool {
            owns_nothing(type_name::<T>())
        }
        assert!(check::<()>() && check::<u8>() && check::<&str>() && check::<&mut Vec<u8>>());
        assert!(check::<(u8, [(char, &str); 2])>() && check::<*const u8>() && check::<fn(u8) -> Vec<u8>>());
        assert!(check::<for<'a> fn(&'a str) -> &'a str>() && check::<[f64]>() && check::<[[u8; 2]; 3]>());
        assert!(check::<unsafe extern "C" fn(u8)>() && check::<(fn(u8, u16) -> u8, bool)>());
        assert!(!check::<String>() && !check::<(u8, Box<u8>)>() && !check::<[Vec<u8>; 2]>());
        assert!(!check::<Option<&str>>(), "not known, so not said");
    }

    #[test]
    fn guards_are_named_as_this_version_of_std_names_them() {
        use std::cell::{Ref, RefMut};
        use std::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};
        let names = [
            type_name::<Ref<'_, u8>>(),
            type_name::<RefMut<'_, u8>>(),
            type_name::<MutexGuard<'_, u8>>(),
            type_name::<RwLockReadGuard<'_, u8>>(),
            type_name::<RwLockWriteGuard<'_, u8>>(),
        ];
        let names = names.map(|name| name.split('<').next().unwrap_or_default());
        assert_eq!(names, GUARDS);
    }
}
