//! What crosses into foreign code: pointers of tracked `extern` blocks, by libc's own functions.

use memscope::model::{Crossing, Direction, Pointers, Snapshot, Variable};
use memscope::{track, track_var};
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{self, NonNull};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// Each test has declarations of its own, for the pointers of a function are counted for the whole process.
mod counted {
    use super::*;

    #[track]
    unsafe extern "C" {
        pub(super) fn memchr(memory: *const c_void, byte: c_int, len: usize) -> *mut c_void;
    }
}

mod lines {
    use super::*;

    #[track]
    unsafe extern "C" {
        pub(super) fn getline(line: *mut *mut c_char, capacity: *mut usize, stream: *mut libc::FILE)
        -> isize;
        pub(super) fn free(memory: *mut c_void);
    }
}

mod kinds {
    use super::*;

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub(super) struct ByValue {
        pub(super) quot: c_int,
        pub(super) rem: c_int,
    }

    #[track]
    #[allow(dead_code, reason = "`exit` and `getpid` are there to compile")]
    #[allow(
        clashing_extern_declarations,
        reason = "one function stands for several, each with another kind of pointer"
    )]
    unsafe extern "C" {
        pub(super) fn memcmp(a: &[u8; 4], b: Option<&mut u8>, len: usize) -> c_int;
        #[link_name = "memchr"]
        pub(super) fn find(memory: NonNull<u8>, byte: c_int, len: usize) -> Option<NonNull<u8>>;
        pub(super) safe fn div(numerator: c_int, denominator: c_int) -> ByValue;
        #[link_name = "strnlen"]
        pub(super) fn borrowed<'a>(text: Option<&'a c_char>, most: usize) -> usize;
        #[link_name = "memchr"]
        pub(super) fn returned<'a>(text: &'a u8, byte: c_int, len: usize) -> &'a u8;
        pub(super) safe fn exit(code: c_int) -> !;
        pub(super) safe fn getpid() -> c_int;
        pub(super) safe fn tzset();
    }
}

#[track]
unsafe extern "C" {
    fn strlen(text: *const c_char) -> usize;
    fn memcpy(to: *mut c_void, from: *const c_void, len: usize) -> *mut c_void;
    fn memset(to: *mut c_void, byte: c_int, len: usize) -> *mut c_void;
    fn strtol(text: *const c_char, end: *mut *mut c_char, base: c_int) -> std::ffi::c_long;
    fn qsort(
        base: *mut c_void,
        count: usize,
        size: usize,
        compare: unsafe extern "C" fn(*const c_void, *const c_void) -> c_int,
    );
}

fn row<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Variable {
    let mut rows = snapshot.variables.iter().filter(|row| row.name == name);
    let row = rows.next().unwrap_or_else(|| panic!("{name}"));
    assert!(rows.next().is_none(), "{name} has one row");
    row
}

fn crossings(name: &str) -> Vec<(String, Direction)> {
    let snapshot = memscope::snapshot();
    let row = row(&snapshot, name);
    assert_eq!(row.ffi_crossings, Some(row.crossings.len() as u64 + row.folded_crossings), "{name}");
    row.crossings.iter().map(|crossing| (crossing.function.clone(), crossing.direction)).collect()
}

fn pointers(key: &str) -> (Pointers, Pointers) {
    let snapshot = memscope::snapshot();
    let site = snapshot.sites.iter().find(|site| site.key.ends_with(key)).unwrap_or_else(|| panic!("{key}"));
    let crossings = site.crossings.as_ref().expect("it is a foreign function");
    (crossings.sent, crossings.received)
}

fn all(pointers: u64, null: u64, live_blocks: u64, elsewhere: u64) -> Pointers {
    Pointers { pointers, null, live_blocks: Some(live_blocks), elsewhere: Some(elsewhere) }
}

