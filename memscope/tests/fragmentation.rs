//! Slack inside blocks, as glibc's `malloc` has it: exact, and read while other threads free what it is read from.
//!
//! Each test runs in a process of its own, for its subject is the process: what the test harness allocates would show.

#![cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]

use memscope::model::Fragmentation;
use std::alloc::{Layout, alloc, dealloc};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

// Every block, also where sampling is compiled in.
#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system().mode(memscope::Mode::Live);

/// Runs a scene in a process of its own, which is to end well, and gives what it prints.
fn scene(name: &str, environment: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().expect("the test's own path"))
        .args(["--exact", "a_scene", "--nocapture"])
        .env("MEMSCOPE_TEST_SCENE", name)
        .envs(environment.iter().copied())
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{name}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What the tests below run in a process of its own; without a name there is none to run.
#[test]
fn a_scene() {
    match std::env::var("MEMSCOPE_TEST_SCENE").as_deref() {
        Ok("slack") => slack(),
        Ok("heap") => heap(),
        Ok("holes") => holes(),
        Ok("stress") => stress(),
        Ok("child") => child(),
        Ok("look") => look(),
        Ok(other) => panic!("no such scene: {other}"),
        Err(_) => assert!(memscope::snapshot().fragmentation.resident_bytes.is_some()),
    }
}

/// What is said once all blocks are older than the clock's last tick: then every header is believed.
fn settled() -> Fragmentation {
    thread::sleep(Duration::from_millis(25));
    memscope::snapshot().fragmentation
}

/// Blocks, their bytes and their slack, beyond what was there before.
fn beyond(before: &Fragmentation, now: &Fragmentation) -> (i64, i64, i64) {
    let slack = |said: &Fragmentation| said.slack_bytes.expect("it is measured") as i64;
    (
        now.slack_blocks as i64 - before.slack_blocks as i64,
        now.slack_of_bytes as i64 - before.slack_of_bytes as i64,
        slack(now) - slack(before),
    )
}

#[test]
fn slack_is_what_glibc_says() {
    scene("slack", &[]);
}

fn slack() {
    let mut blocks: Vec<*mut u8> = Vec::with_capacity(3_000);
    let mut layouts: Vec<Layout> = Vec::with_capacity(3_000);
    let before = settled();
    // A chunk is a multiple of 16 and at least 32, of which the block has all but 8: 24, 40, 56, …
    // So 24 bytes fill theirs, and 25 leave 40 − 25 = 15.
    for (bytes, by_rule) in [(24, 0), (25, 15), (1, 23), (40, 0), (41, 15)] {
        let mut slack = 0;
        let mut larger = 0;
        for _ in 0..1_000 {
            let layout = Layout::from_size_align(bytes, 1).expect("a fine layout");
            // SAFETY: its size is not 0.
            let block = unsafe { alloc(layout) };
            // SAFETY: the block is the test's own and alive.
            let usable = unsafe { libc::malloc_usable_size(block.cast()) };
            // The last of a free chunk's bytes go along where they are no chunk of their own: 16 more.
            larger += usize::from(usable - bytes == by_rule + 16);
            slack += usable - bytes;
            blocks.push(block);
        }
        assert_eq!(slack, 1_000 * by_rule + 16 * larger, "{bytes} bytes");
        assert!(larger < 100, "{larger} of 1,000 blocks fill a hole that the program's start left");
        assert_eq!(beyond(&before, &settled()), (1_000, 1_000 * bytes as i64, slack as i64));
        for block in blocks.drain(..) {
            // SAFETY: allocated above with this layout.
            unsafe { dealloc(block, Layout::from_size_align(bytes, 1).expect("a fine layout")) };
        }
    }
    // All kinds: of the arena, mapped each on its own, and with alignments that malloc does not give by itself.
    let mut expected = (0, 0, 0);
    for index in 0..3_000usize {
        let bytes = match index % 100 {
            0 => 200_000 + index * 1_001,
            1 => 5_000 + index,
            _ => 1 + index * 37 % 2_000,
        };
        let align = [1, 8, 16, 64, 4_096][index % 5];
        let layout = Layout::from_size_align(bytes, align).expect("a fine layout");
        // SAFETY: its size is not 0.
        let block = unsafe { alloc(layout) };
        // SAFETY: the block is the test's own and alive.
        let usable = unsafe { libc::malloc_usable_size(block.cast()) };
        expected = (expected.0 + 1, expected.1 + bytes as i64, expected.2 + (usable - bytes) as i64);
        blocks.push(block);
        layouts.push(layout);
    }
    assert_eq!(beyond(&before, &settled()), expected);
    for (block, layout) in blocks.into_iter().zip(layouts) {
        // SAFETY: allocated above with this layout.
        unsafe { dealloc(block, layout) };
    }
}

