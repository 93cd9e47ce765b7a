//! Watches: what becomes of the blocks that a variable owns.
//!
//! When a variable is observed, the records of its blocks are renamed from their account to a watch of the
//! variable's, which remembers the account. The hook tells a watch of every free and move of its blocks; so a
//! variable's bytes are exact at any time, without looking at it again. The first blocks of an instance get a
//! watch each, which also keeps their story; all others of one account share one.
//!
//! Each look at an instance has a number. A watch of one block carries the number of the look that last found the block;
//! one over many belongs to the look that opened it, and a later look moves what it finds again to a watch of its own. So
//! after a look that saw everything, the watches with older numbers hold what the value owns no more, and are given up.
//!
//! Orderings: `blocks` is decremented last, with release; who reads 0 with acquire may reuse the watch. How a binding
//! ended is stored before the mark that says so (release, acquire). All else is relaxed: sums of independent events.

use crate::account::{self, Account};
use crate::arena::Arena;
use crate::fork::{self, Side};
use crate::owned_bytes::InstanceBytes;
use crate::thread_state::Local;
use crate::{resized, scope};
use parking_lot::Mutex;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// The instance of a watch that serves no variable: a block's follower (`follow.rs`).
pub(crate) const FOLLOWER: u64 = u64::MAX;
/// The instance of a watch whose blocks its variable does not own any more.
pub(crate) const NOBODY: u64 = u64::MAX - 1;

/// In [`Watch::bytes`]: the watch was given up. The bytes stand above this bit, so no sum ever touches it.
const GIVEN_UP: u64 = 1;

/// In [`Watch::marks`]: the watch is over many blocks.
const GROUP: u32 = 1;
/// In [`Watch::marks`]: the look that last found the block was shown it as owned alone, from its start to its end.
const WHOLE: u32 = 2;
/// In [`Watch::marks`]: the binding has ended.
const ENDED: u32 = 4;
/// In [`Watch::marks`]: the value is a function's argument, dropped just after the scope is left.
const ARGUMENT: u32 = 8;
/// In [`Watch::marks`]: a block was freed after the binding's scope was left.
const FREED_OUTSIDE: u32 = 16;
/// In [`Watch::marks`]: a block was freed where nobody can tell whether the scope was left.
const FREED_UNTOLD: u32 = 32;

/// Numbers hand-overs, so that of a free and a hand-over it is known which came last. Frees note the number that the next
/// hand-over will have.
static HAND_OVERS: AtomicU32 = AtomicU32::new(1);

/// How a binding ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// The value was dropped before the binding's end, if it was dropped in its scope.
    AfterValue,
    /// The value may be dropped after the binding's end, in the same call of the tracked function.
    InCall(Call),
    /// The same of a function's argument, which is dropped after all that the function's body holds, its scope included.
    Argument(Call),
}

/// The account of the scope that was current, and which call it was: see [`Account::call`]. `None`: there is none.
pub(crate) type Call = Option<(&'static Account, u32)>;

/// Where a block is freed, as its variable sees it.
enum Freed {
    InScope,
    Outside,
    /// In the caller of the scope, which an argument's end does not tell from a later one.
    Untold,
}

/// What became of blocks that were under watch. Numbers of 0: it never happened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Story {
    /// When the last free was, in hand-overs.
    freed: u32,
    /// When a block last went to another variable, or was found no more, in hand-overs.
    gone: u32,
    /// A block was freed after the binding's scope was left.
    pub(crate) freed_outside: bool,
    /// A block was freed where nobody can tell whether it was left.
    pub(crate) freed_untold: bool,
    /// Bytes that reallocation gained.
    pub(crate) grown_bytes: u64,
    /// Bytes that reallocation copied.
    pub(crate) moved_bytes: u64,
}

impl Story {
    pub(crate) fn add(&mut self, other: Story) {
        self.freed = later(self.freed, other.freed);
        self.gone = later(self.gone, other.gone);
        self.freed_outside |= other.freed_outside;
        self.freed_untold |= other.freed_untold;
        self.grown_bytes = self.grown_bytes.saturating_add(other.grown_bytes);
        self.moved_bytes = self.moved_bytes.saturating_add(other.moved_bytes);
    }

    /// A block was found no more.
    pub(crate) fn note_gone(&mut self) {
        self.gone = next_hand_over();
    }

