//! `memscope compare`: two recordings, as text, as JSON or as a page.

use super::{Failure, print, read, write_page};
use crate::compare::Comparison;
use crate::figure::Figure;
use crate::show::{table, text_columns};
use crate::view::compare::{Cell, Page, Panel};
use crate::view::first_line::Part;
use crate::{compare, render_compare, view};
use std::path::Path;

/// Rows of each class that are printed.
const MOST_ROWS: usize = 5;

/// Compares `then` with `base`: writes the page to `output`, prints JSON if `json`, and text if neither is asked for.
pub(super) fn run(base: &Path, then: &Path, output: Option<&Path>, json: bool) -> Result<(), Failure> {
    let (one, other) = (read(base)?, read(then)?);
    if let Some(output) = output {
        let html = render_compare(&one, &other).map_err(Failure::new)?;
        write_page(&[base, then], output, &html)?;
    }
    let comparison = compare::compare(&one, &other);
    if json {
        print(serde_json::to_string_pretty(&comparison).map_err(Failure::new)?)?;
    } else if output.is_none() {
        print(text(&view::compare::page(&one, &other, &comparison), &comparison))?;
    }
    Ok(())
}

/// The words and figures of `parts` as one text.
pub(super) fn sentence(parts: &[Part]) -> String {
    let figure = |figure: &Option<Figure>| figure.as_ref().map_or_else(String::new, Figure::to_string);
    parts.iter().map(|part| format!("{}{}", part.words, figure(&part.figure))).collect()
}

fn text(page: &Page, comparison: &Comparison) -> String {
    let mut out = format!("{}\n", sentence(&page.first_line));
    for caveat in &page.caveats {
        out.push_str(&format!("! {}\n", sentence(caveat)));
    }
    let mut totals = table(&["total", "baseline", "then", "difference", "share"], None);
    for cell in &page.totals {
        let (base, then) = (side(cell.base.as_ref()), side(cell.then.as_ref()));
        let share = cell.growth.as_ref().map_or_else(String::new, Figure::to_string);
        totals.add_row([cell.label.to_owned(), base, then, difference(cell), share]);
    }
    out.push_str(&format!("\nTotals ({})\n{totals}\n", page.provenance.name));
    let lists = [&comparison.variables, &comparison.scopes, &comparison.types];
    for (panel, rows) in page.panels.iter().zip(lists) {
        let counts = panel.classes.iter().map(|one| format!("{} {}", one.count, one.class.name));
        let counts: Vec<String> = counts.collect();
        let counts = if counts.is_empty() { "none".into() } else { counts.join(", ") };
        out.push_str(&format!("\n{}: {counts}\n", panel.heading));
        if rows.iter().any(|row| row.class != compare::Class::Unchanged) {
            out.push_str(&format!("{}\n", rows_of(panel)));
        }
    }
    out
}

fn rows_of(panel: &Panel) -> String {
    let mut head = vec!["", "name", "where"];
    head.extend(&panel.columns);
    let mut table = table(&head, None);
    let (mut class, mut of_class) = ("", 0);
    for row in &panel.rows {
        of_class = if row.class.key == class { of_class + 1 } else { 1 };
        class = row.class.key;
        if of_class > MOST_ROWS {
            continue;
        }
        let name =
            [Some(&row.name), row.type_name.as_ref()].into_iter().flatten().cloned().collect::<Vec<_>>();
        let mut cells = vec![
            row.by.as_ref().map_or_else(|| row.class.name.into(), |by| format!("{} {by}", row.class.name)),
            name.join(": "),
            row.scope.clone().unwrap_or_default(),
        ];
        cells.extend(row.cells.iter().map(difference));
        table.add_row(cells);
    }
    text_columns(&mut table, &[1, 2]);
    table.to_string()
}

fn side(figure: Option<&Figure>) -> String {
    figure.map_or_else(|| "–".into(), Figure::to_string)
}

/// The difference, or that it is none.
fn difference(cell: &Cell) -> String {
    match &cell.difference {
        None => "not known".into(),
        Some(figure) if cell.is_unsure => format!("{figure} (within the error)"),
        Some(figure) => figure.to_string(),
    }
}
