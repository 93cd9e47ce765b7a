//! Each bad argument is an error at its own token, all in one go, and the function exists all the same.

use memscope::track;

#[track(nme = "a")]
fn unknown() {}

#[track(name = "a", name = "b", crate = memscope, crate = memscope)]
fn duplicate() {}

#[track(name = 3)]
fn number() {}

#[track(crate = "memscope")]
fn quoted() {}

#[track(name)]
fn no_value() {}

#[track(name = "")]
fn empty() {}

#[track(name("a"))]
fn list() {}

#[track("a")]
fn bare() {}

#[track(name = "a" crate = memscope)]
fn no_comma() {}

#[track(vars, skip(a), name = Self::NAME)]
fn several() {}

#[track(skip(a))]
fn skip_without_vars(a: u8) -> u8 {
    a
}

#[track(vars, skip(a, b, c))]
fn skips_what_is_not_there(a: u8, b: u8) -> u8 {
    let c = 1;
    a
}

#[track(vars = true, skip, budget = "4", budget = 4, max_allocs = "0", max_allocs = -1)]
fn mistyped() {}

#[track(vars)]
unsafe extern "C" {
    fn labs(a: i64) -> i64;
}

fn main() {
    skip_without_vars(1);
    skips_what_is_not_there(1, 2);
    mistyped();
    unsafe { labs(1) };
    unknown();
    duplicate();
    number();
    quoted();
    no_value();
    empty();
    list();
    bare();
    no_comma();
    several();
}
