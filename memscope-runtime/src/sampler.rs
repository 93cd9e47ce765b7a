//! Sampling: which bytes are in the sample, what each sample stands for, and what becomes of it.
//!
//! Hits fall on the bytes that a thread allocates as a Poisson process, `mean_bytes` (T) apart on average: the distance
//! to the next is exponential, and counted down by each allocation. A block of s bytes is hit with probability
//! π(s) = 1 − e^(−s/T), and then stands for 1/π blocks and s/π bytes; the estimate is unbiased for each sample, and
//! then summed. Two hits in one block are one sample, for the distance after a hit is drawn anew and the process has
//! no memory.
//!
//! A reallocation that gains bytes draws on these, and what it hits is a sample of its own, of the range that was
//! gained; one that loses bytes takes them from the samples of the block that reach so far. So each byte is drawn for
//! once, when it is allocated, and is in or out until it is gone, whatever becomes of the others: no history of a block
//! that is not in the sample is needed. A gain is charged to the scope that resizes, for who allocated a block that is
//! not in the sample is not known.
//!
//! Whole numbers are booked, rounded up or down by chance so that their mean is exact; `estimate.rs` has the errors.

use crate::account::{self, Account};
use crate::ended_by_lot;
use crate::estimate::Estimate;
use crate::event_log::{self, Outside};
use crate::mode::{self, Decided};
use crate::places;
use crate::record;
pub(crate) use crate::sample::Whereabouts;
use crate::sample::{Facts, Sample};
use crate::sample_map::{self, is_large};
use crate::thread_state::{self, Local};
use crate::weight::mixed;
use crate::{clock, observer};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the sampler knows of a thread. No destructor, as all that the hook reads. In this order, so that what every event
/// reads lies together.
#[repr(C)]
pub(crate) struct Lottery {
    /// Bytes that the thread may allocate before the next hit. 0 where every block is recorded, and before the first
    /// event: no allocation passes.
    countdown: Cell<usize>,
    /// Size of the largest block whose address tells whether it may be in the sample, where blocks are sampled; else 0:
    /// no free passes.
    told_bytes: Cell<usize>,
    kind: Cell<Kind>,
    /// The mean distance that `countdown` was drawn with.
    mean: Cell<f64>,
    /// State of the random numbers.
    random: Cell<u64>,
    /// The self-check that this thread's events are logged for; 0: none.
    check: Cell<u32>,
    /// `countdown` while the thread is checked. That one is 0 then, and no block is told, so that no event
    /// passes unseen, and none has to ask whether there is a check.
    hidden_countdown: Cell<usize>,
}

/// How a thread's events are recorded; the same for all threads, once they know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// It had no event yet.
    Unknown,
    /// Every block is recorded.
    Live,
    /// Blocks are sampled, or nothing is recorded: most events pass.
    Sampling,
}

impl Lottery {
    pub(crate) const fn new() -> Lottery {
        Lottery {
            countdown: Cell::new(0),
            told_bytes: Cell::new(0),
            kind: Cell::new(Kind::Unknown),
            mean: Cell::new(0.0),
            random: Cell::new(0),
            check: Cell::new(0),
            hidden_countdown: Cell::new(0),
        }
    }

    /// The self-check that this thread's events are logged for; 0: none.
    pub(crate) fn check(&self) -> u32 {
        self.check.get()
    }

    /// From here on no event passes unseen. The distance is drawn anew, for the mean may have changed since; the process
    /// has no memory, so that changes nothing else.
    pub(crate) fn join_check(&self, check: u32) {
        self.check.set(check);
        self.countdown.set(0);
        self.told_bytes.set(0);
        self.draw_distance();
    }

    /// Events pass again.
    pub(crate) fn leave_check(&self) {
        if self.check.replace(0) != 0 {
            self.countdown.set(self.hidden_countdown.get());
            self.set_kind(self.kind());
        }
    }

    /// Where the bytes before the next hit are counted, hidden or not.
    fn true_countdown(&self) -> &Cell<usize> {
        if self.check() == 0 { &self.countdown } else { &self.hidden_countdown }
    }

