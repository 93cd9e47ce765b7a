//! Address → live block, without a lock and without a search.
//!
//! Blocks are sorted into *tiers* by size. The tier for sizes of at least 2^c has one slot for every 2^c bytes of
//! address space, and a block's slot is its address ÷ 2^c. Two live blocks of at least 2^c bytes cannot start
//! within the same 2^c bytes, so no two live blocks ever share a slot, whatever the allocator and its alignment.
//! Storing and clearing a record is therefore one plain store each: nobody else has business with that slot.
//! The size that `dealloc` is given names the tier.
//!
//! ```text
//! address ─┬─ ÷ 4 GiB ──→ ROOT ──→ Region ─┬─ tier, ÷ (2^c × slots of a leaf) ──→ leaf ─┬─ ÷ 2^c ──→ slot
//!          └───────────────────────────────┴────────────────────────────────────────────┘
//! record:  63 62      61       60 … 39   38 … 16   15 … 0
//!          state   watched     owner      stamp    place        tiers of 64 bytes a slot or less
//!                                            0      0      + a second word: place      larger tiers
//! place = size << c | address mod 2^c: start and size of a block can be read back from its slot.
//! ```
//!
//! Tiers are 16 slots wide (2^c ≤ size < 2^(c+4)), so the block around an interior address starts at most 16 slots
//! before it in each tier: a look-up of any address reads a bounded number of slots.
//!
//! Blocks below 16 bytes: an allocator that spaces all blocks by 16 bytes (every `System` that we know) lets them
//! into the tier of 16; for any other they have tiers of 8 and of 1 byte, which are right for every allocator and
//! fat.
//!
//! Leaves are mapped when first needed, published by compare-and-swap, and never unmapped.
//!
//! Orderings: a record is stored with release after its second word and read with acquire, so a reader never sees
//! a place of an earlier block with the owner of a later one, except within one tick of the coarse clock for the
//! same owner, where either is true.

use crate::clock::Stamp;
use crate::{account, pages};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

const STATE_SHIFT: u32 = 62;
const LIVE: u64 = 1 << STATE_SHIFT;
const MOVING: u64 = 2 << STATE_SHIFT;
const STATE_MASK: u64 = 3 << STATE_SHIFT;
const WATCHED: u64 = 1 << 61;
const OWNER_SHIFT: u32 = 39;
const STAMP_SHIFT: u32 = 16;
const PLACE_MASK: u64 = (1 << STAMP_SHIFT) - 1;
const _: () = assert!(OWNER_SHIFT + account::BITS == 61 && STAMP_SHIFT + Stamp::BITS == OWNER_SHIFT);

/// What a slot says of a block, without its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    word: u64,
}

impl Record {
    #[inline(always)]
    pub(crate) fn new(owner: u32, stamp: Stamp) -> Record {
        Record { word: LIVE | u64::from(owner) << OWNER_SHIFT | u64::from(stamp.0) << STAMP_SHIFT }
    }

    /// Number of the account that allocated, or of the watch if the block is watched.
    #[inline(always)]
    pub(crate) fn owner(self) -> u32 {
        (self.word >> OWNER_SHIFT) as u32 & ((1 << account::BITS) - 1)
    }

    #[inline(always)]
    pub(crate) fn is_watched(self) -> bool {
        self.word & WATCHED != 0
    }

    pub(crate) fn stamp(self) -> Stamp {
        Stamp((self.word >> STAMP_SHIFT) as u32 & ((1 << Stamp::BITS) - 1))
    }
}

/// A tier: sizes from `2^shift`, one slot for every `2^shift` bytes.
struct Tier {
    shift: u32,
    /// Slots of a leaf, as a power of two.
    leaf_bits: u32,
    /// Words of a slot.
    words: usize,
}

const TIERS: [Tier; 10] = [
    Tier { shift: 0, leaf_bits: 17, words: 1 },
    Tier { shift: 3, leaf_bits: 14, words: 1 },
    Tier { shift: 4, leaf_bits: 13, words: 1 },
    Tier { shift: 6, leaf_bits: 13, words: 1 },
    Tier { shift: 10, leaf_bits: 12, words: 2 },
    Tier { shift: 14, leaf_bits: 12, words: 2 },
    Tier { shift: 18, leaf_bits: 12, words: 2 },
    Tier { shift: 22, leaf_bits: 10, words: 2 },
    Tier { shift: 26, leaf_bits: 6, words: 2 },
    // 1 GiB and more; its second word is the size and its third the start.
    Tier { shift: 30, leaf_bits: 2, words: 3 },
];
const TIER_1: usize = 0;
const TIER_8: usize = 1;
const TIER_16: usize = 2;
const TIER_64: usize = 3;
const TIER_1K: usize = 4;
const TIER_HUGE: usize = 9;

