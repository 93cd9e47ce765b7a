//! What crosses into foreign code and back, and the passports of the blocks that did.
//!
//! A function of a tracked `extern` block stamps the pointers that it is given and the one that it returns; so do the
//! functions of `memscope::ffi`. Each pointer is counted for its function: null, into a live block (at its start or
//! inside), or elsewhere (the stack, a static, memory of foreign code). One into a live block is a *crossing*: it counts
//! for the variable that owns the block, and is noted in the block's **passport**, so that it counts as well for each
//! variable that comes to own the block later.
//!
//! ```text
//!   pointer ─→ block ─┬─ owned by a variable? ──→ credit of its row ←── all stamps of the passport, once ──┐
//!                     └─ follower (follow.rs) ──→ passport: stamps, handings out ──→ another variable takes it over
//! ```
//!
//! A passport is found by the block's follower, which goes with the block wherever reallocation moves it and learns of
//! its free; an address that is used again is another block's. Memory that was *handed out* (`into_raw`, a `Box` that a
//! foreign function takes) is in the passport until it is handed back, or taken over by a tracked variable.
//!
//! What is kept is bounded: `PASSPORTS` of live blocks, `PLACES` that hand memory out, a few stamps of each passport
//! and of each row. What does not fit is counted.
//!
//! Nothing is stamped within memscope's own work; so a signal's handler that interrupts a stamp never waits for its lock.

use crate::account::Account;
use crate::errno::Errno;
use crate::fork::{self, Side};
use crate::hold::{self, Held};
use crate::mode::{self, Decided};
use crate::site::Site;
use crate::slot::Found;
use crate::snapshot::{Crossing, Direction, HandedOut, Pointers, SiteCrossings, SiteKind};
use crate::thread_state::{self, Local, OWN_NODE};
use crate::watch::Watch;
use crate::{clock, follow, live_map, observer};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Blocks that have a passport at once. One takes about 300 bytes: 20 MB where all are used.
const PASSPORTS: usize = 1 << 16;
/// Passports after which those of freed blocks are first looked for.
const FIRST_SWEEP: usize = 1 << 10;
/// Places that hand memory out, each with the scope that it did so in.
const PLACES: usize = 1 << 12;
/// Stamps that a passport shows to a variable that comes to own the block.
const STAMPS: usize = 4;
/// Crossings of a row that are listed: the newest.
const LISTED: usize = 16;
/// Foreign functions that are named as those that were given a place's memory.
const NAMED: usize = 8;

/// Whether a function of `memscope::ffi` ran. Relaxed: it is only asked by snapshots.
static FFI_RAN: AtomicBool = AtomicBool::new(false);

/// The pointers that a foreign function was given and returned. Relaxed: they are counters.
#[derive(Debug)]
pub(crate) struct Border {
    sent: Counters,
    received: Counters,
}

#[derive(Debug)]
struct Counters {
    pointers: AtomicU64,
    null: AtomicU64,
    live_blocks: AtomicU64,
}

impl Border {
    pub(crate) const fn new() -> Border {
        const fn counters() -> Counters {
            Counters { pointers: AtomicU64::new(0), null: AtomicU64::new(0), live_blocks: AtomicU64::new(0) }
        }
        Border { sent: counters(), received: counters() }
    }

    fn of(&self, direction: Direction) -> &Counters {
        match direction {
            Direction::Sent => &self.sent,
            Direction::Received => &self.received,
        }
    }
}

/// What is asked of an argument or a result that is a pointer.
pub trait Pointer {
    /// Whether who has it owns the memory: then sending it is handing out, and receiving it is getting back.
    const OWNS: bool;

    /// Where it points; 0: nowhere.
    fn address(&self) -> usize;
}

