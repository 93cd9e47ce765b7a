//! Address → live block, without a lock and without a search.
//!
//! Blocks are sorted into *tiers* by size. A tier has one slot for every 2^c bytes of address space, and a block's
//! slot is its address ÷ 2^c. No two live blocks of a tier can start within the same 2^c bytes, so none ever share
//! a slot: either because they are at least that long, or because the allocator spaces them so ([`Spacing`]).
//! Storing and clearing a record is therefore one plain store each: nobody else has business with that slot.
//! The size that `dealloc` is given names the tier.
//!
//! ```text
//! address ─┬─ in the thread's window? ──────────────→ a pair of leaves ── ÷ 2^c ──→ slot     below 1,024 bytes
//!          ├─ ÷ 1 GiB ──→ quick root ───────────────→ a pair of leaves ── ÷ 2^c ──→ slot     where it is not
//!          ├─ ÷ 4 GiB ──→ ROOT ──→ Region ─┬─ tier, span ────→ leaf ── ÷ 2^c ──→ slot     the others
//!          └───────────────────────────────┘
//! ```
//!
//! Tiers are at most 16 slots wide (2^c ≤ size < 2^(c+4)), so the block around an interior address starts at most
//! 16 slots before it in each tier: a look-up of any address reads a bounded number of slots.
//!
//! The *quick* tiers, of blocks below 1,024 bytes, are what most of the hook's time goes to, and that time is a
//! matter of how many instructions there are: pairs of malloc and free retire five a cycle. So each thread keeps the
//! leaves of the span that it used last ([`Window`]), and one comparison says that the block is small, that it is in
//! that span, and that the quick way may be taken at all; the choice between the two tiers of a pair is arithmetic (a
//! branch on sizes around 64 bytes mispredicts); and leaves' pointers are biased, so that the slot is
//! `leaf + (address >> c)` without a mask.
//!
//! Leaves are mapped when first needed, published by compare-and-swap, and never unmapped.

use crate::pages;
use crate::publish::{publish, push};
use crate::slot::{Found, Slot};
use crate::touched::Touched;
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

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

const TIERS: [Tier; 14] = [
    // Quick tiers, in pairs: of an allocator that spaces by 32, below 64 and below 1,024 bytes; of any other,
    // from 16 to 63 and below 1,024 bytes.
    Tier { shift: 5, leaf_bits: QUICK_SPAN_BITS - 5, words: 1, back: 2 },
    Tier { shift: 6, leaf_bits: QUICK_SPAN_BITS - 6, words: 1, back: 16 },
    Tier { shift: 4, leaf_bits: QUICK_SPAN_BITS - 4, words: 1, back: 4 },
    Tier { shift: 6, leaf_bits: QUICK_SPAN_BITS - 6, words: 1, back: 16 },
    // Below 8 and below 16 bytes by an allocator of which nothing is known: right for every one, and fat.
    Tier { shift: 0, leaf_bits: 17, words: 1, back: 7 },
    Tier { shift: 3, leaf_bits: 14, words: 1, back: 2 },
    // Below 64 and below 1,024 bytes where the quick tiers do not reach: past 2^47, or because a limit on address
    // space leaves no room for their leaves.
    Tier { shift: 4, leaf_bits: 13, words: 1, back: 4 },
    Tier { shift: 6, leaf_bits: 13, words: 1, back: 16 },
    Tier { shift: 10, leaf_bits: 12, words: 2, back: 16 },
    Tier { shift: 14, leaf_bits: 12, words: 2, back: 16 },
    Tier { shift: 18, leaf_bits: 12, words: 2, back: 16 },
    Tier { shift: 22, leaf_bits: 10, words: 2, back: 16 },
    Tier { shift: 26, leaf_bits: 6, words: 2, back: 16 },
    // 1 GiB and more: its further words are size and start, and `find` reads as many slots as it is given.
    Tier { shift: 30, leaf_bits: 2, words: 3, back: 64 },
];
/// First of a pair of quick tiers.
const TIER_32: usize = 0;
/// First of the other pair.
const TIER_16: usize = 2;
const QUICK_TIERS: usize = 4;
const TIER_1: usize = 4;
const TIER_8: usize = 5;
const TIER_16_APART: usize = 6;
const TIER_64_APART: usize = 7;
const TIER_1K: usize = 8;
const TIER_256K: usize = 10;
const TIER_HUGE: usize = 13;

