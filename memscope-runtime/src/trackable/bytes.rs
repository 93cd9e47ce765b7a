//! `bytes`: slices of blocks that many may share.
//!
//! The bytes of a slice lie in a block that is found around them; a header, where there is one, by the word of the slice
//! that is its address. What a slice made by `Bytes::from_owner` keeps beside both is not found, and not told from the
//! other kinds.

use super::{Trackable, whole_in_itself};
use crate::Visitor;
use bytes::{Bytes, BytesMut};
use std::sync::atomic::{AtomicUsize, Ordering};

const WORDS: usize = 4;

/// The words that a slice is made of: a pointer, a length, and two that say who frees it.
fn words<T>(slice: &T) -> Option<[usize; WORDS]> {
    if size_of::<T>() != WORDS * size_of::<usize>() || align_of::<T>() != align_of::<usize>() {
        return None;
    }
    let words = std::ptr::from_ref(slice).cast::<AtomicUsize>();
    // SAFETY: the words lie within the slice, which is made of four of them without padding. One is an atomic that
    // another thread may write to; `Relaxed`, for it is only looked up.
    Some(std::array::from_fn(|index| unsafe { &*words.add(index) }.load(Ordering::Relaxed)))
}

/// An address in a word of which the lowest bit says what it is the address of.
fn untagged(word: usize) -> usize {
    word & !1
}

impl Trackable for Bytes {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        let Some(words) = words(self) else { return visitor.could_not_look() };
        // A slice of a static has nobody to free it: a null beside the length, if that is 0 too.
        let zeros = words.iter().filter(|&&word| word == 0).count();
        if zeros > usize::from(self.is_empty()) {
            return;
        }
        // An empty slice may stand at the end of its block, where another one begins.
        if visitor.is_by_size() || self.is_empty() {
            visitor.could_not_look();
        }
        if visitor.is_by_size() {
            return;
        }
        let start = self.as_ptr();
        let others = words.into_iter().filter(|&word| word != start.addr()).map(untagged);
        if self.is_unique() {
            if !self.is_empty() {
                visitor.block(start);
            }
            others.for_each(|word| visitor.block_at(word));
        } else {
            if !self.is_empty() {
                visitor.shared_block(start);
            }
            others.for_each(|word| visitor.shared_block_at(word));
        }
    }
}

impl Trackable for BytesMut {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        if visitor.is_by_size() {
            // What stands before and behind the slice does not show.
            if self.capacity() > 0 {
                visitor.could_not_look();
            }
            return;
        }
        let Some(words) = words(self) else { return visitor.could_not_look() };
        let start = self.as_ptr();
        let header = words.into_iter().find(|&word| word != start.addr() && visitor.is_start(word));
        match header {
            Some(header) => {
                visitor.shared_block_at(header);
                if self.capacity() > 0 {
                    visitor.shared_block(start);
                } else {
                    visitor.could_not_look();
                }
            }
            None if self.capacity() > 0 => visitor.block(start),
            None => {}
        }
        visitor.unused(self.capacity() - self.len());
    }
}

whole_in_itself!(Bytes, BytesMut);
