//! The cells of the memory map, computed again from the document.

use super::blocks_of_range;
use super::markup::Element;
use serde_json::Value;
use std::collections::BTreeMap;

/// The cells of a region by address, each with the colour that the document says, pale where nothing is from the range that
/// `root` is read in, and the holes between.
pub fn cells(element: &Element, root: &Element, document: &Value) -> Result<(), String> {
    // Before the page's script has run there are none.
    let Some(by) = element.attribute("data-by") else {
        return if element.elements().next().is_none() { Ok(()) } else { Err("cells of no colour".into()) };
    };
    let number = element.attribute("data-region").and_then(|number| number.parse::<usize>().ok());
    let number = number.ok_or("a region has a number")?;
    let region =
        document["memory_map"]["regions"].get(number).ok_or(format!("there is no region {number}"))?;
    let of = |row: &Value, field: &str| row[field].as_u64().expect("a number");
    let (unit, mut end) = (of(region, "cell_bytes"), of(region, "start"));
    let all = document["memory_map"]["cells"].as_array().expect("a list");
    let range = blocks_of_range::range(root);
    let mut computed = Vec::new();
    let hole = |from: u64, to: u64| {
        // A hole takes twelve slots at most, a cell four and twenty.
        (from < to).then(|| (None, String::new(), (to - from).div_ceil(unit).min(12)))
    };
    for (index, cell) in all.iter().enumerate().filter(|(_, cell)| of(cell, "region") == number as u64) {
        let (start, bytes) = (of(cell, "start"), of(cell, "bytes"));
        computed.extend(hole(end, start));
        let of_range = blocks_of_range::of_cell(range, of(cell, "oldest_ms"), of(cell, "newest_ms"));
        let class = format!("{} {of_range}", colour(cell, by, document)?).trim_end().to_owned();
        computed.push((Some(index), class, bytes.div_ceil(unit).min(24)));
        end = start + bytes;
    }
    computed.extend(hole(end, of(region, "start") + of(region, "bytes")));
    let drawn: Vec<_> = element
        .elements()
        .map(|one| {
            // The one that is pointed at is marked besides.
            let class = one.attribute("class").unwrap_or_default();
            let class = class.strip_suffix("at").unwrap_or(class);
            let slots = one.attribute("style").map_or("1", |style| style.trim_start_matches("--n:"));
            let index = one.attribute("data-cell").map(|index| index.parse::<usize>().expect("a number"));
            (index, class.trim().to_owned(), slots.parse::<u64>().expect("a number"))
        })
        .collect();
    if drawn != computed {
        let other = drawn.iter().zip(&computed).position(|(a, b)| a != b);
        let place = other.unwrap_or(drawn.len().min(computed.len()));
        let (drawn, computed) = (drawn.get(place), computed.get(place));
        return Err(format!("region {number}, {by}, place {place}: drawn {drawn:?}, computed {computed:?}"));
    }
    match element.attribute("aria-valuemax") == Some(&*drawn.len().to_string()) {
        true => Ok(()),
        false => Err(format!("region {number} says not how many cells it has")),
    }
}

/// The class of a cell: the place of its thread or scope among those with most bytes in cells that are mostly theirs, that of
/// its variable among all, or how many fifths it is full, old, or young.
fn colour(cell: &Value, by: &str, document: &Value) -> Result<String, String> {
    let of = |field: &str| cell[field].as_u64();
    let ranked = |field: &str| {
        let mut sums: BTreeMap<u64, u64> = BTreeMap::new();
        for cell in document["memory_map"]["cells"].as_array().expect("a list") {
            if let (Some(one), Some(bytes)) = (cell[field].as_u64(), cell[format!("{field}_bytes")].as_u64())
            {
                *sums.entry(one).or_default() += bytes;
            }
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_by_key(|&(one, bytes)| (std::cmp::Reverse(bytes), one));
        let place = sums.iter().position(|&(one, _)| Some(one) == of(field));
        format!("c{}", place.unwrap_or(7).min(7))
    };
    let fifth = |part: Option<u64>, whole: Option<u64>| {
        let fifths = (part.unwrap_or(0) * 5).div_ceil(whole.unwrap_or(0).max(1)).clamp(1, 5);
        format!("l{}", &"abcde"[fifths as usize - 1..fifths as usize])
    };
    // Those with most live bytes of all, if they have any.
    let variable = || {
        let rows = document["variables"].as_array().expect("a list").iter().enumerate();
        let mut sizes: Vec<_> =
            rows.map(|(index, row)| (std::cmp::Reverse(row["heap_bytes"].as_u64()), index as u64)).collect();
        sizes.sort_unstable();
        let owner = of("variable");
        let place = sizes.iter().position(|&(bytes, index)| Some(index) == owner && bytes.0 > Some(0));
        format!("c{}", place.unwrap_or(7).min(7))
    };
    match by {
        "variable" if of("variable").is_none() && of("variable_bytes").is_some() => Ok("lo".into()),
        "variable" => Ok(variable()),
        "thread" | "scope" => Ok(ranked(by)),
        "age" => Ok(fifth(of("newest_ms"), document["program"]["elapsed_ms"].as_u64())),
        "young" if of("young_blocks") == Some(0) => Ok("lo".into()),
        "young" => Ok(fifth(of("young_blocks"), of("blocks"))),
        "occupancy" => Ok(fifth(of("live_bytes"), of("bytes"))),
        other => Err(format!("{other} is no colour")),
    }
}
