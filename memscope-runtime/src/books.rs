//! Reading all accounts at one go.
//!
//! Counters of frees are read before those of allocations, over all accounts (see `account.rs`), so no live figure
//! is negative however many threads run meanwhile. Nothing is allocated from the program's allocator while
//! reading, so memscope's own figures are those of the same moment.

use crate::account::Account;
use crate::estimate::{Estimate, Variances};
use crate::pages::Scratch;
use std::sync::atomic::Ordering;

/// What an account said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// Number of the account.
    pub(crate) account: u32,
    pub(crate) node: u32,
    /// The thread that did it.
    pub(crate) thread: u32,
    /// The thread whose blocks it is about.
    pub(crate) owner_thread: u32,
    pub(crate) allocations: u64,
    pub(crate) deallocations: u64,
    pub(crate) reallocations: u64,
    pub(crate) allocated_bytes: u64,
    pub(crate) deallocated_bytes: u64,
    pub(crate) calls: u64,
    pub(crate) recursive_calls: u64,
    /// Of the figures that are estimates; all 0 where every block is recorded.
    pub(crate) variances: Variances,
}

/// All accounts.
pub(crate) fn read() -> Scratch<Reading> {
    // An account that is opened meanwhile waits for the next reading.
    let mut readings = Scratch::with_capacity(Account::all().count());
    for account in Account::all() {
        let fits = readings.push(Reading {
            account: account.id(),
            node: account.node(),
            thread: account.thread(),
            owner_thread: owner_thread(account),
            deallocations: account.deallocations.load(Ordering::Acquire),
            deallocated_bytes: account.deallocated_bytes.load(Ordering::Acquire),
            ..Reading::default()
        });
        if !fits {
            break;
        }
    }
    for reading in readings.as_mut_slice() {
        let Some(account) = Account::get(reading.account) else { continue };
        reading.allocations = account.allocations.load(Ordering::Relaxed);
        reading.allocated_bytes = account.allocated_bytes.load(Ordering::Relaxed);
        reading.reallocations = account.reallocations.load(Ordering::Relaxed);
        reading.calls = account.calls.load(Ordering::Relaxed);
        reading.recursive_calls = account.recursive_calls.load(Ordering::Relaxed);
        reading.variances = Estimate::known(account).map(Estimate::read).unwrap_or_default();
    }
    readings
}

/// The thread whose blocks an account is about.
pub(crate) fn owner_thread(account: &Account) -> u32 {
    let of = account.foreign_of();
    let owner = if of == 0 { Some(account) } else { Account::get(of) };
    owner.map_or(0, Account::thread)
}

/// Bytes of the program that are alive, without memscope's own.
pub(crate) fn live_bytes() -> u64 {
    let theirs = || Account::all().filter(|account| !account.is_own());
    let freed: u64 = theirs().map(|account| account.deallocated_bytes.load(Ordering::Acquire)).sum();
    let allocated: u64 = theirs().map(|account| account.allocated_bytes.load(Ordering::Relaxed)).sum();
    allocated.saturating_sub(freed)
}

/// The variance of [`live_bytes`], where that is an estimate.
pub(crate) fn live_bytes_variance() -> f64 {
    let theirs = Account::all().filter(|account| !account.is_own());
    theirs.filter_map(Estimate::known).map(Estimate::live_bytes).sum()
}