#[test]
fn the_kernel_and_glibc_say_what_they_have() {
    scene("heap", &[]);
}

fn heap() {
    let before = settled();
    // 8 MiB that are touched, in blocks that glibc takes from the arena.
    let kept: Vec<Vec<u8>> = (0..1_024).map(|_| vec![1u8; 8 << 10]).collect();
    // 64 MiB that are not touched, mapped on their own: glibc counts them, the kernel does not.
    let untouched: Vec<u8> = Vec::with_capacity(64 << 20);
    let now = settled();
    let gained = |figure: fn(&Fragmentation) -> Option<u64>| {
        figure(&now).expect("measured") as i64 - figure(&before).expect("measured") as i64
    };
    let resident = gained(|said| said.resident_bytes);
    // Some of the pages were there before, free.
    assert!((7 << 20..16 << 20).contains(&resident), "{resident}");
    let used = gained(|said| said.glibc.map(|heap| heap.used_bytes));
    assert!((8 << 20..9 << 20).contains(&used), "{used}");
    let mapped = gained(|said| said.glibc.map(|heap| heap.mapped_bytes));
    // 64 MiB and the chunk's 16 bytes, in whole pages.
    assert!((64 << 20..(64 << 20) + 8_192).contains(&mapped), "{mapped}");
    let heap = now.glibc.expect("measured");
    assert_eq!(heap.arena_bytes, heap.used_bytes + heap.free_bytes);
    drop((kept, untouched));
}

#[test]
fn a_heap_of_many_holes_is_not_asked_for_its_account() {
    scene("holes", &[]);
}

fn holes() {
    // Larger than what glibc's `malloc` puts aside uncombined (128 bytes).
    let blocks: Vec<Vec<u8>> = (0..40_000).map(|_| vec![1; 200]).collect();
    assert!(settled().glibc.is_some());
    // Every other one is freed, between two that stay: 20,000 holes, each of which `mallinfo2` would walk while the other
    // threads wait.
    let kept: Vec<Vec<u8>> = blocks.into_iter().step_by(2).collect();
    let now = settled();
    assert!(now.slack_bytes.is_some() && now.resident_bytes.is_some());
    assert_eq!(now.glibc, None);
    // Without the others there is one hole.
    drop(kept);
    assert!(settled().glibc.is_some());
}

#[test]
fn blocks_that_are_freed_and_unmapped_meanwhile_are_left_out_and_nothing_breaks() {
    scene("stress", &[]);
}

