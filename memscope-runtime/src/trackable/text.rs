//! Strings and paths.

use super::{Trackable, whole_in_itself};
use crate::Visitor;
use std::ffi::{CString, OsString};
use std::path::PathBuf;

/// The block of a string of `len` bytes, if it has one.
fn visit(start: *const u8, capacity_bytes: usize, len_bytes: usize, visitor: &mut Visitor<'_>) {
    if capacity_bytes > 0 {
        visitor.block_of(start, capacity_bytes);
        visitor.unused(capacity_bytes - len_bytes);
    }
}

impl Trackable for String {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        visit(self.as_ptr(), self.capacity(), self.len(), visitor);
    }
}

impl Trackable for OsString {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        let bytes = self.as_encoded_bytes();
        visit(bytes.as_ptr(), self.capacity(), bytes.len(), visitor);
    }
}

impl Trackable for PathBuf {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        let bytes = self.as_os_str().as_encoded_bytes();
        visit(bytes.as_ptr(), self.capacity(), bytes.len(), visitor);
    }
}

impl Trackable for CString {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        visitor.block_of(self.as_ptr().cast(), self.as_bytes_with_nul().len());
    }
}

whole_in_itself!(String, OsString, PathBuf, CString);
