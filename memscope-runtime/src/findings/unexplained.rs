//! Live memory that no variable explains: where the next `track_var!` tells most.
//!
//! Where no variable is tracked at all nothing is explained, which is no news: the scopes say where the memory is, and a
//! finding for each of them would say it again. So there is none.

use super::UNEXPLAINED_MEMORY;
use super::evidence::{bytes, finding, is_share, path_text, percent};
use crate::snapshot::{Finding, Scope, Severity, Snapshot, Walk};
use crate::units;

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
            let is_much = |bytes| bytes >= MIN_BYTES && is_share(bytes, MIN_PERCENT, totals.live_bytes);
            if !is_much(unowned) || !is_much(unowned.saturating_sub(declared_bytes(snapshot, scope))) {
                return None;
            }
            let advice = if scope.path.is_empty() {
                "`#[track]` on the functions that run there would say which of them it is."
            } else {
                "A `track_var!` on what it returns or stores would name the holder."
            };
            let message = format!(
                "No tracked variable was seen to own {} of the {} that {} allocated and that live ({} % of \
                 all live bytes). {advice}",
                units::bytes(unowned),
                units::bytes(scope.exclusive.live_bytes),
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

/// Bytes of declarations that were made in a scope. A declaration explains its block as well. It may be of a block that
/// another scope allocated: then too little is reported here, not too much.
fn declared_bytes(snapshot: &Snapshot, scope: &Scope) -> u64 {
    let rows = snapshot.variables.iter();
    rows.filter(|variable| variable.walk == Walk::Declared && variable.scope == scope.path)
        .filter_map(|variable| variable.heap_bytes)
        .fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::handmade::{evidence, names, shown, snapshot, the_one, variable};
    use crate::snapshot::{ScopeMemory, Variable};

    /// 10 of 100 MiB are `serve`'s and nobody's.
    fn unowned() -> Snapshot {
        let mut snapshot = snapshot();
        snapshot.variables = vec![variable("other")];
        snapshot.scopes[1].exclusive = ScopeMemory {
            live_bytes: 20 << 20,
            unowned_live_bytes: Some(10 << 20),
            ..ScopeMemory::default()
        };
        snapshot
    }

    #[test]
    fn where_the_next_variable_tells_most_is_said() {
        let snapshot = unowned();
        let found = the_one(&snapshot, UNEXPLAINED_MEMORY);
        assert_eq!(
            found.message,
            "No tracked variable was seen to own 10.0 MiB of the 20.0 MiB that serve allocated and that live (10 % of \
             all live bytes). A `track_var!` on what it returns or stores would name the holder."
        );
        assert_eq!(
            (found.severity, &found.scope, found.saving_bytes),
            (Severity::Note, &names(&["serve"]), None)
        );
        assert_eq!(
            shown(&snapshot, &found),
            evidence(&[
                (10 << 20, "bytes", "/scopes/1/exclusive/unowned_live_bytes"),
                (20 << 20, "bytes", "/scopes/1/exclusive/live_bytes"),
                (100 << 20, "bytes", "/totals/live_bytes"),
            ])
        );
    }

    #[test]
    fn each_threshold_is_where_it_is_said_to_be() {
        let mut snapshot = unowned();
        snapshot.scopes[1].exclusive.unowned_live_bytes = Some((10 << 20) - 1);
        assert!(unexplained_memory(&snapshot).is_empty());
        snapshot.totals.live_bytes = 1 << 20;
        snapshot.scopes[1].exclusive.unowned_live_bytes = Some((1 << 20) - 1);
        assert!(unexplained_memory(&snapshot).is_empty());
        snapshot.scopes[1].exclusive.unowned_live_bytes = None;
        assert!(unexplained_memory(&snapshot).is_empty(), "not measured");
    }

    #[test]
    fn where_nothing_is_tracked_or_it_is_declared_nothing_is_said() {
        let mut snapshot = unowned();
        let declared = Variable { walk: Walk::Declared, heap_bytes: Some(1), ..variable("declared") };
        snapshot.variables.push(declared);
        assert!(unexplained_memory(&snapshot).is_empty(), "a byte less than 10 MiB");
        snapshot.variables[1].scope = names(&["elsewhere"]);
        assert_eq!(unexplained_memory(&snapshot).len(), 1);
        snapshot.variables.remove(0);
        assert!(unexplained_memory(&snapshot).is_empty(), "a declaration is no tracked variable");
    }
}
