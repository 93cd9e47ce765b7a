//! The thread `memscope-alerts`: it reads the figures, asks the conditions, and tells.
//!
//! Invariant: it runs under memscope's own account but while a callback does, and holds no lock then.

use super::condition::Condition;
use super::reading::{self, Reading};
use super::recent;
use super::{Alert, Callback, When};
use crate::own_work;
use crate::snapshot::Severity;
use crate::stderr_line::{self, say};
use parking_lot::{Condvar, Mutex};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Between two looks at live bytes. A look reads two cache lines of each account: some 100 µs for 20,000 of them.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What growth is the mean of.
const GROWTH_OVER: Duration = Duration::from_secs(1);
/// Snapshots are at least so far apart …
const SNAPSHOT_EVERY: Duration = Duration::from_secs(1);
/// … and take at most one part in so many of the time.
const SNAPSHOT_PART: u32 = 100;

/// The thread, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Watcher {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
    /// The process that has the thread: a fork's child does not.
    process: u32,
}

#[derive(Debug, Default)]
struct Stop {
    is_asked: Mutex<bool>,
    asked: Condvar,
}

impl Stop {
    /// Waits for so long; true if the thread is to end.
    fn wait(&self, time: Duration) -> bool {
        let mut is_asked = self.is_asked.lock();
        if !*is_asked {
            self.asked.wait_for(&mut is_asked, time);
        }
        *is_asked
    }
}

