//! The lives of executions: the most bytes of each, its bytes over time, when blocks were resized and moved, and which blocks
//! are listed.

use memscope::model::{Instance, Snapshot, Variable};
use memscope::{track, track_var};
use std::collections::HashMap;
use std::thread::sleep;
use std::time::Duration;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// Five ticks of the coarse clock.
const A_WHILE: Duration = Duration::from_millis(50);

fn find<'a>(snapshot: &'a Snapshot, scope: &str, name: &str) -> &'a Variable {
    let mut rows = snapshot.variables.iter().filter(|row| row.scope == [scope] && row.name == name);
    let row = rows.next().unwrap_or_else(|| panic!("{name} in {scope}: {:?}", snapshot.variables));
    assert!(rows.next().is_none(), "one row for {name} in {scope}");
    row
}

fn newest(row: &Variable) -> &Instance {
    row.history.last().expect("it ran")
}

#[track]
fn fills(bytes: usize) {
    track_var!(let mut filled: Vec<u8> = Vec::with_capacity(100));
    filled.reserve_exact(bytes);
}

#[test]
fn each_execution_keeps_the_most_bytes_that_it_had_though_all_is_freed() {
    for bytes in [1_000, 5_000, 3_000] {
        fills(bytes);
    }
    let snapshot = memscope::snapshot();
    let row = find(&snapshot, "fills", "filled");
    assert_eq!((row.heap_bytes, row.instances), (Some(0), 3));
    // The growth came between the only look and the end.
    let peaks: Vec<_> = row.history.iter().map(|instance| instance.peak_heap_bytes).collect();
    assert_eq!(peaks, [Some(1_000), Some(5_000), Some(3_000)]);
    assert_eq!(row.peak_heap_bytes, Some(5_000), "one lives at a time");
    for instance in &row.history {
        // 100 bytes at the look, none at the binding's end, before which the value was dropped.
        let bytes: Vec<u64> = instance.seen.iter().map(|seen| seen.heap_bytes).collect();
        assert_eq!(bytes, [100, 0]);
        assert_eq!(Some(instance.seen[1].ms), instance.ended_ms);
    }
}

#[track]
fn shrinks() -> Vec<u64> {
    track_var!(let mut numbers: Vec<u64> = Vec::with_capacity(1_000));
    sleep(A_WHILE);
    numbers.reserve_exact(100_000); // a block of so many bytes is mapped anew: another address
    sleep(A_WHILE);
    numbers.shrink_to(50_000);
    numbers
}

#[test]
fn the_last_resize_and_the_last_move_have_their_moments() {
    let before = memscope::snapshot().program.elapsed_ms;
    let kept = shrinks();
    let snapshot = memscope::snapshot();
    let instance = newest(find(&snapshot, "shrinks", "numbers"));
    assert_eq!(instance.peak_heap_bytes, Some(800_000));
    let [block] = &instance.blocks[..] else { panic!("one block: {instance:?}") };
    assert_eq!((block.bytes, block.reallocations), (400_000, 2));
    let (resized, moved) = (block.resized_ms.expect("it was"), block.moved_ms.expect("it was"));
    // Two resizes, 50 ms apart by a clock of 10 ms, or 20 ms where the observer is short of time. The later may move it, too.
    assert!(moved >= before + 30 && resized >= moved && resized <= snapshot.program.elapsed_ms, "{block:?}");
    assert!(resized >= before + 80, "{block:?} from {before} on");
    drop(kept);
    let after = memscope::snapshot();
    let freed = &newest(find(&after, "shrinks", "numbers")).blocks[0];
    assert_eq!((freed.resized_ms, freed.moved_ms), (Some(resized), Some(moved)), "they stay");
}

#[track]
fn untouched() -> Snapshot {
    track_var!(let _still: Vec<u8> = vec![1; 64]);
    memscope::snapshot()
}

