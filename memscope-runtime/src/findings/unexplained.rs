//! Live memory that no variable explains: where the next `track_var!` tells most.
//!
//! Where no variable is tracked at all nothing is explained, which is no news: the scopes say where the memory is, and a
//! finding for each of them would say it again. So there is none.

use super::UNEXPLAINED_MEMORY;
use super::evidence::{bytes, finding, is_share, path_text, percent};
use crate::snapshot::{Finding, Severity, Snapshot, Walk};

/// Less is not worth a line of code.
const MIN_BYTES: u64 = 1 << 20;
/// Of the process's live bytes; so at most ten scopes are reported.
const MIN_PERCENT: u64 = 10;

pub(super) fn unexplained_memory(snapshot: &Snapshot) -> Vec<Finding> {
    if !snapshot.variables.iter().any(|variable| variable.walk != Walk::Declared) {
        return Vec::new();
    }
    let totals = &snapshot.totals;
    let scopes = snapshot.scopes.iter().enumerate();
    scopes
        .filter_map(|(index, scope)| {
            let unowned = scope.exclusive.unowned_live_bytes?;
            // A declaration explains its block as well. It may be of a block that another scope allocated: then too
            // little is reported here, not too much.
            let declared = snapshot
                .variables
                .iter()
                .filter(|variable| variable.walk == Walk::Declared && variable.scope == scope.path);
            let declared: u64 = declared.filter_map(|variable| variable.heap_bytes).sum();
            let unexplained = unowned.saturating_sub(declared);
            if unexplained < MIN_BYTES || !is_share(unexplained, MIN_PERCENT, totals.live_bytes) {
                return None;
            }
            let advice = if scope.path.is_empty() {
                "`#[track]` on the functions that run there would say which of them it is."
            } else {
                "A `track_var!` on what it returns or stores would name the holder."
            };
            let message = format!(
                "No tracked variable was seen to own {unowned} of the {} bytes that {} allocated and that live ({} % of \
                 all live bytes). {advice}",
                scope.exclusive.live_bytes,
                path_text(&scope.path),
                percent(unowned, totals.live_bytes),
            );
            let at = |field: &str| format!("/scopes/{index}/exclusive/{field}");
            Some(Finding {
                scope: scope.path.clone(),
                evidence: vec![
                    bytes("live bytes that no variable was seen to own", unowned, at("unowned_live_bytes")),
                    bytes("live bytes of the scope", scope.exclusive.live_bytes, at("live_bytes")),
                    bytes("live bytes of the process", totals.live_bytes, "/totals/live_bytes".to_owned()),
                ],
                ..finding(UNEXPLAINED_MEMORY, Severity::Note, message)
            })
        })
        .collect()
}
