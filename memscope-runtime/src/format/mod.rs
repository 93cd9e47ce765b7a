//! The `.memscope` file: bytes ↔ [`Snapshot`](crate::snapshot::Snapshot).
//!
//! ```text
//! offset  bytes
//!      0  8       magic "MEMSCOPE"
//!      8  u16 LE  major version: a reader refuses any other by name
//!     10  u16 LE  minor version: what was added; a reader ignores it
//!     12  chunks, to the end of the file:
//!         u32 LE  kind (1: a whole snapshot); a reader skips kinds that it does not know
//!         u64 LE  length of the payload in bytes
//!         u32 LE  CRC-32 (IEEE) of the payload
//!         …       payload (kind 1: postcard of `Snapshot`)
//! ```
//!
//! Invariant: whatever the bytes are, reading ends in a snapshot or a [`ReadError`]; it never panics and
//! allocates no more than the file's own length warrants.

mod read;
mod write;

pub use read::{ReadError, ReadErrorKind, read, read_file};
pub use write::{replace_file, write, write_file};

/// First bytes of every `.memscope` file.
pub const MAGIC: [u8; 8] = *b"MEMSCOPE";
/// Files with another major version cannot be read. Versions 1 to 3 were never released.
pub const MAJOR: u16 = 4;
/// What was added without breaking readers.
pub const MINOR: u16 = 0;

const KIND_SNAPSHOT: u32 = 1;
const FILE_HEADER_BYTES: usize = 12;
const CHUNK_HEADER_BYTES: usize = 16;
