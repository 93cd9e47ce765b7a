//! Foreign functions that did not compile, or not as silently, once they were tracked: an argument with the function's
//! name or a static's, a where clause, `link_name` on a condition, lint levels of the whole block.

#![deny(warnings)]

use memscope::track;
use std::ffi::{c_char, c_int, c_long};

#[track]
unsafe extern "C" {
    static timezone: c_long;
    fn time(time: *mut c_long) -> c_long;
    fn labs(timezone: c_long) -> c_long;
    fn llabs(None: c_long) -> c_long;
    fn strchr<'a, 'b>(text: &'a c_char, which: c_int) -> Option<&'b c_char>
    where
        'a: 'b;
    #[cfg_attr(all(), link_name = "abs", must_use)]
    safe fn magnitude(number: c_int) -> c_int;
}

#[allow(dead_code)]
#[track]
unsafe extern "C" {
    fn atoi(text: *const c_char) -> c_int;
}

#[track]
unsafe extern "C" {
    #![allow(dead_code)]
    fn atol(text: *const c_char) -> c_long;
}

#[expect(dead_code)]
#[track]
unsafe extern "C" {
    fn toupper(letter: c_int) -> c_int;
}

#[track]
unsafe extern "C" {
    #[expect(dead_code)]
    fn tolower(letter: c_int) -> c_int;
}

#[allow(missing_abi)]
#[track]
unsafe extern {
    safe fn isdigit(letter: c_int) -> c_int;
}

fn main() {
    let text: [c_char; 2] = [97, 0];
    // SAFETY: of libc, with what it takes.
    unsafe {
        assert!(time(std::ptr::null_mut()) > 0);
        assert_eq!(labs(-1) + llabs(-1) + 0 * timezone, 2);
        assert!(strchr(&text[0], 97).is_some());
    }
    assert_eq!(magnitude(-1), 1);
    assert_ne!(isdigit(48), 0);
}
