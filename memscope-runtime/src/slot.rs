//! One slot of the live map: what it says of a block, and who may change it when.
//!
//! ```text
//!            ┌── store ───────────────┐                ┌── put_back ──┐
//!          empty ←──── clear ──── live ──── begin_move ────→ moving ──┤
//!            ↑                        └── rename (owner) ──┘          │
//!            └────────────── clear, unless it has a new owner ────────┘
//!
//! record:  63 … 42   41 … 19     18        17      16   15 … 0
//!           owner     stamp    watched   moving     0    place        one-word slots
//!                                                           0   + place in a second word, or size and start in two
//! place:   (size × 64 + address) mod 2^16; the slot knows the address but for less than 64 bytes
//! ```
//!
//! No owner has the number 0, so a word of 0 is an empty slot. The owner stands on top and the marks within the
//! lower half, because the quick free (`record.rs`) takes both apart with every block: this order spares it five
//! of 50 instructions.
//!
//! Who holds a block (it was just given to them, they are about to free it, they are resizing it) is alone with
//! its slot, but for an observer that renames the owner. So `store` and `clear` are plain stores and the two ends
//! of a move are compare-and-swaps: the first against an observer, the second because the address may have been
//! given to another thread while the inner allocator moved the block.
//!
//! Orderings: a record is stored with release after its further words and read with acquire, so a reader never
//! sees the place of an earlier block with the owner of a later one, except within one tick of the coarse clock
//! for the same owner, where either is true.

use crate::sync::{AtomicU64, Ordering};

/// Bits of an owner's number.
pub(crate) const OWNER_BITS: u32 = 22;
/// Bits of a stamp.
pub(crate) const STAMP_BITS: u32 = 23;

const MOVING: u64 = 1 << 17;
const WATCHED: u64 = 1 << 18;
const OWNER_SHIFT: u32 = 42;
const OWNER_MASK: u64 = ((1 << OWNER_BITS) - 1) << OWNER_SHIFT;
const STAMP_SHIFT: u32 = 19;
const STAMP_MASK: u64 = ((1 << STAMP_BITS) - 1) << STAMP_SHIFT;
const PLACE_BITS: u32 = 16;
const PLACE_MASK: u64 = (1 << PLACE_BITS) - 1;
const _: () = assert!(OWNER_SHIFT + OWNER_BITS == 64 && STAMP_SHIFT + STAMP_BITS == OWNER_SHIFT);

/// A one-word slot stands for at most 64 addresses, and its block is smaller than 1,024 bytes: both fit the place.
const LOW_BITS: u32 = 6;
const LOW_MASK: usize = (1 << LOW_BITS) - 1;
const _: () = assert!(LOW_BITS + 10 == PLACE_BITS);

/// The owner's half of a record, ready to be added to the rest.
#[inline(always)]
pub(crate) const fn owner_field(owner: u32) -> u64 {
    (owner as u64) << OWNER_SHIFT
}

/// The stamp's part of a record.
#[inline(always)]
pub(crate) const fn stamp_field(stamp: u32) -> u64 {
    (stamp as u64) << STAMP_SHIFT
}

/// What a slot says of a block, without its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    word: u64,
}

impl Record {
    /// From [`owner_field`] and [`stamp_field`].
    #[inline(always)]
    pub(crate) fn new(owner_field: u64, stamp_field: u64) -> Record {
        Record { word: owner_field | stamp_field }
    }

    /// Number of the account that allocated, or of the watch if the block is watched.
    #[inline(always)]
    pub(crate) fn owner(self) -> u32 {
        (self.word >> OWNER_SHIFT) as u32
    }

    #[inline(always)]
    pub(crate) fn is_watched(self) -> bool {
        self.word & WATCHED != 0
    }

    /// Whether the stamp is this one, which is in its place: [`stamp_field`].
    #[inline(always)]
    pub(crate) fn has_stamp(self, stamp_field: u64) -> bool {
        (self.word ^ stamp_field) & STAMP_MASK == 0
    }

    #[inline(always)]
    pub(crate) fn stamp(self) -> u32 {
        (self.word >> STAMP_SHIFT) as u32 & ((1 << STAMP_BITS) - 1)
    }
}

/// The word of a block of less than 1,024 bytes in a one-word slot.
#[inline(always)]
fn small_word(record: Record, address: usize, bytes: usize) -> u64 {
    // All of the address is added, for masking it here would cost an instruction more than in `found`.
    record.word + u64::from((bytes << LOW_BITS).wrapping_add(address) as u16)
}

/// Records a block of less than 1,024 bytes in its one-word slot.
#[inline(always)]
pub(crate) fn store_small(word: &AtomicU64, record: Record, address: usize, bytes: usize) {
    word.store(small_word(record, address, bytes), Ordering::Release);
}

/// The owner of the block of a one-word slot, if it is neither watched nor moving; 0 if the slot is empty.
#[inline(always)]
pub(crate) fn plain_owner(word: &AtomicU64) -> Option<u32> {
    let word = word.load(Ordering::Acquire);
    (word & (MOVING | WATCHED) == 0).then_some(Record { word }.owner())
}

/// Forgets the block of a one-word slot. Only its holder may.
#[inline(always)]
pub(crate) fn clear_small(word: &AtomicU64) {
    word.store(0, Ordering::Release);
}

/// A slot and how to read it.
#[derive(Clone, Copy)]
pub(crate) struct Slot<'a> {
    words: &'a [AtomicU64],
    /// The slot stands for `1 << shift` addresses.
    shift: u32,
}

/// A live block, as its slot told it.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) address: usize,
    pub(crate) bytes: usize,
    pub(crate) record: Record,
    pub(crate) slot: Slot<'a>,
}

