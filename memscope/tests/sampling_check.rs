//! The self-check: sampled figures beside exact ones. There is one check at a time in a process, and a test's thread
//! that began meanwhile would be in it: so one test.

use memscope::sampling::{self, CheckedScope, SelfCheck, SelfCheckError, self_check};
use memscope::track;
use std::hint::black_box;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[track]
fn make(bytes: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(bytes))
}

#[track]
fn grow(block: &mut Vec<u8>, to: usize) {
    block.reserve_exact(to);
    black_box(block);
}

#[track]
fn grow_again(block: &mut Vec<u8>, to: usize) {
    block.reserve_exact(to);
    black_box(block);
}

#[track]
fn trim(block: &mut Vec<u8>, to: usize) {
    block.shrink_to(to);
    black_box(block);
}

#[track]
fn release<T>(blocks: T) {
    drop(black_box(blocks));
}

#[track]
#[expect(clippy::vec_box, reason = "each box is a block to be counted")]
fn boxes(count: usize) -> Vec<Box<[u8; 64]>> {
    let mut boxes = Vec::with_capacity(count);
    boxes.extend((0..count).map(|_| black_box(Box::new([1; 64]))));
    boxes
}

#[track]
fn large_and_zeroed() {
    black_box(Vec::<u8>::with_capacity(10_000)).reserve_exact(20_000);
    drop(black_box(vec![0u8; 500]));
}

fn scope<'a>(check: &'a SelfCheck, path: &[&str]) -> &'a CheckedScope {
    check.scopes.iter().find(|scope| scope.path == path).unwrap_or_else(|| panic!("{path:?} in {check}"))
}

fn exact(scope: &CheckedScope) -> [u64; 7] {
    scope.figures().map(|(_, figure)| figure.exact)
}

fn every_block_is_in_the_sample() {
    sampling::set_mean_bytes(0);
    let mut kept = Vec::with_capacity(2);
    let (mut old, freed_inside) = (make(100), make(1_000));
    let check = self_check(|| {
        drop(freed_inside);
        grow(&mut old, 400);
        drop(old);

        let mut block = make(100);
        grow(&mut block, 300);
        trim(&mut block, 250);
        trim(&mut block, 60);
        grow_again(&mut block, 160);
        thread::spawn(move || release(block)).join().expect("it does not panic");

        let mut theirs = thread::spawn(|| boxes(5)).join().expect("it does not panic");
        kept.extend(theirs.drain(..2));
        release(theirs);
        large_and_zeroed();
    });
    let check = check.expect("nothing is in its way");

    // allocations, frees, resizes; bytes allocated, bytes freed; blocks alive, bytes alive.
    //
    // `make` gives a block of 100 bytes. `grow` adds 200, all of which `trim` takes back, 50 and then 150, before it
    // takes 40 of the first 100; so 60 are left to `make` when the block is freed, and `grow_again` gained 100.
    assert_eq!(exact(scope(&check, &["make"])), [1, 1, 0, 100, 40 + 60, 0, 0]);
    // `grow` also adds 300 bytes to a block from before, whose resize is nobody's: who allocated it is not known.
    assert_eq!(exact(scope(&check, &["grow"])), [0, 0, 1, 200 + 300, 50 + 150 + 300, 0, 0]);
    assert_eq!(exact(scope(&check, &["trim"])), [0, 0, 2, 0, 0, 0, 0]);
    assert_eq!(exact(scope(&check, &["grow_again"])), [0, 0, 1, 100, 100, 0, 0]);
    // Five boxes of 64 bytes and their list, of 5 pointers; two boxes are kept.
    assert_eq!(exact(scope(&check, &["boxes"])), [6, 4, 0, 5 * 64 + 40, 3 * 64 + 40, 2, 128]);
    // 10,000 bytes that become 20,000, and 500.
    assert_eq!(exact(scope(&check, &["large_and_zeroed"])), [2, 2, 1, 20_500, 20_500, 0, 0]);
    // What is left is what starting two threads took.
    assert!(check.scopes.iter().all(|scope| scope.path.len() < 2 && scope.path != ["release"]), "{check}");

    for scope in check.scopes.iter().chain([&check.total]) {
        for (name, figure) in scope.figures() {
            assert_eq!(figure.estimate, figure.exact, "{name} in {check}");
            assert_eq!((figure.standard_error, figure.reported_error), (0.0, 0.0), "{name} in {check}");
        }
    }
    assert_eq!(check.largest_distance(), 0.0);
    assert_eq!((check.mean_bytes, kept.len()), (0, 2));
}

