//! The hook's contract over an allocator that hands out bytes one after another, aligned to nothing but what is
//! asked for, and takes back only the last.

mod contract;

use contract::mock::{Counting, Mock};
use std::alloc::{GlobalAlloc, Layout};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};

/// Address space to cut blocks from; untouched pages take no memory.
const BYTES: usize = 16 << 30;

struct Bump;

static START: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
static USED: AtomicUsize = AtomicUsize::new(0);

fn start() -> *mut u8 {
    let start = START.load(SeqCst);
    if !start.is_null() {
        return start;
    }
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a fresh anonymous mapping touches nothing that exists.
    let fresh =
        unsafe { libc::mmap(ptr::null_mut(), BYTES, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    if fresh == libc::MAP_FAILED {
        return ptr::null_mut();
    }
    match START.compare_exchange(ptr::null_mut(), fresh.cast(), SeqCst, SeqCst) {
        Ok(_) => fresh.cast(),
        Err(first) => {
            // SAFETY: nobody else knows this mapping.
            unsafe { libc::munmap(fresh, BYTES) };
            first
        }
    }
}

// SAFETY: each block is a range of its own, aligned as asked for.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = start();
        if start.is_null() {
            return start;
        }
        let cut = USED.fetch_update(SeqCst, SeqCst, |used| {
            let place = (start.addr() + used).next_multiple_of(layout.align()) - start.addr();
            place.checked_add(layout.size()).filter(|&end| end <= BYTES)
        });
        match cut {
            Ok(used) => {
                start.wrapping_add((start.addr() + used).next_multiple_of(layout.align()) - start.addr())
            }
            Err(_) => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let place = block.addr() - start().addr();
        let _ = USED.compare_exchange(place + layout.size(), place, SeqCst, SeqCst);
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if new_size <= layout.size() {
            return block;
        }
        // SAFETY: the caller promises that the new size fits the layout; the two blocks are apart.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size());
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

#[global_allocator]
static ALLOC: memscope::Allocator<Counting<Mock<Bump>>> = memscope::Allocator::new(Counting(Mock(Bump)));

fn main() -> std::process::ExitCode {
    contract::run(contract::Below {
        counted: contract::Counted::Yes,
        warm_up: || contract::serve_once(&Bump),
        stack_bytes: 0,
    })
}
