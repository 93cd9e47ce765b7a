//! Resident memory over time, of a process that maps memory past its allocator and gives it back.
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

#[test]
fn what_is_mapped_past_the_allocator_is_in_the_resident_curve_and_in_no_other() {
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
    let after = three_points_from_now();

    let snapshot = memscope::snapshot();
    let page_bytes = snapshot.program.page_bytes.expect("a page has a size");
    // Beside the readings' own errors: what this test, its snapshots and the recorder touched between them, below 4 MiB.
    let tolerance = (2 * tolerance(page_bytes) + (4 << 20)) as i64;
    let rise = median(&mapped) as i64 - median(&before) as i64;
    let fall = median(&mapped) as i64 - median(&after) as i64;
    // 64 MiB were mapped and all of them touched; then all were given back.
    for change in [rise, fall] {
        assert!((change - MAPPED_BYTES as i64).abs() <= tolerance, "{rise} up, {fall} down, ± {tolerance}");
    }
    // The allocator had no part in it: live bytes move by what the test itself keeps, far below a MiB.
    let live = |points: &[TimelinePoint]| points.last().expect("three").live_bytes as i64;
    assert!((live(&mapped) - live(&before)).abs() < 1 << 20);
    // A snapshot's own moment is read by the snapshot.
    let last = snapshot.timeline.last().expect("a snapshot ends it");
    assert_eq!(last.ms, snapshot.program.elapsed_ms);
    assert!(last.resident_bytes.is_some() && snapshot.fragmentation.resident_bytes.is_some());
    assert!(snapshot.timeline.iter().all(|point| point.resident_bytes != Some(0)));
}
