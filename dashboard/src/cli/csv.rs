//! `memscope show --csv`: one list of a recording as CSV, for a spreadsheet or a script.
//!
//! Headers are the JSON's keys, so units stand in them (`_bytes`, `_ms`; what has none is a count). An empty cell is "not
//! measured".
//!
//! Invariant: no string of the recorded program is taken for a formula or obeyed by a terminal. It is made
//! [visible](crate::text::visible), and gets a `'` before it where a spreadsheet would see a formula
//! (<https://owasp.org/www-community/attacks/CSV_Injection>).

use super::{Failure, open, say};
use crate::text::visible;
use crate::view::label;
use clap::ValueEnum;
use memscope_runtime::snapshot::{Block, Snapshot};
use serde::Serialize;
use serde_json::Value;
use std::io::{self, BufWriter, StdoutLock};
use std::path::Path;

/// What may be printed as CSV.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum List {
    /// Tracked and declared variables.
    Variables,
    /// The scope tree, one row a node.
    Scopes,
    /// Places in the source.
    Sites,
    /// Threads.
    Threads,
    /// Live blocks: all of them, if the recording has the list, else the largest.
    Blocks,
}

/// Keys of a row of the JSON document; within an object, `object/key`.
const VARIABLES: &[&str] = &[
    "name",
    "type_name",
    "scope",
    "file",
    "line",
    "stage",
    "instances",
    "active_instances",
    "active_instances_error",
    "heap_bytes",
    "heap_bytes_error",
    "peak_heap_bytes",
    "blocks",
    "blocks_error",
    "value_bytes",
    "grown_bytes",
    "moved_bytes",
    "unused_bytes",
    "fates/dropped_in_scope",
    "fates/outlived_scope",
    "fates/live_at_export",
    "borrow_count",
    "ffi_crossings",
    "first_ms",
    "last_observed_ms",
    "category",
    "walk",
    "provenance",
];

const SCOPES: &[&str] = &[
    "path",
    "file",
    "line",
    "calls",
    "recursive_calls",
    "exclusive/live_bytes",
    "exclusive/live_bytes_error",
    "exclusive/live_allocations",
    "exclusive/live_allocations_error",
    "exclusive/allocated_bytes",
    "exclusive/allocated_bytes_error",
    "exclusive/allocations",
    "exclusive/allocations_error",
    "exclusive/deallocations",
    "exclusive/deallocations_error",
    "exclusive/reallocations",
    "exclusive/reallocations_error",
    "exclusive/live_at_peak_bytes",
    "exclusive/live_at_peak_bytes_error",
    "exclusive/unowned_live_bytes",
    "inclusive/live_bytes",
    "inclusive/live_bytes_error",
    "inclusive/live_allocations",
    "inclusive/live_allocations_error",
    "inclusive/allocated_bytes",
    "inclusive/allocated_bytes_error",
    "inclusive/allocations",
    "inclusive/allocations_error",
    "inclusive/live_at_peak_bytes",
    "inclusive/live_at_peak_bytes_error",
    "category/kind",
];

const SITES: &[&str] = &["kind", "name", "key", "file", "line", "column", "signature", "executions"];

const THREADS: &[&str] = &[
    "id",
    "threads",
    "name",
    "ended",
    "live_bytes",
    "live_bytes_error",
    "live_allocations",
    "live_allocations_error",
    "allocated_bytes",
    "allocated_bytes_error",
    "allocations",
    "allocations_error",
    "deallocations",
    "deallocations_error",
    "foreign_deallocations",
    "foreign_deallocations_error",
    "reallocations",
    "reallocations_error",
];

const BLOCKS: &[&str] = &["address", "bytes", "scope", "thread", "allocated_ms", "variable"];

