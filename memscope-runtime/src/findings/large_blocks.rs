//! Single blocks that are a large part of the heap.

use super::LARGE_BLOCKS;
use super::evidence::{at_most, bytes, finding, is_share, path_text, percent, variable_text};
use crate::snapshot::{Finding, Mode, Severity, Snapshot};

/// A smaller one is not what fills a machine.
const MIN_BYTES: u64 = 1 << 20;
/// Of all live bytes; so at most ten are reported.
const MIN_PERCENT: u64 = 10;

pub(super) fn large_blocks(snapshot: &Snapshot) -> Vec<Finding> {
    let totals = &snapshot.totals;
    let blocks = snapshot.blocks.largest.iter().enumerate();
    blocks
        .filter(|(_, block)| {
            block.bytes >= MIN_BYTES
                && is_share(block.bytes, MIN_PERCENT, at_most(totals.live_bytes, totals.live_bytes_error))
        })
        .map(|(index, block)| {
            let scope = block.scope.and_then(|scope| snapshot.scopes.get(scope as usize));
            let owner = block.variable.and_then(|row| Some((row, snapshot.variables.get(row as usize)?)));
            let allocated = match scope {
                Some(scope) => format!(", allocated by {}", path_text(&scope.path)),
                None => String::new(),
            };
            let owned = match owner {
                Some((_, variable)) => format!(" {} owns it.", variable_text(variable)),
                None if snapshot.mode == Mode::Sampling => String::new(),
                None => " No tracked variable was seen to own it.".to_owned(),
            };
            let message = format!(
                "One block of {} bytes is {} % of the {} live bytes{allocated}.{owned}",
                block.bytes,
                percent(block.bytes, totals.live_bytes),
                totals.live_bytes,
            );
            let mut evidence = vec![
                bytes("bytes of the block", block.bytes, format!("/blocks/largest/{index}/bytes")),
                bytes("live bytes of the process", totals.live_bytes, "/totals/live_bytes".to_owned()),
            ];
            if let Some((row, held)) = owner.and_then(|(row, variable)| Some((row, variable.heap_bytes?))) {
                evidence.push(bytes(
                    "bytes of the variable live now",
                    held,
                    format!("/variables/{row}/heap_bytes"),
                ));
            }
            Finding {
                scope: scope.map(|scope| scope.path.clone()).unwrap_or_default(),
                variable: owner.map(|(_, variable)| variable.name.clone()),
                evidence,
                ..finding(LARGE_BLOCKS, Severity::Note, message)
            }
        })
        .collect()
}
