//! Executions of bindings that outlived their scope and are live at export.
//!
//! Three words are never mixed. *Outlived its scope*: its blocks lived on after the binding's end. *Live at export*: they
//! live now. *Growing*: the scope's live bytes rise across the recording (`growing.rs`). What is returned or stored does
//! the first two, as it should; so that alone is a note. Only where the scope is growing as well is it a warning.

use super::OUTLIVED_SCOPE;
use super::evidence::{bytes, count, counted, finding, path_text, variable_text};
use super::growing::growth;
use crate::snapshot::{Finding, Severity, Snapshot, Variable, Walk};

pub(super) fn outlived_scope(snapshot: &Snapshot) -> Vec<Finding> {
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
            let scopes = snapshot.scopes.iter().enumerate();
            let grows = scopes
                .filter(|(_, scope)| scope.path == variable.scope)
                .find_map(|(scope, row)| Some((scope, row, growth(snapshot, row)?)));
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
            if let Some((scope, row, found)) = &grows {
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