macro_rules! pointers {
    ($($(#[$owns:ident])? [$($generics:tt)*] $type:ty, $pointer:ident => $address:expr;)+) => {$(
        impl<$($generics)*> Pointer for $type {
            const OWNS: bool = pointers!(@ $($owns)?);
            #[inline(always)]
            fn address(&self) -> usize {
                let $pointer = self;
                $address
            }
        }
    )+};
    (@) => { false };
    (@ owns) => { true };
}

fn address_of<T: ?Sized>(value: &T) -> usize {
    std::ptr::from_ref(value).cast::<u8>().addr()
}

pointers! {
    [T: ?Sized] *const T, pointer => pointer.cast::<u8>().addr();
    [T: ?Sized] *mut T, pointer => pointer.cast::<u8>().addr();
    [T: ?Sized] NonNull<T>, pointer => pointer.cast::<u8>().addr().get();
    [T: ?Sized] Option<NonNull<T>>, pointer => pointer.map_or(0, |pointer| pointer.cast::<u8>().addr().get());
    [T: ?Sized] &T, reference => address_of::<T>(reference);
    [T: ?Sized] &mut T, reference => address_of::<T>(reference);
    [T: ?Sized] Option<&T>, reference => reference.map_or(0, |reference| address_of::<T>(reference));
    [T: ?Sized] Option<&mut T>, reference => reference.as_deref().map_or(0, |reference| address_of::<T>(reference));
    #[owns] [T: ?Sized] Box<T>, owner => address_of::<T>(owner);
    #[owns] [T: ?Sized] Option<Box<T>>, owner => owner.as_deref().map_or(0, |owner| address_of::<T>(owner));
}

/// An argument or a result; what is stamped is chosen by method look-up: `(&&Passing(&value)).memscope_sent(site)`
/// finds the trait that applies first.
#[derive(Debug)]
pub struct Passing<'a, T>(pub &'a T);