impl Watcher {
    /// `None`: nothing is recorded, there is nothing to look at, or the system gave no thread.
    pub(super) fn start(when: When) -> Option<Watcher> {
        let _own = own_work();
        if !reading::prepare() {
            static SAID: AtomicBool = AtomicBool::new(false);
            say_once(&SAID, "nothing is recorded in this process, so no alert will come");
            return None;
        }
        let has_thresholds =
            when.conditions.iter().any(|condition| !matches!(condition, Condition::Finding(_)));
        if has_thresholds && !reading::knows_live_bytes() {
            static SAID: AtomicBool = AtomicBool::new(false);
            say_once(
                &SAID,
                "the memscope allocator is not installed, so no alert on live bytes or their growth will come",
            );
        }
        if when.conditions.is_empty() {
            return None;
        }
        let stop = Arc::new(Stop::default());
        let stop_of_thread = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("memscope-alerts".to_owned())
            .spawn(move || run(when, &stop_of_thread));
        match thread {
            Ok(thread) => Some(Watcher { stop, thread: Some(thread), process: process::id() }),
            Err(error) => {
                say(&format!("the system gives no thread for alerts, so none will come: {error}"));
                None
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if self.process != process::id() {
            // The lock may be held by the thread that was not taken along, and there is nobody to wait for.
            mem::forget(thread);
            return;
        }
        *self.stop.is_asked.lock() = true;
        self.stop.asked.notify_all();
        if thread.thread().id() != thread::current().id() {
            // It ends with a panic if the program's callbacks panic when they are dropped, which is their own affair.
            let _ = thread.join();
        }
    }
}

/// Where a callback's alerts go, and what it did with them.
struct Sinks {
    to_stderr: bool,
    callbacks: Vec<Callback>,
    has_panicked: bool,
}

/// What grew since when.
struct Growth {
    since: Instant,
    from: Reading,
}

fn run(when: When, stop: &Stop) {
    let When { mut conditions, to_stderr, callbacks, every } = when;
    let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
    let mut sinks = Sinks { to_stderr: to_stderr || callbacks.is_empty(), callbacks, has_panicked: false };
    // Ends before the sinks do: what callbacks hold is the program's.
    let mut own = Some(own_work());
    let has = |conditions: &[Condition], is: fn(&Condition) -> bool| conditions.iter().any(is);
    let asks_live_bytes = has(&conditions, |condition| matches!(condition, Condition::LiveBytes(_)));
    let asks_growth = has(&conditions, |condition| matches!(condition, Condition::Growth(_)));
    let asks_findings = has(&conditions, |condition| matches!(condition, Condition::Finding(_)));
    let mut growth = Growth { since: Instant::now(), from: Reading::by_scope() };
    let mut next_snapshot = Instant::now() + SNAPSHOT_EVERY;
    loop {
        let mut alerts = Vec::new();
        if asks_live_bytes {
            alerts.extend(live_bytes_alerts(&mut conditions, every_ms));
        }
        if asks_growth && growth.since.elapsed() >= GROWTH_OVER {
            alerts.extend(growth_alerts(&mut conditions, &mut growth, every_ms));
        }
        if asks_findings && Instant::now() >= next_snapshot {
            let started = Instant::now();
            alerts.extend(finding_alerts(&mut conditions, every_ms));
            next_snapshot = Instant::now() + SNAPSHOT_EVERY.max(started.elapsed() * SNAPSHOT_PART);
        }
        for alert in alerts {
            sinks.tell(&alert, &mut own);
        }
        if stop.wait(LOOK_EVERY) {
            break;
        }
    }
}

fn live_bytes_alerts(conditions: &mut [Condition], every_ms: u64) -> Vec<Alert> {
    let (now_ms, now) = (reading::now_ms(), Reading::of_total());
    let thresholds = conditions.iter_mut().filter_map(|condition| match condition {
        Condition::LiveBytes(threshold) => Some(threshold),
        _ => None,
    });
    let due = thresholds.filter_map(|threshold| {
        let held_back = threshold.take(now.live_bytes, now_ms, every_ms)?;
        let most = threshold.most();
        let holds = Reading::by_scope().most_beyond(&Reading::default());
        let holder = holds.map(|(scope, bytes)| format!("; {scope} holds most of them, {bytes} bytes"));
        Some(Alert {
            kind: "live_bytes".to_owned(),
            severity: Severity::Warning,
            message: format!(
                "{} bytes are live, more than {most}{}. `memscope::export` shows which variables hold them.{}",
                now.live_bytes,
                holder.unwrap_or_default(),
                now.note(),
            ),
            value: Some(now.live_bytes),
            value_error: now.live_bytes_error,
            threshold: Some(most),
            unit: "bytes".to_owned(),
            ms: now_ms,
            held_back,
            finding: None,
        })
    });
    due.collect()
}

fn growth_alerts(conditions: &mut [Condition], growth: &mut Growth, every_ms: u64) -> Vec<Alert> {
    let (now_ms, now) = (reading::now_ms(), Reading::by_scope());
    let elapsed_ms = growth.since.elapsed().as_millis().max(1);
    let gained = now.live_bytes.saturating_sub(growth.from.live_bytes);
    let a_second = u64::try_from(u128::from(gained) * 1_000 / elapsed_ms).unwrap_or(u64::MAX);
    let thresholds = conditions.iter_mut().filter_map(|condition| match condition {
        Condition::Growth(threshold) => Some(threshold),
        _ => None,
    });
    let due = thresholds.filter_map(|threshold| {
        let held_back = threshold.take(a_second, now_ms, every_ms)?;
        let most = threshold.most();
        let gainer = now.most_beyond(&growth.from);
        let gainer = gainer.map(|(scope, bytes)| format!("; {scope} gained most, {bytes} bytes"));
        Some(Alert {
            kind: "growth".to_owned(),
            severity: Severity::Warning,
            message: format!(
                "live memory grew by {gained} bytes in {elapsed_ms} ms, {a_second} bytes per second, more than \
                 {most}{}. If it goes on, see what is kept there.{}",
                gainer.unwrap_or_default(),
                now.note(),
            ),
            value: Some(a_second),
            value_error: None,
            threshold: Some(most),
            unit: "bytes per second".to_owned(),
            ms: now_ms,
            held_back,
            finding: None,
        })
    });
    let due = due.collect();
    *growth = Growth { since: Instant::now(), from: now };
    due
}

fn finding_alerts(conditions: &mut [Condition], every_ms: u64) -> Vec<Alert> {
    let (now_ms, findings) = (reading::now_ms(), crate::snapshot(&[]).findings);
    let conditions = conditions.iter_mut().filter_map(|condition| match condition {
        Condition::Finding(condition) => Some(condition),
        _ => None,
    });
    conditions.filter_map(|condition| condition.take(&findings, now_ms, every_ms)).collect()
}

impl Sinks {
    /// Tells everybody. While a callback runs, what it does is the program's.
    fn tell(&mut self, alert: &Alert, own: &mut Option<crate::OwnWork>) {
        recent::note(alert);
        if self.to_stderr {
            stderr_line::write(format!("{alert}\n").as_bytes());
        }
        for callback in &mut self.callbacks {
            *own = None;
            let outcome = catch_unwind(AssertUnwindSafe(|| callback(alert)));
            *own = Some(own_work());
            let Err(payload) = outcome else { continue };
            mem::forget(payload); // dropping it could panic too
            if !mem::replace(&mut self.has_panicked, true) {
                say("a callback for alerts panicked; it is called again with the next one");
            }
        }
    }
}

fn say_once(said: &AtomicBool, text: &str) {
    if !said.swap(true, Ordering::Relaxed) {
        say(text);
    }
}
