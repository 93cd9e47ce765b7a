//! Where the chunks of a file lie, without their payloads.
//!
//! ```text
//! header │ HEAD … END │ HEAD … END │ HEAD … (the file ends, or was damaged)
//!          a snapshot   the last      unfinished
//!                       complete one
//! ```
//!
//! The scan goes forward only, from header to header. Where none is, it looks for the next marker whose header is whole;
//! what lies between is damage, and the snapshot around it is not complete.

use super::chunk::{Chunk, END, HEAD, HEADER_BYTES};
use super::{FILE_HEADER_BYTES, MAGIC, MAJOR, ReadErrorKind};
use std::collections::VecDeque;
use std::io::{self, Read, Seek, SeekFrom};

/// A snapshot of more chunks is not read: so many hold 2 GiB of rows.
const MOST_CHUNKS: usize = 8_192;
/// Bytes of an end's payload.
const END_BYTES: usize = 8;
/// Bytes that are read at once; a header more than a payload's neighbours need.
const WINDOW_BYTES: usize = 4_096;

/// Snapshots whose places are remembered, the last of the file: what `recover` can go back.
const MOST_RUNS: usize = 64;

/// What lies in a file.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The last snapshots, complete or not, in the order of the file.
    pub(super) runs: VecDeque<Run>,
    /// The last complete snapshot.
    pub(super) last: Option<Run>,
    /// Complete snapshots.
    pub(super) complete: u64,
    /// Snapshots that begin and are not complete.
    pub(super) incomplete: u64,
    /// Where the last chunk that is whole ends.
    pub(super) whole_end: u64,
    /// The first place where a chunk should begin and none does, or where an end does not close what is there.
    pub(super) damage: Option<u64>,
    /// Length of the file.
    pub(super) file_bytes: u64,
}

/// Where a snapshot lies: from its head to its end, or to where it is cut off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) start: u64,
    pub(super) end: u64,
    /// Its end closes exactly the chunks that are there. (Payloads are not looked at.)
    pub(super) is_complete: bool,
}

/// A file, of which a part is at hand.
pub(super) struct Window<R> {
    source: R,
    bytes: Vec<u8>,
    offset: u64,
    pub(super) file_bytes: u64,
}

impl<R: Read + Seek> Window<R> {
    pub(super) fn new(mut source: R) -> io::Result<Self> {
        let file_bytes = source.seek(SeekFrom::End(0))?;
        Ok(Window { source, bytes: Vec::new(), offset: 0, file_bytes })
    }

    /// The bytes at `offset`: at least `count`, unless the file ends before.
    fn at(&mut self, offset: u64, count: usize) -> io::Result<&[u8]> {
        let available = count.min(usize::try_from(self.file_bytes.saturating_sub(offset)).unwrap_or(count));
        let start = offset.checked_sub(self.offset).and_then(|start| usize::try_from(start).ok());
        if let Some(start) = start.filter(|&start| start.saturating_add(available) <= self.bytes.len()) {
            return Ok(&self.bytes[start..]);
        }
        self.bytes.clear();
        self.offset = offset;
        self.source.seek(SeekFrom::Start(offset))?;
        (&mut self.source).take(WINDOW_BYTES.max(count) as u64).read_to_end(&mut self.bytes)?;
        if self.bytes.len() < available {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it became shorter while it was read"));
        }
        Ok(&self.bytes)
    }

    /// The payload of a chunk as it is stored.
    pub(super) fn stored(&mut self, chunk: &Chunk) -> io::Result<Vec<u8>> {
        let mut stored = vec![0; chunk.stored_bytes as usize];
        self.source.seek(SeekFrom::Start(chunk.payload_offset()))?;
        self.source.read_exact(&mut stored)?;
        Ok(stored)
    }

    /// Writes `count` bytes from `offset` on to `out`.
    pub(super) fn copy(&mut self, offset: u64, count: u64, out: &mut impl io::Write) -> io::Result<()> {
        self.source.seek(SeekFrom::Start(offset))?;
        match io::copy(&mut (&mut self.source).take(count), out)? {
            copied if copied == count => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it became shorter while it was read")),
        }
    }

    /// The header at `offset`, if there is one and its payload lies in the file.
    fn chunk_at(&mut self, offset: u64) -> io::Result<Option<Chunk>> {
        let file_bytes = self.file_bytes;
        let chunk = Chunk::parse(offset, self.at(offset, HEADER_BYTES)?);
        Ok(chunk.filter(|chunk| chunk.end() <= file_bytes))
    }

    /// The first chunk that begins at `offset` or after it.
    fn chunk_from(&mut self, mut offset: u64) -> io::Result<Option<Chunk>> {
        while offset + HEADER_BYTES as u64 <= self.file_bytes {
            let file_bytes = self.file_bytes;
            let bytes = self.at(offset, HEADER_BYTES)?;
            let places = bytes.len() - HEADER_BYTES + 1;
            for (start, header) in bytes.windows(HEADER_BYTES).enumerate() {
                let chunk = Chunk::parse(offset + start as u64, header);
                if let Some(chunk) = chunk.filter(|chunk| chunk.end() <= file_bytes) {
                    return Ok(Some(chunk));
                }
            }
            offset += places as u64;
        }
        Ok(None)
    }

