//! `memscope info`: what a recording's file consists of.

use super::{Failure, print};
use crate::text::visible;
use comfy_table::{CellAlignment, Table, presets};
use memscope_runtime::format::Recording;
use std::collections::BTreeMap;
use std::path::Path;

/// Prints the parts of the last complete snapshot of `file` with their sizes, of which only the totals are loaded, and the
/// list of all live blocks, where there is one, chunk by chunk.
pub(super) fn info(file: &Path) -> Result<(), Failure> {
    let mut recording = Recording::open(file).map_err(Failure::new)?;
    let head = recording.head().map_err(Failure::new)?;
    let mut parts = BTreeMap::<(u16, String), [u64; 3]>::new();
    for chunk in recording.chunks() {
        let name = chunk.name().map_or_else(|| format!("not known (kind {})", chunk.kind), str::to_owned);
        let [chunks, stored_bytes, raw_bytes] = parts.entry((chunk.kind, name)).or_default();
        *chunks += 1;
        *stored_bytes += u64::from(chunk.stored_bytes);
        *raw_bytes += u64::from(chunk.raw_bytes);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["part", "chunks", "bytes in the file", "uncompressed"]);
    for ((_, name), figures) in parts {
        table.add_row([name].into_iter().chain(figures.map(|figure| figure.to_string())));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut bytes = 0u64;
    let blocks =
        recording.all_blocks(|block| bytes = bytes.saturating_add(block.bytes)).map_err(Failure::new)?;
    let blocks = blocks.map_or_else(String::new, |count| {
        let live = head.totals.live_allocations;
        format!("\n\nEach of {count} live blocks is listed, {bytes} bytes together ({live} were live at the snapshot).")
    });
    let program = &head.program;
    print(format!(
        "{}: {} (process {}), memscope {}, {} ms recorded\n{} bytes, {} complete, {} bytes after the last; the last one is:\n\n\
         {table}{blocks}",
        visible(&file.display().to_string()),
        visible(&program.name),
        program.pid,
        visible(&program.memscope_version),
        program.elapsed_ms,
        recording.file_bytes(),
        match recording.snapshots() {
            1 => "1 snapshot".to_owned(),
            count => format!("{count} snapshots"),
        },
        recording.bytes_after(),
    ))
}
