//! Row 37 for `extern` blocks, which `forbid(unsafe_code)` forbids: the functions in front of the foreign ones bring no
//! lint along.

#![cfg(feature = "live")]
#![deny(warnings, unused, future_incompatible, rust_2018_idioms, unreachable_pub, missing_docs)]
#![deny(unused_qualifications, single_use_lifetimes, unused_lifetimes, unsafe_op_in_unsafe_fn)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery, clippy::undocumented_unsafe_blocks)]

use memscope::track;
use std::ffi::{CStr, c_char, c_int, c_void};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[track]
unsafe extern "C" {
    /// Of libc.
    safe fn abs(number: c_int) -> c_int;
    #[link_name = "labs"]
    safe fn a_long_one(_: i64) -> i64;
    fn strlen(text: *const c_char) -> usize;
    fn memcpy(to: *mut c_void, from: *const c_void, len: usize) -> *mut c_void;
    #[link_name = "strchr"]
    #[must_use]
    fn camelCase(text: *const c_char, which: c_int) -> *mut c_char;
    fn snprintf(into: *mut c_char, len: usize, format: *const c_char, ...) -> c_int;
    fn exit(code: c_int) -> !;
}

/// What others can call needs no more words for being tracked.
pub mod public {
    #[memscope::track]
    unsafe extern "C" {
        /// Of libc.
        pub fn atoi(text: *const super::c_char) -> super::c_int;
        /// Of libc.
        pub safe fn puts(text: *const super::c_char) -> super::c_int;
        /// Of libc.
        pub fn strncmp(_a: *const super::c_char, _b: *const super::c_char, _n: usize) -> super::c_int;
    }
}

#[test]
fn row_37_extern_blocks_stay_silent() {
    assert_eq!(abs(-1), 1);
    assert_eq!(a_long_one(-2), 2);
    let text = c"tracked";
    // SAFETY: strings that end in a zero, and buffers that are as long as is said.
    unsafe {
        assert_eq!(strlen(text.as_ptr()), 7);
        let mut copy = [0_u8; 8];
        memcpy(copy.as_mut_ptr().cast(), text.as_ptr().cast(), 8);
        assert_eq!(CStr::from_bytes_with_nul_unchecked(&copy), text);
        assert_eq!(CStr::from_ptr(camelCase(text.as_ptr(), c_int::from(b'k'))), c"ked");
        let mut short = [1 as c_char; 4];
        assert_eq!(snprintf(short.as_mut_ptr(), 4, c"%d".as_ptr(), 12 as c_int), 2);
        if strlen(text.as_ptr()) == 0 {
            exit(1);
        }
    }
}
