//! A real C library, zlib, built from source by `libz-sys`: what it is given, what it takes by callbacks, and five leaks
//! beside balanced pairs.

use libz_sys::{Z_DEFAULT_COMPRESSION, Z_FINISH, Z_NO_FLUSH, Z_OK, Z_STREAM_END, z_stream, zlibVersion};
use memscope::model::{Pointers, Snapshot};
use memscope::{ffi, track, track_var};
use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::mem::MaybeUninit;
use std::sync::Arc;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[track]
unsafe extern "C" {
    fn deflateInit_(stream: *mut z_stream, level: c_int, version: *const c_char, size: c_int) -> c_int;
    fn deflate(stream: *mut z_stream, flush: c_int) -> c_int;
    fn deflateEnd(stream: *mut z_stream) -> c_int;
    fn deflateSetHeader(stream: *mut z_stream, header: *mut c_void) -> c_int;
    fn compress(to: *mut u8, to_len: *mut u64, from: *const u8, from_len: u64) -> c_int;
    fn uncompress(to: *mut u8, to_len: *mut u64, from: *const u8, from_len: u64) -> c_int;
    safe fn crc32(crc: u64, bytes: Option<&u8>, len: c_uint) -> u64;
    fn zError(code: c_int) -> *const c_char;
}

/// What zlib allocates comes from Rust, with its size in front.
unsafe extern "C" fn allocate(opaque: *mut c_void, items: c_uint, bytes: c_uint) -> *mut c_void {
    // SAFETY: `opaque` is the counter that the stream was made with.
    unsafe { *opaque.cast::<u32>() += 1 };
    let memory = vec![0u64; 1 + (items as usize * bytes as usize).div_ceil(8)];
    let (raw, length, _) = ffi::vec::into_raw_parts(memory);
    // SAFETY: it has one element at least.
    unsafe {
        *raw = length as u64;
        raw.add(1).cast()
    }
}

unsafe extern "C" fn free(opaque: *mut c_void, memory: *mut c_void) {
    // SAFETY: as above; `memory` stands behind the length.
    unsafe {
        *opaque.cast::<u32>() -= 1;
        let raw = memory.cast::<u64>().sub(1);
        let length = *raw as usize;
        drop(ffi::vec::from_raw_parts(raw, length, length));
    }
}

/// A stream whose memory and counter are Rust's. The stream is where zlib will find it again: it keeps its address.
fn stream(live: *mut u32) -> Box<z_stream> {
    let mut stream = Box::new(MaybeUninit::<z_stream>::zeroed());
    // SAFETY: `z_stream`'s fields are pointers, numbers, and two functions, which are set here.
    let mut stream = unsafe {
        (&raw mut (*stream.as_mut_ptr()).zalloc).write(allocate);
        (&raw mut (*stream.as_mut_ptr()).zfree).write(free);
        Box::from_raw(Box::into_raw(stream).cast::<z_stream>())
    };
    stream.opaque = live.cast();
    // SAFETY: a stream whose functions are set.
    let made = unsafe {
        deflateInit_(&raw mut *stream, Z_DEFAULT_COMPRESSION, zlibVersion(), size_of::<z_stream>() as c_int)
    };
    assert_eq!(made, Z_OK);
    stream
}

fn pointers(snapshot: &Snapshot, name: &str) -> (Pointers, Pointers) {
    let site = snapshot.sites.iter().find(|site| site.name == name).unwrap_or_else(|| panic!("{name}"));
    let crossings = site.crossings.as_ref().expect("it is a foreign function");
    (crossings.sent, crossings.received)
}

