//! What changed in a panel's JSON, as pieces of its text.
//!
//! ```text
//! before  {"live":"1.5 KiB","rows":[1,2]}
//! after   {"live":"1.6 KiB","rows":[1,2,3]}
//! patch   [11,1,"6",15,0,",3"]              keep 11, leave out 1 and put "6" in its place, keep 15, …; the rest stays
//! ```
//!
//! Lengths are those of JavaScript's strings: UTF-16 code units. `assets/patch.js` makes the text of it.
//!
//! Both texts are gone through token by token, side by side, so that an element more at a list's end does not shift what
//! follows. Invariant: whatever stands in the texts, the patch of one makes the other, for each piece of both is either kept
//! or replaced; how they are paired decides how long it is, and nothing else.

/// Pieces that are kept between two changes are no longer than that are taken along: a change of its own takes more room.
const SHORT: usize = 6;
/// A scalar that is longer is kept as far as its ends are as they were.
const LONG: usize = 12;

/// What makes `after` of `before`; `None`: it is not clearly shorter than `after` itself.
pub fn patch(before: &str, after: &str) -> Option<String> {
    let mut changes = Changes { before, after, list: Vec::new() };
    changes.find()?;
    let mut patch = String::from("[");
    let mut kept_from = 0;
    for change in &changes.list {
        if patch.len() > 1 {
            patch.push(',');
        }
        let kept = units(before.get(kept_from..change.old.start)?);
        let left_out = units(before.get(change.old.clone())?);
        let put = serde_json::to_string(after.get(change.new.clone())?).ok()?;
        patch.push_str(&format!("{kept},{left_out},{put}"));
        kept_from = change.old.end;
        if patch.len() > after.len() / 3 * 2 {
            return None;
        }
    }
    patch.push(']');
    Some(patch)
}

/// How long JavaScript takes `text` to be.
fn units(text: &str) -> usize {
    // A character of more than 16 bits is two of them, and begins with a byte of 0xF0 or more.
    text.bytes().map(|byte| usize::from(byte & 0xC0 != 0x80) + usize::from(byte >= 0xF0)).sum()
}

/// Bytes of the one that become bytes of the other.
struct Change {
    old: std::ops::Range<usize>,
    new: std::ops::Range<usize>,
}

struct Changes<'a> {
    before: &'a str,
    after: &'a str,
    list: Vec<Change>,
}

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Open,
    Close,
    Between,
    Scalar,
}

impl Changes<'_> {
    /// `None`: the texts cannot be gone through side by side.
    fn find(&mut self) -> Option<()> {
        let (before, after) = (self.before.as_bytes(), self.after.as_bytes());
        let (mut old, mut new) = (0, 0);
        loop {
            let (old_token, new_token) = (token(before, old), token(after, new));
            let ((old_end, old_kind), (new_end, new_kind)) = match (old_token, new_token) {
                (None, None) => return Some(()),
                (Some(old_token), Some(new_token)) => (old_token, new_token),
                _ => return None,
            };
            if before.get(old..old_end) == after.get(new..new_end) {
                (old, new) = (old_end, new_end);
                continue;
            }
            let (old_next, new_next) = match (old_kind, new_kind) {
                (Kind::Scalar, Kind::Scalar) => (old_end, new_end),
                // The one list or object is longer than the other.
                (Kind::Close, kind) if kind != Kind::Close => (old, end_of_inside(after, new)?),
                (kind, Kind::Close) if kind != Kind::Close => (end_of_inside(before, old)?, new),
                (Kind::Scalar | Kind::Open, Kind::Scalar | Kind::Open) => {
                    (end_of_value(before, old)?, end_of_value(after, new)?)
                }
                _ => return None,
            };
            self.add(Change { old: old..old_next, new: new..new_next });
            (old, new) = (old_next, new_next);
        }
    }

    fn add(&mut self, change: Change) {
        let change = self.shortened(change);
        if let Some(last) = self.list.last_mut() {
            if change.old.start - last.old.end <= SHORT {
                last.old.end = change.old.end;
                last.new.end = change.new.end;
                return;
            }
        }
        self.list.push(change);
    }

    /// Without what its ends have in common.
    fn shortened(&self, mut change: Change) -> Change {
        let (Some(old), Some(new)) =
            (self.before.get(change.old.clone()), self.after.get(change.new.clone()))
        else {
            return change;
        };
        if old.len().min(new.len()) <= LONG {
            return change;
        }
        let alike = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
            pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
        };
        let start = alike(&mut old.chars().zip(new.chars()));
        let most_at_end = old.len().min(new.len()) - start;
        let mut end = 0;
        for (a, b) in old.chars().rev().zip(new.chars().rev()) {
            if a != b || end + a.len_utf8() > most_at_end {
                break;
            }
            end += a.len_utf8();
        }
        change.old = change.old.start + start..change.old.end - end;
        change.new = change.new.start + start..change.new.end - end;
        change
    }
}

