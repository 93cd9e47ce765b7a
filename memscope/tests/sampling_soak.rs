//! A long recording takes no more memory than a short one: blocks of many sizes come and go on four threads, some
//! freed by others, some resized, and what memscope holds stays what it was. (It grows with the most samples that were
//! ever alive at once, and with the range of addresses that the heap ever had; so what waits for a thread is bounded.)
//!
//! Two seconds in the gate; `MEMSCOPE_SOAK_SECONDS=3600 cargo test --release -p memscope --features sampling --test
//! sampling_soak -- --nocapture` is the hour of docs/performance.md, a line for each minute.

use memscope::{sampling, track};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

static DONE: AtomicBool = AtomicBool::new(false);
static OPERATIONS: AtomicU64 = AtomicU64::new(0);

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

#[track]
fn loaded(seed: u64, gives: &SyncSender<Vec<u8>>, takes: &Receiver<Vec<u8>>) {
    let mut random = Random(seed);
    let mut kept: Vec<Vec<u8>> = (0..2_000).map(|_| Vec::with_capacity(1 + random.below(2_000))).collect();
    while !DONE.load(Ordering::Relaxed) {
        for _ in 0..1_000 {
            let place = random.below(kept.len());
            match random.below(8) {
                0 => kept[place].reserve_exact(1 + random.below(20_000)),
                1 => kept[place].shrink_to(random.below(100)),
                2 => drop(gives.try_send(std::mem::take(&mut kept[place]))),
                _ => kept[place] = black_box(Vec::with_capacity(1 + random.below(2_000))),
            }
        }
        takes.try_iter().for_each(drop);
        OPERATIONS.fetch_add(1_000, Ordering::Relaxed);
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "the figures are what it is for")]
fn own_memory_stays_flat_under_load() {
    let seconds = std::env::var("MEMSCOPE_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    // More samples than by default, so that a short run has enough of them.
    sampling::set_mean_bytes(64 << 10);
    let (gives, takes): (Vec<_>, Vec<_>) = (0..4).map(|_| sync_channel(1_000)).unzip();
    let threads: Vec<_> = takes
        .into_iter()
        .enumerate()
        .map(|(index, takes)| {
            let gives: SyncSender<Vec<u8>> = gives[(index + 1) % 4].clone();
            thread::spawn(move || loaded(index as u64 + 1, &gives, &takes))
        })
        .collect();
    let started = Instant::now();
    let step = Duration::from_millis((seconds * 1_000 / 60u64).max(100));
    let mut own = Vec::new();
    while started.elapsed() < Duration::from_secs(seconds) {
        thread::sleep(step);
        let snapshot = memscope::snapshot();
        let sampling = snapshot.profiler.sampling.expect("it samples");
        assert_eq!(sampling.lost_samples, 0);
        own.push(snapshot.profiler.own_bytes.expect("measured"));
        println!(
            "{:>5} s  {:>13} operations  {:>9} samples, {:>5} alive  {:>9} bytes live  {:>9} bytes of its own",
            started.elapsed().as_secs(),
            OPERATIONS.load(Ordering::Relaxed),
            sampling.samples,
            sampling.live_samples,
            snapshot.totals.live_bytes,
            own[own.len() - 1],
        );
    }
    DONE.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().expect("it does not panic");
    }
    // The first third fills tables; after that nothing is new. Of what is held, up to 64 places of 4 KiB wait or do
    // not, and memscope's own blocks are known to within a few samples of 64 KiB.
    let slack = (64 * 4 + 4 * 64) << 10;
    let (early, late) = own.split_at(own.len() / 3);
    let (early, late) = (early.iter().max().expect("some"), late.iter().max().expect("some"));
    assert!(*late <= early + slack, "own memory grew from {early} to {late} bytes");
}
