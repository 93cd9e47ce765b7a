//! Rows of a panel's list that the recording only counts, because its size is bounded.

use super::ranking::Folded;
use crate::figure::Figure;

/// How many rows there are: those of the list `list`, `listed` of them, and those that stand at `field` of what is folded.
pub(super) fn total(list: &str, listed: usize, field: &str, folded: u64) -> Figure {
    let listed_rows = format!("len({list})");
    match folded {
        0 => Figure::count(listed_rows, listed as u64),
        _ => {
            Figure::count(format!("{listed_rows} + /folded/{field}"), (listed as u64).saturating_add(folded))
        }
    }
}

/// Says how many rows stand at `field` of what is folded, and their bytes, with their error, where they are known; `None`: all
/// are listed.
pub(super) fn unlisted(
    field: &str,
    rows: u64,
    bytes: Option<(&str, Option<u64>, Option<u64>)>,
) -> Option<Folded> {
    (rows > 0).then(|| Folded {
        rows: Figure::count(format!("/folded/{field}"), rows),
        bytes: bytes
            .map(|(field, bytes, error)| Figure::estimated_bytes(&format!("/folded/{field}"), bytes, error)),
    })
}
