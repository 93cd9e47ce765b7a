//! Address → live block, without a lock and without a search.
//!
//! Blocks are sorted into *tiers* by size. A tier has one slot for every 2^c bytes of address space, and a block's
//! slot is its address ÷ 2^c. No two live blocks of a tier can start within the same 2^c bytes, so none ever share
//! a slot: either because they are at least that long, or because the allocator spaces them so ([`Spacing`]).
//! Storing and clearing a record is therefore one plain store each: nobody else has business with that slot.
//! The size that `dealloc` is given names the tier.
//!
//! ```text
//! address ─┬─ ÷ 4 GiB ──→ ROOT ──→ Region ─┬─ tier, ÷ (2^c × slots of a leaf) ──→ leaf ─┬─ ÷ 2^c ──→ slot
//!          └───────────────────────────────┴────────────────────────────────────────────┘
//! ```
//!
//! Tiers are at most 16 slots wide (2^c ≤ size < 2^(c+4)), so the block around an interior address starts at most
//! 16 slots before it in each tier: a look-up of any address reads a bounded number of slots.
//!
//! The *quick* tiers, of blocks below 1,024 bytes, are what most of the hook's time goes to. Their leaves span the
//! same addresses and stand side by side in the region, so that the choice between them is arithmetic and no
//! branch (sizes around 64 bytes would mispredict it every other time); and their pointers are biased, so that the
//! slot is `leaf + (address >> c)` without a mask. Measured on pairs of 16–143 bytes, a branch there costs a fifth
//! of the program's time.
//!
//! Leaves are mapped when first needed, published by compare-and-swap, and never unmapped.

use crate::pages;
use crate::slot::{Found, Slot};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// What is known of where an allocator puts small blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spacing {
    /// All blocks start at least 32 bytes from each other, as glibc's do.
    ThirtyTwo,
    /// Nothing.
    Any,
}

/// A tier: one slot for every `2^shift` bytes.
struct Tier {
    shift: u32,
    /// Slots of a leaf, as a power of two.
    leaf_bits: u32,
    /// Words of a slot.
    words: usize,
    /// How many slots before an address the block around it can start.
    back: usize,
}

const TIERS: [Tier; 11] = [
    // Quick tiers: below 64 bytes by any allocator, below 64 bytes by one that spaces by 32, below 1,024 bytes.
    Tier { shift: 4, leaf_bits: QUICK_SPAN_BITS - 4, words: 1, back: 4 },
    Tier { shift: 5, leaf_bits: QUICK_SPAN_BITS - 5, words: 1, back: 2 },
    Tier { shift: 6, leaf_bits: QUICK_SPAN_BITS - 6, words: 1, back: 16 },
    // Below 8 and below 16 bytes by an allocator of which nothing is known: right for every one, and fat.
    Tier { shift: 0, leaf_bits: 17, words: 1, back: 7 },
    Tier { shift: 3, leaf_bits: 14, words: 1, back: 2 },
    Tier { shift: 10, leaf_bits: 12, words: 2, back: 16 },
    Tier { shift: 14, leaf_bits: 12, words: 2, back: 16 },
    Tier { shift: 18, leaf_bits: 12, words: 2, back: 16 },
    Tier { shift: 22, leaf_bits: 10, words: 2, back: 16 },
    Tier { shift: 26, leaf_bits: 6, words: 2, back: 16 },
    // 1 GiB and more: its further words are size and start, and `find` reads as many slots as it is given.
    Tier { shift: 30, leaf_bits: 2, words: 3, back: 64 },
];
const TIER_16: usize = 0;
const TIER_32: usize = 1;
const TIER_64: usize = 2;
const QUICK_TIERS: usize = 3;
const TIER_1: usize = 3;
const TIER_8: usize = 4;
const TIER_1K: usize = 5;
const TIER_HUGE: usize = 10;

/// Blocks of the quick tiers are smaller than this.
const QUICK_BYTES: usize = 1024;
/// Address space of a leaf of a quick tier: 2 MiB, which makes leaves of 1 MiB, 512 KiB and 256 KiB.
const QUICK_SPAN_BITS: u32 = 21;