/// The end and the kind of the token at `start`; `None`: the text has ended.
fn token(text: &[u8], start: usize) -> Option<(usize, Kind)> {
    let rest = text.get(start..)?;
    let end = match rest.first()? {
        b'{' | b'[' => return Some((start + 1, Kind::Open)),
        b'}' | b']' => return Some((start + 1, Kind::Close)),
        b',' | b':' => return Some((start + 1, Kind::Between)),
        b'"' => {
            let mut end = 1;
            loop {
                match rest.get(end) {
                    None | Some(b'"') => break end + 1,
                    Some(b'\\') => end += 2,
                    Some(_) => end += 1,
                }
            }
        }
        _ => {
            let is_end = |byte: &u8| matches!(byte, b'{' | b'[' | b'}' | b']' | b',' | b':' | b'"');
            rest.iter().position(is_end).unwrap_or(rest.len())
        }
    };
    Some((start + end.min(rest.len()), Kind::Scalar))
}

/// Where the list or object ends that `start` is within: the place of what closes it.
fn end_of_inside(text: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut depth) = (start, 0_usize);
    loop {
        let (end, kind) = token(text, at)?;
        match kind {
            Kind::Open => depth += 1,
            Kind::Close if depth == 0 => return Some(at),
            Kind::Close => depth -= 1,
            Kind::Between | Kind::Scalar => {}
        }
        at = end;
    }
}

/// Where the value at `start` ends.
fn end_of_value(text: &[u8], start: usize) -> Option<usize> {
    match token(text, start)? {
        (end, Kind::Open) => Some(end_of_inside(text, end)? + 1),
        (end, _) => Some(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A long rest, so that no patch is too long to be worth it.
    fn long(json: &str) -> String {
        format!("[{json},\"{}\"]", "rest".repeat(100))
    }

    fn patched(before: &str, after: &str) -> String {
        patch(&long(before), &long(after)).expect("it is short")
    }

    #[test]
    fn what_changed_is_told_and_nothing_else() {
        assert_eq!(patched("1", "1"), "[]");
        // A bracket before it.
        assert_eq!(patched("1", "22"), r#"[1,1,"22"]"#);
        // [{"a":1,"b": are 12, and 3 is what was left out.
        assert_eq!(patched(r#"{"a":1,"b":"x"}"#, r#"{"a":1,"b":null}"#), r#"[12,3,"null"]"#);
        // Two changes with one comma between them are one.
        assert_eq!(patched("[1,2,3]", "[4,5,3]"), r#"[2,3,"4,5"]"#);
    }

    #[test]
    fn lists_grow_and_shrink_at_their_ends() {
        assert_eq!(patched("[[1],[2]]", "[[1,7,[8]],[2]]"), r#"[4,0,",7,[8]"]"#);
        assert_eq!(patched("[[1,7,[8]],[2]]", "[[1],[2]]"), r#"[4,6,""]"#);
        assert_eq!(patched("[]", "[1]"), r#"[2,0,"1"]"#);
        assert_eq!(patched("{}", r#"{"a":1}"#), r#"[2,0,"\"a\":1"]"#);
        assert_eq!(patched("null", r#"{"a":1}"#), r#"[1,4,"{\"a\":1}"]"#);
    }

    #[test]
    fn lengths_are_those_of_a_browser() {
        // ["𝄞",1,[ are 9, with 2 for the one character.
        assert_eq!(patched("\"𝄞\",1,[2]", "\"𝄞\",1,[3]"), r#"[9,1,"3"]"#);
        // Of a long text the ends are kept, and no character is cut: é and è begin with the same byte.
        let text = |middle| format!("\"abcdefghijkl{middle}mnopqrstuvwxyz\"");
        assert_eq!(patched(&text("é"), &text("è")), r#"[14,1,"è"]"#);
    }

    #[test]
    fn what_is_no_shorter_is_no_patch() {
        assert_eq!(patch("[1,2,3]", "[4,5,6]"), None);
        // Neither is what is no JSON.
        assert_eq!(patch("[1", "[1]]"), None);
        assert_eq!(patch("", "1"), None);
    }
}
