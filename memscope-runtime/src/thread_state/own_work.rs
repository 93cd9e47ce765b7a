//! memscope's own work on a thread, which is charged to an account of its own.

use super::{OWN_NODE, ThreadState, with, with_account};
use crate::account::Account;

/// Restores the account that was current before memscope's own work.
#[derive(Debug)]
#[must_use = "memscope's own work ends when this guard is dropped"]
pub struct OwnWork {
    previous: Option<&'static Account>,
    was_quick: bool,
}

/// Whether memscope itself is at work on this thread.
pub fn is_own_work() -> bool {
    with_account(|_, account| account.node()) == Some(OWN_NODE)
}

/// Charges what follows on this thread to memscope itself, until the guard is dropped.
pub fn own_work() -> OwnWork {
    let begun = with(|local| {
        let previous = local.account_or_join()?;
        let was_quick = local.stop_quick();
        local.here.set(local.state.get().and_then(ThreadState::own));
        Some(OwnWork { previous: Some(previous), was_quick })
    });
    begun.unwrap_or(OwnWork { previous: None, was_quick: false })
}

impl Drop for OwnWork {
    fn drop(&mut self) {
        if self.previous.is_some() {
            with(|local| {
                local.here.set(self.previous);
                if self.was_quick {
                    local.start_quick();
                }
                local.leave_if_ended();
            });
        }
    }
}