/// Prints `list` of the last complete snapshot of `file`.
pub(super) fn print(file: &Path, list: List) -> Result<(), Failure> {
    let (mut recording, snapshot) = open(file)?;
    let mut table =
        Table { out: csv::Writer::from_writer(BufWriter::new(io::stdout().lock())), written: Ok(()) };
    let folded = &snapshot.folded;
    let left_out = match list {
        List::Variables => table.list(VARIABLES, &snapshot.variables, folded.variables.variables)?,
        List::Scopes => table.list(SCOPES, &snapshot.scopes, folded.scopes.scopes)?,
        List::Sites => table.list(SITES, &snapshot.sites, folded.sites)?,
        List::Threads => table.list(THREADS, &snapshot.threads, 0)?,
        List::Blocks => {
            table.header(BLOCKS);
            let all = recording.all_blocks(|block| table.block(&block, &snapshot)).map_err(Failure::new)?;
            if all.is_none() {
                snapshot.blocks.largest.iter().for_each(|block| table.block(block, &snapshot));
            }
            if all.is_none() { snapshot.blocks.folded_blocks } else { 0 }
        }
    };
    table.finish()?;
    if left_out > 0 {
        say(&format!(
            "{}: {left_out} rows more are not in the recording one by one (`memscope show` has their sums)",
            file.display()
        ));
    }
    Ok(())
}

/// Rows on their way to stdout.
struct Table<'a> {
    out: csv::Writer<BufWriter<StdoutLock<'a>>>,
    /// Nothing is written after the first error.
    written: csv::Result<()>,
}

impl Table<'_> {
    fn header(&mut self, columns: &[&str]) {
        self.row(columns.iter().map(|column| column.replace('/', "_")));
    }

    fn row(&mut self, cells: impl Iterator<Item = String>) {
        if self.written.is_ok() {
            self.written = self.out.write_record(cells.map(String::into_bytes));
        }
    }

    /// All of a list; gives back how many rows it lacks.
    fn list<T: Serialize>(&mut self, columns: &[&str], rows: &[T], folded: u64) -> Result<u64, Failure> {
        self.header(columns);
        for row in rows {
            let row = serde_json::to_value(row).map_err(Failure::new)?;
            self.row(columns.iter().map(|column| match row.pointer(&format!("/{column}")) {
                // A scope's own row has what is below it, too.
                Some(Value::Array(names)) if *column == "path" && names.is_empty() => {
                    label::scope_and_below(&[])
                }
                value => cell(value),
            }));
        }
        Ok(folded)
    }

    fn block(&mut self, block: &Block, snapshot: &Snapshot) {
        let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
        let scope = block.scope.and_then(|index| snapshot.scopes.get(index as usize));
        let variable = block.variable.and_then(|index| snapshot.variables.get(index as usize));
        let cells = [
            format!("{:#x}", block.address),
            block.bytes.to_string(),
            scope.map_or_else(String::new, |scope| path(&scope.path)),
            number(block.thread.map(u64::from)),
            block.allocated_ms.to_string(),
            variable.map_or_else(String::new, |variable| text(&variable.name)),
        ];
        self.row(cells.into_iter());
    }

    fn finish(mut self) -> Result<(), Failure> {
        let flushed = self.written.and_then(|()| Ok(self.out.flush()?));
        match flushed.map_err(|error| error.into_kind()) {
            // The reader has seen enough (`memscope show --csv … | head`).
            Err(csv::ErrorKind::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(csv::ErrorKind::Io(error)) => {
                Err(Failure::new(format_args!("stdout: cannot be written: {error}")))
            }
            Err(other) => Err(Failure::new(format_args!("stdout: cannot be written: {other:?}"))),
            Ok(()) => Ok(()),
        }
    }
}

/// A value of the JSON document as a cell.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(value)) => text(value),
        Some(Value::Array(names)) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            path(&names)
        }
        Some(number) => number.to_string(),
    }
}

/// A scope's path.
fn path(names: &[impl AsRef<str>]) -> String {
    match names {
        [] => label::scope(&[]),
        _ => text(&names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(" › ")),
    }
}

/// A text that a spreadsheet takes for a text.
fn text(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    format!("{}{}", if is_formula { "'" } else { "" }, visible(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_becomes_a_text() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|'/c calc'!A1", "＝1"] {
            assert_eq!(text(formula), format!("'{formula}"));
        }
        assert_eq!((text("\t=1").as_str(), text("\r=1").as_str()), ("'\\t=1", "'\\r=1"));
        assert_eq!(text("a=1"), "a=1");
        // A number is none, whatever its sign.
        assert_eq!(cell(Some(&Value::from(-5))), "-5");
        assert_eq!(cell(Some(&Value::Null)), "");
    }
}
