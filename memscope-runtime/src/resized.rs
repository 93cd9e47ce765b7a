//! When a watched block was last resized, and when it last got another address by it.
//!
//! Beside the watches and not in them, which fill two cache lines. The hook stores here, by the coarse clock.
//!
//! Orderings: relaxed. A reader may see one of two moments that belong together before the other.

use crate::account;
use crate::arena::Arena;
use crate::clock::{self, Stamp};
use std::sync::atomic::{AtomicU32, Ordering};

/// Stamps plus one; 0: it never was. All-zero is valid.
struct Moments {
    resized: AtomicU32,
    moved: AtomicU32,
}

/// By the watches' numbers.
// SAFETY: moments are all atomics, for which zero is valid.
static MOMENTS: Arena<Moments, { 1 << (account::BITS - 10) }> = unsafe { Arena::new() };

/// Begins anew for the watch of this number; `None` where there is no room.
pub(crate) fn begin(watch: u32) -> Option<()> {
    let moments = MOMENTS.get_or_map(watch)?;
    moments.resized.store(0, Ordering::Relaxed);
    moments.moved.store(0, Ordering::Relaxed);
    Some(())
}

/// A block under the watch is resized now; `moved`: it got another address.
pub(crate) fn note(watch: u32, moved: bool) {
    let Some(moments) = MOMENTS.get(watch) else { return };
    let now = Stamp::from_ms(clock::now_ms()).0 + 1;
    moments.resized.store(now, Ordering::Relaxed);
    if moved {
        moments.moved.store(now, Ordering::Relaxed);
    }
}

/// When a block under the watch was last resized, and last moved, in milliseconds.
pub(crate) fn moments(watch: u32) -> (Option<u64>, Option<u64>) {
    let Some(moments) = MOMENTS.get(watch) else { return (None, None) };
    let ms = |moment: &AtomicU32| moment.load(Ordering::Relaxed).checked_sub(1).map(|at| Stamp(at).to_ms());
    (ms(&moments.resized), ms(&moments.moved))
}
