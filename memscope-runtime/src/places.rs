//! Places for sampled blocks: half a page each.
//!
//! A sampled block starts at a multiple of 2 KiB, so that the free of any other is known by the low bits of its
//! address. Such a place must not go back to the allocator, which would hand it out again to blocks that are not in the
//! sample, each of whose frees would have to be looked up (in a loop that allocates and frees, nearly every one). So it
//! waits here for the next sample.
//!
//! All places are of one size, and taken several at a time: then they lie side by side and leave one gap before them and
//! none between. Places of the blocks' own sizes left a gap each, and glibc's `malloc` took 6 % longer for the whole
//! program to work its way through these, however few the samples were.
//!
//! Orderings: a place is given with release and taken with acquire, so who takes it comes after whoever freed it.

use std::alloc::Layout;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// Places start at multiples of this: 0.4 % of the 512 KiB that a sample stands for, and one block in 128 that is not
/// in the sample starts at one by chance.
pub(crate) const ALIGN: usize = 2048;
/// The largest block that has a place. With the 8 bytes that glibc keeps before a block, places lie side by side.
pub(crate) const BYTES: usize = ALIGN - 8;
/// Places that are taken from the inner allocator at a time: 128 KiB. With 16 KiB serde_json took 1.05 of its plain
/// time, with this 1.00 to 1.02 (docs/performance.md).
pub(crate) const BATCH: usize = 64;
/// Places that wait at most: 256 KiB.
const WAITING: usize = 128;

/// How every place is laid out.
pub(crate) const LAYOUT: Layout = match Layout::from_size_align(BYTES, ALIGN) {
    Ok(layout) => layout,
    Err(_) => panic!("2 KiB are no layout"),
};

/// Places that wait.
struct Waiting {
    places: [AtomicPtr<u8>; WAITING],
    /// How many; a hint for who looks.
    count: AtomicU32,
}

/// In static memory, where leak checkers look for what is still in hand.
static PLACES: Waiting = Waiting::none();

/// A place that waits.
pub(crate) fn take() -> Option<*mut u8> {
    PLACES.take()
}

/// Has a place wait; false where there is no room.
pub(crate) fn give(block: *mut u8) -> bool {
    PLACES.give(block)
}

/// Bytes that were taken from the inner allocator and wait here.
pub(crate) fn waiting_bytes() -> u64 {
    PLACES.bytes()
}

impl Waiting {
    const fn none() -> Waiting {
        Waiting { places: [const { AtomicPtr::new(ptr::null_mut()) }; WAITING], count: AtomicU32::new(0) }
    }

    fn take(&self) -> Option<*mut u8> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let taken = self.places.iter().find_map(|place| {
            let waiting = !place.load(Ordering::Relaxed).is_null();
            let taken =
                if waiting { place.swap(ptr::null_mut(), Ordering::Acquire) } else { ptr::null_mut() };
            (!taken.is_null()).then_some(taken)
        })?;
        self.count.fetch_sub(1, Ordering::Relaxed);
        Some(taken)
    }

    fn give(&self, block: *mut u8) -> bool {
        let null = ptr::null_mut();
        let given = self.places.iter().any(|place| {
            place.load(Ordering::Relaxed).is_null()
                && place.compare_exchange(null, block, Ordering::Release, Ordering::Relaxed).is_ok()
        });
        if given {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        given
    }

    fn bytes(&self) -> u64 {
        let count = self.places.iter().filter(|place| !place.load(Ordering::Relaxed).is_null()).count();
        (count * BYTES) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_was_given_is_taken_once() {
        static OWN: Waiting = Waiting::none();
        let mut memory = [0u8; WAITING + 1];
        assert_eq!(OWN.take(), None);
        for (index, place) in memory.iter_mut().enumerate() {
            assert_eq!(OWN.give(place), index < WAITING);
        }
        assert_eq!(OWN.bytes(), (WAITING * BYTES) as u64);
        let taken: std::collections::HashSet<_> = std::iter::from_fn(|| OWN.take()).collect();
        assert_eq!((taken.len(), OWN.bytes()), (WAITING, 0));
    }
}
