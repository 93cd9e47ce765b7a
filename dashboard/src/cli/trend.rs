//! `memscope trend`: many recordings, as text, as JSON or as a page.

use super::compare::sentence;
use super::{Failure, print, read, write_page};
use crate::figure::Figure;
use crate::show::{table, text_columns};
use crate::view::multiple::Multiple;
use crate::view::trend::Page;
use crate::{render_trend, trend, view};
use memscope_runtime::snapshot::Snapshot;
use std::path::{Path, PathBuf};

/// Scopes and variables that are printed, each.
const MOST_ROWS: usize = 10;

/// The trend over `files`: writes the page to `output`, prints JSON if `json`, and text if neither is asked for.
pub(super) fn run(files: &[PathBuf], output: Option<&Path>, json: bool) -> Result<(), Failure> {
    let recordings: Vec<Snapshot> = files.iter().map(|file| read(file)).collect::<Result<_, _>>()?;
    let all: Vec<&Snapshot> = recordings.iter().collect();
    if let Some(output) = output {
        let html = render_trend(&all).map_err(Failure::new)?;
        let inputs: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
        write_page(&inputs, output, &html)?;
    }
    let ordered = trend::in_time_order(&all);
    let trend = trend::trend(&ordered);
    if json {
        print(serde_json::to_string_pretty(&trend).map_err(Failure::new)?)?;
    } else if output.is_none() {
        print(text(&view::trend::page(&ordered, &trend)))?;
    }
    Ok(())
}

fn text(page: &Page) -> String {
    let mut out = format!("{}\n", sentence(&page.first_line));
    for caveat in &page.caveats {
        out.push_str(&format!("! {caveat}\n"));
    }
    if !page.has_slopes {
        out.push_str("! Slopes are not computed: they take three sessions, and turns six.\n");
    }
    out.push_str(&format!("\nTotals ({})\n{}\n", page.provenance.name, rows(&page.totals, page.has_slopes)));
    for panel in page.panels.iter().filter(|panel| !panel.rows.is_empty()) {
        let shown = &panel.rows[..panel.rows.len().min(MOST_ROWS)];
        let by = if page.has_slopes { " by slope" } else { "" };
        let heading = format!("{}{by} ({}/{})", panel.heading, shown.len(), panel.total);
        out.push_str(&format!("\n{heading}\n{}\n", rows(shown, page.has_slopes)));
    }
    out
}

/// With columns of slopes where there are any, and with a first session where that is not the last.
fn rows(all: &[Multiple], has_slopes: bool) -> String {
    let has_first = all.iter().any(|row| row.first.is_some());
    let mut head = vec!["", "where"];
    head.extend(has_first.then_some("first"));
    head.push(if has_first { "last" } else { "this session" });
    if has_slopes {
        head.extend(["each session", "each hour", "turns"]);
    }
    let mut table = table(&head, None);
    let slope = |figure: &Option<Figure>| {
        figure.as_ref().map_or_else(|| "not computed".to_owned(), Figure::to_string)
    };
    for row in all {
        let within = if row.is_unsure { " (within the error)" } else { "" };
        let turn = row
            .turn
            .as_ref()
            .map_or_else(String::new, |turn| format!("{}: {} → {}", turn.at, turn.before, turn.after));
        let mut cells = vec![row.name.clone(), row.scope.clone().unwrap_or_default()];
        cells.extend(row.first.as_ref().map(Figure::to_string));
        cells.push(row.last.to_string());
        if has_slopes {
            cells.extend([format!("{}{within}", slope(&row.per_session)), slope(&row.per_hour), turn]);
        }
        table.add_row(cells);
    }
    text_columns(&mut table, if has_slopes { &[1, 6] } else { &[1] });
    table.to_string()
}
