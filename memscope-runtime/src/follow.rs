//! Followers: what becomes of a block beside the variable that owns it, if one does.
//!
//! A declaration (`declared/`) and a passport (`crossing.rs`) want to know when their block moves or ends, whoever
//! owns it meanwhile. A block has at most one follower, a watch that serves no variable, and all who want to know hold
//! it together:
//!
//! ```text
//!   nobody owns it:   record ─→ follower
//!   a variable does:  record ─→ the variable's watch, of this block alone ─→ follower (its listener)
//! ```
//!
//! Invariant: which follower a block has changes only under [`lock`]. The hook never takes it; it tells followers.

use crate::fork::{self, Side};
use crate::live_map;
use crate::slot::Found;
use crate::variable;
use crate::watch::{FOLLOWER, NOBODY, Watch};
use parking_lot::{Mutex, MutexGuard};

static FOLLOWING: Mutex<()> = Mutex::new(());

/// Times that a block is looked up anew because it changed hands meanwhile.
const ATTEMPTS: u32 = 8;

/// Holds still which block has which follower.
pub(crate) fn lock() -> MutexGuard<'static, ()> {
    FOLLOWING.lock()
}

/// Takes the lock and keeps it, for a fork.
pub(crate) fn lock_for_fork() {
    std::mem::forget(lock());
}

/// Gives it back, in the process that took it or in its fork's child.
///
/// # Safety
/// [`lock_for_fork`] was called before, by this thread or by the one whose fork it is in.
pub(crate) unsafe fn unlock(side: Side) {
    // SAFETY: the caller's promise is handed on.
    unsafe { fork::unlock(&FOLLOWING, side) };
}

/// The number of the follower of a block; 0: it has none.
pub(crate) fn follower_of(found: &Found<'_>) -> u32 {
    let watch = if found.record.is_watched() { Watch::get(found.record.owner()) } else { None };
    watch.map_or(0, Watch::listener)
}

/// Holds the follower of the recorded block that starts at `address`. `None`: no such block, or no room.
pub(crate) fn block_at(address: usize) -> Option<&'static Watch> {
    live_map::find(address).filter(|found| found.address == address)?;
    block_around(address)
}

/// Holds the follower of the recorded block that holds `address`, at its start or inside. `None`: no such block, or no
/// room.
pub(crate) fn block_around(address: usize) -> Option<&'static Watch> {
    for _ in 0..ATTEMPTS {
        let following = lock();
        let found = live_map::find(address)?;
        if !found.record.is_watched() {
            let watch = Watch::open(FOLLOWER, found.record.owner(), None)?;
            watch.add(found.address, found.bytes, found.record.stamp());
            if found.slot.rename(found.record, watch.id(), true) {
                return Some(watch);
            }
            watch.take_back(found.bytes);
            Watch::close([watch.id()]);
            continue;
        }
        let owner = Watch::get(found.record.owner())?;
        if let Some(follower) = Watch::get(owner.listener()).filter(|_| owner.listener() != 0) {
            follower.hold();
            return Some(follower);
        }
        // A watch over many blocks does not tell one's end from another's.
        if owner.blocks() == 1 && owner.address() == found.address as u64 {
            let watch = Watch::open(FOLLOWER, owner.account(), None)?;
            watch.add(found.address, found.bytes, found.record.stamp());
            owner.set_listener(watch.id());
            return Some(watch);
        }
        if owner.instance() == NOBODY {
            let watch = Watch::open(FOLLOWER, owner.account(), None)?;
            watch.add(found.address, found.bytes, found.record.stamp());
            if found.slot.rename(found.record, watch.id(), true) {
                owner.withdraw(found.bytes);
                return Some(watch);
            }
            watch.take_back(found.bytes);
            Watch::close([watch.id()]);
            continue;
        }
        drop(following);
        if !variable::set_apart(owner, found.address) {
            return None;
        }
    }
    None
}

/// Gives the block at `address` a watch of its own in place of the one that it shares with others of its instance.
pub(crate) fn set_apart(instance: u64, address: usize) -> Option<&'static Watch> {
    let _following = lock();
    let found = live_map::find(address).filter(|found| found.record.is_watched())?;
    let shared = Watch::get(found.record.owner()).filter(|watch| watch.instance() == instance)?;
    let watch = Watch::open(instance, shared.account(), shared.counted())?;
    watch.be_apart_from(shared);
    watch.add(found.address, found.bytes, found.record.stamp());
    if found.slot.rename(found.record, watch.id(), true) {
        shared.withdraw(found.bytes);
        watch.note_gain(found.bytes);
        return Some(watch);
    }
    watch.take_back(found.bytes);
    Watch::close([watch.id()]);
    None
}

/// Puts the one block of `single` under `shared`, a watch of the same execution over many. False: the block has a follower, or
/// went elsewhere meanwhile.
pub(crate) fn join(single: &Watch, shared: &Watch) -> bool {
    let _following = lock();
    let found = live_map::find(single.address() as usize).filter(|found| found.record.is_watched());
    let Some(found) = found.filter(|found| found.record.owner() == single.id()) else { return false };
    if single.listener() != 0 {
        return false;
    }
    shared.add(found.address, found.bytes, found.record.stamp());
    if found.slot.rename(found.record, shared.id(), true) {
        single.withdraw(found.bytes);
        shared.note_gain(found.bytes);
        return true;
    }
    shared.take_back(found.bytes);
    false
}

/// Turns that the end of a follower waits for a free or a move of its block, under way on another thread, to tell
/// it. Past that it is never used again: it may be told yet, or never (its block's free missed it).
const PATIENCE: u32 = 1_000;

/// Lets go of a follower, whatever became of its block.
pub(crate) fn let_go(watch: &Watch) {
    if !{
        let _following = lock();
        watch.let_go()
    } {
        return;
    }
    for _ in 0..PATIENCE {
        if has_ended(watch) {
            return;
        }
        std::thread::yield_now();
    }
}

/// Ends a follower that nobody holds, if its block lets it: true when there is nothing more to do.
fn has_ended(watch: &Watch) -> bool {
    let _following = lock();
    if watch.is_held() {
        return true; // somebody else wants to know meanwhile
    }
    if watch.blocks() > 0 {
        let found = live_map::find(watch.address() as usize).filter(|found| found.record.is_watched());
        let Some(found) = found else { return false };
        let Some(owner) = Watch::get(found.record.owner()) else { return false };
        if owner.listener() != watch.id() {
            return false;
        }
        if owner.id() != watch.id() {
            owner.set_listener(0);
        } else if !found.slot.rename(found.record, watch.account(), false) {
            return false;
        }
    }
    Watch::close([watch.id()]);
    true
}
