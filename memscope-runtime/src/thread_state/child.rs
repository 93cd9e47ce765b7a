//! A fork's child: of the threads there is one.

use super::table::key_of;
use super::{EYE, Local, RUNNING, ThreadState, os_thread_id, with};
use crate::account::Account;
use crate::{peak, scope};
use std::ptr;
use std::sync::atomic::Ordering;

/// In a fork's child: this thread is the only one, and has a new number.
pub(crate) fn only_this_thread(live_bytes: u64) {
    EYE.on.store(ptr::null_mut(), Ordering::Relaxed); // the observer is gone
    with(|local| {
        local.stop_quick();
        #[cfg(feature = "sampling")]
        crate::sampler::after_fork(&local.lottery);
        let this = local.state.get();
        for state in ThreadState::all() {
            if this.is_some_and(|this| ptr::eq(this, state)) {
                state.os_id.store(os_thread_id(), Ordering::Relaxed);
            } else {
                state.tenure.end();
                state.hide();
            }
        }
        RUNNING.store(u32::from(this.is_some()), Ordering::Relaxed);
        peak::only_thread(local.balance.held(), live_bytes);
        forget_steps(local);
    });
}

/// The observer starts with a first entry of a scope: so the next one of this thread is such.
fn forget_steps(local: &Local) {
    let Some((state, account)) = local.state.get().zip(local.account()) else { return };
    for node in scope::way_out(account.node()) {
        if let Some(account) = state.table.look_up(key_of(node)).and_then(Account::get) {
            account.forget_children();
        }
    }
}