    /// What the file's header says, checked.
    fn check_file_header(&mut self) -> Result<(), ReadErrorKind> {
        let file_bytes = self.file_bytes;
        let header = self.at(0, FILE_HEADER_BYTES as usize)?;
        let magic = &header[..header.len().min(MAGIC.len())];
        if magic.is_empty() || !MAGIC.starts_with(magic) {
            return Err(ReadErrorKind::NotARecording);
        }
        if header.len() < FILE_HEADER_BYTES as usize {
            return Err(ReadErrorKind::Truncated { offset: 0, file_bytes });
        }
        match u16::from_le_bytes([header[8], header[9]]) {
            MAJOR => Ok(()),
            found if found > MAJOR => Err(ReadErrorKind::Newer { found }),
            found => Err(ReadErrorKind::Older { found }),
        }
    }

    /// The next chunk at `offset` or after it, and whether it is not there at once. `None`: there is none.
    fn next_chunk(&mut self, offset: u64) -> io::Result<Option<(Chunk, bool)>> {
        match self.chunk_at(offset)? {
            Some(chunk) => Ok(Some((chunk, false))),
            None => Ok(self.chunk_from(offset + 1)?.map(|chunk| (chunk, true))),
        }
    }

    /// Finds all snapshots.
    pub(super) fn scan(&mut self) -> Result<Scan, ReadErrorKind> {
        self.check_file_header()?;
        let file_bytes = self.file_bytes;
        let mut scan = Scan { whole_end: FILE_HEADER_BYTES, file_bytes, ..Scan::default() };
        let mut offset = FILE_HEADER_BYTES;
        let mut open: Option<Open> = None;
        while offset < file_bytes {
            let next = self.next_chunk(offset)?;
            let is_damaged = next.is_none_or(|(_, is_damaged)| is_damaged);
            if is_damaged {
                scan.damage.get_or_insert(offset);
                if let Some(open) = &mut open {
                    open.is_whole = false;
                }
            }
            let Some((chunk, _)) = next else { break };
            offset = chunk.end();
            match chunk.kind {
                HEAD => {
                    scan.close(open.take(), scan.whole_end, false);
                    open = Some(Open::new(&chunk));
                }
                END => {
                    let end = self.stored_if_short(&chunk)?;
                    let is_complete = open.as_ref().is_some_and(|open| open.is_closed_by(&chunk, &end));
                    if !is_complete {
                        scan.damage.get_or_insert(chunk.offset);
                    }
                    scan.close(open.take(), offset, is_complete);
                }
                _ => {
                    if let Some(open) = &mut open {
                        open.add(&chunk);
                    }
                }
            }
            scan.whole_end = offset;
        }
        scan.close(open, scan.whole_end, false);
        Ok(scan)
    }

    /// The payload of an end, or of what says that it is one.
    fn stored_if_short(&mut self, chunk: &Chunk) -> io::Result<Vec<u8>> {
        if chunk.stored_bytes as usize == END_BYTES { self.stored(chunk) } else { Ok(Vec::new()) }
    }

    /// The chunks of a snapshot, without its end. Where it is damaged they are those that are whole.
    pub(super) fn chunks_of(&mut self, run: &Run) -> io::Result<Vec<Chunk>> {
        let mut chunks = Vec::new();
        let mut offset = run.start;
        while offset < run.end && chunks.len() < MOST_CHUNKS {
            let Some((chunk, _)) = self.next_chunk(offset)? else { break };
            offset = chunk.end();
            if offset <= run.end && chunk.kind != END {
                chunks.push(chunk);
            }
        }
        Ok(chunks)
    }
}

impl Scan {
    /// Notes that a snapshot ends, or is cut off, at `end`.
    fn close(&mut self, open: Option<Open>, end: u64, is_complete: bool) {
        let Some(open) = open else { return };
        let run = Run { start: open.start, end, is_complete };
        if is_complete {
            self.complete += 1;
            self.last = Some(run);
        } else {
            self.incomplete += 1;
        }
        if self.runs.len() == MOST_RUNS {
            self.runs.pop_front();
        }
        self.runs.push_back(run);
    }
}

/// A snapshot whose end has not come yet.
struct Open {
    start: u64,
    chunks: usize,
    headers: crc32fast::Hasher,
    is_whole: bool,
}

impl Open {
    fn new(head: &Chunk) -> Self {
        let mut open =
            Open { start: head.offset, chunks: 0, headers: crc32fast::Hasher::new(), is_whole: true };
        open.add(head);
        open
    }

    fn add(&mut self, chunk: &Chunk) {
        self.headers.update(&chunk.header());
        self.chunks += 1;
        self.is_whole &= self.chunks <= MOST_CHUNKS;
    }

    fn is_closed_by(&self, chunk: &Chunk, end: &[u8]) -> bool {
        self.is_whole
            && crc32fast::hash(end) == chunk.checksum
            && *end == end_payload(self.chunks, self.headers.clone())
    }
}

/// What an end says: how many chunks it closes, and the CRC-32 of their headers.
pub(super) fn end_payload(chunks: usize, headers: crc32fast::Hasher) -> [u8; END_BYTES] {
    let mut payload = [0; END_BYTES];
    payload[..4].copy_from_slice(&(chunks as u32).to_le_bytes());
    payload[4..].copy_from_slice(&headers.finalize().to_le_bytes());
    payload
}