    /// Without what reallocation did.
    pub(crate) fn without_growth(self) -> Story {
        Story { grown_bytes: 0, moved_bytes: 0, ..self }
    }

    pub(crate) fn freed_any(&self) -> bool {
        self.freed != 0
    }

    /// The last block to go went to another variable, or was found no more.
    pub(crate) fn last_was_gone(&self) -> bool {
        self.gone != 0 && (self.freed == 0 || !is_later(self.freed, self.gone))
    }
}

fn is_later(one: u32, other: u32) -> bool {
    one.wrapping_sub(other) as i32 > 0
}

fn later(one: u32, other: u32) -> u32 {
    if one == 0 || other != 0 && is_later(other, one) { other } else { one }
}

fn next_hand_over() -> u32 {
    HAND_OVERS.fetch_add(1, Ordering::Relaxed).max(1)
}

/// One watch. All-zero is valid.
#[repr(C, align(64))]
pub(crate) struct Watch {
    id: AtomicU32,
    account: AtomicU32,
    /// The instance it serves; 0: none, it is free.
    instance: AtomicU64,
    /// The counters of the execution that its bytes count for, and through them the row's.
    counted: AtomicPtr<InstanceBytes>,
    /// Blocks alive.
    blocks: AtomicU64,
    /// Their bytes, times two, and [`GIVEN_UP`]: so each event learns whether its bytes still count for the row.
    bytes: AtomicU64,
    /// Address of the block last added or moved.
    address: AtomicU64,
    /// Size of the block last added, resized or freed.
    last_bytes: AtomicU64,
    stamp: AtomicU32,
    reallocations: AtomicU32,
    grown_bytes: AtomicU64,
    moved_bytes: AtomicU64,
    /// Milliseconds plus one at which a block was last freed; 0: none was.
    freed_ms: AtomicU64,
    freed_by: AtomicU32,
    /// The same in hand-overs: see [`Story`].
    freed: AtomicU32,
    /// The hand-over by which another variable last took over a block; 0: none did.
    handed_over: AtomicU32,
    /// The follower of the same block; 0: none.
    listener: AtomicU32,
    /// Of a follower: who holds it. Written under the lock of `follow.rs`.
    holders: AtomicU32,
    marks: AtomicU32,
    /// The number of the look: see the top of the file.
    look: AtomicU64,
    /// The account that was current at the binding's end, and its call, in which a free is in scope; 0: none is.
    account_at_end: AtomicU32,
    call_at_end: AtomicU32,
}

const _: () = assert!(size_of::<Watch>() == 128, "two cache lines");

// SAFETY: a watch is all atomics, for which zero is valid.
static WATCHES: Arena<Watch, { 1 << (account::BITS - 10) }> = unsafe { Arena::new() };

struct Numbers {
    next: u32,
    free: Vec<u32>,
}

/// Numbers to hand out; taken when a variable is observed, never by the hook.
static NUMBERS: Mutex<Numbers> = Mutex::new(Numbers { next: 1, free: Vec::new() });

/// Takes the lock on the numbers and keeps it, for a fork.
pub(crate) fn lock() {
    std::mem::forget(NUMBERS.lock());
}

/// Gives it back, in the process that took it or in its fork's child.
///
/// # Safety
/// [`lock`] was called before, by this thread or by the one whose fork it is in.
pub(crate) unsafe fn unlock(side: Side) {
    // SAFETY: the caller's promise is handed on.
    unsafe { fork::unlock(&NUMBERS, side) };
}

