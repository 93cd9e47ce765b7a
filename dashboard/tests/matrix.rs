//! Who freed whose blocks: the matrix is bounded, and its sums are those of all pairs, with a cell or without.

mod fixture;

use memscope_dashboard::view::foreign_frees::{MOST_THREADS, foreign_frees};
use memscope_dashboard::view::label::Labels;
use memscope_runtime::snapshot::{ForeignFrees, Snapshot};

fn pairs(snapshot: &Snapshot, threads: u32) -> Vec<ForeignFrees> {
    let all = (1..=threads).flat_map(|one| (1..=threads).map(move |other| (one, other)));
    let row = |(allocated_by, freed_by)| ForeignFrees {
        allocated_by,
        freed_by,
        deallocations: u64::from(allocated_by * 10),
        ..snapshot.foreign_frees[0]
    };
    all.filter(|(one, other)| one != other).map(row).collect()
}

#[test]
fn the_sums_are_of_all_pairs() {
    let mut snapshot = fixture::small();
    snapshot.foreign_frees = pairs(&snapshot, 15);
    let matrix = foreign_frees(&snapshot, &Labels::new(&snapshot)).unwrap().matrix;
    assert_eq!((matrix.rows.len(), matrix.freers.len()), (MOST_THREADS, MOST_THREADS));
    assert!(matrix.has_more);
    // Thread 15 has the most: 150 blocks by each of 14 others.
    assert_eq!(matrix.rows[0].allocated_by.id.value, 15);
    assert_eq!(matrix.rows[0].freed.value, 150 * 14);
    // Ten times 1 to 15, 14 times each: 10 · 120 · 14.
    assert_eq!(matrix.all.value, 16_800);
    // Thread 1 frees for all others but itself: 10 · (120 − 1).
    assert_eq!(matrix.freers[0].id.value, 1);
    assert_eq!(matrix.freed[0].value, 1_190);
    assert_eq!(matrix.rows[0].cells[0].pair.as_ref().unwrap().blocks.value, 150);
}

#[test]
fn a_thread_is_no_pair_with_itself_and_what_is_not_there_is_no_0() {
    let mut snapshot = fixture::small();
    snapshot.foreign_frees = pairs(&snapshot, 3);
    snapshot.foreign_frees.retain(|row| (row.allocated_by, row.freed_by) != (3, 2));
    let matrix = foreign_frees(&snapshot, &Labels::new(&snapshot)).unwrap().matrix;
    assert!(!matrix.has_more);
    for row in &matrix.rows {
        for (cell, freer) in row.cells.iter().zip(&matrix.freers) {
            let (one, other) = (&row.allocated_by.id.value, &freer.id.value);
            assert_eq!(cell.is_own, one == other);
            assert_eq!(cell.pair.is_none(), one == other || (one == 3 && other == 2));
        }
    }
}

/// Errors of independent estimates: the root of the sum of their squares, rounded up as the recorder does.
#[test]
fn sums_of_estimates_have_their_errors() {
    let mut snapshot = fixture::small();
    let all = pairs(&snapshot, 3);
    snapshot.foreign_frees =
        all.into_iter().map(|row| ForeignFrees { deallocations_error: Some(3), ..row }).collect();
    let matrix = foreign_frees(&snapshot, &Labels::new(&snapshot)).unwrap().matrix;
    // Two others free the blocks of each of three threads: √(3² + 3²) = 4.2…; all six pairs: √54 = 7.3….
    assert_eq!(matrix.rows[0].freed.to_string(), "60 ± 5");
    assert_eq!(matrix.all.to_string(), "120 ± 8");
    let error = matrix.rows[0].freed.error.clone().unwrap();
    assert_eq!(error.from, "hypot(/foreign_frees/*/deallocations_error, allocated_by = 3)");
    for row in &mut snapshot.foreign_frees {
        row.deallocations_error = None;
    }
    let matrix = foreign_frees(&snapshot, &Labels::new(&snapshot)).unwrap().matrix;
    assert!(matrix.all.error.is_none());
}