    /// [`Lottery::passes`], of a thread that may be checked.
    fn passes_truly(&self, bytes: usize) -> bool {
        let countdown = self.true_countdown();
        match countdown.get().checked_sub(bytes) {
            Some(left) => {
                countdown.set(left);
                true
            }
            None => false,
        }
    }

    #[inline(always)]
    pub(crate) fn kind(&self) -> Kind {
        self.kind.get()
    }

    /// The kind; learned, if this is the thread's first event.
    pub(crate) fn known_kind(&self, facts: record::Facts) -> Kind {
        if self.kind() == Kind::Unknown { learn_kind(self, facts) } else { self.kind() }
    }

    /// Counts `bytes` down if the next hit is beyond them.
    #[inline(always)]
    pub(crate) fn passes(&self, bytes: usize) -> bool {
        match self.countdown.get().checked_sub(bytes) {
            Some(left) => {
                self.countdown.set(left);
                true
            }
            None => false,
        }
    }

    /// Whether a block can be told from all sampled ones by its address and size.
    #[inline(always)]
    pub(crate) fn tells(&self, address: usize, bytes: usize) -> bool {
        bytes <= self.told_bytes.get() && address as u32 & TELLING_BITS != 0
    }

    fn set_kind(&self, kind: Kind) {
        self.kind.set(kind);
        self.told_bytes.set(if kind == Kind::Sampling { places::BYTES } else { 0 });
    }

    /// Draws the distance to the next hit: −T ln u, rounded down. A block of s bytes is hit if it is below s, and
    /// what is left of it keeps its fraction, so rounding changes nothing.
    fn draw_distance(&self) {
        let mean = mean_bytes() as f64;
        // From (0, 1], in steps of 2⁻⁵³.
        let unit = ((self.next_random() >> 11) + 1) as f64 * STEP;
        self.mean.set(mean);
        // A float casts to an integer by saturation.
        self.true_countdown().set((-mean * unit.ln()) as usize);
    }

    /// One of the two whole numbers around `value`, by chance, so that the mean is `value`.
    fn rounded(&self, value: f64) -> u64 {
        let unit = (self.next_random() >> 11) as f64 * STEP;
        let whole = value.floor();
        // A float casts to an integer by saturation.
        whole as u64 + u64::from(unit < value - whole)
    }

    /// splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
    fn next_random(&self) -> u64 {
        let state = self.random.get().wrapping_add(GOLDEN);
        self.random.set(state);
        mixed(state)
    }
}

/// Bits of an address that are all clear where a sampled block may be. The lowest four are left out: blocks of most
/// allocators start at multiples of 16, and a mask that reaches to bit 0 is compiled to a copy and a shift, not a test.
const TELLING_BITS: u32 = places::ALIGN as u32 - 16;

/// 2⁻⁵³: the distance between the floats in [1/2, 1).
const STEP: f64 = 1.0 / (1u64 << 53) as f64;

/// In [`MEAN_BYTES`]: as it was at the start.
const UNCHANGED: u64 = u64::MAX;
/// Mean distance between two hits that threads draw their next distance with.
static MEAN_BYTES: AtomicU64 = AtomicU64::new(UNCHANGED);
/// The greatest that it ever was.
static GREATEST_MEAN_BYTES: AtomicU64 = AtomicU64::new(0);
/// Seed of the threads' random numbers.
static SEED: AtomicU64 = AtomicU64::new(0);
/// Samples that were drawn and could not be kept.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Mean distance between two hits, as it is now.
pub fn mean_bytes() -> u64 {
    match MEAN_BYTES.load(Ordering::Relaxed) {
        UNCHANGED => mode::first_mean_bytes(),
        mean => mean,
    }
}

/// Changes the mean distance between two hits: on this thread at once, on others after their next hit.
///
/// Each sample keeps the weight that it was drawn with, so figures stay unbiased across the change. With 0 every block
/// is in the sample, and figures are exact.
pub fn set_mean_bytes(mean: u64) {
    let mean = mean.min(UNCHANGED - 1);
    GREATEST_MEAN_BYTES.fetch_max(mean_bytes().max(mean), Ordering::Relaxed);
    MEAN_BYTES.store(mean, Ordering::Relaxed);
    thread_state::with(|Local { lottery, .. }| {
        if lottery.kind() == Kind::Sampling && mode::decided() == Decided::Sampling {
            lottery.draw_distance();
        }
    });
}

