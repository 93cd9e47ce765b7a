//! A trait of the user's that gives methods to every type is never asked in place of memscope's.

#![deny(warnings)]

use memscope::{track, track_var};

trait OnEveryType {
    fn walker(&self) -> u8 {
        1
    }
    fn observe(&self) -> u8 {
        2
    }
    fn within(&self) -> u8 {
        3
    }
}

impl<T: ?Sized> OnEveryType for T {}

#[track(vars, budget = "1 KiB")]
fn tracked(text: &str) -> u8 {
    let copy: String = text.to_owned();
    copy.walker() + copy.observe() + copy.within()
}

fn main() {
    track_var!(let list = vec![tracked("a")]);
    track_var!(list);
    assert_eq!(*track_var!(move list), [6]);
}