const REGION_BITS: u32 = 32;
/// Regions below 2^48 have a place of their own in `ROOT`.
const ROOT_LEN: usize = 1 << (48 - REGION_BITS);
/// Places for regions above 2^48 (five-level page tables reach 2^56, of which a program uses few regions).
const FAR_LEN: usize = 256;

/// First entry of each tier in a region's list of leaves.
const LEAF_OFFSETS: [usize; TIERS.len() + 1] = {
    let mut offsets = [0; TIERS.len() + 1];
    let mut tier = 0;
    while tier < TIERS.len() {
        offsets[tier + 1] = offsets[tier] + (1 << (REGION_BITS - TIERS[tier].shift - TIERS[tier].leaf_bits));
        tier += 1;
    }
    offsets
};

/// 4 GiB of address space: the first words of its leaves, null where none is mapped.
#[repr(C)]
struct Region {
    leaves: [AtomicPtr<AtomicU64>; LEAF_OFFSETS[TIERS.len()]],
}

struct Far {
    /// The region's number plus one; 0: free.
    number: AtomicU64,
    region: AtomicPtr<Region>,
}

static ROOT: [AtomicPtr<Region>; ROOT_LEN] = [const { AtomicPtr::new(ptr::null_mut()) }; ROOT_LEN];
static FAR: [Far; FAR_LEN] =
    [const { Far { number: AtomicU64::new(0), region: AtomicPtr::new(ptr::null_mut()) } }; FAR_LEN];

/// Whether all blocks of an allocator start at least 16 bytes from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spacing {
    /// They do.
    Sixteen,
    /// Nothing is known.
    Any,
}

/// A slot and how to read it.
#[derive(Clone, Copy)]
pub(crate) struct Slot {
    words: &'static [AtomicU64],
    tier: usize,
}

/// A live block, as its slot told it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) address: usize,
    pub(crate) bytes: usize,
    pub(crate) record: Record,
}

#[inline(always)]
fn tier_of(bytes: usize, spacing: Spacing) -> usize {
    if bytes < 64 {
        if bytes >= 16 || spacing == Spacing::Sixteen {
            TIER_16
        } else if bytes >= 8 {
            TIER_8
        } else {
            TIER_1
        }
    } else if bytes < 1024 {
        TIER_64
    } else {
        TIER_HUGE.min(TIER_1K + (bytes.ilog2() as usize - 10) / 4)
    }
}

#[inline(always)]
fn leaf_index(address: usize, tier: usize) -> usize {
    let within = address & ((1 << REGION_BITS) - 1);
    LEAF_OFFSETS[tier] + (within >> (TIERS[tier].shift + TIERS[tier].leaf_bits))
}

#[inline(always)]
fn slot_in(leaf: &'static AtomicU64, address: usize, tier: usize) -> Slot {
    let Tier { shift, leaf_bits, words } = TIERS[tier];
    let index = (address >> shift) & ((1 << leaf_bits) - 1);
    // SAFETY: `leaf` is the first of `words << leaf_bits` words that stay mapped, and `index` is below
    // `1 << leaf_bits`.
    let words = unsafe { std::slice::from_raw_parts(ptr::from_ref(leaf).add(index * words), words) };
    Slot { words, tier }
}

#[inline(always)]
fn region(address: usize) -> Option<&'static Region> {
    let number = address >> REGION_BITS;
    match ROOT.get(number) {
        // SAFETY: the pointer is null or points to a mapping that stays, published with release.
        Some(region) => unsafe { region.load(Ordering::Acquire).as_ref() },
        None => far_region(number),
    }
}

#[cold]
fn far_region(number: usize) -> Option<&'static Region> {
    let far = FAR.iter().find(|far| far.number.load(Ordering::Acquire) == number as u64 + 1)?;
    // SAFETY: as in `region`.
    unsafe { far.region.load(Ordering::Acquire).as_ref() }
}

