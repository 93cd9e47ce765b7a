//! Functions of every kind: each is entered, counted, and keeps what it is.

use std::fmt::Display;
use std::panic::catch_unwind;
use std::pin::Pin;
use std::rc::Rc;
use ui_tests::{calls, scope, site};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

use memscope::track;

// Rows 17, 18: early return, `?`, functions that do not return.

#[track]
fn early(stop: bool) -> u32 {
    if stop {
        return 1;
    }
    2
}

#[track]
fn question(text: &str) -> Result<u32, std::num::ParseIntError> {
    let number: u32 = text.parse()?;
    Ok(number)
}

#[track]
fn diverges(message: &str) -> ! {
    panic!("{message}")
}

// Rows 13, 15: `impl Trait`, coercion to a trait object.

#[track]
fn evens<'a>(numbers: &'a [u32]) -> impl Iterator<Item = &'a u32> + 'a {
    numbers.iter().filter(|number| **number % 2 == 0)
}

#[track]
fn boxed(wide: bool) -> Box<dyn Display> {
    if wide { Box::new(1u64) } else { Box::new("narrow") }
}

// Row 8: a returned closure keeps one type.

#[track]
fn adder(a: u32) -> impl Fn(u32) -> u32 {
    move |b| a + b
}

// Rows 19, 24: `&mut` arguments, patterns.

#[track]
fn push(into: &mut Vec<u32>, (a, [b, ..]): (u32, [u32; 2]), &c: &u32, Point { x, .. }: Point) {
    into.push(a);
    into.extend([b, c, x]);
}

struct Point {
    x: u32,
    #[allow(dead_code)]
    y: u32,
}

// Row 21: generics, where clauses, const generics. Row 36: instantiations share a node.

#[track]
fn generic<T, const N: usize>(items: [T; N]) -> Vec<T>
where
    T: Clone,
{
    items.to_vec()
}

// Row 23: elided and named lifetimes, HRTB.

#[track]
fn longest<'a, F>(a: &'a str, b: &'a str, pick: F) -> &'a str
where
    F: for<'b> Fn(&'b str, &'b str) -> bool,
{
    if pick(a, b) { a } else { b }
}

// Row 25: `unsafe`, `extern "C"`.

#[track]
unsafe fn read(pointer: *const u8) -> u8 {
    unsafe { *pointer }
}

#[track]
extern "C" fn foreign(a: u8) -> u8 {
    a + 1
}

#[track]
unsafe extern "C" fn foreign_unsafe(pointer: *const u8) -> u8 {
    unsafe { *pointer }
}

// Row 22: receivers. Row 28: methods of impl and trait-impl blocks. Row 27: default bodies.

struct Owner(u32);

impl Owner {
    #[track]
    fn new(value: u32) -> Self {
        Self(value)
    }
    #[track]
    fn by_ref(&self) -> u32 {
        self.0
    }
    #[track]
    fn by_mut(&mut self) {
        self.0 += 1;
    }
    #[track]
    fn by_value(self) -> u32 {
        self.0
    }
    #[track]
    fn by_rc(self: Rc<Self>) -> u32 {
        self.0
    }
    #[track]
    fn by_pin(self: Pin<&mut Self>) -> u32 {
        self.0
    }
}

struct Other;

impl Other {
    #[track]
    fn new() -> Self {
        Self
    }
}

trait Named {
    #[track]
    fn with_default(&self) -> String {
        String::from("default")
    }
    fn required(&self) -> String;
}

impl Named for Owner {
    #[track]
    fn required(&self) -> String {
        String::from("owner")
    }
}

impl<T: Named> Named for Vec<T> {
    #[track]
    fn required(&self) -> String {
        String::from("vec")
    }
}

// Row 36: functions of one name.

mod left {
    #[memscope::track]
    pub fn twin() {}
}

mod right {
    #[memscope::track]
    pub fn twin() {}
}

// Row 35: functions that a macro writes.

