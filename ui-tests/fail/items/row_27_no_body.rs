//! A trait's method without a body is one error, and the method exists all the same.

use memscope::track;

struct Unit;

trait Speaks {
    #[track]
    fn speak(&self);

    #[track]
    async fn speak_later<'a>(&'a self, to: &'a str) -> usize
    where
        Self: Sized;

    #[track]
    fn by_default(&self) {}
}

impl Speaks for Unit {
    fn speak(&self) {}

    async fn speak_later<'a>(&'a self, to: &'a str) -> usize {
        to.len()
    }
}

fn main() {
    Unit.speak();
    Unit.by_default();
    drop(Unit.speak_later("a"));
}
