//! Everything that is wrong with a derive is said at once, where it is.

use memscope::Trackable;

#[derive(Trackable)]
union Either {
    number: u32,
    letter: char,
}

#[derive(Trackable)]
#[track(skip, crate = "memscope", nme = 3)]
struct Arguments {
    #[track(skip, skip)]
    twice: u8,
    #[track(skip)]
    #[track(skip)]
    in_two_attributes: u8,
    #[track(skip = true)]
    value: u8,
    #[track(crate = memscope)]
    elsewhere: u8,
    #[track]
    bare: u8,
    #[track = "skip"]
    name_value: u8,
    #[track()]
    empty: u8,
    #[track(skp)]
    typo: u8,
    #[track(3)]
    number: u8,
}

#[derive(Trackable)]
enum Variants {
    #[track(crate = memscope)]
    One(#[track(name = "x")] u8),
    #[track(vars)]
    Two,
}

#[derive(Trackable)]
#[track(crate = memscope, crate = memscope)]
struct TwoCrates;

// What was refused counts as `Trackable`, so that nothing is said twice.
fn is_trackable<T: Trackable>() {}

fn main() {
    is_trackable::<Either>();
    is_trackable::<Arguments>();
    is_trackable::<Variants>();
    is_trackable::<TwoCrates>();
}