/// Blocks of the quick tiers are smaller than this.
pub(crate) const QUICK_BYTES: usize = 1024;
/// Address space of a leaf of a quick tier: 1 GiB, so that few heaps lie in two of them and glibc's arenas of many
/// threads in one. Its leaves take 128 to 512 MiB of address space, and of memory what is touched of them.
const QUICK_SPAN_BITS: u32 = 30;
/// Addresses that a program is given without asking for more are below 2^47.
const QUICK_ADDRESS_BITS: u32 = 47;
const QUICK_SPANS: usize = 1 << (QUICK_ADDRESS_BITS - QUICK_SPAN_BITS);

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

/// The leaves of a pair of quick tiers, biased: slot 0 of a span is at `pointer + (start of span >> shift)` words.
/// All-zero is empty.
struct QuickRoot {
    spans: [[Leaf; 2]; QUICK_SPANS],
}

/// 4 GiB of address space. All-zero is an empty region.
struct Region {
    leaves: [Leaf; LEAF_OFFSETS[TIERS.len()]],
}

/// A leaf that is mapped. All-zero is valid.
struct Mapped {
    next: AtomicPtr<Mapped>,
    /// The first address that it stands for.
    start: AtomicU64,
    tier: AtomicU64,
}

struct Far {
    /// The region's number plus one; 0: free.
    number: AtomicU64,
    region: AtomicPtr<Region>,
}

static ROOT: [AtomicPtr<Region>; ROOT_LEN] = [const { AtomicPtr::new(ptr::null_mut()) }; ROOT_LEN];
static QUICK_ROOTS: [AtomicPtr<QuickRoot>; QUICK_TIERS / 2] =
    [const { AtomicPtr::new(ptr::null_mut()) }; QUICK_TIERS / 2];
/// Every leaf, newest first.
static MAPPED: AtomicPtr<Mapped> = AtomicPtr::new(ptr::null_mut());
static FAR: [Far; FAR_LEN] =
    [const { Far { number: AtomicU64::new(0), region: AtomicPtr::new(ptr::null_mut()) } }; FAR_LEN];

impl Spacing {
    /// The smallest size that a quick tier takes.
    const fn smallest_quick(self) -> usize {
        match self {
            Spacing::ThirtyTwo => 0,
            Spacing::Any => 16,
        }
    }

    /// The first tier of the pair for small blocks.
    const fn quick_pair(self) -> usize {
        match self {
            Spacing::ThirtyTwo => TIER_32,
            Spacing::Any => TIER_16,
        }
    }

    /// The number of the pair.
    #[inline(always)]
    pub(crate) const fn quick_index(self) -> usize {
        self.quick_pair() / 2
    }
}

/// The root of the quick tiers for allocators of this spacing, once it is mapped.
fn quick_root(index: usize) -> Option<&'static QuickRoot> {
    // SAFETY: the pointer is null or points to a mapping that stays, published with release.
    unsafe { QUICK_ROOTS[index].load(Ordering::Acquire).as_ref() }
}

impl QuickRoot {
    /// The slot of a block of a quick tier; `None` if the block belongs into another tier, or the leaf is not mapped.
    fn slot(&self, address: usize, bytes: usize, spacing: Spacing) -> Option<Slot<'static>> {
        let tier = quick_tier_of(bytes, spacing)?;
        let leaf = self.spans.get(address >> QUICK_SPAN_BITS)?[tier % 2].load(Ordering::Acquire);
        if leaf.is_null() {
            return None;
        }
        // SAFETY: the leaf holds a slot for every address of its span, stays mapped, and its pointer was biased by
        // that of the span's start; so this is the address's slot.
        let word = unsafe { &*leaf.wrapping_add(address >> TIERS[tier].shift) };
        Some(Slot::new(std::slice::from_ref(word), TIERS[tier].shift))
    }
}

