//! Taking the blocks of a value, one by one, and putting each under a watch.
//!
//! A walk happens outside of the registry's lock, for it runs a user's code. The record of a block is renamed from its
//! account (or from the watch of the variable that had it) to a watch of the instance that is looked at; from then
//! on the hook tells that watch what becomes of the block.
//!
//! In sampling mode nobody knows the blocks that are in no sample, and there are no watches: a walk adds up the sizes that
//! the types themselves know, and is incomplete where a type does not know them.
//!
//! Invariant: a block's bytes are counted by one watch at a time, and by it before its record names it.

use crate::account::Account;
use crate::slot::Found;
use crate::snapshot::Walk;
use crate::stack::Allowance;
use crate::variable::{STORY_LEN, claim_shared, is_in_scope};
use crate::watch::{FOLLOWER, RowBytes, Watch};
use crate::{by_name, crossing, follow, live_map};
use smallvec::SmallVec;
use std::collections::HashSet;

/// Takes the blocks of a value, one by one.
#[derive(Debug)]
pub struct Visitor<'a> {
    instance: u64,
    /// The instance's row.
    row_number: usize,
    row: Option<&'static RowBytes>,
    pub(crate) single: SmallVec<[u32; 4]>,
    pub(crate) grouped: SmallVec<[u32; 2]>,
    /// The block visited last: neighbours in a container often share one.
    last: Option<(usize, usize)>,
    /// Some block could not be looked at, or not be put under watch.
    pub(crate) incomplete: bool,
    /// Some shared block counts for another variable.
    pub(crate) elsewhere: bool,
    /// Capacity that holds no element.
    pub(crate) unused_bytes: usize,
    /// Shared values that this walk went through.
    shared: HashSet<usize>,
    /// What was found by the sizes that types know; `None`: blocks are looked up.
    pub(crate) by_size: Option<BySize>,
    stack: Allowance,
    looks: std::marker::PhantomData<&'a ()>,
}

/// Blocks found by the sizes that types know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BySize {
    pub(crate) bytes: u64,
    pub(crate) blocks: u64,
    /// The first block that there may be was of no known size: the value's own, not one of its elements'.
    pub(crate) own_is_unknown: bool,
}

