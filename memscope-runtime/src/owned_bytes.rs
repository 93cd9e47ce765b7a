//! Live bytes of what is watched: of each execution, and of the row of `variables[]` that it is one of.
//!
//! An execution's counters serve as long as the execution is kept, a look at it goes on, or a watch counts for it: each of
//! these holds them. Watches are opened and closed outside of the hook, and one that is closed has no block left, so the hook
//! never meets counters that serve another execution by now.
//!
//! Orderings: relaxed, sums of independent events; but for the last holder, who sees what all others did (release, acquire).

use crate::arena::Arena;
use crate::fork::{self, Side};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

/// Live bytes of a row of `variables[]`, kept by its watches. All-zero is valid.
///
/// Signed, for a block may be freed between its coming under watch and its being counted here.
#[derive(Debug)]
pub(crate) struct RowBytes(Bytes);

/// Live bytes of an execution. All-zero is valid.
#[derive(Debug)]
pub(crate) struct InstanceBytes {
    bytes: Bytes,
    /// The row's place in the registry.
    row: AtomicU32,
    holders: AtomicU32,
}

#[derive(Debug)]
struct Bytes {
    live: AtomicI64,
    peak: AtomicI64,
}

/// Chunks of 1,024 counters at most, of rows and of executions that have some at once.
const CHUNKS: usize = 1 << 14;

/// By the rows' places in the registry.
// SAFETY: counters are all atomics, for which zero is valid.
static ROWS: Arena<RowBytes, CHUNKS> = unsafe { Arena::new() };
// SAFETY: as above.
static INSTANCES: Arena<InstanceBytes, CHUNKS> = unsafe { Arena::new() };

struct Unused {
    /// The first that never was used.
    next: u32,
    free: Vec<&'static InstanceBytes>,
}

/// Counters to hand out; never taken by the hook.
static UNUSED: Mutex<Unused> = Mutex::new(Unused { next: 0, free: Vec::new() });

/// Takes the lock on the counters to hand out and keeps it, for a fork.
pub(crate) fn lock() {
    std::mem::forget(UNUSED.lock());
}

/// Gives it back, in the process that took it or in its fork's child.
///
/// # Safety
/// [`lock`] was called before, by this thread or by the one whose fork it is in.
pub(crate) unsafe fn unlock(side: Side) {
    // SAFETY: the caller's promise is handed on.
    unsafe { fork::unlock(&UNUSED, side) };
}

impl Bytes {
    fn gain(&self, bytes: i64) {
        let live = self.live.fetch_add(bytes, Ordering::Relaxed).wrapping_add(bytes);
        self.peak.fetch_max(live, Ordering::Relaxed);
    }

    fn lose(&self, bytes: i64) {
        self.live.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed).max(0) as u64
    }
}

impl RowBytes {
    /// Zeroed counters of a new row; `None` where there is no memory for them.
    pub(crate) fn open(row: usize) -> Option<&'static RowBytes> {
        ROWS.get_or_map(u32::try_from(row).ok()?)
    }

    pub(crate) fn peak(&self) -> u64 {
        self.0.peak()
    }
}

impl InstanceBytes {
    /// Counters of an execution of the row at this place, held once; `None` where there is no room for more.
    pub(crate) fn open(row: usize) -> Option<&'static InstanceBytes> {
        let mut unused = UNUSED.lock();
        let counters = match unused.free.pop() {
            Some(counters) => counters,
            None => {
                let counters = INSTANCES.get_or_map(unused.next)?;
                unused.next += 1;
                counters
            }
        };
        drop(unused);
        counters.bytes.live.store(0, Ordering::Relaxed);
        counters.bytes.peak.store(0, Ordering::Relaxed);
        counters.row.store(row as u32, Ordering::Relaxed);
        counters.holders.store(1, Ordering::Relaxed);
        Some(counters)
    }

    pub(crate) fn hold(&self) {
        self.holders.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn let_go(&'static self) {
        if self.holders.fetch_sub(1, Ordering::AcqRel) == 1 {
            UNUSED.lock().free.push(self);
        }
    }

    fn of_row(&self) -> Option<&'static RowBytes> {
        ROWS.get(self.row.load(Ordering::Relaxed))
    }

    /// The place in the registry of the row that it is an execution of.
    pub(crate) fn row_number(&self) -> usize {
        self.row.load(Ordering::Relaxed) as usize
    }

    pub(crate) fn gain(&self, bytes: i64) {
        self.bytes.gain(bytes);
        if let Some(row) = self.of_row() {
            row.0.gain(bytes);
        }
    }

    pub(crate) fn lose(&self, bytes: i64) {
        self.bytes.lose(bytes);
        if let Some(row) = self.of_row() {
            row.0.lose(bytes);
        }
    }

    /// The most live bytes at any moment.
    pub(crate) fn peak(&self) -> u64 {
        self.bytes.peak()
    }

    pub(crate) fn live(&self) -> u64 {
        self.bytes.live.load(Ordering::Relaxed).max(0) as u64
    }
}
