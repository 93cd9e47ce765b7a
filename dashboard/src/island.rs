//! Data for the page's scripts: one JSON island that no string can break out of.
//!
//! The HTML parser ends a script element at `</script`, and `<!--` changes how it looks for the end; JavaScript
//! once took U+2028 and U+2029 for line ends. JSON needs none of these outside of strings, and inside of strings
//! every character may be written as an escape: so these are, and what parses the island gets the same data back.
//! Without a `<` no other character has a meaning there, so `>` and `&` stand as they are.

use crate::text;
use serde::Serialize;

/// `data` as JSON in which `<`, and what disguises the page's source (control and direction marks, line
/// separators) stand as `\uXXXX`.
///
/// # Errors
/// What serializing `data` gives.
pub fn escaped_json(data: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(text::escaped_json(&serde_json::to_string(data)?, &['<']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_string_breaks_out_and_all_come_back() {
        let hostile = ["</script><b>", "<!--<script>", "a\u{2028}b\u{2029}c", "\"\\\u{0}\u{7f}", "&lt;{{x}}"];
        let json = escaped_json(&hostile).unwrap();
        assert!(!json.contains(['<', '\u{2028}', '\u{2029}']), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), hostile);
    }
}
