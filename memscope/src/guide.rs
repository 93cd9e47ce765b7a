//! The types of the user guide, each a thin face of the recorder's.

use crate::export::{ExportError, export_with, write_snapshot};
use crate::model::{Provenance, Snapshot};
use memscope_runtime::declared::{Declared, Ledger};
use memscope_runtime::format;
use parking_lot::Mutex;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write as _};
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// One tracked allocation.
#[derive(Clone, Debug, PartialEq)]
pub struct AllocationInfo {
    /// Memory address.
    pub ptr: usize,
    /// Bytes: as declared, or as they are now where the allocator knows the block.
    pub size: usize,
    /// The variable's name.
    pub var_name: Option<String>,
    /// The type's name, if it was declared.
    pub type_name: Option<String>,
    /// Number of the thread that declared it, as in [`Thread::id`](crate::model::Thread::id).
    pub thread_id: String,
    /// When it was declared: nanoseconds since the Unix epoch.
    pub timestamp_alloc: u64,
    /// When it was freed, declared or measured: nanoseconds since the Unix epoch; `None`: it lives.
    pub timestamp_dealloc: Option<u64>,
    /// Active borrows. Borrows of plain references leave no trace at run time: see `borrow_provenance`.
    pub borrow_count: usize,
    /// Where `borrow_count` comes from: [`Provenance::NotMeasured`] means that its 0 says nothing.
    pub borrow_provenance: Provenance,
    /// Call stack. memscope unwinds no stacks: always `None`; the scope tree says who allocated.
    pub stack_trace: Option<Vec<String>>,
    /// Whether it outlived its scope and is live at export. A declared allocation has no scope that ends: `false`.
    pub is_leaked: bool,
    /// From declaration to free, in milliseconds; `None`: it lives.
    pub lifetime_ms: Option<u64>,
    /// Whether size and end were measured by the allocator or are as declared.
    pub provenance: Provenance,
}

impl From<Declared> for AllocationInfo {
    fn from(declared: Declared) -> Self {
        AllocationInfo {
            ptr: declared.address,
            size: declared.bytes,
            var_name: declared.name,
            type_name: declared.type_name,
            thread_id: declared.thread.to_string(),
            timestamp_alloc: declared.declared_ns,
            timestamp_dealloc: declared.ended_ns,
            borrow_count: 0,
            borrow_provenance: Provenance::NotMeasured,
            stack_trace: None,
            is_leaked: false,
            lifetime_ms: declared.ended_ns.map(|end| end.saturating_sub(declared.declared_ns) / 1_000_000),
            provenance: declared.provenance,
        }
    }
}

/// Sums over the process, or over what was declared where no allocator of memscope's is installed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryStats {
    /// Blocks allocated.
    pub total_allocations: usize,
    /// Blocks alive.
    pub active_allocations: usize,
    /// The most bytes alive at once.
    pub peak_memory: usize,
    /// Executions of tracked bindings that outlived their scope and are live.
    pub leaked_allocations: usize,
    /// Memory lost between and inside blocks.
    pub fragmentation_analysis: FragmentationAnalysis,
    /// What became of the tracked bindings.
    pub lifecycle_stats: ScopeLifecycleMetrics,
}

/// Memory lost between and inside blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FragmentationAnalysis {
    /// Bytes inside live blocks past what was asked for; `None`: not measured (no version of memscope measures it
    /// yet).
    pub slack_bytes: Option<u64>,
}

/// What became of the tracked bindings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeLifecycleMetrics {
    /// Nodes of the scope tree.
    pub scopes: usize,
    /// Executions of tracked bindings.
    pub instances: u64,
    /// Those whose binding is in scope.
    pub active_instances: u64,
    /// Those whose blocks are all freed.
    pub deallocated_instances: u64,
    /// Those whose binding has ended while blocks of theirs live.
    pub outlived_instances: u64,
}

impl MemoryStats {
    /// The sums of a snapshot.
    pub fn of(snapshot: &Snapshot) -> MemoryStats {
        let figure = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let sum =
            |value: fn(&crate::model::Variable) -> u64| snapshot.variables.iter().map(value).sum::<u64>();
        let outlived = sum(|variable| variable.stages.allocated);
        MemoryStats {
            total_allocations: figure(snapshot.totals.allocations),
            active_allocations: figure(snapshot.totals.live_allocations),
            peak_memory: figure(snapshot.totals.peak_bytes),
            leaked_allocations: figure(outlived),
            fragmentation_analysis: FragmentationAnalysis::default(),
            lifecycle_stats: ScopeLifecycleMetrics {
                scopes: snapshot.scopes.len(),
                instances: sum(|variable| variable.instances),
                active_instances: sum(|variable| variable.active_instances),
                deallocated_instances: sum(|variable| variable.stages.deallocated),
                outlived_instances: outlived,
            },
        }
    }
}