const REGION_BITS: u32 = 32;
const REGION_MASK: usize = (1 << REGION_BITS) - 1;
/// Regions below 2^48 have a place of their own in `ROOT`.
const ROOT_LEN: usize = 1 << (48 - REGION_BITS);
/// Places for regions above 2^48 (five-level page tables reach 2^56, of which a program uses few regions).
const FAR_LEN: usize = 256;

/// First entry of each tier that is not quick in a region's list of leaves.
const LEAF_OFFSETS: [usize; TIERS.len() + 1] = {
    let mut offsets = [0; TIERS.len() + 1];
    let mut tier = QUICK_TIERS;
    while tier < TIERS.len() {
        offsets[tier + 1] = offsets[tier] + (1 << (REGION_BITS - TIERS[tier].shift - TIERS[tier].leaf_bits));
        tier += 1;
    }
    offsets
};

/// A leaf's place in its region: its first word, or null.
type Leaf = AtomicPtr<AtomicU64>;

/// 4 GiB of address space. All-zero is an empty region.
#[repr(C)]
struct Region {
    /// Leaves of the quick tiers, biased: slot 0 of a span is at `pointer + (start of span >> shift)` words.
    /// Four to a span, so that its place is a shift away.
    quick: [[Leaf; 4]; 1 << (REGION_BITS - QUICK_SPAN_BITS)],
    leaves: [Leaf; LEAF_OFFSETS[TIERS.len()]],
}

struct Far {
    /// The region's number plus one; 0: free.
    number: AtomicU64,
    region: AtomicPtr<Region>,
}

static ROOT: [AtomicPtr<Region>; ROOT_LEN] = [const { AtomicPtr::new(ptr::null_mut()) }; ROOT_LEN];
static FAR: [Far; FAR_LEN] =
    [const { Far { number: AtomicU64::new(0), region: AtomicPtr::new(ptr::null_mut()) } }; FAR_LEN];

/// The slot of a block in a quick tier, if the block belongs into one and its leaf is mapped.
#[inline(always)]
pub(crate) fn quick_slot(address: usize, bytes: usize, spacing: Spacing) -> Option<&'static AtomicU64> {
    let (smallest, first_tier) = match spacing {
        Spacing::ThirtyTwo => (0, TIER_32),
        Spacing::Any => (16, TIER_16),
    };
    if bytes.wrapping_sub(smallest) >= QUICK_BYTES - smallest || address >> REGION_BITS >= ROOT_LEN {
        return None;
    }
    let large = usize::from(bytes >= 64);
    let tier = first_tier + large * (TIER_64 - first_tier);
    let first_shift = TIERS[first_tier].shift;
    let shift = first_shift as usize + large * (TIERS[TIER_64].shift - first_shift) as usize;
    let region = ROOT[address >> REGION_BITS].load(Ordering::Acquire);
    // SAFETY: the pointer is null or points to a mapping that stays, published with release.
    let region = unsafe { region.as_ref() }?;
    let leaf = region.quick[(address & REGION_MASK) >> QUICK_SPAN_BITS][tier].load(Ordering::Acquire);
    if leaf.is_null() {
        return None;
    }
    // SAFETY: the leaf holds a slot for every address of its span, stays mapped, and its pointer was biased by
    // that of the span's start; so this is the address's slot.
    Some(unsafe { &*leaf.wrapping_add(address >> shift) })
}

