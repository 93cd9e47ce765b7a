//! Functions of which a call used more than it may.

use super::BUDGET_EXCEEDED;
use super::evidence::{bytes, count, finding, variable_text};
use crate::snapshot::{Finding, Severity, SiteRow, Snapshot, Variable};

pub(super) fn exceeded(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, site) in snapshot.sites.iter().enumerate() {
        let Some(budget) = site.budget.as_ref().filter(|budget| budget.calls_over > 0) else { continue };
        let at = |field: &str| format!("/sites/{index}/budget/{field}");
        let mut uses = Vec::new();
        let mut shown = vec![
            count("calls over the budget", budget.calls_over, at("calls_over")),
            count("calls judged", budget.judged_calls, at("judged_calls")),
        ];
        if let (Some(most), Some(held)) = (budget.bytes, budget.most_bytes) {
            uses.push(format!("held {held} bytes at once, where {most} are allowed"));
            shown.push(bytes("most bytes that a call held at once", held, at("most_bytes")));
            shown.push(bytes("bytes that a call may hold", most, at("bytes")));
        }
        let made = budget.allocations.zip(budget.most_allocations).filter(|(most, made)| made > most);
        if let Some((most, made)) = made {
            uses.push(format!("made {made} allocations, where {most} are allowed"));
            shown.push(count("most allocations of a call", made, at("most_allocations")));
            shown.push(count("allocations that a call may make", most, at("allocations")));
        }
        let (scope, variable) = holder(snapshot, site);
        let names = match variable {
            Some((row, variable)) => {
                let held = variable.peak_heap_bytes.unwrap_or(0);
                shown.push(bytes(
                    "most bytes that this variable held",
                    held,
                    format!("/variables/{row}/peak_heap_bytes"),
                ));
                format!("of its tracked variables {} held the most: {held} bytes", variable_text(variable))
            }
            None => {
                "none of its variables is tracked (`vars` or `track_var!` would name the one that holds it)"
                    .to_owned()
            }
        };
        let message = format!(
            "`{}` went over its budget in {} of {} calls: a call {}; {names}.",
            site.name,
            budget.calls_over,
            budget.judged_calls,
            uses.join(" and "),
        );
        findings.push(Finding {
            scope: scope.to_vec(),
            variable: variable.map(|(_, variable)| variable.name.clone()),
            evidence: shown,
            ..finding(BUDGET_EXCEEDED, Severity::Error, message)
        });
    }
    findings
}

/// The scope of a function that allocated most, and the variable in any scope of it, or below, that held most.
fn holder<'a>(snapshot: &'a Snapshot, site: &SiteRow) -> (&'a [String], Option<(usize, &'a Variable)>) {
    let of_site = || snapshot.scopes.iter().filter(|scope| scope.key.last() == Some(&site.key));
    let scope = of_site().max_by_key(|scope| scope.inclusive.allocated_bytes);
    let variables = snapshot.variables.iter().enumerate().filter(|(_, variable)| {
        variable.peak_heap_bytes.is_some_and(|bytes| bytes > 0)
            && of_site().any(|scope| variable.scope.starts_with(&scope.path))
    });
    let variable =
        variables.max_by_key(|(index, variable)| (variable.peak_heap_bytes, std::cmp::Reverse(*index)));
    (scope.map_or(&[], |scope| &scope.path), variable)
}