/// An address range that cannot be an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackError {
    ptr: usize,
    size: usize,
}

impl fmt::Display for TrackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TrackError { ptr, size } = self;
        write!(
            f,
            "{size} bytes at {ptr:#x} are no allocation: the address is null or the range leaves memory; "
        )?;
        f.write_str("declare the address that the allocator gave, such as `vec.as_ptr() as usize`")
    }
}

impl std::error::Error for TrackError {}

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

fn check(ptr: usize, size: usize) -> Result<(), TrackError> {
    // No allocation of Rust's is larger than `isize::MAX` (`Layout` forbids it).
    if ptr == 0 || size > isize::MAX.unsigned_abs() || ptr.checked_add(size).is_none() {
        Err(TrackError { ptr, size })
    } else {
        Ok(())
    }
}

/// Tracks allocations that the program declares, beside all that the allocator records.
#[derive(Debug, Default)]
pub struct MemoryTracker {
    ledger: Ledger,
}

impl MemoryTracker {
    /// A tracker to which nothing is declared yet.
    pub fn new() -> MemoryTracker {
        MemoryTracker::default()
    }

    /// Declares an allocation of `size` bytes at address `ptr`.
    ///
    /// Where memscope's allocator is installed and knows the block, its size and its end are measured from here on.
    /// An address that is declared again is taken for a new allocation.
    ///
    /// # Errors
    /// A null address, and a range that leaves the address space.
    pub fn track_allocation(
        &self,
        ptr: usize,
        size: usize,
        var_name: Option<String>,
    ) -> Result<(), TrackError> {
        check(ptr, size)?;
        self.ledger.declare(ptr, size, var_name, None, None);
        Ok(())
    }

    /// Declares that the allocation at `ptr` was freed; `false` if none was declared there, which is counted.
    pub fn track_deallocation(&self, ptr: usize) -> bool {
        self.ledger.declare_free(ptr)
    }

    /// What was declared, by time.
    pub fn get_allocations(&self) -> Vec<AllocationInfo> {
        self.ledger.list().into_iter().map(AllocationInfo::from).collect()
    }

    /// Sums over the process, or over what was declared where no allocator of memscope's is installed.
    pub fn get_stats(&self) -> MemoryStats {
        MemoryStats::of(&self.snapshot())
    }

    /// The program's memory at this moment, with what was declared.
    pub fn snapshot(&self) -> Snapshot {
        memscope_runtime::snapshot(&[&self.ledger])
    }

    /// Writes a `.memscope` recording.
    ///
    /// # Errors
    /// A path that does not end in `.memscope`, and what the file system refuses.
    pub fn export_user_binary(&self, path: impl AsRef<Path>) -> Result<(), ExportError> {
        let path = path.as_ref();
        if path.extension().is_none_or(|extension| extension != "memscope") {
            return Err(ExportError::UnknownExtension { path: path.to_owned() });
        }
        export_with(&[&self.ledger], path)
    }

    /// Makes a page of a recording; see [`Exporter::binary_to_html`].
    ///
    /// # Errors
    /// As [`Exporter::binary_to_html`].
    pub fn export_binary_to_html(
        recording: impl AsRef<Path>,
        html: impl AsRef<Path>,
    ) -> Result<ExportStats, ExportError> {
        Exporter::binary_to_html(recording, html)
    }
}

impl AsRef<MemoryTracker> for MemoryTracker {
    fn as_ref(&self) -> &MemoryTracker {
        self
    }
}

/// Writes the dashboard of the program and of what was declared to `tracker`.
///
/// # Errors
/// As [`export`](fn@crate::export).
pub fn export_html(tracker: impl AsRef<MemoryTracker>, path: impl AsRef<Path>) -> Result<(), ExportError> {
    let path = path.as_ref();
    if !is_html(path) {
        return Err(ExportError::UnknownExtension { path: path.to_owned() });
    }
    export_with(&[&tracker.as_ref().ledger], path)
}

/// How an [`Exporter`] writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportConfig {
    /// The program's name on the page; `None`: that of the running executable.
    pub program_name: Option<String>,
}

/// What an export did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportStats {
    /// Bytes of the page.
    pub bytes_written: u64,
    /// Allocations in the recording that it was made of: all of the process, or all that were declared.
    pub allocations: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// Exports allocation records that the caller has.
#[derive(Clone, Debug)]
pub struct Exporter {
    allocations: Vec<AllocationInfo>,
    stats: MemoryStats,
    config: ExportConfig,
}

