//! A program's heap: blocks, some of them of tracked variables, in many scopes.

use memscope::{track, track_var};
use std::hint::black_box;

/// Functions that call one another in any order: the scopes are the paths among them.
const FUNCTIONS: usize = 8;
/// Calls below one another: 8 + 8 × 7 + 8 × 7 × 6 + 8 × 7 × 6 × 5 = 2,080 paths, a function once in each.
const DEPTH: usize = 4;
/// Executions of each path.
const ROUNDS: usize = 20;

/// What a thread holds.
#[derive(Default)]
pub(crate) struct Heap {
    blocks: Vec<Vec<u8>>,
}

impl Heap {
    /// `count` blocks of 16 to 271 bytes; a tenth of them are of tracked bindings that have ended. With `with_holes` half
    /// as many again are allocated among them and freed.
    pub(crate) fn of(count: usize, with_holes: bool) -> Heap {
        let mut heap = Heap { blocks: Vec::with_capacity(count) };
        let mut holes: Vec<Vec<u8>> = Vec::new();
        let mut made = 0;
        while made < count {
            for _ in 0..10.min(count - made) {
                let bytes = 16 + made * 7_919 % 256;
                heap.blocks.push(if made % 10 == 0 { tracked_block(bytes) } else { vec![1; bytes] });
                // Larger than what glibc puts aside uncombined (128 bytes), and apart from each other: each is a free chunk
                // of its own.
                if with_holes && made % 2 == 0 {
                    holes.push(vec![1; 150]);
                }
                made += 1;
            }
        }
        heap
    }
}

#[track]
fn tracked_block(bytes: usize) -> Vec<u8> {
    track_var!(let block: Vec<u8> = vec![1; bytes]);
    block
}

macro_rules! functions {
    ($($name:ident)+) => {
        $(#[track]
        fn $name(used: &mut Vec<usize>, kept: &mut Heap) {
            at_path(used, kept);
        })+
        const CALLS: [fn(&mut Vec<usize>, &mut Heap); FUNCTIONS] = [$($name),+];
    };
}

functions! { accounts bodies cells drafts edges frames graphs heads }

/// Two bindings at each path, of which one leaves its block behind.
fn at_path(used: &mut Vec<usize>, kept: &mut Heap) {
    track_var!(let scratch: Vec<u64> = vec![0; 10]);
    track_var!(let left: Vec<u8> = vec![1; 24]);
    black_box(&scratch);
    kept.blocks.push(left);
    descend(used, kept);
}

fn descend(used: &mut Vec<usize>, kept: &mut Heap) {
    if used.len() == DEPTH {
        return;
    }
    for function in (0..FUNCTIONS).filter(|function| !used.contains(function)).collect::<Vec<_>>() {
        used.push(function);
        CALLS[function](used, kept);
        used.pop();
    }
}

/// Calls every path [`ROUNDS`] times.
pub(crate) fn call_all_paths() -> Heap {
    let mut kept = Heap::default();
    (0..ROUNDS).for_each(|_| descend(&mut Vec::new(), &mut kept));
    kept
}

/// What a thread does all the time: eight operations.
pub(crate) struct Work {
    ring: Vec<Vec<u8>>,
    random: u64,
}

impl Work {
    pub(crate) fn new(seed: u64) -> Work {
        Work { ring: vec![Vec::new(); 1_000], random: seed }
    }

    /// Allocates and frees; enters a scope and tracks a variable in it.
    #[inline(never)]
    pub(crate) fn step(&mut self) {
        for _ in 0..7 {
            self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let bytes = 16 + (self.random >> 33) as usize % 1_000;
            let place = (self.random >> 45) as usize % self.ring.len();
            self.ring[place] = vec![1; bytes];
        }
        let place = (self.random >> 50) as usize % self.ring.len();
        self.ring[place] = tracked_step((self.random >> 40) as usize % 200);
    }
}

#[track]
fn tracked_step(bytes: usize) -> Vec<u8> {
    track_var!(let step: Vec<u8> = vec![1; 1 + bytes]);
    step
}
