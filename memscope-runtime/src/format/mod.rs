//! The `.memscope` file: bytes ↔ [`Snapshot`](crate::snapshot::Snapshot). `docs/format.md` says it byte by byte.
//!
//! ```text
//! file      magic, version; then chunks to the end
//! chunk     header (24 bytes, with a checksum of itself and one of the payload), payload
//! snapshot  a chunk HEAD, chunks of rows (scopes, variables, …), a chunk END, which counts and closes them
//! ```
//!
//! Snapshots are appended; a reader takes the last one that is complete, whatever follows it, and says that something does.
//!
//! Invariants:
//! - Whatever the bytes are, reading ends in a snapshot or a [`ReadError`]. It never panics, takes time in proportion to
//!   the file, and takes at most four times the uncompressed bytes that it has read and 17 MiB; these bytes are at most
//!   [`MOST_RAW_BYTES`].
//! - What is written is at most [`MOST_FILE_BYTES`] for any program, the list of all live blocks aside, which is written
//!   and read on request only.
//! - A file that is written is replaced as a whole, appended to, or left as it was.

mod append;
mod bound;
mod chunk;
mod decode;
mod encode;
mod error;
mod finding;
mod fold;
mod lists;
mod lives;
mod names;
mod read;
mod recover;
mod replace;
mod scan;
mod write;

pub use append::{Appender, Written};
pub use bound::bounded;
pub use chunk::Chunk;
pub use error::{ReadError, ReadErrorKind};
pub use lists::{Head, Row};
pub use read::{Recording, read, read_file};
pub use recover::{Recovery, Report, recover, recover_file};
pub use replace::{advice, replace_file};
pub use write::{write, write_file, write_file_with_all_blocks};

/// First bytes of every `.memscope` file.
pub const MAGIC: [u8; 8] = *b"MEMSCOPE";
/// Files with another major version cannot be read. Versions 1 to 4 were never released.
pub const MAJOR: u16 = 5;
/// What was added without breaking readers.
pub const MINOR: u16 = 0;

/// The largest file that is written, the list of all live blocks aside. Appending compacts before it.
pub const MOST_FILE_BYTES: u64 = 16 << 20;
/// The most uncompressed bytes of one snapshot that are read: four times what is written.
pub const MOST_RAW_BYTES: u64 = 64 << 20;

const FILE_HEADER_BYTES: u64 = 12;

/// The bytes that a file begins with.
fn file_header() -> [u8; FILE_HEADER_BYTES as usize] {
    let mut header = [0; FILE_HEADER_BYTES as usize];
    header[..8].copy_from_slice(&MAGIC);
    header[8..10].copy_from_slice(&MAJOR.to_le_bytes());
    header[10..12].copy_from_slice(&MINOR.to_le_bytes());
    header
}