#[expect(clippy::print_stdout, reason = "how many snapshots there was time for")]
fn stress() {
    static STOP: AtomicBool = AtomicBool::new(false);
    // Without this glibc would keep what was mapped once for the next time.
    // SAFETY: a parameter of malloc's.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, 128 << 10) };
    let threads: Vec<_> = (1..=3usize)
        .map(|seed| {
            thread::spawn(move || {
                let mut random = seed as u64;
                let mut kept: Vec<Vec<u8>> = Vec::new();
                while !STOP.load(Ordering::Relaxed) {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let bytes = match random >> 60 {
                        0..8 => 100 + (random >> 33 & 0x3ff),
                        8..12 => 20_000 + (random >> 33 & 0xffff),
                        _ => 130_000 + (random >> 33 & 0xf_ffff),
                    };
                    kept.push(vec![1; bytes as usize]);
                    if let Some(grown) = kept.first_mut() {
                        grown.reserve(1_000);
                    }
                    if kept.len() > 20 {
                        kept.swap_remove((random >> 40) as usize % 20);
                    }
                    thread::sleep(Duration::from_micros(20)); // the snapshots are to have a core too
                }
            })
        })
        .collect();
    let (mut most_left_out, mut taken) = (0, 0);
    let started = Instant::now();
    // Some 10 ms each; on a machine that is busy otherwise as many as fit.
    for _ in (0..1_000).take_while(|_| started.elapsed() < Duration::from_secs(20)) {
        let snapshot = memscope::snapshot();
        taken += 1;
        let said = snapshot.fragmentation;
        let slack = said.slack_bytes.expect("it is measured");
        // A block of an arena leaves at most 56 bytes, one that is mapped less than a page and 16 bytes.
        assert!(slack < said.slack_blocks * 4_112, "{slack} bytes in {} blocks", said.slack_blocks);
        most_left_out = most_left_out.max(snapshot.totals.live_allocations.saturating_sub(said.slack_blocks));
    }
    STOP.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    println!("{taken} snapshots in {:?}", started.elapsed());
    // Three threads hold 21 blocks each; the rest of the process stands still.
    assert!(most_left_out <= 3 * 21 + 100, "{most_left_out}");
}

/// Whether a fork's child sees what `is_right` says, and ends well.
fn in_a_child(is_right: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child only does what a child may that has the forking thread alone, and ends by `_exit`.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "the system gives a child");
    if child == 0 {
        let code = if is_right() { 7 } else { 1 };
        // SAFETY: ends this process at once.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: `status` is a valid place for the answer.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7
}

#[test]
fn a_child_reads_its_own_blocks_where_memory_is_short_too() {
    scene("child", &[]);
}

fn child() {
    let kept: Vec<Vec<u8>> = (0..1_000).map(|_| vec![1; 25]).collect();
    assert!(in_a_child(|| settled().slack_blocks >= 1_000));
    assert!(in_a_child(|| {
        let statm = std::fs::read_to_string("/proc/self/statm").expect("the kernel says it");
        let pages: u64 = statm.split(' ').next().expect("it has a first word").parse().expect("a number");
        let most = pages * 4_096 + (16 << 20);
        let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
        // SAFETY: a limit of this process, which ends with it.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
        // The block of 33 MiB that headers are tried on is not mapped; the others are.
        let said = settled();
        said.slack_blocks >= 1_000 && said.glibc.is_some() && said.resident_bytes.is_some()
    }));
    drop(kept);
}

#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn look() {
    let said = memscope::snapshot().fragmentation;
    println!("slack={} glibc={}", said.slack_bytes.is_some(), said.glibc.is_some());
}

#[test]
fn a_malloc_in_glibcs_place_is_not_taken_for_it() {
    assert!(scene("look", &[]).contains("slack=true glibc=true"));
    // glibc's own checking `malloc`: its blocks end earlier than their chunks. Systems of other architectures and older
    // glibcs have it elsewhere or not at all.
    let checking = "/lib/x86_64-linux-gnu/libc_malloc_debug.so.0";
    if Path::new(checking).exists() {
        let environment = [("LD_PRELOAD", checking), ("GLIBC_TUNABLES", "glibc.malloc.check=3")];
        assert!(scene("look", &environment).contains("slack=false glibc=false"));
    }
}

#[test]
fn the_places_of_sampled_blocks_are_no_slack() {
    // Without the feature every block is recorded all the same.
    let said = scene("look", &[("MEMSCOPE_MODE", "sampling")]);
    assert!(said.contains(&format!("slack={} glibc=true", !cfg!(feature = "sampling"))), "{said}");
}
