//! What the hook promises, promise by promise.

use super::Counted;
use super::mock::{self, Realloc};
use memscope::model::{Block, ScopeMemory, Snapshot};
use memscope::track;
use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, handle_alloc_error, realloc};
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::time::Duration;
use std::{hint, ptr, thread};

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) run: fn(Counted),
    /// It tells the allocator below memscope's how to behave.
    pub(crate) needs_mock: bool,
    /// Environment of the process.
    pub(crate) variables: &'static [(&'static str, &'static str)],
}

const fn scenario(name: &'static str, run: fn(Counted)) -> Scenario {
    Scenario { name, run, needs_mock: false, variables: &[] }
}

const fn with_mock(name: &'static str, run: fn(Counted)) -> Scenario {
    Scenario { name, run, needs_mock: true, variables: &[] }
}

pub(crate) const ALL: &[Scenario] = &[
    scenario("blocks of every size and alignment are found and forgotten", every_size),
    scenario("small blocks of all threads are exact", small_blocks),
    scenario("blocks of 1 GiB are found at their last byte's distance", huge),
    scenario("a zeroed block is zero and recorded", zeroed),
    scenario("a refused size is recorded nowhere", refused),
    with_mock("nulls from each method at every nth call", nulls),
    with_mock("a realloc that moves keeps owner and start", realloc_moves),
    with_mock("a realloc that fails leaves the old block", realloc_fails),
    with_mock("a realloc whose old address has a new owner forgets neither", realloc_races),
    scenario("a realloc in place keeps one record", realloc_in_place),
    scenario("blocks from before main are known", before_main),
    scenario("a thread's last destructors are recorded", thread_local_destructors),
    scenario("events after a thread's end are recorded", after_the_end),
    scenario("a handler at exit may allocate and export", at_exit),
    scenario("a panic hook and unwinding may allocate", while_unwinding),
    scenario("both sides of a fork are right", fork),
    scenario("a program of one thread stays one for libc", one_thread),
    scenario("no signal is taken by the observer", signals),
    scenario("300 threads at once", many_threads),
    scenario("100,000 threads one after another leak nothing", short_threads),
    scenario("an almost used up stack is enough", little_stack),
    scenario("a small limit on address space costs no more than records", little_address_space),
    Scenario {
        variables: &[("MEMSCOPE_MODE", "off")],
        ..scenario("switched off, nothing is recorded and all goes on", off)
    },
];

/// Starts the observer, so that what follows takes the quick way.
fn begin() {
    first_scope();
    wait_for_the_observer();
}

/// Until it has ticked from now on: it runs. Each tick counts the time up to it, whereas a point of the timeline may be
/// minutes away where the first one was dear, as it is under valgrind.
fn wait_for_the_observer() {
    let observed_ms = || memscope::snapshot().profiler.observer.map_or(0, |observer| observer.elapsed_ms);
    let until_ms = observed_ms() + 20;
    while observed_ms() < until_ms {
        thread::sleep(Duration::from_millis(2));
    }
}

#[track]
fn first_scope() {
    hint::black_box(Box::new(1));
}

/// What memscope says equals what the allocator below counted, and the parts sum to the whole.
#[track_caller]
fn assert_exact(counted: Counted) -> Snapshot {
    // Nothing else runs between these two lines; the snapshot reads its books before it allocates.
    let inner = mock::counts();
    let snapshot = memscope::snapshot();
    let (totals, own) = (snapshot.totals, &snapshot.profiler);
    assert_eq!(own.unrecorded_events, 0);
    assert_eq!(own.blocks_before_start.unwrap_or(0), 0);
    let lost = own.sampling.map_or(0, |sampling| sampling.lost_samples);
    if counted == Counted::Yes && lost == 0 {
        let recorded = mock::Counts {
            allocations: totals.allocations + own.own_allocations,
            deallocations: totals.deallocations + own.own_deallocations,
            reallocations: totals.reallocations + own.own_reallocations,
            allocated_bytes: totals.allocated_bytes + own.own_allocated_bytes,
            deallocated_bytes: totals.deallocated_bytes + own.own_deallocated_bytes,
        };
        assert_eq!(recorded, inner);
    }
    assert_sums(&snapshot);
    snapshot
}