/// First choice: the type is a pointer.
pub trait PassPointer {
    /// It is an argument of the foreign function.
    fn memscope_sent(&self, site: &'static Site);
    /// It is the foreign function's result.
    fn memscope_received(&self, site: &'static Site);
}

/// Last choice: any other type, of which nothing is asked.
pub trait PassNothing {
    /// Does nothing.
    #[inline(always)]
    fn memscope_sent(&self, _site: &'static Site) {}
    /// Does nothing.
    #[inline(always)]
    fn memscope_received(&self, _site: &'static Site) {}
}

impl<P: Pointer> PassPointer for &Passing<'_, P> {
    #[inline]
    fn memscope_sent(&self, site: &'static Site) {
        at_border(site, Direction::Sent, P::OWNS, self.0.address());
    }

    #[inline]
    fn memscope_received(&self, site: &'static Site) {
        at_border(site, Direction::Received, P::OWNS, self.0.address());
    }
}

impl<T> PassNothing for Passing<'_, T> {}

/// A pointer crosses by a function of `memscope::ffi` that hands its block out.
pub fn handed_out(function: &'static str, address: usize, place: &'static Location<'static>) {
    through_ffi(function, Direction::Sent, address, place);
}

/// A pointer crosses by a function of `memscope::ffi` that takes its block back.
pub fn handed_back(function: &'static str, address: usize, place: &'static Location<'static>) {
    through_ffi(function, Direction::Received, address, place);
}

fn through_ffi(
    function: &'static str,
    direction: Direction,
    address: usize,
    place: &'static Location<'static>,
) {
    FFI_RAN.store(true, Ordering::Relaxed);
    let Some(node) = node_to_stamp() else { return };
    if is_measured_now() {
        let place = Place { function, file: place.file(), line: place.line(), node };
        stamp(&place, direction, true, address);
    }
}

fn at_border(site: &'static Site, direction: Direction, owns: bool, address: usize) {
    let Some(node) = node_to_stamp() else { return };
    let counters = site.border.of(direction);
    counters.pointers.fetch_add(1, Ordering::Relaxed);
    if address == 0 {
        counters.null.fetch_add(1, Ordering::Relaxed);
    } else if is_measured_now() && live_map::find(address).is_some() {
        counters.live_blocks.fetch_add(1, Ordering::Relaxed);
        let place = Place { function: site.name, file: site.file, line: site.line, node };
        stamp(&place, direction, owns, address);
    }
}

/// The current scope node; `None`: nothing is recorded, or memscope itself is at work.
#[inline]
fn node_to_stamp() -> Option<u32> {
    thread_state::with_account(|_, account| account.node()).filter(|&node| node != OWN_NODE)
}

/// Whether blocks are known one by one.
#[inline]
fn is_measured_now() -> bool {
    mode::decided() == Decided::Live && mode::allocator_is_installed()
}

/// Who stamps: a function as it is called, where it stands (its caller, for one of `memscope::ffi`), and the scope node
/// that was current.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    function: &'static str,
    file: &'static str,
    line: u32,
    node: u32,
}

#[derive(Clone, Copy)]
struct Stamp {
    function: &'static str,
    direction: Direction,
    thread: u32,
    ms: u64,
}

/// What is known of a block that crossed.
#[derive(Default)]
struct Passport {
    count: u64,
    /// The newest of them, oldest first.
    stamps: SmallVec<[Stamp; STAMPS]>,
    /// Rows that were credited with its crossings, and how many of them.
    credited: SmallVec<[(usize, u64); 1]>,
    /// Places that handed it out and did not get it back, latest last: indices into [`State::places`].
    out: SmallVec<[usize; 1]>,
}

/// The crossings of a row of `variables[]`.
#[derive(Clone, Default)]
struct Credit {
    count: u64,
    newest: Vec<Stamp>,
}

/// A place that hands memory out, and what became of that. Each handing out is handed back, or ended by the block's
/// free, or not followed, or still out.
struct Outlet {
    place: Place,
    handed_out: u64,
    handed_back: u64,
    freed: u64,
    unfollowed: u64,
    first_ms: u64,
    last_ms: u64,
}

struct State {
    /// By the number of the block's follower.
    passports: Option<HashMap<u32, Passport>>,
    /// Passports at which those of freed blocks are dropped.
    sweep_at: usize,
    /// Crossings that found all passports taken.
    refused: u64,
    /// By the row's index in the registry.
    credits: Option<HashMap<usize, Credit>>,
    outlets: Vec<Outlet>,
    outlet_index: Option<HashMap<Place, usize>>,
    /// Crossings without a passport to note them in, and handings out without a place to count them.
    unfollowed: u64,
}

static STATE: Mutex<State> = Mutex::new(State {
    passports: None,
    sweep_at: FIRST_SWEEP,
    refused: 0,
    credits: None,
    outlets: Vec::new(),
    outlet_index: None,
    unfollowed: 0,
});

/// Takes the lock on the passports and keeps it, for a fork.
pub(crate) fn lock() {
    std::mem::forget(STATE.lock());
}

/// Gives it back, in the process that took it or in its fork's child.
///
/// # Safety
/// [`lock`] was called before, by this thread or by the one whose fork it is in.
pub(crate) unsafe fn unlock(side: Side) {
    // SAFETY: the caller's promise is handed on.
    unsafe { fork::unlock(&STATE, side) };
}

/// A pointer into a live block crosses.
#[cold]
fn stamp(place: &Place, direction: Direction, owns: bool, address: usize) {
    let _errno = Errno::keep();
    let _own = thread_state::own_work();
    observer::start();
    let stamp = Stamp {
        function: place.function,
        direction,
        thread: thread_state::with(Local::known_thread).unwrap_or(0),
        ms: clock::refresh(),
    };
    let mut state = STATE.lock();
    // Whose it is, is asked under the lock: a variable that takes it over after this finds the stamp in the passport.
    let Some(found) = live_map::find(address) else { return };
    let watch = if found.record.is_watched() { Watch::get(found.record.owner()) } else { None };
    let account = watch.map_or(found.record.owner(), Watch::account);
    if Account::get(account).is_none_or(|account| account.is_own()) {
        return;
    }
    let row = watch.and_then(Watch::row_number);
    state.note(&found, row, place, stamp, owns);
}

impl State {
    fn note(&mut self, found: &Found<'_>, row: Option<usize>, place: &Place, stamp: Stamp, owns: bool) {
        let outlet =
            if owns && stamp.direction == Direction::Sent { self.outlet(place, stamp.ms) } else { None };
        let Some(follower) = self.follower_with_passport(found) else {
            self.unfollowed += 1;
            if let Some(outlet) = outlet {
                self.outlets[outlet].unfollowed += 1;
            }
            if let Some(row) = row {
                self.credits.get_or_insert_default().entry(row).or_default().add(1, &[stamp]);
            }
            return;
        };
        let passport = self.passports.get_or_insert_default().entry(follower).or_default();
        passport.count += 1;
        if passport.stamps.len() == STAMPS {
            passport.stamps.remove(0);
        }
        passport.stamps.push(stamp);
        match (stamp.direction, owns) {
            (Direction::Sent, _) => passport.out.extend(outlet),
            (Direction::Received, true) => {
                if let Some(giver) = passport.out.pop() {
                    self.outlets[giver].handed_back += 1;
                }
            }
            (Direction::Received, false) => {}
        }
        if let Some(row) = row {
            self.credit(follower, row);
        }
    }

    /// Counts a handing out; `None`: all places are taken.
    fn outlet(&mut self, place: &Place, now_ms: u64) -> Option<usize> {
        let index = self.outlet_index.get_or_insert_default();
        let known = index.get(place).copied();
        if known.is_none() && self.outlets.len() >= PLACES {
            self.unfollowed += 1;
            return None;
        }
        let outlet = known.unwrap_or_else(|| {
            index.insert(*place, self.outlets.len());
            self.outlets.push(Outlet {
                place: *place,
                handed_out: 0,
                handed_back: 0,
                freed: 0,
                unfollowed: 0,
                first_ms: now_ms,
                last_ms: now_ms,
            });
            self.outlets.len() - 1
        });
        self.outlets[outlet].handed_out += 1;
        self.outlets[outlet].last_ms = now_ms;
        Some(outlet)
    }

    /// The follower of a block that has a passport, or gets one now; `None`: all are taken, or it cannot be followed.
    fn follower_with_passport(&mut self, found: &Found<'_>) -> Option<u32> {
        let known = follow::follower_of(found);
        let passports = self.passports.get_or_insert_default();
        // It is held for its passport, so its number is no other block's.
        if known != 0 && passports.contains_key(&known) {
            return Some(known);
        }
        if passports.len() >= self.sweep_at && !self.make_room() {
            return None;
        }
        follow::block_around(found.address).map(Watch::id)
    }

    /// Drops the passports of freed blocks; false if there is no room all the same.
    #[cold]
    fn make_room(&mut self) -> bool {
        // While all are taken, a look at all of them is not worth while each time.
        if self.sweep_at == PASSPORTS {
            self.refused += 1;
            if self.refused % FIRST_SWEEP as u64 != 1 {
                return false;
            }
        }
        let Some(passports) = self.passports.as_mut() else { return true };
        passports.retain(|&follower, passport| {
            let Some(watch) = Watch::get(follower).filter(|watch| watch.blocks() == 0) else { return true };
            for &outlet in &passport.out {
                self.outlets[outlet].freed += 1;
            }
            follow::let_go(watch);
            false
        });
        self.sweep_at = (2 * passports.len()).clamp(FIRST_SWEEP, PASSPORTS);
        passports.len() < self.sweep_at
    }

    /// Lets a row have the crossings of a block that it was not credited with before.
    fn credit(&mut self, follower: u32, row: usize) {
        let passport = self.passports.as_mut().and_then(|passports| passports.get_mut(&follower));
        let Some(passport) = passport else { return };
        let place = match passport.credited.iter().position(|&(credited, _)| credited == row) {
            Some(place) => place,
            None => {
                passport.credited.push((row, 0));
                passport.credited.len() - 1
            }
        };
        let count = passport.count - std::mem::replace(&mut passport.credited[place].1, passport.count);
        let listed = passport.stamps.len().min(usize::try_from(count).unwrap_or(usize::MAX));
        let stamps = &passport.stamps[passport.stamps.len() - listed..];
        if count > 0 {
            self.credits.get_or_insert_default().entry(row).or_default().add(count, stamps);
        }
    }
}

impl Credit {
    fn add(&mut self, count: u64, stamps: &[Stamp]) {
        self.count += count;
        self.newest.extend_from_slice(stamps);
        if self.newest.len() >= 2 * LISTED {
            self.keep_newest();
        }
    }

    fn keep_newest(&mut self) {
        self.newest.sort_by_key(|stamp| stamp.ms);
        self.newest.drain(..self.newest.len().saturating_sub(LISTED));
    }
}

/// A variable of `row` has come to own the block of a follower. Call it under [`thread_state::own_work`].
pub(crate) fn taken_over(follower: u32, row: usize, shared: bool) {
    let mut state = STATE.lock();
    let state = &mut *state;
    state.credit(follower, row);
    let passport = state.passports.as_mut().and_then(|passports| passports.get_mut(&follower));
    // Of a shared block the variable has its own part, whatever became of the one that was handed out.
    if let Some(passport) = passport.filter(|_| !shared) {
        for outlet in passport.out.drain(..) {
            state.outlets[outlet].handed_back += 1;
        }
    }
}

/// What is known of crossings, for a snapshot.
pub(crate) struct Crossings {
    /// By the row's index in the registry; `None`: nothing in this program stamps crossings.
    credits: Option<HashMap<usize, Credit>>,
    outlets: Vec<(u32, HandedOut)>,
    pub(crate) unfollowed: u64,
}

/// Reads everything. Call it under [`thread_state::own_work`].
pub(crate) fn crossings() -> Crossings {
    let stamps = FFI_RAN.load(Ordering::Relaxed)
        || Site::all().any(|site| matches!(site.kind, SiteKind::ForeignFunction));
    let state = STATE.lock();
    let mut crossings = hold::timed(Held::Crossings, || state.crossings(stamps));
    drop(state);
    for (_, row) in &mut crossings.outlets {
        row.sent_to.sort();
        row.sent_to.dedup();
        row.sent_to.retain(|function| *function != row.function);
        row.sent_to.truncate(NAMED);
    }
    crossings
}

impl State {
    fn crossings(&self, stamps: bool) -> Crossings {
        let mut outlets: Vec<(u32, HandedOut)> = self.outlets.iter().map(Outlet::row).collect();
        for (&follower, passport) in self.passports.iter().flatten() {
            let Some(watch) = Watch::get(follower) else { continue };
            let lives = watch.blocks() > 0;
            for (position, &outlet) in passport.out.iter().enumerate() {
                let row = &mut outlets[outlet].1;
                if !lives {
                    row.freed += 1;
                } else if !passport.out[..position].contains(&outlet) {
                    row.live_blocks += 1;
                    row.live_bytes += watch.last_bytes();
                    let given = passport.stamps.iter().filter(|stamp| stamp.direction == Direction::Sent);
                    row.sent_to.extend(given.map(|stamp| stamp.function.to_owned()));
                }
            }
        }
        Crossings {
            credits: (is_measured_now() && stamps).then(|| self.credits.clone().unwrap_or_default()),
            outlets,
            unfollowed: self.unfollowed,
        }
    }
}

impl Outlet {
    fn row(&self) -> (u32, HandedOut) {
        let Outlet { place, handed_out, handed_back, freed, unfollowed, first_ms, last_ms } = *self;
        let row = HandedOut {
            function: place.function.to_owned(),
            file: place.file.to_owned(),
            line: place.line,
            scope: Vec::new(),
            handed_out,
            handed_back,
            freed,
            unfollowed,
            live_blocks: 0,
            live_bytes: 0,
            sent_to: Vec::new(),
            first_ms,
            last_ms,
        };
        (place.node, row)
    }
}

impl Crossings {
    /// How many there are of a row of the registry, and the newest of them, oldest first.
    pub(crate) fn of_row(&self, row: usize) -> Option<(u64, Vec<Crossing>)> {
        let mut credit = self.credits.as_ref()?.get(&row).cloned().unwrap_or_default();
        credit.keep_newest();
        let newest = credit.newest.into_iter().map(|stamp| Crossing {
            function: stamp.function.to_owned(),
            direction: stamp.direction,
            thread: stamp.thread,
            ms: stamp.ms,
        });
        Some((credit.count, newest.collect()))
    }

    /// The rows of `handed_out[]`; `path_of` names a scope node.
    pub(crate) fn handed_out(self, path_of: impl Fn(u32) -> Vec<String>) -> Vec<HandedOut> {
        let rows = self.outlets.into_iter().map(|(node, row)| HandedOut { scope: path_of(node), ..row });
        let mut rows: Vec<HandedOut> = rows.collect();
        rows.sort_by(|a, b| {
            (&a.file, a.line, &a.function, &a.scope).cmp(&(&b.file, b.line, &b.function, &b.scope))
        });
        rows
    }
}

/// The pointers of a foreign function; `None` for any other site.
pub(crate) fn of_site(site: &Site) -> Option<SiteCrossings> {
    let measured = is_measured_now();
    let read = |counters: &Counters| {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        // Read in the order in which they are not written, so that no part is more than the whole.
        let (live_blocks, null) = (read(&counters.live_blocks), read(&counters.null));
        let pointers = read(&counters.pointers).max(live_blocks + null);
        Pointers {
            pointers,
            null,
            live_blocks: measured.then_some(live_blocks),
            elsewhere: measured.then(|| pointers - null - live_blocks),
        }
    };
    matches!(site.kind, SiteKind::ForeignFunction)
        .then(|| SiteCrossings { sent: read(&site.border.sent), received: read(&site.border.received) })
}