/// Seeds the random numbers of this thread, and of threads that begin from here on, so that a run can be repeated.
pub fn seed(seed: u64) {
    SEED.store(mixed(seed) | 1, Ordering::Relaxed);
    thread_state::with(|Local { lottery, .. }| {
        if lottery.kind() == Kind::Sampling && mode::decided() == Decided::Sampling {
            lottery.random.set(mixed(seed));
            lottery.draw_distance();
        }
    });
}

/// The mean distance that bounds are computed with: the greatest of the recording.
pub(crate) fn greatest_mean_bytes() -> u64 {
    GREATEST_MEAN_BYTES.load(Ordering::Relaxed).max(mean_bytes())
}

pub(crate) fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// A sample was drawn and could not be kept.
#[cold]
pub(crate) fn lose() {
    LOST.fetch_add(1, Ordering::Relaxed);
}

/// What comes of an allocation that the thread's countdown did not simply let pass.
pub(crate) enum Lot {
    /// Every block is recorded: this is not the sampler's.
    Live,
    /// No hit, or nothing is recorded.
    Passed,
    /// A hit.
    Hit(Odds),
}

/// With what distance a hit was drawn.
#[derive(Clone, Copy)]
pub(crate) struct Odds {
    mean: f64,
}

/// Learns what kind of thread this is, at its first event.
#[cold]
fn learn_kind(lottery: &Lottery, facts: record::Facts) -> Kind {
    record::first_event(facts);
    let kind = match mode::decided() {
        Decided::Live => Kind::Live,
        Decided::Off => {
            lottery.countdown.set(usize::MAX);
            Kind::Sampling // which lets all pass
        }
        Decided::Sampling => {
            lottery.random.set(first_random(lottery));
            lottery.draw_distance();
            Kind::Sampling
        }
    };
    lottery.set_kind(kind);
    let check = if mode::decided() == Decided::Sampling { event_log::open_check() } else { 0 };
    if check != 0 {
        lottery.join_check(check);
    }
    kind
}

/// Draws for `bytes` that are being allocated.
pub(crate) fn draw(bytes: usize, facts: record::Facts) -> Lot {
    thread_state::with(|Local { lottery, .. }| {
        if lottery.known_kind(facts) == Kind::Live {
            return Lot::Live;
        }
        if lottery.passes_truly(bytes) || mode::decided() == Decided::Off {
            return Lot::Passed;
        }
        let mean = lottery.mean.get();
        lottery.draw_distance();
        Lot::Hit(Odds { mean })
    })
}

/// All that can be refused to a sample, taken before anything depends on it.
pub(crate) struct Reserved {
    number: u32,
}

impl Reserved {
    /// For a block at `address`; `None` where the system gives no memory.
    pub(crate) fn of(address: usize) -> Option<Reserved> {
        if !sample_map::prepare(address) {
            return None;
        }
        Some(Reserved { number: Sample::reserve()? })
    }

    pub(crate) fn give_back(self) {
        Sample::give_back(self.number);
    }
}

/// A block that was hit is here: books it and follows it.
pub(crate) fn begin(block: Whereabouts, odds: Odds, reserved: Reserved) {
    thread_state::with(|local| begin_sample(local, 0, 0, block, odds, reserved.number));
    sample_map::put(block.address, reserved.number);
}