#[track_caller]
fn assert_sums(snapshot: &Snapshot) {
    let totals = snapshot.totals;
    let sum = |figure: fn(&ScopeMemory) -> u64| {
        snapshot.scopes.iter().map(|scope| figure(&scope.exclusive)).sum::<u64>()
    };
    assert_eq!(sum(|memory| memory.live_bytes), totals.live_bytes);
    assert_eq!(sum(|memory| memory.live_at_peak_bytes.expect("measured")), totals.peak_bytes);
    assert_eq!(snapshot.threads.iter().map(|thread| thread.live_bytes).sum::<u64>(), totals.live_bytes);
    let folded =
        snapshot.blocks.folded_bytes + snapshot.blocks.largest.iter().map(|row| row.bytes).sum::<u64>();
    assert_eq!(folded, totals.live_bytes, "the live map lists what the books say");
    let blocks = snapshot.blocks.folded_blocks + snapshot.blocks.largest.len() as u64;
    assert_eq!(blocks, totals.live_allocations);
    assert!(totals.peak_bytes >= totals.live_bytes);
}

/// Whether blocks are sampled. Then bytes that a realloc gains are the resizing scope's, and a small block stays in its
/// place for as long as it fits there.
fn is_sampled() -> bool {
    memscope::snapshot().mode == memscope::model::Mode::Sampling
}

fn scope(snapshot: &Snapshot, name: &str) -> ScopeMemory {
    let scope = snapshot.scopes.iter().find(|scope| scope.path.last().is_some_and(|last| last == name));
    scope.unwrap_or_else(|| panic!("{name} ran")).exclusive
}

fn block_at(snapshot: &Snapshot, address: *const u8) -> Option<&Block> {
    snapshot.blocks.largest.iter().find(|block| block.address == address.addr() as u64)
}

fn layout(bytes: usize, align: usize) -> Layout {
    Layout::from_size_align(bytes, align).expect("a valid layout")
}

/// A block, freed when dropped.
struct Raw {
    start: *mut u8,
    layout: Layout,
}

// SAFETY: a block belongs to who holds it, on whichever thread.
unsafe impl Send for Raw {}

impl Raw {
    fn new(bytes: usize, align: usize) -> Raw {
        let layout = layout(bytes, align);
        // SAFETY: the layout has a size.
        let start = unsafe { alloc(layout) };
        if start.is_null() {
            handle_alloc_error(layout);
        }
        Raw { start, layout }
    }

    /// False if the allocator refused.
    fn resize(&mut self, bytes: usize) -> bool {
        // SAFETY: the block is this one's, and the size fits the layout.
        let moved = unsafe { realloc(self.start, self.layout, bytes) };
        if !moved.is_null() {
            self.start = moved;
            self.layout = layout(bytes, self.layout.align());
        }
        !moved.is_null()
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // SAFETY: the block is this one's.
        unsafe { dealloc(self.start, self.layout) };
    }
}

fn every_size(counted: Counted) {
    begin();
    #[track]
    fn all_sizes() -> Vec<Raw> {
        let mut blocks = Vec::with_capacity(1000);
        for align in [1, 2, 4, 8, 16, 32, 64, 4096, 2 << 20] {
            for bytes in (1..=70).chain([127, 128, 255, 1023, 1024, 1025, 4095, 4096, 65_536, 1 << 20]) {
                blocks.push(Raw::new(bytes, align));
            }
        }
        blocks
    }
    let blocks = all_sizes();
    let snapshot = assert_exact(counted);
    // 9 alignments × 80 sizes, and the list of 1,000 places.
    let memory = scope(&snapshot, "all_sizes");
    assert_eq!(memory.live_allocations, 9 * 80 + 1);
    let bytes: usize = blocks.iter().map(|block| block.layout.size()).sum();
    assert_eq!(memory.live_bytes, (bytes + 1000 * size_of::<Raw>()) as u64);
    for block in &blocks {
        let row = block_at(&snapshot, block.start).expect("fewer blocks live than are listed");
        assert_eq!(row.bytes, block.layout.size() as u64);
    }
    drop(blocks);
    let memory = scope(&assert_exact(counted), "all_sizes");
    assert_eq!((memory.live_allocations, memory.live_bytes), (0, 0));
}

