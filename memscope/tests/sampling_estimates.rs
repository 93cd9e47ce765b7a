//! Estimates beside the truth, over 1,000 seeded runs: their mean is right, and so are their errors.
//!
//! In each run every kind of work below allocates in a scope of its own, on one thread or on eight; then a quarter of
//! it is freed. What lives is looked at before (it is all that was allocated) and after, by scope and in total. Half a
//! minute with optimisation.

use memscope::model::{ScopeMemory, Snapshot};
use memscope::{sampling, track};
use std::alloc::{Layout, alloc, dealloc, realloc};
use std::collections::BTreeMap;
use std::thread;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

const RUNS: u64 = 1_000;

/// A block that is freed by hand; the lists that hold them are allocated outside of the scopes.
struct Block(*mut u8, Layout);

// SAFETY: a block belongs to who holds it, on whichever thread.
unsafe impl Send for Block {}

impl Block {
    fn new(bytes: usize) -> Block {
        let layout = Layout::from_size_align(bytes, 8).expect("a small alignment");
        // SAFETY: the layout has a size.
        let start = unsafe { alloc(layout) };
        assert!(!start.is_null());
        Block(start, layout)
    }

    fn grown(self, bytes: usize) -> Block {
        // SAFETY: the block is this one's, and the size fits the layout.
        let start = unsafe { realloc(self.0, self.1, bytes) };
        assert!(!start.is_null());
        Block(start, Layout::from_size_align(bytes, 8).expect("a small alignment"))
    }

    fn free(self) {
        // SAFETY: the block is this one's.
        unsafe { dealloc(self.0, self.1) };
    }
}

/// A kind of work: a scope, and what one of its blocks goes through.
struct Work {
    scope: &'static str,
    run: fn(&mut Vec<Block>, usize),
    blocks: usize,
    /// Size of a block at first, and in the end.
    first_bytes: usize,
    bytes: usize,
}

macro_rules! work {
    ($scope:ident, $blocks:expr, $bytes:expr) => {{
        #[track]
        fn $scope(blocks: &mut Vec<Block>, count: usize) {
            for _ in 0..count {
                blocks.push(Block::new($bytes));
            }
        }
        Work { scope: stringify!($scope), run: $scope, blocks: $blocks, first_bytes: $bytes, bytes: $bytes }
    }};
}

/// By doubling, as a `Vec` grows, in the scope that allocated.
#[track]
fn doubled(blocks: &mut Vec<Block>, count: usize) {
    for _ in 0..count {
        let mut block = Block::new(64);
        let mut bytes = 64;
        while bytes < 16 << 10 {
            bytes *= 2;
            block = block.grown(bytes);
        }
        blocks.push(block);
    }
}

/// All works draw 40 samples or more in each run, so that three quarters are 30.
fn small_works() -> Vec<Work> {
    // 64 KiB × 40 = 2.5 MiB and more in each, in counts that eight threads and four parts divide.
    vec![
        work!(of_16_bytes, 168_000, 16),
        work!(of_100_bytes, 27_648, 100),
        work!(of_1000_bytes, 2_880, 1_000),
        work!(of_5000_bytes, 640, 5_000),
        work!(of_100_000_bytes, 96, 100_000),
        Work { scope: "doubled", run: doubled, blocks: 256, first_bytes: 64, bytes: 16 << 10 },
    ]
}

fn large_works() -> Vec<Work> {
    // Hit with 1 − 1/e = 0.63 at a mean of 8 MiB: 60 of 96. Untouched, they are address space.
    vec![work!(of_8_mib, 96, 8 << 20)]
}

/// What is estimated: the truth, the samples that are expected to say so, and (estimate, standard error) of each run.
#[derive(Default)]
struct Figure {
    truth: f64,
    expected_samples: f64,
    runs: Vec<(f64, f64)>,
}

#[derive(Default)]
struct Observed {
    mean_bytes: f64,
    figures: BTreeMap<String, Figure>,
}

impl Observed {
    fn note(&mut self, what: String, truth: u64, samples: f64, estimate: u64, error: Option<u64>) {
        let figure = self.figures.entry(what).or_default();
        figure.truth = truth as f64;
        figure.expected_samples = samples;
        figure.runs.push((estimate as f64, error.expect("it is an estimate") as f64));
    }

    /// Samples of so many blocks that are expected: n (1 − e^(−s/T)).
    fn samples(&self, blocks: u64, bytes: usize) -> f64 {
        blocks as f64 * -f64::exp_m1(-(bytes as f64) / self.mean_bytes)
    }

    fn note_live(&mut self, when: &str, works: &[Work], snapshot: &Snapshot, left: impl Fn(&Work) -> u64) {
        let scope = |name: &str| -> ScopeMemory {
            snapshot.scopes.iter().find(|scope| scope.path == [name]).expect("it ran").exclusive
        };
        let (mut all_blocks, mut all_bytes, mut all_samples) = (0, 0, 0.0);
        for work in works {
            let (memory, blocks) = (scope(work.scope), left(work));
            let bytes = blocks * work.bytes as u64;
            all_blocks += blocks;
            all_bytes += bytes;
            let what = |figure: &str| format!("{when}, {}: {figure}", work.scope);
            // A block is counted by the sample that begins with it; its bytes by all.
            let (first, samples) = (self.samples(blocks, work.first_bytes), self.samples(blocks, work.bytes));
            all_samples += first;
            self.note(what("blocks"), blocks, first, memory.live_allocations, memory.live_allocations_error);
            self.note(what("bytes"), bytes, samples, memory.live_bytes, memory.live_bytes_error);
        }
        // The test's own lists and threads are outside of the scopes.
        let root = snapshot.scopes[0].exclusive;
        let totals = snapshot.totals;
        let without_root = |all: u64, of_root: u64| all - of_root;
        let blocks = without_root(totals.live_allocations, root.live_allocations);
        let bytes = without_root(totals.live_bytes, root.live_bytes);
        let blocks_error = totals.live_allocations_error;
        self.note(format!("{when}, all: blocks"), all_blocks, all_samples, blocks, blocks_error);
        self.note(format!("{when}, all: bytes"), all_bytes, all_samples, bytes, totals.live_bytes_error);
    }

