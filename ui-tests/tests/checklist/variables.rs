//! `track_var!`: every pattern of `let`, every place, and that the plain statement's types stay what they were. Drop
//! order has a file of its own, `tests/drop_order.rs`; what is refused is in `fail/variables` and `fail/position`.

use memscope::model::Snapshot;
use memscope::{track, track_var};
use std::collections::HashMap;
use std::sync::Arc;
use ui_tests::{assert_at_root, block_on, scope, site, variable, variables, yield_now};

/// Not known to memscope.
struct Posting(u32);

/// Asserts the type and the executions of the only variable of a name.
#[track_caller]
fn assert_row(snapshot: &Snapshot, name: &str, type_name: &str, instances: u64) {
    let row = variable(snapshot, name);
    assert_eq!((row.type_name.as_deref(), row.instances), (Some(type_name), instances), "{name}");
}

#[test]
fn variable_let_mut() {
    track_var!(let mut changed = String::from("a"));
    changed.push('b');
    track_var!(#[allow(unused_mut, reason = "the attribute is the user's")] let mut attributed = 1;);
    assert_eq!((changed.as_str(), attributed), ("ab", 1));
    let snapshot = memscope::snapshot();
    assert_row(&snapshot, "changed", "alloc::string::String", 1);
    assert_row(&snapshot, "attributed", "i32", 1);
}

#[test]
fn variable_type_annotation() {
    track_var!(let annotated: Vec<u8> = vec![0; 10]);
    track_var!(let in_part: HashMap<_, Vec<_>> = HashMap::from([(1u8, vec![2u16])]));
    track_var!(let coerced: &[u8] = &[1, 2]);
    track_var!(let object: Box<dyn Fn() -> u8> = Box::new(|| 3));
    track_var!(let pointer: fn(u8) -> u8 = |a| a);
    assert_eq!(annotated.len() + in_part.len() + coerced.len() + usize::from(pointer(object())), 16);
    let snapshot = memscope::snapshot();
    assert_row(&snapshot, "annotated", "alloc::vec::Vec<u8>", 1);
    assert_row(&snapshot, "in_part", "std::collections::hash::map::HashMap<u8, alloc::vec::Vec<u16>>", 1);
    assert_row(&snapshot, "coerced", "&[u8]", 1);
    assert_eq!(variable(&snapshot, "annotated").heap_bytes, Some(10));
    assert_eq!(site(&snapshot, "variable_type_annotation::annotated").signature, "annotated: Vec<u8>");
}

#[test]
fn variable_tuple() {
    track_var!(let (left, (_, mut right), ..) = (String::from("ab"), (1u8, vec![0u8; 3]), 4, 5));
    right.push(1);
    assert_eq!(left.len() + right.len(), 6);
    let snapshot = memscope::snapshot();
    assert_row(&snapshot, "left", "alloc::string::String", 1);
    assert_row(&snapshot, "right", "alloc::vec::Vec<u8>", 1);
}

struct Pair {
    key: String,
    value: Vec<u8>,
}

struct Wrapped(Vec<u8>);

#[test]
fn variable_struct() {
    track_var!(let Pair { key, value: renamed } = Pair { key: String::from("k"), value: vec![1] });
    track_var!(let Wrapped(within) = Wrapped(vec![0; 5]));
    track_var!(let Pair { value: lent_field, .. } = &Pair { key: String::new(), value: vec![1, 2] });
    assert_eq!(key.len() + renamed.len() + within.len() + lent_field.len(), 9);
    let snapshot = memscope::snapshot();
    assert_row(&snapshot, "key", "alloc::string::String", 1);
    assert_row(&snapshot, "renamed", "alloc::vec::Vec<u8>", 1);
    assert_row(&snapshot, "within", "alloc::vec::Vec<u8>", 1);
    assert_row(&snapshot, "lent_field", "&alloc::vec::Vec<u8>", 1);
}

#[test]
fn variable_slice() {
    track_var!(let [foremost, rest @ ..] = [vec![1u8], vec![2], vec![3]]);
    track_var!(let [.., last] = &rest[..] else { panic!("there are two") });
    assert_eq!((foremost[0], last[0]), (1, 3));
    let snapshot = memscope::snapshot();
    assert_row(&snapshot, "foremost", "alloc::vec::Vec<u8>", 1);
    assert_row(&snapshot, "rest", "[alloc::vec::Vec<u8>; 2]", 1);
    assert_row(&snapshot, "last", "&alloc::vec::Vec<u8>", 1);
}

#[test]
fn variable_ref() {
    let mut value = Pair { key: String::from("k"), value: vec![1] };
    {
        track_var!(let Pair { key: ref by_ref, value: ref mut by_ref_mut } = value);
        by_ref_mut.extend(by_ref.bytes());
    }
    track_var!(let ref whole_by_ref = value);
    assert_eq!(whole_by_ref.value, [1, b'k']);
    let snapshot = memscope::snapshot();
    assert_row(&snapshot, "by_ref", "&alloc::string::String", 1);
    assert_row(&snapshot, "by_ref_mut", "&mut alloc::vec::Vec<u8>", 1);
    assert_row(&snapshot, "whole_by_ref", &format!("&{}::Pair", module_path!()), 1);
}

#[test]
fn variable_at() {
    #[derive(Clone, Copy)]
    struct Number(u8);
    track_var!(let whole @ Number(part) = Number(5));
    track_var!(let some @ Some(_) = Some(String::from("a")) else { panic!("it is some") });
    assert_eq!((whole.0, part, some.as_deref()), (5, 5, Some("a")));
    let snapshot = memscope::snapshot();
    assert_row(&snapshot, "whole", &format!("{}::variable_at::Number", module_path!()), 1);
    assert_row(&snapshot, "part", "u8", 1);
    assert_row(&snapshot, "some", "core::option::Option<alloc::string::String>", 1);
}

#[test]
fn variable_let_else() {
    fn taken(input: Option<(String, Vec<u8>)>) -> usize {
        track_var!(let Some((taken_text, _)) = input else { return 0 });
        track_var!(let (Ok(either) | Err(either)) = "x".parse::<u8>().map_err(|_| 9u8));
        taken_text.len() + usize::from(either)
    }
    assert_eq!((taken(None), taken(Some(("ab".into(), Vec::new())))), (0, 11));
    let snapshot = memscope::snapshot();
    assert_row(&snapshot, "taken_text", "alloc::string::String", 1);
    assert_row(&snapshot, "either", "u8", 1);
    // The mark of the binding that was not made has ended, too.
    assert_at_root();
}

/// Bindings of one name are rows of their own, in the order of their lines.
#[test]
fn variable_shadowed_names() {
    track_var!(let shadowed: Vec<u8> = vec![1; 8]);
    track_var!(let shadowed: String = format!("{}", shadowed.len()));
    let number = {
        track_var!(let shadowed: u8 = shadowed.parse().unwrap_or_default());
        shadowed
    };
    assert_eq!((number, shadowed.as_str()), (8, "8"));
    let snapshot = memscope::snapshot();
    let types: Vec<_> =
        variables(&snapshot, "shadowed").iter().filter_map(|row| row.type_name.as_deref()).collect();
    assert_eq!(types, ["alloc::vec::Vec<u8>", "alloc::string::String", "u8"]);
}

#[test]
fn variable_existing_binding() {
    #[track]
    fn looks_again() -> Vec<u32> {
        track_var!(let mut grown: Vec<u32> = Vec::new());
        grown.reserve_exact(100);
        track_var!(grown);
        let mut plain = vec![1u8];
        track_var!(plain,);
        plain.reserve_exact(9);
        track_var!(plain, grown);
        grown
    }
    let grown = looks_again();
    let snapshot = memscope::snapshot();
    // It shows its size after growth; it was returned and lives on.
    assert_eq!(variable(&snapshot, "grown").heap_bytes, Some(400));
    assert_eq!(variable(&snapshot, "grown").scope, ["looks_again"]);
    drop(grown);
}

struct Cache {
    cache: HashMap<String, Vec<u8>>,
    nested: (u8, Arc<String>),
    boxed: Box<(String, u8)>,
}

impl Cache {
    #[track]
    fn fill(&mut self) {
        self.cache.insert("k".into(), vec![0; 10]);
        track_var!(self.cache, self.nested.1, self.boxed.0, *self.boxed);
        self.cache.insert("l".into(), vec![0; 10]);
    }
}

#[test]
fn variable_field() {
    let boxed = Box::new((String::from("b"), 0));
    let mut cache = Cache { cache: HashMap::new(), nested: (0, Arc::new("n".into())), boxed };
    cache.fill();
    cache.fill();
    let snapshot = memscope::snapshot();
    assert_eq!(variable(&snapshot, "self.cache").scope, ["fill"]);
    assert_row(&snapshot, "self.nested.1", "alloc::sync::Arc<alloc::string::String>", 2);
    assert_row(&snapshot, "self.boxed.0", "alloc::string::String", 2);
    let line = variable(&snapshot, "self.cache").line.unwrap_or_default() as usize;
    let line = include_str!("variables.rs").lines().nth(line - 1).unwrap_or_default();
    assert!(line.contains("track_var!(self.cache"), "{line}");
    drop(cache);
}

static NAMES: [&str; 2] = ["a", "b"];

mod state {
    use std::sync::{LazyLock, Mutex};

    pub(super) static WORDS: LazyLock<Mutex<Vec<String>>> = LazyLock::new(|| Mutex::new(vec!["w".into()]));
}

#[test]
fn variable_static() {
    track_var!(NAMES, state::WORDS);
    let snapshot = memscope::snapshot();
    assert_row(&snapshot, "NAMES", "[&str; 2]", 1);
    assert_eq!(variable(&snapshot, "state::WORDS").instances, 1);
}

#[test]
fn variable_unsized_behind_a_reference() {
    fn looks(list: &[String], text: &str, object: &dyn Fn() -> u8, boxed: Box<dyn Fn() -> u8>) -> u8 {
        track_var!(*list, *text, *object, boxed);
        track_var!(let borrowed = list);
        u8::try_from(borrowed.len()).map_or(0, |length| length + object() + boxed())
    }
    assert_eq!(looks(&["a".into()], "b", &|| 2, Box::new(|| 3)), 6);
    let snapshot = memscope::snapshot();
    assert_row(&snapshot, "*list", "[alloc::string::String]", 1);
    assert_row(&snapshot, "*text", "str", 1);
    assert_row(&snapshot, "*object", "dyn core::ops::function::Fn() -> u8", 1);
    assert_row(&snapshot, "borrowed", "&[alloc::string::String]", 1);
}

#[test]
fn variable_zero_sized() {
    struct Nothing;
    track_var!(let unit: () = ());
    track_var!(let nothing = Nothing);
    track_var!(let no_elements: [String; 0] = []);
    track_var!(unit, nothing);
    let (Nothing, [], ()) = (nothing, no_elements, unit);
    let snapshot = memscope::snapshot();
    assert_row(&snapshot, "unit", "()", 1);
    assert_row(&snapshot, "no_elements", "[alloc::string::String; 0]", 1);
}

#[test]
fn variable_moved() {
    track_var!(let given: Vec<u8> = vec![0; 77]);
    assert_eq!(variable(&memscope::snapshot(), "given").heap_bytes, Some(77));
    drop(given);
    assert_eq!(variable(&memscope::snapshot(), "given").heap_bytes, Some(0));
    // Moved into another place, its block stays its own.
    track_var!(let carried: Vec<u8> = vec![0; 78]);
    let carrier = Box::new(carried);
    assert_eq!(variable(&memscope::snapshot(), "carried").heap_bytes, Some(78));
    drop(carrier);
}

#[test]
fn variable_returned() {
    #[track]
    fn returns_variable() -> Vec<u8> {
        track_var!(let returned: Vec<u8> = vec![0; 79]);
        returned
    }
    let kept = returns_variable();
    let snapshot = memscope::snapshot();
    let row = variable(&snapshot, "returned");
    assert_eq!((row.active_instances, row.heap_bytes), (0, Some(79)));
    assert_eq!(scope(&snapshot, &["returns_variable"]).exclusive.live_bytes, 79);
    drop(kept);
}

#[test]
fn variable_in_a_loop() {
    let mut sum = 0;
    'outer: for index in 0..5 {
        track_var!(let in_loop: usize = index + 1);
        track_var!(let Some(in_loop_else) = (in_loop != 3).then_some(in_loop) else { continue });
        loop {
            track_var!(let in_inner_loop = if in_loop_else > 4 { break 'outer } else { in_loop_else });
            sum += in_inner_loop;
            if sum > 0 {
                break;
            }
        }
    }
    assert_eq!(sum, 1 + 2 + 4);
    let snapshot = memscope::snapshot();
    assert_row(&snapshot, "in_loop", "usize", 5);
    assert_row(&snapshot, "in_loop_else", "usize", 4);
    assert_row(&snapshot, "in_inner_loop", "usize", 3);
    assert_eq!(variable(&snapshot, "in_loop").active_instances, 0);
}

#[test]
fn variable_in_a_closure() {
    let add = |number: usize| {
        track_var!(let in_closure: usize = number + 1);
        in_closure
    };
    let mut captured = vec![0u8; 10];
    let mut look = move || {
        track_var!(captured);
        captured.push(1);
        captured.len()
    };
    assert_eq!(add(1) + add(2) + look() + look(), 5 + 11 + 12);
    let snapshot = memscope::snapshot();
    assert_row(&snapshot, "in_closure", "usize", 2);
    assert_row(&snapshot, "captured", "alloc::vec::Vec<u8>", 2);
}

#[test]
fn variable_across_an_await() {
    #[track]
    async fn holds() -> usize {
        track_var!(let held: Vec<u8> = vec![0; 64]);
        yield_now().await;
        track_var!(held);
        track_var!(let awaited: Vec<u8> = {
            yield_now().await;
            vec![0; 65]
        });
        held.len() + awaited.len()
    }
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    assert_eq!(block_on(is_send(holds())), 129);
    let snapshot = memscope::snapshot();
    assert_row(&snapshot, "held", "alloc::vec::Vec<u8>", 1);
    assert_row(&snapshot, "awaited", "alloc::vec::Vec<u8>", 1);
    assert_eq!(variable(&snapshot, "held").heap_bytes, Some(0));
}

/// While an initialiser waits, its thread runs other tasks: what they bind is theirs.
#[test]
fn variable_initialiser_with_an_await_leaves_no_marker_on_the_thread() {
    use std::pin::pin;
    use std::task::{Context, Waker};
    async fn waits() -> usize {
        track_var!(let waited_for = {
            yield_now().await;
            vec![0u8; 66]
        });
        waited_for.len()
    }
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting = pin!(waits());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    track_var!(let meanwhile: Vec<u8> = vec![0; 67]);
    assert_at_root();
    let snapshot = memscope::snapshot();
    assert_row(&snapshot, "meanwhile", "alloc::vec::Vec<u8>", 1);
    assert_eq!(variable(&snapshot, "meanwhile").heap_bytes, Some(67));
    assert!(variables(&snapshot, "waited_for").iter().all(|row| row.heap_bytes != Some(67)));
    assert!(waiting.as_mut().poll(&mut context).is_ready());
    // Dropped while it waits, nothing is left either.
    {
        let mut unfinished = pin!(waits());
        assert!(unfinished.as_mut().poll(&mut context).is_pending());
    }
    let snapshot = memscope::snapshot();
    assert_eq!(variable(&snapshot, "waited_for").active_instances, 0);
    assert_eq!(variable(&snapshot, "meanwhile").heap_bytes, Some(67));
    drop(meanwhile);
    assert_eq!(variable(&memscope::snapshot(), "meanwhile").heap_bytes, Some(0));
}

#[test]
fn variable_in_a_generic_function() {
    fn copies<T: Clone>(item: &T) -> usize {
        track_var!(let copy = item.clone());
        track_var!(copy);
        size_of_val(&copy)
    }
    #[track]
    fn owns<T, const N: usize>(items: [T; N]) -> [T; N] {
        track_var!(let array: [T; N] = items);
        array
    }
    assert_eq!(copies(&String::from("s")) + copies(&1u8), size_of::<String>() + 1);
    assert_eq!(owns([1u8, 2]).len(), 2);
    let snapshot = memscope::snapshot();
    // Each instantiation is a row of its own type.
    let mut types: Vec<_> =
        variables(&snapshot, "copy").iter().filter_map(|row| row.type_name.as_deref()).collect();
    types.sort_unstable();
    types.dedup();
    assert_eq!(types, ["alloc::string::String", "u8"]);
    assert_row(&snapshot, "array", "[u8; 2]", 1);
}

/// The type of these is settled by what follows, with elements of a type that memscope does not know.
#[test]
fn variable_type_inference() {
    track_var!(let mut postings = HashMap::new());
    track_var!(let mut list = Vec::with_capacity(4));
    track_var!(let settled = Default::default());
    track_var!(let nothing = None);
    track_var!(let collected = ["a"].into_iter().map(String::from).collect());
    track_var!(let (sender, receiver) = std::sync::mpsc::channel());
    track_var!(let parsed = "3".parse());
    track_var!(let closure = |a| a);
    postings.insert(String::from("word"), Posting(1));
    list.push(Posting(2));
    track_var!(postings);
    track_var!(list);
    assert!(sender.send(Posting(3)).is_ok());
    drop(receiver);
    let nothing: Option<Posting> = nothing;
    let settled: u64 = settled;
    let collected: Vec<String> = collected;
    let parsed: Result<u8, _> = parsed;
    assert_eq!((settled, nothing.is_none(), collected.len(), parsed), (0, true, 1, Ok(3)));
    assert_eq!(closure(postings["word"].0 + list[0].0), 3);
    // Full type names, although they were settled later.
    let snapshot = memscope::snapshot();
    let posting = format!("{}::Posting", module_path!());
    assert_row(&snapshot, "nothing", &format!("core::option::Option<{posting}>"), 1);
    assert_row(&snapshot, "settled", "u64", 1);
    let map = format!("std::collections::hash::map::HashMap<alloc::string::String, {posting}>");
    assert_row(&snapshot, "postings", &map, 1);
}

/// Borrows of a tracked binding are those of the plain one; `fail/types/variable_borrows.rs` has the errors.
#[test]
fn variable_borrows() {
    track_var!(let mut list: Vec<String> = vec!["a".into()]);
    let first = &mut list[0];
    first.push('b');
    track_var!(let lent = &list);
    track_var!(let text: &str = &lent[0]);
    let length = text.len();
    list.clear();
    track_var!(list);
    let mut lender = list.drain(..);
    assert!(lender.next().is_none());
    drop(lender);
    track_var!(let mut swapped: Vec<String> = vec!["c".into()]);
    std::mem::swap(&mut list, &mut swapped);
    track_var!(let extended = &mut vec![1u8]);
    extended.push(2);
    assert_eq!((length, list.len(), swapped.len(), extended.len()), (2, 1, 0, 2));
}
