//! A chunk: its header, and its payload as it is stored.
//!
//! ```text
//! offset  bytes
//!      0  4       marker "CHNK", by which a reader finds the next chunk after damage
//!      4  u16 LE  kind
//!      6  u8      codec of the payload: 0 as it is, 1 LZ4 block
//!      7  u8      flags: bit 0 is set where a reader that does not understand the chunk must refuse the snapshot
//!      8  u32 LE  stored length: bytes of the payload in the file
//!     12  u32 LE  raw length: bytes of the payload when it is uncompressed
//!     16  u32 LE  CRC-32 (IEEE) of the stored payload
//!     20  u32 LE  CRC-32 (IEEE) of the 20 bytes before
//! ```

use super::ReadErrorKind;

pub(super) const MARKER: [u8; 4] = *b"CHNK";
pub(super) const HEADER_BYTES: usize = 24;
/// What a snapshot begins with.
pub(super) const HEAD: u16 = 1;
/// What it ends with.
pub(super) const END: u16 = 0xffff;
/// All live blocks, written and read on request.
pub(super) const ALL_BLOCKS: u16 = 15;

pub(super) const AS_IT_IS: u8 = 0;
pub(super) const LZ4: u8 = 1;
pub(super) const REQUIRED: u8 = 1;

/// A chunk is closed once it has so many raw bytes. Four times as many gain 2 % of the large fixture's size.
pub(super) const FULL_RAW_BYTES: usize = 256 << 10;
/// No row is longer; one that would be is folded.
pub(super) const MOST_ROW_BYTES: usize = 512 << 10;
/// The longest payload that is read, stored or raw: a chunk that is nearly full takes one row more.
pub(super) const MOST_CHUNK_BYTES: u32 = 1 << 20;

/// A chunk of a recording, as its header describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Offset of the header in the file, in bytes.
    pub offset: u64,
    /// Its number, as `docs/format.md` lists them.
    pub kind: u16,
    /// 0: stored as it is, 1: compressed as an LZ4 block.
    pub codec: u8,
    /// Bit 0: the snapshot cannot be read without it.
    pub flags: u8,
    /// Bytes of the payload in the file.
    pub stored_bytes: u32,
    /// Bytes of the payload when it is uncompressed.
    pub raw_bytes: u32,
    pub(super) checksum: u32,
}

impl Chunk {
    /// What the chunk holds, in a word or two; `None`: a kind that this memscope does not know.
    pub fn name(&self) -> Option<&'static str> {
        super::lists::name_of(self.kind)
    }

    /// Whether the snapshot cannot be read without it.
    pub fn is_required(&self) -> bool {
        self.flags & REQUIRED != 0
    }

    /// Whether this memscope can read it.
    pub fn is_understood(&self) -> bool {
        self.name().is_some() && self.codec <= LZ4 && self.flags & !REQUIRED == 0
    }

    /// Reads a header, which lies at `offset` of a file; `None`: these bytes are no header.
    pub(super) fn parse(offset: u64, header: &[u8]) -> Option<Chunk> {
        let header: &[u8; HEADER_BYTES] = header.first_chunk()?;
        let u16_at = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let u32_at =
            |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        (header[..4] == MARKER && u32_at(20) == crc32fast::hash(&header[..20])).then(|| Chunk {
            offset,
            kind: u16_at(4),
            codec: header[6],
            flags: header[7],
            stored_bytes: u32_at(8),
            raw_bytes: u32_at(12),
            checksum: u32_at(16),
        })
    }

    /// The header's bytes.
    pub(super) fn header(&self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[..4].copy_from_slice(&MARKER);
        header[4..6].copy_from_slice(&self.kind.to_le_bytes());
        header[6] = self.codec;
        header[7] = self.flags;
        header[8..12].copy_from_slice(&self.stored_bytes.to_le_bytes());
        header[12..16].copy_from_slice(&self.raw_bytes.to_le_bytes());
        header[16..20].copy_from_slice(&self.checksum.to_le_bytes());
        let checksum = crc32fast::hash(&header[..20]);
        header[20..].copy_from_slice(&checksum.to_le_bytes());
        header
    }

    /// Offset of the payload.
    pub(super) fn payload_offset(&self) -> u64 {
        self.offset + HEADER_BYTES as u64
    }

    /// Offset of what follows.
    pub(super) fn end(&self) -> u64 {
        self.payload_offset() + u64::from(self.stored_bytes)
    }

    /// The payload, uncompressed, from what is stored.
    pub(super) fn unpack(&self, stored: Vec<u8>) -> Result<Vec<u8>, ReadErrorKind> {
        if crc32fast::hash(&stored) != self.checksum {
            return Err(ReadErrorKind::Checksum { offset: self.payload_offset(), part: self.name() });
        }
        let wrong =
            |what: String| ReadErrorKind::Payload { offset: self.payload_offset(), part: self.name(), what };
        if self.codec == AS_IT_IS {
            return match stored.len() == self.raw_bytes as usize {
                true => Ok(stored),
                false => Err(wrong("its two lengths differ".to_owned())),
            };
        }
        // LZ4 makes at most 255 bytes out of one; asked before the bytes are allocated.
        if self.raw_bytes as usize > stored.len().saturating_mul(255) {
            return Err(wrong(format!("{} bytes cannot come out of {}", self.raw_bytes, stored.len())));
        }
        let raw = lz4_flex::block::decompress(&stored, self.raw_bytes as usize)
            .map_err(|error| wrong(error.to_string()))?;
        match raw.len() == self.raw_bytes as usize {
            true => Ok(raw),
            false => Err(wrong(format!("{} bytes came out of {}", raw.len(), self.raw_bytes))),
        }
    }
}

/// Appends a chunk to `out`, its payload compressed where that makes it smaller. The checksum of the headers of its
/// snapshot goes on in `headers`.
pub(super) fn push(out: &mut Vec<u8>, headers: &mut crc32fast::Hasher, kind: u16, flags: u8, raw: &[u8]) {
    let packed = lz4_flex::block::compress(raw);
    let (codec, stored) = match packed.len() < raw.len() {
        true => (LZ4, &packed[..]),
        false => (AS_IT_IS, raw),
    };
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("a chunk is closed when it is full");
    let header = Chunk {
        offset: 0, // stands in no header
        kind,
        codec,
        flags,
        stored_bytes: length(stored),
        raw_bytes: length(raw),
        checksum: crc32fast::hash(stored),
    }
    .header();
    headers.update(&header);
    out.extend_from_slice(&header);
    out.extend_from_slice(stored);
}
