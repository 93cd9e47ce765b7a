//! Containers that each call of a hot function makes anew and drops.

use super::DUPLICATES;
use super::containers::keeps_its_block;
use super::evidence::{count, counted, finding, is_share, path_text, variable_text};
use crate::snapshot::{Finding, Severity, Snapshot};

/// A function that was called less often is not hot: at 100 ns for a pair its containers take a millisecond.
const MIN_CALLS: u64 = 10_000;
/// Executions for each hundred calls from which on every call is taken to make one.
const MIN_INSTANCES_PERCENT: u64 = 90;

pub(super) fn duplicates(snapshot: &Snapshot) -> Vec<Finding> {
    let variables = snapshot.variables.iter().enumerate();
    variables
        .filter_map(|(index, variable)| {
            let fates = variable.fates?;
            let reusable = variable.type_name.as_deref().is_some_and(keeps_its_block);
            // Those of the calls that run now are in scope.
            let all_dropped = fates.dropped_in_scope + variable.active_instances == variable.instances;
            if !reusable || !all_dropped || fates.dropped_in_scope < MIN_CALLS {
                return None;
            }
            // Two functions of one name have one path; then it is not known whose calls are meant.
            let mut scopes =
                snapshot.scopes.iter().enumerate().filter(|(_, scope)| scope.path == variable.scope);
            let ((place, scope), None) = (scopes.next()?, scopes.next()) else { return None };
            if scope.calls < MIN_CALLS || !is_share(variable.instances, MIN_INSTANCES_PERCENT, scope.calls) {
                return None;
            }
            let message = format!(
                "{} is made anew {} times in {} of {}, and dropped there each time. Make it once outside, hand it in, and \
                 `clear` it: it keeps its capacity.",
                variable_text(variable),
                variable.instances,
                counted(scope.calls, "call"),
                path_text(&variable.scope),
            );
            Some(Finding {
                scope: variable.scope.clone(),
                variable: Some(variable.name.clone()),
                evidence: vec![
                    count("executions of the binding", variable.instances, format!("/variables/{index}/instances")),
                    count(
                        "of these dropped in scope",
                        fates.dropped_in_scope,
                        format!("/variables/{index}/fates/dropped_in_scope"),
                    ),
                    count("calls of the function", scope.calls, format!("/scopes/{place}/calls")),
                ],
                ..finding(DUPLICATES, Severity::Note, message)
            })
        })
        .collect()
}
