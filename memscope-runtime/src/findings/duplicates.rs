//! Containers that each call of a hot function makes anew and drops.

use super::DUPLICATES;
use super::containers::keeps_its_block;
use super::evidence::{count, counted, finding, is_share, path_text, the_scope, variable_text};
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
            let all_dropped = fates.dropped_in_scope.saturating_add(variable.active_instances) == variable.instances;
            if !reusable || !all_dropped || fates.dropped_in_scope < MIN_CALLS {
                return None;
            }
            // Of two functions of one name it is not known whose calls are meant.
            let (place, scope) = the_scope(snapshot, &variable.scope)?;
            if scope.calls < MIN_CALLS || !is_share(variable.instances, MIN_INSTANCES_PERCENT, scope.calls) {
                return None;
            }
            let message = format!(
                "{} is another container in each of {} in {} of {}, and dropped there each time. Make it once \
                 outside, hand it in by reference, and `clear` it: it keeps its capacity.",
                variable_text(variable),
                counted(variable.instances, "execution"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::handmade::{evidence, names, scope, shown, snapshot, the_one, variable};
    use crate::snapshot::{Fates, Variable};

    /// 10,000 calls, each of which makes and drops a `Vec`, but for the one that runs.
    fn made_anew() -> Snapshot {
        let mut snapshot = snapshot();
        snapshot.scopes[1].calls = 10_001;
        snapshot.variables = vec![Variable {
            instances: 10_001,
            active_instances: 1,
            fates: Some(Fates { dropped_in_scope: 10_000, ..Fates::default() }),
            ..variable("scratch")
        }];
        snapshot
    }

    #[test]
    fn a_container_made_anew_by_each_call_is_said() {
        let snapshot = made_anew();
        let found = the_one(&snapshot, DUPLICATES);
        assert_eq!(
            found.message,
            "`scratch` (alloc::vec::Vec<u8>) is another container in each of 10\u{202f}001 executions in 10\u{202f}001 calls of serve, and \
             dropped there each time. Make it once outside, hand it in by reference, and `clear` it: it keeps its capacity."
        );
        assert_eq!(
            (found.severity, &found.scope, found.variable.as_deref(), found.saving_bytes),
            (Severity::Note, &names(&["serve"]), Some("scratch"), None)
        );
        assert_eq!(
            shown(&snapshot, &found),
            evidence(&[
                (10_001, "count", "/variables/0/instances"),
                (10_000, "count", "/variables/0/fates/dropped_in_scope"),
                (10_001, "count", "/scopes/1/calls"),
            ])
        );
    }

    #[test]
    fn what_is_kept_rare_or_of_no_use_again_is_not() {
        for change in [
            // One of them outlived its call.
            (|snapshot| snapshot.variables[0].active_instances = 0) as fn(&mut Snapshot),
            // 9,999 were dropped, and no more made.
            |snapshot| {
                snapshot.variables[0].instances = 10_000;
                snapshot.variables[0].fates = Some(Fates { dropped_in_scope: 9_999, ..Fates::default() });
            },
            |snapshot| snapshot.scopes[1].calls = 9_999,
            // 90 % of 11,113 calls are 10,001.7.
            |snapshot| snapshot.scopes[1].calls = 11_113,
            // A tree has nothing left to use again when it is cleared; a box is no container.
            |snapshot| {
                snapshot.variables[0].type_name =
                    Some("alloc::collections::btree::map::BTreeMap<u8, u8>".to_owned());
            },
            |snapshot| snapshot.variables[0].type_name = Some("alloc::boxed::Box<u8>".to_owned()),
            |snapshot| snapshot.variables[0].type_name = None,
            |snapshot| snapshot.variables[0].fates = None,
            // Two functions of one name.
            |snapshot| snapshot.scopes.push(scope(&["serve"])),
        ] {
            let mut snapshot = made_anew();
            change(&mut snapshot);
            assert!(duplicates(&snapshot).is_empty());
        }
        let mut snapshot = made_anew();
        snapshot.scopes[1].calls = 11_112;
        assert_eq!(duplicates(&snapshot).len(), 1, "90 % of 11,112 are 10,000.8");
    }
}
