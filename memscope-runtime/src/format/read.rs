//! Bytes → snapshot, whole or by parts. The bytes may come from anywhere.

use super::chunk::{ALL_BLOCKS, Chunk, HEAD, MOST_CHUNK_BYTES};
use super::decode::{Budget, DecodeError, Rows};
use super::finding::say_what_follows;
use super::lists::{Head, Row, decode_onto, without_lists};
use super::scan::{Scan, Window};
use super::{FILE_HEADER_BYTES, MOST_RAW_BYTES, ReadError, ReadErrorKind};
use crate::snapshot::{Block, Snapshot};
use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::{Path, PathBuf};

/// Memory that may be taken beside four times the raw bytes: of the 17 MiB that a reader takes, 3 MiB are left for a
/// chunk's payload, the list of chunks, and what serde reserves for a list before its first element.
pub(super) const FREE_BUDGET_BYTES: u64 = 14 << 20;
/// Memory that a raw byte warrants.
const BUDGET_OF_A_RAW_BYTE: u64 = 4;

/// A recording that is open: its chunks are known, its payloads are read when they are asked for.
///
/// ```no_run
/// # use memscope_runtime::format::Recording;
/// # use memscope_runtime::snapshot::Variable;
/// # fn example() -> Result<(), memscope_runtime::format::ReadError> {
/// let mut recording = Recording::open("session.memscope".as_ref())?;
/// let live_bytes = recording.head()?.totals.live_bytes;
/// let variables = recording.rows::<Variable>()?; // scopes, blocks and all others stay where they are
/// # Ok(())
/// # }
/// ```
pub struct Recording<R> {
    pub(super) window: Window<R>,
    path: Option<PathBuf>,
    pub(super) scan: Scan,
    chunks: Vec<Chunk>,
}

impl Recording<File> {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// See [`ReadErrorKind`]; the error names the file. A file without a complete snapshot is an error.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let at_path = |kind| ReadError { path: Some(path.to_owned()), kind };
        let file = regular_file(path).map_err(at_path)?;
        Recording::new(file, Some(path.to_owned())).and_then(Recording::with_a_snapshot)
    }
}

/// The file at `path`, which is no folder: opening one succeeds, and what reading says is of no help.
pub(super) fn regular_file(path: &Path) -> Result<File, ReadErrorKind> {
    let file = File::open(path)?;
    match file.metadata()?.is_dir() {
        true => Err(std::io::Error::from(std::io::ErrorKind::IsADirectory).into()),
        false => Ok(file),
    }
}

impl<R: Read + Seek> Recording<R> {
    /// Opens the recording that `source` holds.
    ///
    /// # Errors
    /// See [`ReadErrorKind`]. Bytes without a complete snapshot are an error.
    pub fn from_source(source: R) -> Result<Self, ReadError> {
        Recording::new(source, None).and_then(Recording::with_a_snapshot)
    }

    /// Whatever is in it, complete or not.
    pub(super) fn new(source: R, path: Option<PathBuf>) -> Result<Self, ReadError> {
        let scanned = Window::new(source).map_err(ReadErrorKind::Io).and_then(|mut window| {
            let scan = window.scan()?;
            let chunks = scan.last.as_ref().map(|run| window.chunks_of(run)).transpose()?;
            Ok((window, scan, chunks.unwrap_or_default()))
        });
        match scanned {
            Ok((window, scan, chunks)) => Ok(Recording { window, path, scan, chunks }),
            Err(kind) => Err(ReadError { path, kind }),
        }
    }

    fn with_a_snapshot(self) -> Result<Self, ReadError> {
        if self.scan.complete > 0 { Ok(self) } else { Err(self.error(self.no_snapshot())) }
    }

    /// Why there is no complete snapshot.
    pub(super) fn no_snapshot(&self) -> ReadErrorKind {
        let Scan { damage, whole_end, file_bytes, .. } = self.scan;
        match damage {
            _ if file_bytes == FILE_HEADER_BYTES => ReadErrorKind::Empty,
            // No chunk follows: what is there is a part of one.
            Some(offset) if offset == whole_end => ReadErrorKind::Truncated { offset, file_bytes },
            Some(offset) => ReadErrorKind::Header { offset },
            None => ReadErrorKind::Truncated { offset: whole_end, file_bytes },
        }
    }

