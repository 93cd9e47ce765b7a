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
                memory.reallocations,
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
                "{} in {} grew by {grown} bytes, and its growth moved {moved} bytes to other addresses.{steps} \
                 `with_capacity` or `reserve` at the start avoids these copies; it saves time, not live bytes.",
                variable_text(variable),
                path_text(&variable.scope),
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
