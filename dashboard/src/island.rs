//! Data for the page's scripts: JSON, compressed, as text that no string can break out of.
//!
//! Half of a page of five variables is data, and four fifths of the largest one. LZ4 makes half or less of it, base64 four thirds
//! of that; `assets/island.js` undoes both, at once, in some lines and in any browser. A browser's own decompression is better by a
//! quarter and is asynchronous: all modules would wait for it.
//!
//! ```text
//! base64( CRC-32 of the JSON; its length; one LZ4 block )        4 bytes each, the least first
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::io;

/// `data` as JSON as a page holds it.
///
/// # Errors
/// What serializing `data` gives.
pub fn compressed(data: &impl Serialize) -> Result<String, serde_json::Error> {
    let json = serde_json::to_vec(data)?;
    let mut bytes = crc32fast::hash(&json).to_le_bytes().to_vec();
    bytes.extend(lz4_flex::block::compress_prepend_size(&json));
    Ok(STANDARD.encode(bytes))
}

/// The JSON of [`compressed`].
///
/// # Errors
/// It is none, or damaged.
pub fn json(compressed: &str) -> io::Result<serde_json::Value> {
    let bytes = STANDARD.decode(compressed).map_err(io::Error::other)?;
    let (checksum, block) = bytes.split_first_chunk().ok_or_else(|| io::Error::other("too short"))?;
    let json = lz4_flex::block::decompress_size_prepended(block).map_err(io::Error::other)?;
    if crc32fast::hash(&json) != u32::from_le_bytes(*checksum) {
        return Err(io::Error::other("the checksum is another"));
    }
    Ok(serde_json::from_slice(&json)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_string_breaks_out_and_all_come_back() {
        let hostile = ["</script><b>", "<!--<script>", "a\u{2028}b\u{2029}c", "\"\\\u{0}\u{7f}", "&lt;{{x}}"];
        let text = compressed(&hostile).unwrap();
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c)), "{text}");
        assert_eq!(json(&text).unwrap(), serde_json::json!(hostile));
        // A bit of the checksum, of the length, of the block; and what is none.
        for at in [0, 6, 20] {
            let mut damaged = text.clone().into_bytes();
            damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
            assert!(json(std::str::from_utf8(&damaged).unwrap()).is_err(), "{at}");
        }
        assert!(json("{}").is_err() && json("").is_err());
    }
}
