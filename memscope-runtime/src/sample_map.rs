//! Address → sampled block.
//!
//! A sampled block has a place at a page's start (`places.rs`), or is about as long as a page or longer
//! ([`is_large`]). Two blocks of one of these two kinds never start in the same page, so a tree by page number with two
//! places for each page holds all, and whoever holds a block is alone with its place. (Of an allocator that aligns to
//! nothing, two blocks of 4,089 to 4,095 bytes may; so the sample's own address is compared.)
//!
//! ```text
//! address ── ÷ 4 TiB ──→ ROOT ──→ middle ── ÷ 128 MiB ──→ leaf ── ÷ 4 KiB ──→ [small, large]
//! ```
//!
//! Orderings: tables are published with release and read with acquire. A block's place is relaxed: whoever frees a
//! block was handed it by its allocator, in whatever way the program has for that.

use crate::publish::publish;
use crate::sample::Sample;
use crate::{pages, places};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

const PAGE_BITS: u32 = places::ALIGN.ilog2();
const LEVEL_BITS: u32 = 15;
const LEVEL_LEN: usize = 1 << LEVEL_BITS;

/// The numbers of samples of 128 MiB of addresses; 0: none. All-zero is empty.
struct Leaf {
    pages: [[AtomicU32; 2]; LEVEL_LEN],
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

/// The place of a block, where its tables are mapped.
#[inline]
fn place(address: usize, bytes: usize) -> Option<&'static AtomicU32> {
    let page = address >> PAGE_BITS;
    // SAFETY: pointers are null or point to mappings that stay, published with release.
    let middle = unsafe { ROOT.get(page >> (2 * LEVEL_BITS))?.load(Ordering::Acquire).as_ref() }?;
    // SAFETY: as above.
    let leaf =
        unsafe { middle.leaves[page >> LEVEL_BITS & (LEVEL_LEN - 1)].load(Ordering::Acquire).as_ref() }?;
    Some(&leaf.pages[page & (LEVEL_LEN - 1)][usize::from(is_large(bytes))])
}

/// Takes the number of the sample of a block out of the map; `None`: it is not in the sample.
#[inline]
pub(crate) fn take(address: usize, bytes: usize) -> Option<u32> {
    let place = place(address, bytes)?;
    let number = place.load(Ordering::Relaxed);
    if number == 0 || Sample::get(number)?.address() != address {
        return None;
    }
    place.store(0, Ordering::Relaxed);
    Some(number)
}

/// Sees to it that the sample of a block can be put into the map; false where the system gives no memory for it, or
/// another block is there.
pub(crate) fn prepare(address: usize, bytes: usize) -> bool {
    let place = place(address, bytes).or_else(|| map_place(address, bytes));
    place.is_some_and(|place| place.load(Ordering::Relaxed) == 0)
}

/// Puts the sample of a block into the map, which was prepared for it.
pub(crate) fn put(address: usize, bytes: usize, number: u32) {
    if let Some(place) = place(address, bytes) {
        place.store(number, Ordering::Relaxed);
    }
}

#[cold]
fn map_place(address: usize, bytes: usize) -> Option<&'static AtomicU32> {
    let page = address >> PAGE_BITS;
    let root = ROOT.get(page >> (2 * LEVEL_BITS))?;
    if root.load(Ordering::Acquire).is_null() {
        // SAFETY: all atomics, for which zero is valid.
        publish(root, unsafe { pages::zeroed::<Middle>() }?);
    }
    // SAFETY: it was published just now or before, and stays.
    let middle = unsafe { root.load(Ordering::Acquire).as_ref() }?;
    let leaf = &middle.leaves[page >> LEVEL_BITS & (LEVEL_LEN - 1)];
    if leaf.load(Ordering::Acquire).is_null() {
        // SAFETY: all atomics, for which zero is valid.
        publish(leaf, unsafe { pages::zeroed::<Leaf>() }?);
    }
    place(address, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Facts, Whereabouts};

    const LARGE: usize = places::BYTES + 1;

    fn sample_at(address: usize) -> u32 {
        let number = Sample::reserve().expect("memory for a sample");
        let facts = Facts { address: address as u64, account: 1, ..Facts::default() };
        Sample::get(number).expect("it is reserved").begin(0, facts);
        number
    }

    #[test]
    fn a_page_has_a_place_for_each_kind_and_addresses_reach_2_to_57() {
        // Addresses that no allocator of this process uses.
        for base in [0x0200_0000_0000usize, 1 << 48, (1 << 57) - (1 << 20)] {
            let (small, large) = (base, base + 16);
            assert_eq!(take(small, 64), None);
            assert!(prepare(small, 64) && prepare(large, LARGE));
            let (of_small, of_large) = (sample_at(small), sample_at(large));
            put(small, 64, of_small);
            put(large, LARGE, of_large);
            assert!(!prepare(base + 4090, LARGE), "another one starts in the page");
            assert_eq!(take(base + 4090, LARGE), None);
            // A small block at a page's start and a large one that starts within the page do not meet.
            assert_eq!(take(small, places::BYTES), Some(of_small));
            assert_eq!(take(small, 64), None, "it was taken");
            assert_eq!(take(large, 1 << 30), Some(of_large));
            for number in [of_small, of_large] {
                Sample::get(number).expect("it lives").end(number);
            }
        }
        assert!(!prepare(1 << 57, 64), "past the end");
        assert_eq!(take(usize::MAX, 64), None);
    }

    #[test]
    fn most_blocks_are_told_by_their_address() {
        assert!(may_hold(8192, 1) && may_hold(16, LARGE));
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