#[test]
fn the_pointers_of_a_function_are_counted_by_where_they_point() {
    static STATIC: [u8; 8] = *b"abcdefgh";
    let on_stack = *b"abcd";
    let block = b"xyz".to_vec();
    // SAFETY: of each range all bytes are readable; of the null one there are none.
    unsafe {
        assert!(!counted::memchr(block.as_ptr().cast(), c_int::from(b'y'), 3).is_null());
        assert!(!counted::memchr(block[1..].as_ptr().cast(), c_int::from(b'z'), 2).is_null());
        assert!(counted::memchr(block.as_ptr().cast(), c_int::from(b'a'), 3).is_null());
        assert!(!counted::memchr(on_stack.as_ptr().cast(), c_int::from(b'a'), 4).is_null());
        assert!(!counted::memchr(STATIC.as_ptr().cast(), c_int::from(b'a'), 8).is_null());
        assert!(counted::memchr(ptr::null(), 0, 0).is_null());
    }
    // Six calls: three into the block (one of them inside), one to the stack, one to a static, one null. They return
    // a pointer into the block twice, to the stack and the static, and twice null. A number is no pointer.
    assert_eq!(pointers("counted::memchr"), (all(6, 1, 3, 2), all(6, 2, 2, 2)));
}

#[test]
fn a_block_that_crosses_counts_for_the_variable_that_owns_it() {
    track_var!(let numbers: Vec<u32> = vec![3, 1, 2]);
    track_var!(let never_crossed: Vec<u32> = vec![1]);
    track_var!(let text: std::ffi::CString = std::ffi::CString::new("twelve bytes").expect("no zero"));
    let mut numbers = numbers;
    unsafe extern "C" fn compare(a: *const c_void, b: *const c_void) -> c_int {
        // SAFETY: `qsort` hands out elements of the slice that it was given.
        let (a, b) = unsafe { (*a.cast::<u32>(), *b.cast::<u32>()) };
        a.cmp(&b) as c_int
    }
    // SAFETY: the slice's own elements; a string that ends in a zero.
    unsafe {
        qsort(numbers.as_mut_ptr().cast(), numbers.len(), 4, compare);
        assert_eq!(strlen(text.as_ptr()), 12);
        assert_eq!(strlen(text.as_ptr().add(7)), 5);
    }
    assert_eq!(numbers, [1, 2, 3]);
    // The callback is no data; what `qsort` hands to it crosses no tracked function.
    assert_eq!(crossings("numbers"), [("qsort".to_owned(), Direction::Sent)]);
    assert_eq!(crossings("text"), vec![("strlen".to_owned(), Direction::Sent); 2]);
    assert_eq!(crossings("never_crossed"), []);
    let snapshot = memscope::snapshot();
    let Crossing { thread, ms, .. } = row(&snapshot, "text").crossings[0];
    assert_eq!(row(&snapshot, "text").threads, [thread]);
    assert!(ms <= snapshot.program.elapsed_ms && ms >= row(&snapshot, "text").first_ms);
    drop(never_crossed);
}

#[test]
fn a_result_is_received_and_both_variables_of_a_call_are_credited() {
    track_var!(let copied_from: Vec<u8> = vec![7; 100]);
    track_var!(let mut copied_to: Vec<u8> = vec![0; 100]);
    // SAFETY: both hold 100 bytes and do not overlap.
    unsafe { memcpy(copied_to.as_mut_ptr().cast(), copied_from.as_ptr().cast(), 100) };
    assert_eq!(copied_to, copied_from);
    let sent = ("memcpy".to_owned(), Direction::Sent);
    assert_eq!(crossings("copied_from"), std::slice::from_ref(&sent));
    // memcpy returns its first argument.
    assert_eq!(crossings("copied_to"), [sent, ("memcpy".to_owned(), Direction::Received)]);
}

#[test]
fn a_block_that_crosses_before_it_is_tracked_brings_its_passport() {
    let mut bytes = vec![0u8; 64];
    // SAFETY: it holds 64 bytes.
    unsafe { memset(bytes.as_mut_ptr().cast(), 1, 64) };
    bytes.reserve_exact(100_000); // far more than fits: the block moves, and its passport goes with it
    track_var!(bytes);
    track_var!(bytes); // the same block is not credited twice
    let both = [("memset".to_owned(), Direction::Sent), ("memset".to_owned(), Direction::Received)];
    assert_eq!(crossings("bytes"), both);
    // Whoever takes it over comes to own what has crossed; who gave it keeps what it had.
    track_var!(let taken_from_bytes: Vec<u8> = bytes);
    assert_eq!(crossings("taken_from_bytes"), both);
    // SAFETY: a byte of it.
    unsafe { memset(taken_from_bytes.as_ptr().cast_mut().cast(), 1, 1) };
    assert_eq!((crossings("bytes").len(), crossings("taken_from_bytes").len()), (2, 4));
}

