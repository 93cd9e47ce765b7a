//! A field that cannot be walked is an error at its type; a parameter that is bound is one where it is given.

use memscope::Trackable;

struct Opaque(Vec<u8>);

#[derive(Trackable)]
struct Document {
    title: String,
    opaque: Opaque,
    pages: Vec<Opaque>,
}

#[derive(Trackable)]
enum Page {
    Text(String),
    Opaque { opaque: Option<Opaque> },
}

#[derive(Trackable)]
struct Shelf<T>(Vec<T>);

fn is_trackable<T: Trackable>() {}

fn main() {
    is_trackable::<Shelf<String>>();
    is_trackable::<Shelf<Opaque>>();
}
