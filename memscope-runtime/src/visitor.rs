//! Taking the blocks of a value, one by one, and putting each under a watch.
//!
//! A walk happens outside of the registry's lock, for it runs a user's code. The record of a block is renamed from its
//! account (or from the watch of the variable that had it) to a watch of the instance that is looked at; from then
//! on the hook tells that watch what becomes of the block.
//!
//! In sampling mode nobody knows the blocks that are in no sample, and there are no watches: a walk adds up the sizes that
//! the types themselves know, and is incomplete where a type does not know them.
//!
//! What this look has met it knows by its own number, which the watches carry (`watch.rs`); so a walk of many blocks
//! allocates nothing, and one that comes back to a shared block ends there.
//!
//! Invariant: a block's bytes are counted by one watch at a time, and by it before its record names it.

use crate::account::Account;
use crate::owned_bytes::InstanceBytes;
use crate::slot::Found;
use crate::stack::Allowance;
use crate::variable::{Largest, SHARED_WITH_LEN, STORY_LEN, claim_shared, is_in_scope};
use crate::watch::{FOLLOWER, NOBODY, Watch};
use crate::{crossing, follow, live_map};
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::collections::HashSet;

/// Takes the blocks of a value, one by one.
#[derive(Debug)]
pub struct Visitor<'a> {
    looked: Looked,
    /// Watches that this look opened.
    pub(crate) single: SmallVec<[u32; 4]>,
    pub(crate) grouped: SmallVec<[u32; 2]>,
    /// The largest blocks under `grouped`.
    pub(crate) largest: Largest,
    /// The one of `grouped` that the block before came under.
    last_group: usize,
    /// The block visited last: neighbours in a container often share one.
    last: Option<(usize, usize)>,
    /// Some block could not be looked at, or not be put under watch.
    pub(crate) incomplete: bool,
    /// Some block came under a watch of the instance.
    pub(crate) owned: bool,
    /// Some shared block counts for another variable.
    pub(crate) elsewhere: bool,
    /// Rows of these other variables.
    pub(crate) sharers: SmallVec<[usize; 1]>,
    /// Capacity that holds no element.
    pub(crate) unused_bytes: usize,
    /// Pointers shown that lead into no recorded block.
    pub(crate) unknown_blocks: u64,
    /// Blocks shown as owned alone that were shown so before.
    pub(crate) owned_twice: u64,
    /// Shared values that this walk went through and that no watch of its own marks.
    unmarked: HashSet<usize>,
    /// What was found by the sizes that types know; `None`: blocks are looked up.
    pub(crate) by_size: Option<BySize>,
    /// How deep it may go.
    pub(crate) stack: Allowance,
    looks: std::marker::PhantomData<&'a ()>,
}

/// Whose look it is.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) instance: u64,
    /// Number of the look among the instance's.
    pub(crate) look: u64,
    /// The instance's row.
    pub(crate) row_number: usize,
    pub(crate) counted: Option<&'static InstanceBytes>,
    /// Watches of single blocks that it has.
    pub(crate) singles: usize,
    pub(crate) by_size: Option<BySize>,
}

