//! Workloads whose instructions `.ci/instruction-counts` counts, with memscope (feature `memscope`) and without.
//!
//! `memscope-instructions PATH EVENTS` runs the event of a path so many times in the function `path_…`. That is
//! what callgrind collects. What the first events cost beyond others falls away in the difference of two runs.
//! Blocks that a path needs are made outside of it.

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

#[cfg(feature = "memscope")]
#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[cfg(feature = "memscope")]
use memscope::track_var;
#[cfg(not(feature = "memscope"))]
macro_rules! track_var {
    ($place:expr) => {};
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(events)) = (arguments.next(), arguments.next().and_then(|text| text.parse().ok()))
    else {
        panic!("usage: memscope-instructions PATH EVENTS");
    };
    // The observer starts with the first scope, and the first event after that begins the quick way.
    entered(0);
    for bytes in [64, 2_000, 100 << 10] {
        pairs(1, bytes);
    }
    match path.as_str() {
        "pair_64" => path_pair_64(events),
        "pair_2000" => path_pair_2000(events),
        "pair_100k" => path_pair_100k(events),
        "resize_in_place" => path_resize_in_place(events),
        "resize_64_128" => path_resize_64_128(events),
        "free_of_another_thread" => path_free_of_another_thread(&mut allocated_elsewhere(events)),
        "scope" => path_scope(events),
        "poll" => path_poll(events),
        "poll_carried" => path_poll_carried(events),
        "short_task" => path_short_task(events),
        "foreign_block" => path_foreign_block(events, &[1u8; 8].to_vec()),
        "foreign_stack" => path_foreign_stack(events, &[1u8; 8]),
        "foreign_number" => path_foreign_number(events),
        "look" => path_look(events, &vec![0u64; 8]),
        _ => panic!("no path is named {path}"),
    }
}

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, 8).expect("a small alignment")
}

#[inline(always)]
fn pairs(events: usize, bytes: usize) {
    for _ in 0..events {
        // SAFETY: the size is not zero, and the block is freed once, with its layout.
        unsafe { dealloc(black_box(alloc(layout(bytes))), layout(bytes)) };
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn path_pair_64(events: usize) {
    pairs(events, 64);
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn path_pair_2000(events: usize) {
    pairs(events, 2_000);
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn path_pair_100k(events: usize) {
    pairs(events, 100 << 10);
}

/// An event resizes one block twice: to `large` bytes and back.
#[inline(always)]
fn resized(events: usize, small: usize, large: usize) {
    // SAFETY: sizes are not zero; each call is given the block and the layout that it has.
    unsafe {
        let mut block = alloc(layout(small));
        for _ in 0..events {
            block = black_box(realloc(block, layout(small), large));
            block = black_box(realloc(block, layout(large), small));
        }
        dealloc(block, layout(small));
    }
}

/// Both sizes fit glibc's chunk of 80 bytes.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn path_resize_in_place(events: usize) {
    resized(events, 60, 72);
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn path_resize_64_128(events: usize) {
    resized(events, 64, 128);
}

struct Block(*mut u8);
// SAFETY: a block of the global allocator may be freed by any thread.
unsafe impl Send for Block {}

fn allocated_elsewhere(events: usize) -> Vec<Block> {
    let thread = std::thread::spawn(move || {
        // SAFETY: the size is not zero.
        (0..events).map(|_| Block(unsafe { alloc(layout(64)) })).collect()
    });
    thread.join().expect("it does not panic")
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn path_free_of_another_thread(blocks: &mut Vec<Block>) {
    for Block(block) in blocks.drain(..) {
        // SAFETY: allocated with this layout, and freed once.
        unsafe { dealloc(block, layout(64)) };
    }
}

#[cfg_attr(feature = "memscope", memscope::track)]
#[inline(never)]
fn entered(number: usize) -> usize {
    black_box(number)
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn path_scope(events: usize) {
    for number in 0..events {
        entered(number);
    }
}

struct Never;

impl Future for Never {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
        black_box(Poll::Pending)
    }
}

#[cfg_attr(feature = "memscope", memscope::track)]
async fn waiting() {
    Never.await;
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn path_poll(events: usize) {
    let mut future = pin!(waiting());
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..events {
        assert!(future.as_mut().poll(&mut context).is_pending());
    }
}

/// An event polls a future that carries its spawner's scope.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn path_poll_carried(events: usize) {
    #[cfg(feature = "memscope")]
    let mut future = pin!(memscope::spawn_scope().future(Never));
    #[cfg(not(feature = "memscope"))]
    let mut future = pin!(Never);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..events {
        assert!(future.as_mut().poll(&mut context).is_pending());
    }
}

#[cfg_attr(feature = "memscope", memscope::track)]
async fn ready(number: usize) -> usize {
    black_box(number)
}

/// An event is the whole life of a task that never waits.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn path_short_task(events: usize) {
    let mut context = Context::from_waker(Waker::noop());
    for number in 0..events {
        assert!(pin!(ready(number)).poll(&mut context).is_ready());
    }
}

/// An event looks again at a vector that is tracked already: the walk, the look-up of its block, and the
/// registry.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn path_look(events: usize, values: &Vec<u64>) {
    track_var!(*values);
    for _ in 0..events {
        track_var!(*values);
        black_box(values);
    }
}

mod foreign {
    #[cfg_attr(feature = "memscope", memscope::track)]
    unsafe extern "C" {
        #[link_name = "strnlen"]
        pub(crate) fn first_bytes(text: *const u8, most: usize) -> usize;
        #[link_name = "abs"]
        pub(crate) safe fn magnitude(number: i32) -> i32;
    }
}

#[inline(always)]
fn handed(events: usize, bytes: &[u8]) {
    for _ in 0..events {
        // SAFETY: one byte is readable.
        black_box(unsafe { foreign::first_bytes(black_box(bytes.as_ptr()), 1) });
    }
}

/// An event hands a pointer into a live block to a foreign function.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn path_foreign_block(events: usize, bytes: &Vec<u8>) {
    handed(events, bytes);
}

/// An event hands a pointer to the stack to a foreign function.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn path_foreign_stack(events: usize, bytes: &[u8; 8]) {
    handed(events, bytes);
}

/// An event calls a foreign function that is given no pointer.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn path_foreign_number(events: usize) {
    for number in 0..events {
        black_box(foreign::magnitude(black_box(number as i32)));
    }
}
