//! One contender: a global allocator and what goes with it, chosen by the package's feature, and the workloads.
//!
//! `contender WORKLOAD OPERATIONS` prints the nanoseconds of one operation;
//! `contender memory BLOCK_BYTES LIVE_BYTES` prints `resident_bytes N`, and memscope's own figure as `own_bytes N`.
//!
//! It ends without unwinding `main`, so that no contender writes its report: only recording is measured.

use std::future::poll_fn;
use std::hint::black_box;
use std::task::Poll;
use std::time::Duration;
use workloads::{Task, Tracked, by_name, memory};

/// The system's allocator and nothing else.
#[cfg(feature = "plain")]
mod chosen {
    #[global_allocator]
    static ALLOCATOR: std::alloc::System = std::alloc::System;

    pub(crate) fn start() -> impl Sized {}
}

/// The same with a second thread, which sleeps: glibc takes locks then that it leaves out for one thread.
#[cfg(feature = "plain-two-threads")]
mod chosen {
    #[global_allocator]
    static ALLOCATOR: std::alloc::System = std::alloc::System;

    pub(crate) fn start() -> impl Sized {
        std::thread::spawn(|| std::thread::park())
    }
}

/// memscope over the system's allocator. Without its feature `live` (`memscope-off`) it forwards; with the feature
/// `sampling` it samples.
#[cfg(any(feature = "memscope", feature = "memscope-off", feature = "memscope-sampling"))]
mod chosen {
    #[global_allocator]
    static ALLOCATOR: memscope::Allocator = memscope::Allocator::system();

    pub(crate) fn start() -> impl Sized {}
}

/// mimalloc, the plain program of the next.
#[cfg(feature = "mimalloc")]
mod chosen {
    #[global_allocator]
    static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

    pub(crate) fn start() -> impl Sized {}
}

/// memscope over mimalloc.
#[cfg(feature = "memscope-mimalloc")]
mod chosen {
    #[global_allocator]
    static ALLOCATOR: memscope::Allocator<mimalloc::MiMalloc> = memscope::Allocator::new(mimalloc::MiMalloc);

    pub(crate) fn start() -> impl Sized {}
}

/// hotpath with its feature `hotpath-alloc`: sums by measured function.
#[cfg(feature = "hotpath")]
mod chosen {
    #[global_allocator]
    static ALLOCATOR: hotpath::CountingAllocator = hotpath::CountingAllocator::new();

    pub(crate) fn start() -> impl Sized {
        hotpath::HotpathGuardBuilder::new("main").build()
    }
}

/// dhat's heap profiler: a backtrace for each block.
#[cfg(feature = "dhat")]
mod chosen {
    #[global_allocator]
    static ALLOCATOR: dhat::Alloc = dhat::Alloc;

    pub(crate) fn start() -> impl Sized {
        dhat::Profiler::new_heap()
    }
}

/// memscope-rs with its feature `tracking-allocator`, which installs its allocator by itself.
#[cfg(feature = "memscope-rs")]
mod chosen {
    pub(crate) fn start() -> impl Sized {
        memscope_rs::start().expect("memscope-rs starts once")
    }
}

/// jemalloc, with its sampling profiler compiled in or not. What runs is said by `_RJEM_MALLOC_CONF`.
#[cfg(any(feature = "jemalloc", feature = "jemalloc-profiler"))]
mod chosen {
    #[global_allocator]
    static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

    pub(crate) fn start() -> impl Sized {}
}

/// Google's tcmalloc, with its heap sampler off, or on with the mean distance of memscope's and jemalloc's. As it comes
/// the sampler is on, 2 MiB apart.
#[cfg(any(feature = "tcmalloc", feature = "tcmalloc-profiler"))]
mod chosen {
    #[global_allocator]
    static ALLOCATOR: tcmalloc_better::TCMalloc = tcmalloc_better::TCMalloc;

    const MEAN_BYTES: i64 = if cfg!(feature = "tcmalloc-profiler") { 512 << 10 } else { 0 };

    // Functions of tcmalloc's that its `MallocExtension` calls and the crate does not.
    unsafe extern "C" {
        safe fn MallocExtension_Internal_SetProfileSamplingInterval(mean_bytes: i64);
        safe fn TCMalloc_Internal_ForceCpuCacheActivation();
        safe fn MallocExtension_Internal_GetPerCpuCachesActive() -> bool;
    }

