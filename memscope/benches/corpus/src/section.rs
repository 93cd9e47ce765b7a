//! The part of a Markdown file that is generated. It stands between two comments; the rest is kept.

use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- corpus: begin, written by the tool -->";
const END: &str = "<!-- corpus: end -->";

/// Puts `content` between the two comments of `text`.
///
/// # Errors
///
/// Each comment has to be there once, in this order, each on a line of its own.
pub(crate) fn replaced(text: &str, content: &str) -> Result<String, String> {
    let (before, rest) = split(text, BEGIN)?;
    let (_, after) = split(rest, END)?;
    Ok(format!("{before}{BEGIN}\n\n{}\n\n{END}\n{after}", content.trim()))
}

fn split<'a>(text: &'a str, comment: &str) -> Result<(&'a str, &'a str), String> {
    let line = format!("{comment}\n");
    let (before, after) = text.split_once(&line).ok_or_else(|| format!("no line `{comment}`"))?;
    if !before.is_empty() && !before.ends_with('\n') {
        return Err(format!("`{comment}` is not on a line of its own"));
    }
    if after.contains(comment) {
        return Err(format!("more than one line `{comment}`"));
    }
    Ok((before, after))
}

/// The file with a new section.
pub(crate) fn prepared(file: &Path, content: &str) -> Result<String, String> {
    fs::read_to_string(file)
        .map_err(|error| error.to_string())
        .and_then(|text| replaced(&text, content))
        .map_err(|reason| format!("{}: {reason}", file.display()))
}

/// Writes the file with a new section.
pub(crate) fn write(file: &Path, content: &str) -> Result<(), String> {
    let text = prepared(file, content)?;
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_comments_changes() {
        let text = format!("# Title\n\nbefore\n\n{BEGIN}\nold\n{END}\n\n## Next\n\nafter\n");
        let expected = format!("# Title\n\nbefore\n\n{BEGIN}\n\nnew\n\n{END}\n\n## Next\n\nafter\n");
        assert_eq!(replaced(&text, "new\n"), Ok(expected.clone()));
        // The same again changes nothing.
        assert_eq!(replaced(&expected, "new\n"), Ok(expected));
    }

    #[test]
    fn comments_that_are_missing_doubled_or_turned_around_are_refused() {
        assert_eq!(replaced("text\n", ""), Err(format!("no line `{BEGIN}`")));
        assert_eq!(replaced(&format!("{BEGIN}\n"), ""), Err(format!("no line `{END}`")));
        assert_eq!(replaced(&format!("{END}\n{BEGIN}\n"), ""), Err(format!("no line `{END}`")));
        let doubled = format!("{BEGIN}\n{BEGIN}\n{END}\n");
        assert_eq!(replaced(&doubled, ""), Err(format!("more than one line `{BEGIN}`")));
        let inline = format!("see {BEGIN}\n{END}\n");
        assert_eq!(replaced(&inline, ""), Err(format!("`{BEGIN}` is not on a line of its own")));
    }
}
