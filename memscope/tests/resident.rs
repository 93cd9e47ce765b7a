//! Resident memory over time, of a process that maps memory past its allocator and gives it back, and of its fork's child.
//!
//! One test, for its subject is the process.

#![cfg(target_os = "linux")]

use memscope::model::TimelinePoint;
use memscope::track;
use std::thread;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

const MAPPED_BYTES: usize = 64 << 20;

/// By how much a reading may be off: what the kernel has not added up yet. Since Linux 6.2 that is, for each of n processors,
/// a batch of max(32, 2 n) pages; before it was 64 pages for each thread, of which this process has four.
fn tolerance(page_bytes: u64) -> u64 {
    // SAFETY: it is a number that is asked for.
    let processors = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_CONF) }.max(1) as u64;
    (processors * (2 * processors).max(32)).max(4 * 64) * page_bytes
}

fn points() -> Vec<TimelinePoint> {
    memscope::snapshot().timeline
}

/// The points that the observer draws from now on, without the one that a snapshot adds.
#[track]
fn three_points_from_now() -> Vec<TimelinePoint> {
    let now_ms = memscope::snapshot().program.elapsed_ms;
    let patience = Instant::now();
    loop {
        thread::sleep(Duration::from_millis(40));
        let mut points = points();
        points.pop();
        points.retain(|point| point.ms > now_ms);
        if points.len() >= 3 {
            return points;
        }
        assert!(patience.elapsed() < Duration::from_secs(60), "the observer draws nothing");
    }
}

fn median(points: &[TimelinePoint]) -> u64 {
    let mut resident: Vec<u64> =
        points.iter().map(|point| point.resident_bytes.expect("Linux says it")).collect();
    resident.sort_unstable();
    resident[resident.len() / 2]
}

/// Points of time before memory is mapped, while it is, after.
fn before_while_and_after_a_mapping() -> [Vec<TimelinePoint>; 3] {
    let before = three_points_from_now();
    // SAFETY: a new mapping, of nobody's memory.
    let start = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            MAPPED_BYTES,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    assert_ne!(start, libc::MAP_FAILED);
    // SAFETY: the mapping is so long, and may be written.
    unsafe { std::ptr::write_bytes(start.cast::<u8>(), 1, MAPPED_BYTES) };
    let mapped = three_points_from_now();
    // SAFETY: nobody uses it any more.
    assert_eq!(unsafe { libc::munmap(start, MAPPED_BYTES) }, 0);
    [before, mapped, three_points_from_now()]
}

/// It rises and falls by what was mapped and given back; live bytes do not.
fn assert_follows([before, mapped, after]: &[Vec<TimelinePoint>; 3], page_bytes: u64) {
    // Beside the readings' own errors: what this test, its snapshots and the recorder touched between them, below 4 MiB.
    let tolerance = (2 * tolerance(page_bytes) + (4 << 20)) as i64;
    let rise = median(mapped) as i64 - median(before) as i64;
    let fall = median(mapped) as i64 - median(after) as i64;
    // 64 MiB were mapped and all of them touched; then all were given back.
    for change in [rise, fall] {
        assert!((change - MAPPED_BYTES as i64).abs() <= tolerance, "{rise} up, {fall} down, ± {tolerance}");
    }
    // The allocator had no part in it: live bytes move by what the test itself keeps, far below a MiB.
    let live = |points: &[TimelinePoint]| points.last().expect("three").live_bytes as i64;
    assert!((live(mapped) - live(before)).abs() < 1 << 20);
}

#[test]
fn what_is_mapped_past_the_allocator_is_in_the_resident_curve_and_in_no_other() {
    let points = before_while_and_after_a_mapping();
    let snapshot = memscope::snapshot();
    let page_bytes = snapshot.program.page_bytes.expect("a page has a size");
    assert_follows(&points, page_bytes);
    // A snapshot's own moment is read by the snapshot.
    let last = snapshot.timeline.last().expect("a snapshot ends it");
    assert_eq!(last.ms, snapshot.program.elapsed_ms);
    assert!(last.resident_bytes.is_some() && snapshot.fragmentation.resident_bytes.is_some());
    assert!(snapshot.timeline.iter().all(|point| point.resident_bytes != Some(0)));

    // A fork's child reads its own memory, not that of the process that it was made of.
    // SAFETY: the recorder goes on in a child, whose one thread here ends by `_exit`.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "the system gives a child");
    if child == 0 {
        let is_right =
            std::panic::catch_unwind(|| assert_follows(&before_while_and_after_a_mapping(), page_bytes));
        // SAFETY: ends this process at once.
        unsafe { libc::_exit(if is_right.is_ok() { 7 } else { 1 }) };
    }
    // A parent that read its child's memory would see what that maps.
    let beside = three_points_from_now();
    let mut status = 0;
    // SAFETY: it is our own child, and `status` a valid place for the answer.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7, "the child: {status}");
    let rise = median(&beside) as i64 - median(&points[2]) as i64;
    assert!(rise.abs() <= (2 * tolerance(page_bytes) + (4 << 20)) as i64, "{rise}");
}
