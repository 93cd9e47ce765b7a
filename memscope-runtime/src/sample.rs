//! Samples: the drawn parts of blocks, each followed until it is gone.
//!
//! A sample is a range of a block's bytes that one draw hit: all that was allocated, or what a reallocation gained. A
//! block's samples form a chain, the latest first, and so the highest range first. A block that shrinks loses its
//! last bytes, whichever draw they came with.
//!
//! ```text
//! block of 40 bytes, grown to 100, then to 220, where the second and third draw hit:
//!
//! 0         40              100                             220
//! │ no hit   │ sample 7       │ sample 9                      │      map → 9 → 7
//! ```
//!
//! Who holds the block (see `slot.rs`) is alone with its chain. Samples that are over are on a free list.
//!
//! Orderings: all is relaxed; a reader beside the holder asks [`Sample::read`], which gives nothing that changed
//! meanwhile.

use crate::arena::Arena;
use crate::free_list::FreeList;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Samples at most at once: at the mean distance of 512 KiB they stand for 2 TiB.
const CHUNKS: usize = 1 << 12;

/// All-zero is a sample that never was.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Sample {
    /// The block's earlier sample, or the next free one; 0: none.
    next: AtomicU32,
    /// Odd while the sample is being written; a reader compares it before and after.
    version: AtomicU32,
    /// Who is charged; 0: the sample is over, or nobody was there to be charged.
    account: AtomicU32,
    /// Size of the place that the block is in; 0: it is as the inner allocator gave it, as its user asked for it.
    place_bytes: AtomicU32,
    address: AtomicU64,
    start: AtomicU64,
    /// Bytes that were drawn, and what they were booked for.
    drawn: AtomicU64,
    drawn_for: AtomicU64,
    /// Bytes that are left of them, and what these are booked for.
    left: AtomicU64,
    left_for: AtomicU64,
    /// Blocks that the sample stands for; 0 where it began with a reallocation.
    blocks: AtomicU64,
    /// Milliseconds since the start of the recording.
    drawn_ms: AtomicU64,
    /// Resizes of the block since.
    resizes: AtomicU64,
    /// The block's size now.
    block_bytes: AtomicU64,
    /// The self-check that the sample was drawn in, as long as only threads that this one checks had the block; else 0.
    check: AtomicU32,
}

/// Where a block is that is in the sample or comes into it.
#[derive(Clone, Copy)]
pub(crate) struct Whereabouts {
    pub(crate) address: usize,
    pub(crate) bytes: usize,
    /// Size of its place; 0: it has none, and is as the inner allocator gave it.
    pub(crate) place_bytes: usize,
}

/// What a sample says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) account: u32,
    pub(crate) place_bytes: u32,
    pub(crate) check: u32,
    pub(crate) address: u64,
    pub(crate) start: u64,
    pub(crate) drawn: u64,
    pub(crate) drawn_for: u64,
    pub(crate) left: u64,
    pub(crate) left_for: u64,
    pub(crate) blocks: u64,
    pub(crate) drawn_ms: u64,
    pub(crate) resizes: u64,
    pub(crate) block_bytes: u64,
}

// SAFETY: a sample is all atomics, for which zero is valid.
static SAMPLES: Arena<Sample, CHUNKS> = unsafe { Arena::new() };
/// Numbers given out; number 0 is nobody's.
static NEXT: AtomicU32 = AtomicU32::new(1);
static FREE: FreeList = FreeList { head: AtomicU64::new(0) };

