//! Fields that a recording holds apart from their rows (`format/lives.rs`): rows of older versions have no place for them, nor
//! have those who read them. In JSON they stand in their rows.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// In JSON the value; in a recording's row nothing.
pub(super) fn serialize<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() { value.serialize(serializer) } else { serializer.serialize_unit() }
}

/// The reverse; of a recording's row the default, which says "not measured".
pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    if deserializer.is_human_readable() { T::deserialize(deserializer) } else { Ok(T::default()) }
}
