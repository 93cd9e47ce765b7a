//! A file with all live blocks, on request.
//!
//! One test, for its subject is the process.

use memscope::ExportError;
use memscope::model::Block;
use memscope_runtime::format::Recording;
use std::collections::HashMap;

// Every block, also where sampling is compiled in.
#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system().mode(memscope::Mode::Live);

/// More than the 2,000 that a snapshot lists.
const BLOCKS: usize = 50_000;

/// Each of another size than its neighbours: 1 to 97 bytes.
fn bytes_of(number: usize) -> usize {
    1 + number % 97
}

#[memscope::track]
fn makes() -> Vec<Box<[u8]>> {
    memscope::track_var!(let kept: Vec<Box<[u8]>> = (0..BLOCKS).map(|number| vec![7; bytes_of(number)].into()).collect());
    kept
}

#[test]
fn a_file_with_all_live_blocks_has_each_with_its_size_and_scope() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("all.memscope");
    let kept = makes();
    memscope::export_with_all_blocks(&path).expect("it can be written");

    let mut recording = Recording::open(&path).expect("it was just written");
    let snapshot = recording.snapshot().expect("it is whole");
    let mut listed: HashMap<u64, Block> = HashMap::new();
    let count = recording.all_blocks(|block| {
        let before = listed.insert(block.address, block);
        assert_eq!(before, None, "no two live blocks have one address");
    });
    assert_eq!(count.expect("it is whole"), Some(listed.len() as u64));
    // The snapshot itself lists 2,000 of them and says how many the others are.
    assert_eq!(snapshot.blocks.largest.len(), 2_000);
    assert_eq!(2_000 + snapshot.blocks.folded_blocks, listed.len() as u64);
    // No other thread of the program allocates meanwhile, so the list is all that is live.
    assert_eq!(listed.len() as u64, snapshot.totals.live_allocations);
    assert_eq!(listed.values().map(|block| block.bytes).sum::<u64>(), snapshot.totals.live_bytes);

    let outer = (kept.as_ptr() as u64, BLOCKS * size_of::<Box<[u8]>>());
    let inner = kept.iter().enumerate().map(|(number, block)| (block.as_ptr() as u64, bytes_of(number)));
    for (address, bytes) in inner.chain([outer]) {
        let block = listed.get(&address).unwrap_or_else(|| panic!("{address:#x} is not listed"));
        assert_eq!(block.bytes, bytes as u64);
        let scope = block.scope.expect("a tracked function allocated it");
        assert_eq!(snapshot.scopes[scope as usize].path, ["makes"]);
        let variable = block.variable.expect("the look at `kept` found it");
        assert_eq!(snapshot.variables[variable as usize].name, "kept");
        assert!(block.allocated_ms <= snapshot.program.elapsed_ms);
    }
    drop(kept);

    // Written again, it is replaced as a whole: the blocks are gone.
    memscope::export_with_all_blocks(&path).expect("it can be written");
    let mut recording = Recording::open(&path).expect("it was just written");
    let left = recording.all_blocks(|_| ()).expect("it is whole").expect("it has the list");
    assert!(left < BLOCKS as u64, "{left}");
    // An ordinary file has none.
    memscope::export(&path).expect("it can be written");
    let mut recording = Recording::open(&path).expect("it was just written");
    assert_eq!(recording.all_blocks(|_| ()).expect("it is whole"), None);

    for (name, says) in [
        ("all.html", "only a .memscope file"),
        ("all.json", "only a .memscope file"),
        ("all", "cannot tell the format"),
    ] {
        let error = memscope::export_with_all_blocks(folder.path().join(name)).expect_err(name);
        assert!(error.to_string().contains(says), "{error}");
    }
    let nowhere =
        memscope::export_with_all_blocks(folder.path().join("nowhere/all.memscope")).expect_err("no folder");
    assert!(matches!(nowhere, ExportError::Io { .. }), "{nowhere}");
    assert_eq!(std::fs::read_dir(&folder).expect("it is there").count(), 1, "nothing is left beside");
}