fn small_blocks(counted: Counted) {
    begin();
    #[track]
    fn churns(seed: u64) -> Vec<Vec<u8>> {
        let mut random = seed;
        let mut kept: Vec<Vec<u8>> = (0..500).map(|_| Vec::new()).collect();
        for _ in 0..50_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let place = (((random >> 32) * 500) >> 32) as usize;
            let bytes = ((random & 0xffff) as usize * 1300) >> 16;
            let vector = &mut kept[place];
            match random >> 16 & 7 {
                0 => vector.reserve(bytes),
                1 => vector.shrink_to(bytes),
                _ => *vector = Vec::with_capacity(bytes),
            }
        }
        kept
    }
    let threads: Vec<_> = (1..=4).map(|seed| thread::spawn(move || churns(seed * 77))).collect();
    let kept: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect();
    let memory = scope(&assert_exact(counted), "churns");
    // The vectors of each thread, and its list of 500.
    let vectors = || kept.iter().flatten().filter(|vector| vector.capacity() > 0);
    assert_eq!(memory.live_allocations as usize, vectors().count() + 4);
    let list = 500 * size_of::<Vec<u8>>();
    assert_eq!(memory.live_bytes as usize, vectors().map(Vec::capacity).sum::<usize>() + 4 * list);
    drop(kept);
    let memory = scope(&assert_exact(counted), "churns");
    assert_eq!((memory.live_allocations, memory.live_bytes), (0, 0));
}

fn huge(counted: Counted) {
    begin();
    let block = Raw::new(1 << 30, 8);
    // SAFETY: the last byte of the block.
    unsafe { block.start.add((1 << 30) - 1).write(7) };
    let snapshot = assert_exact(counted);
    assert_eq!(block_at(&snapshot, block.start).map(|row| row.bytes), Some(1 << 30));
    drop(block);
    assert!(assert_exact(counted).blocks.largest.iter().all(|row| row.bytes < 1 << 30));
}

fn zeroed(counted: Counted) {
    begin();
    for bytes in [1, 64, 1000, 5000, 300_000, 3 << 20] {
        let layout = layout(bytes, 16);
        for _ in 0..3 {
            // SAFETY: the layout has a size; the block is read and written within it and freed once.
            unsafe {
                let block = alloc_zeroed(layout);
                assert!(!block.is_null());
                let bytes_of_block = std::slice::from_raw_parts_mut(block, bytes);
                assert!(bytes_of_block.iter().all(|&byte| byte == 0));
                bytes_of_block.fill(0xff); // the next one may be given the same place
                assert_eq!(block_at(&assert_exact(counted), block).map(|row| row.bytes), Some(bytes as u64));
                dealloc(block, layout);
            }
        }
    }
    assert_exact(counted);
}

fn refused(counted: Counted) {
    begin();
    #[track]
    fn asks_too_much() {
        let too_much = layout(isize::MAX as usize - 4096, 1);
        let mut block = Raw::new(100, 1);
        // SAFETY: the layouts have sizes; a null result is not used.
        unsafe {
            assert!(alloc(too_much).is_null());
            assert!(alloc_zeroed(too_much).is_null());
        }
        assert!(!block.resize(too_much.size()));
        assert!(block.resize(200), "the block is whole");
    }
    asks_too_much();
    let memory = scope(&assert_exact(counted), "asks_too_much");
    // One block of 100 bytes that grew by 100.
    assert_eq!((memory.allocations, memory.reallocations, memory.allocated_bytes), (1, 1, 200));
    assert_eq!(memory.live_bytes, 0);
}

fn nulls(counted: Counted) {
    begin();
    /// Allocations and reallocations that were not refused.
    #[track]
    fn is_refused(every: u64) -> (u64, u64) {
        let (mut allocated, mut resized) = (0, 0);
        mock::fail_every(every);
        for round in 0..200 {
            for (align, bytes) in [(1, 24), (8, 600), (64, 40), (8, 5_000)] {
                let layout = layout(bytes, align);
                // SAFETY: the layout has a size, and a null block is not used.
                let start = unsafe { if round % 2 == 0 { alloc(layout) } else { alloc_zeroed(layout) } };
                if start.is_null() {
                    continue;
                }
                allocated += 1;
                let mut block = Raw { start, layout };
                resized += u64::from(block.resize(bytes * 2));
                resized += u64::from(block.resize(bytes / 2));
            }
        }
        mock::fail_every(0);
        (allocated, resized)
    }
    let (mut allocated, mut resized) = (0, 0);
    for every in 1..=7 {
        let (more_allocated, more_resized) = is_refused(every);
        allocated += more_allocated;
        resized += more_resized;
    }
    let snapshot = assert_exact(counted);
    let memory = scope(&snapshot, "is_refused");
    assert!(allocated > 1000 && resized > 1000, "{allocated} {resized}: some went well");
    match snapshot.profiler.sampling {
        None => assert_eq!((memory.allocations, memory.reallocations), (allocated, resized)),
        // A refused place costs the sample, never the block.
        Some(sampling) => {
            assert!(memory.allocations <= allocated && memory.reallocations <= resized);
            assert!(sampling.lost_samples > 0 && memory.allocations + sampling.lost_samples >= allocated);
        }
    }
    assert_eq!((memory.live_allocations, memory.live_bytes), (0, 0));
}

