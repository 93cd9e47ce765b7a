//! Why a recording could not be read.

use super::MAJOR;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a recording could not be read: in one line, what was found, where, and what to do.
#[derive(Debug)]
pub struct ReadError {
    /// The file, where there is one.
    pub path: Option<PathBuf>,
    /// What was found.
    pub kind: ReadErrorKind,
}

/// What was found instead of a recording. Offsets are in bytes from the file's start.
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
    /// The file ends before its first snapshot does.
    Truncated {
        /// Where the last chunk that is whole ends.
        offset: u64,
        /// Length of the file.
        file_bytes: u64,
    },
    /// What lies where a chunk's header should be is none, and no complete snapshot is in the file.
    Header {
        /// Offset of what should be a header.
        offset: u64,
    },
    /// A chunk's bytes are not those that were written.
    Checksum {
        /// Offset of the payload.
        offset: u64,
        /// What the chunk holds; `None`: this memscope does not know its kind.
        part: Option<&'static str>,
    },
    /// A chunk's bytes are whole and yet cannot be decoded.
    Payload {
        /// Offset of the payload.
        offset: u64,
        /// What the chunk should hold; `None`: this memscope does not know its kind.
        part: Option<&'static str>,
        /// What is wrong.
        what: String,
    },
    /// A chunk, or all of a snapshot's together, say that they hold more than is read.
    TooLarge {
        /// Offset of the chunk's header.
        offset: u64,
        /// Bytes that are declared or needed.
        bytes: u64,
        /// The most that is read.
        most: u64,
    },
    /// A chunk without which the snapshot cannot be read is of a kind, codec or flags that this memscope does not know.
    NotUnderstood {
        /// Offset of the chunk's header.
        offset: u64,
        /// Its kind.
        kind: u16,
        /// Its codec.
        codec: u8,
        /// Its flags.
        flags: u8,
    },
    /// Nothing follows the file's header.
    Empty,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}: ", path.display())?;
        }
        self.kind.fmt(f)
    }
}

impl fmt::Display for ReadErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = "a part that is not known";
        match self {
            ReadErrorKind::Io(error) => write!(f, "cannot be read: {error}{}", advice(error)),
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
            ReadErrorKind::Truncated { offset, file_bytes } => write!(
                f,
                "is truncated: its snapshot goes on past the file's end (byte {file_bytes}; whole up to byte \
                 {offset}); `memscope recover` saves what is whole, or copy or export it again"
            ),
            ReadErrorKind::Header { offset } => write!(
                f,
                "is damaged at byte {offset} and holds no complete snapshot; `memscope recover` saves what is whole, \
                 or copy or export it again"
            ),
            ReadErrorKind::Checksum { offset, part } => write!(
                f,
                "is damaged: the checksum of the bytes at {offset} ({}) does not match; `memscope recover` saves \
                 what is whole, or copy it again",
                part.unwrap_or(unknown)
            ),
            ReadErrorKind::Payload { offset, part, what } => write!(
                f,
                "is damaged: no {} can be decoded at byte {offset} ({what}); `memscope recover` saves what is whole, \
                 or export it again",
                part.unwrap_or(unknown)
            ),
            ReadErrorKind::TooLarge { offset, bytes, most } => write!(
                f,
                "is refused: what lies at byte {offset} takes {bytes} bytes when it is unpacked, and at most {most} \
                 are read; no memscope writes such a file, so export it again"
            ),
            ReadErrorKind::NotUnderstood { offset, kind, codec, flags } => write!(
                f,
                "cannot be read without the chunk at byte {offset}, which this memscope does not know (kind {kind}, \
                 codec {codec}, flags {flags:#04x}); update memscope"
            ),
            ReadErrorKind::Empty => f.write_str("holds no snapshot; export it again"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ReadErrorKind::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for ReadErrorKind {
    fn from(error: io::Error) -> Self {
        ReadErrorKind::Io(error)
    }
}

/// What to do about a file that cannot be read, to be put behind the error.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; see that the path is right",
        io::ErrorKind::PermissionDenied => "; read it as a user who may, or have its permissions changed",
        io::ErrorKind::IsADirectory => "; name a file in it",
        _ => "",
    }
}
