//! One file that a running program adds its state to, again and again.

use super::replace::replace_file;
use super::write::chunks_of;
use super::{MOST_FILE_BYTES, file_header};
use crate::snapshot::Snapshot;
use std::fs::{self, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// How a snapshot got into the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Behind those that were there.
    Appended,
    /// The file was written anew, with this snapshot alone, beside and renamed.
    Replaced,
}

/// Writes snapshots to one file, each complete behind the one before, and the file anew before it is larger than its
/// bound.
///
/// At every moment the file holds a complete snapshot, from the end of the first [`append`](Self::append) on: a process
/// that is killed at any byte leaves the snapshots before, and a reader takes the last of them. A write that fails takes
/// its part away again.
///
/// An append is not synced: it outlives the process, whatever ends it, but not the machine's power; the file then may
/// have a hole where the newest snapshots were, which checksums find and [`recover`](super::recover) passes over.
/// [`sync`](Self::sync) asks for more. A file that is written anew is synced before it is renamed.
///
/// There must be one `Appender` for a file; a fork's child makes one of its own, for another file. The file is opened for
/// each append, so no descriptor is held between them; if its length is not what was left, somebody else wrote to it, or
/// removed it, and it is written anew.
#[derive(Debug)]
pub struct Appender {
    path: PathBuf,
    most_bytes: u64,
    /// Length of the file as it was left; `None`: this appender has not written it yet.
    length: Option<u64>,
}

impl Appender {
    /// Appends to `path`. What is there is replaced by the first snapshot, as a whole.
    pub fn new(path: &Path) -> Self {
        Appender { path: path.to_owned(), most_bytes: MOST_FILE_BYTES, length: None }
    }

    /// With another bound of the file's length than [`MOST_FILE_BYTES`]. A snapshot that alone is larger is written all the
    /// same.
    pub fn most_bytes(mut self, bytes: u64) -> Self {
        self.most_bytes = bytes;
        self
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds `snapshot`.
    ///
    /// # Errors
    /// What the file system says. The file then is what it was, or, where not even its end can be taken away, has a part of
    /// the snapshot behind the complete ones, which a reader passes over; the next append writes it anew.
    pub fn append(&mut self, snapshot: &Snapshot) -> io::Result<Written> {
        let chunks = chunks_of(snapshot);
        let after = self.length.map(|length| length + chunks.len() as u64);
        if after.is_some_and(|after| after <= self.most_bytes) && self.append_chunks(&chunks)? {
            self.length = after;
            return Ok(Written::Appended);
        }
        let mut file = file_header().to_vec();
        file.extend_from_slice(&chunks);
        self.length = None;
        replace_file(&self.path, &file)?;
        self.length = Some(file.len() as u64);
        Ok(Written::Replaced)
    }

    /// Appends; `false`: the file is not the one that was left.
    fn append_chunks(&mut self, chunks: &[u8]) -> io::Result<bool> {
        let mut file = match OpenOptions::new().write(true).open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            opened => opened?,
        };
        let (Some(length), found) = (self.length, file.metadata()?) else { return Ok(false) };
        if !found.is_file() || found.len() != length {
            return Ok(false);
        }
        file.seek(SeekFrom::Start(length))?;
        if let Err(error) = file.write_all(chunks) {
            if file.set_len(length).is_err() {
                self.length = None;
            }
            return Err(error);
        }
        Ok(true)
    }

    /// Waits until what was appended is on the disk.
    ///
    /// # Errors
    /// What the file system says.
    pub fn sync(&self) -> io::Result<()> {
        fs::File::open(&self.path)?.sync_data()
    }
}
