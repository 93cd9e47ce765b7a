//! A derive in a crate without the prelude, beside the attribute of the same name as its arguments.

#![no_implicit_prelude]
#![deny(warnings)]

use ::memscope::{Trackable, track};
use ::std::convert::From as _;

#[global_allocator]
static ALLOC: ::memscope::Allocator = ::memscope::Allocator::system();

#[derive(Trackable)]
#[track(crate = ::memscope)]
struct Document {
    title: ::std::string::String,
    pages: ::std::vec::Vec<Page>,
}

#[derive(Trackable)]
enum Page {
    Blank,
    Text(::std::string::String),
    Opaque(#[track(skip)] ::std::boxed::Box<dyn ::std::ops::Fn()>),
}

#[track]
fn reads() -> ::memscope::model::Snapshot {
    let text = Page::Text(::std::string::String::from("abc"));
    let opaque = Page::Opaque(::std::boxed::Box::new(|| {}));
    let pages = ::std::vec::Vec::from([Page::Blank, text, opaque]);
    let document = Document { title: ::std::string::String::from("abcd"), pages };
    ::memscope::track_var!(document);
    ::memscope::snapshot()
}

fn main() {
    let snapshot = reads();
    let row = ::ui_tests::variable(&snapshot, "document");
    // The title of 4, three pages, and the text of 3; the closure's box may own something.
    let bytes = 4 + 3 * ::std::mem::size_of::<Page>() as u64 + 3;
    ::std::assert_eq!(row.heap_bytes, ::std::option::Option::Some(bytes));
    ::std::assert_eq!(row.walk, ::memscope::model::Walk::ContainerOnly);
}
