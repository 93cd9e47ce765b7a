//! A constant for `name` has to be a `&'static str`.

const NUMBER: u32 = 3;

#[memscope::track(name = NUMBER)]
fn f() {}

fn main() {
    f();
}
