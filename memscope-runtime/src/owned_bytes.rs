//! Live bytes of what is watched: of each execution, and of the row of `variables[]` that it is one of.
//!
//! An execution's counters serve as long as the execution is kept, a look at it goes on, or a watch counts for it: each of
//! these holds them. Watches are opened and closed outside of the hook, and one that is closed has no block left, so the hook
//! never meets counters that serve another execution by now.
//!
//! Orderings: relaxed, sums of independent events; but for the last holder, who sees what all others did (release, acquire).

use crate::arena::Arena;
use crate::fork::{self, Side};
use crate::pages;
use parking_lot::Mutex;
use std::ptr;
use std::sync::atomic::{AtomicI64, AtomicPtr, AtomicU32, Ordering};

/// Live bytes of a row of `variables[]`, kept by its watches. All-zero is valid.
///
/// Signed, for a block may be freed between its coming under watch and its being counted here.
#[derive(Debug)]
pub(crate) struct RowBytes {
    bytes: Bytes,
    /// The row's place in the registry.
    row: AtomicU32,
}

/// Live bytes of an execution. All-zero is valid.
#[derive(Debug)]
pub(crate) struct InstanceBytes {
    bytes: Bytes,
    of_row: AtomicPtr<RowBytes>,
    number: AtomicU32,
    holders: AtomicU32,
}

#[derive(Debug)]
struct Bytes {
    live: AtomicI64,
    peak: AtomicI64,
}

/// As many executions as 16,384 chunks of 1,024 hold have counters at once.
// SAFETY: counters are all atomics, for which zero is valid.
static COUNTERS: Arena<InstanceBytes, { 1 << 14 }> = unsafe { Arena::new() };

struct Numbers {
    next: u32,
    free: Vec<u32>,
}

/// Numbers to hand out; never taken by the hook.
static NUMBERS: Mutex<Numbers> = Mutex::new(Numbers { next: 0, free: Vec::new() });

/// Takes the lock on the numbers and keeps it, for a fork.
pub(crate) fn lock() {
    std::mem::forget(NUMBERS.lock());
}

/// Gives it back, in the process that took it or in its fork's child.
///
/// # Safety
/// [`lock`] was called before, by this thread or by the one whose fork it is in.
pub(crate) unsafe fn unlock(side: Side) {
    // SAFETY: the caller's promise is handed on.
    unsafe { fork::unlock(&NUMBERS, side) };
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
        // SAFETY: three atomics, for which zero is valid.
        let bytes: &RowBytes = unsafe { pages::zeroed() }?;
        bytes.row.store(row as u32, Ordering::Relaxed);
        Some(bytes)
    }

    pub(crate) fn peak(&self) -> u64 {
        self.bytes.peak()
    }
}

impl InstanceBytes {
    /// Counters of an execution of a row, held once; `None` where there is no room for more.
    pub(crate) fn open(row: Option<&'static RowBytes>) -> Option<&'static InstanceBytes> {
        let mut numbers = NUMBERS.lock();
        let number = match numbers.free.pop() {
            Some(number) => number,
            None => {
                let number = numbers.next;
                COUNTERS.get_or_map(number)?;
                numbers.next += 1;
                number
            }
        };
        drop(numbers);
        let counters = COUNTERS.get(number)?;
        counters.number.store(number, Ordering::Relaxed);
        counters.bytes.live.store(0, Ordering::Relaxed);
        counters.bytes.peak.store(0, Ordering::Relaxed);
        let row = row.map_or(ptr::null_mut(), |row| ptr::from_ref(row).cast_mut());
        counters.of_row.store(row, Ordering::Relaxed);
        counters.holders.store(1, Ordering::Relaxed);
        Some(counters)
    }

    pub(crate) fn hold(&self) {
        self.holders.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn let_go(&self) {
        if self.holders.fetch_sub(1, Ordering::AcqRel) == 1 {
            NUMBERS.lock().free.push(self.number.load(Ordering::Relaxed));
        }
    }

    fn of_row(&self) -> Option<&'static RowBytes> {
        // SAFETY: null or counters that stay mapped.
        unsafe { self.of_row.load(Ordering::Relaxed).as_ref() }
    }

    /// The place in the registry of the row that it is an execution of.
    pub(crate) fn row_number(&self) -> Option<usize> {
        self.of_row().map(|row| row.row.load(Ordering::Relaxed) as usize)
    }

    pub(crate) fn gain(&self, bytes: i64) {
        self.bytes.gain(bytes);
        if let Some(row) = self.of_row() {
            row.bytes.gain(bytes);
        }
    }

    pub(crate) fn lose(&self, bytes: i64) {
        self.bytes.lose(bytes);
        if let Some(row) = self.of_row() {
            row.bytes.lose(bytes);
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
