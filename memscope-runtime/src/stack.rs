//! How far down the program's stack a walk may go.
//!
//! A value may be as deep as the program likes (a list of boxes), and a walk follows it by recursion, on a stack that is
//! the program's. A walk that would come near the stack's end stops and is incomplete.

use std::cell::Cell;
use std::hint::black_box;

/// Bytes that any thread is taken to have left.
const UNASKED_BYTES: usize = 16 << 10;

/// Bytes that are left for what runs between two tests of the stack, and for the hook below it.
const RESERVE_BYTES: usize = 64 << 10;

/// The stack that a walk may use.
#[derive(Debug)]
pub(crate) struct Allowance {
    began_at: usize,
    /// The lowest address that it may reach; `None`: not asked for yet.
    lowest: Option<usize>,
}

impl Allowance {
    /// From here downwards.
    pub(crate) fn here() -> Self {
        Allowance { began_at: position(), lowest: None }
    }

    /// Whether the walk is to go no deeper.
    pub(crate) fn is_spent(&mut self) -> bool {
        let position = position();
        if self.began_at.wrapping_sub(position) < UNASKED_BYTES {
            return false;
        }
        let began_at = self.began_at;
        position < *self.lowest.get_or_insert_with(|| lowest(began_at))
    }
}

/// An address in the caller's frame, about.
#[inline(never)]
fn position() -> usize {
    let mark = 0u8;
    std::ptr::from_ref(black_box(&mark)).addr()
}

/// The lowest address for a walk that began at `began_at`. On a stack that is not the thread's own (a coroutine's) it is
/// not known how much there is, so no more than what any stack is taken to have.
fn lowest(began_at: usize) -> usize {
    match thread_stack() {
        Some((low, high)) if (low..high).contains(&began_at) => low + RESERVE_BYTES,
        _ => began_at - UNASKED_BYTES,
    }
}

/// The lowest and the highest address of this thread's stack.
fn thread_stack() -> Option<(usize, usize)> {
    thread_local! {
        static STACK: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
    }
    if STACK.get().is_none() {
        STACK.set(ask_for_stack());
    }
    STACK.get()
}

#[cfg(target_os = "linux")]
fn ask_for_stack() -> Option<(usize, usize)> {
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: `attributes` is written by the call, which says so by its result.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let (mut low, mut bytes) = (std::ptr::null_mut(), 0);
    // SAFETY: the attributes were written above.
    let result = unsafe { libc::pthread_attr_getstack(attributes.as_ptr(), &mut low, &mut bytes) };
    // SAFETY: they are not used again.
    unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
    (result == 0).then(|| (low.addr(), low.addr() + bytes))
}

#[cfg(not(target_os = "linux"))]
fn ask_for_stack() -> Option<(usize, usize)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goes down 1 KiB a step until the allowance says to stop, and returns how many steps it took.
    fn descend(allowance: &mut Allowance) -> usize {
        let frame = black_box([0u8; 1024]);
        if allowance.is_spent() {
            return 0;
        }
        let below = descend(allowance);
        below + 1 + usize::from(black_box(frame)[0])
    }

    #[test]
    fn a_walk_uses_most_of_the_stack_and_not_all_of_it() {
        for kibibytes in [128, 1024] {
            let thread = std::thread::Builder::new().stack_size(kibibytes << 10);
            let steps = thread.spawn(|| descend(&mut Allowance::here())).expect("a thread").join();
            let steps = steps.expect("it did not overflow");
            // A step is the frame of 1 KiB and, in a debug build, up to 3 copies of it. A thread's stack is some pages longer
            // than was asked for (its least size and its guard are added), so what is kept back is seen from below alone.
            let (asked, least) = (kibibytes << 10, (kibibytes << 10) - RESERVE_BYTES);
            assert!((least / 5120..asked / 1024).contains(&steps), "{steps} steps on {kibibytes} KiB");
        }
    }
}
