//! Frees by other threads in sampling mode: with every block in the sample they are exact, with a part of them they are
//! estimates with their errors, and a finding needs more than its error.

use memscope::model::{Scope, Snapshot};
use memscope::{sampling, track};
use std::sync::mpsc;
use std::thread;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

const BLOCKS: u64 = 20_000;

#[track]
fn sends_all(number: u64) -> Box<[u64; 8]> {
    Box::new([number; 8])
}

#[track]
fn sends_some(number: u64) -> Box<[u64; 8]> {
    Box::new([number; 8])
}

#[track]
fn sends_unseen(number: u64) -> Box<[u64; 8]> {
    Box::new([number; 8])
}

fn is_found(snapshot: &Snapshot, path: &[&str]) -> bool {
    let kind = memscope::findings::CROSS_THREAD_FREES;
    snapshot.findings.iter().any(|finding| finding.kind == kind && finding.scope == path)
}

/// Sends blocks to a thread that drops them.
fn send(produce: fn(u64) -> Box<[u64; 8]>) -> Snapshot {
    let (sender, receiver) = mpsc::channel::<Box<[u64; 8]>>();
    let consumer = thread::spawn(move || receiver.iter().count());
    (0..BLOCKS).for_each(|number| sender.send(produce(number)).expect("the consumer waits"));
    drop(sender);
    assert_eq!(consumer.join().ok(), Some(BLOCKS as usize));
    memscope::snapshot()
}

fn scope<'a>(snapshot: &'a Snapshot, path: &[&str]) -> &'a Scope {
    snapshot.scopes.iter().find(|scope| scope.path == path).expect("it ran")
}

#[test]
fn frees_by_other_threads_are_estimated_with_their_errors() {
    sampling::seed(6);
    // Every block is a sample.
    sampling::set_mean_bytes(0);
    let snapshot = send(sends_all);
    let memory = &scope(&snapshot, &["sends_all"]).exclusive;
    assert_eq!((memory.foreign_deallocations, memory.foreign_deallocations_error), (BLOCKS, Some(0)));
    assert_eq!(memory.unowned_live_bytes, None, "who owns sampled blocks is not measured");
    assert!(is_found(&snapshot, &["sends_all"]));

    // 64 bytes every 1,024: one block of 16 and a bit, so some 1,210 samples and an error of 20,000 ÷ √1,210 = 575.
    sampling::set_mean_bytes(1_024);
    let snapshot = send(sends_some);
    let memory = &scope(&snapshot, &["sends_some"]).exclusive;
    let error = memory.foreign_deallocations_error.expect("it is an estimate");
    assert!((450..700).contains(&error), "{error}");
    let off = memory.foreign_deallocations.abs_diff(BLOCKS);
    assert!(off < 5 * error, "off by {off}, with an error of {error}");
    let pairs = &snapshot.foreign_frees;
    let of_pairs: u64 = pairs.iter().map(|pair| pair.deallocations).sum();
    assert_eq!(of_pairs, scope(&snapshot, &[]).inclusive.foreign_deallocations);
    assert!(pairs.iter().all(|pair| pair.deallocations_error.is_some()), "{pairs:?}");
    assert!(is_found(&snapshot, &["sends_some"]));

    // A sample of every 64 KiB: some 20, so the share of 50 % is not surely passed.
    sampling::set_mean_bytes(64 << 10);
    let snapshot = send(sends_unseen);
    let memory = &scope(&snapshot, &["sends_unseen"]).exclusive;
    assert!(memory.foreign_deallocations_error.is_some_and(|error| error > 3_000), "{memory:?}");
    assert!(!is_found(&snapshot, &["sends_unseen"]), "{memory:?}");
}