#[track]
fn first_owner(bytes: usize) -> Raw {
    Raw::new(bytes, 8)
}

/// The allocator behaves so for this one call: memscope's own work must not meet it.
#[track]
fn resizes(block: &mut Raw, bytes: usize, behaviour: Realloc) -> bool {
    mock::set_realloc(behaviour);
    let resized = block.resize(bytes);
    mock::set_realloc(Realloc::Inner);
    resized
}

fn realloc_moves(counted: Counted) {
    begin();
    let sampled = is_sampled();
    for (bytes, larger) in [(40, 48), (40, 900), (900, 40), (900, 5_000), (5_000, 6_000), (70_000, 100)] {
        let mut block = first_owner(bytes);
        let old = block.start;
        assert!(resizes(&mut block, larger, Realloc::Move));
        if sampled && bytes.max(larger) < 2_000 {
            assert_eq!(old, block.start, "it fits its place");
            let gained = larger.saturating_sub(bytes) as u64;
            assert_eq!(scope(&assert_exact(counted), "resizes").live_bytes, gained);
            continue;
        }
        assert_ne!(old, block.start);
        let snapshot = assert_exact(counted);
        assert!(block_at(&snapshot, old).is_none());
        let row = block_at(&snapshot, block.start).expect("it is alive");
        assert_eq!(row.bytes, larger as u64);
        assert_eq!(snapshot.scopes[row.scope.expect("known") as usize].path, ["first_owner"]);
        let of_first = if sampled { larger.min(bytes) } else { larger };
        assert_eq!(scope(&snapshot, "first_owner").live_bytes, of_first as u64);
        assert_eq!(scope(&snapshot, "resizes").live_bytes, (larger - of_first) as u64);
    }
    let snapshot = assert_exact(counted);
    assert_eq!(scope(&snapshot, "first_owner").live_bytes, 0);
    assert_eq!((scope(&snapshot, "resizes").reallocations, scope(&snapshot, "resizes").allocations), (6, 0));
}

fn realloc_fails(counted: Counted) {
    begin();
    // Where blocks are sampled, a small one that fits its place asks nobody.
    let first = if is_sampled() { 50_000 } else { 500 };
    let mut block = first_owner(first);
    for bytes in [5_000, first - 1, first + 1, 70_000] {
        assert!(!resizes(&mut block, bytes, Realloc::Fail));
        let snapshot = assert_exact(counted);
        assert_eq!(block_at(&snapshot, block.start).map(|row| row.bytes), Some(first as u64));
        assert_eq!(scope(&snapshot, "resizes").reallocations, 0);
    }
    drop(block);
    assert_eq!(scope(&assert_exact(counted), "first_owner").live_bytes, 0);
}

fn realloc_races(counted: Counted) {
    begin();
    #[track]
    fn second_owner(bytes: usize) -> Raw {
        mock::take_what_is_left();
        let block = Raw::new(bytes, 8);
        mock::has_taken();
        block
    }
    let all = [40, 900, 5_000, 70_000];
    // Small blocks that are sampled have places that are nobody else's.
    for &bytes in if is_sampled() { &all[2..] } else { &all } {
        let mut block = first_owner(bytes);
        let old = block.start;
        // Of the same size: the slot is the very one that the realloc is about to clear.
        let other = thread::spawn(move || second_owner(bytes));
        assert!(resizes(&mut block, bytes * 2, Realloc::Race));
        let other = other.join().expect("it does not panic");
        assert_eq!(other.start, old, "the old address has a new owner");
        let snapshot = assert_exact(counted);
        let owner = |block: &Raw| {
            let row = block_at(&snapshot, block.start).expect("it is alive");
            (row.bytes as usize, snapshot.scopes[row.scope.expect("known") as usize].path.concat())
        };
        assert_eq!(owner(&block), (bytes * 2, "first_owner".to_owned()));
        assert_eq!(owner(&other), (bytes, "second_owner".to_owned()));
    }
    let snapshot = assert_exact(counted);
    assert_eq!(scope(&snapshot, "first_owner").live_bytes, 0);
    assert_eq!(scope(&snapshot, "second_owner").live_bytes, 0);
}

