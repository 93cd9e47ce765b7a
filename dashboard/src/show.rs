//! A recording as text for a terminal.
//!
//! Invariant: no string of the recorded program reaches the terminal raw; the views have made them
//! [visible](crate::text::visible).

use crate::figure::Figure;
use crate::view::{self, diagnostics::FindingView, label, label::Labels, ranking::ranked};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use memscope_runtime::snapshot::{Snapshot, Variable};
use std::fmt::Write as _;

/// Rows of each table.
const MOST_ROWS: usize = 10;
/// Findings listed.
const MOST_FINDINGS: usize = 20;

/// The summary of `snapshot`, some dozens of lines; the first is that of [`view::first_line`]. Tables are as wide as
/// the terminal at most, where there is one.
pub fn summary(snapshot: &Snapshot) -> String {
    summary_in(snapshot, None)
}

/// The same with tables of at most `width` columns; `None`: of the terminal's.
pub fn summary_in(snapshot: &Snapshot, width: Option<u16>) -> String {
    let labels = Labels::new(snapshot);
    let mut out = view::first_line::first_line(snapshot).to_string();
    out.push_str("\n\n");
    let parts = [
        totals(snapshot, width),
        fragmentation(snapshot, width),
        scopes(snapshot, &labels, width),
        variables(snapshot, &labels, width),
        fates(snapshot, width),
        growth(snapshot, width),
        findings(snapshot, &labels),
    ];
    for part in parts.iter().filter(|part| !part.is_empty()) {
        out.push_str(part.trim_end());
        out.push_str("\n\n");
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn totals(snapshot: &Snapshot, width: Option<u16>) -> String {
    let overview = view::overview::overview(snapshot);
    let mut table = table(&["total", "bytes", "blocks"], width);
    let mut row = |name: &str, bytes: Option<&Figure>, blocks: Option<&Figure>| {
        let text = |figure: Option<&Figure>| figure.map_or_else(String::new, Figure::to_string);
        table.add_row([name.to_owned(), text(bytes), text(blocks)]);
    };
    row("live at export", Some(&overview.live), Some(&overview.live_allocations));
    row("peak", Some(&overview.peak), None);
    row("allocated", Some(&overview.allocated), Some(&overview.allocations));
    row("freed", Some(&overview.deallocated), Some(&overview.deallocations));
    row("reallocations", None, Some(&overview.reallocations));
    format!("Totals ({})\n{table}", overview.provenance.name)
}

/// What is lost inside and between blocks, in three lines.
fn fragmentation(snapshot: &Snapshot, width: Option<u16>) -> String {
    let view = view::fragmentation::fragmentation(snapshot);
    let mut table = table(&["lost", "bytes", "share", "of"], width);
    table.add_row(["resident", &view.resident.to_string(), &view.live_share.to_string(), "alive"]);
    let (share, of) = view.slack_of.map_or_else(Default::default, |slack| {
        (slack.share.to_string(), format!("{} in {} live blocks", slack.bytes, slack.blocks))
    });
    table.add_row(["slack in blocks", &view.slack.to_string(), &share, &of]);
    let (free, share, of) = view.glibc.map_or_else(
        || (Figure::not_measured().to_string(), String::new(), String::new()),
        |heap| (heap.free.to_string(), heap.free_share.to_string(), format!("{} in arenas", heap.arena)),
    );
    table.add_row(["free in glibc", &free, &share, &of]);
    format!("Fragmentation\n{table}")
}

fn scopes(snapshot: &Snapshot, labels: &Labels<'_>, width: Option<u16>) -> String {
    let all = view::scopes::scopes(snapshot, labels).rows;
    let all: Vec<_> = all.iter().filter_map(|row| Some((row, row.more.as_ref()?))).collect();
    let bytes = |figure: &Figure| figure.value.as_u64();
    let (top, _) =
        ranked(&all, MOST_ROWS, |(row, more)| (bytes(&row.exclusive), bytes(&more.exclusive.allocated)));
    let mut table =
        table(&["scope", "live", "with all below", "allocated", "calls", "category (inferred)"], width);
    for &index in &top {
        let (row, more) = all[index];
        table.add_row([
            row.path.clone(),
            row.exclusive.to_string(),
            row.inclusive.to_string(),
            more.exclusive.allocated.to_string(),
            row.calls.to_string(),
            more.category
                .as_ref()
                .map_or(crate::units::NOT_MEASURED, |category| category.kind.name)
                .to_owned(),
        ]);
    }
    text_columns(&mut table, &[5]);
    let (listed, folded) = (snapshot.scopes.len(), snapshot.folded.scopes.scopes);
    format!("{}\n{table}", heading("Scopes", "exclusive live bytes", top.len(), listed, folded))
}

fn variables(snapshot: &Snapshot, labels: &Labels<'_>, width: Option<u16>) -> String {
    let cards = view::variables::cards(snapshot, labels, view::variables::MOST_STANDING);
    let top = &cards[..cards.len().min(MOST_ROWS)];
    let mut table = table(&["variable", "live", "blocks", "type", "scope", "stage"], width);
    for card in top {
        let type_name = card.type_name.as_deref().unwrap_or("type not known");
        let stage = format!("{} {}", card.stage.sign, card.stage.name);
        let (heap, blocks) = (card.heap.to_string(), card.blocks.to_string());
        table.add_row([&*card.name, &heap, &blocks, type_name, &card.scope, &stage]);
    }
    text_columns(&mut table, &[3, 4, 5]);
    let (listed, folded) = (snapshot.variables.len(), snapshot.folded.variables.variables);
    format!("{}\n{table}", heading("Variables", "live bytes", top.len(), listed, folded))
}

/// Variables whose blocks live on though their scope was left, and how many executions had which fate.
fn fates(snapshot: &Snapshot, width: Option<u16>) -> String {
    let live_on = |row: &Variable| row.fates.map(|fates| (fates.live_at_export, fates.outlived_scope));
    let names = ["dropped in scope", "outlived its scope, since freed", "outlived its scope, still alive"];
    let mut table = table(&["variable", names[0], names[1], names[2], "scope"], width);
    let (top, count) = most(snapshot, |row| live_on(row).filter(|&fates| fates > (0, 0)));
    for &index in &top {
        let row = &snapshot.variables[index];
        let Some(fates) = row.fates else { continue };
        let at = |field: &str, value: u64| {
            Figure::count(format!("/variables/{index}/fates/{field}"), value).to_string()
        };
        table.add_row([
            crate::text::visible(&row.name),
            at("dropped_in_scope", fates.dropped_in_scope),
            at("outlived_scope", fates.outlived_scope),
            at("live_at_export", fates.live_at_export),
            label::scope(&row.scope),
        ]);
    }
    text_columns(&mut table, &[4]);
    match count {
        0 => String::new(),
        _ => format!("{}\n{table}", heading("Blocks beyond their scope", "executions", top.len(), count, 0)),
    }
}

/// Variables whose growth copied bytes or left capacity without an element.
fn growth(snapshot: &Snapshot, width: Option<u16>) -> String {
    let waste = |row: &Variable| {
        let sum = row.moved_bytes.unwrap_or(0).saturating_add(row.unused_bytes.unwrap_or(0));
        Some(sum).filter(|&sum| sum > 0)
    };
    let mut table = table(&["variable", "copied", "unused", "gained", "scope"], width);
    let (top, count) = most(snapshot, waste);
    for &index in &top {
        let row = &snapshot.variables[index];
        let at = |field: &str, value: Option<u64>| {
            Figure::bytes(format!("/variables/{index}/{field}"), value).to_string()
        };
        table.add_row([
            crate::text::visible(&row.name),
            at("moved_bytes", row.moved_bytes),
            at("unused_bytes", row.unused_bytes),
            at("grown_bytes", row.grown_bytes),
            label::scope(&row.scope),
        ]);
    }
    text_columns(&mut table, &[4]);
    match count {
        0 => String::new(),
        _ => format!("{}\n{table}", heading("Growth waste", "bytes copied and unused", top.len(), count, 0)),
    }
}

/// The indices of the variables with the most of `key`, and how many have any.
fn most<K: Ord>(snapshot: &Snapshot, key: impl Fn(&Variable) -> Option<K>) -> (Vec<usize>, usize) {
    let count = snapshot.variables.iter().filter(|row| key(row).is_some()).count();
    (ranked(&snapshot.variables, MOST_ROWS.min(count), key).0, count)
}

fn findings(snapshot: &Snapshot, labels: &Labels<'_>) -> String {
    let diagnostics = view::diagnostics::diagnostics(snapshot, labels);
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
        let places = [("scope", &finding.scope_place), ("variable", &finding.variable_place)];
        for (of, place) in places.into_iter().filter_map(|(of, place)| Some((of, place.as_ref()?))) {
            let line = place.line.as_ref().map(|line| format!(":{line}")).unwrap_or_default();
            write!(out, "\n      {of} at {}{line}", place.file).expect("writing to a String cannot fail");
        }
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

pub(crate) fn text_columns(table: &mut Table, columns: &[usize]) {
    for &column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Left);
        }
    }
}

/// A table whose first column is text and whose others are numbers.
pub(crate) fn table(header: &[&str], width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width {
        table.set_width(width);
    }
    table.set_header(header.iter().copied());
    for (index, column) in table.column_iter_mut().enumerate() {
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
