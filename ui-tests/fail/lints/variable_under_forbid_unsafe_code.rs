//! Where `unsafe` is forbidden, the user's own is still refused, and what the macros write is not.

#![forbid(unsafe_code)]

#[memscope::track]
fn f(pointer: *const u8) -> u8 {
    memscope::track_var!(let mut list: Vec<u8> = vec![1]);
    memscope::track_var!(list);
    list.clear();
    memscope::track_var!(let byte = unsafe { *pointer });
    byte
}

fn main() {
    f(&1);
}
