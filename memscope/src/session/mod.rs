//! A recording that is written whichever way the program ends.
//!
//! ```text
//!   drop, finish() ──┐
//!   process::exit ───┤ exits.rs                       ┌─→ a whole file, written beside and renamed
//!   a panic ─────────┤            ─→ recording.rs ────┤
//!   SIGINT, SIGTERM ─┤ signals.rs                     └─→ once more at the end, and never again
//!   flush_every ─────┘ watcher.rs: the one thread that waits
//! ```
//!
//! Invariants: the end is written once, by whoever comes first; two recordings never write to one file; nothing here
//! keeps a program from ending.

mod children;
mod exits;
mod recording;
mod signals;
mod watcher;

use crate::export::{ExportError, Format};
use crate::model::Snapshot;
use memscope_runtime::stderr_line::say;
use recording::Recording;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Begins a session: what was recorded is written to `path` when the program ends, in the format that its extension
/// names (`.memscope`, `.html`, `.json`). Recording itself runs from the first allocation, with a session or without.
///
/// The end is whichever comes first of the guard's drop, [`Session::finish`], `std::process::exit` or the return from
/// `main`, `SIGINT` and `SIGTERM`. A panic writes the state at that moment and the recording goes on, for it may be
/// caught. After `abort`, `SIGKILL` or `exec` what was written last stands; [`Session::flush_every`] sees to it that
/// something was.
///
/// A path to which nothing can be written is said on stderr at once, and the program goes on.
///
/// ```no_run
/// use std::time::Duration;
///
/// fn main() {
///     let _session = memscope::session("server.memscope").flush_every(Duration::from_secs(10));
///     // …
/// }
/// ```
///
/// # Signals
///
/// Only a signal whose default action stands when the session begins, or that has a handler then, is taken. An ignored
/// one stays ignored. Where the default action stood, the end is written and then the signal is raised again with it, so
/// that the program ends as it would have; the same signal again while that is written ends it at once. A handler that
/// was there is called as before, and beside it the state is written: whether the program ends is the handler's
/// business. A handler that is installed later wins.
///
/// # Threads and children
///
/// Signals and [`Session::flush_every`] need a thread of their own, `memscope-session`. In a program of one thread it ends
/// the shortcuts that glibc's `malloc` takes there (`docs/performance.md`, `plain-two-threads`);
/// `on_signals(false)` without `flush_every` needs none.
///
/// A fork's child writes nothing, unless [`Session::in_children`] says so.
#[must_use = "the session ends when the guard is dropped"]
pub fn session(path: impl AsRef<Path>) -> Session {
    let _own = memscope_runtime::own_work();
    #[cfg(feature = "serve")]
    crate::serve::as_environment_says();
    let path = path.as_ref();
    match begin(path) {
        Ok(recording) => Session { recording: Some(recording), path: path.to_owned() },
        Err(reason) => {
            say(&format!("{reason}; the session is not recorded"));
            Session { recording: None, path: path.to_owned() }
        }
    }
}

fn begin(path: &Path) -> Result<Arc<Recording>, String> {
    Format::of(path).map_err(|error| error.to_string())?;
    let absolute = std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let folder = absolute.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("{}: the folder cannot be made: {error}", folder.display()))?;
    if absolute.is_dir() {
        return Err(format!("{}: it is a folder; name a file", path.display()));
    }
    let recording = recording::begin(absolute)?;
    children::learn();
    exits::learn();
    signals::take();
    watcher::look();
    Ok(recording)
}

/// A session under way; see [`session()`].
#[derive(Debug)]
#[must_use = "the session ends when the guard is dropped"]
pub struct Session {
    /// `None`: nothing is written, which was said when it began.
    recording: Option<Arc<Recording>>,
    path: PathBuf,
}

impl Session {
    /// Also writes the state so often while the program runs; zero: not at all.
    ///
    /// Each time is a snapshot of the whole program. To a `.memscope` file it is appended, behind the ones before, until the
    /// file would pass 16 MiB and is written anew; other files are written anew each time. A file is whole at every moment.
    pub fn flush_every(self, every: Duration) -> Session {
        if let Some(recording) = &self.recording {
            recording.set_flush_every(every);
            watcher::look();
        }
        self
    }

    /// Whether `process::exit`, the return from `main`, signals and panics write too, or only the guard's drop and
    /// [`Session::finish`]. They do unless this turns them off.
    pub fn on_exit(self, writes: bool) -> Session {
        if let Some(recording) = &self.recording {
            recording.set_on_exit(writes);
        }
        self.on_signals(writes)
    }

    /// Whether `SIGINT` and `SIGTERM` write. They do unless this or [`Session::on_exit`] turns them off.
    pub fn on_signals(self, writes: bool) -> Session {
        if let Some(recording) = &self.recording {
            recording.set_on_signals(writes);
            if recording::any(Recording::is_on_signals) {
                signals::take();
            } else {
                signals::give_back();
            }
            watcher::look();
        }
        self
    }

    /// Whether a fork's child writes a file of its own at its end: for `name.memscope`, `name.PID.memscope`. It does not
    /// unless this says so.
    ///
    /// In a child that file is written by the guard's drop, `process::exit` and the return from `main`, not by signals and
    /// not by [`Session::flush_every`].
    pub fn in_children(self, writes: bool) -> Session {
        if let Some(recording) = &self.recording {
            recording.set_in_children(writes);
        }
        self
    }

    /// Where the recording is written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the state now.
    ///
    /// # Errors
    /// As [`export`](fn@crate::export); the file is then as it was. After the session's end nothing is written.
    pub fn flush(&self) -> Result<(), ExportError> {
        self.recording.as_ref().map_or(Ok(()), |recording| recording.flush())
    }

    /// Writes `snapshot`, which the program took itself to look at it, as [`Session::flush`] writes the state of now: what was
    /// looked at and what is in the file is one.
    ///
    /// # Errors
    /// As [`Session::flush`].
    pub fn flush_snapshot(&self, snapshot: &Snapshot) -> Result<(), ExportError> {
        self.recording.as_ref().map_or(Ok(()), |recording| recording.flush_snapshot(snapshot))
    }

    /// Ends the session and says whether its end could be written.
    ///
    /// # Errors
    /// As [`export`](fn@crate::export); the file is then as it was.
    pub fn finish(mut self) -> Result<(), ExportError> {
        let recording = self.recording.take();
        recording.map_or(Ok(()), |recording| end(&recording))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.recording.take().map(|recording| end(&recording)) {
            say(&error.to_string());
        }
    }
}

/// Writes the end, and gives back what no other session needs.
fn end(recording: &Arc<Recording>) -> Result<(), ExportError> {
    let _own = memscope_runtime::own_work();
    let written = recording.end();
    recording::forget(recording);
    if !recording::any(Recording::is_on_signals) {
        signals::give_back();
    }
    watcher::look();
    written
}
