//! Memory that is handed to foreign code and taken back: std's `into_raw` and `from_raw`, each with a stamp; and memory
//! that foreign code hands to the program.
//!
//! The functions of [`boxed`], [`c_string`], [`mod@vec`] and [`arc`] stand in front of std's; they have the same signatures and
//! the same safety. (They are functions of modules, for types of these names would make the compiler write out
//! `std::vec::Vec` in each of its messages.) What they hand out is noted with the place of the call: a block that is
//! never handed back, and lives when the report is made, is a finding there.
//!
//! ```
//! # #[global_allocator]
//! # static ALLOC: memscope::Allocator = memscope::Allocator::system();
//! use memscope::ffi;
//! use std::ffi::CString;
//!
//! let raw = ffi::c_string::into_raw(CString::new("for C").unwrap());
//! // … C has it …
//! // SAFETY: `into_raw` gave it, and nobody else took it back.
//! let text = unsafe { ffi::c_string::from_raw(raw) };
//! assert_eq!(text.as_bytes(), b"for C");
//! ```
//!
//! # Limits
//!
//! - What std's own `from_raw` takes back looks as if it were still out, until the block is freed or a tracked variable is
//!   seen to own it.
//! - Crossings are known where every block is recorded: not in sampling mode, and not without memscope's allocator.
//!
//! Without recording (neither feature `live` nor `sampling`) all of these are std's functions and nothing else, and
//! [`foreign`] and [`release`] do nothing.

#[cfg(any(feature = "live", feature = "sampling"))]
use memscope_runtime::{crossing, declared};
#[cfg(any(feature = "live", feature = "sampling"))]
use std::panic::Location;

/// Notes the block that is handed out at the caller's caller.
#[inline(always)]
#[track_caller]
#[cfg_attr(
    not(any(feature = "live", feature = "sampling")),
    expect(unused_variables, reason = "nothing is noted")
)]
fn out<T: ?Sized>(function: &'static str, pointer: *const T) {
    #[cfg(any(feature = "live", feature = "sampling"))]
    crossing::handed_out(function, pointer.cast::<u8>().addr(), Location::caller());
}

/// Notes the block that is taken back at the caller's caller.
#[inline(always)]
#[track_caller]
#[cfg_attr(
    not(any(feature = "live", feature = "sampling")),
    expect(unused_variables, reason = "nothing is noted")
)]
fn back<T: ?Sized>(function: &'static str, pointer: *const T) {
    #[cfg(any(feature = "live", feature = "sampling"))]
    crossing::handed_back(function, pointer.cast::<u8>().addr(), Location::caller());
}

/// [`std::boxed::Box`]'s functions.
pub mod boxed {
    use super::{back, out};

    /// [`std::boxed::Box::into_raw`].
    #[inline]
    #[track_caller]
    pub fn into_raw<T: ?Sized>(owner: Box<T>) -> *mut T {
        let raw = Box::into_raw(owner);
        out("Box::into_raw", raw);
        raw
    }

    /// [`std::boxed::Box::from_raw`].
    ///
    /// # Safety
    ///
    /// As for [`std::boxed::Box::from_raw`].
    #[inline]
    #[track_caller]
    pub unsafe fn from_raw<T: ?Sized>(raw: *mut T) -> Box<T> {
        back("Box::from_raw", raw);
        // SAFETY: the caller's promise is handed on.
        unsafe { Box::from_raw(raw) }
    }
}

/// [`std::ffi::CString`]'s functions.
pub mod c_string {
    use super::{back, out};
    use std::ffi::c_char;

    /// [`std::ffi::CString::into_raw`].
    #[inline]
    #[track_caller]
    pub fn into_raw(owner: std::ffi::CString) -> *mut c_char {
        let raw = owner.into_raw();
        out("CString::into_raw", raw);
        raw
    }

    /// [`std::ffi::CString::from_raw`].
    ///
    /// # Safety
    ///
    /// As for [`std::ffi::CString::from_raw`].
    #[inline]
    #[track_caller]
    pub unsafe fn from_raw(raw: *mut c_char) -> std::ffi::CString {
        back("CString::from_raw", raw);
        // SAFETY: the caller's promise is handed on.
        unsafe { std::ffi::CString::from_raw(raw) }
    }
}

/// [`std::vec::Vec`]'s functions.
pub mod vec {
    use super::{back, out};
    use std::mem::ManuallyDrop;

    /// Pointer, length and capacity, as `Vec::into_raw_parts` gives them.
    #[inline]
    #[track_caller]
    pub fn into_raw_parts<T>(owner: Vec<T>) -> (*mut T, usize, usize) {
        let mut owner = ManuallyDrop::new(owner);
        let (raw, length, capacity) = (owner.as_mut_ptr(), owner.len(), owner.capacity());
        out("Vec::into_raw_parts", raw);
        (raw, length, capacity)
    }

    /// [`std::vec::Vec::from_raw_parts`].
    ///
    /// # Safety
    ///
    /// As for [`std::vec::Vec::from_raw_parts`].
    #[inline]
    #[track_caller]
    pub unsafe fn from_raw_parts<T>(raw: *mut T, length: usize, capacity: usize) -> Vec<T> {
        back("Vec::from_raw_parts", raw);
        // SAFETY: the caller's promise is handed on.
        unsafe { Vec::from_raw_parts(raw, length, capacity) }
    }
}

/// [`std::sync::Arc`]'s functions. Each strong owner that is handed out is one handing out of the same block.
pub mod arc {
    use super::{back, out};

    /// [`std::sync::Arc::into_raw`].
    #[inline]
    #[track_caller]
    pub fn into_raw<T: ?Sized>(owner: std::sync::Arc<T>) -> *const T {
        let raw = std::sync::Arc::into_raw(owner);
        out("Arc::into_raw", raw);
        raw
    }

    /// [`std::sync::Arc::from_raw`].
    ///
    /// # Safety
    ///
    /// As for [`std::sync::Arc::from_raw`].
    #[inline]
    #[track_caller]
    pub unsafe fn from_raw<T: ?Sized>(raw: *const T) -> std::sync::Arc<T> {
        back("Arc::from_raw", raw);
        // SAFETY: the caller's promise is handed on.
        unsafe { std::sync::Arc::from_raw(raw) }
    }
}

/// Declares memory of foreign code: `bytes` bytes at `pointer` are the program's under the name `name`, until they are
/// [released](release). They stand in the report as a declared variable. Null is no memory, and is passed over.
#[inline]
#[track_caller]
#[cfg_attr(
    not(any(feature = "live", feature = "sampling")),
    expect(unused_variables, reason = "nothing is noted")
)]
pub fn foreign<T: ?Sized>(pointer: *const T, bytes: usize, name: &str) {
    #[cfg(any(feature = "live", feature = "sampling"))]
    declared::declare_foreign(pointer.cast::<u8>().addr(), bytes, name, Location::caller());
}

/// Ends what was declared by [`foreign`]: foreign code has freed it, or is about to. One of an address that was not
/// declared is counted in `profiler.unmatched_declared_deallocations`.
#[inline]
#[cfg_attr(
    not(any(feature = "live", feature = "sampling")),
    expect(unused_variables, reason = "nothing is noted")
)]
pub fn release<T: ?Sized>(pointer: *const T) {
    #[cfg(any(feature = "live", feature = "sampling"))]
    declared::release_foreign(pointer.cast::<u8>().addr());
}