/// The slot of a block that was recorded with this address and size; `None` where no slot is mapped.
#[inline(always)]
pub(crate) fn slot(address: usize, bytes: usize, spacing: Spacing) -> Option<Slot> {
    slot_of_tier(address, tier_of(bytes, spacing))
}

#[inline(always)]
fn slot_of_tier(address: usize, tier: usize) -> Option<Slot> {
    let leaf = region(address)?.leaves[leaf_index(address, tier)].load(Ordering::Acquire);
    // SAFETY: the pointer is null or points to a leaf that stays mapped, published with release.
    unsafe { leaf.as_ref() }.map(|leaf| slot_in(leaf, address, tier))
}

/// The slot for a block of this address and size, mapped if need be; `None` where the system gives no memory.
#[inline(always)]
pub(crate) fn slot_or_map(address: usize, bytes: usize, spacing: Spacing) -> Option<Slot> {
    let tier = tier_of(bytes, spacing);
    match slot_of_tier(address, tier) {
        Some(slot) => Some(slot),
        None => map_leaf(address, tier),
    }
}

#[cold]
fn map_leaf(address: usize, tier: usize) -> Option<Slot> {
    let region = match region(address) {
        Some(region) => region,
        None => map_region(address >> REGION_BITS)?,
    };
    // SAFETY: a leaf is all atomics, for which zero is valid.
    let leaf = unsafe { pages::zeroed_slice::<AtomicU64>(TIERS[tier].words << TIERS[tier].leaf_bits) }?;
    publish(&region.leaves[leaf_index(address, tier)], &leaf[0]);
    slot_of_tier(address, tier)
}

fn map_region(number: usize) -> Option<&'static Region> {
    // SAFETY: a region is all atomics, for which zero is valid.
    let fresh = unsafe { pages::zeroed::<Region>() }?;
    if let Some(place) = ROOT.get(number) {
        publish(place, fresh);
    } else {
        let far = FAR.iter().find(|far| {
            let taken =
                far.number.compare_exchange(0, number as u64 + 1, Ordering::AcqRel, Ordering::Acquire);
            taken.is_ok() || taken == Err(number as u64 + 1)
        })?;
        publish(&far.region, fresh);
    }
    region(number << REGION_BITS)
}

/// Whoever loses the race to publish leaves its zeroed pages untouched.
fn publish<T>(place: &AtomicPtr<T>, fresh: &'static T) {
    let fresh = ptr::from_ref(fresh).cast_mut();
    let _ = place.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire);
}

impl Slot {
    /// The record, if a block lives here.
    #[inline(always)]
    pub(crate) fn load(&self) -> Option<Record> {
        let word = self.words[0].load(Ordering::Acquire);
        (word & STATE_MASK != 0).then_some(Record { word: word & !PLACE_MASK })
    }

    /// Records a block. Only its owner may: who was just given it, or who is just moving it.
    #[inline(always)]
    pub(crate) fn store(&self, record: Record, address: usize, bytes: usize) {
        let place = self.store_place(address, bytes);
        self.words[0].store(record.word | place, Ordering::Release);
    }

    /// Forgets the block. Only who is about to free it may.
    #[inline(always)]
    pub(crate) fn clear(&self) {
        self.words[0].store(0, Ordering::Release);
    }

    /// Writes the place into the words behind the record, or gives what of it belongs into the record.
    #[inline(always)]
    fn store_place(&self, address: usize, bytes: usize) -> u64 {
        let shift = TIERS[self.tier].shift;
        match self.words {
            [_] => (bytes << shift | address & ((1 << shift) - 1)) as u64,
            [_, place] => {
                place.store((bytes << shift | address & ((1 << shift) - 1)) as u64, Ordering::Relaxed);
                0
            }
            [_, size, start, ..] => {
                size.store(bytes as u64, Ordering::Relaxed);
                start.store(address as u64, Ordering::Relaxed);
                0
            }
            [] => 0,
        }
    }

    /// Marks the block as moving and gives its record. Whoever looks meanwhile takes it for live.
    #[inline(always)]
    pub(crate) fn begin_move(&self) -> Option<Moving> {
        let mut word = self.words[0].load(Ordering::Acquire);
        loop {
            if word & STATE_MASK == 0 {
                return None;
            }
            let moving = word & !STATE_MASK | MOVING;
            // An observer may be marking the block as watched at this moment.
            match self.words[0].compare_exchange_weak(word, moving, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(Moving { slot: *self, moving, word }),
                Err(newer) => word = newer,
            }
        }
    }

