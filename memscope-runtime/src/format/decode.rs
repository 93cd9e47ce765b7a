//! Payload bytes → rows, from anywhere, within a budget of memory.
//!
//! The bytes are postcard's (its wire format 1: numbers of seven bits a byte, lists and texts with their length before
//! them, an option with a byte before it). It is read here and not by postcard's own reader because a byte of a file can
//! stand for a row of hundreds of bytes in memory: each list and text is charged to the budget before it is made.
//!
//! Invariants: no byte makes it panic; no list or text is longer than the bytes that are left; a row never reads past
//! its own length.

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, SeqAccess, VariantAccess, Visitor,
};
use std::fmt;

/// What is wrong with a payload.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DecodeError {
    /// The bytes end in the middle of something.
    End,
    /// A number does not fit its type, or is spelled longer than any number.
    Number,
    /// A boolean, or the byte before an option, is neither 0 nor 1.
    Tag(u8),
    /// A text is no UTF-8.
    Text,
    /// A list or text says that it is longer than the bytes that are left.
    Length(u64),
    /// Bytes follow the last row.
    Trailing(usize),
    /// It would take more memory than the bytes warrant.
    Memory,
    /// The model has no such type.
    Type,
    /// What serde says.
    Model(String),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::End => f.write_str("it ends too early"),
            DecodeError::Number => f.write_str("a number is too large"),
            DecodeError::Tag(byte) => write!(f, "a byte is {byte} where it is 0 or 1"),
            DecodeError::Text => f.write_str("a text is no UTF-8"),
            DecodeError::Length(length) => {
                write!(f, "a length of {length} goes past its end")
            }
            DecodeError::Trailing(bytes) => write!(f, "{bytes} bytes follow its last row"),
            DecodeError::Memory => f.write_str("it would take far more memory than it has bytes"),
            DecodeError::Type => f.write_str("a type that no row has"),
            DecodeError::Model(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        DecodeError::Model(message.to_string())
    }
}

/// Bytes of memory that may still be taken.
#[derive(Debug)]
pub(super) struct Budget(pub(super) u64);

impl Budget {
    fn charge(&mut self, count: usize, each: usize) -> Result<(), DecodeError> {
        let bytes = (count as u64).saturating_mul(each as u64);
        self.0 = self.0.checked_sub(bytes).ok_or(DecodeError::Memory)?;
        Ok(())
    }
}

/// Bytes that serde reserves for a list before it has an element. A list that needs more grows by doubling, so it may
/// take twice what it needs.
const RESERVED_BY_SERDE: usize = 1 << 20;

/// Reads values off the front of some bytes.
pub(super) struct Decoder<'de, 'b> {
    rest: &'de [u8],
    budget: &'b mut Budget,
}

/// The payload of a chunk: rows, each with its length before it.
pub(super) struct Rows<'de> {
    rest: &'de [u8],
    left: usize,
}

impl<'de> Rows<'de> {
    /// The rows of `payload`.
    pub(super) fn new(payload: &'de [u8]) -> Result<Self, DecodeError> {
        let mut rest = payload;
        let count = number(&mut rest)?;
        // A row takes at least the byte of its length.
        let left = usize::try_from(count).ok().filter(|&count| count <= rest.len());
        Ok(Rows { rest, left: left.ok_or(DecodeError::Length(count))? })
    }

    /// The next row; `None`: there is none left.
    pub(super) fn next<T: de::DeserializeOwned>(
        &mut self,
        budget: &mut Budget,
    ) -> Option<Result<T, DecodeError>> {
        self.left = self.left.checked_sub(1)?;
        Some(length(&mut self.rest).and_then(|length| {
            let (row, rest) = self.rest.split_at(length);
            self.rest = rest;
            T::deserialize(&mut Decoder { rest: row, budget })
        }))
    }

