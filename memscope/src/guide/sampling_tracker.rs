//! `SamplingTracker`: records what is declared to a file while the program runs.

use super::tracker::{TrackError, check};
use crate::export::{ExportError, export_with};
use memscope_runtime::declared::Ledger;
use memscope_runtime::stderr_line::say;
use parking_lot::Mutex;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Why a declaration was not recorded, or not written.
#[derive(Debug)]
#[non_exhaustive]
pub enum TrackVariableError {
    /// The address range cannot be an allocation.
    NoAllocation(TrackError),
    /// It was noted, but the file could not be written.
    Export(ExportError),
}

impl fmt::Display for TrackVariableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrackVariableError::NoAllocation(error) => error.fmt(f),
            TrackVariableError::Export(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TrackVariableError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TrackVariableError::NoAllocation(error) => Some(error),
            TrackVariableError::Export(error) => Some(error),
        }
    }
}

impl From<TrackError> for TrackVariableError {
    fn from(error: TrackError) -> Self {
        TrackVariableError::NoAllocation(error)
    }
}

impl From<ExportError> for TrackVariableError {
    fn from(error: ExportError) -> Self {
        TrackVariableError::Export(error)
    }
}

/// How long what was declared may wait for the file.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// What the lots are drawn with: always the same, so that the same program keeps the same declarations, and two
/// recordings of it differ by what it did.
const LOTS: u64 = 0;

/// Records declared variables to a file while the program runs.
///
/// Every declaration is counted; of a place that declares often, only a part is kept (see
/// [`SamplingTracker::track_variable`]). A name that is made of numbers makes a place of its own each time.
#[derive(Debug)]
pub struct SamplingTracker {
    recorder: Arc<FileRecorder>,
}

#[derive(Debug)]
struct FileRecorder {
    path: PathBuf,
    ledger: Ledger,
    /// When the file was last written; `None`: not yet.
    flushed: Mutex<Option<Instant>>,
}

/// Recorders of this process, so that who reads their file reads all of it.
static RECORDERS: Mutex<Vec<Weak<FileRecorder>>> = Mutex::new(Vec::new());

impl SamplingTracker {
    /// Records to `path` with the extension `.memscope`; folders that are missing are made with the first write.
    pub fn new(path: impl AsRef<Path>) -> SamplingTracker {
        let mut path = path.as_ref().to_owned();
        if path.as_os_str().is_empty() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            path.push("recording"); // a folder was named
        }
        if path.extension().is_none_or(|extension| extension != "memscope") {
            let mut name = OsString::from(path);
            name.push(".memscope");
            path = PathBuf::from(name);
        }
        let mut recorders = RECORDERS.lock();
        recorders.retain(|recorder| recorder.strong_count() > 0);
        let wanted = std::path::absolute(&path).ok();
        let mut known = recorders.iter().filter_map(Weak::upgrade);
        if let Some(recorder) = known.find(|known| std::path::absolute(&known.path).ok() == wanted) {
            return SamplingTracker { recorder }; // two trackers of one file write one recording
        }
        let recorder =
            Arc::new(FileRecorder { path, ledger: Ledger::sampled(LOTS), flushed: Mutex::new(None) });
        recorders.push(Arc::downgrade(&recorder));
        SamplingTracker { recorder }
    }

    /// Declares a variable of `size` bytes at address `ptr`. The file is written at the first declaration and then
    /// at most once a second.
    ///
    /// All of the first 1,000 declarations with this name and type at this place in the source are kept; from the
    /// `1,000 × 2^k`-th on each is kept with a probability of `1 / 2^(k + 1)` and stands for `2^(k + 1)` of them, its
    /// [`Instance::weight`](crate::model::Instance::weight). How many there were is counted; bytes and what lives are
    /// estimates from then on, with their standard errors beside them.
    ///
    /// # Errors
    /// A null address, a range that leaves the address space, and what the file system refuses.
    #[track_caller]
    pub fn track_variable(
        &self,
        ptr: usize,
        size: usize,
        var_name: String,
        type_name: String,
    ) -> Result<(), TrackVariableError> {
        check(ptr, size)?;
        let place = Some(Location::caller());
        self.recorder.ledger.declare(ptr, size, Some(var_name), Some(type_name), place);
        let due = self.recorder.flushed.lock().is_none_or(|last| last.elapsed() >= FLUSH_EVERY);
        if due {
            self.recorder.flush()?;
        }
        Ok(())
    }

    /// Declares that the variable at `ptr` was freed; `false` if none was declared there, which is counted.
    ///
    /// Addresses of declarations that are not kept are forgotten. A free of an address that is not known is taken for
    /// the end of one of them, and gives `true`, as long as there were more such declarations than such frees.
    /// `false` is therefore sure; `true` is sure as long as every declaration is kept.
    pub fn track_deallocation(&self, ptr: usize) -> bool {
        self.recorder.ledger.declare_free(ptr)
    }

    /// Where the recording is.
    pub fn path(&self) -> &Path {
        &self.recorder.path
    }

    /// Writes the file now.
    ///
    /// # Errors
    /// What the file system refuses; the file is then as it was.
    pub fn flush(&self) -> Result<(), ExportError> {
        self.recorder.flush()
    }
}

impl FileRecorder {
    fn flush(&self) -> Result<(), ExportError> {
        // One writer at a time; set before writing, so that a full disk is not asked at every declaration.
        let mut flushed = self.flushed.lock();
        *flushed = Some(Instant::now());
        let io = |source: io::Error| ExportError::Io { path: self.path.clone(), source };
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(io)?;
        }
        export_with(&[&self.ledger], &self.path)
    }
}

impl Drop for SamplingTracker {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            say(&error.to_string()); // a destructor has no other way
        }
    }
}

pub(super) fn flush_trackers_of(path: &Path) -> Result<(), ExportError> {
    let recorders: Vec<_> = RECORDERS.lock().iter().filter_map(Weak::upgrade).collect();
    let wanted = std::path::absolute(path).ok();
    for recorder in recorders {
        if std::path::absolute(&recorder.path).ok() == wanted {
            recorder.flush()?;
        }
    }
    Ok(())
}