fn realloc_in_place(counted: Counted) {
    begin();
    let mut block = first_owner(100);
    let old = block.start;
    // Every allocator here leaves a block where it is for so little.
    assert!(resizes(&mut block, 99, Realloc::Inner));
    assert_eq!(block.start, old);
    let snapshot = assert_exact(counted);
    assert_eq!(block_at(&snapshot, old).map(|row| row.bytes), Some(99));
    assert_eq!(scope(&snapshot, "first_owner").live_bytes, 99);
    drop(block);
    assert_eq!(scope(&assert_exact(counted), "first_owner").live_bytes, 0);
}

/// A block of 12,345 bytes that was allocated before `main`.
static FROM_BEFORE: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

extern "C" fn allocates_before_main() {
    // SAFETY: the layout has a size.
    FROM_BEFORE.store(unsafe { alloc(layout(12_345, 8)) }, SeqCst);
}

#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = allocates_before_main;

fn before_main(counted: Counted) {
    begin();
    let block = FROM_BEFORE.load(SeqCst);
    assert_eq!(block_at(&assert_exact(counted), block).map(|row| row.bytes), Some(12_345));
    // SAFETY: allocated with this layout.
    unsafe { dealloc(block, layout(12_345, 8)) };
    assert!(block_at(&assert_exact(counted), block).is_none());
}

/// Allocates and frees when its thread ends.
struct AtTheEnd(RefCell<Vec<u8>>);

static ENDED: AtomicUsize = AtomicUsize::new(0);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        self.0.borrow_mut().resize(3_000, 1);
        hint::black_box(vec![2u8; 70]);
        ENDED.fetch_add(1, SeqCst);
    }
}

thread_local! {
    static AT_THE_END: AtTheEnd = const { AtTheEnd(RefCell::new(Vec::new())) };
}

fn thread_local_destructors(counted: Counted) {
    begin();
    for _ in 0..50 {
        thread::spawn(|| AT_THE_END.with(|value| value.0.borrow_mut().push(1))).join().expect("it ends");
    }
    assert_eq!(ENDED.load(SeqCst), 50);
    let snapshot = assert_exact(counted);
    assert_eq!(snapshot.threads.iter().filter(|thread| thread.ended).count(), 50);
}

fn after_the_end(counted: Counted) {
    begin();
    /// Frees what it is given and allocates, in the last of the rounds that a thread's keys have, long after
    /// memscope learned of the end.
    unsafe extern "C" fn late(block: *mut libc::c_void) {
        let left = block.cast::<(u32, libc::pthread_key_t, Vec<u8>)>();
        // SAFETY: the key's value is such a box, and nobody else has it.
        unsafe {
            (*left).2.resize((*left).2.len() * 2, 1);
            (*left).0 -= 1;
            if (*left).0 > 0 {
                libc::pthread_setspecific((*left).1, block);
            } else {
                drop(Box::from_raw(left));
                hint::black_box(vec![3u8; 90]);
                ENDED.fetch_add(1, SeqCst);
            }
        }
    }
    let mut key: libc::pthread_key_t = 0;
    // SAFETY: `key` is a valid place for the answer, and the destructor takes what is set below.
    assert_eq!(unsafe { libc::pthread_key_create(&mut key, Some(late)) }, 0);
    for _ in 0..20 {
        let thread = thread::spawn(move || {
            // glibc makes four rounds (PTHREAD_DESTRUCTOR_ITERATIONS).
            let left = Box::new((4u32, key, vec![1u8; 100]));
            // SAFETY: the value is what the destructor takes.
            unsafe { libc::pthread_setspecific(key, Box::into_raw(left).cast()) };
        });
        thread.join().expect("it ends");
    }
    assert_eq!(ENDED.load(SeqCst), 20);
    assert_exact(counted);
}

