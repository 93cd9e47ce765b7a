//! Numbered places of one type, in memory of the recorder's own: mapped a chunk at a time, never given back.
//!
//! Orderings: a chunk is published with release and read with acquire, so who finds it finds it zeroed.

use crate::pages;
use crate::publish::publish;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

const CHUNK_LEN: usize = 1 << 10;
type Chunk<T> = [T; CHUNK_LEN];

/// At most `CHUNKS` × 1,024 places. All-zero is a valid `T`: whoever makes an arena answers for it.
pub(crate) struct Arena<T: 'static, const CHUNKS: usize> {
    chunks: [AtomicPtr<Chunk<T>>; CHUNKS],
}

impl<T: Sync, const CHUNKS: usize> Arena<T, CHUNKS> {
    /// Without a chunk.
    ///
    /// # Safety
    /// All-zero bytes are a valid `T`.
    pub(crate) const unsafe fn new() -> Self {
        Arena { chunks: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS] }
    }

    /// The place with this number, if its chunk is mapped.
    #[inline]
    pub(crate) fn get(&'static self, number: u32) -> Option<&'static T> {
        let number = number as usize;
        let chunk = self.chunks.get(number / CHUNK_LEN)?.load(Ordering::Acquire);
        // SAFETY: a chunk's pointer is null or points to a mapping that stays, published with release.
        unsafe { chunk.as_ref() }.map(|chunk| &chunk[number % CHUNK_LEN])
    }

    /// The same, with its chunk mapped if need be; `None` where the system gives no memory or the arena ends.
    pub(crate) fn get_or_map(&'static self, number: u32) -> Option<&'static T> {
        let chunk = self.chunks.get(number as usize / CHUNK_LEN)?;
        if chunk.load(Ordering::Acquire).is_null() {
            // SAFETY: whoever made the arena says that zero is a valid `T`.
            publish(chunk, unsafe { pages::zeroed::<Chunk<T>>() }?);
        }
        self.get(number)
    }
}