#[test]
fn a_block_that_was_never_resized_has_no_such_moment() {
    let snapshot = untouched();
    let block = &newest(find(&snapshot, "untouched", "_still")).blocks[0];
    assert_eq!((block.reallocations, block.resized_ms, block.moved_ms), (0, None, None));
}

#[track]
fn looks_often() -> Snapshot {
    track_var!(let mut grown: Vec<u8> = Vec::with_capacity(10));
    for round in 2..=40 {
        grown.reserve_exact(10 * round);
        track_var!(grown);
    }
    memscope::snapshot()
}

#[test]
fn of_many_looks_eight_are_kept_the_first_and_the_last_among_them() {
    let snapshot = looks_often();
    let instance = newest(find(&snapshot, "looks_often", "grown"));
    assert_eq!((instance.observations, instance.seen.len()), (40, 8));
    // From 10 bytes at the first look to 400 at the last.
    let bytes: Vec<u64> = instance.seen.iter().map(|seen| seen.heap_bytes).collect();
    assert_eq!((bytes[0], bytes[7]), (10, 400));
    assert!(bytes.is_sorted() && instance.seen.is_sorted_by_key(|seen| seen.ms), "{:?}", instance.seen);
}

/// Sizes of the listed blocks, the largest first.
fn listed(instance: &Instance) -> Vec<u64> {
    let mut sizes: Vec<u64> = instance.blocks.iter().map(|block| block.bytes).collect();
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    sizes
}

#[track]
fn holds_many() -> (Snapshot, Snapshot) {
    // 300 texts of 100 to 399 bytes, met in no order, in a table of more.
    let texts = (0..300u32).map(|number| (number, "x".repeat(100 + number as usize)));
    track_var!(let mut texts: HashMap<u32, String> = texts.collect());
    let first = memscope::snapshot();
    // The largest are freed but for one, and one that is larger comes.
    texts.retain(|&number, _| number < 293 || number == 299);
    texts.insert(1_000, "y".repeat(1_000));
    track_var!(texts);
    (first, memscope::snapshot())
}

#[test]
fn the_largest_blocks_are_listed_and_nothing_is_lost_by_it() {
    let (first, then) = holds_many();
    let (before, after) = (find(&first, "holds_many", "texts"), find(&then, "holds_many", "texts"));
    let table = listed(newest(before))[0];
    // 448 places at the least, of 32 bytes and one more each.
    assert!(table > 300 * 33, "{table}");
    assert_eq!(listed(newest(before))[1..], [399, 398, 397, 396, 395, 394, 393]);
    // 301 blocks, of which 8 are listed; 300 × 100 and 0 + 1 + … + 299 bytes of texts.
    assert_eq!((before.blocks, newest(before).folded_blocks), (Some(301), 293));
    assert_eq!(before.heap_bytes, Some(table + 30_000 + 44_850));
    // What was freed is listed as long as nothing larger is there: the new text takes the place of the smallest.
    assert_eq!(listed(newest(after))[1..], [1_000, 399, 398, 397, 396, 395, 394]);
    let freed = newest(after).blocks.iter().filter(|block| block.freed_ms.is_some()).map(|block| block.bytes);
    assert_eq!(freed.sum::<u64>(), 398 + 397 + 396 + 395 + 394);
    // 301 less six and one more; the six had 393 to 398 bytes.
    assert_eq!(after.blocks, Some(296));
    assert_eq!(after.heap_bytes, Some(table + 30_000 + 44_850 + 1_000 - (393 + 394 + 395 + 396 + 397 + 398)));
    assert_eq!(newest(after).folded_blocks, 296 - 3);
    let gone = memscope::snapshot();
    let gone = find(&gone, "holds_many", "texts");
    assert_eq!((gone.blocks, gone.heap_bytes), (Some(0), Some(0)));
    assert_eq!(newest(gone).peak_heap_bytes, Some(table + 30_000 + 44_850));
}
