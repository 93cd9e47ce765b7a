//! The memory map in a range of time, computed again from the document: cells and blocks that are pale, and how many are not.

use super::markup::Element;
use serde_json::Value;

/// The range that the heading of the memory map names, in milliseconds; both ends are figures, which are checked as such.
pub fn range(root: &Element) -> Option<(u64, u64)> {
    let note = root.by_id("memory-map-h")?.find(|element| element.has_class("range-note"))?;
    let ends: Vec<u64> = note
        .all()
        .iter()
        .filter(|element| element.attribute("data-from").is_some_and(|from| from.ends_with("/ms")))
        .filter_map(|element| element.attribute("data-value")?.parse().ok())
        .collect();
    <[u64; 2]>::try_from(ends).ok().map(|[from, to]| (from, to))
}

/// What is said of a cell whose blocks are from `oldest` to `newest`: one of either age is certain, what is between is not known.
pub fn of_cell(range: Option<(u64, u64)>, oldest: u64, newest: u64) -> &'static str {
    match range {
        Some((from, to)) if newest < from || to < oldest => "off",
        Some((from, to)) if oldest < from && to < newest => "may",
        _ => "",
    }
}

/// That the squares of blocks which are not from the range are pale, and no others.
pub fn squares(element: &Element, root: &Element, document: &Value) -> Result<(), String> {
    let range = range(root);
    for square in element.all() {
        let Some(row) = square.attribute("data-from").and_then(|from| from.strip_suffix("/bytes")) else {
            continue;
        };
        let Some(at) = document.pointer(&format!("{row}/allocated_ms")).and_then(Value::as_u64) else {
            continue;
        };
        if square.has_class("off") != (of_cell(range, at, at) == "off") {
            return Err(format!("{row} of {at} ms is pale, or is not, in {range:?}"));
        }
    }
    Ok(())
}

/// That the rows of blocks which are not from the range are hidden, and no others.
pub fn rows(element: &Element, root: &Element, document: &Value) -> Result<(), String> {
    let range = range(root);
    for row in element.elements() {
        let all = row.all();
        let from = all
            .iter()
            .filter_map(|one| one.attribute("data-from"))
            .find(|from| from.ends_with("/allocated_ms"));
        let from = from.ok_or("a block says when it was allocated")?;
        let at = document.pointer(from).and_then(Value::as_u64).ok_or("a moment")?;
        if row.attribute("hidden").is_some() != (of_cell(range, at, at) == "off") {
            return Err(format!("{from}, {at} ms, is hidden, or is not, in {range:?}"));
        }
    }
    Ok(())
}

/// How many cells or squares below `list` are as `what` says: `some` are neither pale nor in doubt.
pub fn counted(list: &Element, what: &str) -> usize {
    let is_drawn = |element: &&&Element| {
        element.attribute("data-cell").is_some()
            || element.name == "a" && element.attribute("data-from").is_some()
    };
    let is_so = |element: &&&Element| match what {
        "some" => !element.has_class("off") && !element.has_class("may"),
        class => element.has_class(class),
    };
    list.all().iter().filter(is_drawn).filter(is_so).count()
}
