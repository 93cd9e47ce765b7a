//! `track_var!` on every pattern and place.

use memscope::{track, track_var};
use std::collections::HashMap;
use std::sync::Arc;
use ui_tests::{site, variable, variables};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// Not known to memscope.
struct Posting(#[allow(dead_code)] u32);

#[track]
fn patterns(input: Option<(String, Vec<u8>)>) -> usize {
    track_var!(let annotated: Vec<u8> = vec![0; 10]);
    track_var!(let mut changed = String::from("a"));
    changed.push('b');
    track_var!(let (left, [first, rest @ ..]) = (1u8, [2u8, 3, 4]));
    track_var!(let Pair { key, value: ref by_ref } = Pair { key: String::from("k"), value: vec![1] });
    track_var!(let whole @ Pair2(part) = Pair2(5));
    track_var!(let Some((text, _)) = input else { return 0 });
    track_var!(let (Ok(either) | Err(either)) = "x".parse::<u8>().map_err(|_| 9u8));
    track_var!(#[allow(unused_mut)] let mut attributed = 1;);
    annotated.len()
        + changed.len()
        + usize::from(left + first + rest[0] + either + part + whole.0)
        + key.len()
        + by_ref.len()
        + text.len()
        + attributed
}

struct Pair {
    key: String,
    value: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Pair2(u8);

// The type of these is inferred from what follows; the elements are of a type that memscope does not know.

#[track]
fn inferred_later() -> u64 {
    track_var!(let mut postings = HashMap::new());
    track_var!(let mut list = Vec::with_capacity(4));
    track_var!(let number = Default::default());
    track_var!(let nothing = None);
    track_var!(let collected = ["a"].into_iter().map(String::from).collect());
    track_var!(let (tx, rx) = std::sync::mpsc::channel());
    postings.insert(String::from("word"), Posting(1));
    list.push(Posting(2));
    track_var!(postings);
    track_var!(list);
    tx.send(Posting(3)).unwrap();
    drop(rx);
    let nothing: Option<Posting> = nothing;
    let number: u64 = number;
    let collected: Vec<String> = collected;
    number + nothing.map_or(0, |_| 1) + collected.len() as u64
}

#[track]
fn shadowed() -> usize {
    track_var!(let name: Vec<u8> = vec![1; 8]);
    track_var!(let name: String = format!("{}", name.len()));
    name.len()
}

#[track]
fn grows() -> Vec<u32> {
    track_var!(let mut grown: Vec<u32> = Vec::new());
    grown.reserve_exact(100);
    track_var!(grown);
    grown
}

struct Cache {
    cache: HashMap<String, Vec<u8>>,
    nested: (u8, Arc<String>),
}

impl Cache {
    #[track]
    fn fill(&mut self) {
        self.cache.insert("k".into(), vec![0; 10]);
        track_var!(self.cache, self.nested.1);
    }
}

static NAMES: [&str; 2] = ["a", "b"];

#[track]
fn places(unsized_value: &[String], boxed: Box<dyn Fn() -> u8>) -> u8 {
    track_var!(*unsized_value, NAMES, boxed);
    track_var!(boxed,);
    boxed()
}

#[track]
fn generic<T: Clone>(item: T) -> T {
    track_var!(let copy = item.clone());
    track_var!(copy);
    copy
}

#[track]
fn moved() -> usize {
    track_var!(let given: Vec<u8> = vec![0; 77]);
    drop(given);
    let add = |n: usize| {
        track_var!(let in_closure: usize = n + 1);
        in_closure
    };
    let mut sum = 0;
    for index in 0..5 {
        track_var!(let in_loop: usize = add(index));
        if in_loop == 2 {
            continue;
        }
        sum += in_loop;
    }
    sum
}

#[track]
fn zero_sized() {
    track_var!(let unit: () = ());
    unit
}

// The guard ends after the value: drop order is that of the plain statement.

fn drop_order() -> Vec<&'static str> {
    struct Says<'a>(&'static str, &'a std::cell::RefCell<Vec<&'static str>>);
    impl Drop for Says<'_> {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.0);
        }
    }
    let said = std::cell::RefCell::default();
    {
        track_var!(let _a = Says("a", &said));
        track_var!(let _b = Says("b", &said));
        track_var!(_a);
        // A temporary in the initialiser ends with the statement; an extended one lives to the block's end.
        track_var!(let _length = Says("temporary", &said).0.len());
        track_var!(let _extended = &Says("extended", &said));
    }
    said.into_inner()
}