    /// Hands the block from `old` to `new`; false if it is no longer `old`.
    pub(crate) fn rename(&self, old: Record, new_owner: u32, watched: bool) -> bool {
        let word = self.words[0].load(Ordering::Acquire);
        if word & STATE_MASK != LIVE || word & !PLACE_MASK != old.word {
            return false;
        }
        let kept = word & !((((1 << account::BITS) - 1) << OWNER_SHIFT) | WATCHED);
        let renamed = kept | u64::from(new_owner) << OWNER_SHIFT | if watched { WATCHED } else { 0 };
        self.words[0].compare_exchange(word, renamed, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// The block that is recorded here; `base` is any address that the slot stands for.
    fn found(&self, base: usize) -> Option<Found> {
        let word = self.words[0].load(Ordering::Acquire);
        if word & STATE_MASK == 0 {
            return None;
        }
        let shift = TIERS[self.tier].shift;
        let low = (1usize << shift) - 1;
        let (address, bytes) = match self.words {
            [_, size, start, ..] => {
                (start.load(Ordering::Relaxed) as usize, size.load(Ordering::Relaxed) as usize)
            }
            [_, place] => {
                let place = place.load(Ordering::Relaxed) as usize;
                (base & !low | place & low, place >> shift)
            }
            _ => {
                let place = (word & PLACE_MASK) as usize;
                (base & !low | place & low, place >> shift)
            }
        };
        Some(Found { address, bytes, record: Record { word: word & !PLACE_MASK & !STATE_MASK | LIVE } })
    }
}

/// A block whose realloc is under way.
pub(crate) struct Moving {
    slot: Slot,
    moving: u64,
    word: u64,
}

impl Moving {
    pub(crate) fn record(&self) -> Record {
        Record { word: self.word & !PLACE_MASK }
    }

    /// The inner allocator refused: the old block stands.
    pub(crate) fn put_back(self) {
        self.slot.words[0].store(self.word, Ordering::Release);
    }

    /// The block is elsewhere, or has another size. If its old address has a new owner already, that one stays.
    #[inline(always)]
    pub(crate) fn clear(self) {
        let _ = self.slot.words[0].compare_exchange(self.moving, 0, Ordering::AcqRel, Ordering::Relaxed);
    }
}

/// The live block that holds `address`, at its start or inside.
///
/// Reads at most 16 slots of each tier; stops in a tier at the first block before the address, for blocks of one
/// tier do not overlap. Blocks of 1 GiB or more may be longer than 16 slots of their tier: as many are read as
/// the region before needs, at most 64.
pub(crate) fn find(address: usize) -> Option<Found> {
    for (tier, &Tier { shift, .. }) in TIERS.iter().enumerate() {
        let back = match tier {
            TIER_HUGE => 64,
            TIER_1 => 8,
            TIER_8 => 2,
            TIER_16 => 4,
            _ => 16,
        };
        let key = address >> shift;
        for slot_key in (key.saturating_sub(back)..=key).rev() {
            let base = slot_key << shift;
            let Some(slot) = slot_of_tier(base, tier) else { continue };
            let Some(found) = slot.found(base) else { continue };
            if found.address > address {
                continue;
            }
            if address - found.address < found.bytes {
                return Some(found);
            }
            break;
        }
    }
    None
}

/// The slot that [`find`] or [`for_each`] read `found` from.
pub(crate) fn slot_of(found: &Found) -> Option<Slot> {
    // A block below 16 bytes may be in either kind of tier; only one of them holds it.
    [Spacing::Sixteen, Spacing::Any].into_iter().find_map(|spacing| {
        let slot = slot(found.address, found.bytes, spacing)?;
        slot.found(found.address).filter(|there| there.address == found.address)?;
        Some(slot)
    })
}

/// Calls `each` with every block that lives throughout the call; those that come or go meanwhile may be missed.
pub(crate) fn for_each(mut each: impl FnMut(Found)) {
    let near = ROOT.iter().enumerate().map(|(number, region)| (number, region.load(Ordering::Acquire)));
    let far = FAR.iter().filter_map(|far| {
        let number = usize::try_from(far.number.load(Ordering::Acquire)).ok()?.checked_sub(1)?;
        Some((number, far.region.load(Ordering::Acquire)))
    });
    for (number, region) in near.chain(far) {
        // SAFETY: the pointer is null or points to a mapping that stays, published with release.
        let Some(region) = (unsafe { region.as_ref() }) else { continue };
        for (tier, &Tier { shift, leaf_bits, .. }) in TIERS.iter().enumerate() {
            for (index, leaf) in region.leaves[LEAF_OFFSETS[tier]..LEAF_OFFSETS[tier + 1]].iter().enumerate()
            {
                // SAFETY: as above, of a leaf.
                let Some(leaf) = (unsafe { leaf.load(Ordering::Acquire).as_ref() }) else { continue };
                let start = (number << REGION_BITS) + (index << (shift + leaf_bits));
                for slot_index in 0..1usize << leaf_bits {
                    let base = start + (slot_index << shift);
                    if let Some(found) = slot_in(leaf, base, tier).found(base) {
                        each(found);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses that no other test and no allocator of this process uses.
    const BASE: usize = 0x0100_0000_0000;

    fn put(address: usize, bytes: usize, spacing: Spacing, owner: u32) {
        slot_or_map(address, bytes, spacing).expect("memory for a leaf").store(
            Record::new(owner, Stamp(0)),
            address,
            bytes,
        );
    }

    fn owner_around(address: usize) -> Option<u32> {
        find(address).map(|found| found.record.owner())
    }

    #[test]
    fn every_size_is_found_at_its_start_inside_and_at_its_last_byte_but_not_outside() {
        let sizes = [
            1,
            7,
            8,
            15,
            16,
            63,
            64,
            65,
            1023,
            1024,
            16_383,
            16_384,
            1 << 18,
            5 << 20,
            1 << 26,
            (1 << 30) - 1,
        ];
        let sizes = sizes.into_iter().chain([1 << 30, 9 << 30]);
        let mut address = BASE + 5; // an odd start: alignment 1 is legal
        for (index, bytes) in sizes.enumerate() {
            let owner = index as u32 + 1;
            put(address, bytes, Spacing::Any, owner);
            for inside in [address, address + bytes / 2, address + bytes - 1] {
                let found =
                    find(inside).unwrap_or_else(|| panic!("{bytes} bytes at {address:#x}, {inside:#x}"));
                assert_eq!((found.address, found.bytes, found.record.owner()), (address, bytes, owner));
            }
            assert_eq!(owner_around(address + bytes), None, "one past {bytes} bytes");
            assert_eq!(owner_around(address - 1), if index == 0 { None } else { Some(owner - 1) });
            address += bytes; // the next one starts where this one ends
        }
    }

    #[test]
    fn blocks_of_one_granule_do_not_meet() {
        let base = BASE + (1 << 36);
        // Eight blocks of 1 byte, one of 8, one of 16 that starts at an odd address: no gap between them.
        for offset in 0..8 {
            put(base + offset, 1, Spacing::Any, 1 + offset as u32);
        }
        put(base + 8, 9, Spacing::Any, 20);
        put(base + 17, 16, Spacing::Any, 21);
        for offset in 0..8 {
            assert_eq!(owner_around(base + offset), Some(1 + offset as u32));
        }
        assert_eq!(owner_around(base + 16), Some(20));
        assert_eq!(owner_around(base + 32), Some(21));
        assert_eq!(owner_around(base + 33), None);
    }

    #[test]
    fn addresses_beyond_48_bits_have_their_regions() {
        for (address, owner) in [(1 << 48, 3), ((1 << 56) - 4096, 4), (usize::MAX - 65_535, 5)] {
            put(address, 100, Spacing::Sixteen, owner);
            assert_eq!(owner_around(address + 99), Some(owner));
        }
    }

    #[test]
    fn a_move_does_not_erase_the_next_owner_of_the_old_address() {
        let address = BASE + (2 << 36);
        put(address, 100, Spacing::Sixteen, 6);
        let slot = slot(address, 100, Spacing::Sixteen).expect("it is mapped");
        let moving = slot.begin_move().expect("it lives");
        assert_eq!(owner_around(address), Some(6), "a moving block is live");
        put(address, 200, Spacing::Sixteen, 7); // the inner realloc gave the address back, and it was reused
        moving.clear();
        assert_eq!(owner_around(address), Some(7));

        let moving = slot.begin_move().expect("it lives");
        moving.put_back();
        assert_eq!(find(address).map(|found| found.bytes), Some(200), "a refused move changes nothing");
        slot.begin_move().expect("it lives").clear();
        assert_eq!(owner_around(address), None);
    }
}
