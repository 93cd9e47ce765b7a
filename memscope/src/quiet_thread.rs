//! A thread of ours that no signal reaches: the program's handlers run on the program's threads.

use std::io;
use std::mem::MaybeUninit;
use std::thread::{Builder, JoinHandle};

/// Starts a thread in which all signals are blocked. Call it under [`own_work`](memscope_runtime::own_work).
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    // The new thread inherits the mask.
    let before = mask_all();
    let started = Builder::new().name(name.to_owned()).spawn(run);
    if let Some(before) = before {
        // SAFETY: it is the mask that was.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut()) };
    }
    started
}

fn mask_all() -> Option<libc::sigset_t> {
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: the sets are places for the answers, and `sigfillset` writes the one that is read.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        let masked = libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) == 0;
        masked.then(|| before.assume_init())
    }
}
