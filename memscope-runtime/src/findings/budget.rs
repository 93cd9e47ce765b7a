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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::handmade::{evidence, names, scope, shown, snapshot, the_one, variable};
    use crate::snapshot::{Budget, SiteKind};

    fn over_budget() -> Snapshot {
        let mut snapshot = snapshot();
        let budget = Budget {
            bytes: Some(1_000),
            allocations: Some(5),
            judged_calls: 9,
            calls_over: 2,
            most_bytes: Some(1_500),
            most_allocations: Some(5),
        };
        snapshot.sites = vec![SiteRow {
            kind: SiteKind::Function,
            name: "serve".to_owned(),
            key: "demo::serve".to_owned(),
            file: "src/main.rs".to_owned(),
            line: 3,
            column: 4,
            signature: "fn serve()".to_owned(),
            executions: 9,
            budget: Some(budget),
            crossings: None,
        }];
        snapshot.variables = vec![Variable { peak_heap_bytes: Some(1_400), ..variable("page") }];
        snapshot
    }

    #[test]
    fn a_call_over_its_budget_is_an_error() {
        let mut snapshot = over_budget();
        let found = the_one(&snapshot, BUDGET_EXCEEDED);
        // As many allocations as are allowed are not too many.
        assert_eq!(
            found.message,
            "`serve` went over its budget in 2 of 9 calls: a call held 1500 bytes at once, where 1000 are allowed; of its \
             tracked variables `page` (alloc::vec::Vec<u8>) held the most: 1400 bytes."
        );
        assert_eq!((found.severity, &found.scope), (Severity::Error, &names(&["serve"])));
        assert_eq!(
            shown(&snapshot, &found),
            evidence(&[
                (2, "count", "/sites/0/budget/calls_over"),
                (9, "count", "/sites/0/budget/judged_calls"),
                (1_500, "bytes", "/sites/0/budget/most_bytes"),
                (1_000, "bytes", "/sites/0/budget/bytes"),
                (1_400, "bytes", "/variables/0/peak_heap_bytes"),
            ])
        );
        snapshot.sites[0].budget.as_mut().expect("it has one").calls_over = 0;
        assert!(exceeded(&snapshot).is_empty());
    }

    #[test]
    fn who_holds_is_looked_for_below_the_function_too() {
        let mut snapshot = over_budget();
        snapshot.scopes.push(scope(&["serve", "parse"]));
        let below =
            Variable { scope: names(&["serve", "parse"]), peak_heap_bytes: Some(1_450), ..variable("tree") };
        snapshot.variables.push(below);
        assert_eq!(exceeded(&snapshot)[0].variable.as_deref(), Some("tree"));
        snapshot.variables.clear();
        assert!(exceeded(&snapshot)[0].message.contains("none of its variables is tracked"));
    }
}
