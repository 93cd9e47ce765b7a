//! What growth cost: bytes gained, bytes copied because the block got another address, capacity without an element. The
//! allocator beneath decides where a block goes, so that each figure is known.

use memscope::model::{Snapshot, Variable};
use memscope::{Trackable, Visitor, track, track_var};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a block that grows stays where it is. Blocks are made four times as large as they need be.
static STAYS: AtomicBool = AtomicBool::new(false);

struct Roomy;

fn roomy(layout: Layout) -> Layout {
    Layout::from_size_align(layout.size() * 4, layout.align()).expect("small blocks")
}

// SAFETY: each block has the system's own of four times its size; one that stays where it is has room for it.
unsafe impl GlobalAlloc for Roomy {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(roomy(layout)) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: glibc does not use the size.
        unsafe { System.dealloc(block, roomy(layout)) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        if STAYS.load(Ordering::Relaxed) {
            return block;
        }
        // SAFETY: the layouts are valid, and the smaller size is within both blocks.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(bytes, layout.align()));
            moved.copy_from_nonoverlapping(block, layout.size().min(bytes));
            self.dealloc(block, layout);
            moved
        }
    }
}

#[global_allocator]
static ALLOC: memscope::Allocator<Roomy> = memscope::Allocator::new(Roomy);

fn find<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Variable {
    let mut rows = snapshot.variables.iter().filter(|row| row.name == name);
    let row = rows.next().unwrap_or_else(|| panic!("{name}: {:?}", snapshot.variables));
    assert!(rows.next().is_none(), "one row for {name}");
    row
}

struct Half(Vec<u8>);

impl Trackable for Half {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.0.visit_blocks(visitor);
        visitor.unused(1_000_000 * self.0.len());
    }
}

#[track]
fn grows(rounds: usize) {
    for _ in 0..rounds {
        track_var!(let mut grown: Vec<u8> = Vec::with_capacity(100));
        STAYS.store(false, Ordering::Relaxed);
        grown.reserve_exact(300); // 100 → 300, moves 100
        STAYS.store(true, Ordering::Relaxed);
        grown.reserve_exact(400); // 300 → 400 in place
        STAYS.store(false, Ordering::Relaxed);
        grown.shrink_to(50); // 400 → 50, moves 50
    }
}

#[track]
fn pieces() -> Vec<String> {
    let mut pieces: Vec<String> = (0..20).map(|_| "ten bytes.".to_owned()).collect();
    track_var!(pieces);
    pieces.iter_mut().for_each(|piece| piece.reserve_exact(20)); // 20 × (10 → 30, moves 10)
    track_var!(pieces);
    pieces.iter_mut().for_each(|piece| piece.reserve_exact(30)); // 20 × (30 → 40, moves 30)
    pieces
}

#[track]
fn uses_little() -> Vec<Half> {
    let mut kept = Vec::new();
    for turn in 0..20 {
        track_var!(let half: Half = Half(vec![0; turn + 1]));
        kept.push(half);
    }
    kept
}

#[test]
fn growth_is_told_of_every_execution() {
    grows(1);
    let snapshot = memscope::snapshot();
    let row = find(&snapshot, "grown");
    // Gained 200 + 100, moved 100 + 50.
    assert_eq!((row.grown_bytes, row.moved_bytes), (Some(300), Some(150)));
    let block = &row.history[0].blocks[0];
    assert_eq!((block.grown_bytes, block.moved_bytes, block.reallocations, block.bytes), (300, 150, 3, 50));
    grows(99);
    let snapshot = memscope::snapshot();
    let row = find(&snapshot, "grown");
    assert!(row.folded_instances > 50);
    assert_eq!((row.instances, row.grown_bytes, row.moved_bytes), (100, Some(30_000), Some(15_000)));

    let kept = pieces();
    let snapshot = memscope::snapshot();
    let row = find(&snapshot, "pieces");
    // 7 of the 20 have a watch of their own, beside the vector's; the others share one, another one at each look.
    assert_eq!((row.grown_bytes, row.moved_bytes), (Some(20 * 30), Some(20 * 40)));
    drop(kept);

    let mut kept = uses_little();
    let snapshot = memscope::snapshot();
    let row = find(&snapshot, "half");
    // 1 + 2 + … + 20 = 210, of instances that are folded too.
    assert_eq!((row.unused_bytes, row.folded_instances), (Some(210_000_000), 4));
    assert_eq!(row.history.last().expect("it ran").unused_bytes, Some(20_000_000));
    kept.remove(0);
    kept.pop();
    let snapshot = memscope::snapshot();
    assert_eq!(find(&snapshot, "half").unused_bytes, Some(189_000_000), "of those that are alive"); // 210 − 1 − 20
}
