//! What `#[cfg]` takes out is not looked at: it was, by the names of variables that were not there.

#![deny(warnings)]

use memscope::{track, track_var};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

struct Pair {
    #[cfg(any())]
    left: Vec<u8>,
    right: Vec<u8>,
}

#[track(vars)]
fn lets() -> usize {
    #[cfg(any())]
    let gone = 1;
    #[cfg(any())]
    println!("{gone}");
    #[cfg_attr(all(), cfg(any()))]
    let gone = 1;
    #[cfg(any())]
    println!("{gone}");
    #[cfg(all())]
    let kept = vec![1, 2];
    kept.len()
}

#[track(vars)]
fn arguments(#[cfg(any())] gone: Vec<u8>, #[cfg(all())] kept: &[u8], pair: Pair) -> usize {
    #[cfg(any())]
    println!("{gone:?}");
    let Pair {
        #[cfg(any())]
        left,
        right,
    } = pair;
    #[cfg(any())]
    println!("{left:?}");
    kept.len() + right.len()
}

#[track]
async fn asynchronous(#[cfg(any())] gone: Vec<u8>, #[cfg(all())] kept: Vec<u8>, _last: u8) -> usize {
    #[cfg(any())]
    println!("{gone:?}");
    kept.len()
}

fn main() {
    assert_eq!(lets(), 2);
    assert_eq!(arguments(&[1], Pair { right: vec![2] }), 2);
    let polled = pin!(asynchronous(vec![1], 2)).poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_ready());
    track_var!(
        #[cfg(any())]
        let gone = 1
    );
}
