//! How much of the process lies in memory, as the kernel counts it.
//!
//! Read from `statm`, of which a reading takes about a microsecond and walks nothing. The kernel adds up lazily: what a thread
//! (before Linux 6.2) or a processor (since) has not told yet, some 64 pages each, is missing or too much.

use crate::kernel_account::number;
use crate::{pages, system_call};

/// The process's `statm`, open in the observer's own table of files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statm(i32);

impl Statm {
    /// By this thread's name: that of the process has no memory once its first thread has ended.
    pub(crate) fn open() -> Option<Statm> {
        system_call::open(None, c"/proc/thread-self/statm").map(Statm)
    }

    /// Resident bytes now; `None`: the kernel does not say.
    pub(crate) fn read(self) -> Option<u64> {
        let mut place = [0; 256];
        resident(system_call::read_from_start(self.0, &mut place)?)
    }
}

/// Resident bytes now, for a thread of the program's; `None`: the kernel does not say.
pub(crate) fn bytes() -> Option<u64> {
    resident(&std::fs::read("/proc/thread-self/statm").ok()?)
}

/// Pages, of which the second number is the resident ones (proc_pid_statm(5)). None at all: the memory is gone already.
fn resident(text: &[u8]) -> Option<u64> {
    let (_, rest) = number(text)?;
    let (pages, _) = number(rest.strip_prefix(b" ")?)?;
    if pages == 0 {
        return None;
    }
    pages.checked_mul(pages::page_bytes()? as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_number_is_what_is_resident() {
        let page_bytes = pages::page_bytes().expect("a page has a size") as u64;
        assert_eq!(resident(b"1234 56 7 8 0 9 0\n"), Some(56 * page_bytes));
        // A process without memory is one that ends, and no text that is cut off says anything.
        for text in [&b"0 0 0 0 0 0 0\n"[..], b"1234", b"1234 ", b"", b"1234 18446744073709551615"] {
            assert_eq!(resident(text), None);
        }
    }
}
