//! Whether and how this process records, decided once, at the first event.
//!
//! `MEMSCOPE_MODE` and `MEMSCOPE_SAMPLE_BYTES` win over what the binary asked for. They are read through libc, for
//! reading them must not allocate.

use crate::stderr_line;
use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// How a program may be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// The allocator forwards; nothing is recorded.
    Off,
    /// Every block is recorded (needs the feature `live`).
    Live,
    /// Blocks are sampled by bytes (needs the feature `sampling`).
    Sampling {
        /// Mean distance between two samples, in bytes ([`Mode::DEFAULT_MEAN_BYTES`] unless there is a reason for
        /// another); 0: every block is in the sample.
        mean_bytes: u64,
    },
}

impl Mode {
    /// Mean distance between two samples unless told otherwise: 512 KiB, as jemalloc has it, at which a program that
    /// allocates 1 GB/s draws 2,000 samples a second.
    pub const DEFAULT_MEAN_BYTES: u64 = 512 << 10;
    /// The mode that a program starts in unless it asks for another: the cheapest that is compiled in.
    pub(crate) const DEFAULT: Mode =
        if SAMPLING { Mode::Sampling { mean_bytes: Mode::DEFAULT_MEAN_BYTES } } else { Mode::Live };
}

/// Whether a mode is compiled in.
pub(crate) const LIVE: bool = cfg!(feature = "live");
pub(crate) const SAMPLING: bool = cfg!(feature = "sampling");

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decided {
    Off,
    Live,
    Sampling,
}

const UNDECIDED: u8 = 0;
const OFF: u8 = 1;
const LIVE_MODE: u8 = 2;
const SAMPLING_MODE: u8 = 3;

// Relaxed: the value is decided from constants and the environment, so that every thread decides the same.
static DECIDED: AtomicU8 = AtomicU8::new(UNDECIDED);
/// What the allocator asks for, in the same numbers; the default until it has asked.
static ASKED: AtomicU8 = AtomicU8::new(number(Mode::DEFAULT));
/// Mean distance between samples, as asked for at the start.
static MEAN_BYTES: AtomicU64 = AtomicU64::new(Mode::DEFAULT_MEAN_BYTES);
static ALLOCATOR_INSTALLED: AtomicBool = AtomicBool::new(false);

const fn number(mode: Mode) -> u8 {
    match mode {
        Mode::Off => OFF,
        Mode::Live => LIVE_MODE,
        Mode::Sampling { .. } => SAMPLING_MODE,
    }
}

/// A [`Mode`] in one word, as an allocator keeps it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked(u64);

impl Asked {
    /// The mode's number, above it the mean distance. 2^56 bytes is more than any program allocates.
    pub(crate) const fn of(mode: Mode) -> Asked {
        let mean_bytes = match mode {
            Mode::Sampling { mean_bytes } => mean_bytes,
            Mode::Off | Mode::Live => 0,
        };
        let most = u64::MAX >> 8;
        Asked((if mean_bytes < most { mean_bytes } else { most }) << 8 | number(mode) as u64)
    }
}

/// Notes that memscope's allocator serves this program, and what it was built to do.
pub(crate) fn allocator_asks(Asked(word): Asked) {
    ALLOCATOR_INSTALLED.store(true, Ordering::Relaxed);
    if word as u8 == SAMPLING_MODE {
        MEAN_BYTES.store(word >> 8, Ordering::Relaxed);
    }
    ASKED.store(word as u8, Ordering::Relaxed);
}

pub(crate) fn allocator_is_installed() -> bool {
    ALLOCATOR_INSTALLED.load(Ordering::Relaxed)
}

pub(crate) fn is_recording() -> bool {
    decided() != Decided::Off
}

#[cfg(feature = "sampling")]
/// Mean distance between samples at the start. Known once the mode is decided.
pub(crate) fn first_mean_bytes() -> u64 {
    MEAN_BYTES.load(Ordering::Relaxed)
}

pub(crate) fn decided() -> Decided {
    match DECIDED.load(Ordering::Relaxed) {
        UNDECIDED => decide(),
        decided => told(decided),
    }
}

fn told(number: u8) -> Decided {
    match number {
        LIVE_MODE => Decided::Live,
        SAMPLING_MODE => Decided::Sampling,
        _ => Decided::Off,
    }
}

#[cold]
fn decide() -> Decided {
    let asked = ASKED.load(Ordering::Relaxed);
    let (wanted, unknown) = match variable(c"MEMSCOPE_MODE") {
        None | Some(b"") => (asked, None),
        Some(b"off") => (OFF, None),
        Some(b"live") => (LIVE_MODE, None),
        Some(b"sampling") => (SAMPLING_MODE, None),
        Some(_) => (asked, Some("memscope: MEMSCOPE_MODE is none of off, live, sampling; it is ignored\n")),
    };
    let (decided, missing) = match wanted {
        LIVE_MODE if !LIVE => (
            number(Mode::DEFAULT),
            Some(
                "memscope: the mode live is not compiled in; enable memscope's feature `live`. Sampling instead\n",
            ),
        ),
        SAMPLING_MODE if !SAMPLING => (
            number(Mode::DEFAULT),
            Some(
                "memscope: the mode sampling is not compiled in; enable memscope's feature `sampling`. \
                 Recording every block instead\n",
            ),
        ),
        wanted => (wanted, None),
    };
    let (mean_bytes, no_number) = match variable(c"MEMSCOPE_SAMPLE_BYTES") {
        None | Some(b"") => (None, None),
        Some(digits) => match parsed(digits) {
            Some(bytes) => (Some(bytes), None),
            None => (
                None,
                Some(
                    "memscope: MEMSCOPE_SAMPLE_BYTES is no number of bytes, such as 524288; it is ignored\n",
                ),
            ),
        },
    };
    if let Some(bytes) = mean_bytes {
        MEAN_BYTES.store(bytes, Ordering::Relaxed);
    }
    if DECIDED.compare_exchange(UNDECIDED, decided, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        for text in [unknown, missing, no_number].into_iter().flatten() {
            stderr_line::write(text.as_bytes());
        }
    }
    told(DECIDED.load(Ordering::Relaxed))
}

/// A variable of the environment, as it is at this moment.
fn variable(name: &CStr) -> Option<&'static [u8]> {
    // SAFETY: the name is a C string. The value is read at once and not kept; who changes the environment while
    // other threads run breaks `getenv` for everybody.
    let value = unsafe { libc::getenv(name.as_ptr()) };
    // SAFETY: `getenv` gives null or a C string.
    (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) }.to_bytes())
}

/// A decimal number.
fn parsed(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |value, &digit| {
        let digit = digit.checked_sub(b'0').filter(|&digit| digit < 10)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_bytes_is_read_without_allocating() {
        assert_eq!(parsed(b"524288"), Some(524_288));
        assert_eq!(parsed(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parsed(b"0"), Some(0));
        for wrong in [&b"18446744073709551616"[..], b"-1", b"5k", b" 5"] {
            assert_eq!(parsed(wrong), None, "{wrong:?}");
        }
    }
}
