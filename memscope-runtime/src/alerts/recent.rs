//! The alerts that came last, for who looks from time to time and was named by nobody: the live page.
//!
//! Invariant: bounded; an older alert goes when a newer one comes.

use super::Alert;
use parking_lot::Mutex;
use std::collections::VecDeque;

/// At one alert in 10 seconds from each condition, some minutes of a few conditions.
const MOST: usize = 64;

struct Recent {
    /// The number of the newest, from 1.
    last: u64,
    alerts: VecDeque<Alert>,
}

static RECENT: Mutex<Recent> = Mutex::new(Recent { last: 0, alerts: VecDeque::new() });

/// Alerts that came after the one with the number `after` (0: from the first on), oldest first, with their numbers. The
/// newest 64 of the process are kept, whoever asked for them.
pub fn recent(after: u64) -> Vec<(u64, Alert)> {
    let recent = RECENT.lock();
    let first = recent.last + 1 - recent.alerts.len() as u64;
    let numbered = (first..).zip(&recent.alerts);
    numbered.filter(|&(number, _)| number > after).map(|(number, alert)| (number, alert.clone())).collect()
}

/// Call it under [`own_work`](crate::own_work).
pub(super) fn note(alert: &Alert) {
    let mut recent = RECENT.lock();
    recent.last += 1;
    if recent.alerts.len() == MOST {
        recent.alerts.pop_front();
    }
    recent.alerts.push_back(alert.clone());
}

/// Takes the lock and keeps it, for a fork.
#[cfg(feature = "recorder")]
pub(crate) fn lock_for_fork() {
    std::mem::forget(RECENT.lock());
}

/// Gives it back, in the process that took it or in its fork's child.
///
/// # Safety
/// [`lock_for_fork`] was called before, by this thread or by the one whose fork it is in.
#[cfg(feature = "recorder")]
pub(crate) unsafe fn unlock(side: crate::fork::Side) {
    // SAFETY: the caller's promise is handed on.
    unsafe { crate::fork::unlock(&RECENT, side) };
}
