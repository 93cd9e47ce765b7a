//! `SIGINT` and `SIGTERM`, taken while a session wants them.
//!
//! The handler sets a flag, wakes the watcher, and calls the handler that was there, if one was. Everything else is the
//! watcher's, an ordinary thread.
//!
//! ```text
//!   action before    on a signal
//!   default          flag → watcher: default action back, end written, signal raised again
//!   ignored          (not taken)
//!   a handler        flag → watcher: state written; and the handler is called at once
//! ```
//!
//! Orderings: what a signal needs is written before its handler is installed; the flags are the watcher's word.

use super::watcher;
use memscope_runtime::Side;
use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

const TAKEN: [c_int; 2] = [libc::SIGINT, libc::SIGTERM];

/// A signal that may be taken.
struct Slot {
    is_taken: AtomicBool,
    has_come: AtomicBool,
    /// Times it came since it was taken, where its default action stood.
    times: AtomicU32,
    /// The action before; written before the handler is installed, and only while it is not.
    before: UnsafeCell<MaybeUninit<libc::sigaction>>,
}

// SAFETY: `before` is written under the list's turn while no handler of ours is installed, and read after.
unsafe impl Sync for Slot {}

static SLOTS: [Slot; TAKEN.len()] = [const {
    Slot {
        is_taken: AtomicBool::new(false),
        has_come: AtomicBool::new(false),
        times: AtomicU32::new(0),
        before: UnsafeCell::new(MaybeUninit::uninit()),
    }
}; TAKEN.len()];

/// One thread at a time takes signals or gives them back.
static TURN: parking_lot::Mutex<()> = parking_lot::Mutex::new(());

type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void);

fn slot(signal: c_int) -> Option<&'static Slot> {
    TAKEN.iter().position(|&taken| taken == signal).map(|index| &SLOTS[index])
}

fn action(signal: c_int) -> Option<libc::sigaction> {
    let mut now = MaybeUninit::uninit();
    // SAFETY: it only asks.
    let answered = unsafe { libc::sigaction(signal, std::ptr::null(), now.as_mut_ptr()) } == 0;
    // SAFETY: it was answered.
    answered.then(|| unsafe { now.assume_init() })
}

fn is_ours(action: &libc::sigaction) -> bool {
    action.sa_sigaction == on_signal as Handler as usize
}

/// Takes the signals that are not ignored and not taken.
pub(super) fn take() {
    let _turn = TURN.lock();
    for (signal, slot) in TAKEN.into_iter().zip(&SLOTS) {
        let Some(before) = action(signal).filter(|now| !is_ours(now)) else { continue };
        // One that ours was exchanged for may call ours; its own `before` must stay what it is.
        if before.sa_sigaction == libc::SIG_IGN || slot.is_taken.load(Ordering::Acquire) {
            continue;
        }
        // SAFETY: no handler of ours is installed, and it is this thread's turn.
        unsafe { slot.before.get().write(MaybeUninit::new(before)) };
        slot.times.store(0, Ordering::Relaxed);
        slot.is_taken.store(true, Ordering::Release);
        // SAFETY: all bits zero is a valid action.
        let mut ours: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        ours.sa_sigaction = on_signal as Handler as usize;
        // A handler before may count on its own mask, on its stack, and on calls that are interrupted, or not.
        ours.sa_mask = before.sa_mask;
        ours.sa_flags = match before.sa_sigaction {
            libc::SIG_DFL => libc::SA_RESTART | libc::SA_ONSTACK,
            _ => before.sa_flags,
        } | libc::SA_SIGINFO;
        // SAFETY: the handler does what a handler may.
        unsafe { libc::sigaction(signal, &ours, std::ptr::null_mut()) };
    }
}

/// Puts back the actions that were there, where nobody has installed another one since.
pub(super) fn give_back() {
    let _turn = TURN.lock();
    for (signal, slot) in TAKEN.into_iter().zip(&SLOTS) {
        if slot.is_taken.load(Ordering::Acquire) && action(signal).is_some_and(|now| is_ours(&now)) {
            // SAFETY: it is taken, so the action before was written.
            unsafe { libc::sigaction(signal, slot.before().as_ptr(), std::ptr::null_mut()) };
            slot.is_taken.store(false, Ordering::Release);
        }
    }
}

/// Holds still who takes signals, for a fork.
pub(super) fn lock_for_fork() {
    std::mem::forget(TURN.lock());
}

/// Lets it go on.
///
/// # Safety
/// [`lock_for_fork`] was called before, by this thread or by the one whose fork it is in.
pub(super) unsafe fn unlock(side: Side) {
    // SAFETY: the caller's promise is handed on.
    unsafe { memscope_runtime::unlock(&TURN, side) };
}

impl Slot {
    fn before(&self) -> MaybeUninit<libc::sigaction> {
        // SAFETY: written before `is_taken` was set, and not since.
        unsafe { self.before.get().read() }
    }
}

extern "C" fn on_signal(signal: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let Some(slot) = slot(signal) else { return };
    if !slot.is_taken.load(Ordering::Acquire) {
        return; // given back at this very moment, or called by a handler that kept it
    }
    // SAFETY: it is taken, so the action before was written.
    let before = unsafe { slot.before().assume_init() };
    if before.sa_sigaction == libc::SIG_DFL && slot.times.fetch_add(1, Ordering::Relaxed) > 0 {
        // Again, while the end is being written: somebody wants the program to end.
        raise_by_default(signal);
        return;
    }
    slot.has_come.store(true, Ordering::Release);
    watcher::wake();
    if before.sa_sigaction == libc::SIG_DFL {
        return;
    }
    let handler = std::ptr::with_exposed_provenance::<()>(before.sa_sigaction);
    // SAFETY: a handler of the program's, called as the system would have.
    unsafe {
        if before.sa_flags & libc::SA_SIGINFO != 0 {
            let handler: Handler = std::mem::transmute(handler);
            handler(signal, info, context);
        } else {
            let handler: extern "C" fn(c_int) = std::mem::transmute(handler);
            handler(signal);
        }
    }
}

/// A signal that has come and was not served.
pub(super) struct Come {
    signal: c_int,
    /// Whether the program ends by it.
    pub(super) ends: bool,
}

/// The next signal that has come.
pub(super) fn next() -> Option<Come> {
    let (signal, slot) =
        TAKEN.into_iter().zip(&SLOTS).find(|(_, slot)| slot.has_come.swap(false, Ordering::Acquire))?;
    // SAFETY: it came, so it was taken, and the action before was written.
    let before = unsafe { slot.before().assume_init() };
    Some(Come { signal, ends: before.sa_sigaction == libc::SIG_DFL })
}

impl Come {
    /// Ends the program as the signal would have.
    pub(super) fn raise(&self) {
        raise_by_default(self.signal);
    }
}

fn raise_by_default(signal: c_int) {
    // SAFETY: all of it may be done in a handler; zero is a valid action, the default one.
    unsafe {
        let mut default: libc::sigaction = MaybeUninit::zeroed().assume_init();
        default.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(signal, &default, std::ptr::null_mut());
        let mut only = MaybeUninit::uninit();
        libc::sigemptyset(only.as_mut_ptr());
        libc::sigaddset(only.as_mut_ptr(), signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, only.as_ptr(), std::ptr::null_mut());
        libc::raise(signal);
    }
}