    /// After the last row: whether nothing follows it.
    pub(super) fn finish(&self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            bytes => Err(DecodeError::Trailing(bytes)),
        }
    }

    /// Decodes the rows that are left onto the end of `rows`.
    pub(super) fn append_to<T: de::DeserializeOwned>(
        mut self,
        rows: &mut Vec<T>,
        budget: &mut Budget,
    ) -> Result<(), DecodeError> {
        let needed = rows.len() + self.left;
        if needed > rows.capacity() {
            // A quarter more than there is, so that many small chunks do not move the rows each time.
            let capacity = needed.max(rows.capacity() + rows.capacity() / 4);
            budget.charge(capacity - rows.capacity(), size_of::<T>())?;
            rows.reserve_exact(capacity - rows.len());
        }
        while let Some(row) = self.next(budget) {
            rows.push(row?);
        }
        self.finish()
    }
}

/// A number of seven bits a byte.
fn number(rest: &mut &[u8]) -> Result<u64, DecodeError> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first().ok_or(DecodeError::End)?;
        *rest = after;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err(DecodeError::Number);
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(DecodeError::Number)
}

/// A length, of something of which each element takes at least one byte.
fn length(rest: &mut &[u8]) -> Result<usize, DecodeError> {
    let length = number(rest)?;
    usize::try_from(length).ok().filter(|&length| length <= rest.len()).ok_or(DecodeError::Length(length))
}

impl<'de> Decoder<'de, '_> {
    fn byte(&mut self) -> Result<u8, DecodeError> {
        let (&byte, rest) = self.rest.split_first().ok_or(DecodeError::End)?;
        self.rest = rest;
        Ok(byte)
    }

    fn flag(&mut self) -> Result<bool, DecodeError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            byte => Err(DecodeError::Tag(byte)),
        }
    }

    fn text(&mut self) -> Result<&'de str, DecodeError> {
        let length = length(&mut self.rest)?;
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.budget.charge(length, 1)?;
        std::str::from_utf8(text).map_err(|_| DecodeError::Text)
    }
}

/// A number of at most the type's bits.
macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            visitor.$visit(<$type>::try_from(number(&mut self.rest)?).map_err(|_| DecodeError::Number)?)
        }
    )*};
}

