//! Words of the process's own memory that another thread may unmap at any moment.
//!
//! A load from an unmapped page kills the program; `process_vm_readv` on the own process answers `EFAULT`. (Reading
//! `/proc/self/mem` would too, but takes one call for each range; a forked child that reads would copy the page tables
//! of the whole heap first, and each page that the program writes meanwhile.) One call reads many ranges, and words of
//! one page are one range: 10^6 blocks of 32 bytes take some 8,000 ranges.

use std::io;

/// Ranges that one call reads: the kernel's limit (`UIO_MAXIOV`).
const MOST_RANGES: usize = 1024;
/// Bytes that one call reads. With blocks on every page that is 64 pages, and a call costs little beside them.
const MOST_BYTES: usize = 256 << 10;
/// Ranges end with their page, be it the smallest that the system may have: so what is unmapped takes no other along.
const PAGE_BYTES: usize = 4096;
const WORD_BYTES: usize = size_of::<u64>();

/// Words that are read together.
pub(crate) struct Peek {
    ranges: Vec<Range>,
    remote: Vec<libc::iovec>,
    words: Vec<Word>,
    buffer: Vec<u8>,
}

/// Addresses of one page.
struct Range {
    start: usize,
    bytes: usize,
    /// Where it is in the buffer.
    at: usize,
    was_read: bool,
}

#[derive(Clone, Copy)]
struct Word {
    range: usize,
    /// Where it is in the buffer.
    at: usize,
}

/// The kernel lets the process not read its own memory in this way.
#[derive(Debug)]
pub(crate) struct Refused;

impl Peek {
    pub(crate) fn new() -> Peek {
        Peek {
            ranges: Vec::with_capacity(MOST_RANGES),
            remote: Vec::with_capacity(MOST_RANGES),
            words: Vec::new(),
            buffer: Vec::with_capacity(MOST_BYTES),
        }
    }

    /// Asks for the word at an address that is a multiple of 8. Ascending addresses make few ranges. False: there is no
    /// room for it before the next [`Peek::read`].
    pub(crate) fn ask(&mut self, address: usize) -> bool {
        let last = self.ranges.len().wrapping_sub(1);
        if let Some(range) = self.ranges.last_mut() {
            if address >= range.start && address / PAGE_BYTES == range.start / PAGE_BYTES {
                range.bytes = range.bytes.max(address - range.start + WORD_BYTES);
                self.words.push(Word { range: last, at: range.at + address - range.start });
                return true;
            }
        }
        let at = self.ranges.last().map_or(0, |range| range.at + range.bytes);
        if self.ranges.len() == MOST_RANGES || at + PAGE_BYTES > MOST_BYTES {
            return false;
        }
        self.words.push(Word { range: self.ranges.len(), at });
        self.ranges.push(Range { start: address, bytes: WORD_BYTES, at, was_read: false });
        true
    }

    /// Reads what was asked for, calls `each` with the words in the order of asking, `None` for one that is not mapped,
    /// and forgets them.
    pub(crate) fn read(&mut self, mut each: impl FnMut(Option<u64>)) -> Result<(), Refused> {
        let outcome = self.fill();
        for &Word { range, at } in &self.words {
            let was_read = self.ranges.get(range).is_some_and(|range| range.was_read);
            let bytes = self.buffer.get(at..at + WORD_BYTES).and_then(|bytes| bytes.try_into().ok());
            each(bytes.filter(|_| was_read).map(u64::from_ne_bytes));
        }
        self.ranges.clear();
        self.words.clear();
        outcome
    }

