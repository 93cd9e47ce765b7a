//! A thread's accounts by node, as a hash table that only that thread writes; others may read it meanwhile.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

pub(super) struct Entry {
    /// 0: free. `node << 1 | 1`, or `account << 1 | 1 << 63` for an account of another thread.
    pub(super) key: AtomicU64,
    pub(super) account: AtomicU32,
}

pub(super) fn insert(entries: &[Entry], key: u64, account: u32) {
    if let Some(free) = probe(entries, key).find(|entry| entry.key.load(Ordering::Relaxed) == 0) {
        free.account.store(account, Ordering::Relaxed);
        free.key.store(key, Ordering::Relaxed);
    }
}

/// The entries that may hold `key`, in order. The table's length is a power of two.
pub(super) fn probe(entries: &[Entry], key: u64) -> impl Iterator<Item = &Entry> {
    // Fibonacci hashing: the multiplier is 2^64 divided by the golden ratio (Knuth, TAOCP 3, 6.4).
    let start = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize;
    (0..entries.len()).map(move |step| &entries[(start + step) & (entries.len() - 1)])
}
