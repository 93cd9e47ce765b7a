//! Borrow errors of a tracked binding are those of the plain one.

use memscope::track_var;

fn id<T>(value: T) -> T {
    value
}

fn temporary() {
    track_var!(let x = id(&mut Vec::<u8>::new()));
    x.push(1);
}

fn moved() {
    let x = vec![1];
    drop(x);
    track_var!(x);
}

fn borrowed() -> usize {
    track_var!(let mut list: Vec<u8> = vec![1]);
    track_var!(let first = &list[0]);
    list.clear();
    usize::from(*first)
}

fn not_mutable() {
    track_var!(let list: Vec<u8> = Vec::new());
    list.push(1);
}

fn unsized_value(text: &str) {
    track_var!(let copy = *text);
}

fn main() {}