    pub(super) fn error(&self, kind: ReadErrorKind) -> ReadError {
        ReadError { path: self.path.clone(), kind }
    }

    /// The chunks of the last complete snapshot, without its end.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// Complete snapshots in the file; the last one is read.
    pub fn snapshots(&self) -> u64 {
        self.scan.complete
    }

    /// Length of the file.
    pub fn file_bytes(&self) -> u64 {
        self.scan.file_bytes
    }

    /// Bytes after the last complete snapshot, which are not read: a snapshot whose writing was cut off, or damage.
    pub fn bytes_after(&self) -> u64 {
        self.scan.file_bytes - self.scan.last.map_or(FILE_HEADER_BYTES, |run| run.end)
    }

    /// What the recording says about the whole program. Nothing else is loaded.
    ///
    /// # Errors
    /// See [`ReadErrorKind`].
    pub fn head(&mut self) -> Result<Head, ReadError> {
        let mut budget = Budget(FREE_BUDGET_BYTES);
        let head = self.chunks.first().copied();
        head.ok_or(ReadErrorKind::Empty)
            .and_then(|chunk| self.decode_head(&chunk, &mut budget))
            .map_err(|kind| self.error(kind))
    }

    /// The rows of one list. Nothing else is loaded.
    ///
    /// # Errors
    /// See [`ReadErrorKind`].
    pub fn rows<T: Row>(&mut self) -> Result<Vec<T>, ReadError> {
        let mut rows = Vec::new();
        let mut budget = Budget(FREE_BUDGET_BYTES);
        let is_read = |chunk: &&Chunk| chunk.kind == T::KIND && !can_be_left_out(chunk);
        let chunks: Vec<Chunk> = self.chunks.iter().filter(is_read).copied().collect();
        check_sizes(&chunks).map_err(|kind| self.error(kind))?;
        for chunk in &chunks {
            self.unpack(chunk, &mut budget)
                .and_then(|raw| {
                    let decoded = Rows::new(&raw).and_then(|list| list.append_to(&mut rows, &mut budget));
                    decoded.map_err(|error| payload(chunk, &error))
                })
                .map_err(|kind| self.error(kind))?;
        }
        Ok(rows)
    }

    /// Calls `each` with every live block, if the recording has the list of them all
    /// ([`write_file_with_all_blocks`](super::write_file_with_all_blocks)); gives their number, `None` if it has not. They are
    /// loaded a chunk at a time.
    ///
    /// # Errors
    /// See [`ReadErrorKind`]; `each` has then been called with the blocks before the damage.
    pub fn all_blocks(&mut self, mut each: impl FnMut(Block)) -> Result<Option<u64>, ReadError> {
        let mut count = None;
        for chunk in self.chunks.clone().iter().filter(|chunk| chunk.kind == ALL_BLOCKS) {
            let mut budget = Budget(FREE_BUDGET_BYTES);
            self.unpack(chunk, &mut budget)
                .and_then(|raw| {
                    let mut decode = || {
                        let mut rows = Rows::new(&raw)?;
                        while let Some(block) = rows.next(&mut budget) {
                            each(block?);
                            *count.get_or_insert(0) += 1;
                        }
                        rows.finish()
                    };
                    decode().map_err(|error| payload(chunk, &error))
                })
                .map_err(|kind| self.error(kind))?;
        }
        Ok(count)
    }

    /// The last complete snapshot. The list of all live blocks, where there is one, is not loaded. If something follows it
    /// in the file ([`bytes_after`](Self::bytes_after)), its finding `earlier_state` says so.
    ///
    /// # Errors
    /// See [`ReadErrorKind`].
    pub fn snapshot(&mut self) -> Result<Snapshot, ReadError> {
        let chunks = self.chunks.clone();
        let mut snapshot = self.decode(&chunks).map_err(|kind| self.error(kind))?;
        match self.bytes_after() {
            0 => {}
            bytes => say_what_follows(&mut snapshot, bytes),
        }
        Ok(snapshot)
    }