/// A new sample of the bytes from `start` to the end of a block, booked to the current account. Where there is none,
/// the sample only says where the block is.
fn begin_sample(local: &Local, earlier: u32, start: usize, block: Whereabouts, odds: Odds, number: u32) {
    let Some(sample) = Sample::get(number) else { return };
    let whereabouts = Facts {
        place_bytes: block.place_bytes as u32,
        check: local.lottery.check(),
        address: block.address as u64,
        start: start as u64,
        block_bytes: block.bytes as u64,
        ..Facts::default()
    };
    let booked = thread_state::with_account(|_, account| {
        let estimate = Estimate::of(account)?;
        let bytes = block.bytes - start;
        // 1 − e^(−s/T), which `1.0 - exp` would lose for small blocks.
        let hit = -f64::exp_m1(-(bytes as f64) / odds.mean);
        let blocks = u64::from(start == 0);
        let blocks_for = if blocks == 1 { local.lottery.rounded(1.0 / hit) } else { 0 };
        let bytes_for = local.lottery.rounded(bytes as f64 / hit);
        let facts = Facts {
            account: account.id(),
            drawn: bytes as u64,
            drawn_for: bytes_for,
            left: bytes as u64,
            left_for: bytes_for,
            blocks: blocks_for,
            drawn_ms: clock_now(),
            ..whereabouts
        };
        sample.begin(earlier, facts);
        estimate.drawn((blocks, blocks_for), (bytes as u64, bytes_for));
        account::add(&account.allocations, blocks_for);
        account::add(&account.allocated_bytes, bytes_for);
        note(local, account, bytes_for as i64);
        Some(())
    });
    if booked.flatten().is_none() {
        sample.begin(earlier, whereabouts);
        lose();
    }
}

/// A block that may be in the sample is about to be freed; gives the size of its place, if it is and has one.
pub(crate) fn end(address: usize) -> Option<usize> {
    let number = sample_map::take(address)?;
    let place_bytes = Sample::get(number)?.facts().place_bytes as usize;
    end_chain(number, Some(clock_now()));
    (place_bytes > 0).then_some(place_bytes)
}

fn clock_now() -> u64 {
    if observer::is_running() { clock::now_ms() } else { clock::refresh() }
}

/// Ends all samples of a block. `freed_ms`: when it was freed.
fn end_chain(mut number: u32, freed_ms: Option<u64>) {
    while let Some(sample) = Sample::get(number).filter(|_| number != 0) {
        let facts = sample.facts();
        let booked = thread_state::with_account(|local, _| {
            let (account, estimate) = books_of(local, facts.account)?;
            lose_bytes(local, account, estimate, &facts, (0, 0));
            let blocks = u64::from(facts.start == 0);
            let free = |account: &Account, estimate: &Estimate| {
                estimate.freed((blocks, facts.blocks));
                account::add_release(&account.deallocations, facts.blocks);
            };
            free(account, estimate);
            if let Some(outside) = Outside::of(local, facts.check, account) {
                free(&outside.account, &outside.estimate);
            }
            if let Some(now_ms) = freed_ms.filter(|_| !account.is_own()) {
                ended_by_lot::note(now_ms.saturating_sub(facts.drawn_ms), &facts);
            }
            Some(())
        });
        if booked.flatten().is_none() && facts.account != 0 {
            lose();
        }
        number = sample.end(number);
    }
}

/// The account of this thread that stands for the one with that number, and its estimate.
fn books_of(local: &Local, account: u32) -> Option<(&'static Account, &'static Estimate)> {
    let account = local.writable(Account::get(account)?)?;
    Some((account, Estimate::of(account)?))
}

fn lose_bytes(local: &Local, account: &Account, estimate: &Estimate, facts: &Facts, after: (u64, u64)) {
    let gone = facts.left_for - after.1;
    let lose = |account: &Account, estimate: &Estimate| {
        estimate.lost((facts.drawn, facts.drawn_for), (facts.left, facts.left_for), after);
        account::add_release(&account.deallocated_bytes, gone);
    };
    lose(account, estimate);
    if let Some(outside) = Outside::of(local, facts.check, account) {
        lose(&outside.account, &outside.estimate);
    }
    note(local, account, -(gone as i64));
}

/// The samples of a block that is being resized: out of the map, for its address may be another's before the inner
/// allocator returns.
pub(crate) struct Held {
    number: u32,
    pub(crate) block: Whereabouts,
}

impl Held {
    /// Those of the block at `address`, if it is in the sample.
    pub(crate) fn of(address: usize, bytes: usize) -> Option<Held> {
        let number = sample_map::take(address)?;
        let place_bytes = Sample::get(number)?.facts().place_bytes as usize;
        Some(Held { number, block: Whereabouts { address, bytes, place_bytes } })
    }

