//! The one thread that waits: for a signal, and for the next time that a session is to be written.
//!
//! It runs while a session wants either, and starts no sooner: see [`session()`](super::session()) on what a second thread
//! costs. All signals are blocked in it, so the program's handlers run on the program's threads.

use super::recording::{self, Recording};
use super::signals;
use crate::quiet_thread;
use memscope_runtime::Side;
use memscope_runtime::stderr_line::say;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Whether the thread runs.
static RUNS: Mutex<bool> = Mutex::new(false);

/// Changes with every reason to look. Relaxed would do for the count; who waits reads it before it looks at anything.
static REASONS: AtomicU32 = AtomicU32::new(0);

/// Wakes the thread. A signal's handler may call it.
pub(super) fn wake() {
    REASONS.fetch_add(1, Ordering::Release);
    // SAFETY: the word is a static; it wakes whoever waits for it.
    #[cfg(target_os = "linux")]
    unsafe {
        let errno = *libc::__errno_location();
        let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
        libc::syscall(libc::SYS_futex, REASONS.as_ptr(), operation, i32::MAX);
        *libc::__errno_location() = errno;
    }
}

/// Waits until [`wake`] was called after `seen` was read, or for so long.
fn wait(seen: u32, timeout: Option<Duration>) {
    #[cfg(target_os = "linux")]
    {
        let timeout = timeout.map(|timeout| libc::timespec {
            tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
        // SAFETY: the word is a static, and the time is null or lives until the call returns.
        unsafe { libc::syscall(libc::SYS_futex, REASONS.as_ptr(), operation, seen, timeout) };
    }
    #[cfg(not(target_os = "linux"))]
    {
        const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
        if REASONS.load(Ordering::Acquire) == seen {
            std::thread::sleep(timeout.map_or(BETWEEN_LOOKS, |timeout| timeout.min(BETWEEN_LOOKS)));
        }
    }
}

fn is_wanted() -> bool {
    recording::any(|recording| recording.is_on_signals() || recording.due_in().is_some())
}

/// Starts the thread if a session wants it, and has it look anew if it runs.
pub(super) fn look() {
    let mut runs = RUNS.lock();
    if *runs {
        drop(runs);
        wake();
        return;
    }
    if !is_wanted() {
        return;
    }
    match quiet_thread::spawn("memscope-session", run) {
        Ok(_) => *runs = true,
        Err(error) => {
            // Without the thread nobody would serve a signal that was taken.
            signals::give_back();
            say(&format!(
                "no thread for the session: {error}; it is written when the program ends by itself"
            ));
        }
    }
}

fn run() {
    let _own = memscope_runtime::own_work();
    loop {
        let seen = REASONS.load(Ordering::Acquire);
        while let Some(come) = signals::next() {
            for recording in recording::all().iter().filter(|recording| recording.is_on_signals()) {
                report(if come.ends { recording.end() } else { recording.flush() });
            }
            if come.ends {
                come.raise();
            }
        }
        for recording in
            recording::all().iter().filter(|recording| recording.due_in() == Some(Duration::ZERO))
        {
            report(recording.flush());
        }
        let mut runs = RUNS.lock();
        if !is_wanted() {
            *runs = false;
            return;
        }
        drop(runs);
        wait(seen, recording::all().iter().filter_map(|recording| Recording::due_in(recording)).min());
    }
}

fn report(written: Result<(), crate::export::ExportError>) {
    if let Err(error) = written {
        say(&error.to_string());
    }
}

/// Notes that this process has no such thread: it is a fork's child.
pub(super) fn is_gone() {
    *RUNS.lock() = false;
}

/// Holds the thread's start and end still, for a fork.
pub(super) fn lock_for_fork() {
    std::mem::forget(RUNS.lock());
}

/// Lets them go on.
///
/// # Safety
/// [`lock_for_fork`] was called before, by this thread or by the one whose fork it is in.
pub(super) unsafe fn unlock(side: Side) {
    // SAFETY: the caller's promise is handed on.
    unsafe { memscope_runtime::unlock(&RUNS, side) };
}