    /// The snapshot of these chunks.
    pub(super) fn decode(&mut self, chunks: &[Chunk]) -> Result<Snapshot, ReadErrorKind> {
        check_sizes(chunks)?;
        let mut budget = Budget(FREE_BUDGET_BYTES);
        let (head, lists) = chunks.split_first().ok_or(ReadErrorKind::Empty)?;
        let mut snapshot = without_lists(self.decode_head(head, &mut budget)?);
        for chunk in lists.iter().filter(|chunk| chunk.kind != ALL_BLOCKS) {
            self.decode_list(chunk, &mut snapshot, &mut budget)?;
        }
        Ok(snapshot)
    }

    pub(super) fn decode_head(&mut self, chunk: &Chunk, budget: &mut Budget) -> Result<Head, ReadErrorKind> {
        debug_assert_eq!(chunk.kind, HEAD, "a snapshot begins with its head");
        let raw = self.unpack(chunk, budget)?;
        Head::decode(&raw, budget).map_err(|error| payload(chunk, &error))
    }

    /// Adds a chunk's rows to their list. A chunk that need not be understood and is not is left out.
    pub(super) fn decode_list(
        &mut self,
        chunk: &Chunk,
        snapshot: &mut Snapshot,
        budget: &mut Budget,
    ) -> Result<(), ReadErrorKind> {
        if can_be_left_out(chunk) {
            return Ok(());
        }
        let raw = self.unpack(chunk, budget)?;
        decode_onto(snapshot, chunk.kind, &raw, budget).map_err(|error| payload(chunk, &error))?;
        Ok(())
    }

    /// The raw payload of a chunk, which adds to the budget what its bytes warrant.
    pub(super) fn unpack(&mut self, chunk: &Chunk, budget: &mut Budget) -> Result<Vec<u8>, ReadErrorKind> {
        let Chunk { offset, kind, codec, flags, stored_bytes, raw_bytes, .. } = *chunk;
        if !chunk.is_understood() {
            return Err(ReadErrorKind::NotUnderstood { offset, kind, codec, flags });
        }
        let most = MOST_CHUNK_BYTES;
        if raw_bytes > most || stored_bytes > most {
            let bytes = u64::from(raw_bytes.max(stored_bytes));
            return Err(ReadErrorKind::TooLarge { offset, bytes, most: u64::from(most) });
        }
        let raw = chunk.unpack(self.window.stored(chunk)?)?;
        budget.0 += BUDGET_OF_A_RAW_BYTE * raw.len() as u64;
        Ok(raw)
    }
}

/// Whether a chunk is of a later version, which says that older readers need not understand it.
fn can_be_left_out(chunk: &Chunk) -> bool {
    !chunk.is_understood() && !chunk.is_required()
}

/// Whether what the chunks say that they hold, all together, is read. The list of all blocks is read chunk by chunk.
fn check_sizes(chunks: &[Chunk]) -> Result<(), ReadErrorKind> {
    let mut sum = 0;
    for chunk in chunks.iter().filter(|chunk| chunk.is_understood() && chunk.kind != ALL_BLOCKS) {
        sum += u64::from(chunk.raw_bytes);
        if sum > MOST_RAW_BYTES {
            return Err(ReadErrorKind::TooLarge { offset: chunk.offset, bytes: sum, most: MOST_RAW_BYTES });
        }
    }
    Ok(())
}

fn payload(chunk: &Chunk, error: &DecodeError) -> ReadErrorKind {
    let offset = chunk.offset + super::chunk::HEADER_BYTES as u64;
    ReadErrorKind::Payload { offset, part: chunk.name(), what: error.to_string() }
}

/// Reads the last complete snapshot of the file at `path`; see [`Recording::snapshot`].
///
/// # Errors
/// See [`ReadErrorKind`]; the error names the file.
pub fn read_file(path: &Path) -> Result<Snapshot, ReadError> {
    Recording::open(path)?.snapshot()
}

/// Reads the last complete snapshot of a recording in memory; see [`Recording::snapshot`].
///
/// # Errors
/// See [`ReadErrorKind`].
pub fn read(bytes: &[u8]) -> Result<Snapshot, ReadError> {
    Recording::from_source(Cursor::new(bytes))?.snapshot()
}
