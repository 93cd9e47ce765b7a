//! Memory handed to foreign code by `memscope::ffi`, and memory of foreign code. Each pair that is balanced is beside one
//! that is not.

use memscope::model::{Direction, Finding, HandedOut, Provenance, Snapshot, Stage};
use memscope::{ffi, track, track_var};
use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn places<'a>(snapshot: &'a Snapshot, scope: &str) -> Vec<&'a HandedOut> {
    snapshot.handed_out.iter().filter(|row| row.scope == [scope]).collect()
}

fn findings<'a>(snapshot: &'a Snapshot, scope: &str) -> Vec<&'a Finding> {
    let all =
        snapshot.findings.iter().filter(|finding| finding.kind == memscope::findings::NEVER_HANDED_BACK);
    all.filter(|finding| finding.scope == [scope]).collect()
}

/// What became of a place's handings out: how many, back, freed, and blocks and bytes alive.
fn sums(row: &HandedOut) -> [u64; 5] {
    assert_eq!(row.unfollowed, 0);
    [row.handed_out, row.handed_back, row.freed, row.live_blocks, row.live_bytes]
}

#[track]
fn balanced() {
    for number in 0..10u8 {
        let boxed = ffi::boxed::into_raw(Box::new([number; 100]));
        let text = ffi::c_string::into_raw(CString::new("a balanced pair").expect("no zero"));
        let (list, length, capacity) = ffi::vec::into_raw_parts(vec![number; 50]);
        let shared = ffi::arc::into_raw(Arc::new(number));
        // SAFETY: each was handed out above and is taken back once.
        unsafe {
            assert_eq!(ffi::boxed::from_raw(boxed)[99], number);
            assert_eq!(ffi::c_string::from_raw(text).as_bytes(), b"a balanced pair");
            assert_eq!(ffi::vec::from_raw_parts(list, length, capacity), [number; 50]);
            assert_eq!(*ffi::arc::from_raw(shared), number);
        }
    }
}

#[test]
fn balanced_pairs_are_no_finding() {
    balanced();
    let snapshot = memscope::snapshot();
    let places = places(&snapshot, "balanced");
    let functions: Vec<&str> = places.iter().map(|row| &*row.function).collect();
    assert_eq!(functions, ["Box::into_raw", "CString::into_raw", "Vec::into_raw_parts", "Arc::into_raw"]);
    for row in places {
        assert_eq!(sums(row), [10, 10, 0, 0, 0], "{row:?}");
        assert!(row.file.ends_with("handed_out.rs"), "the caller's own place: {row:?}");
    }
    assert!(findings(&snapshot, "balanced").is_empty());
}

#[track]
fn unbalanced() -> (*mut [u8; 100], *mut c_char) {
    let back = ffi::boxed::into_raw(Box::new([1u8; 100]));
    // SAFETY: handed out above.
    drop(unsafe { ffi::boxed::from_raw(back) });
    (
        ffi::boxed::into_raw(Box::new([2u8; 100])),
        ffi::c_string::into_raw(CString::new("four").expect("no zero")),
    )
}

#[test]
fn what_is_out_and_alive_is_a_finding_until_it_ends() {
    let (boxed, text) = unbalanced();
    let snapshot = memscope::snapshot();
    let rows: Vec<[u64; 5]> = places(&snapshot, "unbalanced").into_iter().map(sums).collect();
    // Two places on one line: sorted by function. "four" and its zero are 5 bytes.
    assert_eq!(rows, [[1, 1, 0, 0, 0], [1, 0, 0, 1, 100], [1, 0, 0, 1, 5]]);
    let found = findings(&snapshot, "unbalanced");
    assert_eq!(found.len(), 2);
    let first =
        found.iter().find(|finding| finding.message.starts_with("`Box::into_raw` (")).expect("of the box");
    assert!(first.message.contains("1 block, 100 B, live at export."), "{}", first.message);
    let document = serde_json::to_value(&snapshot).expect("it is plain data");
    for evidence in &first.evidence {
        assert_eq!(document.pointer(&evidence.pointer), Some(&evidence.value.into()), "{}", evidence.pointer);
    }
    // std's own function takes it back unseen; its free is seen.
    // SAFETY: handed out above, and taken back once.
    drop(unsafe { (Box::from_raw(boxed), CString::from_raw(text)) });
    let snapshot = memscope::snapshot();
    let rows: Vec<[u64; 5]> = places(&snapshot, "unbalanced").into_iter().map(sums).collect();
    assert_eq!(rows, [[1, 1, 0, 0, 0], [1, 0, 1, 0, 0], [1, 0, 1, 0, 0]]);
    assert!(findings(&snapshot, "unbalanced").is_empty());
}

