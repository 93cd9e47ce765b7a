//! Growth by reallocation: scopes that resize more often than they allocate, and variables whose growth moves many
//! bytes.
//!
//! A capacity that is given at the start avoids the moves. They cost time; live bytes are not saved by it, so no saving is
//! stated.

use super::GROWTH_BY_REALLOC;
use super::evidence::{
    at_least, at_most, bytes, count, counted, finding, is_share, path_text, variable_text,
};
use crate::snapshot::{Finding, Severity, Snapshot};
use crate::units;

/// A scope whose reallocations are fewer is not worth a person's time.
const MIN_REALLOCATIONS: u64 = 1_000;
/// Moving fewer bytes takes less than some 0.1 ms, at 10 GB/s.
const MIN_MOVED_BYTES: u64 = 1 << 20;
/// A block that grows by doubling moves each byte that it gains about once; where less than this share is moved, growth
/// is mostly in place.
const MIN_MOVED_PERCENT: u64 = 50;
/// Moving each byte gained so often is growth by small steps, whose cost grows with the square of the size.
const SMALL_STEPS_PERCENT: u64 = 400;

pub(super) fn growth_by_realloc(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = by_scope(snapshot);
    findings.extend(by_variable(snapshot));
    findings
}

fn by_scope(snapshot: &Snapshot) -> Vec<Finding> {
    let scopes = snapshot.scopes.iter().enumerate();
    scopes
        .filter(|(_, scope)| {
            let memory = &scope.exclusive;
            let reallocations = at_least(memory.reallocations, memory.reallocations_error);
            reallocations >= MIN_REALLOCATIONS
                && reallocations >= at_most(memory.allocations, memory.allocations_error)
        })
        .map(|(index, scope)| {
            let memory = &scope.exclusive;
            let message = format!(
                "{} resizes blocks {} times for {}. Give the containers that it fills their capacity at the start \
                 (`with_capacity`, `reserve`).",
                path_text(&scope.path),
                units::count(memory.reallocations),
                counted(memory.allocations, "allocation"),
            );
            let at = |field: &str| format!("/scopes/{index}/exclusive/{field}");
            Finding {
                scope: scope.path.clone(),
                evidence: vec![
                    count("reallocations of the scope", memory.reallocations, at("reallocations")),
                    count("allocations of the scope", memory.allocations, at("allocations")),
                ],
                ..finding(GROWTH_BY_REALLOC, Severity::Warning, message)
            }
        })
        .collect()
}

fn by_variable(snapshot: &Snapshot) -> Vec<Finding> {
    let variables = snapshot.variables.iter().enumerate();
    variables
        .filter_map(|(index, variable)| {
            let (moved, grown) = (variable.moved_bytes?, variable.grown_bytes?);
            if moved < MIN_MOVED_BYTES || !is_share(moved, MIN_MOVED_PERCENT, grown) {
                return None;
            }
            let by_small_steps = is_share(moved, SMALL_STEPS_PERCENT, grown);
            let steps = if by_small_steps { " It grows by small steps." } else { "" };
            let message = format!(
                "{} in {} grew by {}, and its growth moved {} to other addresses.{steps} \
                 `with_capacity` or `reserve` at the start avoids these copies; it saves time, not live bytes.",
                variable_text(variable),
                path_text(&variable.scope),
                units::bytes(grown),
                units::bytes(moved),
            );
            let severity = if by_small_steps { Severity::Warning } else { Severity::Note };
            Some(Finding {
                scope: variable.scope.clone(),
                variable: Some(variable.name.clone()),
                evidence: vec![
                    bytes("bytes that growth moved", moved, format!("/variables/{index}/moved_bytes")),
                    bytes("bytes that growth gained", grown, format!("/variables/{index}/grown_bytes")),
                ],
                ..finding(GROWTH_BY_REALLOC, severity, message)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::handmade::{evidence, names, shown, snapshot, the_one, variable};
    use crate::snapshot::{ScopeMemory, Variable};

    #[test]
    fn a_scope_that_resizes_more_than_it_allocates_is_said() {
        let mut snapshot = snapshot();
        let with =
            |allocations, reallocations| ScopeMemory { allocations, reallocations, ..ScopeMemory::default() };
        snapshot.scopes[1].exclusive = with(1_000, 1_000);
        let found = the_one(&snapshot, GROWTH_BY_REALLOC);
        assert_eq!(
            found.message,
            "serve resizes blocks 1\u{202f}000 times for 1\u{202f}000 allocations. Give the containers that it fills their capacity at the \
             start (`with_capacity`, `reserve`)."
        );
        assert_eq!((found.severity, &found.scope), (Severity::Warning, &names(&["serve"])));
        assert_eq!(
            shown(&snapshot, &found),
            evidence(&[
                (1_000, "count", "/scopes/1/exclusive/reallocations"),
                (1_000, "count", "/scopes/1/exclusive/allocations"),
            ])
        );
        for too_few in [with(0, 999), with(1_001, 1_000)] {
            snapshot.scopes[1].exclusive = too_few;
            assert!(growth_by_realloc(&snapshot).is_empty());
        }
        let estimate = |allocations_error, reallocations_error| ScopeMemory {
            allocations_error: Some(allocations_error),
            reallocations_error: Some(reallocations_error),
            ..with(1_000, 2_000)
        };
        snapshot.scopes[1].exclusive = estimate(100, 400);
        assert_eq!(growth_by_realloc(&snapshot).len(), 1, "2,000 − 800 are 1,000 + 200");
        for uncertain in [estimate(101, 400), estimate(100, 401)] {
            snapshot.scopes[1].exclusive = uncertain;
            assert!(growth_by_realloc(&snapshot).is_empty());
        }
    }

    #[test]
    fn a_variable_whose_growth_moves_much_is_said_and_no_saving_is_claimed() {
        let mut snapshot = snapshot();
        let with = |moved, grown| {
            vec![Variable { moved_bytes: Some(moved), grown_bytes: Some(grown), ..variable("rows") }]
        };
        snapshot.variables = with(1 << 20, 2 << 20);
        let found = the_one(&snapshot, GROWTH_BY_REALLOC);
        assert_eq!(
            found.message,
            "`rows` (alloc::vec::Vec<u8>) in serve grew by 2.0 MiB, and its growth moved 1.0 MiB to other \
             addresses. `with_capacity` or `reserve` at the start avoids these copies; it saves time, not live bytes."
        );
        assert_eq!(
            (found.severity, found.variable.as_deref(), found.saving_bytes),
            (Severity::Note, Some("rows"), None)
        );
        assert_eq!(
            shown(&snapshot, &found),
            evidence(&[
                (1 << 20, "bytes", "/variables/0/moved_bytes"),
                (2 << 20, "bytes", "/variables/0/grown_bytes"),
            ])
        );
        for too_little in [with((1 << 20) - 1, 1), with(1 << 20, (2 << 20) + 1)] {
            snapshot.variables = too_little;
            assert!(growth_by_realloc(&snapshot).is_empty());
        }
        snapshot.variables = with(4 << 20, 1 << 20);
        let found = the_one(&snapshot, GROWTH_BY_REALLOC);
        assert_eq!(found.severity, Severity::Warning, "four times what it gained");
        assert!(found.message.contains("It grows by small steps."), "{}", found.message);
        snapshot.variables = with((4 << 20) - 1, 1 << 20);
        assert_eq!(the_one(&snapshot, GROWTH_BY_REALLOC).severity, Severity::Note);
        snapshot.variables[0].moved_bytes = None;
        assert!(growth_by_realloc(&snapshot).is_empty(), "not measured");
    }
}
