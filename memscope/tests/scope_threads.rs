//! What each thread has in each scope: to the byte, whoever frees it, and summing to what the scope and the thread have.
//!
//! One test, for its subject is the process.

use memscope::model::{ScopeMemory, ScopeThread, Snapshot};
use memscope::track;
use std::collections::BTreeMap;
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

// Every block, also where sampling is compiled in.
#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system().mode(memscope::Mode::Live);

type Filled = [Option<Box<[u8]>>; 4];

/// One block of `bytes`, or more of them.
#[track]
fn fill(blocks: usize, bytes: usize) -> Filled {
    let mut filled = [None, None, None, None];
    for place in filled.iter_mut().take(blocks) {
        *place = Some(vec![7; bytes].into_boxed_slice());
    }
    filled
}

#[track]
fn outer(blocks: usize, bytes: usize) -> Filled {
    fill(blocks, bytes)
}

fn rows<'a>(snapshot: &'a Snapshot, path: &[&str]) -> Vec<&'a ScopeThread> {
    let index = snapshot.scopes.iter().position(|scope| scope.path == path).expect("it ran") as u32;
    snapshot.scope_threads.iter().filter(|row| row.scope == index).collect()
}

/// The thread's number by its name.
fn number(snapshot: &Snapshot, name: &str) -> u32 {
    snapshot.threads.iter().find(|row| row.name.as_deref() == Some(name)).expect("it ran").id
}

fn assert_sums(snapshot: &Snapshot) {
    type Figures = (u64, u64, u64, u64, u64);
    let mut by_scope: BTreeMap<u32, Figures> = BTreeMap::new();
    let mut by_thread: BTreeMap<u32, (u64, u64, u64)> = BTreeMap::new();
    for row in &snapshot.scope_threads {
        let sum = by_scope.entry(row.scope).or_default();
        sum.0 += row.calls;
        sum.1 += row.allocations;
        sum.2 += row.allocated_bytes;
        sum.3 += row.live_bytes;
        sum.4 += row.live_at_peak_bytes.expect("it is measured");
        let sum = by_thread.entry(row.thread.expect("few pairs are all told apart")).or_default();
        sum.0 += row.allocations;
        sum.1 += row.allocated_bytes;
        sum.2 += row.live_bytes;
    }
    for (index, scope) in snapshot.scopes.iter().enumerate() {
        let ScopeMemory { allocations, allocated_bytes, live_bytes, live_at_peak_bytes, .. } =
            scope.exclusive;
        let at_peak = live_at_peak_bytes.expect("it is measured");
        let figures = (scope.calls, allocations, allocated_bytes, live_bytes, at_peak);
        assert_eq!(by_scope.remove(&(index as u32)).unwrap_or_default(), figures, "{:?}", scope.path);
    }
    assert!(by_scope.is_empty());
    for thread in &snapshot.threads {
        let figures = (thread.allocations, thread.allocated_bytes, thread.live_bytes);
        assert_eq!(by_thread.remove(&thread.id).unwrap_or_default(), figures, "{:?}", thread.name);
    }
    assert!(by_thread.is_empty());
    assert!(snapshot.scope_threads.is_sorted_by_key(|row| (row.scope, row.thread)));
}

#[test]
fn each_threads_share_of_a_scope_is_known_to_the_byte() {
    let meet = Arc::new(Barrier::new(3));
    let (to, from) = mpsc::channel();
    // `one` allocates 3 blocks of 1,000 and calls twice; `two` one block of 50,000. The main thread frees one of 1,000, and
    // `two` frees its own later.
    let spawn = |name: &str, calls: usize, blocks: usize, bytes: usize| {
        let (meet, to) = (Arc::clone(&meet), to.clone());
        let work = move || {
            for call in 0..calls {
                to.send((bytes, outer(if call == 0 { blocks } else { 0 }, bytes))).expect("it is waited for");
            }
            meet.wait();
            meet.wait();
        };
        thread::Builder::new().name(name.to_owned()).spawn(work).expect("a thread")
    };
    let threads = [spawn("one", 2, 3, 1_000), spawn("two", 1, 1, 50_000)];
    meet.wait();
    let mut received: Vec<_> = from.try_iter().collect();
    let of = |received: &mut Vec<(usize, Filled)>, size: usize| {
        let at = received.iter().position(|(bytes, filled)| *bytes == size && filled[0].is_some());
        received.swap_remove(at.expect("it was sent")).1
    };
    let mut ones = of(&mut received, 1_000);
    let twos = of(&mut received, 50_000);

    // While all live, and after one was freed by another thread than the one that allocated it.
    assert_sums(&memscope::snapshot());
    drop(ones[0].take());
    let snapshot = memscope::snapshot();
    assert_sums(&snapshot);
    let (one, two) = (number(&snapshot, "one"), number(&snapshot, "two"));
    let main = snapshot.threads.iter().map(|row| row.id).min().expect("there is one");
    let found = rows(&snapshot, &["outer", "fill"]);
    let told: Vec<_> = found
        .iter()
        .map(|row| (row.thread, row.calls, row.allocations, row.allocated_bytes, row.live_bytes))
        .collect();
    // One's two live blocks: 3 × 1,000 less the one that the main thread freed.
    let mut expected = vec![(Some(one), 2, 3, 3_000, 2_000), (Some(two), 1, 1, 50_000, 50_000)];
    expected.sort();
    assert_eq!(told, expected);
    assert!(found.iter().all(|row| row.pairs == 1 && row.live_bytes_error.is_none()));
    // `outer` itself allocates nothing: its pairs say how often it was entered. The main thread was in neither.
    let told: Vec<_> =
        rows(&snapshot, &["outer"]).iter().map(|row| (row.thread, row.calls, row.allocated_bytes)).collect();
    let mut expected = vec![(Some(one), 2, 0), (Some(two), 1, 0)];
    expected.sort();
    assert_eq!(told, expected);
    assert!(main != one && main != two);
    drop((ones, twos, received));
    let after = memscope::snapshot();
    assert_sums(&after);
    assert!(
        rows(&after, &["outer", "fill"]).iter().all(|row| row.live_bytes == 0 && row.allocated_bytes > 0)
    );
    meet.wait();
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
}
