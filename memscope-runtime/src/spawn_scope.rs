//! A scope that is carried into work which runs elsewhere: on another thread, in another task.
//!
//! What is carried is one thread's account. It says the node, and is itself the answer where the work runs on that
//! thread; on any other, the account there is looked up. Nothing is counted: the work goes on in a scope that was
//! entered before.

use crate::account::Account;
use crate::thread_state::{self, Local};
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The scope that was current where [`spawn_scope`] was called, to run other work in.
///
/// It may be copied, sent and kept for as long as one likes, also past the end of the function whose scope it is.
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing runs in the scope unless it is given a closure or a future"]
pub struct SpawnScope {
    /// `None`: nothing was recorded, or memscope itself was at work. Then work runs in whichever scope it is polled
    /// or called.
    account: Option<&'static Account>,
}

/// The scope that is current on this thread, for work that is spawned from here.
///
/// Work on another thread or in another task begins at the root of the scope tree, for nothing says who spawned it.
/// With this, what it allocates is charged to the scope of its spawner, and tracked functions that it calls stand
/// below that:
///
/// ```
/// # use memscope_runtime as memscope;
/// let work = memscope::spawn_scope().closure(|| vec![0u8; 100]);
/// assert_eq!(std::thread::spawn(work).join().unwrap().len(), 100);
/// ```
#[inline]
pub fn spawn_scope() -> SpawnScope {
    let account = thread_state::with(Local::account_to_enter);
    SpawnScope { account: account.filter(|account| !account.is_own()) }
}

impl SpawnScope {
    /// No scope: leads nowhere.
    pub(crate) const NONE: SpawnScope = SpawnScope { account: None };

    /// Runs `work` in the scope, here and now.
    ///
    /// This is for pools that call one closure for many items: `items.par_iter().map(|item| scope.run(|| work(item)))`.
    #[inline]
    pub fn run<R>(mut self, work: impl FnOnce() -> R) -> R {
        let _inside = self.enter();
        work()
    }

    /// A closure that runs `work` in the scope, on whichever thread it is called.
    #[inline]
    pub fn closure<F: FnOnce() -> R, R>(self, work: F) -> impl FnOnce() -> R + use<F, R> {
        move || self.run(work)
    }

    /// A future whose polls, and whose drop, run in the scope, on whichever threads.
    #[inline]
    pub fn future<F: Future>(self, future: F) -> InScope<F> {
        InScope { scope: self, future: ManuallyDrop::new(future) }
    }

    /// The scope of an account.
    pub(crate) fn of(account: &'static Account) -> SpawnScope {
        SpawnScope { account: Some(account) }
    }

    /// Whether there is a scope to enter.
    #[inline(always)]
    pub(crate) fn is_known(self) -> bool {
        self.account.is_some()
    }

    /// Whether the account at hand is this thread's, so that entering needs no look-up.
    #[inline(always)]
    pub(crate) fn is_at_hand(self, local: &Local) -> bool {
        self.account.is_some_and(|account| account.is_of_program_on(local.thread()))
    }

    /// Enters the scope on this thread, and keeps this thread's account at hand for the next time.
    #[inline(always)]
    pub(crate) fn enter(&mut self) -> Inside {
        let Some(account) = self.account else { return Inside::NOTHING };
        let previous = thread_state::with(|local| {
            let current = local.account_to_enter()?;
            if current.is_own() {
                return None; // memscope's own work stays its own, whatever it calls
            }
            let account = if self.is_at_hand(local) { account } else { self.look_up(local, account)? };
            local.enter(account);
            Some(current)
        });
        previous.map_or(Inside::NOTHING, Inside::since)
    }

    #[cold]
    fn look_up(&mut self, local: &Local, account: &'static Account) -> Option<&'static Account> {
        let here = local.account_in(account.node())?;
        self.account = Some(here);
        Some(here)
    }
}

/// Restores the account that was current before a scope was entered again.
#[derive(Debug)]
pub(crate) struct Inside {
    previous: Option<&'static Account>,
    /// It belongs to the thread that entered.
    not_send: PhantomData<*const ()>,
}

impl Inside {
    /// Nothing was entered, and nothing is to be left.
    pub(crate) const NOTHING: Inside = Inside { previous: None, not_send: PhantomData };

    /// `previous` was current before.
    pub(crate) fn since(previous: &'static Account) -> Inside {
        Inside { previous: Some(previous), not_send: PhantomData }
    }

    /// Whether a scope was entered.
    #[inline(always)]
    pub(crate) fn is_entered(&self) -> bool {
        self.previous.is_some()
    }
}

impl Drop for Inside {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(previous) = self.previous {
            thread_state::with(|local| local.set_account(previous));
        }
    }
}

/// A future whose polls, and whose drop, run in the scope that spawned it: see [`SpawnScope::future`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct InScope<F> {
    scope: SpawnScope,
    future: ManuallyDrop<F>,
}

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the future is not moved: it is only reached through the pin below and dropped in place.
        let this = unsafe { self.get_unchecked_mut() };
        let _inside = this.scope.enter();
        // SAFETY: `this` was pinned, and `future` is pinned with it.
        unsafe { Pin::new_unchecked(&mut *this.future) }.poll(context)
    }
}

impl<F> Drop for InScope<F> {
    fn drop(&mut self) {
        let _inside = self.scope.enter();
        // SAFETY: dropped once, here, in place.
        unsafe { ManuallyDrop::drop(&mut self.future) };
    }
}
