//! Writing what was recorded: by the file's extension, beside the file first, then in its place.
//!
//! Invariant: a file that was there holds its old content or the new one, whole, at every moment.

use memscope_runtime::declared::Ledger;
use memscope_runtime::format;
use memscope_runtime::snapshot::Snapshot;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Configured export of allocation records.
pub mod api {
    pub use crate::guide::{ExportConfig, ExportStats, Exporter};
}

/// The shortest way from a tracker to a page.
pub mod clean_unified_api {
    pub use crate::guide::export_html;
}

/// Why an export failed. The file that was to be written is as it was before.
#[derive(Debug)]
#[non_exhaustive]
pub enum ExportError {
    /// The extension names no format.
    UnknownExtension {
        /// The path that was given.
        path: PathBuf,
    },
    /// The format needs a feature that is not compiled in.
    NotCompiledIn {
        /// The path that was given.
        path: PathBuf,
        /// The feature's name.
        feature: &'static str,
    },
    /// The file system refused.
    Io {
        /// The path that was given.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// There is no list of all live blocks.
    NoBlockList {
        /// The path that was given.
        path: PathBuf,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// The recording that was to be converted cannot be read.
    Read(format::ReadError),
    /// The page could not be made of the recording.
    Render {
        /// The path that was given.
        path: PathBuf,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExportError::UnknownExtension { path } => write!(
                f,
                "{}: cannot tell the format; name a file that ends in .memscope, .html or .json",
                path.display()
            ),
            ExportError::NotCompiledIn { path, feature } => write!(
                f,
                "{}: the feature `{feature}` of memscope is not enabled; enable it, or export a .memscope file and \
                 run `memscope render` or `memscope show --json`",
                path.display()
            ),
            ExportError::Io { path, source } => {
                write!(f, "{}: cannot be written: {source}{}", path.display(), format::advice(source))
            }
            ExportError::NoBlockList { path, reason } => {
                write!(f, "{}: no list of all live blocks can be written: {reason}", path.display())
            }
            ExportError::Read(error) => error.fmt(f),
            ExportError::Render { path, source } => write!(f, "{}: {source}", path.display()),
        }
    }
}

impl std::error::Error for ExportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ExportError::UnknownExtension { .. }
            | ExportError::NotCompiledIn { .. }
            | ExportError::NoBlockList { .. } => None,
            ExportError::Io { source, .. } => Some(source),
            ExportError::Read(error) => Some(error),
            ExportError::Render { source, .. } => Some(source.as_ref()),
        }
    }
}

impl From<format::ReadError> for ExportError {
    fn from(error: format::ReadError) -> Self {
        ExportError::Read(error)
    }
}

/// What a file's extension asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Memscope,
    Html,
    Json,
}

impl Format {
    pub(crate) fn of(path: &Path) -> Result<Format, ExportError> {
        let extension =
            path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("memscope") => Ok(Format::Memscope),
            Some("html") => Ok(Format::Html),
            Some("json") => Ok(Format::Json),
            _ => Err(ExportError::UnknownExtension { path: path.to_owned() }),
        }
    }
}

/// Writes the program's memory at this moment to `path`: a `.memscope` recording, an `.html` page or a `.json`
/// document, by its extension.
///
/// # Errors
/// Another extension, a format whose feature (`html`, `json`) is not enabled, and what the file system refuses. A file that was at
/// `path` is then as it was.
pub fn export(path: impl AsRef<Path>) -> Result<(), ExportError> {
    export_with(&[], path.as_ref())
}

/// Writes `snapshot`, which the program took itself, as [`export`] writes the state of now: what was looked at and what is in
/// the file is one.
///
/// # Errors
/// As [`export`].
pub fn export_snapshot(snapshot: &Snapshot, path: impl AsRef<Path>) -> Result<(), ExportError> {
    let _own = memscope_runtime::own_work();
    write_snapshot(snapshot, path.as_ref())
}

