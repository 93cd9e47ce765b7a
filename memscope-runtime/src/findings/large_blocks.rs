//! Single blocks that are a large part of the heap.

use super::LARGE_BLOCKS;
use super::evidence::{at_most, bytes, finding, is_share, path_text, percent, variable_text};
use crate::snapshot::{Finding, Mode, Severity, Snapshot};
use crate::units;

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
                "One block of {} is {} % of the {} that live{allocated}.{owned}",
                units::bytes(block.bytes),
                percent(block.bytes, totals.live_bytes),
                units::bytes(totals.live_bytes),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::handmade::{evidence, names, shown, snapshot, the_one, variable};
    use crate::snapshot::{Block, Variable};

    /// One block of 10 MiB of 100 MiB.
    fn with_block(bytes: u64) -> Snapshot {
        let mut snapshot = snapshot();
        snapshot.variables = vec![Variable { heap_bytes: Some(11 << 20), ..variable("table") }];
        snapshot.blocks.largest = vec![Block {
            address: 4_096,
            bytes,
            scope: Some(1),
            thread: Some(1),
            allocated_ms: 3,
            variable: Some(0),
        }];
        snapshot
    }

    #[test]
    fn a_block_that_is_much_of_the_heap_is_said_with_its_owner() {
        let mut snapshot = with_block(10 << 20);
        let found = the_one(&snapshot, LARGE_BLOCKS);
        assert_eq!(
            found.message,
            "One block of 10.0 MiB is 10 % of the 100.0 MiB that live, allocated by serve. `table` \
             (alloc::vec::Vec<u8>) owns it."
        );
        assert_eq!(
            (found.severity, &found.scope, found.variable.as_deref(), found.saving_bytes),
            (Severity::Note, &names(&["serve"]), Some("table"), None)
        );
        assert_eq!(
            shown(&snapshot, &found),
            evidence(&[
                (10 << 20, "bytes", "/blocks/largest/0/bytes"),
                (100 << 20, "bytes", "/totals/live_bytes"),
                (11 << 20, "bytes", "/variables/0/heap_bytes"),
            ])
        );
        snapshot.blocks.largest[0].variable = None;
        snapshot.blocks.largest[0].scope = None;
        assert_eq!(
            the_one(&snapshot, LARGE_BLOCKS).message,
            "One block of 10.0 MiB is 10 % of the 100.0 MiB that live. No tracked variable was seen to own it."
        );
    }

    #[test]
    fn each_threshold_is_where_it_is_said_to_be() {
        assert!(large_blocks(&with_block((10 << 20) - 1)).is_empty());
        let mut snapshot = with_block(1 << 20);
        snapshot.totals.live_bytes = 1 << 20;
        assert_eq!(large_blocks(&snapshot).len(), 1);
        snapshot.blocks.largest[0].bytes -= 1;
        assert!(large_blocks(&snapshot).is_empty(), "the whole heap, but small");
        // Of a sample the whole is known within its error: 10 MiB are less than 10 % of 100 MiB and two errors.
        let mut snapshot = with_block(10 << 20);
        snapshot.totals.live_bytes_error = Some(1);
        assert!(large_blocks(&snapshot).is_empty());
    }
}