#[track]
fn small(kept: &mut Vec<Vec<u8>>) {
    for size in 1..2_000 {
        kept.push(make(size % 200 + 32));
        drop(make(size % 90 + 32));
    }
}

#[track]
fn resized(kept: &mut [Vec<u8>]) {
    for (index, block) in kept.iter_mut().enumerate() {
        match index % 3 {
            0 => grow(block, index % 2_000 + 300),
            1 => trim(block, 8 + index % 40),
            _ => {}
        }
    }
}

/// Some 2 MB, in about 6,000 blocks.
fn work() -> SelfCheck {
    let mut kept = Vec::new();
    let check = self_check(|| {
        let (send, receive) = channel();
        let here = {
            let mut kept = Vec::new();
            small(&mut kept);
            resized(&mut kept);
            kept
        };
        thread::spawn(move || {
            let mut kept = Vec::new();
            small(&mut kept);
            kept.extend(here.into_iter().skip(500));
            resized(&mut kept);
            send.send(kept).expect("the receiver waits");
        })
        .join()
        .expect("it does not panic");
        kept = receive.recv().expect("it was sent");
        release(kept.split_off(kept.len() / 2));
    });
    check.expect("nothing is in its way")
}

fn estimates_are_near_the_truth() {
    sampling::set_mean_bytes(4 << 10);
    sampling::seed(1);
    let check = work();
    assert!(check.total.samples > 100, "{check}");
    assert!(check.largest_distance() > 0.0, "{check}");
    assert!(check.total.figures()[..5].iter().all(|(_, figure)| figure.rests_on_many()), "{check}");
    assert!(check.largest_distance() < 5.0, "{check}");
}

/// Over many runs estimates are neither above nor below the truth, and as far from it as they say.
fn errors_are_as_large_as_they_say() {
    const RUNS: usize = 100;
    sampling::set_mean_bytes(4 << 10);
    let mut distances: [Vec<f64>; 7] = Default::default();
    for run in 0..RUNS {
        sampling::seed(run as u64);
        for (place, (_, figure)) in distances.iter_mut().zip(work().total.figures()) {
            place.push(figure.distance());
        }
    }
    for (distances, (name, _)) in distances.iter().zip(CheckedScope::default().figures()) {
        let mean = distances.iter().sum::<f64>() / RUNS as f64;
        let square = distances.iter().map(|distance| distance * distance).sum::<f64>() / RUNS as f64;
        // The mean of a hundred has a standard error of 0.1, their root mean square one of 0.07.
        assert!(mean.abs() < 0.5, "{name}: {mean}");
        assert!((square.sqrt() - 1.0).abs() < 0.35, "{name}: {}", square.sqrt());
    }
}

/// The end of a check falls between two events of each thread, wherever these are, and nothing of them is half in it.
fn threads_may_go_on() {
    sampling::set_mean_bytes(0);
    for _ in 0..50 {
        let done = Arc::new(AtomicBool::new(false));
        let mut thread = None;
        let check = self_check(|| {
            let (done, (started, starts)) = (Arc::clone(&done), channel());
            thread = Some(thread::spawn(move || {
                let mut round = 0;
                while !done.load(Ordering::Relaxed) {
                    let mut block = make(100 + round % 5_000);
                    grow(&mut block, 5_200);
                    trim(&mut block, 50);
                    round += 1;
                    if round == 20 {
                        started.send(()).expect("it is waited for");
                    }
                }
            }));
            starts.recv().expect("it starts");
        });
        let check = check.expect("nothing is in its way");
        for (name, figure) in check.scopes.iter().flat_map(CheckedScope::figures) {
            assert_eq!(figure.estimate, figure.exact, "{name} in {check}");
        }
        done.store(true, Ordering::Relaxed);
        thread.expect("it was started").join().expect("it does not panic");
    }
}

