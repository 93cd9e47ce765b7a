//! Our styles with less room between their parts.

/// `css` without comments, line ends, and spaces that part nothing.
pub(crate) fn shrunk(css: &str) -> String {
    let mut shrunk = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, comment)) = rest.split_once("/*") {
        push(&mut shrunk, before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    push(&mut shrunk, rest);
    shrunk
}

/// Adds `css`, in which no comment stands.
fn push(shrunk: &mut String, css: &str) {
    /// What needs no space on either side. A colon needs one before it: `a :hover` is another than `a:hover`.
    const PARTS: [char; 5] = ['{', '}', ';', ',', '>'];
    let mut chars = css.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            let next = chars.peek().copied();
            let parts = shrunk.ends_with(PARTS) || shrunk.ends_with(':') || shrunk.is_empty();
            if !parts && next.is_some_and(|next| !next.is_whitespace() && !PARTS.contains(&next)) {
                shrunk.push(' ');
            }
        } else {
            if c == '}' && shrunk.ends_with(';') {
                shrunk.pop();
            }
            shrunk.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_parts_nothing_goes_and_what_parts_stays() {
        let css = "/* a; b */\n.a > .b, .c :hover {\n  margin: 0 -1px; color: rgb(1, 2, 3);\n}\n\n@media print { .a { top: calc(1px + 2px) } }\n";
        assert_eq!(
            shrunk(css),
            ".a>.b,.c :hover{margin:0 -1px;color:rgb(1,2,3)}@media print{.a{top:calc(1px + 2px)}}"
        );
    }
}
