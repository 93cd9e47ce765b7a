//! Memory of the recorder's own, mapped from the operating system and never given back while the program runs.
//!
//! The allocator's hook cannot allocate from the allocator that it serves, so its maps and counters live here.
//! Everything handed out is zeroed, and every table is laid out so that all-zero is its valid empty state.
//! Untouched pages cost address space only; [`resident_bytes`] says what was touched.
//!
//! Invariant: a page once handed out stays mapped, so a reference into it may be `'static`.

use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicUsize, Ordering};

/// Small requests are cut from mappings of this size. 1 MiB holds 16 leaves of the live map, which makes the
/// call to `mmap` (about 1 µs) rare, and is small enough for a process with a tight `RLIMIT_AS`.
const CHUNK_BYTES: usize = 1 << 20;
/// Larger requests get a mapping of their own.
const LARGEST_CUT: usize = CHUNK_BYTES / 4;
/// Cuts are multiples of the cache line's size.
const CUT_ALIGN: usize = 64;

/// Bytes of all mappings.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// Header of a mapping, at its start; mappings form a list so that they can be measured.
#[repr(C, align(64))]
struct Mapping {
    next: *mut Mapping,
    bytes: usize,
    /// Bytes handed out, header included. May run past `bytes`: then the mapping is full.
    used: AtomicUsize,
}

/// All mappings, newest first. Pushed with release, so that who reads the head sees the header behind it.
static MAPPINGS: AtomicPtr<Mapping> = AtomicPtr::new(ptr::null_mut());
/// The mapping that small requests are cut from. Same ordering as `MAPPINGS`.
static CURRENT: AtomicPtr<Mapping> = AtomicPtr::new(ptr::null_mut());

/// Zeroed memory for one `T`, for which all-zero bytes are valid; `None` where the system refuses.
///
/// # Safety
/// All-zero bytes are a valid `T`.
pub(crate) unsafe fn zeroed<T>() -> Option<&'static T> {
    const { assert!(align_of::<T>() <= CUT_ALIGN) };
    // SAFETY: `cut` gives zeroed memory of this size, aligned to 64, that stays mapped; the caller says that
    // zero is a valid `T`.
    cut(size_of::<T>()).map(|place| unsafe { place.cast::<T>().as_ref() })
}

/// Zeroed memory for `len` values of `T`; `None` where the system refuses.
///
/// # Safety
/// All-zero bytes are a valid `T`.
pub(crate) unsafe fn zeroed_slice<T>(len: usize) -> Option<&'static [T]> {
    const { assert!(align_of::<T>() <= CUT_ALIGN) };
    // SAFETY: as in `zeroed`.
    cut(len * size_of::<T>())
        .map(|place| unsafe { std::slice::from_raw_parts(place.cast::<T>().as_ptr(), len) })
}

/// Address space that the recorder takes where every page of it counts as if it were used.
const STRICT_ALLOWANCE: usize = 64 << 20;

/// Whether `bytes` of address space may be taken for speed's sake alone. A program whose address space is limited
/// (`RLIMIT_AS`) keeps seven eighths of it for itself and for what the recorder cannot do without. Where the system
/// commits to all memory that is mapped (`vm.overcommit_memory` = 2), little is taken.
pub(crate) fn may_reserve(bytes: usize) -> bool {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: `limit` is a valid place for the answer; where it fails, nothing is limited.
    unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) };
    let taken = (TAKEN.load(Ordering::Relaxed) + bytes) as u64;
    taken <= allowance(limit.rlim_cur, commits_strictly())
}

/// Bytes that the recorder may take in all for speed's sake.
fn allowance(limit: libc::rlim_t, strict: bool) -> u64 {
    let limited = if limit == libc::RLIM_INFINITY { u64::MAX } else { limit / 8 };
    if strict { limited.min(STRICT_ALLOWANCE as u64) } else { limited }
}

