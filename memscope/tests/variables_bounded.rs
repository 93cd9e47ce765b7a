//! What executions cost that have ended while their blocks live on, and that nothing is lost when they are folded.

use memscope::model::{Fates, Snapshot, Stages, Variable};
use memscope::{track, track_var};
use std::time::Instant;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

const MANY: u64 = 100_000;

fn row<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Variable {
    let mut rows = snapshot.variables.iter().filter(|row| row.name == name);
    let row = rows.next().expect("it ran");
    assert!(rows.next().is_none(), "one row");
    row
}

fn own_bytes(snapshot: &Snapshot) -> u64 {
    snapshot.profiler.own_bytes.expect("Linux tells what is resident")
}

#[track]
fn binds(kept: &mut Vec<Vec<u8>>) {
    for _ in 0..MANY {
        track_var!(let one: Vec<u8> = Vec::with_capacity(10));
        kept.push(one);
    }
}

#[track]
fn takes_all(all: Vec<Vec<u8>>) {
    track_var!(all);
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
fn ended_executions_whose_blocks_live_are_few_bytes_each_and_exact() {
    let mut kept: Vec<Vec<u8>> = Vec::with_capacity(MANY as usize);
    let before = own_bytes(&memscope::snapshot());
    let begun = Instant::now();
    binds(&mut kept);
    let each = begun.elapsed() / MANY as u32;
    let snapshot = memscope::snapshot();
    let bytes = (own_bytes(&snapshot) - before) / MANY;
    println!("{bytes} bytes of memscope's own for each, {each:?} for each execution");
    assert!(bytes <= 300, "{bytes} bytes of memscope's own for each execution whose block lives");

    let one = row(&snapshot, "one");
    assert_eq!((one.instances, one.active_instances, one.blocks), (MANY, 0, Some(MANY)));
    assert_eq!((one.heap_bytes, one.grown_bytes, one.moved_bytes), (Some(10 * MANY), Some(0), Some(0)));
    assert_eq!(one.stages, Stages { allocated: MANY, ..Stages::default() });
    assert_eq!(one.fates, Some(Fates { live_at_export: MANY, ..Fates::default() }));
    assert_eq!((one.history.len(), one.folded_instances), (16, MANY - 16));

    // Those that are folded are followed on: half of them grow, a quarter ends.
    kept.iter_mut().step_by(2).for_each(|one| one.reserve_exact(30));
    let mut turn = 0;
    kept.retain(|_| {
        turn += 1;
        turn % 4 != 0 // none of those that grew
    });
    let snapshot = memscope::snapshot();
    let one = row(&snapshot, "one");
    // 50,000 of 30 bytes and 25,000 of 10.
    assert_eq!((one.heap_bytes, one.blocks), (Some(50_000 * 30 + 25_000 * 10), Some(75_000)));
    assert_eq!(one.grown_bytes, Some(50_000 * 20));
    assert_eq!(one.stages, Stages { allocated: 75_000, deallocated: 25_000, ..Stages::default() });
    let fates = Fates { dropped_in_scope: 0, outlived_scope: 25_000, live_at_export: 75_000 };
    assert_eq!(one.fates, Some(fates));

    // The next executions turn what is gone into counts; what is told stays.
    let more = &mut Vec::with_capacity(MANY as usize);
    binds(more);
    let snapshot = memscope::snapshot();
    let one = row(&snapshot, "one");
    assert_eq!((one.instances, one.blocks), (2 * MANY, Some(175_000)));
    assert_eq!(one.grown_bytes, Some(50_000 * 20));
    assert_eq!(one.fates, Some(Fates { live_at_export: 175_000, ..fates }));

    // Another variable takes over what the first ones own.
    takes_all(kept);
    let snapshot = memscope::snapshot();
    let one = row(&snapshot, "one");
    assert_eq!(
        one.stages,
        Stages { allocated: MANY, moved: 75_000, deallocated: 25_000, ..Stages::default() }
    );
    assert_eq!(one.fates, Some(Fates { live_at_export: MANY, ..fates }));
    more.clear();
    let snapshot = memscope::snapshot();
    let one = row(&snapshot, "one");
    assert_eq!(one.fates, Some(Fates { dropped_in_scope: 0, outlived_scope: 125_000, live_at_export: 0 }));
    assert_eq!((one.heap_bytes, one.blocks), (Some(0), Some(0)));

    // What they took is used again.
    binds(&mut Vec::with_capacity(MANY as usize));
    let before = own_bytes(&memscope::snapshot());
    for _ in 0..3 {
        binds(&mut Vec::with_capacity(MANY as usize));
    }
    let after = own_bytes(&memscope::snapshot());
    assert!(after < before + 10 * MANY, "{before} bytes of memscope's own before, {after} after");
}
