//! Slots for one block at a time, and the blocks that the tests put there.

use crate::slot::{Record, Slot, owner_field, stamp_field};
use crate::sync::AtomicU64;
use loom::sync::Arc;

/// An address that the slots of all tiers below stand for.
const BASE: usize = 0x5000_0000;
/// The tick of the coarse clock in which every block is allocated.
const STAMP: u32 = 5;

/// The words of a slot, shared by a test's threads.
#[derive(Clone)]
pub(crate) struct Words {
    words: Arc<Vec<AtomicU64>>,
    shift: u32,
}

impl Words {
    /// An empty slot for blocks of less than 1,024 bytes.
    pub(crate) fn one() -> Words {
        Words::new(1, 6)
    }

    /// An empty slot for larger blocks.
    pub(crate) fn two() -> Words {
        Words::new(2, 10)
    }

    /// An empty slot for blocks of 1 GiB and more.
    pub(crate) fn three() -> Words {
        Words::new(3, 30)
    }

    fn new(count: usize, shift: u32) -> Words {
        Words { words: Arc::new((0..count).map(|_| AtomicU64::new(0)).collect()), shift }
    }

    pub(crate) fn slot(&self) -> Slot<'_> {
        Slot::new(&self.words, self.shift)
    }

    /// The first word, as the quick ways have it.
    pub(crate) fn word(&self) -> &AtomicU64 {
        &self.words[0]
    }

    /// Records the block.
    pub(crate) fn store(&self, block: Block) {
        self.slot().store(block.record(), block.address(), block.bytes);
    }

    /// Owner, address and size, as a reader finds them.
    pub(crate) fn read(&self) -> Option<(u32, usize, usize)> {
        self.slot().found(BASE).map(|found| {
            assert_eq!(found.record.stamp(), STAMP);
            (found.record.owner(), found.address, found.bytes)
        })
    }
}

/// A block and the account that it is charged to.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    pub(crate) owner: u32,
    pub(crate) offset: usize,
    pub(crate) bytes: usize,
}

impl Block {
    pub(crate) fn record(self) -> Record {
        Record::new(owner_field(self.owner), stamp_field(STAMP))
    }

    pub(crate) fn address(self) -> usize {
        BASE + self.offset
    }

    /// What a reader finds while the block lives.
    pub(crate) fn told(self) -> (u32, usize, usize) {
        (self.owner, self.address(), self.bytes)
    }
}
