//! Memory lost inside and between blocks.

use serde::{Deserialize, Serialize};

/// Memory lost inside and between blocks, as the allocator and the kernel say. No formula stands in for what they do not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fragmentation {
    /// Bytes inside live blocks past what was asked for, as glibc's `malloc` has it in its headers.
    ///
    /// `None`: not measured. That is where another allocator serves the program, where blocks are sampled or not recorded,
    /// and where the kernel lets the process not read its own memory by `process_vm_readv`.
    pub slack_bytes: Option<u64>,
    /// Live blocks that `slack_bytes` was read from: all but those that other threads freed or resized meanwhile.
    pub slack_blocks: u64,
    /// Bytes that were asked for in these blocks.
    pub slack_of_bytes: u64,
    /// Memory of the process that is resident, in bytes, memscope's own ([`own_bytes`](super::Profiler::own_bytes)) and the
    /// program's code among it; `None`: the kernel did not say, or nothing is recorded.
    pub resident_bytes: Option<u64>,
    /// glibc's own account of its heap (`mallinfo2`), memscope's own blocks and those of C code among it; `None`: another
    /// allocator serves the program or is not known to be glibc's, it is a glibc before 2.33, or the heap has so many holes
    /// (8,192, or what once took 2 ms to walk) that asking would hold up the program's threads.
    pub glibc: Option<GlibcHeap>,
}

/// glibc's own account of its heap, all arenas together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlibcHeap {
    /// Bytes that its arenas have from the system (`arena`).
    pub arena_bytes: u64,
    /// Bytes in blocks that are mapped each on its own (`hblkhd`).
    pub mapped_bytes: u64,
    /// Bytes in use in the arenas (`uordblks`), headers and slack included. Blocks that wait in a thread's cache (`tcache`) to
    /// be given out again count as used.
    pub used_bytes: u64,
    /// Bytes free in the arenas (`fordblks`).
    pub free_bytes: u64,
    /// Of the free ones, those at the top of the heap, which `malloc_trim` could give back (`keepcost`).
    pub top_bytes: u64,
}
