//! `process::exit`, the return from `main`, and panics.

use super::recording::{self, Recording};
use memscope_runtime::stderr_line::say;
use std::sync::Once;
use std::time::Duration;

/// A program that panics in a loop, and catches it, is written so often at most.
const BETWEEN_PANICS: Duration = Duration::from_secs(1);

/// Makes exits and panics known.
pub(super) fn learn() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the function stays valid, and takes what it needs from statics.
        if unsafe { libc::atexit(at_exit) } != 0 {
            say("the C library takes no more exit handlers; process::exit will not write the session");
        }
        if std::thread::panicking() {
            return; // hooks cannot be exchanged then; the guard's drop writes
        }
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            before(info);
            at_panic();
        }));
    });
}

extern "C" fn at_exit() {
    // An exit within memscope's own work (a callback that it called, a handler that interrupted it) may hold its locks.
    if memscope_runtime::is_own_work() {
        return;
    }
    let _own = memscope_runtime::own_work();
    for recording in recording::all().iter().filter(|recording| recording.is_on_exit()) {
        if let Err(error) = recording.end() {
            say(&error.to_string());
        }
    }
}

fn at_panic() {
    if memscope_runtime::is_own_work() {
        return;
    }
    let _own = memscope_runtime::own_work();
    for recording in recording::all().iter().filter(|recording| Recording::is_on_exit(recording)) {
        if let Err(error) = recording.flush_if_older(BETWEEN_PANICS) {
            say(&error.to_string());
        }
    }
}