    fn fill(&mut self) -> Result<(), Refused> {
        let all = self.ranges.last().map_or(0, |range| range.at + range.bytes);
        self.buffer.resize(all, 0);
        self.remote.clear();
        self.remote.extend(self.ranges.iter().map(|range| libc::iovec {
            iov_base: std::ptr::without_provenance_mut(range.start),
            iov_len: range.bytes,
        }));
        let mut first = 0;
        while let Some(from) = self.ranges.get(first).map(|range| range.at) {
            let local =
                libc::iovec { iov_base: self.buffer[from..].as_mut_ptr().cast(), iov_len: all - from };
            let remote = &self.remote[first..];
            // SAFETY: the kernel writes to the buffer, which is that long, and checks all addresses that it reads.
            let read = unsafe {
                libc::process_vm_readv(
                    libc::getpid(),
                    &raw const local,
                    1,
                    remote.as_ptr(),
                    remote.len() as libc::c_ulong,
                    0,
                )
            };
            if read < 0 && io::Error::last_os_error().raw_os_error() != Some(libc::EFAULT) {
                return Err(Refused);
            }
            let end = from + usize::try_from(read).unwrap_or(0);
            let rest = &mut self.ranges[first..];
            let whole = rest.iter().take_while(|range| range.at + range.bytes <= end).count();
            rest[..whole].iter_mut().for_each(|range| range.was_read = true);
            first += whole + 1; // the one after them is not mapped
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(peek: &mut Peek) -> Vec<Option<u64>> {
        let mut words = Vec::new();
        peek.read(|word| words.push(word)).expect("a process may read its own memory");
        words
    }

    #[test]
    fn what_is_mapped_is_read_and_what_is_not_takes_nothing_along() {
        let pages = 5;
        // SAFETY: a fresh anonymous mapping, of which one page is given back.
        let start = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let start = libc::mmap(
                std::ptr::null_mut(),
                pages * PAGE_BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                flags,
                -1,
                0,
            );
            assert_ne!(start, libc::MAP_FAILED);
            for word in 0..pages * PAGE_BYTES / WORD_BYTES {
                start.cast::<u64>().add(word).write(word as u64);
            }
            libc::munmap(start.byte_add(2 * PAGE_BYTES), PAGE_BYTES);
            start
        };
        let word_at = |index: usize| start.addr() + index * WORD_BYTES;
        let mut peek = Peek::new();
        // Two words of the first page, the last of the second, two of the page that is gone, the first of the fourth,
        // one back in the first, and one that no process may read.
        for index in [0, 3, 1023, 1024, 1535, 1536, 7] {
            assert!(peek.ask(word_at(index)));
        }
        assert!(peek.ask(usize::MAX - 7));
        let expected = [Some(0), Some(3), Some(1023), None, None, Some(1536), Some(7), None];
        assert_eq!(words(&mut peek), expected);
        // Asked for once more, nothing is left of the first time; without anything to read nothing is.
        assert!(peek.ask(word_at(2048)));
        assert_eq!(words(&mut peek), [Some(2048)]);
        assert_eq!(words(&mut peek), []);
        // SAFETY: the mapping is the test's own, and a hole in it is none of anybody's yet, or no longer.
        unsafe {
            libc::munmap(start, 2 * PAGE_BYTES);
            libc::munmap(start.byte_add(3 * PAGE_BYTES), 2 * PAGE_BYTES);
        }
    }

    #[test]
    fn a_batch_has_an_end() {
        let mut peek = Peek::new();
        let asked = (0..2 * MOST_RANGES).take_while(|page| peek.ask(page * PAGE_BYTES)).count();
        // One word of a page each: as many ranges as the kernel takes.
        assert_eq!(asked, MOST_RANGES);
        assert!(words(&mut peek).len() == MOST_RANGES);
        // Whole pages: the buffer ends first, at 64 of them, the last of which is known to be full only with its last
        // word.
        let asked = (0..usize::MAX).step_by(WORD_BYTES).take_while(|&address| peek.ask(address)).count();
        assert_eq!(asked, MOST_BYTES / WORD_BYTES);
        assert!(words(&mut peek).iter().take(512).all(Option::is_none), "nothing is mapped at 0");
    }
}
