//! What glibc's `malloc` says of its blocks and of its heap.
//!
//! ```text
//!       chunk                  block, as `malloc` gave it
//!         ↓                      ↓
//!   ──────┬──────────┬───────────┬───────────────────────────────┬──────────┬────
//!         │ 8 bytes  │ size, NMP │ …                             │ 8 bytes  │ next chunk's size
//!   ──────┴──────────┴───────────┴───────────────────────────────┴──────────┴────
//!                    ↑ header    └── usable, in an arena: size − 8 ─────────┘
//!                                └── mapped on its own (M): size − 16 ──┘
//! ```
//!
//! `malloc_usable_size` would say the same, but reads the header itself: of a block that another thread frees meanwhile
//! it may read where nothing is mapped any more. So headers are read by `peek.rs`, and are believed only where this
//! reading says of blocks of our own, of many sizes, what `malloc_usable_size` does ([`is_understood`]). Another library
//! in the place of glibc's `malloc` (`LD_PRELOAD`), a checking one (`libc_malloc_debug.so`) and a kernel that refuses
//! fail that test, and then nothing is measured.

use crate::hold::{self, Held};
use crate::peek::Peek;
use crate::snapshot::GlibcHeap;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The header's flags: not of the main arena, mapped on its own, the chunk before is in use.
const FLAGS: u64 = 7;
const IS_MAPPED: u64 = 2;
const AFTER_ONE_IN_USE: u64 = 1;
/// From a block's address back to its header.
pub(crate) const HEADER_BYTES: usize = 8;

/// Bytes that the block with this header has room for; `None`: it is no header of a block.
pub(crate) fn usable_bytes(header: u64) -> Option<u64> {
    let not_the_blocks = if header & IS_MAPPED != 0 { 16 } else { 8 };
    (header & !FLAGS).checked_sub(not_the_blocks)
}

/// Whether the chunk before the block with this header is free, and listed as such by its arena. (`malloc` puts some small
/// ones aside uncombined, which count as in use here.)
pub(crate) fn is_after_a_hole(header: u64) -> bool {
    header & (IS_MAPPED | AFTER_ONE_IN_USE) == 0
}

/// Sizes whose blocks are made of every kind of chunk: cached by thread, and small and large ones of the arena. Blocks
/// that are mapped at 128 KiB and more are not among them: freeing one would have glibc map only larger ones from then on.
const ARENA_BYTES: [usize; 16] =
    [0, 1, 24, 25, 40, 41, 100, 500, 1_000, 1_032, 1_033, 1_500, 2_000, 4_000, 9_000, 20_000];
/// Mapped on its own, and so large that freeing it changes nothing (`DEFAULT_MMAP_THRESHOLD_MAX` is 32 MiB). One page of it
/// is touched.
const MAPPED_BYTES: usize = 33 << 20;

/// Whether glibc's `malloc` serves and its headers can be read and mean what this file says: asked of blocks made for it.
pub(crate) fn is_understood() -> bool {
    let sizes = ARENA_BYTES.into_iter().chain([MAPPED_BYTES]);
    // SAFETY: `malloc` takes any size.
    let mut blocks: Vec<*mut c_void> = sizes.map(|bytes| unsafe { libc::malloc(bytes) }).collect();
    for align in [64, 1024] {
        let mut block = ptr::null_mut();
        // SAFETY: `block` is a place for the answer, and `align` a power of two.
        unsafe { libc::posix_memalign(&mut block, align, 300) };
        blocks.push(block);
    }
    // SAFETY: a block that was made above.
    let said = |block: &*mut c_void| unsafe { libc::malloc_usable_size(*block) } as u64;
    let mut peek = Peek::new();
    blocks.retain(|block| !block.is_null()); // where memory is limited
    let mut is_right = !blocks.is_empty();
    blocks.iter().for_each(|block| is_right &= peek.ask(block.addr() - HEADER_BYTES));
    let mut expected = blocks.iter().map(said);
    let outcome = peek.read(|header| is_right &= expected.next() == header.and_then(usable_bytes));
    for block in blocks {
        // SAFETY: it was made above and nobody else has it.
        unsafe { libc::free(block) };
    }
    is_right && outcome.is_ok()
}

/// Free chunks up to which `mallinfo2` is asked: it walks them under their arenas' locks, at some 0.25 µs each (the test of
/// `capture/fragmentation.rs` prints it), so for 2 ms.
const MOST_HOLES: u64 = 8_192;
/// What else there is to walk shows in how long it took.
const MOST_TIME: Duration = Duration::from_millis(2);
/// Whether `mallinfo2` once took longer than that. Relaxed: a flag that goes up and stays.
static WAS_SLOW: AtomicBool = AtomicBool::new(false);

/// glibc's own account of its heap, where asking for it holds up nobody; `None` where the heap has too many `holes`, where it
/// was slow to tell before, and where it has no `mallinfo2` (before 2.33). What it says is only true of the program where its
/// `malloc` serves ([`is_understood`]). How many holes there are is not known where blocks are sampled.
pub(crate) fn heap_if_quick(holes: Option<u64>) -> Option<GlibcHeap> {
    if holes.is_some_and(|holes| holes > MOST_HOLES) || WAS_SLOW.load(Ordering::Relaxed) {
        return None;
    }
    let before = hold::processor_time();
    let heap = hold::timed(Held::Arenas, heap);
    // On the processor: who waits for one, or for a lock, is not slow.
    if hold::processor_time().saturating_sub(before) > MOST_TIME {
        WAS_SLOW.store(true, Ordering::Relaxed);
    }
    heap
}

/// As it comes.
pub(crate) fn heap() -> Option<GlibcHeap> {
    // SAFETY: the name is a C string.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"mallinfo2".as_ptr()) };
    if found.is_null() {
        return None;
    }
    // SAFETY: glibc's function of this name takes nothing and gives this struct (malloc.h).
    let mallinfo2: unsafe extern "C" fn() -> libc::mallinfo2 = unsafe { std::mem::transmute(found) };
    // SAFETY: it may be called at any time.
    let said = unsafe { mallinfo2() };
    Some(GlibcHeap {
        arena_bytes: said.arena as u64,
        mapped_bytes: said.hblkhd as u64,
        used_bytes: said.uordblks as u64,
        free_bytes: said.fordblks as u64,
        top_bytes: said.keepcost as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_glibc_wrote_them() {
        // A chunk of 32 bytes after one in use, of another arena, and one of two pages that is mapped on its own.
        assert_eq!(usable_bytes(32 | 1), Some(24));
        assert_eq!(usable_bytes(48 | 5), Some(40));
        assert_eq!(usable_bytes(8192 | 2), Some(8176));
        assert_eq!(usable_bytes(0), None);
        assert_eq!(usable_bytes(2 | 8), None);
        // Where the chunk before is free the last bit is not set; of one that is mapped on its own the bit says nothing.
        assert!(is_after_a_hole(32) && is_after_a_hole(48 | 4));
        assert!(!is_after_a_hole(32 | 1) && !is_after_a_hole(8192 | 2));
        assert!(is_understood(), "the tests run over glibc");
    }

    #[test]
    fn the_heap_adds_up() {
        let heap = heap().expect("the tests run over a glibc that has it");
        assert_eq!(heap.used_bytes + heap.free_bytes, heap.arena_bytes);
        assert!(heap.top_bytes <= heap.free_bytes);
    }
}
