//! Asking for what a container of some other crate does not show: a block that is known by a neighbouring address, or by
//! the container's own words.

use crate::slot::Found;
use crate::snapshot::Walk;
use crate::{Visitor, by_name, live_map};

impl Visitor<'_> {
    /// The block of `bytes` bytes that `pointer` points into, or at the end of.
    pub(crate) fn block_up_to(&mut self, pointer: *const u8, bytes: usize) {
        if self.is_by_size() {
            return self.block_of(pointer, bytes);
        }
        let is_it = |found: &Found<'static>| found.bytes == bytes;
        let around = live_map::find(pointer.addr()).filter(is_it);
        let before = live_map::find(pointer.addr().wrapping_sub(1)).filter(is_it);
        match (around, before) {
            // Two of that size meet there.
            (Some(around), Some(before)) if around.address != before.address => self.could_not_look(),
            (Some(found), _) | (None, Some(found)) => {
                self.block_of(std::ptr::without_provenance(found.address), bytes);
            }
            // It is in no recorded block.
            (None, None) => self.block_of(pointer, bytes),
        }
    }

    /// The own blocks of a value of which nothing but the name of its type is known (`by_name.rs`).
    pub(crate) fn blocks_by_name<T>(&mut self, value: &T) {
        if by_name::visit_own_blocks(value, std::any::type_name::<T>(), self) != Walk::Full {
            self.could_not_look();
        }
    }

    /// Whether a live block starts at `address`.
    #[cfg(feature = "bytes")]
    pub(crate) fn is_start(&self, address: usize) -> bool {
        live_map::find(address).is_some_and(|found| found.address == address)
    }

    /// Whether blocks count by the sizes that types know, and none is looked up.
    pub(crate) fn is_by_size(&self) -> bool {
        self.by_size.is_some()
    }

    /// Whether the walk may go through one more pointer: it uses the program's stack.
    pub(crate) fn may_go_deeper(&mut self) -> bool {
        !self.stack.is_spent()
    }
}
