//! Declarations under the allocator: their size and end are measured, also where a tracked variable owns the block.

use memscope::core::tracker::MemoryTracker;
use memscope::model::{Mode, Provenance, Snapshot, Stage, Variable};
use memscope::track_var;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn row<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Variable {
    snapshot.variables.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("{name}"))
}

fn declare(tracker: &MemoryTracker, block: &[u8], name: &str) {
    tracker
        .track_allocation(block.as_ptr().addr(), block.len(), Some(name.to_owned()))
        .expect("a fine range");
}

#[test]
fn size_and_end_of_a_declared_block_are_measured() {
    let tracker = MemoryTracker::new();
    let mut plain = vec![0u8; 1_000];
    declare(&tracker, &plain, "plain");
    plain.reserve_exact(2_000); // the block is 3,000 bytes long now, perhaps elsewhere
    let snapshot = tracker.snapshot();
    assert_eq!(snapshot.mode, Mode::Live);
    let known = row(&snapshot, "plain");
    assert_eq!(
        (known.heap_bytes, known.provenance, known.stage),
        (Some(3_000), Provenance::Measured, Stage::Active)
    );
    drop(plain);
    let snapshot = tracker.snapshot();
    let known = row(&snapshot, "plain");
    assert_eq!((known.heap_bytes, known.stage), (Some(0), Stage::Deallocated));
    let record = &tracker.get_allocations()[0];
    assert!(record.timestamp_dealloc >= Some(record.timestamp_alloc), "{record:?}");
}

#[test]
fn a_declared_block_that_is_tracked_too_ends_for_both() {
    let tracker = MemoryTracker::new();
    {
        track_var!(let tracked_first: Vec<u8> = vec![0; 2_000]);
        declare(&tracker, &tracked_first, "declared_second");
        let declared_first = vec![0u8; 3_000];
        declare(&tracker, &declared_first, "declared_first");
        track_var!(declared_first);
        let snapshot = tracker.snapshot();
        assert_eq!(row(&snapshot, "declared_second").heap_bytes, Some(2_000));
        assert_eq!(row(&snapshot, "tracked_first").heap_bytes, Some(2_000));
        assert_eq!(row(&snapshot, "declared_first").heap_bytes, Some(3_000));
        // Nothing in this program stamps what crosses.
        assert_eq!(row(&snapshot, "tracked_first").ffi_crossings, None);
    }
    let snapshot = tracker.snapshot();
    for name in ["declared_second", "tracked_first", "declared_first"] {
        assert_eq!(row(&snapshot, name).heap_bytes, Some(0), "{name}");
    }
}

#[test]
fn a_block_that_is_declared_twice_ends_once_and_one_that_is_declared_free_is_let_go() {
    let tracker = MemoryTracker::new();
    let block = vec![0u8; 500];
    declare(&tracker, &block, "first_name");
    declare(&tracker, &block, "second_name");
    assert_eq!(row(&tracker.snapshot(), "first_name").stage, Stage::Deallocated);
    assert_eq!(row(&tracker.snapshot(), "second_name").heap_bytes, Some(500));
    assert!(tracker.track_deallocation(block.as_ptr().addr()));
    drop(block); // its record is an account's again
    assert_eq!(row(&tracker.snapshot(), "second_name").stage, Stage::Deallocated);
    assert_eq!(tracker.snapshot().profiler.unrecorded_events, 0);
}

#[test]
fn an_address_inside_a_block_is_taken_as_declared() {
    let tracker = MemoryTracker::new();
    let block = vec![0u8; 40_000];
    declare(&tracker, &block[8..16], "a_part");
    let snapshot = tracker.snapshot();
    let known = row(&snapshot, "a_part");
    assert_eq!((known.heap_bytes, known.provenance), (Some(8), Provenance::Declared));
    drop(block);
}
