//! What a snapshot costs a program of 10^6 live blocks: the pauses of two threads that go on meanwhile, the snapshot's own
//! time, and those of writing and reading its file. The figures of `docs/performance.md` are its output:
//!
//! ```text
//! cargo run --release -p memscope --example snapshot_cost
//! cargo run --release -p memscope --example snapshot_cost -- --holes
//! ```
//!
//! `--first` gives the two threads the first claim on a processor (`SCHED_FIFO`, which wants its right) and lets them rest
//! between turns of work, so that other programs, and a snapshot that only computes, do not delay them: what remains is what
//! memscope, the allocator and the kernel hold, and what a hypervisor takes (`steal` in /proc/stat), which is printed.
//!
//! It fails where a target is missed. `--short` holds a tenth of the blocks and takes fewer snapshots; the targets stay, but
//! for the pauses themselves, which on a machine that is busy otherwise are not memscope's alone: there the holds speak.
#![expect(clippy::print_stdout, reason = "an example prints")]

mod heap;
mod pauses;
mod processor;

use heap::{Heap, Work};
use memscope_runtime::format;
use pauses::{ALL, Beside, Pauses, Stopwatch};
use std::process::ExitCode;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system().mode(memscope::Mode::Live);

/// The program's worst pause, without waiting for a processor.
const PAUSE_TARGET: Duration = Duration::from_millis(5);
const WRITE_TARGET: Duration = Duration::from_millis(300);
const READ_TARGET: Duration = Duration::from_millis(100);

/// For so long does a thread that comes first work, and then rest.
const TURN: Duration = Duration::from_micros(500);

/// What goes on beside the threads: the number of a [`Beside`].
static BESIDE: AtomicU8 = AtomicU8::new(0);
static STOP: AtomicBool = AtomicBool::new(false);

struct Plan {
    blocks: usize,
    snapshots: usize,
    with_holes: bool,
    is_short: bool,
    comes_first: bool,
}

impl Plan {
    fn of_arguments() -> Option<Plan> {
        let mut plan =
            Plan { blocks: 1_000_000, snapshots: 20, with_holes: false, is_short: false, comes_first: false };
        for argument in std::env::args().skip(1) {
            match argument.as_str() {
                "--short" => (plan.blocks, plan.snapshots, plan.is_short) = (100_000, 5, true),
                "--holes" => plan.with_holes = true,
                "--first" => plan.comes_first = true,
                other => {
                    println!("{other}: not known; --short, --holes and --first are");
                    return None;
                }
            }
        }
        Some(plan)
    }
}

