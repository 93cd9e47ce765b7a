//! Findings about variables, end to end: capacity that is not used, containers that each call makes anew, growth that
//! moves its blocks. Each stands beside a binding that does the same as it should.

use memscope::model::{Finding, Severity, Snapshot};
use memscope::{track, track_var};
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;
use std::hint::black_box;

/// The system's allocator, under which no block grows in place: `realloc` is the trait's own, which takes a new block.
struct Moving;

// SAFETY: it is the system's allocator.
unsafe impl GlobalAlloc for Moving {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOC: memscope::Allocator<Moving> = memscope::Allocator::new(Moving);

/// (scope, variable) of the findings of a kind that are about variables of `scopes`.
fn found<'a>(snapshot: &'a Snapshot, kind: &str, scopes: &[&str]) -> Vec<&'a Finding> {
    let is_here = |finding: &&Finding| {
        finding.kind == kind
            && finding.variable.is_some()
            && finding.scope.last().is_some_and(|scope| scopes.contains(&scope.as_str()))
    };
    snapshot.findings.iter().filter(is_here).collect()
}

fn names<'a>(findings: &[&'a Finding]) -> Vec<&'a str> {
    findings.iter().filter_map(|finding| finding.variable.as_deref()).collect()
}

#[track]
fn has_room() -> Snapshot {
    let mut roomy: Vec<u64> = Vec::with_capacity(20_000);
    roomy.extend(0..5_000);
    track_var!(roomy);
    let mut fitting: Vec<u64> = Vec::with_capacity(20_000);
    fitting.extend(0..20_000);
    track_var!(fitting);
    // Of 32,768 places 16,384 are left at the most, by doubling.
    let mut doubled: Vec<u64> = Vec::new();
    (0..16_400).for_each(|number| doubled.push(number));
    track_var!(doubled);
    // Bound with its capacity, and filled where nobody looks.
    track_var!(let mut filled_later: Vec<u64> = Vec::with_capacity(20_000));
    filled_later.extend(0..20_000);
    // A table with room for 100,000 entries that holds 10. (One that held so many keeps marks of some of those that are gone,
    // and says less room, by as much as its hasher's seed has it.)
    let mut table: HashMap<u64, u64> = HashMap::with_capacity(100_000);
    table.extend((0..10).map(|key| (key, key)));
    track_var!(table);
    let snapshot = memscope::snapshot();
    drop((roomy, fitting, doubled, filled_later, table));
    snapshot
}

#[test]
fn capacity_that_holds_nothing_is_found_with_its_saving() {
    let snapshot = has_room();
    let found = found(&snapshot, memscope::findings::OVER_CAPACITY, &["has_room"]);
    // First the one with a saving: 15,000 places of 8 bytes.
    assert_eq!(names(&found), ["roomy", "table"]);
    assert_eq!((found[0].saving_bytes, found[0].severity), (Some(15_000 * 8), Severity::Warning));
    assert_eq!(found[1].saving_bytes, None, "a table's size is a power of two");
}

#[track]
fn makes_anew(number: usize) -> usize {
    track_var!(let mut scratch: Vec<usize> = vec![0; 8]);
    scratch[number % 8] = number;
    black_box(&scratch).iter().sum()
}

#[track]
fn uses_again(number: usize, scratch: &mut Vec<usize>) -> usize {
    scratch.clear();
    scratch.resize(8, 0);
    scratch[number % 8] = number;
    black_box(&*scratch).iter().sum()
}

#[track]
fn makes_and_returns(number: usize) -> Vec<usize> {
    track_var!(let made: Vec<usize> = vec![number; 8]);
    made
}

#[test]
fn a_container_that_each_call_makes_anew_is_found() {
    let mut reused = Vec::new();
    for number in 0..10_000 {
        assert_eq!(makes_anew(number) + uses_again(number, &mut reused), 2 * number);
        assert_eq!(makes_and_returns(number).len(), 8);
    }
    let snapshot = memscope::snapshot();
    let scopes = ["makes_anew", "uses_again", "makes_and_returns"];
    let found = found(&snapshot, memscope::findings::DUPLICATES, &scopes);
    assert_eq!(names(&found), ["scratch"]);
    assert!(
        found[0].message.contains(
            "is another container in each of 10\u{202f}000 executions in 10\u{202f}000 calls of makes_anew"
        ),
        "{found:?}"
    );
}

#[track]
fn grows() -> usize {
    track_var!(let mut by_steps: Vec<u8> = Vec::with_capacity(1));
    for len in 1..200 {
        by_steps.reserve_exact(len * 256 - by_steps.len());
        by_steps.resize(len * 256, 7);
    }
    track_var!(let mut at_once: Vec<u8> = Vec::with_capacity(50_000));
    at_once.resize(50_000, 7);
    by_steps.len() + at_once.len()
}

#[test]
fn growth_that_moves_its_blocks_is_found() {
    assert_eq!(grows(), 199 * 256 + 50_000);
    let snapshot = memscope::snapshot();
    let found = found(&snapshot, memscope::findings::GROWTH_BY_REALLOC, &["grows"]);
    assert_eq!(names(&found), ["by_steps"]);
    assert_eq!((found[0].severity, found[0].saving_bytes), (Severity::Warning, None));
    assert!(found[0].message.contains("It grows by small steps."), "{found:?}");
    // One byte moves to 256, these to 512 and so on, to 199 × 256: 1 + (1 + 2 + … + 198) × 256 bytes are moved.
    let figures: Vec<u64> = found[0].evidence.iter().map(|evidence| evidence.value).collect();
    assert_eq!(figures, [1 + 198 * 199 / 2 * 256, 199 * 256 - 1]);
}