#[inline(always)]
fn tier_of(bytes: usize, spacing: Spacing) -> usize {
    match bytes {
        1024.. => TIER_HUGE.min(TIER_1K + (bytes.ilog2() as usize - 10) / 4),
        64.. => TIER_64,
        _ if spacing == Spacing::ThirtyTwo => TIER_32,
        16.. => TIER_16,
        8.. => TIER_8,
        _ => TIER_1,
    }
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

impl Region {
    /// Where the leaf of `tier` for `address` is or will be.
    #[inline(always)]
    fn leaf(&self, address: usize, tier: usize) -> &Leaf {
        let within = address & REGION_MASK;
        if tier < QUICK_TIERS {
            return &self.quick[within >> QUICK_SPAN_BITS][tier];
        }
        &self.leaves[LEAF_OFFSETS[tier] + (within >> (TIERS[tier].shift + TIERS[tier].leaf_bits))]
    }
}

/// How far before its first word the pointer to a leaf of `tier` points.
fn bias(address: usize, tier: usize) -> usize {
    if tier < QUICK_TIERS { address >> QUICK_SPAN_BITS << (QUICK_SPAN_BITS - TIERS[tier].shift) } else { 0 }
}

/// The leaf of `tier` that stands for `address`, as its first word.
#[inline]
fn leaf(region: &'static Region, address: usize, tier: usize) -> Option<&'static AtomicU64> {
    let leaf = region.leaf(address, tier).load(Ordering::Acquire);
    if leaf.is_null() {
        return None;
    }
    // SAFETY: the pointer was published with release; with its bias taken back it points to a leaf that stays
    // mapped.
    Some(unsafe { &*leaf.wrapping_add(bias(address, tier)) })
}

#[inline]
fn slot_in(leaf: &'static AtomicU64, address: usize, tier: usize) -> Slot<'static> {
    let Tier { shift, leaf_bits, words, .. } = TIERS[tier];
    let index = (address >> shift) & ((1 << leaf_bits) - 1);
    // SAFETY: `leaf` is the first of `words << leaf_bits` words that stay mapped, and `index` is below
    // `1 << leaf_bits`.
    let words = unsafe { std::slice::from_raw_parts(ptr::from_ref(leaf).add(index * words), words) };
    Slot::new(words, shift)
}

/// The slot of a block that was recorded with this address and size; `None` where no slot is mapped.
#[inline]
pub(crate) fn slot(address: usize, bytes: usize, spacing: Spacing) -> Option<Slot<'static>> {
    slot_of_tier(address, tier_of(bytes, spacing))
}

#[inline]
fn slot_of_tier(address: usize, tier: usize) -> Option<Slot<'static>> {
    Some(slot_in(leaf(region(address)?, address, tier)?, address, tier))
}

/// The slot for a block of this address and size, mapped if need be; `None` where the system gives no memory.
#[inline]
pub(crate) fn slot_or_map(address: usize, bytes: usize, spacing: Spacing) -> Option<Slot<'static>> {
    let tier = tier_of(bytes, spacing);
    match slot_of_tier(address, tier) {
        Some(slot) => Some(slot),
        None => map_leaf(address, tier),
    }
}

#[cold]
fn map_leaf(address: usize, tier: usize) -> Option<Slot<'static>> {
    let region = match region(address) {
        Some(region) => region,
        None => map_region(address >> REGION_BITS)?,
    };
    // SAFETY: a leaf is all atomics, for which zero is valid.
    let leaf = unsafe { pages::zeroed_slice::<AtomicU64>(TIERS[tier].words << TIERS[tier].leaf_bits) }?;
    let biased = leaf.as_ptr().wrapping_sub(bias(address, tier));
    publish(region.leaf(address, tier), biased);
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
fn publish<T>(place: &AtomicPtr<T>, fresh: *const T) {
    let _ = place.compare_exchange(ptr::null_mut(), fresh.cast_mut(), Ordering::AcqRel, Ordering::Acquire);
}