impl Found<'_> {
    /// Whether the same is recorded now, and the block is not moving. A block that was freed and the like of it, of the same
    /// owner and stamp, at the same address are the same to it.
    pub(crate) fn is_unchanged(&self) -> bool {
        let is_moving = self.slot.words[0].load(Ordering::Acquire) & MOVING != 0;
        let now = self.slot.found(self.address);
        !is_moving
            && now.is_some_and(|now| {
                (now.address, now.bytes, now.record) == (self.address, self.bytes, self.record)
            })
    }
}

impl<'a> Slot<'a> {
    /// One word for blocks of less than 1,024 bytes, two or three for larger ones.
    #[inline(always)]
    pub(crate) fn new(words: &'a [AtomicU64], shift: u32) -> Slot<'a> {
        Slot { words, shift }
    }

    /// The record, if a block lives here.
    #[inline(always)]
    pub(crate) fn load(&self) -> Option<Record> {
        let word = self.words[0].load(Ordering::Acquire);
        (word != 0).then_some(Record { word: word & !PLACE_MASK & !MOVING })
    }

    /// Records a block. Only its holder may.
    #[inline(always)]
    pub(crate) fn store(&self, record: Record, address: usize, bytes: usize) {
        let low = (1usize << self.shift) - 1;
        let word = match self.words {
            [_, place] => {
                place.store((bytes << self.shift | address & low) as u64, Ordering::Relaxed);
                record.word
            }
            [_, size, start] => {
                size.store(bytes as u64, Ordering::Relaxed);
                start.store(address as u64, Ordering::Relaxed);
                record.word
            }
            _ => small_word(record, address, bytes),
        };
        self.words[0].store(word, Ordering::Release);
    }

    /// Forgets the block. Only its holder may.
    #[inline(always)]
    pub(crate) fn clear(&self) {
        self.words[0].store(0, Ordering::Release);
    }

    /// Forgets the block and gives its record. Only its holder may. Who frees a watched block and who ends or takes
    /// over the watch agree by compare-and-swap; a plain block is cleared by a plain store.
    #[inline(always)]
    pub(crate) fn take(&self) -> Option<Record> {
        let mut word = self.words[0].load(Ordering::Acquire);
        while word & WATCHED != 0 {
            match self.words[0].compare_exchange_weak(word, 0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(Record { word: word & !PLACE_MASK & !MOVING }),
                Err(newer) => word = newer,
            }
        }
        if word == 0 {
            return None;
        }
        self.clear();
        Some(Record { word: word & !PLACE_MASK & !MOVING })
    }

    /// Marks the block as moving and gives its record. Whoever looks meanwhile takes it for live.
    #[inline(always)]
    pub(crate) fn begin_move(&self) -> Option<Moving<'a>> {
        let mut word = self.words[0].load(Ordering::Acquire);
        loop {
            if word == 0 {
                return None;
            }
            let moving = word | MOVING;
            // An observer may be marking the block as watched at this moment.
            match self.words[0].compare_exchange_weak(word, moving, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(Moving { slot: *self, word }),
                Err(newer) => word = newer,
            }
        }
    }

    /// Hands the block from `old` to a new owner; false if it is no longer `old`.
    pub(crate) fn rename(&self, old: Record, new_owner: u32, watched: bool) -> bool {
        let word = self.words[0].load(Ordering::Acquire);
        if word & !PLACE_MASK != old.word {
            return false;
        }
        let kept = word & !(OWNER_MASK | WATCHED);
        let renamed = kept | owner_field(new_owner) | if watched { WATCHED } else { 0 };
        self.words[0].compare_exchange(word, renamed, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// The block that is recorded here; `base` is any address that the slot stands for.
    pub(crate) fn found(&self, base: usize) -> Option<Found<'a>> {
        let word = self.words[0].load(Ordering::Acquire);
        if word == 0 {
            return None;
        }
        let low = (1usize << self.shift) - 1;
        let (address, bytes) = match self.words {
            [_, place] => {
                let place = place.load(Ordering::Relaxed) as usize;
                (base & !low | place & low, place >> self.shift)
            }
            [_, size, start] => {
                (start.load(Ordering::Relaxed) as usize, size.load(Ordering::Relaxed) as usize)
            }
            _ => {
                let first = base & !low;
                let place = usize::from((word as u16).wrapping_sub(first as u16));
                (first + (place & LOW_MASK), place >> LOW_BITS)
            }
        };
        Some(Found { address, bytes, record: Record { word: word & !PLACE_MASK & !MOVING }, slot: *self })
    }
}

/// A block whose realloc is under way.
pub(crate) struct Moving<'a> {
    slot: Slot<'a>,
    word: u64,
}

impl Moving<'_> {
    pub(crate) fn record(&self) -> Record {
        Record { word: self.word & !PLACE_MASK }
    }

    /// The inner allocator refused: the old block stands.
    pub(crate) fn put_back(self) {
        self.slot.words[0].store(self.word, Ordering::Release);
    }

    /// The block is now this one, in `slot`, which may be the slot that it was in. If its old address has a new owner
    /// already, that one stays.
    #[inline]
    pub(crate) fn end_in(self, slot: Slot<'_>, address: usize, bytes: usize) {
        let record = self.record();
        if !std::ptr::eq(&raw const slot.words[0], &raw const self.slot.words[0]) {
            self.clear();
        }
        // In the same slot nobody else can have a block: this one fills it.
        slot.store(record, address, bytes);
    }

    /// The block is elsewhere, or has another size. If its old address has a new owner already, that one stays.
    #[inline(always)]
    pub(crate) fn clear(self) {
        let moving = self.word | MOVING;
        let _ = self.slot.words[0].compare_exchange(moving, 0, Ordering::AcqRel, Ordering::Relaxed);
    }
}