fn a_forks_child_has_no_check() {
    let mut pid = 0;
    let check = self_check(|| {
        drop(make(1));
        // SAFETY: the child goes on in this thread alone, to the exit below.
        pid = unsafe { libc::fork() };
        drop(make(1));
    });
    if pid == 0 {
        let as_it_should = check == Err(SelfCheckError::Forked) && self_check(|| drop(make(1))).is_ok();
        // SAFETY: it ends the child, whose copy of the test harness must not go on.
        unsafe { libc::_exit(if as_it_should { 0 } else { 1 }) };
    }
    assert!(check.is_ok());
    let mut status = -1;
    // SAFETY: `status` is a valid place for the answer.
    assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
    assert_eq!(status, 0);
}

fn one_check_at_a_time() {
    let mut inner = None;
    let outer = self_check(|| inner = Some(self_check(|| unreachable!("another check runs"))));
    assert_eq!(inner, Some(Err(SelfCheckError::AlreadyRunning)));
    assert!(outer.is_ok());
}

fn it_is_over_after_a_panic() {
    let panicked =
        std::panic::catch_unwind(|| self_check(|| std::panic::resume_unwind(Box::new("on purpose"))));
    assert!(panicked.is_err());
    assert!(self_check(|| drop(make(1))).is_ok());
}

fn blocks_of_threads_that_are_not_checked() {
    let (send, receive) = channel::<Vec<u8>>();
    let (send_back, freed) = channel::<()>();
    let earlier = thread::spawn(move || {
        for block in receive {
            drop(block);
            send_back.send(()).expect("it is waited for");
        }
    });
    send.send(make(1)).expect("it takes them");
    freed.recv().expect("it frees them");
    // What the thread gives back comes again, or the check could not know.
    let check = self_check(|| {
        for _ in 0..1_000 {
            send.send(make(50_000)).expect("it takes them");
            freed.recv().expect("it frees them");
        }
    });
    assert!(matches!(check, Err(SelfCheckError::SharedBlocks { .. })), "{check:?}");
    drop(send);
    earlier.join().expect("it does not panic");
}

/// In a process of little address space, of which the log takes an eighth at most.
fn a_log_that_is_full_is_an_error() {
    let check = self_check(|| (0..2_000_000).for_each(|_| drop(make(1))));
    assert!(matches!(check, Err(SelfCheckError::LogFull { .. })), "{check:?}");
}

/// Runs this test in a process of its own, which does what `part` names.
fn in_a_process(part: &str, limit: Option<libc::rlim_t>) {
    let mut itself = Command::new(std::env::current_exe().expect("it has a path"));
    itself
        .env("MEMSCOPE_TEST_PART", part)
        .env("MEMSCOPE_MODE", if part == "off" { "off" } else { "sampling" });
    if let Some(bytes) = limit {
        let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
        // SAFETY: what is called between fork and exec is one system call.
        unsafe {
            itself.pre_exec(move || match libc::setrlimit(libc::RLIMIT_AS, &limit) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            })
        };
    }
    let output = itself.output().expect("it starts");
    assert!(output.status.success(), "{part}: {}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_self_check_sets_estimates_beside_the_truth() {
    match std::env::var("MEMSCOPE_TEST_PART").as_deref() {
        Ok("off") => {
            let check = self_check(|| unreachable!("there is nothing to check"));
            return assert_eq!(check, Err(SelfCheckError::NotSampling));
        }
        Ok("full") => return a_log_that_is_full_is_an_error(),
        _ => {}
    }
    every_block_is_in_the_sample();
    estimates_are_near_the_truth();
    errors_are_as_large_as_they_say();
    threads_may_go_on();
    a_forks_child_has_no_check();
    one_check_at_a_time();
    it_is_over_after_a_panic();
    blocks_of_threads_that_are_not_checked();
    in_a_process("off", None);
    in_a_process("full", Some(300 << 20));
}
