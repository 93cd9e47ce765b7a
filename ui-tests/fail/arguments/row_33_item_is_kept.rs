//! One error, and no other for want of the item: it is used in each way that it offers.

use memscope::{track, track_var};

#[track(nme = "a")]
#[must_use]
pub fn generic<T: Clone, const N: usize>(items: &[T; N]) -> Vec<T> {
    items.to_vec()
}

#[track(name = 3)]
async fn asynchronous(text: &str) -> usize {
    text.len()
}

struct Owner;

impl Owner {
    #[track(crate = "memscope")]
    fn method(&mut self) -> &mut Self {
        self
    }
}

#[track(7)]
const fn constant() -> usize {
    3
}

const THREE: usize = constant();

fn main() {
    let list: Vec<u8> = generic::<u8, 2>(&[1, 2]);
    let _ = asynchronous("a");
    Owner.method().method();
    track_var!(crate = "memscope"; let later = list.len() + THREE);
    drop(later);
}