    #[allow(clippy::print_stdout, reason = "the figures are what it is for")]
    fn assert_unbiased_and_honest(&self, name: &str) {
        let mut wrong = Vec::new();
        for (what, Figure { truth, expected_samples, runs }) in &self.figures {
            let count = runs.len() as f64;
            let mean = runs.iter().map(|(estimate, _)| estimate).sum::<f64>() / count;
            let variance = runs.iter().map(|(estimate, _)| (estimate - mean).powi(2)).sum::<f64>() / count;
            let error_of_mean = (variance / count).sqrt();
            let distance = (mean - truth) / error_of_mean;
            let covered = runs.iter().filter(|(estimate, error)| (estimate - truth).abs() <= 2.0 * error);
            let covered = covered.count() as f64 / count;
            println!(
                "{name}, {what:<42} truth {truth:>11}  mean {mean:>13.1} ({distance:>5.2} errors off)  \
                 {expected_samples:>4.0} samples  ±2 errors cover {:>5.1} %",
                covered * 100.0
            );
            let is_honest = *expected_samples < 30.0 || covered >= 0.90;
            if distance.abs() > 3.0 || !is_honest {
                wrong.push(what);
            }
        }
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
    }
}

fn allocate(works: &[Work], threads: usize) -> Vec<Vec<Block>> {
    let lists = works.iter().map(|work| Vec::with_capacity(work.blocks / threads));
    let mut lists: Vec<Vec<Block>> = lists.collect();
    for (work, list) in works.iter().zip(&mut lists) {
        (work.run)(list, work.blocks / threads);
    }
    lists
}

fn runs(name: &str, mean_bytes: u64, works: fn() -> Vec<Work>, threads: usize) {
    sampling::set_mean_bytes(mean_bytes);
    let mut observed = Observed { mean_bytes: mean_bytes as f64, ..Observed::default() };
    let works = works();
    for run in 0..RUNS {
        sampling::seed(run);
        let lists: Vec<Vec<Block>> = if threads == 1 {
            allocate(&works, 1)
        } else {
            let works = &works;
            thread::scope(|scope| {
                let all: Vec<_> =
                    (0..threads).map(|_| scope.spawn(move || allocate(works, threads))).collect();
                all.into_iter().flat_map(|thread| thread.join().expect("it does not panic")).collect()
            })
        };
        observed.note_live("all", &works, &memscope::snapshot(), |work| work.blocks as u64);
        // Every fourth block goes. What eight threads allocated is freed by this one.
        let kept: Vec<Vec<Block>> = lists
            .into_iter()
            .map(|list| {
                let mut index = 0;
                let (kept, freed): (Vec<Block>, Vec<Block>) = list.into_iter().partition(|_| {
                    index += 1;
                    index % 4 != 0
                });
                freed.into_iter().for_each(Block::free);
                kept
            })
            .collect();
        observed.note_live("3/4", &works, &memscope::snapshot(), |work| work.blocks as u64 / 4 * 3);
        kept.into_iter().flatten().for_each(Block::free);
    }
    observed.assert_unbiased_and_honest(name);
    // Over all runs, what was allocated, and that all of it was freed.
    let snapshot = memscope::snapshot();
    for work in &works {
        let memory =
            snapshot.scopes.iter().find(|scope| scope.path == [work.scope]).expect("it ran").exclusive;
        assert_eq!((memory.live_allocations, memory.live_bytes), (0, 0), "{}", work.scope);
        assert_eq!(memory.allocated_bytes, memory.deallocated_bytes);
    }
}

#[test]
fn estimates_are_unbiased_and_their_errors_honest() {
    runs("one thread", 64 << 10, small_works, 1);
    runs("one thread, 8 MiB", 8 << 20, large_works, 1);
    runs("eight threads", 64 << 10, small_works, 8);
    runs("eight threads, 8 MiB", 8 << 20, large_works, 8);
    let snapshot = memscope::snapshot();
    let all: Vec<Work> = small_works().into_iter().chain(large_works()).collect();
    for work in &all {
        // Two rounds of runs; each block was allocated once with what it grew to.
        let truth = (2 * RUNS * (work.blocks * work.bytes) as u64) as f64;
        let memory =
            snapshot.scopes.iter().find(|scope| scope.path == [work.scope]).expect("it ran").exclusive;
        let error = memory.allocated_bytes_error.expect("it is an estimate") as f64;
        let distance = (memory.allocated_bytes as f64 - truth) / error;
        assert!(distance.abs() < 4.0, "{}: {distance} errors off", work.scope);
    }
    assert_eq!(snapshot.profiler.sampling.expect("it samples").lost_samples, 0);
}