/// The live block that holds `address`, at its start or inside.
///
/// Reads at most [`Tier::back`] slots of each tier; stops in a tier at the first block before the address, for
/// blocks of one tier do not overlap.
pub(crate) fn find(address: usize) -> Option<Found> {
    for (tier, &Tier { shift, leaf_bits, back, .. }) in TIERS.iter().enumerate() {
        let key = address >> shift;
        let first_key = key.saturating_sub(back);
        let mut next = key + 1;
        'tier: while next > first_key {
            // The slots of one leaf, from the address downwards.
            let base = (next - 1) << shift;
            let first_of_leaf = first_key.max((next - 1) >> leaf_bits << leaf_bits);
            let leaf = region(base).and_then(|region| leaf(region, base, tier));
            let Some(leaf) = leaf else {
                next = first_of_leaf;
                continue;
            };
            while next > first_of_leaf {
                next -= 1;
                let base = next << shift;
                let Some(found) = slot_in(leaf, base, tier).found(base) else { continue };
                if found.address > address {
                    continue;
                }
                if address - found.address < found.bytes {
                    return Some(found);
                }
                break 'tier;
            }
        }
    }
    None
}

/// The slot that [`find`] or [`for_each`] read `found` from.
pub(crate) fn slot_of(found: &Found) -> Option<Slot<'static>> {
    // A block below 64 bytes may be in either kind of tier; only one of them holds it.
    [Spacing::ThirtyTwo, Spacing::Any].into_iter().find_map(|spacing| {
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
            for index in 0..1usize << (REGION_BITS - shift - leaf_bits) {
                let start = (number << REGION_BITS) + (index << (shift + leaf_bits));
                let Some(leaf) = leaf(region, start, tier) else { continue };
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
    use crate::slot::{Record, owner_field};

    /// Addresses that no other test and no allocator of this process uses.
    const BASE: usize = 0x0100_0000_0000;

    fn put(address: usize, bytes: usize, spacing: Spacing, owner: u32) {
        slot_or_map(address, bytes, spacing).expect("memory for a leaf").store(
            Record::new(owner_field(owner), 0),
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
            put(address, 100, Spacing::ThirtyTwo, owner);
            assert_eq!(owner_around(address + 99), Some(owner));
        }
    }

    #[test]
    fn a_quick_slot_is_the_slot_that_the_tiers_say() {
        let base = BASE + (3 << 36);
        for spacing in [Spacing::Any, Spacing::ThirtyTwo] {
            for bytes in 0..1100 {
                // The last slot of one span and the first of the next.
                for address in [base + (1 << QUICK_SPAN_BITS) - 32, base + (1 << QUICK_SPAN_BITS)] {
                    let belongs = bytes < 1024 && (spacing == Spacing::ThirtyTwo || bytes >= 16);
                    let slot = slot_or_map(address, bytes.max(1), spacing).expect("memory for a leaf");
                    let quick = quick_slot(address, bytes, spacing);
                    assert_eq!(quick.is_some(), belongs, "{bytes} bytes");
                    if let Some(quick) = quick {
                        crate::slot::store_small(quick, Record::new(owner_field(9), 0), address, bytes);
                        let found = slot.found(address).expect("the same slot");
                        assert_eq!((found.address, found.bytes, found.record.owner()), (address, bytes, 9));
                        assert_eq!(crate::slot::plain_owner(quick), Some(9));
                        crate::slot::clear_small(quick);
                        assert!(slot.load().is_none());
                    }
                }
            }
        }
        assert!(quick_slot(usize::MAX, 100, Spacing::Any).is_none(), "far addresses go the long way");
    }

    #[test]
    fn a_move_does_not_erase_the_next_owner_of_the_old_address() {
        let address = BASE + (2 << 36);
        put(address, 100, Spacing::ThirtyTwo, 6);
        let slot = slot(address, 100, Spacing::ThirtyTwo).expect("it is mapped");
        let moving = slot.begin_move().expect("it lives");
        assert_eq!(owner_around(address), Some(6), "a moving block is live");
        put(address, 200, Spacing::ThirtyTwo, 7); // the inner realloc gave the address back, and it was reused
        moving.clear();
        assert_eq!(owner_around(address), Some(7));

        let moving = slot.begin_move().expect("it lives");
        moving.put_back();
        assert_eq!(find(address).map(|found| found.bytes), Some(200), "a refused move changes nothing");
        slot.begin_move().expect("it lives").clear();
        assert_eq!(owner_around(address), None);
    }
}
