//! Declarations of which a part is kept: what is estimated from it, beside the truth, over many seeds.

use memscope_runtime::declared::Ledger;
use memscope_runtime::snapshot::{Provenance, Snapshot, Stage, Variable};
use std::panic::Location;

/// Bytes of declaration `number`: 16 … 1,012 in steps of 4, in an order that has nothing to do with the number's
/// powers of two.
fn bytes_of(number: usize) -> usize {
    16 + 4 * (number * 97 % 250)
}

/// Declares `count` variables, each at an address of its own, and ends every third.
fn declared(seed: u64, count: usize) -> (Ledger, u64) {
    let ledger = Ledger::sampled(seed);
    let place = Some(Location::caller());
    let mut live_bytes = 0;
    for number in 0..count {
        let address = 0x10_0000 + number * 0x1000;
        ledger.declare(address, bytes_of(number), Some("order".into()), Some("Order".into()), place);
        if number % 3 == 0 {
            assert!(ledger.declare_free(address), "{number} was declared");
        } else {
            live_bytes += bytes_of(number) as u64;
        }
    }
    (ledger, live_bytes)
}

fn row(snapshot: &Snapshot) -> &Variable {
    assert_eq!(snapshot.variables.len(), 1, "one site");
    &snapshot.variables[0]
}

fn distance(estimate: u64, truth: u64) -> f64 {
    (estimate as f64 - truth as f64).abs()
}

#[test]
fn the_first_thousand_are_exact() {
    let (ledger, live_bytes) = declared(1, 1_000);
    let snapshot = ledger.snapshot();
    let row = row(&snapshot);
    // Of 0 … 999, 334 are divisible by 3.
    assert_eq!((row.instances, row.active_instances, row.stages.deallocated), (1_000, 666, 334));
    assert_eq!((row.heap_bytes, row.heap_bytes_error), (Some(live_bytes), None));
    assert_eq!((row.active_instances_error, row.stages_error, row.blocks_error), (None, None, None));
    assert_eq!(row.provenance, Provenance::Declared);
    assert!(row.history.iter().all(|instance| instance.weight == 1));
    let totals = snapshot.totals;
    assert_eq!((totals.allocations, totals.deallocations, totals.live_allocations), (1_000, 334, 666));
    assert_eq!((totals.live_bytes, totals.live_bytes_error), (live_bytes, None));
    assert_eq!(snapshot.profiler.unkept_declared_deallocations, 0);
}

#[test]
fn counts_stay_exact_and_the_rest_is_within_its_error() {
    let (ledger, live_bytes) = declared(1, 100_000);
    let snapshot = ledger.snapshot();
    let row = row(&snapshot);
    assert_eq!((row.instances, row.provenance), (100_000, Provenance::Sampled));
    assert_eq!((row.stage, row.stages.total()), (Stage::Active, 100_000));
    let error = row.heap_bytes_error.expect("an estimate");
    assert!(error > 0);
    assert!(distance(row.heap_bytes.expect("an estimate"), live_bytes) <= 4.0 * error as f64, "{row:?}");
    // Of 0 … 99,999, 33,334 are divisible by 3 and were ended.
    let error = row.active_instances_error.expect("an estimate");
    assert!(distance(row.active_instances, 66_666) <= 4.0 * error as f64, "{row:?}");
    // About 500 of each doubling are kept, so an estimate is within some 5 % of the truth.
    assert!(error > 0 && error < 3_500, "{error}");
    assert_eq!(row.blocks, Some(row.active_instances));
    // Numbers 64,000 … 99,999 stand for 2^7 each.
    let newest = row.history.last().expect("some are kept");
    assert_eq!(newest.weight, 128);
    assert_eq!(row.folded_instances, 100_000 - row.history.len() as u64);

    let totals = snapshot.totals;
    assert_eq!((totals.allocations, totals.live_allocations), (100_000, row.active_instances));
    assert_eq!(totals.live_allocations, totals.allocations - totals.deallocations);
    assert_eq!(totals.live_bytes, totals.allocated_bytes - totals.deallocated_bytes);
    assert_eq!((Some(totals.live_bytes), totals.live_bytes_error), (row.heap_bytes, row.heap_bytes_error));
    assert!(totals.peak_bytes >= totals.live_bytes && totals.peak_bytes_error > Some(0));
    assert_eq!(snapshot.threads[0].allocations, 100_000);
    let last = snapshot.timeline.last().expect("there were declarations");
    assert_eq!((last.live_bytes, last.live_bytes_error), (totals.live_bytes, totals.live_bytes_error));
}

