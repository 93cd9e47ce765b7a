//! The map by address, over the system's allocator. A file of its own, for every live block of the process is in it.

#![cfg(feature = "live")]

#[path = "memory_map/sums.rs"]
mod sums;

use memscope::model::Snapshot;
use memscope::track;
use sums::{assert_sums, wait_for_the_harness};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[track]
fn map_large() -> Vec<u8> {
    vec![7; 40 << 20]
}

#[track]
#[expect(clippy::vec_box, reason = "each is to be a block of its own")]
fn map_small() -> Vec<Box<[u8; 100]>> {
    (0..20_000).map(|_| Box::new([1; 100])).collect()
}

/// The bytes between two addresses of cells that say that `name` owns most of them.
fn bytes_owned(snapshot: &Snapshot, start: u64, end: u64, name: &str) -> u64 {
    let cells =
        snapshot.memory_map.cells.iter().filter(|cell| start <= cell.start && cell.start + cell.bytes <= end);
    let owned = cells.filter(|cell| {
        cell.variable.is_some_and(|variable| snapshot.variables[variable as usize].name == name)
    });
    owned.map(|cell| cell.variable_bytes.expect("a variable has bytes")).sum()
}

/// The bytes between two addresses that a scope of this name allocated most of, and all that live there.
fn bytes_of(snapshot: &Snapshot, start: u64, end: u64, name: &str) -> (u64, u64) {
    let cells =
        snapshot.memory_map.cells.iter().filter(|cell| start <= cell.start && cell.start + cell.bytes <= end);
    cells.fold((0, 0), |(of_scope, all), cell| {
        let path = cell.scope.map(|scope| &*snapshot.scopes[scope as usize].path).unwrap_or_default();
        let is_of_scope = path.last().is_some_and(|last| last == name);
        let bytes = if is_of_scope { cell.scope_bytes.unwrap_or(0) } else { 0 };
        (of_scope + bytes, all + cell.live_bytes)
    })
}

#[test]
fn cells_hold_every_live_block_where_it_lies() {
    wait_for_the_harness();
    assert_sums(&memscope::snapshot());
    let large = map_large();
    memscope::track_var!(let small: Vec<Box<[u8; 100]>> = map_small());
    let snapshot = memscope::snapshot();
    assert_sums(&snapshot);
    // The large block fills its cells but the first and the last alone.
    let start = large.as_ptr().addr() as u64;
    let end = start + large.len() as u64;
    let (of_scope, all) = bytes_of(&snapshot, start, end, "map_large");
    assert_eq!(of_scope, all);
    let cell_bytes = snapshot.memory_map.regions[0].cell_bytes;
    assert!(all > (40 << 20) - 2 * cell_bytes, "{all}");
    // It takes three rows, however many cells it fills; and two million bytes in small blocks are told apart by pages.
    let rows =
        snapshot.memory_map.cells.iter().filter(|cell| start < cell.start + cell.bytes && cell.start < end);
    assert!(rows.count() <= 3);
    assert!(cell_bytes <= 16_384, "{cell_bytes}");
    let addresses = small.iter().map(|block| std::ptr::from_ref(&**block).addr() as u64);
    let (low, high) = addresses.fold((u64::MAX, 0), |(low, high), at| (low.min(at), high.max(at + 100)));
    // 20,000 blocks of 100 bytes.
    assert!(bytes_of(&snapshot, low - low % cell_bytes, high + cell_bytes, "map_small").0 > 1_900_000);
    // None of them is among the largest blocks, and their cells know that `small` owns them; nobody owns the large one.
    assert!(bytes_owned(&snapshot, low - low % cell_bytes, high + cell_bytes, "small") > 1_900_000);
    let of_large = |cell: &&memscope::model::Cell| start <= cell.start && cell.start + cell.bytes <= end;
    let inside = snapshot.memory_map.cells.iter().find(of_large).expect("it is one cell");
    assert_eq!((inside.variable, inside.variable_bytes), (None, Some(inside.live_bytes)));
    #[cfg(target_env = "gnu")]
    assert!(snapshot.memory_map.regions.iter().any(|region| region.name.as_deref() == Some("[heap]")));
    // Every other block freed: as many cells, half as full; the large one is gone.
    let kept: Vec<_> = small.into_iter().step_by(2).collect();
    drop(large);
    let snapshot = memscope::snapshot();
    assert_sums(&snapshot);
    let half = bytes_of(&snapshot, low - low % cell_bytes, high + cell_bytes, "map_small").0;
    assert!((900_000..=1_000_000).contains(&half), "{half}");
    assert!(
        snapshot.memory_map.cells.iter().all(|cell| cell.start + cell.bytes <= start || end <= cell.start)
    );
    // A file has all of it, and the document too.
    let folder = tempfile::tempdir().expect("room");
    let file = folder.path().join("map.memscope");
    memscope_runtime::format::write_file(&file, &snapshot).expect("room");
    let read = memscope_runtime::format::read_file(&file).expect("it was just written");
    assert_eq!(read.memory_map, snapshot.memory_map);
    drop(kept);
}
