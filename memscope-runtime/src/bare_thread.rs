//! A thread that the C library does not know.
//!
//! glibc's `malloc`, and much else in it, takes no lock and no atomic instruction in a process of one thread. A second
//! thread that only sleeps makes programs of one thread slower by what that saves: serde_json by a quarter
//! (docs/performance.md). So the observer must not be such a second thread: it is started by `clone`, and libc goes on
//! as before.
//!
//! ```text
//! area: │ stack, downwards ←────── top │ thread-locals of nobody, zero │ control block: pointers to itself, zero │
//! ```
//!
//! What libc does not know it must not serve. So the thread's function calls nothing that allocates, locks, reads a
//! thread-local or can panic; it makes system calls itself (`system_call.rs`). Were
//! it to read a thread-local after all (an instrumented build does), it would find zeros of its own. All signals are
//! blocked in it: the program's handlers run on the program's threads.
//!
//! Elsewhere than on x86-64 Linux, and where `clone` refuses, the caller starts an ordinary thread.

use std::ffi::{c_int, c_void};

/// The thread's function; it never returns.
pub(crate) type Run = extern "C" fn(*mut c_void) -> c_int;

/// Starts a thread that runs `run`; false where that cannot be. One at a time: its stack is there once.
///
/// # Safety
/// `run` does not return, and keeps to what this file's head allows.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) unsafe fn spawn(run: Run) -> bool {
    use crate::pages;
    use std::mem::MaybeUninit;
    use std::ptr;
    use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

    /// The observer's deepest call takes less than 1 KiB in a debug build.
    const STACK_WORDS: usize = (128 << 10) / size_of::<usize>();
    const LOCALS_WORDS: usize = (64 << 10) / size_of::<usize>();
    /// glibc's `struct pthread` has 2,304 bytes.
    const CONTROL_WORDS: usize = (16 << 10) / size_of::<usize>();
    /// A fork's child has no such thread any more, and uses its place again.
    static AREA: AtomicPtr<AtomicUsize> = AtomicPtr::new(ptr::null_mut());

    if AREA.load(Ordering::Relaxed).is_null() {
        // SAFETY: atomics, for which zero is valid.
        let fresh = unsafe { pages::zeroed_slice::<AtomicUsize>(STACK_WORDS + LOCALS_WORDS + CONTROL_WORDS) };
        let Some(fresh) = fresh else { return false };
        AREA.store(fresh.as_ptr().cast_mut(), Ordering::Relaxed);
    }
    let area = AREA.load(Ordering::Relaxed);
    let (stack_top, control) =
        (area.wrapping_add(STACK_WORDS), area.wrapping_add(STACK_WORDS + LOCALS_WORDS));
    // The x86-64 ABI of thread-locals: the word at the thread pointer is the thread pointer; glibc's is at 16 too.
    for word in [0, 2] {
        // SAFETY: the control block lies in the area.
        unsafe { &*control.wrapping_add(word) }.store(control.addr(), Ordering::Relaxed);
    }
    // All that glibc says for a thread of its own, but nothing that would have it told of the end.
    let flags = libc::CLONE_VM
        | libc::CLONE_FS
        | libc::CLONE_FILES
        | libc::CLONE_SIGHAND
        | libc::CLONE_THREAD
        | libc::CLONE_SYSVSEM
        | libc::CLONE_SETTLS;
    let mut all = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: the sets are places for the answers, and `sigfillset` writes the one that is read. The new thread has a
    // stack of its own, which is aligned to 64 bytes, and a control block of its own; the caller answers for `run`.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        if libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) != 0 {
            return false;
        }
        let nobody = ptr::null_mut::<libc::pid_t>();
        let thread = libc::clone(
            run,
            stack_top.cast(),
            flags,
            ptr::null_mut(),
            nobody,
            control.cast::<c_void>(),
            nobody,
        );
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut());
        thread != -1
    }
}

/// Elsewhere there is no such thread.
///
/// # Safety
/// None is needed.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub(crate) unsafe fn spawn(_: Run) -> bool {
    false
}