/// Writes the program's memory at this moment to `path`, a `.memscope` recording, with a list of *all* live blocks (address,
/// size, scope, thread, time, variable), where [`export`] lists the largest and counts the others.
///
/// It is the one file without a bound: about 12 bytes for each block, written as they are met, so that the list is never in
/// memory. It is made after the snapshot, of the blocks that live throughout: while other threads run, a block that came or
/// went meanwhile may be in one and not in the other. `memscope info` says how many there are, and
/// `memscope show --csv blocks` prints them.
///
/// # Errors
/// As [`export`]; another extension than `.memscope`; and [`ExportError::NoBlockList`] where not every block is recorded.
pub fn export_with_all_blocks(path: impl AsRef<Path>) -> Result<(), ExportError> {
    let _own = memscope_runtime::own_work();
    let path = path.as_ref();
    let none = |reason| Err(ExportError::NoBlockList { path: path.to_owned(), reason });
    if Format::of(path)? != Format::Memscope {
        return none("only a .memscope file holds one; name such a file");
    }
    #[cfg(any(feature = "live", feature = "sampling"))]
    {
        use memscope_runtime::snapshot::Mode;
        let (snapshot, blocks) = memscope_runtime::snapshot_with_blocks();
        match snapshot.mode {
            Mode::Live => format::write_file_with_all_blocks(path, &snapshot, |each| blocks.for_each(each))
                .map_err(|source| ExportError::Io { path: path.to_owned(), source }),
            Mode::Sampling => none("blocks are sampled; run with MEMSCOPE_MODE=live, or use `export`"),
            Mode::Declared => none("memscope's allocator is not the program's global one; install it"),
            Mode::Off => none("recording is turned off; run with MEMSCOPE_MODE=live"),
        }
    }
    #[cfg(not(any(feature = "live", feature = "sampling")))]
    none("recording is compiled out; enable the feature `live`")
}

pub(crate) fn export_with(ledgers: &[&Ledger], path: &Path) -> Result<(), ExportError> {
    // What memscope does for the export is its own work, not the program's.
    let _own = memscope_runtime::own_work();
    Format::of(path)?; // before the work of a snapshot
    write_snapshot(&memscope_runtime::snapshot(ledgers), path)
}

/// Writes `snapshot` in the format that the extension of `path` names.
pub(crate) fn write_snapshot(snapshot: &Snapshot, path: &Path) -> Result<(), ExportError> {
    let bytes = match Format::of(path)? {
        Format::Memscope => format::write(snapshot),
        Format::Html => html(snapshot, path)?.into_bytes(),
        Format::Json => json(snapshot, path)?,
    };
    format::replace_file(path, &bytes).map_err(|source| ExportError::Io { path: path.to_owned(), source })
}

#[cfg(feature = "html")]
fn html(snapshot: &Snapshot, path: &Path) -> Result<String, ExportError> {
    // What a file would list, so that the page of a live program and that of its file are one.
    memscope_dashboard::render(&format::bounded(snapshot))
        .map_err(|error| ExportError::Render { path: path.to_owned(), source: Box::new(error) })
}

#[cfg(not(feature = "html"))]
fn html(_snapshot: &Snapshot, path: &Path) -> Result<String, ExportError> {
    Err(ExportError::NotCompiledIn { path: path.to_owned(), feature: "html" })
}

#[cfg(feature = "json")]
fn json(snapshot: &Snapshot, path: &Path) -> Result<Vec<u8>, ExportError> {
    let mut json = serde_json::to_vec_pretty(snapshot)
        .map_err(|error| ExportError::Render { path: path.to_owned(), source: Box::new(error) })?;
    json.push(b'\n');
    Ok(json)
}

#[cfg(not(feature = "json"))]
fn json(_snapshot: &Snapshot, path: &Path) -> Result<Vec<u8>, ExportError> {
    Err(ExportError::NotCompiledIn { path: path.to_owned(), feature: "json" })
}
