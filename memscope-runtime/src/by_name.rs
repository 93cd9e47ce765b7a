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

enum Owner {
    /// One word points to the start of the one block.
    Start,
    /// One word points into the one block.
    Inside,
    /// One word points to the start of a block with other owners.
    Shared,
}

/// Names without parameters. A program's own type cannot have them: they begin with a crate of std.
const OWNERS: [(&str, Owner); 11] = [
    ("alloc::vec::Vec", Owner::Start),
    ("alloc::string::String", Owner::Start),
    ("alloc::boxed::Box", Owner::Start),
    ("alloc::collections::vec_deque::VecDeque", Owner::Start),
    ("alloc::collections::binary_heap::BinaryHeap", Owner::Start),
    ("std::path::PathBuf", Owner::Start),
    ("std::ffi::os_str::OsString", Owner::Start),
    ("std::collections::hash::map::HashMap", Owner::Inside),
    ("std::collections::hash::set::HashSet", Owner::Inside),
    ("alloc::rc::Rc", Owner::Shared),
    ("alloc::sync::Arc", Owner::Shared),
];

/// Elements of these types own nothing.
const PRIMITIVES: [&str; 17] = [
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64",
    "bool", "char", "()",
];

/// Visits the container's own blocks; [`Walk::NotWalked`] if the type is none of those that are known, and in sampling
/// mode, for the words do not say the size of the block.
pub(crate) fn visit_own_blocks<T: ?Sized>(value: &T, type_name: &str, visitor: &mut Visitor<'_>) -> Walk {
    if visitor.by_size.is_some() {
        return Walk::NotWalked;
    }
    let (name, parameters) = match type_name.split_once('<') {
        Some((name, rest)) => (name, rest.strip_suffix('>').unwrap_or(rest)),
        None => (type_name, ""),
    };
    let Some((_, owner)) = OWNERS.iter().find(|(known, _)| *known == name) else { return Walk::NotWalked };
    // A type's default parameters are not in its name: one more is an allocator or a hasher of the user's own,
    // which may hold addresses too.
    let own_parameters = match name {
        "std::collections::hash::map::HashMap" => 2,
        "alloc::string::String" | "std::path::PathBuf" | "std::ffi::os_str::OsString" => 0,
        _ => 1,
    };
    if count_parameters(parameters) != own_parameters {
        return Walk::NotWalked;
    }
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
    if parameters.is_empty() || parameters.split(", ").all(|parameter| PRIMITIVES.contains(&parameter)) {
        Walk::Full
    } else {
        Walk::ContainerOnly
    }
}

/// Parameters of a type, those of its parameters not counted.
fn count_parameters(parameters: &str) -> usize {
    let mut depth = 0i32;
    let mut count = usize::from(!parameters.is_empty());
    let mut previous = ' ';
    for character in parameters.chars() {
        match character {
            '<' | '(' | '[' => depth += 1,
            '>' if previous == '-' => {} // the arrow of a function's type
            '>' | ')' | ']' => depth -= 1,
            ',' if depth == 0 => count += 1,
            _ => {}
        }
        previous = character;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::hash::{BuildHasherDefault, DefaultHasher};

    #[test]
    fn a_default_parameter_is_not_in_a_types_name_and_any_other_is() {
        let parameters =
            |name: &'static str| name.split_once('<').map_or("", |(_, rest)| &rest[..rest.len() - 1]);
        type Plain = HashMap<(u8, Vec<u8>), fn(u8) -> u8>;
        type Hashed = HashMap<u8, u8, BuildHasherDefault<DefaultHasher>>;
        assert_eq!(count_parameters(parameters(std::any::type_name::<Plain>())), 2);
        assert_eq!(count_parameters(parameters(std::any::type_name::<Hashed>())), 3);
        assert_eq!(count_parameters(parameters(std::any::type_name::<Vec<[u8; 3]>>())), 1);
        assert_eq!(count_parameters(parameters(std::any::type_name::<String>())), 0);
    }
}
