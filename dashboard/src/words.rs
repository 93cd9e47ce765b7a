//! Words of Rust within a text: module paths, and what stands between backticks.
//!
//! A type's name is mostly the paths of its parts. They stay in the page, each in an element of its own, so that a style may
//! put them back or leave them out: `HashMap<String, Vec<Place>>` is read, and all of it is there. `assets/hbs.js` does the
//! same in the browser.

use handlebars::html_escape;

/// `text` as HTML, each run of `name::` in it an `<i>`.
pub(crate) fn with_paths(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut html = String::with_capacity(text.len() + 16);
    let (mut shown, mut at) = (0, 0);
    while at < bytes.len() {
        let end = path_end(bytes, at);
        if end > at {
            html.push_str(&html_escape(&text[shown..at]));
            html.push_str("<i>");
            html.push_str(&html_escape(&text[at..end]));
            html.push_str("</i>");
            shown = end;
        }
        // A name that no `::` follows holds no path further in, unless what it begins with is none of its letters.
        at = end.max(name_end(bytes, at)).max(at + 1);
    }
    html.push_str(&html_escape(&text[shown..]));
    html
}

/// `text` as HTML, what stands between backticks as code, paths as in [`with_paths`].
pub(crate) fn prose(text: &str) -> String {
    let mut pieces = text.split('`').peekable();
    let mut html = String::with_capacity(text.len() + 32);
    let mut is_code = false;
    while let Some(piece) = pieces.next() {
        let is_closed = pieces.peek().is_some();
        match (is_code, is_closed) {
            (true, true) => html.extend(["<code>", &with_paths(piece), "</code>"]),
            (true, false) => html.extend([&*html_escape("`"), &with_paths(piece)]),
            (false, _) => html.push_str(&with_paths(piece)),
        }
        is_code = !is_code;
    }
    html
}

/// Where the run of `name::` that begins at `at` ends; `at`: none begins.
fn path_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    loop {
        let name = name_end(bytes, end);
        if name == end || !bytes[name..].starts_with(b"::") {
            return end;
        }
        end = name + 2;
    }
}

/// Where the name that begins at `at` ends; `at`: none begins.
fn name_end(bytes: &[u8], at: usize) -> usize {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    if !bytes.get(at).is_some_and(is_letter) {
        return at;
    }
    let rest = bytes[at..].iter().take_while(|byte| is_letter(byte) || byte.is_ascii_digit());
    at + rest.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_names() {
        let cases = [
            ("u32", "u32"),
            ("alloc::vec::Vec<u8>", "<i>alloc::vec::</i>Vec&lt;u8&gt;"),
            ("(a::B, &'static c_1::D)", "(<i>a::</i>B, &amp;&#x27;static <i>c_1::</i>D)"),
            // What follows a bracket is no path of modules.
            ("<T as a::B>::C", "&lt;T as <i>a::</i>B&gt;::C"),
            ("9a::é::b::", "9<i>a::</i>é::<i>b::</i>"),
            ("a:b a:: ::b", "a:b <i>a::</i> ::b"),
            ("", ""),
        ];
        for (text, html) in cases {
            assert_eq!(with_paths(text), html);
        }
    }

    #[test]
    fn what_stands_between_backticks_is_code() {
        assert_eq!(prose("`a` is `b::C`, <d>"), "<code>a</code> is <code><i>b::</i>C</code>, &lt;d&gt;");
        // One that is not closed is one.
        assert_eq!(prose("`a` b ` c"), "<code>a</code> b &#x60; c");
        assert_eq!(prose("``"), "<code></code>");
    }
}
