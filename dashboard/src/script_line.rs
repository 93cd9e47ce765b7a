//! A line of a module with less room between its words.
//!
//! Spaces part words, and the signs that would be another one without: `a + +b`, `a / /b/`. All others go, and so does a
//! comment at the end. What stands in a text or a pattern stays as it is. No text goes over more lines than one
//! ([`crate::script`]), so a line is read for itself.

use std::iter::Peekable;
use std::str::Chars;

/// `line`, which stands in code where it begins, without the spaces that part nothing.
pub(crate) fn shrunk(line: &str) -> String {
    let mut shrunk = String::with_capacity(line.len());
    code(&mut line.chars().peekable(), &mut shrunk, false);
    shrunk
}

/// Code up to the end of the line, or, within a text, up to the brace that closes it.
fn code(chars: &mut Peekable<Chars<'_>>, shrunk: &mut String, is_within_text: bool) {
    let mut depth = 0_usize;
    let mut is_apart = false;
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            is_apart = true;
            continue;
        }
        if c == '/' && chars.peek() == Some(&'/') {
            return;
        }
        let before = shrunk.chars().last();
        if std::mem::take(&mut is_apart) && before.is_some_and(|before| is_parted(before, c)) {
            shrunk.push(' ');
        }
        let is_pattern = c == '/' && begins_pattern(shrunk);
        shrunk.push(c);
        match c {
            '"' | '\'' => quoted(c, chars, shrunk),
            '`' => template(chars, shrunk),
            '/' if is_pattern => pattern(chars, shrunk),
            '{' => depth += 1,
            '}' if depth == 0 && is_within_text => return,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
}

/// Whether `before` and `after` are read as one where no space stands between them.
fn is_parted(before: char, after: char) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '#' | '\\');
    let signs = ['+', '-', '/', '<', '!'];
    (is_word(before) && is_word(after)) || (signs.contains(&before) && signs.contains(&after))
}

/// Whether a slash after `code` begins a pattern, and divides nothing.
fn begins_pattern(code: &str) -> bool {
    let code = code.trim_end();
    let divides = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | ')' | ']' | '"' | '\'' | '`');
    !code.ends_with(divides) || code.ends_with("return")
}

/// The rest of a text in quotes.
fn quoted(quote: char, chars: &mut Peekable<Chars<'_>>, shrunk: &mut String) {
    while let Some(c) = chars.next() {
        shrunk.push(c);
        match c {
            '\\' => shrunk.extend(chars.next()),
            _ if c == quote => return,
            _ => {}
        }
    }
}

/// The rest of a text with code in it.
fn template(chars: &mut Peekable<Chars<'_>>, shrunk: &mut String) {
    while let Some(c) = chars.next() {
        shrunk.push(c);
        match c {
            '\\' => shrunk.extend(chars.next()),
            '`' => return,
            '$' if chars.peek() == Some(&'{') => {
                shrunk.extend(chars.next());
                code(chars, shrunk, true);
            }
            _ => {}
        }
    }
}

/// The rest of a pattern. A slash in brackets does not end it.
fn pattern(chars: &mut Peekable<Chars<'_>>, shrunk: &mut String) {
    let mut in_brackets = false;
    while let Some(c) = chars.next() {
        shrunk.push(c);
        match c {
            '\\' => shrunk.extend(chars.next()),
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            '/' if !in_brackets => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_parts_nothing_goes_and_what_parts_stays() {
        let lines = [
            ("const [a, b] = [1, c] // why", "const[a,b]=[1,c]"),
            ("} else { f() }", "}else{f()}"),
            ("return { a: typeof b in c, $d: async (e) => {} };", "return{a:typeof b in c,$d:async(e)=>{}};"),
            // Read as one these would be `++`, `--`, a comment, and what begins one in a page.
            ("a + +b - -c / /d/", "a+ +b- -c/ /d/"),
            ("a < !b", "a< !b"),
            // Texts and patterns stay.
            (r#"f("a , \" b", 'c  ;', d )"#, r#"f("a , \" b",'c  ;',d)"#),
            ("`a , ${b ? `c , ${ d } e` : { f: 1 }.f} , g` + h", "`a , ${b?`c , ${d} e`:{f:1}.f} , g`+h"),
            ("(a / b) / c, / , [/ ] \\/ , /g, d", "(a/b)/c,/ , [/ ] \\/ , /g,d"),
            ("return / , /.test(\"https://a\") // b", "return/ , /.test(\"https://a\")"),
        ];
        for (line, expected) in lines {
            assert_eq!(shrunk(line), expected);
        }
    }
}