/// One span of a pair of quick tiers, which a thread keeps at hand.
///
/// A closed window lies where no block does, so that asking whether a block is in it is asking whether it is open.
pub(crate) struct Window {
    /// The address after the first of the span: so null is in no window, be it over the first span. A block at the
    /// very start of a span goes the long way.
    second: Cell<usize>,
    /// Biased, as in [`QuickRoot`]. While the window is open both are mapped.
    leaves: [Cell<*const AtomicU64>; 2],
}

/// The last span of the address space, which is the kernel's on every 64-bit system.
const NOWHERE: usize = usize::MAX << QUICK_SPAN_BITS;

impl Window {
    pub(crate) const fn closed() -> Window {
        Window { second: Cell::new(NOWHERE), leaves: [const { Cell::new(ptr::null()) }; 2] }
    }

    pub(crate) fn close(&self) {
        self.second.set(NOWHERE);
    }

    pub(crate) fn is_over(&self, address: usize) -> bool {
        address >> QUICK_SPAN_BITS == self.second.get() >> QUICK_SPAN_BITS
    }

    /// Puts the window over the span of an address. False: there is no such span, or no memory for its leaves, and
    /// the window is where it was.
    pub(crate) fn open(&self, address: usize, spacing: Spacing) -> bool {
        let leaf =
            |tier| leaf(address, tier).or_else(|| map_leaf(address, tier).and_then(|_| leaf(address, tier)));
        let first = spacing.quick_pair();
        let (Some(below_64), Some(others)) = (leaf(first), leaf(first + 1)) else { return false };
        self.leaves[0].set(ptr::from_ref(below_64).wrapping_sub(bias(address, first)));
        self.leaves[1].set(ptr::from_ref(others).wrapping_sub(bias(address, first + 1)));
        self.second.set((address >> QUICK_SPAN_BITS << QUICK_SPAN_BITS) + 1);
        true
    }

    /// Calls `f` with the slot of a block of a quick tier in this window; `None` if the block is not such a one.
    /// (A call, for the compiler keeps a test for null in a slot that is returned.)
    #[inline(always)]
    pub(crate) fn with_slot<R>(
        &self,
        address: usize,
        bytes: usize,
        spacing: Spacing,
        f: impl FnOnce(&'static AtomicU64) -> R,
    ) -> Option<R> {
        // Too large, or elsewhere: one test for both.
        let offset = address.wrapping_sub(self.second.get());
        if (bytes | offset >> (QUICK_SPAN_BITS - QUICK_BYTES.ilog2())) >= QUICK_BYTES
            || bytes < spacing.smallest_quick()
        {
            return None;
        }
        let large = usize::from(bytes >= 64);
        // Shifted twice, so that one comparison serves the shift and the choice of the leaf.
        let index = match spacing {
            Spacing::ThirtyTwo => (address >> 5) >> large,
            Spacing::Any => (address >> 4) >> (2 * large),
        };
        let leaf = self.leaves[large].get();
        // SAFETY: the address is in the window, so the window is open and the leaf mapped for good; it holds a slot
        // for every address of its span, and its pointer was biased by that of the span's start; so this is the
        // address's slot.
        let slot = unsafe { &*leaf.wrapping_add(index) };
        Some(f(slot))
    }
}

/// The quick tier for a size, if there is one.
#[inline]
fn quick_tier_of(bytes: usize, spacing: Spacing) -> Option<usize> {
    let quick = bytes < QUICK_BYTES && bytes >= spacing.smallest_quick();
    quick.then(|| spacing.quick_pair() + usize::from(bytes >= 64))
}

/// The tier for a size where no quick tier serves it.
#[inline]
fn tier_of(bytes: usize) -> usize {
    match bytes {
        1024.. => TIER_HUGE.min(TIER_1K + (bytes.ilog2() as usize - 10) / 4),
        64.. => TIER_64_APART,
        16.. => TIER_16_APART,
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

/// Where the leaf of `tier` for `address` is or will be; `None` where even that is not mapped.
#[inline(always)]
fn place(address: usize, tier: usize) -> Option<&'static Leaf> {
    if tier < QUICK_TIERS {
        return Some(&quick_root(tier / 2)?.spans.get(address >> QUICK_SPAN_BITS)?[tier % 2]);
    }
    let within = (address & REGION_MASK) >> (TIERS[tier].shift + TIERS[tier].leaf_bits);
    Some(&region(address)?.leaves[LEAF_OFFSETS[tier] + within])
}

/// How far before its first word the pointer to a leaf of `tier` points.
#[inline(always)]
fn bias(address: usize, tier: usize) -> usize {
    if tier < QUICK_TIERS { address >> QUICK_SPAN_BITS << (QUICK_SPAN_BITS - TIERS[tier].shift) } else { 0 }
}

/// The leaf of `tier` that stands for `address`, as its first word.
#[inline(always)]
fn leaf(address: usize, tier: usize) -> Option<&'static AtomicU64> {
    let leaf = place(address, tier)?.load(Ordering::Acquire);
    if leaf.is_null() {
        return None;
    }
    // SAFETY: the pointer was published with release; with its bias taken back it points to a leaf that stays
    // mapped.
    Some(unsafe { &*leaf.wrapping_add(bias(address, tier)) })
}

#[inline(always)]
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
    match bytes {
        0..QUICK_BYTES => quick_slot(address, bytes, spacing)
            .filter(|slot| slot.load().is_some())
            .or_else(|| slot_of_tier(address, tier_of(bytes))),
        QUICK_BYTES..KNOWN_BYTES => slot_of::<TIER_1K>(address),
        _ => slot_of_tier(address, tier_of(bytes)),
    }
}

