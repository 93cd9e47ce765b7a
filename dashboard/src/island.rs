//! Data for the page's scripts: JSON, compressed, as text that no string can break out of.
//!
//! Half of a page of five variables is data, and four fifths of the largest one. zlib's format makes a fifth of it, base64 four
//! thirds of that; the browser's own `DecompressionStream` undoes the former, and refuses what its checksum does not fit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib;
use serde::Serialize;
use std::io;

/// As the zlib command counts: 6 is what is usual. 9 makes a hundredth less in twice the time.
const LEVEL: u8 = 6;

/// `data` as JSON as a page holds it.
///
/// # Errors
/// What serializing `data` gives.
pub fn compressed(data: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(STANDARD.encode(compress_to_vec_zlib(&serde_json::to_vec(data)?, LEVEL)))
}

/// The JSON of [`compressed`].
///
/// # Errors
/// It is none, or damaged.
pub fn json(compressed: &str) -> io::Result<serde_json::Value> {
    let bytes = STANDARD.decode(compressed).map_err(io::Error::other)?;
    let json = decompress_to_vec_zlib(&bytes).map_err(|error| io::Error::other(error.to_string()))?;
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
        // A bit of the header, of the block, of the checksum; and what is none.
        let unpadded = text.trim_end_matches('=').len();
        for at in [0, 20, unpadded - 3] {
            let mut damaged = text.clone().into_bytes();
            damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
            assert!(json(std::str::from_utf8(&damaged).unwrap()).is_err(), "{at}");
        }
        assert!(json("{}").is_err() && json("").is_err());
    }
}
