//! Which pages of the recorder's were ever touched: of the address space that it reserves, few.
//!
//! The kernel's `pagemap` says it, be a page in memory or swapped out. It is a file; a program that has used up its descriptors
//! is asked page by page by `mincore`, which knows of what is in memory, so it serves while nothing is swapped out. Where
//! neither can tell, every page counts as touched: a walk then takes seconds, and misses nothing.

use crate::pages::page_bytes;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// From the kernel's documentation of pagemap, of a page's 8 bytes: bit 63 is "present", bit 62 "swapped".
const TOUCHED: u64 = 3 << 62;

/// Who is asked.
enum Source {
    Pagemap(File),
    Mincore,
    Nobody,
}

/// Asks which pages were touched.
pub(crate) struct Touched {
    source: Source,
    page: usize,
}

impl Touched {
    pub(crate) fn now() -> Touched {
        let source = match File::open("/proc/self/pagemap") {
            Ok(file) => Source::Pagemap(file),
            Err(_) if nothing_is_swapped_out() => Source::Mincore,
            Err(_) => Source::Nobody,
        };
        Touched { source, page: page_bytes().unwrap_or(4096) }
    }

    /// Calls `f` with the ranges of `words` from `start` on that lie in touched pages.
    pub(crate) fn each(&self, start: *const u64, words: usize, mut f: impl FnMut(Range<usize>)) {
        let words_a_page = self.page / size_of::<u64>();
        // The first page starts before `start`, by so many words.
        let before = start.addr() % self.page / size_of::<u64>();
        let pages = (before + words).div_ceil(words_a_page);
        let mut entries = [0u64; 512];
        for first in (0..pages).step_by(entries.len()) {
            let count = entries.len().min(pages - first);
            let is_known = self.read(start.addr() / self.page + first, &mut entries[..count]);
            for (index, entry) in entries[..count].iter().enumerate() {
                if !is_known || entry & TOUCHED != 0 {
                    let page_start = (first + index) * words_a_page;
                    f(page_start.saturating_sub(before)..(page_start + words_a_page - before).min(words));
                }
            }
        }
    }

    /// Fills `entries` with what is known of the pages from number `first` on; `false`: nothing is.
    fn read(&self, first: usize, entries: &mut [u64]) -> bool {
        let length = size_of_val(entries);
        match &self.source {
            Source::Nobody => false,
            Source::Pagemap(file) => {
                // SAFETY: any bytes are valid integers, and as many are asked for as there are.
                let bytes =
                    unsafe { std::slice::from_raw_parts_mut(entries.as_mut_ptr().cast::<u8>(), length) };
                file.read_exact_at(bytes, (first * size_of::<u64>()) as u64).is_ok()
            }
            Source::Mincore => {
                let mut states = [0u8; 512];
                let place = std::ptr::without_provenance_mut::<libc::c_void>(first * self.page);
                // SAFETY: it only asks, and `states` has a byte for each page.
                let asked =
                    unsafe { libc::mincore(place, entries.len() * self.page, states.as_mut_ptr()) } == 0;
                for (entry, state) in entries.iter_mut().zip(states) {
                    *entry = if state & 1 == 1 { TOUCHED } else { 0 };
                }
                asked
            }
        }
    }
}

/// Whether the system has swapped out no page of anybody's.
fn nothing_is_swapped_out() -> bool {
    #[cfg(target_os = "linux")]
    {
        let mut known = std::mem::MaybeUninit::<libc::sysinfo>::uninit();
        // SAFETY: it writes all of it, or says that it did not.
        unsafe {
            libc::sysinfo(known.as_mut_ptr()) == 0 && {
                let known = known.assume_init();
                known.freeswap == known.totalswap
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_descriptor_the_same_pages_are_found() {
        const PAGES: usize = 2_000; // more than are asked for at once
        let page = page_bytes().expect("the system says so");
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a fresh mapping touches nothing that exists.
        let mapping = unsafe { libc::mmap(std::ptr::null_mut(), PAGES * page, access, flags, -1, 0) };
        assert_ne!(mapping, libc::MAP_FAILED);
        // SAFETY: it was mapped above.
        unsafe { libc::madvise(mapping, PAGES * page, libc::MADV_NOHUGEPAGE) };
        for number in [0, 7, 511, 512, 1_999] {
            // SAFETY: the page is within the mapping.
            unsafe { mapping.cast::<u8>().add(number * page).write(1) };
        }
        let words = page / size_of::<u64>();
        // It begins five words into the mapping, so the first page has so many less.
        let ranges = |source| {
            let mut found = Vec::new();
            let touched = Touched { source, page };
            touched.each(mapping.cast::<u64>().wrapping_add(5), PAGES * words - 5, |range| found.push(range));
            found
        };
        let expected: Vec<Range<usize>> = [0, 7, 511, 512, 1_999]
            .map(|number: usize| (number * words).saturating_sub(5)..(number + 1) * words - 5)
            .to_vec();
        let pagemap = File::open("/proc/self/pagemap").expect("it is there");
        assert_eq!(ranges(Source::Pagemap(pagemap)), expected);
        assert_eq!(ranges(Source::Mincore), expected);
        assert_eq!(ranges(Source::Nobody).len(), PAGES);
        // SAFETY: it was mapped above, and nobody has it.
        unsafe { libc::munmap(mapping, PAGES * page) };
    }
}