macro_rules! tracked {
    ($($(#[$attribute:meta])* fn $name:ident($argument:ident: $ty:ty) -> $output:ty $body:block)*) => {
        $(#[track] $(#[$attribute])* fn $name($argument: $ty) -> $output $body)*
    };
    (item $item:item) => {
        #[track]
        $item
    };
    (fixed) => {
        #[track]
        fn fixed_name() -> u8 {
            7
        }
    };
}

tracked! {
    fn from_macro(a: Vec<u8>) -> Option<u8> { a.first().copied() }
    fn second_from_macro(a: u8) -> u8 { a }
}
tracked!(item fn from_item(a: &str) -> usize { a.len() });
tracked!(fixed);

// Rows 29, 38: attributes, doc comments, inner attributes.

/// Documented.
#[must_use]
#[inline(never)]
#[track]
#[allow(clippy::all)]
fn with_attributes() -> u32 {
    #![allow(unused_variables)]
    //! Documented from within.
    let unused = 1;
    2
}

#[track]
#[track_caller]
fn caller() -> u32 {
    std::panic::Location::caller().line()
}

// `name`.

const SPOKEN: &str = "a spoken name";

#[track(name = "literal: name")]
fn renamed() {}

#[track(name = SPOKEN)]
fn renamed_by_constant() {}

// A body that opens with an item, and one that shadows what the expansion uses.

#[track]
fn opens_with_item() -> u32 {
    fn here() -> u32 {
        1
    }
    static SITE: u32 = 2;
    here() + SITE
}

#[track]
fn r#try() {}

#[track]
fn recursive(depth: u32) -> u32 {
    if depth == 0 { 0 } else { 1 + recursive(depth - 1) }
}

#[track]
fn outer() -> Vec<u8> {
    inner()
}

#[track]
fn inner() -> Vec<u8> {
    vec![0; 1000]
}

#[track]
fn never_run() {}

fn main() {
    assert_eq!(early(true) + early(false), 3);
    assert_eq!(calls(&["early"]), 2);
    assert!(question("x").is_err());
    assert_eq!(question("7"), Ok(7));
    assert_eq!(calls(&["question"]), 2);

    // Row 43: unwinding leaves each scope, so what follows is at the root again.
    std::panic::set_hook(Box::new(|_| {}));
    for _ in 0..50 {
        assert!(catch_unwind(|| diverges("down")).is_err());
    }
    assert_eq!(calls(&["diverges"]), 50);

    assert_eq!(evens(&[1, 2, 3, 4]).count(), 2);
    assert_eq!(boxed(true).to_string() + &boxed(false).to_string(), "1narrow");
    let mut add = adder(1);
    assert_eq!(add(2), 3);
    add = adder(2);
    assert_eq!(add(2), 4);
    let mut numbers = Vec::new();
    push(&mut numbers, (1, [2, 3]), &4, Point { x: 5, y: 6 });
    numbers.push(7);
    assert_eq!(numbers, [1, 2, 4, 5, 7]);

    assert_eq!(generic([1u8, 2]).len() + generic(["a"]).len(), 3);
    assert_eq!(calls(&["generic"]), 2);
    assert_eq!(longest("a", "bb", |a, b| a.len() > b.len()), "bb");
    // SAFETY: the pointer is that of a value which lives on.
    assert_eq!(unsafe { read(&3) + foreign_unsafe(&4) } + foreign(5), 13);

    let mut owner = Owner::new(1);
    owner.by_mut();
    assert_eq!(owner.by_ref() + Pin::new(&mut owner).by_pin(), 4);
    assert_eq!(owner.with_default() + &owner.required(), "defaultowner");
    assert_eq!(vec![Owner(1)].required(), "vec");
    assert_eq!(owner.by_value() + Rc::new(Owner::new(3)).by_rc(), 5);
    Other::new();

    left::twin();
    right::twin();
    right::twin();

    assert_eq!(from_macro(vec![4]), Some(4));
    assert_eq!(second_from_macro(5) + fixed_name(), 12);
    assert_eq!(from_item("four"), 4);
    assert_eq!(with_attributes(), 2);
    assert_eq!(caller(), line!());
    renamed();
    renamed_by_constant();
    assert_eq!(opens_with_item(), 3);
    r#try();
    assert_eq!(recursive(20), 20);
    let kept = outer();

    let snapshot = memscope::snapshot();
    for name in
        ["by_ref", "by_mut", "by_value", "by_rc", "by_pin", "with_default", "from_macro", "from_item", "try"]
    {
        assert_eq!(scope(&snapshot, &[name]).calls, 1, "{name}");
    }
    assert_eq!(scope(&snapshot, &["literal: name"]).calls, 1);
    assert_eq!(scope(&snapshot, &["a spoken name"]).calls, 1);

    // Two functions of one name are two scopes, told apart by their keys.
    let calls_of = |key: &str| {
        let mut found = snapshot.scopes.iter().filter(|scope| scope.key.last().is_some_and(|last| last.ends_with(key)));
        let calls = found.next().unwrap_or_else(|| panic!("no scope with key {key}")).calls;
        assert!(found.next().is_none(), "{key}");
        calls
    };
    assert_eq!((calls_of("left::twin"), calls_of("right::twin")), (1, 2));
    assert_eq!((calls_of("Owner::new"), calls_of("Other::new")), (2, 1));
    let required: Vec<_> =
        snapshot.scopes.iter().filter(|scope| scope.path == ["required"]).map(|scope| &scope.key).collect();
    assert_eq!(required.len(), 2, "{required:?}");

    // Recursion is folded into one node and counted.
    let recursion = scope(&snapshot, &["recursive"]);
    assert_eq!((recursion.calls, recursion.recursive_calls), (21, 20));

    // What is allocated is charged to the function that runs.
    assert_eq!(scope(&snapshot, &["outer", "inner"]).exclusive.live_bytes, 1000);
    assert_eq!(scope(&snapshot, &["outer"]).exclusive.live_bytes, 0);
    drop(kept);

    // What is registered: the line of the name, the signature as written; also of what never ran.
    let lines: Vec<&str> = include_str!("functions.rs").lines().collect();
    let with_attributes = site(&snapshot, "::with_attributes");
    let line = lines[with_attributes.line as usize - 1];
    assert!(line.starts_with("fn with_attributes"), "{line}");
    assert_eq!(with_attributes.column, 4);
    assert_eq!(
        site(&snapshot, "::push").signature,
        "fn push(into: &mut Vec<u32>, (a, [b, ..]): (u32, [u32; 2]), &c: &u32, Point { x, .. }: Point)"
    );
    assert_eq!(
        site(&snapshot, "::generic").signature,
        "fn generic<T, const N: usize>(items: [T; N]) -> Vec<T> where T: Clone"
    );
    assert_eq!(site(&snapshot, "::from_macro").signature, "fn from_macro(a: Vec<u8>) -> Option<u8>");
    assert_eq!(site(&snapshot, "::never_run").executions, 0);
}