#[track]
fn shared(owner: &Arc<[u8; 1_000]>) -> (*const [u8; 1_000], *const [u8; 1_000]) {
    [(); 2].map(|()| ffi::arc::into_raw(Arc::clone(owner))).into()
}

#[test]
fn an_arc_is_out_as_often_as_it_was_handed_out() {
    let owner = Arc::new([7u8; 1_000]);
    let (first, second) = shared(&owner);
    // Two counts of 8 bytes stand before the value, in one block.
    assert_eq!(sums(places(&memscope::snapshot(), "shared")[0]), [2, 0, 0, 1, 1_016]);
    // SAFETY: handed out twice, taken back twice.
    drop(unsafe { ffi::arc::from_raw(first) });
    assert_eq!(sums(places(&memscope::snapshot(), "shared")[0]), [2, 1, 0, 1, 1_016]);
    // SAFETY: as above.
    drop(unsafe { ffi::arc::from_raw(second) });
    let snapshot = memscope::snapshot();
    assert_eq!(sums(places(&snapshot, "shared")[0]), [2, 2, 0, 0, 0]);
    assert!(findings(&snapshot, "shared").is_empty());
}

#[track]
fn grown(mut list: Vec<u8>) -> (*mut u8, usize) {
    list.resize(10, 1);
    let (raw, _, capacity) = ffi::vec::into_raw_parts(list);
    // SAFETY: the block is the vector's, and is resized with its layout, as foreign code does by a callback.
    let raw = unsafe {
        std::alloc::realloc(raw, std::alloc::Layout::array::<u8>(capacity).expect("small"), 90_000)
    };
    (raw, 90_000)
}

#[test]
fn memory_that_moves_while_it_is_out_is_followed() {
    let (raw, capacity) = grown(Vec::new());
    assert_eq!(sums(places(&memscope::snapshot(), "grown")[0]), [1, 0, 0, 1, 90_000]);
    // SAFETY: the block has so many bytes, of which ten hold something.
    drop(unsafe { ffi::vec::from_raw_parts(raw, 10, capacity) });
    assert_eq!(sums(places(&memscope::snapshot(), "grown")[0]), [1, 1, 0, 0, 0]);
}

#[track]
fn adopted() -> Box<u64> {
    let raw = ffi::boxed::into_raw(Box::new(5u64));
    // SAFETY: handed out above; by std's own function, which is not seen.
    unsafe { Box::from_raw(raw) }
}

#[test]
fn a_variable_that_owns_it_has_it_back() {
    track_var!(let owned_again: Box<u64> = adopted());
    let snapshot = memscope::snapshot();
    assert_eq!(sums(places(&snapshot, "adopted")[0]), [1, 1, 0, 0, 0]);
    assert!(findings(&snapshot, "adopted").is_empty());
    let row = snapshot.variables.iter().find(|row| row.name == "owned_again").expect("it is tracked");
    // It had crossed before it was tracked.
    assert_eq!((row.ffi_crossings, &*row.crossings[0].function), (Some(1), "Box::into_raw"));
    assert_eq!(row.crossings[0].direction, Direction::Sent);
    drop(owned_again);
}

extern "C" fn keep(kept: Box<[u8; 300]>) -> *const c_void {
    Box::into_raw(kept).cast()
}

extern "C" fn give(kept: *mut [u8; 300]) -> Option<Box<[u8; 300]>> {
    // SAFETY: `keep` made it of a box; null is none.
    (!kept.is_null()).then(|| unsafe { Box::from_raw(kept) })
}

/// Foreign functions that own what they are given: the linker finds them in this very program.
mod owning {
    use super::*;

    #[unsafe(no_mangle)]
    extern "C" fn memscope_test_keep(kept: Box<[u8; 300]>) -> *const c_void {
        keep(kept)
    }

    #[unsafe(no_mangle)]
    extern "C" fn memscope_test_give(kept: *mut [u8; 300]) -> Option<Box<[u8; 300]>> {
        give(kept)
    }

    #[track]
    #[allow(improper_ctypes, reason = "a box of a sized value is a pointer")]
    unsafe extern "C" {
        #[link_name = "memscope_test_keep"]
        pub(super) fn takes_a_box(kept: Box<[u8; 300]>) -> *mut [u8; 300];
        #[link_name = "memscope_test_give"]
        pub(super) fn returns_a_box(kept: *mut [u8; 300]) -> Option<Box<[u8; 300]>>;
    }
}

