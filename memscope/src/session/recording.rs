//! The sessions of this process, and what each has written.
//!
//! Lock order: the list, then a recording's phase. Writing holds the phase's lock alone, so that a slow disk keeps
//! nobody from beginning another session.

use super::children;
use crate::export::{ExportError, Format, export_with, write_snapshot};
use crate::model::Snapshot;
use memscope_runtime::format::Appender;
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long an exit waits for a writing that is under way on another thread.
const PATIENCE: Duration = Duration::from_secs(10);

// Relaxed, all of them: each is a setting of its own, read by whoever writes next.
/// One session.
#[derive(Debug)]
pub(super) struct Recording {
    path: PathBuf,
    /// Milliseconds; 0: not at all.
    flush_every_ms: AtomicU64,
    on_exit: AtomicBool,
    on_signals: AtomicBool,
    in_children: AtomicBool,
    /// When it was last written, or begun: milliseconds by [`now_ms`].
    flushed_ms: AtomicU64,
    phase: Mutex<Phase>,
}

#[derive(Debug)]
struct Phase {
    /// The process that writes to the path.
    pid: u32,
    has_ended: bool,
    /// What adds to a `.memscope` file while the program runs.
    appender: Option<Appender>,
}

/// The state that is written.
enum Moment<'a> {
    /// This one, which was taken before.
    Of(&'a Snapshot),
    /// That of now.
    Now,
    /// That of now, and none after it.
    End,
}

/// Milliseconds since the first session began.
fn now_ms() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX)
}

static ALL: Mutex<Vec<Arc<Recording>>> = Mutex::new(Vec::new());

/// A session that writes to the absolute `path`.
pub(super) fn begin(path: PathBuf) -> Result<Arc<Recording>, String> {
    let mut all = ALL.lock();
    if all.iter().any(|recording| recording.path == path) {
        return Err(format!("{}: another session of this program writes to it", path.display()));
    }
    let recording = Arc::new(Recording {
        path,
        flush_every_ms: AtomicU64::new(0),
        on_exit: AtomicBool::new(true),
        on_signals: AtomicBool::new(true),
        in_children: AtomicBool::new(false),
        flushed_ms: AtomicU64::new(now_ms()),
        phase: Mutex::new(Phase { pid: std::process::id(), has_ended: false, appender: None }),
    });
    all.push(Arc::clone(&recording));
    Ok(recording)
}

/// The sessions that have not been forgotten.
pub(super) fn all() -> Vec<Arc<Recording>> {
    ALL.lock().clone()
}

pub(super) fn any(is: impl Fn(&Recording) -> bool) -> bool {
    ALL.lock().iter().any(|recording| is(recording))
}

pub(super) fn forget(ended: &Arc<Recording>) {
    ALL.lock().retain(|recording| !Arc::ptr_eq(recording, ended));
}

impl Recording {
    pub(super) fn set_flush_every(&self, every: Duration) {
        let ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
        // What is asked for more often than once a millisecond is done so often.
        self.flush_every_ms.store(if every.is_zero() { 0 } else { ms.max(1) }, Ordering::Relaxed);
    }

    pub(super) fn set_on_exit(&self, writes: bool) {
        self.on_exit.store(writes, Ordering::Relaxed);
    }

    pub(super) fn set_on_signals(&self, writes: bool) {
        self.on_signals.store(writes, Ordering::Relaxed);
    }

    pub(super) fn set_in_children(&self, writes: bool) {
        self.in_children.store(writes, Ordering::Relaxed);
    }

    pub(super) fn is_on_exit(&self) -> bool {
        self.on_exit.load(Ordering::Relaxed)
    }

    pub(super) fn is_on_signals(&self) -> bool {
        self.on_signals.load(Ordering::Relaxed)
    }

    /// How long until it is to be written; `None`: not by time.
    pub(super) fn due_in(&self) -> Option<Duration> {
        match self.flush_every_ms.load(Ordering::Relaxed) {
            0 => None,
            every_ms => Some(Duration::from_millis(every_ms).saturating_sub(self.age())),
        }
    }

    /// Since it was last written, or begun.
    fn age(&self) -> Duration {
        Duration::from_millis(now_ms().saturating_sub(self.flushed_ms.load(Ordering::Relaxed)))
    }

    /// Writes the state, unless the session has ended.
    pub(super) fn flush(&self) -> Result<(), ExportError> {
        self.write(&mut self.phase.lock(), Moment::Now)
    }

    /// Writes `snapshot` as the state, unless the session has ended.
    pub(super) fn flush_snapshot(&self, snapshot: &Snapshot) -> Result<(), ExportError> {
        self.write(&mut self.phase.lock(), Moment::Of(snapshot))
    }

    /// As [`Self::flush`], if it was not written for so long and nobody is writing.
    pub(super) fn flush_if_older(&self, age: Duration) -> Result<(), ExportError> {
        match self.phase.try_lock() {
            Some(mut phase) if self.age() >= age => self.write(&mut phase, Moment::Now),
            _ => Ok(()),
        }
    }

    /// Writes the end, unless somebody did.
    pub(super) fn end(&self) -> Result<(), ExportError> {
        match self.phase.try_lock_for(PATIENCE) {
            Some(mut phase) => self.write(&mut phase, Moment::End),
            None => Ok(()), // what is being written is as good as the end
        }
    }

    fn write(&self, phase: &mut Phase, moment: Moment<'_>) -> Result<(), ExportError> {
        let path = match phase.pid == std::process::id() {
            _ if phase.has_ended => return Ok(()),
            true => self.path.clone(),
            // A child's: it has a file of its own from its first writing on, or none.
            false if self.in_children.load(Ordering::Relaxed) => children::path_of(&self.path),
            false => return Ok(()),
        };
        phase.has_ended = matches!(moment, Moment::End);
        self.flushed_ms.store(now_ms(), Ordering::Relaxed);
        let _own = memscope_runtime::own_work();
        if phase.has_ended {
            return export_with(&[], &path); // one snapshot alone, synced
        }
        let taken;
        let snapshot = match moment {
            Moment::Of(snapshot) => snapshot,
            _ => {
                taken = memscope_runtime::snapshot(&[]);
                &taken
            }
        };
        if !matches!(Format::of(&path), Ok(Format::Memscope)) {
            return write_snapshot(snapshot, &path);
        }
        let appender = match &mut phase.appender {
            Some(appender) if appender.path() == path => appender,
            other => other.insert(Appender::new(&path)),
        };
        let written = appender.append(snapshot);
        written.map(drop).map_err(|source| ExportError::Io { path, source })
    }
}

/// Holds all sessions still, for a fork.
pub(super) fn lock_for_fork() {
    let all = ALL.lock();
    for recording in all.iter() {
        std::mem::forget(recording.phase.lock());
    }
    std::mem::forget(all);
}

/// Lets them go on.
///
/// # Safety
/// [`lock_for_fork`] was called before, by this thread or by the one whose fork it is in.
pub(super) unsafe fn unlock(side: memscope_runtime::Side) {
    // SAFETY: the caller holds the list, and so no other thread looks at it or changes it.
    let all = unsafe { &*ALL.data_ptr() };
    for recording in all {
        // SAFETY: the caller's promise is handed on.
        unsafe { memscope_runtime::unlock(&recording.phase, side) };
    }
    // SAFETY: as above.
    unsafe { memscope_runtime::unlock(&ALL, side) };
}