impl Sample {
    pub(crate) fn get(number: u32) -> Option<&'static Sample> {
        SAMPLES.get(number)
    }

    /// Numbers that were ever given out.
    pub(crate) fn all() -> impl Iterator<Item = &'static Sample> {
        (1..NEXT.load(Ordering::Acquire)).filter_map(Sample::get)
    }

    /// A number for a new sample; `None` where there is no memory for more.
    pub(crate) fn reserve() -> Option<u32> {
        FREE.take(|number| Sample::get(number).map(|sample| &sample.next)).or_else(fresh)
    }

    /// Gives back a number that was not used.
    pub(crate) fn give_back(number: u32) {
        if let Some(sample) = Sample::get(number) {
            FREE.give(number, &sample.next);
        }
    }

    /// The sample begins, before `earlier` of the same block.
    pub(crate) fn begin(&self, earlier: u32, facts: Facts) {
        self.next.store(earlier, Ordering::Relaxed);
        self.write(|| {
            self.place_bytes.store(facts.place_bytes, Ordering::Relaxed);
            self.check.store(facts.check, Ordering::Relaxed);
            self.address.store(facts.address, Ordering::Relaxed);
            self.start.store(facts.start, Ordering::Relaxed);
            self.drawn.store(facts.drawn, Ordering::Relaxed);
            self.drawn_for.store(facts.drawn_for, Ordering::Relaxed);
            self.left.store(facts.left, Ordering::Relaxed);
            self.left_for.store(facts.left_for, Ordering::Relaxed);
            self.blocks.store(facts.blocks, Ordering::Relaxed);
            self.drawn_ms.store(facts.drawn_ms, Ordering::Relaxed);
            self.resizes.store(facts.resizes, Ordering::Relaxed);
            self.block_bytes.store(facts.block_bytes, Ordering::Relaxed);
            self.account.store(facts.account, Ordering::Relaxed);
        });
    }

    /// The sample is over; gives the block's earlier one.
    pub(crate) fn end(&self, number: u32) -> u32 {
        let earlier = self.next.load(Ordering::Relaxed);
        self.write(|| self.account.store(0, Ordering::Relaxed));
        FREE.give(number, &self.next);
        earlier
    }

    /// The block's earlier sample; 0: none.
    pub(crate) fn earlier(&self) -> u32 {
        self.next.load(Ordering::Relaxed)
    }

    /// Where its block is.
    #[inline]
    pub(crate) fn address(&self) -> usize {
        self.address.load(Ordering::Relaxed) as usize
    }

    /// What it says, for the block's holder.
    pub(crate) fn facts(&self) -> Facts {
        let load = |place: &AtomicU64| place.load(Ordering::Relaxed);
        Facts {
            account: self.account.load(Ordering::Relaxed),
            place_bytes: self.place_bytes.load(Ordering::Relaxed),
            check: self.check.load(Ordering::Relaxed),
            address: load(&self.address),
            start: load(&self.start),
            drawn: load(&self.drawn),
            drawn_for: load(&self.drawn_for),
            left: load(&self.left),
            left_for: load(&self.left_for),
            blocks: load(&self.blocks),
            drawn_ms: load(&self.drawn_ms),
            resizes: load(&self.resizes),
            block_bytes: load(&self.block_bytes),
        }
    }

    /// What it says, for anybody; `None`: it is over, or it changed meanwhile.
    pub(crate) fn read(&self) -> Option<Facts> {
        let version = self.version.load(Ordering::Acquire);
        let facts = self.facts();
        fence(Ordering::Acquire);
        let unchanged = version % 2 == 0 && self.version.load(Ordering::Relaxed) == version;
        (unchanged && facts.account != 0).then_some(facts)
    }

    /// What is left of it.
    pub(crate) fn set_left(&self, bytes: u64, booked_for: u64) {
        self.write(|| {
            self.left.store(bytes, Ordering::Relaxed);
            self.left_for.store(booked_for, Ordering::Relaxed);
        });
    }

    /// The block was resized, and is here now.
    pub(crate) fn moved(&self, block: Whereabouts) {
        self.write(|| {
            self.address.store(block.address as u64, Ordering::Relaxed);
            self.block_bytes.store(block.bytes as u64, Ordering::Relaxed);
            self.place_bytes.store(block.place_bytes as u32, Ordering::Relaxed);
            self.resizes.store(self.resizes.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        });
    }

    /// A thread that is not checked had the block.
    pub(crate) fn leave_check(&self) {
        self.check.store(0, Ordering::Relaxed);
    }

    fn write(&self, f: impl FnOnce()) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        f();
        self.version.store(version.wrapping_add(2), Ordering::Release);
    }
}

fn fresh() -> Option<u32> {
    let most = (CHUNKS << 10) as u32;
    let number =
        NEXT.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |next| (next < most).then_some(next + 1));
    let number = number.ok()?;
    // Where there is no memory now, the number is lost, and there may be some for the next.
    SAMPLES.get_or_map(number)?;
    Some(number)
}
