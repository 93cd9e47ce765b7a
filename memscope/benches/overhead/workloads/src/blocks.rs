//! Blocks of the allocator and little else: what recording costs where a program does nothing but allocate.

use crate::random::Random;
use crate::tracked::Tracked;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A block of 16 to 143 bytes is allocated and freed at once.
#[inline(never)]
pub fn pair(operations: u64, _: &Tracked) -> Duration {
    let mut random = Random::seeded();
    let start = Instant::now();
    for _ in 0..operations {
        drop(black_box(Vec::<u8>::with_capacity(16 + (random.next() & 127) as usize)));
    }
    start.elapsed()
}

/// 1,000 live blocks: the allocator's and the recorder's memory stays in the cache.
pub fn churn_1k(operations: u64, _: &Tracked) -> Duration {
    churn(1_000, operations)
}

/// 200,000 live blocks, about 50 MB: nearly every access to a block's record misses the cache.
pub fn churn_200k(operations: u64, _: &Tracked) -> Duration {
    churn(200_000, operations)
}

/// `live` blocks of 8 to 512 bytes; each operation replaces a random one.
#[inline(never)]
fn churn(live: usize, operations: u64) -> Duration {
    let mut random = Random::seeded();
    let mut blocks: Vec<Vec<u8>> = (0..live).map(|_| block(&mut random)).collect();
    let start = Instant::now();
    for _ in 0..operations {
        let place = random.below(live);
        blocks[place] = block(&mut random);
    }
    let elapsed = start.elapsed();
    drop(black_box(blocks));
    elapsed
}

#[inline(always)]
fn block(random: &mut Random) -> Vec<u8> {
    black_box(Vec::with_capacity(8 + random.below(505)))
}