/// The slot for a block of this address and size, mapped if need be; `None` where the system gives no memory.
#[inline]
pub(crate) fn slot_or_map(address: usize, bytes: usize, spacing: Spacing) -> Option<Slot<'static>> {
    let mapped = match bytes {
        0..QUICK_BYTES => quick_slot(address, bytes, spacing),
        QUICK_BYTES..KNOWN_BYTES => slot_of::<TIER_1K>(address),
        _ => slot_of_tier(address, tier_of(bytes)),
    };
    mapped.or_else(|| map_slot(address, bytes, spacing))
}

/// Blocks from `QUICK_BYTES` to here are in one tier, which the compiler knows.
const KNOWN_BYTES: usize = 16 * QUICK_BYTES;

#[inline]
fn quick_slot(address: usize, bytes: usize, spacing: Spacing) -> Option<Slot<'static>> {
    quick_root(spacing.quick_index())?.slot(address, bytes, spacing)
}

#[inline]
fn slot_of<const TIER: usize>(address: usize) -> Option<Slot<'static>> {
    Some(slot_in(leaf(address, TIER)?, address, TIER))
}

fn slot_of_tier(address: usize, tier: usize) -> Option<Slot<'static>> {
    Some(slot_in(leaf(address, tier)?, address, tier))
}

#[cold]
fn map_slot(address: usize, bytes: usize, spacing: Spacing) -> Option<Slot<'static>> {
    let mapped = |tier| slot_of_tier(address, tier).or_else(|| map_leaf(address, tier));
    quick_tier_of(bytes, spacing).and_then(mapped).or_else(|| mapped(tier_of(bytes)))
}

/// The system, or its limits, refused memory for a quick leaf. It is not asked for again: asking with every event costs
/// more than all else. Relaxed: who sees it late asks once more.
static QUICK_REFUSED: AtomicBool = AtomicBool::new(false);

#[cold]
fn map_leaf(address: usize, tier: usize) -> Option<Slot<'static>> {
    let quick = tier < QUICK_TIERS;
    if quick && (QUICK_REFUSED.load(Ordering::Relaxed) || address >> QUICK_ADDRESS_BITS != 0) {
        return None;
    }
    let mapped = map_leaf_asking(address, tier);
    if quick && mapped.is_none() {
        QUICK_REFUSED.store(true, Ordering::Relaxed);
    }
    mapped
}

