//! What the samples of one account say about its errors.
//!
//! The counters of an account (`account.rs`) hold estimates in sampling mode; here is how far they may be off. A
//! sample that is in with probability π adds a whole number `w` whose mean, times π, is what it stands for, `n` (1 block,
//! or so many bytes). Of the variance of that sum, π E[w²] − n², each sample gives the unbiased share `w² − w n`,
//! whatever else made `w` random (rounding does); for w = n / π it is the n² (1 − π) / π² of Horvitz and Thompson
//! ("A generalization of sampling without replacement from a finite universe", 1952, 5). Samples are independent, so
//! variances add up, over samples, threads and scopes.
//!
//! Only the account's thread writes here, by relaxed load and store.

use crate::account::{self, Account};
use crate::arena::Arena;
pub(crate) use crate::weight::standard_error;
#[cfg(feature = "sampling")]
pub(crate) use crate::weight::variance;
use std::ops::AddAssign;
#[cfg(feature = "sampling")]
use std::ops::SubAssign;
use std::sync::atomic::{AtomicU64, Ordering};

/// Variances of an account's counters, and the numbers of samples. All-zero is an account without samples.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Estimate {
    allocations: Float,
    deallocations: Float,
    reallocations: Float,
    allocated_bytes: Float,
    deallocated_bytes: Float,
    /// Of what lives; an account that only frees another's blocks takes from that one's.
    live_allocations: Float,
    live_bytes: Float,
    /// Of the live bytes at the peak: see `peak.rs`.
    pub(crate) at_peak: [Float; 2],
    samples: AtomicU64,
    /// Of these, alive; wraps below 0 as `live_bytes` does.
    live_samples: AtomicU64,
}

/// A sum of floats that one thread writes. All-zero is 0.
#[derive(Debug)]
pub(crate) struct Float(AtomicU64);

impl Float {
    pub(crate) fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    #[cfg(feature = "sampling")]
    fn add(&self, amount: f64) {
        self.set(self.get() + amount);
    }
}

// SAFETY: an estimate is all atomics, for which zero is valid.
static ESTIMATES: Arena<Estimate, { 1 << (account::BITS - 10) }> = unsafe { Arena::new() };

#[cfg(feature = "sampling")]
impl Estimate {
    /// That of an account, for its thread; `None` where there is no memory for it.
    pub(crate) fn of(account: &Account) -> Option<&'static Estimate> {
        ESTIMATES.get_or_map(account.id())
    }

    /// A sample was drawn that stands for `blocks` (1 or 0) and `bytes`.
    pub(crate) fn drawn(&self, (blocks, blocks_for): (u64, u64), (bytes, bytes_for): (u64, u64)) {
        let (of_blocks, of_bytes) = (variance(blocks_for, blocks), variance(bytes_for, bytes));
        self.allocations.add(of_blocks);
        self.live_allocations.add(of_blocks);
        self.allocated_bytes.add(of_bytes);
        self.live_bytes.add(of_bytes);
        account::add(&self.samples, 1);
        account::add(&self.live_samples, 1);
    }

    /// A block was resized whose first sample stands for `blocks_for` blocks, for the `resizes`-th time.
    pub(crate) fn resized(&self, blocks_for: u64, resizes: u64) {
        // All resizes of a block are in, or none: k of them have k² times the variance of one.
        self.reallocations.add((2 * resizes - 1) as f64 * variance(blocks_for, 1));
    }

    /// Of a sample's bytes, which were drawn as `drawn` (bytes, booked for), `before` were left and `after` are.
    pub(crate) fn lost(&self, drawn: (u64, u64), before: (u64, u64), after: (u64, u64)) {
        let gone = |(bytes, booked): (u64, u64)| variance(drawn.1 - booked, drawn.0 - bytes);
        self.deallocated_bytes.add(gone(after) - gone(before));
        self.live_bytes.add(variance(after.1, after.0) - variance(before.1, before.0));
    }

    /// A sample's block was freed; `blocks_for` as it was drawn.
    pub(crate) fn freed(&self, (blocks, blocks_for): (u64, u64)) {
        let of_blocks = variance(blocks_for, blocks);
        self.deallocations.add(of_blocks);
        self.live_allocations.add(-of_blocks);
        self.live_samples.store(self.live_samples.load(Ordering::Relaxed).wrapping_sub(1), Ordering::Relaxed);
    }

    /// As if there had been no sample; the peak, which only a process has, is left out.
    pub(crate) fn clear(&self) {
        let Estimate { allocations, deallocations, reallocations, .. } = self;
        let Estimate { allocated_bytes, deallocated_bytes, live_allocations, live_bytes, .. } = self;
        for sum in [allocations, deallocations, reallocations] {
            sum.set(0.0);
        }
        for sum in [allocated_bytes, deallocated_bytes, live_allocations, live_bytes] {
            sum.set(0.0);
        }
        self.samples.store(0, Ordering::Relaxed);
        self.live_samples.store(0, Ordering::Relaxed);
    }
}

impl Estimate {
    /// That of an account, if there is one.
    pub(crate) fn known(account: &Account) -> Option<&'static Estimate> {
        ESTIMATES.get(account.id())
    }

    pub(crate) fn live_bytes(&self) -> f64 {
        self.live_bytes.get()
    }

    pub(crate) fn read(&self) -> Variances {
        Variances {
            allocations: self.allocations.get(),
            deallocations: self.deallocations.get(),
            reallocations: self.reallocations.get(),
            allocated_bytes: self.allocated_bytes.get(),
            deallocated_bytes: self.deallocated_bytes.get(),
            live_allocations: self.live_allocations.get(),
            live_bytes: self.live_bytes.get(),
            samples: self.samples.load(Ordering::Relaxed),
            live_samples: self.live_samples.load(Ordering::Relaxed) as i64,
        }
    }
}

/// Variances of estimates, and what they rest on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Variances {
    pub(crate) allocations: f64,
    pub(crate) deallocations: f64,
    pub(crate) reallocations: f64,
    pub(crate) allocated_bytes: f64,
    pub(crate) deallocated_bytes: f64,
    pub(crate) live_allocations: f64,
    pub(crate) live_bytes: f64,
    pub(crate) samples: u64,
    pub(crate) live_samples: i64,
}

impl AddAssign for Variances {
    fn add_assign(&mut self, other: Variances) {
        self.allocations += other.allocations;
        self.deallocations += other.deallocations;
        self.reallocations += other.reallocations;
        self.allocated_bytes += other.allocated_bytes;
        self.deallocated_bytes += other.deallocated_bytes;
        self.live_allocations += other.live_allocations;
        self.live_bytes += other.live_bytes;
        self.samples += other.samples;
        self.live_samples += other.live_samples;
    }
}

#[cfg(feature = "sampling")]
impl SubAssign for Variances {
    fn sub_assign(&mut self, other: Variances) {
        self.allocations -= other.allocations;
        self.deallocations -= other.deallocations;
        self.reallocations -= other.reallocations;
        self.allocated_bytes -= other.allocated_bytes;
        self.deallocated_bytes -= other.deallocated_bytes;
        self.live_allocations -= other.live_allocations;
        self.live_bytes -= other.live_bytes;
        self.samples = self.samples.wrapping_sub(other.samples);
        self.live_samples = self.live_samples.wrapping_sub(other.live_samples);
    }
}
