//! What a type's full name, which the compiler gives, says of std's containers.

/// Containers that keep their block when they are cleared, so that one can serve many calls.
const KEEP_THEIR_BLOCK: [&str; 14] = [
    "alloc::vec::Vec",
    "alloc::string::String",
    "alloc::collections::vec_deque::VecDeque",
    "alloc::collections::binary_heap::BinaryHeap",
    "std::collections::hash::map::HashMap",
    "std::collections::hash::set::HashSet",
    "hashbrown::map::HashMap",
    "hashbrown::set::HashSet",
    "indexmap::map::IndexMap",
    "indexmap::set::IndexSet",
    "std::path::PathBuf",
    "std::ffi::os_str::OsString",
    "bytes::bytes_mut::BytesMut",
    "smallvec::SmallVec",
];

/// Names in the types whose unused capacity `shrink_to_fit` gives back to the byte. Hash tables are not among them: their
/// sizes are powers of two.
const SHRINK_TO_THE_BYTE: [&str; 28] = [
    "alloc::vec::Vec",
    "alloc::string::String",
    "alloc::collections::vec_deque::VecDeque",
    "alloc::collections::binary_heap::BinaryHeap",
    "std::path::PathBuf",
    "std::ffi::os_str::OsString",
    "alloc::boxed::Box",
    "core::option::Option",
    "core::cell::Cell",
    "core::cell::RefCell",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "f32",
    "f64",
    "bool",
    "char",
    "str",
    "",
];

/// Whether a value of this type keeps its block when it is cleared.
pub(super) fn keeps_its_block(type_name: &str) -> bool {
    let outer = type_name.split('<').next().unwrap_or(type_name);
    KEEP_THEIR_BLOCK.contains(&outer)
}

/// Whether all that the type is made of is known to shrink to the byte. A type of the program's own may hold anything.
pub(super) fn shrinks_to_the_byte(type_name: &str) -> bool {
    let names = type_name.split(|part: char| !(part.is_alphanumeric() || matches!(part, '_' | ':')));
    names.into_iter().all(|name| SHRINK_TO_THE_BYTE.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_types_are_made_of_is_read_from_their_whole_names() {
        for (name, keeps, shrinks) in [
            ("alloc::vec::Vec<u8>", true, true),
            ("alloc::string::String", true, true),
            ("alloc::vec::Vec<(alloc::string::String, u32)>", true, true),
            ("alloc::boxed::Box<[alloc::vec::Vec<f64>]>", false, true),
            ("std::collections::hash::map::HashMap<u32, alloc::string::String>", true, false),
            ("alloc::vec::Vec<std::collections::hash::set::HashSet<u8>>", true, false),
            ("alloc::vec::Vec<demo::Row>", true, false),
            ("alloc::collections::btree::map::BTreeMap<u8, u8>", false, false),
            ("demo::Vec<u8>", false, false),
        ] {
            assert_eq!((keeps_its_block(name), shrinks_to_the_byte(name)), (keeps, shrinks), "{name}");
        }
    }
}