/// Whether the system commits to all memory that is mapped, `MAP_NORESERVE` or not. Asked once, without allocating.
fn commits_strictly() -> bool {
    const UNASKED: u8 = 0;
    const NO: u8 = 1;
    const YES: u8 = 2;
    // Relaxed: every thread finds the same answer.
    static ANSWER: AtomicU8 = AtomicU8::new(UNASKED);
    if ANSWER.load(Ordering::Relaxed) == UNASKED {
        let mut digit = 0u8;
        // SAFETY: the path is a C string, `digit` has room for the one byte that is read, and what was opened is
        // closed. Where there is no such file, the answer is no.
        unsafe {
            let file =
                libc::open(c"/proc/sys/vm/overcommit_memory".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
            if file >= 0 {
                libc::read(file, (&raw mut digit).cast(), 1);
                libc::close(file);
            }
        }
        ANSWER.store(if digit == b'2' { YES } else { NO }, Ordering::Relaxed);
    }
    ANSWER.load(Ordering::Relaxed) == YES
}

/// Bytes of all mappings that were touched, as the kernel counts them; `None` where it would not say.
pub(crate) fn resident_bytes() -> Option<u64> {
    let page = page_bytes()?;
    let mut resident = 0;
    let mut pages = Vec::new();
    let mut mapping = MAPPINGS.load(Ordering::Acquire);
    while !mapping.is_null() {
        // SAFETY: mappings are never unmapped, and the header was written before it was published.
        let (next, bytes) = unsafe { ((*mapping).next, (*mapping).bytes) };
        pages.clear();
        pages.resize(bytes.div_ceil(page), 0u8);
        // SAFETY: the range is mapped, and `pages` has a byte for each of its pages.
        if unsafe { libc::mincore(mapping.cast(), bytes, pages.as_mut_ptr()) } != 0 {
            return None;
        }
        resident += pages.iter().filter(|&&state| state & 1 == 1).count() * page;
        mapping = next;
    }
    Some(resident as u64)
}

/// The host's page size; `None` where it would not say.
pub(crate) fn page_bytes() -> Option<usize> {
    // SAFETY: `sysconf` takes any name.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok().filter(|&bytes| bytes > 0)
}

#[cold]
fn cut(bytes: usize) -> Option<NonNull<u8>> {
    let bytes = bytes.next_multiple_of(CUT_ALIGN);
    if bytes > LARGEST_CUT {
        let mapping = map(bytes + size_of::<Mapping>(), bytes + size_of::<Mapping>())?;
        // SAFETY: the mapping is larger than its header.
        return Some(unsafe { mapping.cast::<u8>().add(size_of::<Mapping>()) });
    }
    loop {
        let current = CURRENT.load(Ordering::Acquire);
        if let Some(mapping) = NonNull::new(current) {
            // SAFETY: mappings are never unmapped, and the header was written before it was published.
            let header = unsafe { mapping.as_ref() };
            let start = header.used.fetch_add(bytes, Ordering::Relaxed);
            if start + bytes <= header.bytes {
                // SAFETY: the range lies within the mapping and was handed to nobody else.
                return Some(unsafe { mapping.cast::<u8>().add(start) });
            }
        }
        // Several threads may get here at once; whose mapping loses is left with its pages untouched.
        let fresh = map(CHUNK_BYTES, size_of::<Mapping>())?;
        let _ = CURRENT.compare_exchange(current, fresh.as_ptr(), Ordering::AcqRel, Ordering::Relaxed);
    }
}

fn map(bytes: usize, used: usize) -> Option<NonNull<Mapping>> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a fresh anonymous mapping touches nothing that exists.
    let start =
        unsafe { libc::mmap(ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return None;
    }
    #[cfg(target_os = "linux")]
    // SAFETY: the range was mapped above. A huge page would make a sparse table resident as a whole.
    unsafe {
        libc::madvise(start, bytes, libc::MADV_NOHUGEPAGE);
    }
    TAKEN.fetch_add(bytes, Ordering::Relaxed);
    let mapping = NonNull::new(start.cast::<Mapping>())?;
    let mut next = MAPPINGS.load(Ordering::Relaxed);
    loop {
        // SAFETY: the mapping is ours alone until it is published below, page-aligned and larger than a header.
        unsafe { mapping.write(Mapping { next, bytes, used: AtomicUsize::new(used) }) };
        match MAPPINGS.compare_exchange_weak(next, mapping.as_ptr(), Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return Some(mapping),
            Err(newer) => next = newer,
        }
    }
}

#[cfg(feature = "sampling")]
/// Zeroed places in a mapping of their own, given back when dropped: for what is large and soon over.
pub(crate) struct Lent<T> {
    start: NonNull<T>,
    len: usize,
}

#[cfg(feature = "sampling")]
impl<T> Lent<T> {
    /// `None` where the system refuses.
    ///
    /// # Safety
    /// All-zero bytes are a valid `T`.
    pub(crate) unsafe fn zeroed(len: usize) -> Option<Lent<T>> {
        const { assert!(align_of::<T>() <= 4096 && !std::mem::needs_drop::<T>()) };
        let bytes = (len * size_of::<T>()).max(1);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a fresh anonymous mapping touches nothing that exists.
        let start =
            unsafe { libc::mmap(ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        let start = if start == libc::MAP_FAILED { None } else { NonNull::new(start.cast()) };
        start.map(|start| Lent { start, len })
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        // SAFETY: the mapping is that long, and `zeroed`'s caller said that zero is valid.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

#[cfg(feature = "sampling")]
impl<T> Drop for Lent<T> {
    fn drop(&mut self) {
        // SAFETY: mapped by `zeroed` with this size, and no reference into it outlives `self`.
        unsafe { libc::munmap(self.start.as_ptr().cast(), (self.len * size_of::<T>()).max(1)) };
    }
}

/// A list of fixed capacity in a mapping of its own, given back when dropped: for reading the books without
/// touching the allocator whose books they are. Where the system maps nothing more, it is on the heap after all:
/// figures that include it are better than none.
pub(crate) struct Scratch<T: Copy> {
    place: Place<T>,
    len: usize,
    capacity: usize,
}

enum Place<T> {
    Mapped { start: NonNull<T>, bytes: usize },
    Heap(Vec<T>),
}

impl<T: Copy> Scratch<T> {
    pub(crate) fn with_capacity(capacity: usize) -> Scratch<T> {
        const { assert!(align_of::<T>() <= 4096) };
        let bytes = (capacity * size_of::<T>()).max(1);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a fresh anonymous mapping touches nothing that exists.
        let start =
            unsafe { libc::mmap(ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        let mapped = if start == libc::MAP_FAILED { None } else { NonNull::new(start.cast()) };
        let place = match mapped {
            Some(start) => Place::Mapped { start, bytes },
            None => Place::Heap(Vec::with_capacity(capacity)),
        };
        Scratch { place, len: 0, capacity }
    }

    /// False if the list is full.
    pub(crate) fn push(&mut self, value: T) -> bool {
        if self.len == self.capacity {
            return false;
        }
        match &mut self.place {
            // SAFETY: the mapping has room for `capacity` values, and is page-aligned.
            Place::Mapped { start, .. } => unsafe { start.add(self.len).write(value) },
            Place::Heap(values) => values.push(value),
        }
        self.len += 1;
        true
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        match &mut self.place {
            // SAFETY: the first `len` values were written.
            Place::Mapped { start, .. } => unsafe {
                std::slice::from_raw_parts_mut(start.as_ptr(), self.len)
            },
            Place::Heap(values) => values,
        }
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        match &self.place {
            // SAFETY: the first `len` values were written.
            Place::Mapped { start, .. } => unsafe { std::slice::from_raw_parts(start.as_ptr(), self.len) },
            Place::Heap(values) => values,
        }
    }
}

impl<T: Copy> Drop for Scratch<T> {
    fn drop(&mut self) {
        if let Place::Mapped { start, bytes } = self.place {
            // SAFETY: mapped by `with_capacity` with this size, and no reference into it outlives `self`.
            unsafe { libc::munmap(start.as_ptr().cast(), bytes) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_stays_below_the_limits() {
        assert_eq!(allowance(libc::RLIM_INFINITY, false), u64::MAX);
        assert_eq!(allowance(800, false), 100); // an eighth
        assert_eq!(allowance(libc::RLIM_INFINITY, true), 64 << 20);
        assert_eq!(allowance(800, true), 100);
    }
}
