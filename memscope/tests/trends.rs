//! Each scope's live bytes at the moments of the trend.
//!
//! One test, for its subject is the process.

use memscope::model::{Scope, Snapshot};
use memscope::track;
use std::thread;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[track]
fn grows(kept: &mut Vec<Vec<u8>>) {
    kept.push(Vec::with_capacity(1_003));
}

#[track]
fn steady() -> Vec<u8> {
    Vec::with_capacity(5_009)
}

#[track]
fn comes_late() -> Vec<u8> {
    Vec::with_capacity(7_001)
}

fn scope<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Scope {
    snapshot.scopes.iter().find(|scope| scope.path == [name]).expect("it ran")
}

#[test]
fn trends_show_what_was_live_when() {
    let begin = Instant::now();
    let kept_steadily = steady();
    let mut kept = Vec::with_capacity(100);
    while begin.elapsed() < Duration::from_millis(700) {
        if kept.len() < 60 {
            grows(&mut kept);
        }
        thread::sleep(Duration::from_millis(10));
    }
    let late_ms = memscope::snapshot().program.elapsed_ms;
    let late = comes_late();
    thread::sleep(Duration::from_millis(200));
    let snapshot = memscope::snapshot();

    let moments = &snapshot.trend_ms;
    assert!((8..=32).contains(&moments.len()), "{moments:?}");
    assert!(moments.windows(2).all(|pair| pair[0] < pair[1]), "{moments:?}");
    assert_eq!(moments.last(), Some(&snapshot.program.elapsed_ms));
    for scope in &snapshot.scopes {
        assert_eq!(scope.trend.len(), moments.len(), "{:?}", scope.path);
        assert_eq!(scope.trend.last(), Some(&scope.exclusive.live_bytes), "{:?}", scope.path);
    }
    // Blocks of 1,003 bytes, one after another, and never one less.
    let grown = &scope(&snapshot, "grows").trend;
    assert!(grown.iter().all(|bytes| bytes % 1_003 == 0), "{grown:?}");
    assert!(grown.is_sorted() && grown[0] < 60 * 1_003, "{grown:?}");
    assert_eq!(grown.last(), Some(&60_180)); // 60 × 1,003
    assert!(grown.iter().filter(|&&bytes| (1..60_180).contains(&bytes)).count() >= 4, "{grown:?}");
    // One block from the first moment or the second on.
    assert!(scope(&snapshot, "steady").trend[1..].iter().all(|&bytes| bytes == 5_009));
    // Nothing, then one block; the time of a moment is right within a tick or two.
    for (&ms, &bytes) in moments.iter().zip(&scope(&snapshot, "comes_late").trend) {
        if ms + 20 < late_ms {
            assert_eq!(bytes, 0, "at {ms} of {late_ms} ms");
        } else if ms > late_ms + 20 {
            assert_eq!(bytes, 7_001, "at {ms} of {late_ms} ms");
        }
    }
    drop((kept_steadily, kept, late));
    // A later snapshot keeps the same moments, or every other of them.
    let later = memscope::snapshot();
    let (_, earlier) = moments.split_last().expect("there are some");
    let (_, later) = later.trend_ms.split_last().expect("there are some");
    assert!(earlier.iter().step_by(2).all(|moment| later.contains(moment)), "{earlier:?} {later:?}");
}