macro_rules! not_in_the_model {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, DecodeError> {
            Err(DecodeError::Type)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Decoder<'de, '_> {
    type Error = DecodeError;

    numbers! {
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    not_in_the_model! {
        deserialize_any deserialize_i8 deserialize_i16 deserialize_i32 deserialize_char deserialize_bytes
        deserialize_byte_buf deserialize_unit deserialize_map deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_bool(self.flag()?)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_u8(self.byte()?)
    }

    /// The lowest bit is the sign ("zigzag").
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let bits = number(&mut self.rest)?;
        visitor.visit_i64((bits >> 1) as i64 ^ -((bits & 1) as i64))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(DecodeError::End)?;
        self.rest = rest;
        visitor.visit_f32(f32::from_le_bytes(*bytes))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(DecodeError::End)?;
        self.rest = rest;
        visitor.visit_f64(f64::from_le_bytes(*bytes))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.flag()? {
            false => visitor.visit_none(),
            true => visitor.visit_some(self),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: V,
    ) -> Result<V::Value, DecodeError> {
        Err(DecodeError::Type)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let left = length(&mut self.rest)?;
        visitor.visit_seq(List { decoder: self, left, is_charged: false })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_seq(Fields { decoder: self, left: len })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_seq(Fields { decoder: self, left: len })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_seq(Fields { decoder: self, left: fields.len() })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_enum(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The elements of a list.
struct List<'a, 'de, 'b> {
    decoder: &'a mut Decoder<'de, 'b>,
    left: usize,
    is_charged: bool,
}

impl<'de> SeqAccess<'de> for List<'_, 'de, '_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        if self.left == 0 {
            return Ok(None);
        }
        if !self.is_charged {
            let each = size_of::<T::Value>();
            let times = if self.left.saturating_mul(each) > RESERVED_BY_SERDE { 2 } else { 1 };
            self.decoder.budget.charge(self.left, each * times)?;
            self.is_charged = true;
        }
        self.left -= 1;
        seed.deserialize(&mut *self.decoder).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// The fields of a struct. At the end of the row there are no more, however many the model has: the row is of a version
/// before they were added, and serde takes their default (of an option: not measured) or refuses the row.
struct Fields<'a, 'de, 'b> {
    decoder: &'a mut Decoder<'de, 'b>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Fields<'_, 'de, '_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        if self.left == 0 || self.decoder.rest.is_empty() {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.decoder).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> EnumAccess<'de> for &mut Decoder<'de, '_> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), DecodeError> {
        let variant = u32::try_from(number(&mut self.rest)?).map_err(|_| DecodeError::Number)?;
        let variant: de::value::U32Deserializer<DecodeError> = variant.into_deserializer();
        Ok((seed.deserialize(variant)?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Decoder<'de, '_> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_tuple(fields.len(), visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Before {
        bytes: u64,
        name: String,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct After {
        bytes: u64,
        name: String,
        #[serde(default)]
        added: Option<u32>,
    }

    fn rows<T: Serialize>(rows: &[T]) -> Vec<u8> {
        let mut collected = super::super::encode::Rows::default();
        rows.iter().for_each(|row| collected.push(row));
        collected.take().expect("there are rows")
    }

    fn read<T: de::DeserializeOwned>(payload: &[u8], budget: u64) -> Result<Vec<T>, DecodeError> {
        let mut rows = Vec::new();
        Rows::new(payload)?.append_to(&mut rows, &mut Budget(budget))?;
        Ok(rows)
    }

    #[test]
    fn a_field_that_is_added_at_a_rows_end_is_skipped_by_old_readers_and_not_measured_in_old_files() {
        let before = || Before { bytes: 300, name: "a".into() };
        let after = |added| After { bytes: 300, name: "a".into(), added };
        assert_eq!(read::<After>(&rows(&[before(), before()]), 1_000), Ok(vec![after(None), after(None)]));
        assert_eq!(
            read::<Before>(&rows(&[after(Some(7)), after(None)]), 1_000),
            Ok(vec![before(), before()])
        );
        // A field without a default is required.
        assert!(matches!(read::<Before>(&[1, 2, 0xac, 0x02], 1_000), Err(DecodeError::Model(_))));
    }

    #[test]
    fn a_length_is_compared_with_the_bytes_that_are_left() {
        // One row of six bytes, whose list says that it has 2^32 − 1 elements.
        let bomb = [1, 6, 0xff, 0xff, 0xff, 0xff, 0x0f, 0];
        assert_eq!(read::<Vec<u64>>(&bomb, u64::MAX), Err(DecodeError::Length(0xffff_ffff)));
        // So many rows.
        assert_eq!(read::<u64>(&[0xff, 0xff, 0x03, 1, 0], u64::MAX), Err(DecodeError::Length(0xffff)));
        // A row that is longer than the payload.
        assert_eq!(read::<u64>(&[1, 3, 0], u64::MAX), Err(DecodeError::Length(3)));
    }

    #[test]
    fn what_a_list_takes_in_memory_is_charged_before_it_is_made() {
        // 1,000 empty texts take 1,000 bytes in the file and 24,000 in memory, 24 more for the row itself.
        let payload = rows(&[vec![String::new(); 1_000]]);
        assert_eq!(payload.len(), 1 + 2 + 2 + 1_000);
        assert_eq!(read::<Vec<String>>(&payload, 24_024).map(|rows| rows[0].len()), Ok(1_000));
        assert_eq!(read::<Vec<String>>(&payload, 24_023), Err(DecodeError::Memory));
    }

    #[test]
    fn numbers_are_those_of_postcard() {
        for number in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            assert_eq!(read::<u64>(&rows(&[number]), 100), Ok(vec![number]));
        }
        for number in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(read::<i64>(&rows(&[number]), 100), Ok(vec![number]));
        }
        assert_eq!(read::<u32>(&rows(&[u64::from(u32::MAX) + 1]), 100), Err(DecodeError::Number));
        // Ten bytes that spell 2^64, and eleven.
        let [mut long, mut longer] = [vec![1, 10], vec![1, 11]];
        long.extend([0x80; 9]);
        long.push(2);
        longer.extend([0x80; 10]);
        longer.push(0);
        assert_eq!(read::<u64>(&long, 100), Err(DecodeError::Number));
        assert_eq!(read::<u64>(&longer, 100), Err(DecodeError::Number));
        assert_eq!(read::<Option<bool>>(&[1, 2, 1, 7], 100), Err(DecodeError::Tag(7)));
        assert_eq!(read::<u64>(&[1, 1, 5, 9], 100), Err(DecodeError::Trailing(1)));
    }
}