impl Watch {
    #[inline]
    pub(crate) fn get(id: u32) -> Option<&'static Watch> {
        WATCHES.get(id)
    }

    /// A watch over blocks of `account` for an instance; `None` where there is no room for more.
    pub(crate) fn open(
        instance: u64,
        account: u32,
        counted: Option<&'static InstanceBytes>,
    ) -> Option<&'static Watch> {
        let mut numbers = NUMBERS.lock();
        let id = match numbers.free.pop() {
            Some(id) => id,
            None if numbers.next < 1 << account::BITS => {
                let id = numbers.next;
                WATCHES.get_or_map(id)?;
                numbers.next += 1;
                id
            }
            None => return None,
        };
        drop(numbers);
        let watch = Watch::get(id)?;
        watch.id.store(id, Ordering::Relaxed);
        watch.account.store(account, Ordering::Relaxed);
        watch.instance.store(instance, Ordering::Relaxed);
        resized::begin(id)?;
        counted.inspect(|counters| counters.hold());
        let counted = counted.map_or(ptr::null_mut(), |counters| ptr::from_ref(counters).cast_mut());
        watch.counted.store(counted, Ordering::Relaxed);
        // A follower that was let go of before its block ended leaves a count behind.
        for counter in [
            &watch.blocks,
            &watch.bytes,
            &watch.address,
            &watch.last_bytes,
            &watch.grown_bytes,
            &watch.moved_bytes,
            &watch.freed_ms,
            &watch.look,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
        for counter in [
            &watch.stamp,
            &watch.reallocations,
            &watch.freed_by,
            &watch.freed,
            &watch.handed_over,
            &watch.listener,
            &watch.marks,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
        watch.holders.store(1, Ordering::Relaxed);
        Some(watch)
    }

    /// Gives back watches whose blocks are all gone.
    pub(crate) fn close(ids: impl IntoIterator<Item = u32>) {
        let mut numbers = NUMBERS.lock();
        for id in ids {
            if let Some(watch) = Watch::get(id) {
                watch.instance.store(0, Ordering::Relaxed);
                if let Some(counters) = watch.counted() {
                    watch.counted.store(ptr::null_mut(), Ordering::Relaxed);
                    counters.let_go();
                }
                numbers.free.push(id);
            }
        }
    }

    /// Over many blocks, and of this look alone.
    pub(crate) fn group(&self, look: u64, whole: bool) {
        self.look.store(look, Ordering::Relaxed);
        self.marks.store(GROUP | if whole { WHOLE } else { 0 }, Ordering::Relaxed);
    }

    /// Over one block that was under another watch of the instance.
    pub(crate) fn be_apart_from(&self, shared: &Watch) {
        self.look.store(shared.look(), Ordering::Relaxed);
        self.account_at_end.store(shared.account_at_end.load(Ordering::Relaxed), Ordering::Relaxed);
        self.call_at_end.store(shared.call_at_end.load(Ordering::Relaxed), Ordering::Relaxed);
        let marks = shared.marks.load(Ordering::Acquire) & !(GROUP | FREED_OUTSIDE | FREED_UNTOLD);
        self.marks.store(marks, Ordering::Release);
    }

    /// A look found the one block.
    pub(crate) fn see(&self, look: u64, whole: bool) {
        if self.look.fetch_max(look, Ordering::Relaxed) < look {
            self.marks.fetch_and(!WHOLE, Ordering::Relaxed);
        }
        if whole {
            self.marks.fetch_or(WHOLE, Ordering::Relaxed);
        }
    }

    /// The look that last found the one block, or that a watch over many belongs to.
    pub(crate) fn look(&self) -> u64 {
        self.look.load(Ordering::Relaxed)
    }

    pub(crate) fn is_group(&self) -> bool {
        self.marks.load(Ordering::Relaxed) & GROUP != 0
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.marks.load(Ordering::Relaxed) & WHOLE != 0
    }

    /// The binding has ended.
    pub(crate) fn end(&self, end: End) {
        let (marks, call) = match end {
            End::AfterValue => (ENDED, None),
            End::InCall(call) => (ENDED, call),
            End::Argument(call) => (ENDED | ARGUMENT, call),
        };
        let (account, call) = call.map_or((0, 0), |(account, call)| (account.id(), call));
        self.account_at_end.store(account, Ordering::Relaxed);
        self.call_at_end.store(call, Ordering::Relaxed);
        self.marks.fetch_or(marks, Ordering::Release);
    }

    /// Where a block is, as its variable sees it, that this thread frees in the scope of `current`.
    fn place_of_free(&self, local: &Local, current: &Account) -> Freed {
        let marks = self.marks.load(Ordering::Acquire);
        if marks & ENDED == 0 {
            return Freed::InScope;
        }
        let at_end = self.account_at_end.load(Ordering::Relaxed);
        let Some(account) = Account::get(at_end).filter(|_| at_end != 0) else { return Freed::Outside };
        let is_same_call = account.is_of_program_on(local.thread())
            && account.call() == self.call_at_end.load(Ordering::Relaxed);
        if is_same_call && scope::is_within(current.node(), account.node()) {
            Freed::InScope
        } else if is_same_call && marks & ARGUMENT != 0 && current.node() == scope::parent(account.node()) {
            Freed::Untold
        } else {
            Freed::Outside
        }
    }

    /// The variable does not own what is left under this watch: it counts no longer for the row. The blocks live on, and
    /// the hook tells the watch of their ends.
    pub(crate) fn give_up(&self) {
        let before = self.bytes.fetch_or(GIVEN_UP, Ordering::Relaxed);
        if before & GIVEN_UP == 0 {
            if let Some(counters) = self.counted() {
                counters.lose(before as i64 >> 1);
            }
        }
        self.instance.store(NOBODY, Ordering::Relaxed);
    }

    /// Adds bytes, and gives the counters that they are to count for.
    fn add_bytes(&self, bytes: usize) -> Option<&'static InstanceBytes> {
        let before = self.bytes.fetch_add((bytes as u64) << 1, Ordering::Relaxed);
        self.counted().filter(|_| before & GIVEN_UP == 0)
    }

    /// Takes off bytes, and gives the counters that they counted for.
    fn take_bytes(&self, bytes: usize) -> Option<&'static InstanceBytes> {
        let before = self.bytes.fetch_sub((bytes as u64) << 1, Ordering::Relaxed);
        self.counted().filter(|_| before & GIVEN_UP == 0)
    }

    pub(crate) fn counted(&self) -> Option<&'static InstanceBytes> {
        // SAFETY: null or counters that stay mapped.
        unsafe { self.counted.load(Ordering::Relaxed).as_ref() }
    }

    /// A block comes under watch. Counted before its record is renamed, so that its free finds the count; see
    /// [`Watch::take_back`] and [`Watch::note_gain`].
    pub(crate) fn add(&self, address: usize, bytes: usize, stamp: u32) {
        self.address.store(address as u64, Ordering::Relaxed);
        self.last_bytes.store(bytes as u64, Ordering::Relaxed);
        self.stamp.store(stamp, Ordering::Relaxed);
        self.add_bytes(bytes);
        self.blocks.fetch_add(1, Ordering::Relaxed);
    }

    /// The block that was added is counted for the row, once the row's former watch has let go of it.
    pub(crate) fn note_gain(&self, bytes: usize) {
        if let Some(counters) = self.counted() {
            counters.gain(bytes as i64);
        }
    }

    /// The block that was added did not come under watch after all.
    pub(crate) fn take_back(&self, bytes: usize) {
        self.take_bytes(bytes);
        self.blocks.fetch_sub(1, Ordering::Release);
    }

    /// A block leaves the watch.
    pub(crate) fn withdraw(&self, bytes: usize) {
        if let Some(counters) = self.take_bytes(bytes) {
            counters.lose(bytes as i64);
        }
        self.blocks.fetch_sub(1, Ordering::Release);
    }

    /// The watch that is told what this one is told; 0: none. A follower that a variable's watch took over from is the
    /// listener of that one.
    pub(crate) fn listener(&self) -> u32 {
        if self.instance() == FOLLOWER { self.id() } else { self.listener.load(Ordering::Relaxed) }
    }

    pub(crate) fn set_listener(&self, id: u32) {
        self.listener.store(id, Ordering::Relaxed);
    }

    /// One holder more. Call it under the lock of `follow.rs`.
    pub(crate) fn hold(&self) {
        self.holders.store(self.holders.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// One holder less; true if it was the last. Call it under the lock of `follow.rs`.
    pub(crate) fn let_go(&self) -> bool {
        let holders = self.holders.load(Ordering::Relaxed).saturating_sub(1);
        self.holders.store(holders, Ordering::Relaxed);
        holders == 0
    }

    pub(crate) fn is_held(&self) -> bool {
        self.holders.load(Ordering::Relaxed) > 0
    }

    fn told(&self) -> Option<&'static Watch> {
        Watch::get(self.listener.load(Ordering::Relaxed)).filter(|watch| watch.instance() == FOLLOWER)
    }

    /// Another variable took over a block.
    pub(crate) fn hand_over(&self, bytes: usize) {
        self.handed_over.store(next_hand_over(), Ordering::Relaxed);
        self.withdraw(bytes);
    }

    /// A block is being freed by this thread, in the scope of `current`; gives the account that allocated it.
    #[cold]
    pub(crate) fn freed(
        &self,
        bytes: usize,
        local: &Local,
        current: &Account,
        now_ms: u64,
    ) -> Option<&'static Account> {
        let account = Account::get(self.account.load(Ordering::Relaxed));
        if let Some(listener) = self.told() {
            listener.freed(bytes, local, current, now_ms);
        }
        self.last_bytes.store(bytes as u64, Ordering::Relaxed);
        self.freed_ms.store(now_ms + 1, Ordering::Relaxed);
        self.freed_by.store(local.thread(), Ordering::Relaxed);
        self.freed.store(HAND_OVERS.load(Ordering::Relaxed).max(1), Ordering::Relaxed);
        match self.place_of_free(local, current) {
            Freed::InScope => {}
            Freed::Outside => _ = self.marks.fetch_or(FREED_OUTSIDE, Ordering::Relaxed),
            Freed::Untold => _ = self.marks.fetch_or(FREED_UNTOLD, Ordering::Relaxed),
        }
        self.withdraw(bytes);
        account
    }

    /// A block was resized, and perhaps moved; gives the account that allocated it.
    #[cold]
    pub(crate) fn moved(
        &self,
        old_address: usize,
        old_bytes: usize,
        address: usize,
        bytes: usize,
    ) -> Option<&'static Account> {
        if let Some(listener) = self.told() {
            listener.moved(old_address, old_bytes, address, bytes);
        }
        self.address.store(address as u64, Ordering::Relaxed);
        self.last_bytes.store(bytes as u64, Ordering::Relaxed);
        self.reallocations.fetch_add(1, Ordering::Relaxed);
        resized::note(self.id(), address != old_address);
        if address != old_address {
            self.moved_bytes.fetch_add(old_bytes.min(bytes) as u64, Ordering::Relaxed);
        }
        if bytes >= old_bytes {
            let gained = bytes - old_bytes;
            self.grown_bytes.fetch_add(gained as u64, Ordering::Relaxed);
            if let Some(counters) = self.add_bytes(gained) {
                counters.gain(gained as i64);
            }
        } else {
            let lost = old_bytes - bytes;
            if let Some(counters) = self.take_bytes(lost) {
                counters.lose(lost as i64);
            }
        }
        Account::get(self.account.load(Ordering::Relaxed))
    }

    /// What became of its blocks.
    pub(crate) fn story(&self) -> Story {
        let marks = self.marks.load(Ordering::Relaxed);
        Story {
            freed: self.freed.load(Ordering::Relaxed),
            gone: self.handed_over.load(Ordering::Relaxed),
            freed_outside: marks & FREED_OUTSIDE != 0,
            freed_untold: marks & FREED_UNTOLD != 0,
            grown_bytes: self.grown_bytes(),
            moved_bytes: self.moved_bytes(),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.id.load(Ordering::Relaxed)
    }

    pub(crate) fn account(&self) -> u32 {
        self.account.load(Ordering::Relaxed)
    }

    pub(crate) fn instance(&self) -> u64 {
        self.instance.load(Ordering::Relaxed)
    }

    pub(crate) fn blocks(&self) -> u64 {
        self.blocks.load(Ordering::Acquire)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed) >> 1
    }

    /// The row that its blocks count for.
    pub(crate) fn row_number(&self) -> Option<usize> {
        let of_variable = !matches!(self.instance(), 0 | FOLLOWER | NOBODY);
        self.counted().filter(|_| of_variable).map(InstanceBytes::row_number)
    }

    pub(crate) fn grown_bytes(&self) -> u64 {
        self.grown_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn moved_bytes(&self) -> u64 {
        self.moved_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn reallocations(&self) -> u64 {
        u64::from(self.reallocations.load(Ordering::Relaxed))
    }

    pub(crate) fn address(&self) -> u64 {
        self.address.load(Ordering::Relaxed)
    }

    pub(crate) fn last_bytes(&self) -> u64 {
        self.last_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn stamp(&self) -> u32 {
        self.stamp.load(Ordering::Relaxed)
    }

    /// Whether another variable took over a block.
    pub(crate) fn was_handed_over(&self) -> bool {
        self.handed_over.load(Ordering::Relaxed) != 0
    }

    /// When a block was last resized, and when it last got another address by it.
    pub(crate) fn resized_at(&self) -> (Option<u64>, Option<u64>) {
        resized::moments(self.id())
    }

    /// When, and by which thread, a block was last freed.
    pub(crate) fn freed_at(&self) -> Option<(u64, u32)> {
        let ms = self.freed_ms.load(Ordering::Relaxed).checked_sub(1)?;
        Some((ms, self.freed_by.load(Ordering::Relaxed)))
    }
}