/// What came of showing a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    /// It is under a watch of this look, and was not before.
    First,
    /// It was before.
    Again,
    /// It counts for another variable.
    Elsewhere,
    /// This look cannot mark it.
    Unmarked,
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
    pub(crate) fn new(looked: Looked) -> Visitor<'static> {
        Visitor {
            by_size: looked.by_size,
            looked,
            single: SmallVec::new(),
            grouped: SmallVec::new(),
            largest: Largest::default(),
            last_group: 0,
            last: None,
            incomplete: false,
            owned: false,
            elsewhere: false,
            sharers: SmallVec::new(),
            unused_bytes: 0,
            unknown_blocks: 0,
            owned_twice: 0,
            unmarked: HashSet::new(),
            stack: Allowance::here(),
            looks: std::marker::PhantomData,
        }
    }

    /// The block that holds `pointer`, at its start or inside, is owned by the value alone. It may be shown many times.
    /// Memory that is in no recorded block (a static, memory of a foreign library) is counted and passed over.
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
        match live_map::find(address) {
            Some(found) => {
                self.last = Some((found.address, found.bytes));
                self.own(&found, false, false);
            }
            None => self.unknown_blocks += 1,
        }
    }

    /// The block that holds `pointer` and was allocated with `bytes` bytes is owned by the value alone, and shown for the
    /// first time: once more is counted as a block that is owned twice.
    ///
    /// Where every block is recorded, the recorded size is the one that counts. In sampling mode `bytes` counts; so give
    /// what was asked of the allocator (a capacity, not a length).
    pub fn block_of(&mut self, pointer: *const u8, bytes: usize) {
        if let Some(found) = &mut self.by_size {
            return found.add(bytes);
        }
        match live_map::find(pointer.addr()) {
            Some(found) => {
                self.last = Some((found.address, found.bytes));
                // Of a block of another size the pointer owns a part only, as in an arena.
                self.own(&found, false, found.bytes == bytes);
            }
            None => self.unknown_blocks += 1,
        }
    }

    /// The block that holds `pointer` and was allocated with `bytes` bytes is owned by the value among others. False if
    /// there is nothing more to see behind it: this walk has been here, or the block and what is behind it count for
    /// another variable in scope.
    pub fn shared_block_of(&mut self, pointer: *const u8, bytes: usize) -> bool {
        let Some(found) = &mut self.by_size else { return self.shared_block(pointer) };
        if !self.unmarked.insert(pointer.addr()) {
            return false;
        }
        match claim_shared(pointer.addr(), self.looked.instance) {
            Ok(()) => {
                found.add(bytes);
                true
            }
            Err(row) => {
                self.counts_elsewhere(row);
                false
            }
        }
    }

    /// The one block of `bytes` bytes of a container that does not show where it is.
    pub(crate) fn hidden_block_of<T>(&mut self, container: &T, bytes: usize) {
        match &mut self.by_size {
            Some(found) => found.add(bytes),
            None => self.blocks_behind_words_of(container),
        }
    }

    /// The block that holds `pointer` is owned by the value among others. False if there is nothing more to see behind it:
    /// see [`Visitor::shared_block_of`].
    ///
    /// In sampling mode only [`Visitor::shared_block_of`] finds anything: this one makes the walk incomplete.
    pub fn shared_block(&mut self, pointer: *const u8) -> bool {
        if self.by_size.is_some() {
            self.could_not_look();
            return self.unmarked.insert(pointer.addr());
        }
        let Some(found) = live_map::find(pointer.addr()) else {
            self.unknown_blocks += 1;
            return self.unmarked.insert(pointer.addr());
        };
        match self.own(&found, true, false) {
            Met::First => true,
            Met::Again | Met::Elsewhere => false,
            Met::Unmarked => self.unmarked.insert(found.address),
        }
    }

    /// The block that starts at `address`, if one does, is owned by the value alone.
    pub(crate) fn block_at(&mut self, address: usize) {
        if let Some(found) = live_map::find(address).filter(|found| found.address == address) {
            self.own(&found, false, false);
        }
    }

    /// The block around `address`, if there is one, is owned by the value alone.
    pub(crate) fn block_around(&mut self, address: usize) {
        if let Some(found) = live_map::find(address) {
            self.own(&found, false, false);
        }
    }

    /// The block that starts at `address`, if one does, is owned by the value among others.
    pub(crate) fn shared_block_at(&mut self, address: usize) {
        if let Some(found) = live_map::find(address).filter(|found| found.address == address) {
            self.own(&found, true, false);
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
        if align_of::<T>() != align_of::<usize>() || size_of::<T>() % size_of::<usize>() != 0 {
            return self.could_not_look();
        }
        let words = std::ptr::from_ref(container).cast::<std::mem::MaybeUninit<usize>>();
        for index in 0..size_of::<T>() / size_of::<usize>() {
            // SAFETY: the word lies within `container`. std's containers are made of pointers and integers of a
            // word each, so it is initialised; were it padding, its value would only be looked up, not followed.
            let word = unsafe { words.add(index).read().assume_init() };
            self.block_around(word);
        }
    }

    /// Whether single blocks of the instance were found, by this look or an earlier one.
    pub(crate) fn has_singles(&self) -> bool {
        self.looked.singles + self.single.len() > 0
    }

    /// A shared block, and what is behind it, counts for a variable of this row.
    fn counts_elsewhere(&mut self, row: Option<usize>) {
        self.elsewhere = true;
        let other = row.filter(|&row| row != self.looked.row_number && !self.sharers.contains(&row));
        self.sharers.extend(other.filter(|_| self.sharers.len() < SHARED_WITH_LEN));
    }

    /// Puts the block under a watch of this look; `whole`: it is said to be owned alone, from its start to its end.
    fn own(&mut self, found: &Found<'static>, shared: bool, whole: bool) -> Met {
        let former = if found.record.is_watched() { Watch::get(found.record.owner()) } else { None };
        let is_ours = former.is_some_and(|watch| watch.instance() == self.looked.instance);
        let mut met = Met::First;
        let account = match former {
            Some(watch) if is_ours => {
                match watch.look().cmp(&self.looked.look) {
                    // Another thread looks at the same place, and began later.
                    Ordering::Greater => return Met::Unmarked,
                    Ordering::Equal if !whole => return Met::Again,
                    Ordering::Equal if watch.is_whole() => {
                        self.owned_twice += 1;
                        return Met::Again;
                    }
                    Ordering::Equal => met = Met::Again,
                    Ordering::Less => {}
                }
                if !watch.is_group() {
                    watch.see(self.looked.look, whole);
                    return met;
                }
                watch.account()
            }
            // A shared block counts for the variable that was first seen to own it, as long as that is in scope.
            Some(watch) if shared && is_in_scope(watch.instance()) => {
                self.counts_elsewhere(watch.row_number());
                return Met::Elsewhere;
            }
            Some(watch) => watch.account(),
            None => found.record.owner(),
        };
        if Account::get(account).is_none_or(|account| account.is_own()) {
            return Met::Unmarked;
        }
        // The follower that is found here is not let go of before the new watch tells it.
        let following = follow::lock();
        let follower = former.map_or(0, Watch::listener);
        let Some(watch) = self.watch_for(account, follower != 0, whole) else {
            self.incomplete = true;
            return Met::Unmarked;
        };
        watch.add(found.address, found.bytes, found.record.stamp());
        if follower != 0 {
            watch.set_listener(follower);
        }
        if !found.slot.rename(found.record, watch.id(), true) {
            watch.take_back(found.bytes); // freed or taken over meanwhile
            return Met::Unmarked;
        }
        match former {
            Some(former) if is_ours || former.instance() == NOBODY => former.withdraw(found.bytes),
            Some(former) if former.instance() == FOLLOWER => {} // it listens from here on
            Some(former) => former.hand_over(found.bytes),
            None => {}
        }
        watch.note_gain(found.bytes);
        if watch.is_group() {
            self.largest.note(found.address, found.bytes);
        }
        self.owned = true;
        drop(following);
        if follower != 0 && !is_ours {
            crossing::taken_over(follower, self.looked.row_number, shared);
        }
        met
    }

    /// A watch for the next block: one of its own for the first ones, then one for each account; which of them keep one of their
    /// own is decided after the look (`variable/largest.rs`).
    /// A block that is followed has one of its own in any case.
    fn watch_for(&mut self, account: u32, alone: bool, whole: bool) -> Option<&'static Watch> {
        let Looked { instance, look, counted, singles, .. } = self.looked;
        if alone || singles + self.single.len() < STORY_LEN {
            let watch = Watch::open(instance, account, counted)?;
            watch.see(look, whole);
            self.single.push(watch.id());
            return Some(watch);
        }
        // One that has a follower stays with the block that is followed.
        let serves = |id: u32| {
            Watch::get(id).filter(|watch| {
                watch.account() == account && watch.is_whole() == whole && watch.listener() == 0
            })
        };
        if let Some(watch) = self.grouped.get(self.last_group).copied().and_then(serves) {
            return Some(watch);
        }
        if let Some(place) = self.grouped.iter().position(|&id| serves(id).is_some()) {
            self.last_group = place;
            return Watch::get(self.grouped[place]);
        }
        let watch = Watch::open(instance, account, counted)?;
        watch.group(look, whole);
        self.last_group = self.grouped.len();
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