impl Visitor<'_> {
    pub(crate) fn new(
        instance: u64,
        row_number: usize,
        row: Option<&'static RowBytes>,
        single: SmallVec<[u32; 4]>,
        grouped: SmallVec<[u32; 2]>,
    ) -> Visitor<'static> {
        Visitor {
            instance,
            row_number,
            row,
            single,
            grouped,
            last: None,
            incomplete: false,
            elsewhere: false,
            unused_bytes: 0,
            shared: HashSet::new(),
            by_size: None,
            stack: Allowance::here(),
            looks: std::marker::PhantomData,
        }
    }

    /// The block that holds `pointer`, at its start or inside, is owned by the value alone. Memory that is in no
    /// recorded block (a static, memory of a foreign library) is passed over.
    ///
    /// In sampling mode only [`Visitor::block_of`] finds anything: this one makes the walk incomplete.
    pub fn block(&mut self, pointer: *const u8) {
        if self.by_size.is_some() {
            return self.could_not_look();
        }
        let address = pointer.addr();
        if self.last.is_some_and(|(start, bytes)| address.wrapping_sub(start) < bytes) {
            return;
        }
        if let Some(found) = live_map::find(address) {
            self.last = Some((found.address, found.bytes));
            self.own(&found, false);
        }
    }

    /// The block that holds `pointer` and was allocated with `bytes` bytes is owned by the value alone.
    ///
    /// Where every block is recorded this is [`Visitor::block`], and the recorded size is the one that counts. In
    /// sampling mode `bytes` counts; so give what was asked of the allocator (a capacity, not a length).
    pub fn block_of(&mut self, pointer: *const u8, bytes: usize) {
        match &mut self.by_size {
            Some(found) => found.add(bytes),
            None => self.block(pointer),
        }
    }

    /// The block that holds `pointer` and was allocated with `bytes` bytes is owned by the value among others. False if
    /// there is nothing more to see behind it: this walk has been here, or, in sampling mode, the block and what is
    /// behind it count for another variable in scope.
    pub fn shared_block_of(&mut self, pointer: *const u8, bytes: usize) -> bool {
        let Some(found) = &mut self.by_size else { return self.shared_block(pointer) };
        if !self.shared.insert(pointer.addr()) {
            return false;
        }
        let is_ours = claim_shared(pointer.addr(), self.instance);
        if is_ours {
            found.add(bytes);
        }
        self.elsewhere |= !is_ours;
        is_ours
    }

    /// The one block of `bytes` bytes of a container that does not show where it is.
    pub(crate) fn hidden_block_of<T>(&mut self, container: &T, bytes: usize) {
        match &mut self.by_size {
            Some(found) => found.add(bytes),
            None => self.blocks_behind(container, |found| found.bytes == bytes),
        }
    }

    /// The block of `bytes` bytes that `pointer` points into, or at the end of.
    pub(crate) fn block_up_to(&mut self, pointer: *const u8, bytes: usize) {
        if let Some(found) = &mut self.by_size {
            return found.add(bytes);
        }
        let is_it = |found: &Found<'static>| found.bytes == bytes;
        let around = live_map::find(pointer.addr()).filter(is_it);
        let before = live_map::find(pointer.addr().wrapping_sub(1)).filter(is_it);
        match (around, before) {
            (Some(found), None) | (None, Some(found)) => self.own(&found, false),
            (Some(found), Some(before)) if found.address == before.address => self.own(&found, false),
            // Two of that size that meet there, or none that is recorded.
            (Some(_), Some(_)) => self.could_not_look(),
            (None, None) => {}
        }
    }

    /// The block that holds `pointer` is owned by the value among others. False if this walk has been here.
    ///
    /// In sampling mode only [`Visitor::shared_block_of`] finds anything: this one makes the walk incomplete.
    pub fn shared_block(&mut self, pointer: *const u8) -> bool {
        if self.by_size.is_some() {
            self.could_not_look();
            return self.shared.insert(pointer.addr());
        }
        let Some(found) = live_map::find(pointer.addr()) else { return true };
        if !self.shared.insert(found.address) {
            return false;
        }
        self.own(&found, true);
        true
    }

    /// The block that starts at `address`, if one does, is owned by the value alone.
    pub(crate) fn block_at(&mut self, address: usize) {
        if let Some(found) = live_map::find(address).filter(|found| found.address == address) {
            self.own(&found, false);
        }
    }

    /// The block that starts at `address`, if one does, is owned by the value among others.
    pub(crate) fn shared_block_at(&mut self, address: usize) {
        if let Some(found) = live_map::find(address).filter(|found| found.address == address) {
            self.own(&found, true);
        }
    }

    /// So many bytes of the blocks that were shown are capacity that holds no element.
    pub fn unused(&mut self, bytes: usize) {
        self.unused_bytes = self.unused_bytes.saturating_add(bytes);
    }

    /// A part of the value could not be looked at, because a lock was held, say: the value counts as walked in
    /// part.
    pub fn could_not_look(&mut self) {
        self.incomplete = true;
        if let Some(found) = &mut self.by_size {
            found.own_is_unknown |= found.blocks == 0;
        }
    }

    /// The blocks behind the words that make up a std container, for one that is empty and yet kept its memory.
    pub(crate) fn blocks_behind_words_of<T>(&mut self, container: &T) {
        if self.by_size.is_some() {
            return self.could_not_look();
        }
        self.blocks_behind(container, |_| true);
    }

    /// The blocks behind the words of a container that are those looked for.
    fn blocks_behind<T>(&mut self, container: &T, is_it: impl Fn(&Found<'static>) -> bool) {
        if align_of::<T>() != align_of::<usize>() || size_of::<T>() % size_of::<usize>() != 0 {
            return self.could_not_look();
        }
        let words = std::ptr::from_ref(container).cast::<std::mem::MaybeUninit<usize>>();
        for index in 0..size_of::<T>() / size_of::<usize>() {
            // SAFETY: the word lies within `container`. std's containers are made of pointers and integers of a
            // word each, so it is initialised; were it padding, its value would only be looked up, not followed.
            let word = unsafe { words.add(index).read().assume_init() };
            if let Some(found) = live_map::find(word).filter(&is_it) {
                self.own(&found, false);
            }
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

    /// Puts the block under a watch of this instance.
    fn own(&mut self, found: &Found<'static>, shared: bool) {
        let former = if found.record.is_watched() { Watch::get(found.record.owner()) } else { None };
        let account = match former {
            Some(watch) if watch.instance() == self.instance => return,
            // A shared block counts for the variable that was first seen to own it, as long as that is in scope.
            Some(watch) if shared && is_in_scope(watch.instance()) => {
                self.elsewhere = true;
                return;
            }
            Some(watch) => watch.account(),
            None => found.record.owner(),
        };
        if Account::get(account).is_none_or(|account| account.is_own()) {
            return;
        }
        // The follower that is found here is not let go of before the new watch tells it.
        let following = follow::lock();
        let follower = former.map_or(0, Watch::listener);
        let Some(watch) = self.watch_for(account, follower != 0) else {
            self.incomplete = true;
            return;
        };
        watch.add(found.address, found.bytes, found.record.stamp());
        if follower != 0 {
            watch.set_listener(follower);
        }
        if found.slot.rename(found.record, watch.id(), true) {
            match former {
                Some(former) if former.instance() == FOLLOWER => {} // it listens from here on
                Some(former) => former.hand_over(found.bytes),
                None => {}
            }
            watch.note_gain(found.bytes);
            drop(following);
            if follower != 0 {
                crossing::taken_over(follower, self.row_number, shared);
            }
        } else {
            watch.take_back(found.bytes); // freed or taken over meanwhile
        }
    }

    /// A watch for the next block: one of its own for the first ones, then one for each account.
    /// A block that is followed has one of its own in any case.
    fn watch_for(&mut self, account: u32, alone: bool) -> Option<&'static Watch> {
        if alone || self.single.len() < STORY_LEN {
            let watch = Watch::open(self.instance, account, self.row)?;
            self.single.push(watch.id());
            return Some(watch);
        }
        // One that has a follower stays with the block that is followed.
        let known = self
            .grouped
            .iter()
            .filter_map(|&id| Watch::get(id))
            .find(|watch| watch.account() == account && watch.listener() == 0);
        if known.is_some() {
            return known;
        }
        let watch = Watch::open(self.instance, account, self.row)?;
        self.grouped.push(watch.id());
        Some(watch)
    }
}

impl BySize {
    fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.blocks += 1;
    }
}
