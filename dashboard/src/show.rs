//! A recording as text for a terminal.
//!
//! Invariant: no string of the recorded program reaches the terminal raw; the views have made them
//! [visible](crate::text::visible).

use crate::figure::Figure;
use crate::view::{self, diagnostics::FindingView, ranking::ranked};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use memscope_runtime::snapshot::Snapshot;
use std::fmt::Write as _;

/// Rows of each table.
const MOST_ROWS: usize = 10;
/// Findings listed.
const MOST_FINDINGS: usize = 20;

/// The summary of `snapshot`, some dozens of lines; the first is that of [`view::first_line`].
pub fn summary(snapshot: &Snapshot) -> String {
    let mut out = view::first_line::first_line(snapshot).text;
    out.push_str("\n\n");
    for part in [totals(snapshot), scopes(snapshot), variables(snapshot), findings(snapshot)] {
        out.push_str(part.trim_end());
        out.push_str("\n\n");
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn totals(snapshot: &Snapshot) -> String {
    let overview = view::overview::overview(snapshot);
    let mut table = table(&["total", "bytes", "blocks"]);
    let mut row = |name: &str, bytes: Option<&Figure>, blocks: Option<&Figure>| {
        let text = |figure: Option<&Figure>| figure.map_or_else(String::new, Figure::to_string);
        table.add_row([name.to_owned(), text(bytes), text(blocks)]);
    };
    row("live at export", Some(&overview.live), Some(&overview.live_allocations));
    row("peak", Some(&overview.peak), None);
    row("allocated", Some(&overview.allocated), Some(&overview.allocations));
    row("freed", Some(&overview.deallocated), Some(&overview.deallocations));
    row("reallocations", None, Some(&overview.reallocations));
    format!("Totals ({})\n{table}", overview.provenance)
}

fn scopes(snapshot: &Snapshot) -> String {
    let all = view::scopes::scopes(snapshot).rows;
    let live = |row: &view::scopes::ScopeRow| row.exclusive.live.value.as_u64();
    let (top, _) = ranked(&all, MOST_ROWS, |row| (live(row), row.exclusive.allocated.value.as_u64()));
    let mut table = table(&["scope", "live", "with all below", "allocated", "calls"]);
    for &index in &top {
        let row = &all[index];
        table.add_row([
            row.path.clone(),
            row.exclusive.live.to_string(),
            row.inclusive.live.to_string(),
            row.exclusive.allocated.to_string(),
            row.calls.to_string(),
        ]);
    }
    format!(
        "{}\n{table}",
        heading(
            "Scopes",
            "exclusive live bytes",
            top.len(),
            snapshot.scopes.len(),
            snapshot.folded.scopes.scopes
        )
    )
}

fn variables(snapshot: &Snapshot) -> String {
    let labels = view::label::Labels::new(snapshot);
    let cards = view::variables::variables(snapshot, &labels).cards;
    let top = &cards[..cards.len().min(MOST_ROWS)];
    let mut table = table(&["variable", "live", "blocks", "type", "scope", "stage"]);
    for card in top {
        let type_name = card.type_name.as_deref().unwrap_or("type not known");
        let stage = format!("{} {}", card.stage.sign, card.stage.name);
        let (heap, blocks) = (card.heap.to_string(), card.blocks.to_string());
        table.add_row([&*card.name, &heap, &blocks, type_name, &card.scope, &stage]);
    }
    for text_column in [3, 4, 5] {
        if let Some(column) = table.column_mut(text_column) {
            column.set_cell_alignment(CellAlignment::Left);
        }
    }
    format!(
        "{}\n{table}",
        heading(
            "Variables",
            "live bytes",
            top.len(),
            snapshot.variables.len(),
            snapshot.folded.variables.variables
        )
    )
}

fn findings(snapshot: &Snapshot) -> String {
    let diagnostics = view::diagnostics::diagnostics(snapshot);
    let all: Vec<&FindingView> = diagnostics.groups.iter().flat_map(|group| &group.findings).collect();
    if all.is_empty() {
        return "Findings: none".into();
    }
    let shown = &all[..all.len().min(MOST_FINDINGS)];
    let mut out =
        heading("Findings", "severity", shown.len(), snapshot.findings.len(), snapshot.folded.findings);
    for finding in shown {
        write!(out, "\n  {} [{}] {}", finding.severity, finding.kind, finding.message)
            .expect("writing to a String cannot fail");
        for evidence in &finding.evidence {
            write!(out, "\n      {}: {}", evidence.what, evidence.figure)
                .expect("writing to a String cannot fail");
        }
        if let Some(saving) = &finding.saving {
            write!(out, "\n      saves {saving}").expect("writing to a String cannot fail");
        }
    }
    out
}

/// `folded`: rows that the recording has only the sums of.
fn heading(name: &str, order: &str, shown: usize, listed: usize, folded: u64) -> String {
    format!("{name} by {order} ({shown}/{})", folded.saturating_add(listed as u64))
}

/// A table whose first column is text and whose others are numbers.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.iter().copied());
    for (index, column) in table.column_iter_mut().enumerate() {
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
