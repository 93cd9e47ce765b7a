//! Bytes → snapshot. The bytes may come from anywhere.

use super::{CHUNK_HEADER_BYTES, FILE_HEADER_BYTES, KIND_SNAPSHOT, MAGIC, MAJOR};
use crate::snapshot::Snapshot;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a recording could not be read.
#[derive(Debug)]
pub struct ReadError {
    /// The file, where there is one.
    pub path: Option<PathBuf>,
    /// What was found.
    pub kind: ReadErrorKind,
}

/// What was found instead of a recording.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// The file system would not give the bytes.
    Io(io::Error),
    /// The first bytes are not those of a `.memscope` file.
    NotARecording,
    /// Written by a newer memscope.
    Newer {
        /// Major version of the file.
        found: u16,
    },
    /// Written by a memscope before the first release.
    Older {
        /// Major version of the file.
        found: u16,
    },
    /// The file ends in the middle of a chunk.
    Truncated {
        /// Offset of what is incomplete.
        offset: usize,
        /// Bytes that it needs from there.
        needed: u64,
        /// Bytes that are there.
        available: usize,
    },
    /// A chunk's bytes are not those that were written.
    Checksum {
        /// Offset of the payload.
        offset: usize,
    },
    /// A chunk's bytes are whole and yet hold no snapshot.
    Payload {
        /// Offset of the payload.
        offset: usize,
        /// What postcard says.
        source: postcard::Error,
    },
    /// No chunk holds a snapshot.
    Empty,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}: ", path.display())?;
        }
        match &self.kind {
            ReadErrorKind::Io(error) => write!(f, "cannot be read: {error}"),
            ReadErrorKind::NotARecording => f.write_str(
                "is no .memscope recording (its first 8 bytes are not \"MEMSCOPE\"); \
                 make one with memscope::export(\"session.memscope\")",
            ),
            ReadErrorKind::Newer { found } => write!(
                f,
                "was written by a newer memscope (format {found}; this one reads up to {MAJOR}); update memscope"
            ),
            ReadErrorKind::Older { found } => write!(
                f,
                "was written by a memscope before the first release (format {found}; this one reads {MAJOR}); \
                 record it again"
            ),
            ReadErrorKind::Truncated { offset, needed, available } => write!(
                f,
                "is truncated: {needed} bytes are needed at offset {offset}, {available} are there; \
                 export or copy it again"
            ),
            ReadErrorKind::Checksum { offset } => {
                write!(
                    f,
                    "is damaged: the checksum of the bytes at offset {offset} does not match; copy it again"
                )
            }
            ReadErrorKind::Payload { offset, source } => {
                write!(f, "is damaged: no snapshot can be decoded at offset {offset} ({source})")
            }
            ReadErrorKind::Empty => f.write_str("holds no snapshot; export it again"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ReadErrorKind::Io(error) => Some(error),
            ReadErrorKind::Payload { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Reads the file at `path`.
///
/// # Errors
/// See [`ReadErrorKind`]; the error names the file.
pub fn read_file(path: &Path) -> Result<Snapshot, ReadError> {
    let at_path = |kind| ReadError { path: Some(path.to_owned()), kind };
    let bytes = std::fs::read(path).map_err(|error| at_path(ReadErrorKind::Io(error)))?;
    decode(&bytes).map_err(at_path)
}

/// Reads a recording from memory.
///
/// # Errors
/// See [`ReadErrorKind`].
pub fn read(bytes: &[u8]) -> Result<Snapshot, ReadError> {
    decode(bytes).map_err(|kind| ReadError { path: None, kind })
}

/// The last whole snapshot in `bytes`.
fn decode(bytes: &[u8]) -> Result<Snapshot, ReadErrorKind> {
    let magic = &bytes[..bytes.len().min(MAGIC.len())];
    if magic.is_empty() || !MAGIC.starts_with(magic) {
        return Err(ReadErrorKind::NotARecording);
    }
    let Some(header) = bytes.get(..FILE_HEADER_BYTES) else {
        return Err(ReadErrorKind::Truncated {
            offset: 0,
            needed: FILE_HEADER_BYTES as u64,
            available: bytes.len(),
        });
    };
    let major = u16::from_le_bytes([header[8], header[9]]);
    if major > MAJOR {
        return Err(ReadErrorKind::Newer { found: major });
    }
    if major < MAJOR {
        return Err(ReadErrorKind::Older { found: major });
    }
    let mut offset = FILE_HEADER_BYTES;
    let mut snapshot = None;
    while offset < bytes.len() {
        let rest = &bytes[offset..];
        let truncated = |offset, needed, available| ReadErrorKind::Truncated { offset, needed, available };
        let Some((header, rest)) = rest.split_at_checked(CHUNK_HEADER_BYTES) else {
            return Err(truncated(offset, CHUNK_HEADER_BYTES as u64, rest.len()));
        };
        let kind = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
        let length = u64::from_le_bytes(header[4..12].try_into().expect("a slice of eight bytes"));
        let checksum = u32::from_le_bytes([header[12], header[13], header[14], header[15]]);
        offset += CHUNK_HEADER_BYTES;
        let Some(payload) = usize::try_from(length).ok().and_then(|length| rest.get(..length)) else {
            return Err(truncated(offset, length, rest.len()));
        };
        if crc32fast::hash(payload) != checksum {
            return Err(ReadErrorKind::Checksum { offset });
        }
        if kind == KIND_SNAPSHOT {
            snapshot = Some(
                postcard::from_bytes(payload).map_err(|source| ReadErrorKind::Payload { offset, source })?,
            );
        }
        offset += payload.len();
    }
    snapshot.ok_or(ReadErrorKind::Empty)
}
