//! Futures of tracked functions: a scope that is entered at each poll.
//!
//! A task's node is fixed at its first poll, under the node that is current there, and stays when the task moves to
//! another thread. It is entered at each poll and for the drop, and left on pending, ready and panic alike.

use crate::account;
use crate::scope;
use crate::site::Site;
use crate::spawn_scope::{Inside, SpawnScope};
use crate::task_list::{End, Outermost};
use crate::thread_state;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future whose polls, and whose drop, run inside a scope.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Task<F> {
    site: &'static Site,
    /// The task's node, from the first poll on.
    scope: SpawnScope,
    /// `None`: before the first poll, after the end, and of a task that another one polls.
    outermost: Option<Outermost>,
    /// Whether the first poll is a call.
    is_call: bool,
    future: ManuallyDrop<F>,
}

/// Wraps the future of an async function so that it runs inside the scope of `site`. Its first poll is a call.
pub fn task<F: Future>(site: &'static Site, future: F) -> Task<F> {
    Task { site, scope: SpawnScope::NONE, outermost: None, is_call: true, future: ManuallyDrop::new(future) }
}

/// Wraps a future that a function of `site` returned, so that it runs inside that scope. The function itself was the
/// call.
pub fn future<F: Future>(site: &'static Site, future: F) -> Task<F> {
    Task { site, scope: SpawnScope::NONE, outermost: None, is_call: false, future: ManuallyDrop::new(future) }
}

impl<F> Task<F> {
    /// Fixes the task's node and enters it. Where nothing is recorded, or memscope itself polls, the next poll is the
    /// first one.
    #[cold]
    fn begin(&mut self) -> Inside {
        let entered = thread_state::with(|local| {
            let current = local.account_to_enter()?;
            if current.is_own() {
                return None;
            }
            let account = match scope::child(local, current, self.site) {
                Some((account, is_ancestor)) => {
                    if self.is_call {
                        account::add(&account.calls, 1);
                        account::add(&account.recursive_calls, u64::from(is_ancestor));
                    }
                    account
                }
                None => current, // the tree is full
            };
            local.enter(account);
            self.scope = SpawnScope::of(account);
            self.outermost = Outermost::begin(local, account.node());
            Some(Inside::since(current))
        });
        entered.unwrap_or(Inside::NOTHING)
    }
}

impl<F: Future> Future for Task<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the future is not moved: it is only reached through the pin below and dropped in place.
        let this = unsafe { self.get_unchecked_mut() };
        let inside = if this.scope.is_known() { this.scope.enter() } else { this.begin() };
        // SAFETY: `this` was pinned, and `future` is pinned with it.
        let future = unsafe { Pin::new_unchecked(&mut *this.future) };
        if this.outermost.is_none() || !inside.is_entered() {
            return future.poll(context);
        }
        let mut turn = Turn::begin(&mut this.outermost);
        let poll = future.poll(context);
        turn.end = if poll.is_ready() { Some(End::Finished) } else { None };
        poll
    }
}

impl<F> Drop for Task<F> {
    fn drop(&mut self) {
        let _inside = self.scope.enter();
        if let Some(outermost) = self.outermost {
            outermost.end(End::Dropped);
        }
        // SAFETY: dropped once, here, in place.
        unsafe { ManuallyDrop::drop(&mut self.future) };
    }
}

/// One poll of an outermost task. Dropped by unwinding, it says that the task panicked.
struct Turn<'a> {
    task: &'a mut Option<Outermost>,
    /// The task in whose poll this one is.
    around: Option<Outermost>,
    /// How the task ends with this poll.
    end: Option<End>,
}

impl<'a> Turn<'a> {
    #[inline(always)]
    fn begin(task: &'a mut Option<Outermost>) -> Turn<'a> {
        let around = thread_state::with(|local| {
            let around = local.task();
            local.set_task(*task);
            if let Some(task) = task {
                task.note_poll(local);
            }
            around
        });
        Turn { task, around, end: Some(End::Panicked) }
    }
}

impl Drop for Turn<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        thread_state::with(|local| local.set_task(self.around));
        if let Some(end) = self.end {
            if let Some(task) = self.task.take() {
                task.end(end);
            }
        }
    }
}
