//! One error each, and the item exists all the same.

use memscope::track;

#[track]
struct Unit;

#[track]
pub enum Kind {
    One,
}

#[track]
impl Unit {
    fn method(&self) {}
}

#[track]
mod inner {
    pub fn f() {}
}

#[track]
unsafe extern "C" {
    fn abs(a: i32) -> i32;
}

#[track]
trait Speaks {
    fn speak(&self);
}

impl Speaks for Unit {
    fn speak(&self) {}
}

#[track]
static COUNT: u32 = 1;

#[track]
const LIMIT: u32 = 1;

fn main() {
    Unit.method();
    Unit.speak();
    inner::f();
    let _ = (Kind::One, COUNT, LIMIT, unsafe { abs(1) });
}