fn map_leaf_asking(address: usize, tier: usize) -> Option<Slot<'static>> {
    let place = match place(address, tier) {
        Some(place) => place,
        None => {
            map_above(address, tier)?;
            place(address, tier)?
        }
    };
    let Tier { shift, leaf_bits, words, .. } = TIERS[tier];
    if tier < QUICK_TIERS && !pages::may_reserve(size_of::<u64>() << leaf_bits) {
        return None;
    }
    // SAFETY: a leaf is all atomics, for which zero is valid.
    let leaf = unsafe { pages::zeroed_slice::<AtomicU64>(words << leaf_bits) }?;
    // SAFETY: so is its entry in the list.
    let mapped = unsafe { pages::zeroed::<Mapped>() }?;
    mapped.start.store((address >> (shift + leaf_bits) << (shift + leaf_bits)) as u64, Ordering::Relaxed);
    mapped.tier.store(tier as u64, Ordering::Relaxed);
    if publish(place, leaf.as_ptr().wrapping_sub(bias(address, tier))) {
        push(&MAPPED, mapped, |next| mapped.next.store(next, Ordering::Relaxed));
    }
    slot_of_tier(address, tier)
}

/// Maps what holds the place of a leaf.
fn map_above(address: usize, tier: usize) -> Option<()> {
    if tier >= QUICK_TIERS {
        return map_region(address >> REGION_BITS).map(|_| ());
    }
    if !pages::may_reserve(size_of::<QuickRoot>()) {
        return None;
    }
    // SAFETY: a root is all atomics, for which zero is valid.
    let root = unsafe { pages::zeroed::<QuickRoot>() }?;
    publish(&QUICK_ROOTS[tier / 2], root);
    Some(())
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

/// The live block that holds `address`, at its start or inside.
///
/// Reads at most [`Tier::back`] slots of each tier; stops in a tier at the first block before the address, for
/// blocks of one tier do not overlap.
pub(crate) fn find(address: usize) -> Option<Found<'static>> {
    // First the tiers of 256 KiB and more: under the inside of such a block the smaller tiers' pages were mostly never
    // touched, and reading there costs a page fault.
    for tier in (TIER_256K..TIERS.len()).chain(0..TIER_256K) {
        let Tier { shift, leaf_bits, back, .. } = TIERS[tier];
        let key = address >> shift;
        let first_key = key.saturating_sub(back);
        let mut next = key + 1;
        'tier: while next > first_key {
            // The slots of one leaf, from the address downwards.
            let base = (next - 1) << shift;
            let first_of_leaf = first_key.max((next - 1) >> leaf_bits << leaf_bits);
            let Some(leaf) = leaf(base, tier) else {
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

/// Calls `each` with every block that lives throughout the call; those that come or go meanwhile may be missed.
pub(crate) fn for_each(mut each: impl FnMut(Found<'static>)) {
    let touched = Touched::now();
    let mut next = MAPPED.load(Ordering::Acquire);
    // SAFETY: the list's entries stay mapped, and were written before they were published.
    while let Some(mapped) = unsafe { next.as_ref() } {
        next = mapped.next.load(Ordering::Relaxed);
        let tier = mapped.tier.load(Ordering::Relaxed) as usize;
        let start = mapped.start.load(Ordering::Relaxed) as usize;
        let Some(leaf) = leaf(start, tier) else { continue };
        let Tier { shift, leaf_bits, words, .. } = TIERS[tier];
        // Most of a leaf was never touched, and reading it would make it resident.
        touched.each(leaf.as_ptr().cast_const(), words << leaf_bits, |range| {
            // A slot belongs to the page of its first word; one of three words may reach into the next.
            for slot_index in range.start.div_ceil(words)..range.end.div_ceil(words) {
                let base = start + (slot_index << shift);
                if let Some(found) = slot_in(leaf, base, tier).found(base) {
                    each(found);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests;
