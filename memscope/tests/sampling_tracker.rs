//! A sampling tracker keeps a part of what a busy place declares, and its file says which part.
//!
//! No allocator is installed here: all that is known is what is declared.

use memscope::core::sampling_tracker::SamplingTracker;
use memscope::model::{Mode, Provenance, Snapshot, Variable};
use memscope_runtime::format;

fn recording(tracker: &SamplingTracker) -> Snapshot {
    tracker.flush().expect("the folder is writable");
    format::read_file(tracker.path()).expect("it was just written")
}

fn row<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Variable {
    snapshot.variables.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("{name}"))
}

fn track(tracker: &SamplingTracker, address: usize, bytes: usize, name: &str) {
    tracker.track_variable(address, bytes, name.to_owned(), "Order".to_owned()).expect("a fine range");
}

#[test]
fn the_file_says_what_was_counted_and_what_is_estimated() {
    let folder = tempfile::tempdir().expect("a folder");
    let tracker = SamplingTracker::new(folder.path().join("prod_data"));
    let mut line = 0;
    for number in 0..100_000_usize {
        let (address, bytes) = (0x1000 + 4_096 * number, 8 + number % 100);
        line = line!() + 1;
        let done = tracker.track_variable(address, bytes, "x".into(), "Order".into());
        done.expect("a fine range");
        if number == 999 {
            // 1,000 variables of 8 + 0 … 99 bytes, ten times over: 10 × (100 × 8 + 4,950) = 57,500.
            let known = recording(&tracker);
            let known = row(&known, "x");
            assert_eq!((known.heap_bytes, known.heap_bytes_error), (Some(57_500), None));
            assert_eq!((known.instances, known.provenance), (1_000, Provenance::Declared));
        }
    }
    let snapshot = recording(&tracker);
    assert_eq!((snapshot.mode, snapshot.totals.allocations), (Mode::Declared, 100_000));
    let known = row(&snapshot, "x");
    assert_eq!((known.instances, known.active_instances), (100_000, 100_000)); // none was freed
    assert_eq!((known.file.as_deref(), known.line), (Some(file!()), Some(line)));
    assert_eq!(known.provenance, Provenance::Sampled);
    // A hundred times the first thousand's bytes.
    let (bytes, error) = (known.heap_bytes.expect("estimated"), known.heap_bytes_error.expect("estimated"));
    assert!(error > 0 && bytes.abs_diff(5_750_000) <= 4 * error, "{bytes} ± {error}");
    // From the 64,000th on, each that is kept stands for 2^7.
    assert!(known.history.iter().all(|instance| instance.weight == 128));
    assert_eq!(known.folded_instances, 100_000 - known.history.len() as u64);
    // Every declaration can be ended, whether it was kept or not, and once.
    assert!((0..100_000_usize).all(|number| tracker.track_deallocation(0x1000 + 4_096 * number)));
    assert!(!tracker.track_deallocation(0x1000));
    let snapshot = recording(&tracker);
    assert_eq!(snapshot.profiler.unmatched_declared_deallocations, 1);
    assert_eq!((snapshot.totals.live_allocations, snapshot.totals.live_bytes), (0, 0));
    assert_eq!(row(&snapshot, "x").stages.deallocated, 100_000);
}

#[test]
fn each_place_name_and_type_has_a_thousand_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let tracker = SamplingTracker::new(folder.path().join("places"));
    for number in 0..900_usize {
        track(&tracker, 0x10_0000 + 64 * number, 64, "one");
        track(&tracker, 0x20_0000 + 64 * number, 64, "other");
        // The same name and type at another place.
        let done = tracker.track_variable(0x30_0000 + 64 * number, 64, "one".into(), "Order".into());
        done.expect("a fine range");
    }
    let snapshot = recording(&tracker);
    assert_eq!(snapshot.variables.len(), 3);
    for known in &snapshot.variables {
        assert_eq!((known.instances, known.heap_bytes), (900, Some(57_600)), "{}", known.name);
        assert_eq!(known.heap_bytes_error, None, "{}", known.name);
    }
}
