//! Blocks that another thread frees: counted by scope, by thread and by pair of threads, and found.

use memscope::model::{Finding, Scope, Severity, Snapshot};
use memscope::track;
use std::sync::mpsc;
use std::thread;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// Twice what a finding takes.
const BLOCKS: u64 = 20_000;

#[track]
fn produces(number: u64) -> Box<[u64; 8]> {
    Box::new([number; 8])
}

#[track]
fn keeps_to_itself(number: u64) -> u64 {
    let block = Box::new([number; 8]);
    std::hint::black_box(&block)[7]
}

fn scope<'a>(snapshot: &'a Snapshot, path: &[&str]) -> &'a Scope {
    snapshot.scopes.iter().find(|scope| scope.path == path).expect("it ran")
}

fn found(snapshot: &Snapshot) -> Vec<&Finding> {
    let kind = memscope::findings::CROSS_THREAD_FREES;
    snapshot.findings.iter().filter(|finding| finding.kind == kind).collect()
}

#[test]
fn what_a_channel_carries_to_another_thread_is_freed_there() {
    let (sender, receiver) = mpsc::channel::<Box<[u64; 8]>>();
    let consumer = thread::Builder::new().name("consumer".to_owned());
    let consumer = consumer.spawn(move || receiver.iter().map(|block| block[0]).sum::<u64>());
    for number in 0..BLOCKS {
        sender.send(produces(number)).expect("the consumer waits");
        keeps_to_itself(number);
    }
    drop(sender);
    let sum = consumer.expect("a thread starts").join().expect("it does not panic");
    assert_eq!(sum, BLOCKS * (BLOCKS - 1) / 2);

    let snapshot = memscope::snapshot();
    // Each block is freed by the consumer, and none by its producer; the channel's own are allocated outside of the scope.
    let produced = &scope(&snapshot, &["produces"]).exclusive;
    assert_eq!((produced.allocations, produced.deallocations), (BLOCKS, BLOCKS));
    assert_eq!((produced.foreign_deallocations, produced.foreign_deallocations_error), (BLOCKS, None));
    let kept = &scope(&snapshot, &["keeps_to_itself"]).exclusive;
    assert_eq!((kept.deallocations, kept.foreign_deallocations), (BLOCKS, 0));
    // The root's own, the channel's blocks among them, and all scopes below.
    let root = scope(&snapshot, &[]);
    assert_eq!(root.inclusive.foreign_deallocations, root.exclusive.foreign_deallocations + BLOCKS);
    assert_eq!(
        root.inclusive.foreign_deallocations,
        snapshot.threads.iter().map(|thread| thread.foreign_deallocations).sum::<u64>(),
        "by scope and by thread they are the same frees"
    );
    let pairs = &snapshot.foreign_frees;
    assert_eq!(
        root.inclusive.foreign_deallocations,
        pairs.iter().map(|pair| pair.deallocations).sum::<u64>(),
        "and by pair"
    );
    assert!(pairs.is_sorted_by_key(|pair| (pair.allocated_by, pair.freed_by)), "{pairs:?}");
    let consumer = snapshot.threads.iter().find(|thread| thread.name.as_deref() == Some("consumer"));
    let consumer = consumer.expect("it is listed").id;
    let busiest = pairs.iter().max_by_key(|pair| pair.deallocations).expect("there are pairs");
    assert_eq!(busiest.freed_by, consumer);
    assert!(busiest.deallocations >= BLOCKS && busiest.deallocated_bytes >= 64 * BLOCKS, "{busiest:?}");
    assert_ne!(busiest.allocated_by, consumer);

    let found = found(&snapshot);
    assert_eq!(found.iter().map(|finding| finding.scope.join("/")).collect::<Vec<_>>(), ["produces"]);
    assert!(found[0].severity >= Severity::Warning, "an error is for what cannot be relied on");
    assert!(found[0].message.contains("20\u{202f}000 of 20\u{202f}000"), "{}", found[0].message);
    assert!(found[0].message.contains(" `consumer`."), "{}", found[0].message);
}