#[test]
fn the_mean_over_seeds_is_the_truth_and_two_errors_cover_it() {
    const SEEDS: u64 = 1_000;
    let (mut sum, mut squares, mut covered) = (0.0, 0.0, 0);
    let (mut active_sum, mut active_squares, mut active_covered) = (0.0, 0.0, 0);
    // 0 … 3,999 are a thousand that are all kept, a thousand by 1/2 and two thousand by 1/4; 1,334 of them were ended.
    const ACTIVE: u64 = 4_000 - 1_334;
    for seed in 0..SEEDS {
        let (ledger, live_bytes) = declared(seed, 4_000);
        let snapshot = ledger.snapshot();
        let row = row(&snapshot);
        let estimate = row.heap_bytes.expect("an estimate");
        let off = estimate as f64 - live_bytes as f64;
        sum += off;
        squares += off * off;
        covered += u64::from(off.abs() <= 2.0 * row.heap_bytes_error.expect("an estimate") as f64);
        let off = row.active_instances as f64 - ACTIVE as f64;
        active_sum += off;
        active_squares += off * off;
        active_covered +=
            u64::from(off.abs() <= 2.0 * row.active_instances_error.expect("an estimate") as f64);
    }
    let check = |what, sum: f64, squares: f64, covered: u64| {
        let mean = sum / SEEDS as f64;
        let error_of_mean = (squares / SEEDS as f64 - mean * mean).sqrt() / (SEEDS as f64).sqrt();
        assert!(mean.abs() <= 3.0 * error_of_mean, "{what}: {mean} ± {error_of_mean}");
        assert!((900..=1_000).contains(&covered), "{what}: {covered}");
    };
    check("bytes", sum, squares, covered);
    check("active", active_sum, active_squares, active_covered);
}

#[test]
fn a_seed_draws_the_same_lots_again() {
    let (one, other) = (declared(5, 5_000).0.snapshot(), declared(5, 5_000).0.snapshot());
    assert_eq!(row(&one).heap_bytes, row(&other).heap_bytes);
    assert_ne!(row(&one).heap_bytes, row(&declared(6, 5_000).0.snapshot()).heap_bytes);
}

#[test]
fn where_nothing_is_freed_nothing_is_said_to_be() {
    let ledger = Ledger::sampled(3);
    for number in 0..20_000_usize {
        ledger.declare(0x1000 + 64 * number, 64, Some("kept".into()), None, None);
    }
    let snapshot = ledger.snapshot();
    let row = row(&snapshot);
    assert_eq!((row.active_instances, row.stages.deallocated), (20_000, 0));
    assert_eq!((snapshot.totals.deallocations, snapshot.totals.deallocated_bytes), (0, 0));
}

#[test]
fn an_address_that_is_declared_again_ends_what_was_there_kept_or_not() {
    let ledger = Ledger::sampled(3);
    // A buffer that is declared in each turn of a loop, and never declared free: one of them lives.
    for _ in 0..100_000 {
        ledger.declare(0x1000, 64, Some("buffer".into()), None, None);
    }
    let snapshot = ledger.snapshot();
    let row = row(&snapshot);
    assert_eq!(row.instances, 100_000);
    // The last is kept with a probability of 1/128; here it is not, or it would stand for 128.
    assert!(row.active_instances <= 128, "{}", row.active_instances);
    assert!(row.heap_bytes <= Some(64 * 128));
}

#[test]
fn a_free_is_unmatched_only_where_no_declaration_can_be_meant() {
    let ledger = Ledger::sampled(7);
    assert!(!ledger.declare_free(0x10), "nothing is declared");
    for number in 0..3_000_usize {
        ledger.declare(0x1000 + 16 * number, 16, Some("x".into()), None, None);
    }
    let all: u64 = (0..3_000_usize).map(|number| u64::from(ledger.declare_free(0x1000 + 16 * number))).sum();
    assert_eq!(all, 3_000, "each was declared");
    assert!(!ledger.declare_free(0x1000), "all are freed: this one is again");
    let snapshot = ledger.snapshot();
    assert_eq!(snapshot.profiler.unmatched_declared_deallocations, 2);
    // Of 1,000 … 1,999 every second is kept, of 2,000 … 2,999 every fourth: 1,250 are not, give or take
    // √(1,000 / 4 + 1,000 × 3 / 16) = 21 times four.
    let unkept = snapshot.profiler.unkept_declared_deallocations;
    assert!((1_165..=1_335).contains(&unkept), "{unkept}");
    assert_eq!(row(&snapshot).active_instances, 0);
}

#[test]
fn a_ledger_that_is_not_sampled_keeps_all() {
    let ledger = Ledger::default();
    for number in 0..5_000_usize {
        ledger.declare(0x1000 + 16 * number, 16, Some("x".into()), None, None);
    }
    assert_eq!(ledger.list().len(), 5_000);
    let snapshot = ledger.snapshot();
    assert_eq!((row(&snapshot).heap_bytes, row(&snapshot).heap_bytes_error), (Some(80_000), None));
}