    /// Naming the second function is what links the file that makes the caches of each processor active: nothing else
    /// in the crate needs that file, and without it tcmalloc goes the way that takes twice as long.
    ///
    /// What this thread has drawn already stands: its first sample is still 2 MiB away, on average, in both.
    pub(crate) fn start() -> impl Sized {
        MallocExtension_Internal_SetProfileSamplingInterval(MEAN_BYTES);
        TCMalloc_Internal_ForceCpuCacheActivation();
        if !MallocExtension_Internal_GetPerCpuCachesActive() {
            eprintln!("contender: tcmalloc has no caches of each processor here (rseq)");
            std::process::exit(2);
        }
    }
}

static TRACKED: Tracked =
    Tracked { work, task: |inner| Box::pin(task(inner)), nothing, pending: |polls| Box::pin(pending(polls)) };

#[cfg_attr(feature = "has-memscope", memscope::track)]
#[cfg_attr(feature = "hotpath", hotpath::measure)]
fn work(inner: &mut dyn FnMut()) {
    inner();
}

#[cfg_attr(feature = "has-memscope", memscope::track)]
#[cfg_attr(feature = "hotpath", hotpath::measure)]
async fn task(inner: Task) {
    inner.await;
}

#[cfg_attr(feature = "has-memscope", memscope::track)]
#[cfg_attr(feature = "hotpath", hotpath::measure)]
fn nothing(number: u64) -> u64 {
    black_box(number)
}

#[cfg_attr(feature = "has-memscope", memscope::track)]
#[cfg_attr(feature = "hotpath", hotpath::measure)]
async fn pending(polls: u64) {
    let mut left = polls;
    poll_fn(|_| {
        left -= 1;
        if left == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Moves all that follows on the heap by so many bytes, within a page. What lies how far from what decides which
/// accesses a processor takes for the same: in one layout of sixteen the workload `pair` took a quarter longer, with
/// any allocator. So each round has a layout of its own, the same for all contenders.
const SHIFT: &str = "OVERHEAD_SHIFT_BYTES";

fn shift_heap() {
    if let Some(bytes) = std::env::var(SHIFT).ok().and_then(|text| text.parse::<usize>().ok()) {
        // What is small is cut from what was freed before; 2,000 bytes and more are not.
        std::mem::forget(black_box(Vec::<u8>::with_capacity(2_000 + bytes)));
        for bytes in (16..=144).step_by(16) {
            std::mem::forget(black_box(Vec::<u8>::with_capacity(bytes)));
        }
    }
}

/// Blocks that live throughout, and are in memscope's sample where it samples.
const LIVE_SAMPLES: &str = "OVERHEAD_LIVE_SAMPLES";

#[expect(clippy::vec_box, reason = "each has to be a block of its own")]
fn keep_samples() -> Vec<Box<[u8; 64]>> {
    let count = std::env::var(LIVE_SAMPLES).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    if count == 0 {
        return Vec::new();
    }
    #[cfg(feature = "memscope-sampling")]
    let mean_bytes = memscope::sampling::mean_bytes();
    #[cfg(feature = "memscope-sampling")]
    memscope::sampling::set_mean_bytes(0);
    let kept = (0..count).map(|_| black_box(Box::new([1; 64]))).collect();
    #[cfg(feature = "memscope-sampling")]
    memscope::sampling::set_mean_bytes(mean_bytes);
    kept
}

fn main() {
    let _started = chosen::start();
    let _kept = keep_samples();
    shift_heap();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let Err(message) = run(&arguments) {
        eprintln!("contender: {message}");
        std::process::exit(2);
    }
    std::process::exit(0);
}

fn run(arguments: &[&str]) -> Result<(), String> {
    match *arguments {
        ["memory", block_bytes, live_bytes] => {
            let (block_bytes, live_bytes) = (number(block_bytes)?, number(live_bytes)?);
            let mut filled = Ok(());
            (TRACKED.work)(&mut || filled = memory::live_heap(block_bytes, live_bytes));
            filled?;
            // Before the recorder is asked: its answer takes memory too.
            println!("resident_bytes {}", memory::resident_bytes()?);
            #[cfg(feature = "has-memscope")]
            if let Some(bytes) = memscope::snapshot().profiler.own_bytes {
                println!("own_bytes {bytes}");
            }
        }
        [name, operations] => {
            let workload = by_name(name).ok_or_else(|| format!("no workload `{name}`"))?;
            let operations: u64 = number(operations)?;
            if operations == 0 {
                return Err("0 operations have no time each".to_owned());
            }
            let mut elapsed = Duration::ZERO;
            (TRACKED.work)(&mut || elapsed = workload(operations, &TRACKED));
            println!("{}", elapsed.as_nanos() as f64 / operations as f64);
        }
        _ => return Err("usage: contender WORKLOAD OPERATIONS, or memory BLOCK_BYTES LIVE_BYTES".to_owned()),
    }
    Ok(())
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}
