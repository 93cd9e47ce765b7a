//! Address → sampled block.
//!
//! A sampled block fills a unit of 2 KiB (`places.rs`), or is about as long as one or longer ([`is_large`]). So two of
//! them never start in the same unit, a tree with a place for each unit holds all, and whoever holds a block is alone
//! with its place. (But for small blocks that are aligned to more than a unit, and for an allocator that leaves less
//! than 8 bytes between blocks: so the sample's own address is compared, and a unit that is taken costs the sample.)
//!
//! ```text
//! address ── ÷ 4 TiB ──→ ROOT ──→ middle ── ÷ 128 MiB ──→ leaf ── ÷ 2 KiB ──→ sample
//! ```
//!
//! Orderings: tables are published with release and read with acquire. A block's place is relaxed: whoever frees a
//! block was handed it by its allocator, in whatever way the program has for that.

use crate::publish::publish;
use crate::sample::Sample;
use crate::{pages, places};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

const UNIT_BITS: u32 = places::ALIGN.ilog2();
const LEVEL_BITS: u32 = 15;
const LEVEL_LEN: usize = 1 << LEVEL_BITS;
const LEAF_BITS: u32 = 16;
const LEAF_LEN: usize = 1 << LEAF_BITS;

/// The numbers of samples of 128 MiB of addresses; 0: none. All-zero is empty.
struct Leaf {
    units: [AtomicU32; LEAF_LEN],
}

/// 4 TiB of addresses. All-zero is empty.
struct Middle {
    leaves: [AtomicPtr<Leaf>; LEVEL_LEN],
}

/// 2^57 bytes of addresses, which is what five-level page tables reach.
static ROOT: [AtomicPtr<Middle>; LEVEL_LEN] = [const { AtomicPtr::new(ptr::null_mut()) }; LEVEL_LEN];

/// Whether a block is too large for a place. It stays where the inner allocator has it, for there it can be resized
/// without being copied and be zero without being written; and each free of such a block is looked up.
#[inline(always)]
pub(crate) const fn is_large(bytes: usize) -> bool {
    bytes > places::BYTES
}

/// Whether a block can be a sampled one. Most others are told by their address alone.
#[inline(always)]
pub(crate) fn may_hold(address: usize, bytes: usize) -> bool {
    address % places::ALIGN == 0 || is_large(bytes)
}

/// Where the number of a block's sample is, if that is mapped.
#[inline]
fn place(address: usize) -> Option<&'static AtomicU32> {
    let unit = address >> UNIT_BITS;
    let middle = ROOT.get(unit >> (LEAF_BITS + LEVEL_BITS))?.load(Ordering::Acquire);
    // SAFETY: pointers are null or point to mappings that stay, published with release.
    let middle = unsafe { middle.as_ref() }?;
    let leaf = middle.leaves[unit >> LEAF_BITS & (LEVEL_LEN - 1)].load(Ordering::Acquire);
    // SAFETY: as above.
    let leaf = unsafe { leaf.as_ref() }?;
    Some(&leaf.units[unit & (LEAF_LEN - 1)])
}

/// Takes the number of the sample of a block out of the map; `None`: it is not in the sample.
#[inline]
pub(crate) fn take(address: usize) -> Option<u32> {
    let place = place(address)?;
    let number = place.load(Ordering::Relaxed);
    if number == 0 || Sample::get(number)?.address() != address {
        return None;
    }
    place.store(0, Ordering::Relaxed);
    Some(number)
}

/// Sees to it that the sample of a block can be put into the map; false where the system gives no memory for it, or
/// another block is there.
pub(crate) fn prepare(address: usize) -> bool {
    let place = place(address).or_else(|| map_place(address));
    place.is_some_and(|place| place.load(Ordering::Relaxed) == 0)
}

/// Puts the sample of a block into the map, which was prepared for it.
pub(crate) fn put(address: usize, number: u32) {
    if let Some(place) = place(address) {
        place.store(number, Ordering::Relaxed);
    }
}

#[cold]
fn map_place(address: usize) -> Option<&'static AtomicU32> {
    let unit = address >> UNIT_BITS;
    let root = ROOT.get(unit >> (LEAF_BITS + LEVEL_BITS))?;
    if root.load(Ordering::Acquire).is_null() {
        // SAFETY: all atomics, for which zero is valid.
        publish(root, unsafe { pages::zeroed::<Middle>() }?);
    }
    // SAFETY: it was published just now or before, and stays.
    let middle = unsafe { root.load(Ordering::Acquire).as_ref() }?;
    let leaf = &middle.leaves[unit >> LEAF_BITS & (LEVEL_LEN - 1)];
    if leaf.load(Ordering::Acquire).is_null() {
        // SAFETY: all atomics, for which zero is valid.
        publish(leaf, unsafe { pages::zeroed::<Leaf>() }?);
    }
    place(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Facts, Whereabouts};

    fn sample_at(address: usize) -> u32 {
        let number = Sample::reserve().expect("memory for a sample");
        let facts = Facts { address: address as u64, account: 1, ..Facts::default() };
        Sample::get(number).expect("it is reserved").begin(0, facts);
        number
    }

    #[test]
    fn a_unit_has_a_place_and_addresses_reach_2_to_57() {
        // Addresses that no allocator of this process uses.
        for base in [0x0200_0000_0000usize, 1 << 48, (1 << 57) - (1 << 20)] {
            let (first, second) = (base, base + places::ALIGN + 16);
            assert_eq!(take(first), None);
            assert!(prepare(first) && prepare(second));
            let (of_first, of_second) = (sample_at(first), sample_at(second));
            put(first, of_first);
            put(second, of_second);
            assert!(!prepare(base + 2042), "another one starts in the unit");
            assert_eq!(take(base + 2042), None, "and it is not this one");
            assert_eq!(take(first), Some(of_first));
            assert_eq!(take(first), None, "it was taken");
            assert_eq!(take(second), Some(of_second));
            for number in [of_first, of_second] {
                Sample::get(number).expect("it lives").end(number);
            }
        }
        assert!(!prepare(1 << 57), "past the end");
        assert_eq!(take(usize::MAX), None);
    }

    #[test]
    fn most_blocks_are_told_by_their_address() {
        let large = places::BYTES + 1;
        assert!(may_hold(8192, 1) && may_hold(16, large));
        assert!(!may_hold(8208, places::BYTES));
    }

    #[test]
    fn a_sample_is_used_again_and_reads_nothing_while_it_is_over() {
        let number = sample_at(0x0300_0000_0000);
        let sample = Sample::get(number).expect("it was begun");
        sample.moved(Whereabouts { address: 0x0300_0000_1000, bytes: 50, place_bytes: 0 });
        let facts = sample.read().expect("nobody writes");
        assert_eq!((facts.address, facts.block_bytes, facts.resizes), (0x0300_0000_1000, 50, 1));
        assert_eq!(sample.end(number), 0);
        assert_eq!(sample.read(), None);
    }
}