#[test]
fn an_address_that_is_used_again_is_another_block() {
    // glibc hands a freed block of the same size out again, at once.
    let (mut first, mut reused) = (Vec::<u8>::with_capacity(1_000), 0);
    for _ in 0..100 {
        let address = first.as_ptr();
        // SAFETY: it has room for 1,000 bytes.
        unsafe { memset(first.as_mut_ptr().cast(), 0, 1_000) };
        drop(first);
        track_var!(let second: Vec<u8> = Vec::with_capacity(1_000));
        reused += u32::from(second.as_ptr() == address);
        first = Vec::with_capacity(1_000);
    }
    assert!(reused > 0, "no address was used again");
    assert_eq!(crossings("second"), []);
}

#[test]
fn a_block_among_many_of_one_variable_is_credited() {
    // Past its first eight blocks a variable's blocks share a watch.
    track_var!(let many: Vec<String> = (0..50).map(|n| format!("a string of its own: {n}")).collect());
    for text in &many {
        // SAFETY: no byte of it is read past its end: the length is asked of `many`'s own bytes below.
        unsafe { counted_bytes(text) };
    }
    let snapshot = memscope::snapshot();
    let many_row = row(&snapshot, "many");
    // 50 strings crossed once each, of which the newest 16 are listed.
    assert_eq!(
        (many_row.ffi_crossings, many_row.crossings.len(), many_row.folded_crossings),
        (Some(50), 16, 34)
    );
    assert_eq!(many_row.blocks, Some(51));
    let bytes: usize =
        many.iter().map(String::capacity).sum::<usize>() + many.capacity() * size_of::<String>();
    assert_eq!(many_row.heap_bytes, Some(bytes as u64));
    drop(many);
    let snapshot = memscope::snapshot();
    let many_row = row(&snapshot, "many");
    assert_eq!((many_row.blocks, many_row.heap_bytes, many_row.ffi_crossings), (Some(0), Some(0), Some(50)));
}

/// Asks `strnlen`, which reads at most as many bytes as it is told.
unsafe fn counted_bytes(text: &str) {
    #[track]
    unsafe extern "C" {
        fn strnlen(text: *const c_char, most: usize) -> usize;
    }
    // SAFETY: the text's bytes are readable.
    assert_eq!(unsafe { strnlen(text.as_ptr().cast(), text.len()) }, text.len());
}

#[test]
fn memory_of_foreign_code_is_elsewhere() {
    use std::io::Write as _;
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(b"one line\n").expect("it can be written");
    let path = std::ffi::CString::new(file.path().to_str().expect("a name in UTF-8")).expect("no zero");
    let (mut line, mut capacity) = (ptr::null_mut(), 0);
    // SAFETY: a file that is open; `getline` allocates the line, which is freed once.
    unsafe {
        let stream = libc::fopen(path.as_ptr(), c"r".as_ptr());
        assert_eq!(lines::getline(&raw mut line, &raw mut capacity, stream), 9);
        lines::free(line.cast());
        lines::free(ptr::null_mut());
        libc::fclose(stream);
    }
    // The line's pointer and its length are on the stack, the stream is libc's own block. So is the line.
    assert_eq!(pointers("lines::getline").0, all(3, 0, 0, 3));
    assert_eq!(pointers("lines::free").0, all(2, 1, 0, 1));
}

