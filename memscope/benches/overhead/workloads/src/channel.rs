//! Blocks that one thread allocates and another frees.

use crate::random::Random;
use crate::tracked::Tracked;
use std::hint::black_box;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

type Batch = Vec<Vec<u8>>;

/// Blocks handed over at once, so that the channel's own cost is shared by them and does not drown theirs.
const BATCH: usize = 64;
/// Batches that may wait in the channel.
const WAITING: usize = 16;

/// Blocks of 16 to 143 bytes go from a producer to a consumer, which frees them. One operation is one block.
#[inline(never)]
pub fn channel(operations: u64, tracked: &'static Tracked) -> Duration {
    let batches = operations.div_ceil(BATCH as u64);
    let (sender, receiver) = sync_channel(WAITING);
    let start = Instant::now();
    let producer = thread::spawn(move || (tracked.work)(&mut || produce(&sender, batches)));
    consume(receiver);
    let elapsed = start.elapsed();
    producer.join().expect("the producer does not panic");
    elapsed
}

#[inline(never)]
fn produce(sender: &SyncSender<Batch>, batches: u64) {
    let mut random = Random::seeded();
    for _ in 0..batches {
        let mut batch = Batch::with_capacity(BATCH);
        for _ in 0..BATCH {
            batch.push(Vec::with_capacity(16 + (random.next() & 127) as usize));
        }
        if sender.send(batch).is_err() {
            return;
        }
    }
}

#[inline(never)]
fn consume(receiver: Receiver<Batch>) {
    for batch in receiver {
        drop(black_box(batch));
    }
}
