//! Snapshot → bytes.

use super::bound::{Bounded, bound};
use super::chunk::{ALL_BLOCKS, AS_IT_IS, Chunk, END, FULL_RAW_BYTES, HEAD, REQUIRED, push};
use super::encode::Rows;
use super::file_header;
use super::lists::{Head, List, can_be_skipped, for_each_list};
use super::replace::{replace_file, replace_with};
use super::scan::end_payload;
use crate::snapshot::{Block, Snapshot};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

/// The bytes of a `.memscope` file that holds `snapshot`, [bounded](super::bounded).
pub fn write(snapshot: &Snapshot) -> Vec<u8> {
    let mut bytes = file_header().to_vec();
    bytes.append(&mut chunks_of(snapshot));
    bytes
}

/// The chunks of `snapshot`, from its head to its end: what follows a file's header, or another snapshot.
pub(super) fn chunks_of(snapshot: &Snapshot) -> Vec<u8> {
    let mut chunks = Chunks::begin(&bound(snapshot).snapshot);
    chunks.end();
    chunks.bytes
}

/// Writes `snapshot` to `path`; a file that was there is replaced as a whole or left as it is.
///
/// # Errors
/// What the file system says: see [`replace_file`].
pub fn write_file(path: &Path, snapshot: &Snapshot) -> io::Result<()> {
    replace_file(path, &write(snapshot))
}

/// Writes `snapshot` to `path`, with the list of all live blocks, however many: the one file that is not bounded. `blocks`
/// calls what it is given with each; they name scopes and variables by their indices in `snapshot`. The list is written chunk
/// by chunk, and read so, by [`Recording::all_blocks`](super::Recording::all_blocks).
///
/// # Errors
/// What the file system says: see [`replace_file`].
pub fn write_file_with_all_blocks(
    path: &Path,
    snapshot: &Snapshot,
    blocks: impl FnOnce(&mut dyn FnMut(Block)),
) -> io::Result<()> {
    let Bounded { snapshot, places } = bound(snapshot);
    let mut chunks = Chunks::begin(&snapshot);
    replace_with(path, |file| {
        file.write_all(&file_header())?;
        let mut rows = Rows::default();
        let mut written = Ok(());
        blocks(&mut |mut block| {
            if written.is_err() {
                return;
            }
            if let Some((scopes, variables)) = &places {
                block.scope = block.scope.and_then(|index| *scopes.get(index as usize)?);
                block.variable = block.variable.and_then(|index| *variables.get(index as usize)?);
            }
            rows.push(&block);
            if rows.len() >= FULL_RAW_BYTES {
                chunks.push(ALL_BLOCKS, 0, &mut rows);
                written = file.write_all(&std::mem::take(&mut chunks.bytes));
            }
        });
        written?;
        chunks.push(ALL_BLOCKS, 0, &mut rows);
        chunks.end();
        file.write_all(&chunks.bytes)
    })
}

/// Chunks of a snapshot, one after another.
struct Chunks {
    bytes: Vec<u8>,
    headers: crc32fast::Hasher,
    count: usize,
}

impl Chunks {
    /// The head and all lists.
    fn begin(snapshot: &Snapshot) -> Self {
        let mut chunks = Chunks { bytes: Vec::new(), headers: crc32fast::Hasher::new(), count: 1 };
        push(&mut chunks.bytes, &mut chunks.headers, HEAD, REQUIRED, &Head::of(snapshot).payload());
        for_each_list(snapshot, &mut chunks);
        chunks
    }

    /// A chunk of the rows that were collected, if there are any.
    fn push(&mut self, kind: u16, flags: u8, rows: &mut Rows) {
        if let Some(raw) = rows.take() {
            push(&mut self.bytes, &mut self.headers, kind, flags, &raw);
            self.count += 1;
        }
    }

    fn end(&mut self) {
        let payload = end_payload(self.count, self.headers.clone());
        let length = payload.len() as u32;
        let end = Chunk {
            offset: 0, // stands in no header
            kind: END,
            codec: AS_IT_IS,
            flags: REQUIRED,
            stored_bytes: length,
            raw_bytes: length,
            checksum: crc32fast::hash(&payload),
        };
        self.bytes.extend_from_slice(&end.header());
        self.bytes.extend_from_slice(&payload);
    }
}

impl List for Chunks {
    fn rows<T: Serialize>(&mut self, kind: u16, list: &[T]) {
        let flags = if can_be_skipped(kind) { 0 } else { REQUIRED };
        let mut rows = Rows::default();
        for row in list {
            rows.push(row);
            if rows.len() >= FULL_RAW_BYTES {
                self.push(kind, flags, &mut rows);
            }
        }
        self.push(kind, flags, &mut rows);
    }
}
