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

fn main() {
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