impl Exporter {
    /// An exporter of these records. What lives is what the records say; `stats` may count more allocations than
    /// there are records, and a higher peak.
    pub fn new(allocations: Vec<AllocationInfo>, stats: MemoryStats, config: ExportConfig) -> Exporter {
        Exporter { allocations, stats, config }
    }

    /// Writes the dashboard of the records.
    ///
    /// # Errors
    /// As [`export`](fn@crate::export).
    pub fn export_html(&self, path: impl AsRef<Path>) -> Result<ExportStats, ExportError> {
        let started = Instant::now();
        let _own = memscope_runtime::own_work();
        let records = self.allocations.iter().map(|info| {
            let thread = info.thread_id.parse().unwrap_or(0);
            let (name, type_name) = (info.var_name.clone(), info.type_name.clone());
            Declared::record(
                info.ptr,
                info.size,
                name,
                type_name,
                thread,
                info.timestamp_alloc,
                info.timestamp_dealloc,
                info.provenance,
            )
        });
        let mut snapshot = Ledger::of(records).snapshot();
        let figure = |value: usize| value as u64;
        // The records may be a part of what was counted; what lives is what they say.
        let totals = &mut snapshot.totals;
        totals.allocations = totals.allocations.max(figure(self.stats.total_allocations));
        totals.deallocations = totals.allocations - totals.live_allocations;
        totals.peak_bytes = totals.peak_bytes.max(figure(self.stats.peak_memory));
        if let Some(name) = &self.config.program_name {
            snapshot.program.name.clone_from(name);
        }
        write_page(&snapshot, path.as_ref(), started)
    }

    /// Makes a page of a recording, in this process or any other. A [`SamplingTracker`] of this process that
    /// records to that file writes its state first.
    ///
    /// # Errors
    /// A recording that cannot be read, and what [`export`](fn@crate::export) gives for the page.
    pub fn binary_to_html(
        recording: impl AsRef<Path>,
        html: impl AsRef<Path>,
    ) -> Result<ExportStats, ExportError> {
        let started = Instant::now();
        let _own = memscope_runtime::own_work();
        flush_trackers_of(recording.as_ref())?;
        let snapshot = format::read_file(recording.as_ref())?;
        write_page(&snapshot, html.as_ref(), started)
    }
}

fn is_html(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("html"))
}

fn write_page(snapshot: &Snapshot, path: &Path, started: Instant) -> Result<ExportStats, ExportError> {
    if !is_html(path) {
        return Err(ExportError::UnknownExtension { path: path.to_owned() });
    }
    write_snapshot(snapshot, path)?;
    let written =
        std::fs::metadata(path).map_err(|source| ExportError::Io { path: path.to_owned(), source })?;
    Ok(ExportStats {
        bytes_written: written.len(),
        allocations: snapshot.totals.allocations,
        elapsed: started.elapsed(),
    })
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
            report_lost(&error);
        }
    }
}

/// A destructor has no other way to say that a recording was not written; where stderr is closed it says nothing.
fn report_lost(error: &ExportError) {
    let _ = writeln!(io::stderr(), "memscope: {error}");
}

fn flush_trackers_of(path: &Path) -> Result<(), ExportError> {
    let recorders: Vec<_> = RECORDERS.lock().iter().filter_map(Weak::upgrade).collect();
    let wanted = std::path::absolute(path).ok();
    for recorder in recorders {
        if std::path::absolute(&recorder.path).ok() == wanted {
            recorder.flush()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stats_are_those_of_the_snapshot() {
        let tracker = MemoryTracker::new();
        tracker.track_allocation(0x1000, 64, Some("a".into())).expect("a fine range");
        tracker.track_allocation(0x2000, 36, None).expect("a fine range");
        assert!(tracker.track_deallocation(0x1000));
        assert!(!tracker.track_deallocation(0x3000));
        let snapshot = tracker.snapshot();
        assert_eq!(snapshot.mode, crate::model::Mode::Declared); // this test binary does not install the allocator
        let stats = tracker.get_stats();
        // Two declared, one of them freed; at most 64 + 36 = 100 bytes were declared live at once.
        assert_eq!((stats.total_allocations, stats.active_allocations, stats.peak_memory), (2, 1, 100));
        assert_eq!(snapshot.profiler.unmatched_declared_deallocations, 1);
        assert!(tracker.track_allocation(0, 8, None).is_err());
        assert!(tracker.track_allocation(usize::MAX, 8, None).is_err());
        assert!(tracker.track_allocation(1, usize::MAX - 8, None).is_err());
        // Sums of absurd sizes stay at their largest value instead of overflowing.
        for ptr in [1, 2, 3] {
            tracker
                .track_allocation(ptr, isize::MAX.unsigned_abs(), None)
                .expect("the largest that Rust allows");
        }
        assert_eq!(tracker.snapshot().totals.live_bytes, u64::MAX);
    }
}