fn at_exit(counted: Counted) {
    begin();
    static IS_COUNTED: AtomicUsize = AtomicUsize::new(0);
    IS_COUNTED.store(usize::from(counted == Counted::Yes), SeqCst);
    extern "C" fn last() {
        let kept = vec![1u8; 4321];
        let counted = if IS_COUNTED.load(SeqCst) == 1 { Counted::Yes } else { Counted::No };
        // A panic that leaves this function aborts, which the parent sees.
        let snapshot = assert_exact(counted);
        assert_eq!(block_at(&snapshot, kept.as_ptr()).map(|row| row.bytes), Some(4321));
        let path = std::env::temp_dir().join(format!("memscope-contract-{}.memscope", std::process::id()));
        memscope::export(&path).expect("it can be written");
        std::fs::remove_file(path).expect("it was written");
    }
    // SAFETY: the handler stays valid.
    assert_eq!(unsafe { libc::atexit(last) }, 0);
}

fn while_unwinding(counted: Counted) {
    begin();
    struct Allocates;
    impl Drop for Allocates {
        fn drop(&mut self) {
            hint::black_box(vec![1u8; 200]);
        }
    }
    #[track]
    fn panics() {
        let _allocates = Allocates;
        panic!("as it should");
    }
    static HOOKED: AtomicU64 = AtomicU64::new(0);
    panic::set_hook(Box::new(|information| {
        HOOKED.fetch_add(information.to_string().len() as u64, SeqCst);
        hint::black_box(memscope::snapshot());
    }));
    for _ in 0..20 {
        assert!(panic::catch_unwind(AssertUnwindSafe(panics)).is_err());
    }
    drop(panic::take_hook());
    assert!(HOOKED.load(SeqCst) > 20);
    let snapshot = assert_exact(counted);
    assert_eq!(scope(&snapshot, "panics").live_bytes, 0);
    let row = snapshot.scopes.iter().find(|scope| scope.path == ["panics"]).expect("it ran");
    assert_eq!(row.calls, 20);
    assert_eq!(snapshot.scopes.iter().find(|scope| scope.path == ["first_scope"]).expect("it ran").calls, 1);
}

fn fork(counted: Counted) {
    begin();
    #[track]
    fn in_one_side(bytes: usize) -> Raw {
        Raw::new(bytes, 8)
    }
    #[track]
    fn only_in_a_child() {}
    let from_before = first_owner(777);
    for round in 0..10 {
        // SAFETY: this process has one thread beside the observer; the child goes on with ordinary work.
        let child = unsafe { libc::fork() };
        assert!(child >= 0);
        let bytes = if child == 0 { 1111 } else { 2222 };
        if child == 0 {
            // The parent's observer is not here; a scope that was never entered starts another.
            only_in_a_child();
            wait_for_the_observer();
        }
        let kept = in_one_side(bytes);
        let snapshot = assert_exact(counted);
        assert_eq!(scope(&snapshot, "in_one_side").live_bytes, bytes as u64, "round {round}");
        assert_eq!(scope(&snapshot, "first_owner").live_bytes, 777);
        let path = std::env::temp_dir().join(format!("memscope-contract-{}.memscope", std::process::id()));
        memscope::export(&path).expect("it can be written");
        let read = memscope_runtime::format::read_file(&path).expect("it was written");
        assert_eq!(scope(&read, "in_one_side").live_bytes, bytes as u64);
        std::fs::remove_file(path).expect("it was written");
        drop(kept);
        if child == 0 {
            drop(from_before);
            assert_eq!(scope(&assert_exact(counted), "first_owner").live_bytes, 0);
            // SAFETY: ends this process at once.
            unsafe { libc::_exit(0) };
        }
        let mut status = 0;
        // SAFETY: it is our child, and `status` is a valid place for the answer.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "round {round}: {status:#x}");
    }
}

#[track]
fn in_a_thread(number: usize) -> Vec<u8> {
    let kept = vec![1u8; 1 + number % 3_000];
    hint::black_box(vec![2u8; 50]);
    kept
}

fn many_threads(counted: Counted) {
    begin();
    const THREADS: usize = 300;
    let barrier = Arc::new(Barrier::new(THREADS));
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                barrier.wait();
                let kept: Vec<_> = (0..100).map(|step| in_a_thread(number * 7 + step)).collect();
                barrier.wait();
                kept
            })
        })
        .collect();
    let kept: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("it ends")).collect();
    let snapshot = assert_exact(counted);
    let bytes: usize = kept.iter().flatten().map(Vec::len).sum();
    assert_eq!(scope(&snapshot, "in_a_thread").live_bytes, bytes as u64);
    assert_eq!(scope(&snapshot, "in_a_thread").allocations, 2 * 100 * THREADS as u64);
    drop(kept);
    assert_eq!(scope(&assert_exact(counted), "in_a_thread").live_bytes, 0);
}

