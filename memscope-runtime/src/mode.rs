//! Whether this process records, decided once, at the first event.
//!
//! `MEMSCOPE_MODE` wins over what the binary asked for. It is read through libc, for reading it must not allocate.

use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// How a program may be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// The allocator forwards; nothing is recorded.
    Off,
    /// Every block is recorded.
    Live,
}

const UNDECIDED: u8 = 0;
const OFF: u8 = 1;
const LIVE: u8 = 2;

// Relaxed: the value is decided from constants and the environment, so that every thread decides the same.
static DECIDED: AtomicU8 = AtomicU8::new(UNDECIDED);
static ASKED_OFF: AtomicBool = AtomicBool::new(false);
static ALLOCATOR_INSTALLED: AtomicBool = AtomicBool::new(false);

/// Notes that memscope's allocator serves this program, and what it was built to do.
pub(crate) fn allocator_asks(mode: Mode) {
    ALLOCATOR_INSTALLED.store(true, Ordering::Relaxed);
    ASKED_OFF.store(mode == Mode::Off, Ordering::Relaxed);
}

pub(crate) fn allocator_is_installed() -> bool {
    ALLOCATOR_INSTALLED.load(Ordering::Relaxed)
}

pub(crate) fn is_recording() -> bool {
    match DECIDED.load(Ordering::Relaxed) {
        UNDECIDED => decide() == LIVE,
        decided => decided == LIVE,
    }
}

#[cold]
fn decide() -> u8 {
    let asked = if ASKED_OFF.load(Ordering::Relaxed) { OFF } else { LIVE };
    // SAFETY: the name is a C string. The value is read at once and not kept; who changes the environment while
    // other threads run breaks `getenv` for everybody.
    let value = unsafe { libc::getenv(c"MEMSCOPE_MODE".as_ptr()) };
    let (decided, warning): (u8, Option<&str>) = if value.is_null() {
        (asked, None)
    } else {
        // SAFETY: `getenv` gives null or a C string.
        match unsafe { CStr::from_ptr(value) }.to_bytes() {
            b"" => (asked, None),
            b"off" => (OFF, None),
            b"live" => (LIVE, None),
            b"sampling" => (
                asked,
                Some(
                    "memscope: MEMSCOPE_MODE=sampling: this version has no sampling mode; use live or off\n",
                ),
            ),
            _ => (asked, Some("memscope: MEMSCOPE_MODE is neither off nor live; it is ignored\n")),
        }
    };
    if DECIDED.compare_exchange(UNDECIDED, decided, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        if let Some(text) = warning {
            // SAFETY: the range is that of a string. A closed stderr loses the warning and nothing else.
            unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
        }
    }
    DECIDED.load(Ordering::Relaxed)
}