fn main() {
    assert_eq!(patterns(None), 0);
    assert_eq!(patterns(Some(("text".into(), Vec::new()))), 10 + 2 + (1 + 2 + 3 + 9 + 5 + 5) + 1 + 1 + 4 + 1);
    assert_eq!(inferred_later(), 1);
    assert_eq!(shadowed(), 1);
    let grown = grows();
    let mut cache = Cache { cache: HashMap::new(), nested: (0, Arc::new("n".into())) };
    cache.fill();
    assert_eq!(places(&["a".into()], Box::new(|| 3)), 3);
    assert_eq!(generic(String::from("s")).len() + generic(vec![1u8]).len(), 2);
    assert_eq!(moved(), 1 + 3 + 4 + 5);
    zero_sized();
    assert_eq!(drop_order(), ["temporary", "extended", "b", "a"]);

    let snapshot = memscope::snapshot();
    let is = |name: &str, type_name: &str, instances: u64| {
        let row = variable(&snapshot, name);
        assert_eq!((row.type_name.as_deref(), row.instances), (Some(type_name), instances), "{name}");
    };
    is("annotated", "alloc::vec::Vec<u8>", 2);
    is("changed", "alloc::string::String", 2);
    is("left", "u8", 2);
    is("first", "u8", 2);
    is("rest", "[u8; 2]", 2);
    is("key", "alloc::string::String", 2);
    is("by_ref", "&alloc::vec::Vec<u8>", 2);
    is("part", "u8", 2);
    is("either", "u8", 1);
    is("text", "alloc::string::String", 1);
    is("attributed", "usize", 1);
    is("unit", "()", 1);
    is("in_loop", "usize", 5);
    is("in_closure", "usize", 5);
    is("nothing", concat!("core::option::Option<", module_path!(), "::Posting>"), 1);
    is("number", "u64", 1);
    is("*unsized_value", "[alloc::string::String]", 1);
    is("self.nested.1", "alloc::sync::Arc<alloc::string::String>", 1);

    // Full type names, although the types were settled later.
    let postings = variables(&snapshot, "postings");
    let type_names: Vec<_> = postings.iter().filter_map(|row| row.type_name.as_deref()).collect();
    let expected = concat!("std::collections::hash::map::HashMap<alloc::string::String, ", module_path!(), "::Posting>");
    assert!(!type_names.is_empty() && type_names.iter().all(|name| *name == expected), "{type_names:?}");

    // Two bindings of one name are two rows.
    let shadowed = variables(&snapshot, "name");
    assert_eq!(shadowed.len(), 2);
    assert_eq!(shadowed[0].type_name.as_deref(), Some("alloc::vec::Vec<u8>"));
    assert_eq!(shadowed[1].type_name.as_deref(), Some("alloc::string::String"));
    assert_eq!(shadowed[0].scope, ["shadowed"]);

    // Each instantiation is a row of its own type.
    assert_eq!(variables(&snapshot, "copy").len(), 2);

    // A grown value shows its size after growth; it was returned and lives on.
    assert_eq!(variable(&snapshot, "grown").heap_bytes, Some(400));
    assert_eq!(variable(&snapshot, "given").heap_bytes, Some(0));
    drop(grown);

    let fill = variable(&snapshot, "self.cache");
    assert_eq!(fill.scope, ["fill"]);
    assert_eq!(site(&snapshot, "annotated").signature, "annotated: Vec<u8>");
    assert_eq!(site(&snapshot, "by_ref").signature, "Pair { key, value: ref by_ref }");
    let line = include_str!("variables.rs").lines().nth(fill.line.unwrap() as usize - 1).unwrap();
    assert!(line.contains("track_var!(self.cache"), "{line}");
}