fn short_threads(counted: Counted) {
    begin();
    let threads = |count: usize| {
        for number in 0..count {
            thread::spawn(move || drop(in_a_thread(number))).join().expect("it ends");
        }
        let snapshot = assert_exact(counted);
        (snapshot.profiler.own_bytes.expect("measured"), snapshot)
    };
    let (after_first, _) = threads(10_000);
    let (after_all, snapshot) = threads(90_000);
    // Some pages of the live map are under addresses that only later blocks were given. One word that each thread
    // left behind would be more than that.
    let slack = 90_000 * 8;
    assert!(after_all <= after_first + slack, "own memory grew from {after_first} to {after_all} bytes");
    // This thread, and the others in the rows that are left. The observer has none.
    assert!(snapshot.threads.len() <= 1024, "{} rows", snapshot.threads.len());
    assert_eq!(snapshot.threads.iter().map(|row| u64::from(row.threads)).sum::<u64>(), 100_001);
    assert_eq!(scope(&snapshot, "in_a_thread").allocations, 200_000);
    assert_eq!(scope(&snapshot, "in_a_thread").live_bytes, 0);
}

fn one_thread(counted: Counted) {
    begin(); // the observer runs
    // glibc's word for whether it may leave out locks; it has it since 2.32.
    // SAFETY: the name is a C string; the symbol is a `char` that stays where it is.
    let single = unsafe {
        let place = libc::dlsym(libc::RTLD_DEFAULT, c"__libc_single_threaded".as_ptr());
        place.cast::<libc::c_char>().as_ref().map(|single| *single != 0)
    };
    if cfg!(all(target_env = "gnu", target_arch = "x86_64")) {
        assert_eq!(single, Some(true));
    }
    let threads = std::fs::read_dir("/proc/self/task").expect("Linux lists them").count();
    assert_eq!(threads, 2, "this one and the observer");
    let snapshot = assert_exact(counted);
    assert_eq!(snapshot.threads.len(), 1, "the observer is in nobody's books");
}

fn signals(counted: Counted) {
    static TAKEN: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn take(_: libc::c_int) {
        TAKEN.fetch_add(1, SeqCst);
    }
    begin();
    let block = |how| {
        // SAFETY: the set is filled before it is read.
        unsafe {
            let mut signals = std::mem::zeroed();
            libc::sigemptyset(&mut signals);
            libc::sigaddset(&mut signals, libc::SIGUSR1);
            assert_eq!(libc::pthread_sigmask(how, &signals, ptr::null_mut()), 0);
        }
    };
    // SAFETY: the handler only adds to an atomic.
    unsafe { libc::signal(libc::SIGUSR1, take as *const () as libc::sighandler_t) };
    block(libc::SIG_BLOCK);
    // SAFETY: to this process; every thread of the program's blocks it.
    assert_eq!(unsafe { libc::kill(libc::getpid(), libc::SIGUSR1) }, 0);
    wait_for_the_observer(); // it has run since
    assert_eq!(TAKEN.load(SeqCst), 0);
    block(libc::SIG_UNBLOCK);
    assert_eq!(TAKEN.load(SeqCst), 1, "it waited for this thread");
    assert_exact(counted);
}

/// Of [`super::Below`]: stack that it takes, and the `fn()` that has it serve a thread.
pub(crate) static STACK_BELOW: AtomicUsize = AtomicUsize::new(0);
pub(crate) static WARM_UP: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

