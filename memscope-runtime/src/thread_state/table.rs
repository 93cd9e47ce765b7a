//! A thread's accounts by node, as a hash table with open addressing that only that thread reads and writes.

use crate::pages;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// All-zero is the empty one.
pub(super) struct Table {
    entries: AtomicPtr<Entry>,
    len: AtomicU32,
    used: AtomicU32,
}

struct Entry {
    /// 0: free.
    key: AtomicU64,
    account: AtomicU32,
}

/// What the thread's own account in `node` is under.
pub(super) const fn key_of(node: u32) -> u64 {
    (node as u64) << 1 | 1
}

/// What the account is under that stands for `account` of another thread.
pub(super) const fn foreign_key_of(account: u32) -> u64 {
    (account as u64) << 1 | 1 << 63
}

impl Table {
    fn entries(&self) -> &[Entry] {
        let entries = self.entries.load(Ordering::Relaxed);
        if entries.is_null() {
            return &[];
        }
        // SAFETY: there are this many, and they stay mapped.
        unsafe { std::slice::from_raw_parts(entries, self.len.load(Ordering::Relaxed) as usize) }
    }

    /// The numbers of all accounts.
    pub(super) fn accounts(&self) -> impl Iterator<Item = u32> {
        let used = self.entries().iter().filter(|entry| entry.key.load(Ordering::Relaxed) != 0);
        used.map(|entry| entry.account.load(Ordering::Relaxed))
    }

    pub(super) fn look_up(&self, key: u64) -> Option<u32> {
        let entries = self.entries();
        for entry in probe(entries, key) {
            match entry.key.load(Ordering::Relaxed) {
                0 => return None,
                found if found == key => return Some(entry.account.load(Ordering::Relaxed)),
                _ => {}
            }
        }
        None
    }

    /// False where there is no memory for it.
    pub(super) fn remember(&self, key: u64, account: u32) -> bool {
        let used = self.used.load(Ordering::Relaxed);
        let len = self.len.load(Ordering::Relaxed);
        if used * 2 >= len {
            let new_len = (len * 2).max(32);
            // SAFETY: entries are all atomics, for which zero is valid.
            let Some(larger) = (unsafe { pages::zeroed_slice::<Entry>(new_len as usize) }) else {
                return false;
            };
            for old in self.entries() {
                let key = old.key.load(Ordering::Relaxed);
                if key != 0 {
                    insert(larger, key, old.account.load(Ordering::Relaxed));
                }
            }
            // The smaller table stays mapped; all of them together are smaller than this one.
            self.entries.store(larger.as_ptr().cast_mut(), Ordering::Relaxed);
            self.len.store(new_len, Ordering::Relaxed);
        }
        insert(self.entries(), key, account);
        self.used.store(used + 1, Ordering::Relaxed);
        true
    }
}

fn insert(entries: &[Entry], key: u64, account: u32) {
    if let Some(free) = probe(entries, key).find(|entry| entry.key.load(Ordering::Relaxed) == 0) {
        free.account.store(account, Ordering::Relaxed);
        free.key.store(key, Ordering::Relaxed);
    }
}

/// The entries that may hold `key`, in order. The table's length is a power of two.
fn probe(entries: &[Entry], key: u64) -> impl Iterator<Item = &Entry> {
    // Fibonacci hashing: the multiplier is 2^64 divided by the golden ratio (Knuth, TAOCP 3, 6.4).
    let start = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize;
    (0..entries.len()).map(move |step| &entries[(start + step) & (entries.len() - 1)])
}
