//! Sampling mode, end to end: what the estimates say beside the truth.

use memscope::track;
use std::hint::black_box;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[track]
fn small(blocks: usize) -> Vec<Box<[u8; 64]>> {
    let mut kept = Vec::with_capacity(blocks);
    for _ in 0..blocks {
        kept.push(black_box(Box::new([1; 64])));
    }
    kept
}

#[test]
fn look() {
    let kept = small(200_000);
    let mut v = Vec::new();
    for i in 0..10_000_000u64 {
        v.push(i);
    }
    let snapshot = memscope::snapshot();
    println!("{:#?} {:#?} {:?}", snapshot.mode, snapshot.totals, snapshot.profiler);
    for s in &snapshot.scopes {
        println!("{:?} {:#?}", s.path, s.exclusive);
    }
    println!("{:?} {:?}", snapshot.lifetimes, snapshot.timeline);
    drop(kept);
    drop(v);
    println!("{:#?}", memscope::snapshot().totals);
}