fn little_stack(counted: Counted) {
    begin();
    /// What a first event, a map's leaf and a capture of the peak may take; code without optimisation takes more.
    const LEFT: usize = if cfg!(debug_assertions) { 12 << 10 } else { 6 << 10 };
    fn lowest() -> usize {
        // SAFETY: the attributes are filled by the first call, read by the second and given back by the third.
        unsafe {
            let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
            assert_eq!(libc::pthread_getattr_np(libc::pthread_self(), &mut attributes), 0);
            let (mut start, mut bytes) = (ptr::null_mut(), 0);
            assert_eq!(libc::pthread_attr_getstack(&attributes, &mut start, &mut bytes), 0);
            libc::pthread_attr_destroy(&mut attributes);
            start.addr()
        }
    }
    #[inline(never)]
    fn go_down(lowest: usize, blocks: &mut [*mut u8; 4]) {
        let frame = hint::black_box([0u8; 256]);
        if frame.as_ptr().addr() - lowest > LEFT + STACK_BELOW.load(SeqCst) {
            return go_down(lowest, hint::black_box(blocks));
        }
        for (block, bytes) in blocks.iter_mut().zip([40, 900, 70_000, 3 << 20]) {
            // SAFETY: the layout has a size.
            *block = unsafe { alloc(layout(bytes, 8)) };
        }
    }
    extern "C" fn thread(_: *mut libc::c_void) -> *mut libc::c_void {
        // What the allocator below memscope's takes for its own first event is not the subject. memscope's first
        // event on this thread is the one down there.
        let warm_up = WARM_UP.load(SeqCst);
        // SAFETY: a function of this type was stored.
        unsafe { std::mem::transmute::<*mut (), fn()>(warm_up)() };
        let mut blocks = [ptr::null_mut(); 4];
        go_down(lowest(), &mut blocks);
        for (block, bytes) in blocks.into_iter().zip([40, 900, 70_000, 3 << 20]) {
            assert!(!block.is_null());
            // SAFETY: allocated with this layout.
            unsafe { dealloc(block, layout(bytes, 8)) };
        }
        ENDED.fetch_add(1, SeqCst);
        ptr::null_mut()
    }
    // SAFETY: the thread takes no argument and is waited for.
    unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        assert_eq!(libc::pthread_attr_init(&mut attributes), 0);
        assert_eq!(libc::pthread_attr_setstacksize(&mut attributes, 256 << 10), 0);
        let mut id: libc::pthread_t = 0;
        assert_eq!(libc::pthread_create(&mut id, &attributes, thread, ptr::null_mut()), 0);
        assert_eq!(libc::pthread_join(id, ptr::null_mut()), 0);
        libc::pthread_attr_destroy(&mut attributes);
    }
    assert_eq!(ENDED.load(SeqCst), 1);
    assert_exact(counted);
}

fn little_address_space(counted: Counted) {
    begin();
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux says");
    let pages: u64 = statm.split(' ').next().and_then(|pages| pages.parse().ok()).expect("a number of pages");
    let limit_to = |bytes| {
        let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: a valid limit.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
    };
    limit_to(pages * 4096 + (48 << 20));
    // Takes blocks until there is no more, gives them back, and does so again: the program goes on.
    let (mut given, mut taken) = (Vec::with_capacity(20_000), 0);
    for bytes in [100_000, 3_000, 200, 20] {
        for _ in 0..2 {
            for _ in 0..20_000 {
                // SAFETY: the layout has a size, and a null block is not used.
                let start = unsafe { alloc(layout(bytes, 8)) };
                if start.is_null() {
                    break;
                }
                // SAFETY: the first byte of the block.
                unsafe { start.write(1) };
                given.push(Raw { start, layout: layout(bytes, 8) });
            }
            taken += given.len();
            given.clear();
        }
    }
    drop(given);
    limit_to(libc::RLIM_INFINITY);
    assert!(taken > 0, "some were given");
    let inner = mock::counts();
    let snapshot = memscope::snapshot();
    let (totals, own) = (snapshot.totals, &snapshot.profiler);
    assert_sums(&snapshot);
    if counted == Counted::Yes {
        // What could not be recorded is counted, and each such block's free finds no record.
        let recorded = totals.allocations + own.own_allocations;
        let freed = totals.deallocations + own.own_deallocations;
        let lost = own.sampling.map_or(0, |sampling| sampling.lost_samples);
        let missed = inner.allocations.checked_sub(recorded).expect("nothing is recorded twice");
        assert!(missed <= own.unrecorded_events + lost, "{missed} of {} + {lost}", own.unrecorded_events);
        match own.sampling {
            None => assert_eq!(Some(inner.deallocations - freed), own.blocks_before_start),
            // Whose sample was lost is not known when it is freed.
            Some(_) => assert!(inner.deallocations - freed <= missed),
        }
    }
}

fn off(_: Counted) {
    first_scope();
    let mut block = first_owner(100);
    assert!(resizes(&mut block, 200, Realloc::Inner));
    let kept: Vec<_> = (0..1000).map(|step| vec![1u8; step]).collect();
    thread::spawn(move || drop(kept)).join().expect("it ends");
    let snapshot = memscope::snapshot();
    assert_eq!(snapshot.mode, memscope::model::Mode::Off);
    assert_eq!(snapshot.totals, memscope::model::Totals::default());
    assert!(snapshot.profiler.allocator_installed && snapshot.scopes.is_empty());
}