fn main() -> ExitCode {
    let Some(plan) = Plan::of_arguments() else { return ExitCode::FAILURE };
    match measure(&plan) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("not measured: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all targets are met.
fn measure(plan: &Plan) -> std::io::Result<bool> {
    let paths = heap::call_all_paths();
    let own = Heap::of(plan.blocks / 2, plan.with_holes);
    let ready = Barrier::new(3);
    let stolen = processor::stolen()?;
    let (mut durations, mut pauses) = (Vec::new(), Pauses::new());
    let (mut last, mut failed) = (None, None);
    std::thread::scope(|scope| {
        let program: Vec<_> = (1..=2)
            .map(|seed| {
                scope.spawn({
                    let ready = &ready;
                    move || works(seed, plan, ready)
                })
            })
            .collect();
        ready.wait();
        for _ in 0..plan.snapshots {
            let started = Instant::now();
            let snapshot = during(Beside::Snapshot, memscope::snapshot);
            let as_long = started.elapsed();
            durations.push(as_long);
            during(Beside::Snapshot, || last.replace(snapshot)); // drops the one before
            during(Beside::Computing, || computes(as_long));
            during(Beside::Nothing, || std::thread::sleep(as_long));
        }
        STOP.store(true, Ordering::Relaxed);
        for thread in program {
            match thread.join() {
                Ok(Ok(of_thread)) => pauses.merge(&of_thread),
                Ok(Err(error)) => failed = Some(error),
                Err(_) => failed = Some(std::io::Error::other("a thread panicked")),
            }
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let Some(snapshot) = last else { return Ok(false) };
    println!(
        "{} live blocks in {} scopes, {} rows of tracked variables; {} snapshots beside two threads, {}",
        snapshot.totals.live_allocations,
        snapshot.scopes.len(),
        snapshot.variables.len(),
        plan.snapshots,
        if plan.with_holes { "with a hole beside every other block" } else { "few holes" },
    );
    durations.sort();
    println!(
        "a snapshot takes {:.1?} (median), {:.1?} at most",
        durations[durations.len() / 2],
        durations[durations.len() - 1]
    );
    println!(
        "a hypervisor took {:.1?} of both processors meanwhile",
        processor::stolen()?.saturating_sub(stolen)
    );
    let mut paused = print_pauses(&pauses);
    if plan.is_short {
        paused = true;
    }
    paused &= print_holds();
    let written = file_cost(&snapshot);
    std::hint::black_box((paths, own));
    Ok(paused && written)
}

/// A thread of the program.
fn works(seed: u64, plan: &Plan, ready: &Barrier) -> std::io::Result<Pauses> {
    let held = Heap::of(plan.blocks / 4, plan.with_holes);
    let mut work = Work::new(seed);
    (0..10_000).for_each(|_| work.step());
    ready.wait();
    if plan.comes_first {
        processor::comes_first().map_err(|error| {
            std::io::Error::new(error.kind(), format!("--first wants the right to it: {error}"))
        })?;
    }
    let mut stopwatch = Stopwatch::start()?;
    let mut turn = Instant::now();
    while !STOP.load(Ordering::Relaxed) {
        work.step();
        stopwatch.lap(Beside::of(BESIDE.load(Ordering::Relaxed)))?;
        if plan.comes_first && turn.elapsed() > TURN {
            std::thread::sleep(TURN);
            stopwatch.rested()?;
            turn = Instant::now();
        }
    }
    std::hint::black_box(held);
    Ok(stopwatch.pauses)
}

fn during<T>(beside: Beside, work: impl FnOnce() -> T) -> T {
    BESIDE.store(beside as u8, Ordering::Relaxed);
    let done = work();
    BESIDE.store(Beside::Nothing as u8, Ordering::Relaxed);
    done
}

fn computes(for_long: Duration) {
    let started = Instant::now();
    let mut sum = 0u64;
    while started.elapsed() < for_long {
        (0..1_000).for_each(|n| sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(n)));
    }
}

/// Whether the target is met: the threads have no pause of that length beside a snapshot, or have one as long without it.
fn print_pauses(pauses: &Pauses) -> bool {
    println!("steps of the two threads; held: without the time in which a thread waited for a processor");
    for kind in ALL {
        let (wall, held) = (&pauses.wall[kind as usize], &pauses.held[kind as usize]);
        println!(
            "  beside {:<10} {:>8} steps, longest {:>9.1?}, p99.9 {:>8.1?}; held: longest {:>9.1?} ({:.1?} of it running), p99.9 {:>8.1?}, {} over \
             {PAUSE_TARGET:?}",
            format!("{kind:?}").to_lowercase(),
            wall.count(),
            wall.longest(),
            wall.quantile(999),
            held.longest(),
            held.running_of_longest(),
            held.quantile(999),
            held.count_over(PAUSE_TARGET),
        );
    }
    let longest = |kind: Beside| pauses.held[kind as usize].longest();
    let otherwise = longest(Beside::Nothing).max(longest(Beside::Computing));
    let is_met = verdict("longest held beside a snapshot", longest(Beside::Snapshot), PAUSE_TARGET);
    if !is_met && otherwise >= PAUSE_TARGET {
        println!(
            "  but without a snapshot a thread was held for {otherwise:.1?}: this machine is too busy to tell"
        );
    }
    is_met
}

/// Whether no snapshot held a lock for longer, in time on the processor.
fn print_holds() -> bool {
    let holds = memscope_runtime::hold::longest();
    let is_met = |(held, longest)| verdict(&format!("longest hold, {held:?}"), longest, PAUSE_TARGET);
    holds.map(is_met).into_iter().all(|is_met| is_met)
}

fn verdict(what: &str, measured: Duration, target: Duration) -> bool {
    let is_met = measured < target;
    println!("{what}: {measured:.1?}, target {target:?}: {}", if is_met { "met" } else { "MISSED" });
    is_met
}

/// Whether the targets of writing and reading are met.
fn file_cost(snapshot: &memscope::model::Snapshot) -> bool {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let path = folder.path().join("million.memscope");
    let shortest = |work: &dyn Fn()| {
        let timed = || {
            let started = Instant::now();
            work();
            started.elapsed()
        };
        (0..5).map(|_| timed()).min().unwrap_or_default()
    };
    let write = shortest(&|| format::write_file(&path, snapshot).expect("it can be written"));
    let read = shortest(&|| drop(format::read_file(&path).expect("it was just written")));
    println!("the file has {} bytes", std::fs::metadata(&path).expect("it was just written").len());
    let written = verdict("writing, the shortest of five", write, WRITE_TARGET);
    verdict("reading, the shortest of five", read, READ_TARGET) && written
}
