//! A heap of live blocks of one size, and how much of the process is resident then.
//!
//! The blocks hold each other in a list, so that there is no index beside them and the live heap is exactly so many
//! blocks.

use std::fs;
use std::hint::black_box;

/// A block of `8 + CONTENT` bytes.
struct Block<const CONTENT: usize> {
    next: Option<Box<Block<CONTENT>>>,
    content: [u8; CONTENT],
}

/// Sizes of block that `live_heap` can make, in bytes.
pub const BLOCK_BYTES: [usize; 3] = [64, 512, 8_192];

/// Allocates and writes `live_bytes ÷ block_bytes` blocks and leaves them allocated.
///
/// # Errors
///
/// `block_bytes` is not one of [`BLOCK_BYTES`].
pub fn live_heap(block_bytes: usize, live_bytes: usize) -> Result<(), String> {
    let blocks = live_bytes / block_bytes;
    match block_bytes {
        64 => fill::<56>(blocks),
        512 => fill::<504>(blocks),
        8_192 => fill::<8_184>(blocks),
        _ => return Err(format!("no blocks of {block_bytes} bytes; there are {BLOCK_BYTES:?}")),
    }
    Ok(())
}

#[inline(never)]
fn fill<const CONTENT: usize>(blocks: usize) {
    let mut last: Option<Box<Block<CONTENT>>> = None;
    for _ in 0..blocks {
        last = black_box(Some(Box::new(Block { next: last, content: [1; CONTENT] })));
    }
    // Reads the list, so that none of it can be left out; and frees nothing.
    if let Some(block) = last {
        let block = Box::leak(block);
        black_box((&block.next, &block.content));
    }
}

/// Resident bytes of this process. From `smaps_rollup`, which counts pages; `statm` may lag behind by some.
///
/// # Errors
///
/// The kernel has no such file, or it reads otherwise than documented (proc_pid_smaps(5)).
pub fn resident_bytes() -> Result<u64, String> {
    let file = "/proc/self/smaps_rollup";
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    text.lines()
        .find_map(|line| line.strip_prefix("Rss:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .map(|kibibytes| kibibytes * 1_024)
        .ok_or_else(|| format!("{file}: no line `Rss: … kB`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_the_bytes_it_is_named_for() {
        assert_eq!(size_of::<Block<56>>(), 64);
        assert_eq!(size_of::<Block<504>>(), 512);
        assert_eq!(size_of::<Block<8_184>>(), 8_192);
    }

    #[test]
    fn a_live_heap_is_resident() {
        let before = resident_bytes().unwrap();
        live_heap(8_192, 32 << 20).unwrap();
        // Written blocks cannot be less than resident; 1 MB is left to other tests' frees at the same time.
        assert!(resident_bytes().unwrap() - before >= 31 << 20);
    }

    #[test]
    fn other_sizes_are_refused() {
        assert_eq!(
            live_heap(100, 1_000),
            Err("no blocks of 100 bytes; there are [64, 512, 8192]".to_owned())
        );
    }
}