/// One test, for it counts the pointers of whole functions.
#[test]
fn zlib_is_given_what_its_callers_own_and_five_leaks_are_found() {
    // Balanced: compressed, and back.
    track_var!(let text: Vec<u8> = b"what crosses is stamped, ".repeat(400));
    track_var!(let mut packed: Vec<u8> = vec![0; 20_000]);
    track_var!(let mut unpacked: Vec<u8> = vec![0; text.len()]);
    track_var!(let stays_in_rust: Vec<u8> = vec![1; 10]);
    let mut packed_len = packed.len() as u64;
    let mut unpacked_len = unpacked.len() as u64;
    // SAFETY: the lengths are those of the vectors.
    unsafe {
        assert_eq!(
            compress(packed.as_mut_ptr(), &raw mut packed_len, text.as_ptr(), text.len() as u64),
            Z_OK
        );
        assert_eq!(
            uncompress(unpacked.as_mut_ptr(), &raw mut unpacked_len, packed.as_ptr(), packed_len),
            Z_OK
        );
    }
    assert_eq!(unpacked, text);
    assert_ne!(crc32(0, text.first(), text.len() as c_uint), 0);
    assert_eq!(crc32(0, None, 0), 0);

    // Balanced: a stream with Rust's own memory, ended.
    let live = ffi::boxed::into_raw(Box::new(0u32));
    let mut ended = stream(live);
    ended.next_in = text.as_ptr().cast_mut();
    ended.avail_in = text.len() as c_uint;
    ended.next_out = packed.as_mut_ptr();
    ended.avail_out = packed.len() as c_uint;
    // SAFETY: the ranges are those of the vectors.
    unsafe {
        assert_eq!(deflate(&raw mut *ended, Z_NO_FLUSH), Z_OK);
        assert_eq!(deflate(&raw mut *ended, Z_FINISH), Z_STREAM_END);
        assert_eq!(deflateEnd(&raw mut *ended), Z_OK);
        assert!(!zError(Z_OK).is_null());
        assert_eq!(*ffi::boxed::from_raw(live), 0, "zlib gave all back");
    }

    // The first leak: a stream that is never ended keeps what zlib allocated.
    let live = ffi::boxed::into_raw(Box::new(0u32)); // and this is the second
    let second = line!() - 1;
    let never_ended = stream(live);
    // SAFETY: `live` is a counter that lives.
    let blocks_of_zlib = u64::from(unsafe { *live });
    // The third, the fourth and the fifth: a name, a buffer and a shared value that nobody takes back.
    let name = ffi::c_string::into_raw(CString::new("a.gz").expect("no zero"));
    let (buffer, ..) = ffi::vec::into_raw_parts(vec![0u8; 333]);
    let shared = ffi::arc::into_raw(Arc::new([0u8; 100]));
    let fifth = line!() - 1;
    // SAFETY: nothing of them is read: they are checked, not compressed.
    unsafe {
        crc32(0, Some(&*buffer), 333);
        assert_ne!(deflateSetHeader(std::ptr::null_mut(), name.cast()), Z_OK);
    }

    let snapshot = memscope::snapshot();
    let row = |name: &str| snapshot.variables.iter().find(|row| row.name == name).expect("it is tracked");
    // `text` went to compress and to crc32 (the stream's own fields are no arguments); `packed` was packed into and
    // unpacked from.
    for (name, count) in [("text", 2), ("packed", 2), ("unpacked", 1), ("stays_in_rust", 0)] {
        assert_eq!(row(name).ffi_crossings, Some(count), "{name}");
    }
    let all = |pointers, null, live_blocks, elsewhere| Pointers {
        pointers,
        null,
        live_blocks: Some(live_blocks),
        elsewhere: Some(elsewhere),
    };
    // compress: to and from are blocks, the length is on the stack. deflateInit_: the stream is a block, the version
    // zlib's own, twice. zError gives a static of zlib's.
    assert_eq!(pointers(&snapshot, "compress").0, all(3, 0, 2, 1));
    assert_eq!(pointers(&snapshot, "deflateInit_").0, all(4, 0, 2, 2));
    assert_eq!(pointers(&snapshot, "zError").1, all(1, 0, 0, 1));
    assert_eq!(pointers(&snapshot, "crc32").0, all(3, 1, 2, 0));
    assert_eq!(pointers(&snapshot, "deflateSetHeader").0, all(2, 1, 1, 0));

    let out: Vec<(&str, u32, u64)> = snapshot
        .handed_out
        .iter()
        .filter(|row| row.live_blocks > 0)
        .map(|row| (&*row.function, row.line, row.live_blocks))
        .collect();
    let by_callback =
        snapshot.handed_out.iter().find(|row| row.scope == ["deflateInit_"]).expect("zlib allocated");
    assert_eq!(
        out,
        [
            ("Vec::into_raw_parts", by_callback.line, blocks_of_zlib),
            ("Box::into_raw", second, 1),
            ("CString::into_raw", fifth - 2, 1),
            ("Vec::into_raw_parts", fifth - 1, 1),
            ("Arc::into_raw", fifth, 1),
        ]
    );
    // Of two streams that were made alike, one gave all back.
    assert_eq!((by_callback.handed_out, by_callback.handed_back), (2 * blocks_of_zlib, blocks_of_zlib));
    let kind = memscope::findings::NEVER_HANDED_BACK;
    let found: Vec<_> = snapshot.findings.iter().filter(|finding| finding.kind == kind).collect();
    assert_eq!(found.len(), 5, "{found:#?}");
    for (function, given) in [("Vec::into_raw_parts", "crc32"), ("CString::into_raw", "deflateSetHeader")] {
        let names = |finding: &&&memscope::model::Finding| {
            finding.message.starts_with(&format!("`{function}`")) && finding.message.contains(given)
        };
        assert_eq!(found.iter().filter(names).count(), 1, "{function}");
    }

    // What was leaked is taken back, and nothing is left to find.
    let mut never_ended = never_ended;
    // SAFETY: each was handed out above and is taken back once.
    unsafe {
        assert_eq!(deflateEnd(&raw mut *never_ended), Z_OK);
        drop((ffi::boxed::from_raw(live), ffi::c_string::from_raw(name), ffi::arc::from_raw(shared)));
        drop(ffi::vec::from_raw_parts(buffer, 333, 333));
    }
    assert!(!memscope::snapshot().findings.iter().any(|finding| finding.kind == kind));
}
