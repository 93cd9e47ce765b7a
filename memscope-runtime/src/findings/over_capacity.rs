//! Variables with much capacity that holds nothing.

use super::OVER_CAPACITY;
use super::containers::shrinks_to_the_byte;
use super::evidence::{bytes, finding, is_share, ms, path_text, percent, variable_text};
use crate::snapshot::{Finding, Severity, Snapshot, Variable};
use crate::units;

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
                "{} in {} has capacity that held no element at its last look: {} of its {} ({} %). \
                 `shrink_to_fit` once it is filled, or a fitting `with_capacity`, {}.",
                variable_text(variable),
                path_text(&variable.scope),
                units::bytes(unused),
                units::bytes(held),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::handmade::{evidence, names, shown, snapshot, the_one, variable};
    use crate::snapshot::{Instance, Stage};

    fn with(unused: u64, held: u64) -> Snapshot {
        let mut snapshot = snapshot();
        snapshot.variables =
            vec![Variable { unused_bytes: Some(unused), heap_bytes: Some(held), ..variable("rows") }];
        snapshot
    }

    #[test]
    fn unused_capacity_is_a_saving() {
        let snapshot = with(64 << 10, 128 << 10);
        let found = the_one(&snapshot, OVER_CAPACITY);
        assert_eq!(
            found.message,
            "`rows` (alloc::vec::Vec<u8>) in serve has capacity that held no element at its last look: 64.0 KiB of its 128.0 KiB (50 %). `shrink_to_fit` once it is filled, or a fitting `with_capacity`, saves them."
        );
        assert_eq!(
            (found.severity, &found.scope, found.saving_bytes),
            (Severity::Warning, &names(&["serve"]), Some(64 << 10))
        );
        assert_eq!(
            shown(&snapshot, &found),
            evidence(&[
                (64 << 10, "bytes", "/variables/0/unused_bytes"),
                (128 << 10, "bytes", "/variables/0/heap_bytes"),
                (9_000, "ms", "/variables/0/last_observed_ms"),
            ])
        );
    }

    #[test]
    fn each_threshold_is_where_it_is_said_to_be() {
        assert!(over_capacity(&with((64 << 10) - 1, 64 << 10)).is_empty());
        assert!(over_capacity(&with(64 << 10, (128 << 10) + 1)).is_empty());
        // The blocks were freed or shrunk since the look: what it saw is no longer there.
        assert!(over_capacity(&with(128 << 10, 64 << 10)).is_empty());
        let mut estimate = with(64 << 10, 128 << 10);
        estimate.variables[0].heap_bytes_error = Some(1);
        assert!(over_capacity(&estimate).is_empty());
    }

    #[test]
    fn no_saving_is_claimed_where_the_type_does_not_tell_it() {
        let mut snapshot = with(64 << 10, 64 << 10);
        snapshot.variables[0].type_name = Some("std::collections::hash::map::HashMap<u8, u8>".to_owned());
        let found = the_one(&snapshot, OVER_CAPACITY);
        assert_eq!(found.saving_bytes, None);
        assert!(
            found.message.ends_with("saves a part of them; how much depends on what the type is made of.")
        );
    }

    #[test]
    fn what_was_empty_at_its_only_look_may_have_been_filled_since() {
        let mut snapshot = with(64 << 10, 64 << 10);
        let instance = Instance {
            weight: 1,
            thread: 1,
            stage: Stage::Active,
            bound_ms: 5,
            observed_ms: 5,
            observations: 1,
            ended_ms: None,
            heap_bytes: Some(64 << 10),
            peak_heap_bytes: None,
            seen: Vec::new(),
            fate: None,
            unused_bytes: Some(64 << 10),
            blocks: Vec::new(),
            folded_blocks: 0,
        };
        snapshot.variables[0].history = vec![instance];
        assert!(over_capacity(&snapshot).is_empty());
        snapshot.variables[0].history[0].observations = 2;
        assert_eq!(over_capacity(&snapshot).len(), 1, "it was looked at again");
        snapshot.variables[0].history[0].observations = 1;
        snapshot.variables[0].history[0].unused_bytes = Some((64 << 10) - 1);
        assert_eq!(over_capacity(&snapshot).len(), 1, "something was in it");
    }
}
