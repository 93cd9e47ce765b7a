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
    const SIZE: usize = 1;

    const fn method(&self) {}
}

#[track]
mod inner {
    pub struct Nothing;
}

#[track]
unsafe extern "C" {
    fn printf(format: *const u8, ...) -> i32;
    static environ: *const u8;
}

unsafe extern "C" {
    #[track]
    fn snprintf(into: *mut u8, len: usize, format: *const u8, ...) -> i32;
    #[track]
    fn abs(a: i32) -> i32;
}

#[track]
trait Speaks {
    fn speak(&self);
}

impl Speaks for Unit {
    fn speak(&self) {}
}

#[track(name = "both", budget = "1 MiB", max_allocs = 0, skip(no_such_function))]
impl Kind {
    fn is_one(&self) -> bool {
        true
    }
}

#[track]
static COUNT: u32 = 1;

#[track]
const LIMIT: u32 = 1;

fn main() {
    Unit.method();
    Unit.speak();
    let _ = (Kind::One.is_one(), COUNT, LIMIT, Unit::SIZE, inner::Nothing);
    unsafe {
        abs(1);
        printf(environ);
        snprintf(environ.cast_mut(), 0, environ);
    }
}
