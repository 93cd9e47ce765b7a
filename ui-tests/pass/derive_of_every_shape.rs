//! `#[derive(Trackable)]` on every shape of type, in a crate that forbids unsafe code, denies warnings, and has names of
//! its own for all that the expansion could name.

#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, clippy::all, clippy::pedantic)]
#![allow(dead_code)]

use memscope::{Trackable, track, track_var};
use std::collections::HashMap;
use std::marker::PhantomData;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

mod core {}
mod std_names {
    pub(crate) struct Option;
    pub(crate) struct Visitor;
    pub(crate) struct Sharing;
    pub(crate) trait Trackable {
        fn visit_blocks(&self, _: u8) {}
    }
    impl<T> Trackable for T {}
}

#[derive(Trackable)]
struct Unit;

#[derive(Trackable)]
struct Nothing {}

#[derive(Trackable)]
struct Named {
    r#type: String,
    visitor: Vec<u8>,
}

#[derive(Trackable)]
struct Tuple(String, u8, Box<Named>);

#[derive(Trackable)]
enum Never {}

#[derive(Trackable)]
enum Many<'a, T: Clone, const N: usize>
where
    T: Default,
{
    Unit,
    Tuple(String, &'a str, [T; N]),
    Named { r#fn: Option<T>, visitor: u8 },
    #[track(skip)]
    Skipped(std::time::Instant, std::sync::mpsc::Sender<T>),
    Partly(String, #[track(skip)] Box<dyn Fn()>),
}

#[derive(Trackable)]
struct Defaulted<T = u8, I: Iterator = std::vec::IntoIter<u8>> {
    value: T,
    next: Option<I::Item>,
    last: Option<<I as Iterator>::Item>,
    #[track(skip)]
    iterator: I,
}

/// No parameter of it needs to be `Trackable`.
#[derive(Trackable)]
struct Borrows<'a, A: ?Sized, B, C, D> {
    reference: &'a A,
    pointer: *const B,
    call: fn(C) -> C,
    higher: for<'b> fn(&'b str, &'b mut C) -> &'b str,
    marker: PhantomData<D>,
}

struct NotTrackable;

#[derive(Trackable)]
struct Node {
    next: Option<Box<Node>>,
    children: Vec<Node>,
}

#[derive(Trackable)]
struct Tree<T> {
    value: T,
    children: HashMap<String, Tree<T>>,
}

#[derive(Trackable)]
#[repr(C, packed(2))]
struct Packed {
    one: u8,
    four: u32,
}

#[derive(Trackable)]
#[track(crate = ::memscope)]
struct Elsewhere(#[track(skip,)] NotTrackable, #[deprecated] u8);

#[derive(Trackable)]
struct Text<T: ?Sized>(Box<T>);

mod r#mod {
    #[derive(::memscope::Trackable)]
    pub(crate) struct ByPath {
        pub(crate) text: String,
    }
}

macro_rules! generate {
    ($name:ident, $ty:ty) => {
        #[derive(Trackable)]
        struct $name<T> {
            value: Vec<$ty>,
            other: T,
        }
    };
}
generate!(Generated, String);

fn is_trackable<T: Trackable>(_: &T) {}

#[track]
fn walks() -> memscope::model::Snapshot {
    let named = Named { r#type: String::from("ab"), visitor: vec![1, 2, 3] };
    track_var!(named);
    let many: Many<'_, u64, 2> = Many::Tuple(String::from("abcd"), "borrowed", [1, 2]);
    track_var!(many);
    let partly: Many<'_, u64, 2> = Many::Partly(String::from("abcde"), Box::new(|| ()));
    track_var!(partly);
    let tree = Tree { value: String::from("abcdef"), children: HashMap::new() };
    track_var!(tree);
    let borrows: Borrows<'_, NotTrackable, NotTrackable, NotTrackable, NotTrackable> = Borrows {
        reference: &NotTrackable,
        pointer: &raw const NOT_TRACKABLE,
        call: |same| same,
        higher: |text, _| text,
        marker: PhantomData,
    };
    track_var!(borrows);
    memscope::snapshot()
}

static NOT_TRACKABLE: NotTrackable = NotTrackable;

fn main() {
    use memscope::model::Walk;
    is_trackable(&Unit);
    is_trackable(&Nothing {});
    is_trackable(&Packed { one: 1, four: 4 });
    is_trackable(&Generated { value: Vec::new(), other: 1u8 });
    is_trackable(&Text::<str>("".into()));
    is_trackable(&r#mod::ByPath { text: String::new() });
    is_trackable(&Defaulted { value: 1u8, next: Some(2), last: None, iterator: vec![3u8].into_iter() });
    let snapshot = walks();
    for (name, expected) in [
        ("named", (Some(5), Walk::Full)),
        ("many", (Some(4), Walk::Full)),
        ("partly", (Some(5), Walk::ContainerOnly)),
        ("tree", (Some(6), Walk::Full)),
        ("borrows", (Some(0), Walk::Full)),
    ] {
        let row = ui_tests::variable(&snapshot, name);
        assert_eq!((row.heap_bytes, row.walk), expected, "{name}");
    }
}