#[test]
fn a_foreign_function_that_takes_a_box_has_it_until_one_returns_it() {
    // SAFETY: what `takes_a_box` gives is given to `returns_a_box` once.
    unsafe {
        let (first, second) =
            (owning::takes_a_box(Box::new([1; 300])), owning::takes_a_box(Box::new([2; 300])));
        assert!(owning::returns_a_box(ptr::null_mut()).is_none());
        assert_eq!(owning::returns_a_box(first).map(|back| back[0]), Some(1));
        let snapshot = memscope::snapshot();
        let rows = places(&snapshot, "takes_a_box");
        assert_eq!((rows.len(), sums(rows[0])), (1, [2, 1, 0, 1, 300]));
        assert_eq!(findings(&snapshot, "takes_a_box").len(), 1);
        assert_eq!(owning::returns_a_box(second).map(|back| back[0]), Some(2));
    }
    let snapshot = memscope::snapshot();
    assert_eq!(sums(places(&snapshot, "takes_a_box")[0]), [2, 2, 0, 0, 0]);
    assert!(findings(&snapshot, "takes_a_box").is_empty());
}

#[track]
fn through_qsort() -> *mut u32 {
    unsafe extern "C" fn compare(_: *const c_void, _: *const c_void) -> c_int {
        0
    }
    #[track]
    unsafe extern "C" {
        fn qsort(
            base: *mut c_void,
            count: usize,
            size: usize,
            compare: unsafe extern "C" fn(*const c_void, *const c_void) -> c_int,
        );
    }
    let raw = ffi::boxed::into_raw(Box::new(1u32));
    // SAFETY: one element.
    unsafe { qsort(raw.cast(), 1, 4, compare) };
    raw
}

#[test]
fn a_finding_names_the_foreign_functions_that_had_it() {
    let raw = through_qsort();
    let snapshot = memscope::snapshot();
    assert_eq!(places(&snapshot, "through_qsort")[0].sent_to, ["qsort"]);
    assert!(findings(&snapshot, "through_qsort")[0].message.contains("It was given to `qsort`."));
    // SAFETY: handed out above.
    drop(unsafe { ffi::boxed::from_raw(raw) });
}

#[test]
fn what_is_in_no_block_is_not_handed_out() {
    // A box of nothing and an empty vector own no memory.
    let (nothing, empty) = (ffi::boxed::into_raw(Box::new(())), ffi::vec::into_raw_parts(Vec::<u8>::new()));
    // SAFETY: handed out above.
    unsafe { drop((ffi::boxed::from_raw(nothing), ffi::vec::from_raw_parts(empty.0, empty.1, empty.2))) };
    let line_of_this = line!() - 3;
    assert!(!memscope::snapshot().handed_out.iter().any(|row| row.line == line_of_this));
}

#[test]
fn memory_of_foreign_code_is_declared_until_it_is_released() {
    #[track]
    fn asks_libc() -> *mut c_void {
        // SAFETY: any size may be asked for.
        let memory = unsafe { libc::malloc(4_000) };
        ffi::foreign(memory, 4_000, "a buffer of libc's");
        ffi::foreign(ptr::null::<u8>(), 10, "nothing");
        memory
    }
    let memory = asks_libc();
    let snapshot = memscope::snapshot();
    let row = |snapshot: &Snapshot| {
        snapshot.variables.iter().find(|row| row.name == "a buffer of libc's").cloned().expect("declared")
    };
    let known = row(&snapshot);
    assert_eq!(
        (known.heap_bytes, known.provenance, known.stage),
        (Some(4_000), Provenance::Declared, Stage::Active)
    );
    assert_eq!(known.scope, ["asks_libc"]);
    assert!(known.file.is_some_and(|file| file.ends_with("handed_out.rs")));
    assert!(!snapshot.variables.iter().any(|row| row.name == "nothing"));
    ffi::release(memory);
    // SAFETY: libc's own, freed once.
    unsafe { libc::free(memory) };
    let known = row(&memscope::snapshot());
    assert_eq!((known.heap_bytes, known.stage), (Some(0), Stage::Deallocated));
}

#[test]
fn errno_is_left_alone() {
    // SAFETY: errno is this thread's; what is handed out is taken back.
    unsafe {
        *libc::__errno_location() = 1234;
        drop(ffi::boxed::from_raw(ffi::boxed::into_raw(Box::new(1))));
        ffi::foreign(&0u8, 1, "on the stack");
        ffi::release(&0u8);
        assert_eq!(*libc::__errno_location(), 1234);
    }
}