    /// The inner allocator refused: the block stands as it was.
    pub(crate) fn put_back(self) {
        sample_map::put(self.block.address, self.number);
    }

    /// The block goes on where it cannot be found: its books are closed as if it were freed.
    #[cold]
    pub(crate) fn abandon(self) {
        end_chain(self.number, None);
        lose();
    }
}

/// A block of `old_bytes` was resized, with the samples that it had and what its gain hit. The map is prepared for its
/// new address.
pub(crate) fn resized(
    held: Option<Held>,
    hit: Option<(Odds, Reserved)>,
    old_bytes: usize,
    block: Whereabouts,
) {
    let mut number = held.map_or(0, |held| held.number);
    thread_state::with_account(|local, current| {
        if block.bytes < old_bytes {
            shrink_chain(local, number, block.bytes as u64);
        }
        let mut next = number;
        while let Some(sample) = Sample::get(next).filter(|_| next != 0) {
            sample.moved(block);
            let facts = sample.facts();
            if facts.start == 0 && facts.account != 0 {
                account::add(&current.reallocations, facts.blocks);
                if let Some(estimate) = Estimate::of(current) {
                    estimate.resized(facts.blocks, facts.resizes);
                }
                if let Some(outside) = Outside::of(local, facts.check, current) {
                    account::add(&outside.account.reallocations, facts.blocks);
                    outside.estimate.resized(facts.blocks, facts.resizes);
                }
            }
            if facts.check != local.lottery.check() {
                sample.leave_check();
            }
            next = sample.earlier();
        }
    });
    if let Some((odds, reserved)) = hit {
        thread_state::with(|local| begin_sample(local, number, old_bytes, block, odds, reserved.number));
        number = reserved.number;
    }
    if number != 0 {
        sample_map::put(block.address, number);
    }
}

/// The block keeps its first `bytes`. The last sample of the chain stays, if only to say how the block is aligned.
fn shrink_chain(local: &Local, mut number: u32, bytes: u64) {
    while let Some(sample) = Sample::get(number).filter(|_| number != 0) {
        let facts = sample.facts();
        if facts.start + facts.left <= bytes {
            return; // so do all earlier ones
        }
        let left = bytes.saturating_sub(facts.start);
        let left_for = local
            .lottery
            .rounded(facts.left_for as f64 * left as f64 / facts.left as f64)
            .min(facts.left_for);
        if let Some((account, estimate)) = books_of(local, facts.account) {
            lose_bytes(local, account, estimate, &facts, (left, left_for));
        }
        sample.set_left(left, left_for);
        number = sample.earlier();
    }
}

/// Whether a block is to have a place of its own, to be found by its address.
pub(crate) fn wants_place(bytes: usize, align: usize) -> bool {
    !is_large(bytes) && align <= places::ALIGN
}

fn note(local: &Local, account: &Account, bytes: i64) {
    if !account.is_own() {
        local.balance.changed(bytes);
    }
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Where the random numbers of this thread begin.
fn first_random(lottery: &Lottery) -> u64 {
    static THREADS: AtomicU64 = AtomicU64::new(0);
    if SEED.load(Ordering::Relaxed) == 0 {
        // Not guessable is not asked for: not the same in each run is.
        let fresh = clock::unix_ns()
            ^ u64::from(std::process::id()) << 32
            ^ std::ptr::from_ref(lottery).addr() as u64;
        let _ = SEED.compare_exchange(0, mixed(fresh) | 1, Ordering::Relaxed, Ordering::Relaxed);
    }
    mixed(
        SEED.load(Ordering::Relaxed)
            .wrapping_add(THREADS.fetch_add(1, Ordering::Relaxed).wrapping_mul(GOLDEN)),
    )
}

/// In a fork's child: its random numbers are not those of its parent.
pub(crate) fn after_fork(lottery: &Lottery) {
    lottery.random.set(mixed(lottery.random.get() ^ u64::from(std::process::id())));
    event_log::after_fork();
    lottery.leave_check();
}
