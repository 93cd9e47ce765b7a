//! Places for sampled blocks: at the start of a page, of some sizes, kept for the next sample.
//!
//! A block at a page's start that went back to the allocator would be handed out again, to blocks that are not in the
//! sample, and each of their frees would have to be looked up. (In a loop that allocates and frees, allocators hand out
//! the last block first: nearly every free was.) So a place that comes free waits here for another sample, which spares
//! the allocator the search for an aligned one, too. Only what finds no room goes back.
//!
//! Orderings: a place is given with release and taken with acquire, so who takes it comes after whoever freed it.

use crate::sample_map::{LARGE_BYTES, PLACE_BYTES};
use std::alloc::Layout;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// Sizes of places: 16, 32, 48, 64, then four in each octave, to 32 KiB.
const SIZES: usize = 4 + 4 * (LARGE_BYTES.ilog2() as usize - 6);
/// Places of a size that wait at most. All of them together take 1.6 MiB.
const WAITING: usize = 8;

/// In static memory, where leak checkers look for what is still in hand.
static PLACES: [[AtomicPtr<u8>; WAITING]; SIZES] =
    [const { [const { AtomicPtr::new(ptr::null_mut()) }; WAITING] }; SIZES];
/// Bytes of the places that wait.
static WAITING_BYTES: AtomicU64 = AtomicU64::new(0);

/// The size of a place for a block of so many bytes, and its number.
fn size_for(bytes: usize) -> (usize, usize) {
    let last = bytes.max(1) - 1;
    if last < 64 {
        return (last / 16, (last / 16 + 1) * 16);
    }
    let step_log2 = last.ilog2() - 2;
    let step = last >> step_log2; // 4 to 7
    (4 + 4 * (step_log2 as usize - 4) + step - 4, (step + 1) << step_log2)
}

/// How a place for a block of so many bytes is laid out; `bytes` is below [`LARGE_BYTES`].
pub(crate) fn layout_for(bytes: usize) -> Option<Layout> {
    Layout::from_size_align(size_for(bytes).1, PLACE_BYTES).ok()
}

/// A place that waits for a block of so many bytes.
pub(crate) fn take(bytes: usize) -> Option<*mut u8> {
    let (number, size) = size_for(bytes);
    let taken = PLACES.get(number)?.iter().find_map(|place| {
        let waiting = !place.load(Ordering::Relaxed).is_null();
        let taken = if waiting { place.swap(ptr::null_mut(), Ordering::Acquire) } else { ptr::null_mut() };
        (!taken.is_null()).then_some(taken)
    })?;
    WAITING_BYTES.fetch_sub(size as u64, Ordering::Relaxed);
    Some(taken)
}

/// Has a place of `size` bytes wait; false where there is no room.
pub(crate) fn give(block: *mut u8, size: usize) -> bool {
    let Some(places) = PLACES.get(size_for(size).0) else { return false };
    let given = places.iter().any(|place| {
        place.load(Ordering::Relaxed).is_null()
            && place.compare_exchange(ptr::null_mut(), block, Ordering::Release, Ordering::Relaxed).is_ok()
    });
    if given {
        WAITING_BYTES.fetch_add(size as u64, Ordering::Relaxed);
    }
    given
}

/// Bytes that were taken from the inner allocator and wait here.
pub(crate) fn waiting_bytes() -> u64 {
    WAITING_BYTES.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_has_a_place_that_is_long_enough_and_not_much_longer() {
        let mut last = 0;
        for bytes in 1..LARGE_BYTES {
            let (number, size) = size_for(bytes);
            assert!(number == last || number == last + 1, "{bytes}: {number} after {last}");
            assert!(size >= bytes && (size <= bytes + 15 || size <= bytes + bytes / 4), "{bytes}: {size}");
            assert_eq!(size_for(size), (number, size), "a place is of its own size");
            last = number;
        }
        // 4 sizes to 64, then octaves from 64 to 32,768 = 2^6 to 2^15: 9 of them.
        assert_eq!((last + 1, SIZES), (40, 40));
    }

    #[test]
    fn a_place_that_was_given_is_taken_once() {
        // A size that the unit tests' own allocator, which does not sample, never asks for here.
        let size = layout_for(30_000).expect("below 32 KiB").size();
        let mut memory = vec![0u8; WAITING + 1];
        for index in 0..=WAITING {
            assert_eq!(give(&raw mut memory[index], size), index < WAITING);
        }
        assert_eq!(waiting_bytes(), (WAITING * size) as u64);
        let taken: std::collections::HashSet<_> = std::iter::from_fn(|| take(30_000)).collect();
        assert_eq!((taken.len(), waiting_bytes()), (WAITING, 0));
    }
}
