//! Variables with much capacity that holds nothing.

use super::OVER_CAPACITY;
use super::containers::shrinks_to_the_byte;
use super::evidence::{bytes, finding, is_share, ms, path_text, percent, variable_text};
use crate::snapshot::{Finding, Severity, Snapshot, Variable};

/// Less is not worth a change: a dozen pages.
const MIN_UNUSED_BYTES: u64 = 64 << 10;
/// Growth by doubling leaves less than half of a container unused, so from here on it is not growth that explains it.
const MIN_UNUSED_PERCENT: u64 = 50;

pub(super) fn over_capacity(snapshot: &Snapshot) -> Vec<Finding> {
    let variables = snapshot.variables.iter().enumerate();
    variables
        .filter_map(|(index, variable)| {
            let (unused, held) = (variable.unused_bytes?, variable.heap_bytes?);
            let is_exact = variable.heap_bytes_error.is_none();
            if !is_exact
                || unused < MIN_UNUSED_BYTES
                || unused > held
                || !is_share(unused, MIN_UNUSED_PERCENT, held)
                || may_have_been_filled_since(variable)
            {
                return None;
            }
            let at = |field: &str| format!("/variables/{index}/{field}");
            let saving = variable.type_name.as_deref().is_some_and(shrinks_to_the_byte).then_some(unused);
            let message = format!(
                "{} in {} has capacity that held no element at its last look: {unused} of its {held} bytes ({} %). \
                 `shrink_to_fit` once it is filled, or a fitting `with_capacity`, {}.",
                variable_text(variable),
                path_text(&variable.scope),
                percent(unused, held),
                match saving {
                    Some(_) => "saves them",
                    None => "saves a part of them; how much depends on what the type is made of",
                },
            );
            Some(Finding {
                scope: variable.scope.clone(),
                variable: Some(variable.name.clone()),
                evidence: vec![
                    bytes("bytes of capacity without an element", unused, at("unused_bytes")),
                    bytes("bytes of the variable live now", held, at("heap_bytes")),
                    ms("last look", variable.last_observed_ms, at("last_observed_ms")),
                ],
                saving_bytes: saving,
                ..finding(OVER_CAPACITY, Severity::Warning, message)
            })
        })
        .collect()
}

/// Whether a live instance was looked at only once, when nothing was in it: it may have been made with its capacity, bound
/// by `track_var!(let …)`, and filled since.
fn may_have_been_filled_since(variable: &Variable) -> bool {
    variable.history.iter().any(|instance| {
        let is_empty = instance.unused_bytes.is_some_and(|unused| Some(unused) >= instance.heap_bytes);
        instance.observations < 2 && is_empty && instance.heap_bytes > Some(0)
    })
}
