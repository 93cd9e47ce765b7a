//! Live bytes that no tracked variable was seen to own, by scope: where the next `track_var!` tells most.

use memscope::core::tracker::MemoryTracker;
use memscope::model::{Scope, ScopeMemory, Snapshot};
use memscope::{track, track_var};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

const MIB: usize = 1 << 20;

#[track]
fn hoards() -> Vec<Vec<u8>> {
    let mut rows = Vec::with_capacity(4);
    rows.extend((0..4).map(|_| vec![1u8; MIB]));
    rows
}

#[track]
fn owns() -> Vec<Vec<u8>> {
    let rows = hoards_below();
    track_var!(rows);
    rows
}

#[track]
fn hoards_below() -> Vec<Vec<u8>> {
    hoards()
}

#[track]
fn declares(tracker: &MemoryTracker) -> Vec<u8> {
    let block = vec![1u8; 4 * MIB];
    let declared = tracker.track_allocation(block.as_ptr().addr(), block.len(), Some("block".to_owned()));
    declared.expect("a fine range");
    block
}

fn memory(snapshot: &Snapshot, path: &[&str]) -> (ScopeMemory, ScopeMemory) {
    let scope: &Scope = snapshot.scopes.iter().find(|scope| scope.path == path).expect("it ran");
    (scope.exclusive, scope.inclusive)
}

/// Paths of the scopes that are found.
fn found(snapshot: &Snapshot) -> Vec<String> {
    let kind = memscope::findings::UNEXPLAINED_MEMORY;
    let findings = snapshot.findings.iter().filter(|finding| finding.kind == kind);
    findings.map(|finding| finding.scope.join("/")).collect()
}

#[test]
fn what_no_variable_was_seen_to_own_is_counted_and_found() {
    let hoard = hoards();
    let before = memscope::snapshot();
    // 4 MiB in four blocks, and the list of their four `Vec`s of 24 bytes.
    let bytes = (4 * MIB + 4 * 24) as u64;
    assert_eq!(memory(&before, &["hoards"]).0.unowned_live_bytes, Some(bytes));
    assert!(found(&before).is_empty(), "nothing is tracked yet: the scopes say where the memory is");

    let owned = owns();
    let snapshot = memscope::snapshot();
    assert_eq!(memory(&snapshot, &["hoards"]).0.unowned_live_bytes, Some(bytes));
    let (exclusive, inclusive) = memory(&snapshot, &["owns", "hoards_below", "hoards"]);
    assert_eq!((exclusive.live_bytes, exclusive.unowned_live_bytes), (bytes, Some(0)));
    assert_eq!(inclusive.unowned_live_bytes, Some(0));
    let (exclusive, inclusive) = memory(&snapshot, &["owns"]);
    assert_eq!((exclusive.unowned_live_bytes, inclusive.unowned_live_bytes), (Some(0), Some(0)));
    let (exclusive, inclusive) = memory(&snapshot, &[]);
    assert_eq!(inclusive.unowned_live_bytes, exclusive.unowned_live_bytes.map(|root| root + bytes));
    assert!(exclusive.unowned_live_bytes <= Some(exclusive.live_bytes));
    assert_eq!(found(&snapshot), ["hoards"]);

    // A declaration is no tracked variable. This one is made where its block is allocated, and explains it.
    let tracker = MemoryTracker::new();
    let declared = declares(&tracker);
    let snapshot = tracker.snapshot();
    // The block, and its name, which the tracker keeps.
    assert_eq!(memory(&snapshot, &["declares"]).0.unowned_live_bytes, Some(4 * MIB as u64 + 5));
    assert_eq!(found(&snapshot), ["hoards"]);
    drop(declared);

    // What a variable owned and is freed is nobody's any more.
    drop((hoard, owned));
    let after = memscope::snapshot();
    assert_eq!(memory(&after, &["hoards"]).0.unowned_live_bytes, Some(0));
    assert!(found(&after).is_empty());
}
