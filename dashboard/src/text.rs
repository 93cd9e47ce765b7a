//! Strings of the recorded program, made fit to be looked at.
//!
//! A name may hold anything: escape sequences that a terminal would obey, marks that turn the reading direction
//! of what follows, a megabyte of type parameters. Here these become visible and bounded. Markup is no concern of
//! this file: HTML is escaped by the templates.

use std::fmt::Write as _;

/// The longest text that is shown whole; real type names stay far below it.
pub const LONGEST_TEXT_CHARS: usize = 2_000;

/// `text` with control and direction marks written as escapes, cut after [`LONGEST_TEXT_CHARS`] with a count of
/// what was left out.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars();
    for c in chars.by_ref().take(LONGEST_TEXT_CHARS) {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if c.is_control() || is_invisible_mark(c) => {
                write!(shown, "\\u{{{:x}}}", u32::from(c)).expect("writing to a String cannot fail");
            }
            c => shown.push(c),
        }
    }
    let left_out = chars.count();
    if left_out > 0 {
        write!(shown, "… ({left_out} more characters)").expect("writing to a String cannot fail");
    }
    shown
}

/// The same JSON with control and direction marks, which a terminal would obey, written as `\u` escapes. All of these stand in
/// strings only, so it means the same.
pub fn escaped_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && (c.is_control() || is_invisible_mark(c)) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(shown, "\\u{unit:04x}").expect("writing to a String cannot fail");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Characters that draw nothing and change how their neighbours read: zero-width spaces, direction marks
/// (see "Trojan Source", CVE-2021-42574), line and paragraph separators, language tags, and noncharacters.
fn is_invisible_mark(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fdd0}'..='\u{fdef}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
        || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert_eq!(visible("a\u{1b}[31mb\u{0}\n"), "a\\u{1b}[31mb\\u{0}\\n");
        assert_eq!(visible("x\u{202e}y\u{feff}"), "x\\u{202e}y\\u{feff}");
        assert_eq!(visible("Straße <T> 名前"), "Straße <T> 名前");
    }

    #[test]
    fn json_means_the_same_without_what_a_terminal_would_obey() {
        let name = "a\u{1b}[31m\u{9b}2J\u{7f}\n\u{202e}\u{e0041}\"\\名";
        let json = serde_json::to_string_pretty(&[name]).expect("plain data");
        let escaped = escaped_json(&json);
        assert!(!escaped.chars().any(|c| c != '\n' && (c.is_control() || is_invisible_mark(c))), "{escaped}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&escaped).expect("JSON"), [name]);
        // A line end stands between the lines only: as a part of a name it is escaped by JSON itself.
        assert_eq!(escaped.lines().count(), 3);
    }

    #[test]
    fn an_endless_name_is_cut_and_says_so() {
        let text = visible(&"é".repeat(LONGEST_TEXT_CHARS + 3));
        assert_eq!(text.chars().filter(|&c| c == 'é').count(), LONGEST_TEXT_CHARS);
        assert!(text.ends_with("… (3 more characters)"), "{text}");
    }
}
