//! Rows → payload bytes: postcard, each row with its length before it.
//!
//! The length lets a reader skip what a later version adds at a row's end, and tells it where an older version's row
//! ends before its own does.

use super::names::MOST_TEXT_BYTES;
use serde::Serialize;

/// postcard's writer into a vector that is used again.
struct Into<'a>(&'a mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Into<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Appends `row` to `bytes`.
fn push_row(bytes: &mut Vec<u8>, row: &impl Serialize) {
    postcard::serialize_with_flavor(row, Into(bytes)).expect("a row is plain data of known length");
}

/// Appends `number` as postcard writes it: seven bits a byte, the lowest first.
fn push_number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// What a value takes in a chunk.
#[derive(Clone, Copy, Default)]
pub(super) struct Measure {
    /// Bytes, texts that are too long counted as they are when they are cut.
    pub(super) bytes: usize,
    /// Whether a text is too long.
    pub(super) has_long_text: bool,
}

impl postcard::ser_flavors::Flavor for Measure {
    type Output = Self;

    fn try_push(&mut self, _: u8) -> postcard::Result<()> {
        self.bytes += 1;
        Ok(())
    }

    /// Nothing but a text is longer than a number.
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.bytes += bytes.len().min(MOST_TEXT_BYTES);
        self.has_long_text |= bytes.len() > MOST_TEXT_BYTES;
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Self> {
        Ok(self)
    }
}

/// What `value` takes as a row, up to three bytes for its length included.
pub(super) fn measure(value: &(impl Serialize + ?Sized)) -> Measure {
    let measure = postcard::serialize_with_flavor(value, Measure { bytes: 3, has_long_text: false });
    measure.expect("a row is plain data of known length")
}

/// The rows of a chunk, as they are collected.
#[derive(Default)]
pub(super) struct Rows {
    count: usize,
    rows: Vec<u8>,
    scratch: Vec<u8>,
}

impl Rows {
    /// Adds `row`.
    pub(super) fn push(&mut self, row: &impl Serialize) {
        self.scratch.clear();
        push_row(&mut self.scratch, row);
        push_number(&mut self.rows, self.scratch.len());
        self.rows.extend_from_slice(&self.scratch);
        self.count += 1;
    }

    /// Raw bytes so far.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The payload, uncompressed; the collection is empty afterwards. `None`: there is no row.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        if self.count == 0 {
            return None;
        }
        let mut payload = Vec::with_capacity(self.rows.len() + 5);
        push_number(&mut payload, self.count);
        payload.append(&mut self.rows);
        self.count = 0;
        Some(payload)
    }
}
