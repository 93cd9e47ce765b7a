//! Where a thread is in the scope tree: the account that is current on it, for the thread itself and for the observer.
//!
//! The words are in the thread's own memory, so that the hook and the scopes need one instruction to get at them. The
//! observer finds them through the thread's row (`sight.rs`), until the thread's end.
//!
//! Orderings: the thread writes them alone, relaxed. The observer takes what it finds as an account only if the account's
//! number, which is published with release, is there to be read with acquire.

use crate::account::Account;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// The current account, and how often it was changed by entering.
#[derive(Debug)]
pub(crate) struct Whereabouts {
    /// Null: the thread is not known yet, it has ended, or nothing is recorded.
    account: AtomicPtr<Account>,
    /// Scopes entered so far. Two looks that find the same number and the same account say that the thread stayed.
    entries: AtomicU64,
}

/// What a look at them found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// Number of the account.
    pub(crate) account: u32,
    pub(crate) node: u32,
    pub(crate) entries: u64,
}

impl Whereabouts {
    pub(crate) const fn nowhere() -> Whereabouts {
        Whereabouts { account: AtomicPtr::new(ptr::null_mut()), entries: AtomicU64::new(0) }
    }

    /// The current account.
    #[inline(always)]
    pub(crate) fn account(&self) -> Option<&'static Account> {
        // SAFETY: null or an account, which stays mapped.
        unsafe { self.account.load(Ordering::Relaxed).as_ref() }
    }

    /// The current account.
    ///
    /// # Safety
    /// There is one.
    #[inline(always)]
    pub(crate) unsafe fn known_account(&self) -> &'static Account {
        // SAFETY: the caller says that it is not null; accounts stay mapped.
        unsafe { &*self.account.load(Ordering::Relaxed) }
    }

    /// Changes the current account.
    #[inline(always)]
    pub(crate) fn set(&self, account: Option<&'static Account>) {
        let account = account.map_or(ptr::null_mut(), |account| ptr::from_ref(account).cast_mut());
        self.account.store(account, Ordering::Relaxed);
    }

    /// Changes the current account to that of a scope which is entered.
    #[inline(always)]
    pub(crate) fn enter(&self, account: &'static Account) {
        self.entries.store(self.entries.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        self.account.store(ptr::from_ref(account).cast_mut(), Ordering::Relaxed);
    }

    /// Where the thread is, as another thread sees it; `None`: nowhere.
    pub(crate) fn position(&self) -> Option<Position> {
        let entries = self.entries.load(Ordering::Relaxed);
        let account = self.account()?;
        let id = account.published_id()?;
        Some(Position { account: id, node: account.node(), entries })
    }
}
