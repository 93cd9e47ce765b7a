//! Without a recorder a session writes at its end what [`export`](fn@crate::export) would: that nothing was recorded.

use crate::export::{ExportError, export, write_snapshot};
use crate::model::Snapshot;
use memscope_runtime::stderr_line::say;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Begins a session that writes to `path`, at the guard's drop alone, that nothing was recorded.
#[must_use = "the session ends when the guard is dropped"]
pub fn session(path: impl AsRef<Path>) -> Session {
    Session { path: path.as_ref().to_owned(), has_ended: false }
}

/// A session under way; see [`session()`].
#[derive(Debug)]
#[must_use = "the session ends when the guard is dropped"]
pub struct Session {
    path: PathBuf,
    has_ended: bool,
}

impl Session {
    /// Does nothing without a recorder.
    pub fn flush_every(self, _every: Duration) -> Session {
        self
    }

    /// Does nothing without a recorder.
    pub fn on_exit(self, _writes: bool) -> Session {
        self
    }

    /// Does nothing without a recorder.
    pub fn on_signals(self, _writes: bool) -> Session {
        self
    }

    /// Does nothing without a recorder.
    pub fn in_children(self, _writes: bool) -> Session {
        self
    }

    /// Where the recording is written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes that nothing was recorded.
    ///
    /// # Errors
    /// As [`export`](fn@crate::export).
    pub fn flush(&self) -> Result<(), ExportError> {
        export(&self.path)
    }

    /// Writes `snapshot`.
    ///
    /// # Errors
    /// As [`export`](fn@crate::export).
    pub fn flush_snapshot(&self, snapshot: &Snapshot) -> Result<(), ExportError> {
        write_snapshot(snapshot, &self.path)
    }

    /// Ends the session.
    ///
    /// # Errors
    /// As [`export`](fn@crate::export).
    pub fn finish(mut self) -> Result<(), ExportError> {
        self.has_ended = true;
        export(&self.path)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.has_ended {
            if let Err(error) = export(&self.path) {
                say(&error.to_string());
            }
        }
    }
}