#[test]
fn every_kind_of_pointer_is_one_and_nothing_else_is() {
    track_var!(let array: Box<[u8; 4]> = Box::new(*b"abcd"));
    track_var!(let mut byte: Box<u8> = Box::new(b'b'));
    // SAFETY: one byte of each is compared; four bytes are searched; a string is measured to its first byte.
    unsafe {
        assert_eq!(kinds::memcmp(&array, Some(&mut byte), 1), -1);
        assert_eq!(kinds::memcmp(&array, None, 0), 0);
        let start = NonNull::from(&*array).cast::<u8>();
        assert_eq!(kinds::find(start, c_int::from(b'c'), 4), Some(start.add(2)));
        assert_eq!(kinds::find(start, 0, 4), None);
        assert_eq!(kinds::borrowed(None, 0), 0);
        assert!(ptr::eq(kinds::returned(&array[1], c_int::from(b'd'), 3), &array[3]));
    }
    assert_eq!(kinds::div(7, 2).quot + kinds::div(7, 2).rem, 4);
    kinds::tzset();
    assert_eq!(pointers("kinds::memcmp"), (all(4, 1, 3, 0), all(0, 0, 0, 0)));
    assert_eq!(pointers("kinds::find"), (all(2, 0, 2, 0), all(2, 1, 1, 0)));
    assert_eq!(pointers("kinds::borrowed").0, all(1, 1, 0, 0));
    assert_eq!(pointers("kinds::returned"), (all(1, 0, 1, 0), all(1, 0, 1, 0)));
    assert_eq!(pointers("kinds::div"), (all(0, 0, 0, 0), all(0, 0, 0, 0)));
    // memcmp twice, find twice with one pointer back, returned with one back.
    assert_eq!(crossings("array").len(), 2 + 3 + 2);
    assert_eq!(crossings("byte"), [("memcmp".to_owned(), Direction::Sent)]);
}

#[test]
fn errno_stays_what_the_foreign_function_and_its_caller_made_it() {
    track_var!(let number: std::ffi::CString = std::ffi::CString::new("9".repeat(40)).expect("no zero"));
    // SAFETY: errno is this thread's; the string ends in a zero.
    unsafe {
        *libc::__errno_location() = 0;
        assert_eq!(strtol(number.as_ptr(), ptr::null_mut(), 10), std::ffi::c_long::MAX);
        assert_eq!(*libc::__errno_location(), libc::ERANGE);
    }
}

#[test]
fn threads_and_nested_calls() {
    const CALLS: usize = 2_000;
    track_var!(let shared_by_threads: Vec<u64> = vec![0; 16]);
    let address = shared_by_threads.as_ptr().addr();
    unsafe extern "C" fn compare(a: *const c_void, b: *const c_void) -> c_int {
        // A tracked foreign function within another one's callback. SAFETY: a byte of an element.
        unsafe { counted_from_callback(a.cast(), 1) };
        // SAFETY: `qsort` hands out elements of the slice that it was given.
        unsafe { (*a.cast::<u16>()).cmp(&*b.cast::<u16>()) as c_int }
    }
    #[track]
    unsafe extern "C" {
        #[link_name = "strnlen"]
        fn counted_from_callback(text: *const c_char, most: usize) -> usize;
        #[link_name = "strnlen"]
        fn from_threads(text: *const c_char, most: usize) -> usize;
    }
    let threads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(move || {
                for call in 0..CALLS {
                    // SAFETY: the vector outlives the threads; nothing of it is read.
                    unsafe { from_threads(ptr::with_exposed_provenance(address), 0) };
                    let own = vec![0u8; 1 + call % 100];
                    // SAFETY: nothing of it is read.
                    unsafe { from_threads(own.as_ptr().cast(), 0) };
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    track_var!(let mut sorted_in_callback: Vec<u16> = vec![2, 1]);
    // SAFETY: the slice's own elements.
    unsafe { qsort(sorted_in_callback.as_mut_ptr().cast(), 2, 2, compare) };
    let snapshot = memscope::snapshot();
    // Four threads, each CALLS times.
    assert_eq!(row(&snapshot, "shared_by_threads").ffi_crossings, Some(4 * CALLS as u64));
    assert_eq!(pointers("from_threads").0, all(8 * CALLS as u64, 0, 8 * CALLS as u64, 0));
    // `qsort` of two elements compares once. glibc sorts them where they are, or in a copy on its stack.
    let nested = pointers("counted_from_callback").0;
    assert_eq!((nested.pointers, nested.null), (1, 0));
    assert!(matches!(row(&snapshot, "sorted_in_callback").ffi_crossings, Some(1 | 2)));
    assert!(snapshot.scopes.iter().any(|scope| scope.path == ["qsort", "counted_from_callback"]));
    assert_eq!(snapshot.profiler.unfollowed_crossings, 0);
    drop(shared_by_threads);
}
