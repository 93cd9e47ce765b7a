//! Executions of bindings that outlived their scope and are live at export.
//!
//! Three words are never mixed. *Outlived its scope*: its blocks lived on after the binding's end. *Live at export*: they
//! live now. *Growing*: the scope's live bytes rise across the recording (`growing.rs`). What is returned or stored does
//! the first two, as it should; so that alone is a note. Only where the scope is growing as well is it a warning.

use super::OUTLIVED_SCOPE;
use super::evidence::{bytes, count, counted, finding, path_text, the_scope, variable_text};
use super::growing::growths;
use crate::snapshot::{Finding, Severity, Snapshot, Variable, Walk};

pub(super) fn outlived_scope(snapshot: &Snapshot) -> Vec<Finding> {
    let grown = growths(snapshot);
    let variables = snapshot.variables.iter().enumerate();
    variables
        .filter_map(|(index, variable)| {
            let (outlived, field) = match variable.fates {
                Some(fates) => (fates.live_at_export, "fates/live_at_export"),
                None => (variable.stages.allocated, "stages/allocated"),
            };
            let live_bytes = variable.heap_bytes.filter(|&bytes| bytes > 0)?;
            if outlived == 0 || variable.walk == Walk::Declared || is_field(variable) {
                return None;
            }
            // Of two functions of one name it is not known whose the variable is.
            let grows = grown.iter().find(|(scope, _)| snapshot.scopes[*scope].path == variable.scope);
            let grows = grows.filter(|_| the_scope(snapshot, &variable.scope).is_some());
            let advice = match grows {
                Some(_) => {
                    "Its scope is growing as well: see who holds what it leaves behind, and bound or drop that."
                }
                None => {
                    "If it was returned or stored on purpose, all is well; if not, see who holds it. Its scope is not \
                     known to be growing."
                }
            };
            let message = format!(
                "{} outlived its scope {} in {outlived} of {} and is live at export. {advice}",
                variable_text(variable),
                path_text(&variable.scope),
                counted(variable.instances, "execution"),
            );
            let mut evidence = vec![
                bytes("bytes of the variable live now", live_bytes, format!("/variables/{index}/heap_bytes")),
                count(
                    "executions that outlived their scope and are live",
                    outlived,
                    format!("/variables/{index}/{field}"),
                ),
            ];
            if let Some((scope, found)) = grows {
                let row = &snapshot.scopes[*scope];
                let at = |moment: usize| format!("/scopes/{scope}/trend/{moment}");
                evidence.push(bytes("least live bytes of the last quarter", row.trend[found.to], at(found.to)));
                evidence.push(bytes("most live bytes of the first quarter", row.trend[found.from], at(found.from)));
            }
            let severity = if grows.is_some() { Severity::Warning } else { Severity::Note };
            Some(Finding {
                scope: variable.scope.clone(),
                variable: Some(variable.name.clone()),
                evidence,
                ..finding(OUTLIVED_SCOPE, severity, message)
            })
        })
        .collect()
}

/// A field (`self.items`) is looked at, not bound: it is meant to outlive the function.
fn is_field(variable: &Variable) -> bool {
    variable.name.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::handmade::{
        evidence, names, of_kind, scope, set_trend, shown, snapshot, the_one, variable,
    };
    use crate::snapshot::{Fates, Stages};

    /// Three executions, of which two outlived their scope; one of these is freed.
    fn outliving() -> Snapshot {
        let mut snapshot = snapshot();
        snapshot.variables = vec![Variable {
            instances: 3,
            heap_bytes: Some(800),
            fates: Some(Fates { dropped_in_scope: 1, outlived_scope: 1, live_at_export: 1 }),
            ..variable("kept")
        }];
        snapshot
    }

    #[test]
    fn what_was_returned_on_purpose_is_a_note_that_says_so() {
        let snapshot = outliving();
        let found = the_one(&snapshot, OUTLIVED_SCOPE);
        assert_eq!(
            found.message,
            "`kept` (alloc::vec::Vec<u8>) outlived its scope serve in 1 of 3 executions and is live at export. If it was \
             returned or stored on purpose, all is well; if not, see who holds it. Its scope is not known to be growing."
        );
        assert_eq!(
            (found.severity, &found.scope, found.variable.as_deref(), found.saving_bytes),
            (Severity::Note, &names(&["serve"]), Some("kept"), None)
        );
        assert_eq!(
            shown(&snapshot, &found),
            evidence(&[
                (800, "bytes", "/variables/0/heap_bytes"),
                (1, "count", "/variables/0/fates/live_at_export"),
            ])
        );
    }

    #[test]
    fn what_outlived_its_scope_and_was_freed_is_nothing_to_find() {
        let mut snapshot = outliving();
        let fates = Fates { dropped_in_scope: 1, outlived_scope: 2, live_at_export: 0 };
        snapshot.variables[0].fates = Some(fates);
        // The stage does not stand in for the fate where that is measured.
        snapshot.variables[0].stages = Stages { allocated: 1, ..Stages::default() };
        assert!(outlived_scope(&snapshot).is_empty());
        snapshot.variables[0].fates = None;
        let found = the_one(&snapshot, OUTLIVED_SCOPE);
        assert_eq!(found.evidence[1].pointer, "/variables/0/stages/allocated");
    }

    #[test]
    fn fields_declarations_and_what_holds_nothing_are_left_out() {
        for change in [
            (|row| row.name = "self.items".to_owned()) as fn(&mut Variable),
            |row| row.walk = Walk::Declared,
            |row| row.heap_bytes = Some(0),
            |row| row.heap_bytes = None,
        ] {
            let mut snapshot = outliving();
            change(&mut snapshot.variables[0]);
            assert!(outlived_scope(&snapshot).is_empty());
        }
    }

    #[test]
    fn of_two_scopes_of_one_path_it_is_not_known_which_grows() {
        let mut snapshot = outliving();
        set_trend(&mut snapshot, 1, (1..=12).map(|moment| moment * 100_000).collect());
        snapshot.scopes.push(scope(&["serve"]));
        let found = &of_kind(&snapshot, OUTLIVED_SCOPE)[0];
        assert_eq!(found.severity, Severity::Note);
        assert!(found.message.ends_with("Its scope is not known to be growing."), "{}", found.message);
    }

    #[test]
    fn in_a_scope_that_is_growing_it_is_a_warning() {
        let mut snapshot = outliving();
        set_trend(&mut snapshot, 1, (1..=12).map(|moment| moment * 100_000).collect());
        let found = &of_kind(&snapshot, OUTLIVED_SCOPE)[0];
        assert_eq!(
            (found.severity, found.message.as_str()),
            (
                Severity::Warning,
                "`kept` (alloc::vec::Vec<u8>) outlived its scope serve in 1 of 3 executions and is live at export. Its scope \
                 is growing as well: see who holds what it leaves behind, and bound or drop that."
            )
        );
        assert_eq!(
            shown(&snapshot, found)[2..],
            evidence(&[(1_000_000, "bytes", "/scopes/1/trend/9"), (300_000, "bytes", "/scopes/1/trend/2"),])
        );
    }
}
