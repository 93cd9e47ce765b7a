//! What deserves a person's attention: pure functions of a [`Snapshot`].
//!
//! They live beside the model, and not in the dashboard, so that `snapshot()`, the file, the JSON and the page
//! give the same findings, with or without the feature `html`.
//!
//! Every finding rests on figures of the snapshot, which its evidence points to; a saving is stated only where the
//! evidence is one.

use crate::snapshot::{Evidence, Finding, Mode, Severity, SiteRow, Snapshot, Variable, Walk};

/// The kind of finding that says that a call went over its function's budget.
pub const BUDGET_EXCEEDED: &str = "budget_exceeded";

/// The kind of finding that says that memory was handed to foreign code and not handed back.
pub const NEVER_HANDED_BACK: &str = "never_handed_back";

/// A scope whose reallocations are fewer is not worth a person's time.
const MIN_REALLOCATIONS: u64 = 1_000;
/// A scope whose allocations are fewer is not churning.
const MIN_CHURN_ALLOCATIONS: u64 = 10_000;
/// Churn is reported for scopes that make at least this share of all allocations, in percent …
const MIN_CHURN_SHARE_PERCENT: u64 = 20;
/// … of whose blocks at most this share is still alive, in percent.
const MAX_CHURN_LIVE_PERCENT: u64 = 1;

/// All findings of a snapshot, worst first.
pub fn findings(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    losses(snapshot, &mut findings);
    budgets(snapshot, &mut findings);
    never_handed_back(snapshot, &mut findings);
    outlived(snapshot, &mut findings);
    churn(snapshot, &mut findings);
    growth_by_realloc(snapshot, &mut findings);
    if snapshot.mode == Mode::Sampling {
        for finding in findings.iter_mut().filter(|finding| finding.evidence.iter().any(is_estimated)) {
            finding.message.push_str(" (These figures are estimates from a sample.)");
        }
    }
    findings.sort_by(|a, b| {
        (a.severity, &a.kind, &a.scope, &a.variable, &a.message).cmp(&(
            b.severity,
            &b.kind,
            &b.scope,
            &b.variable,
            &b.message,
        ))
    });
    findings
}

/// Whether the figure is one of memory, which sampling mode estimates. Calls and variables are counted.
fn is_estimated(evidence: &Evidence) -> bool {
    evidence.pointer.starts_with("/totals/") || evidence.pointer.starts_with("/scopes/")
}

fn evidence(what: &str, value: u64, unit: &str, pointer: String) -> Evidence {
    Evidence { what: what.to_owned(), value, unit: unit.to_owned(), pointer }
}

fn path_text(path: &[String]) -> String {
    if path.is_empty() { "outside of tracked functions".to_owned() } else { path.join(" → ") }
}

/// What keeps the recording's own figures from being the whole truth.
fn losses(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let profiler = &snapshot.profiler;
    let mut add = |kind: &str, severity, message: String, evidence| {
        findings.push(Finding {
            kind: kind.to_owned(),
            severity,
            message,
            scope: Vec::new(),
            variable: None,
            evidence,
            saving_bytes: None,
        });
    };
    if snapshot.mode == Mode::Declared {
        add(
            "allocator_not_installed",
            Severity::Warning,
            "The memscope allocator is not installed, so only declared allocations are known. Add \
             `#[global_allocator] static ALLOC: memscope::Allocator = memscope::Allocator::system();`."
                .to_owned(),
            Vec::new(),
        );
    }
    if profiler.unrecorded_events > 0 {
        add(
            "unrecorded_events",
            Severity::Error,
            format!(
                "{} events could not be recorded, for the system gave no memory for the record; all totals are \
                 too low by them. Raise the process's memory limit.",
                profiler.unrecorded_events
            ),
            vec![evidence(
                "events not recorded",
                profiler.unrecorded_events,
                "count",
                "/profiler/unrecorded_events".into(),
            )],
        );
    }
    if profiler.unfollowed_crossings > 0 {
        add(
            "unfollowed_crossings",
            Severity::Note,
            format!(
                "{} crossings were of blocks that have no passport, for too many have one: what became of these \
                 blocks after they crossed is not known.",
                profiler.unfollowed_crossings
            ),
            vec![evidence(
                "crossings not followed",
                profiler.unfollowed_crossings,
                "count",
                "/profiler/unfollowed_crossings".into(),
            )],
        );
    }
    if profiler.folded_scopes > 0 {
        add(
            "folded_scopes",
            Severity::Note,
            format!(
                "{} entries of tracked functions were charged to their callers, for the scope tree was full.",
                profiler.folded_scopes
            ),
            vec![evidence(
                "entries folded",
                profiler.folded_scopes,
                "count",
                "/profiler/folded_scopes".into(),
            )],
        );
    }
}

/// Functions of which a call used more than it may.
fn budgets(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    for (index, site) in snapshot.sites.iter().enumerate() {
        let Some(budget) = site.budget.as_ref().filter(|budget| budget.calls_over > 0) else { continue };
        let at = |field: &str| format!("/sites/{index}/budget/{field}");
        let mut uses = Vec::new();
        let mut shown = vec![
            evidence("calls over the budget", budget.calls_over, "count", at("calls_over")),
            evidence("calls judged", budget.judged_calls, "count", at("judged_calls")),
        ];
        if let (Some(most), Some(held)) = (budget.bytes, budget.most_bytes) {
            uses.push(format!("held {held} bytes at once, where {most} are allowed"));
            shown.push(evidence("most bytes that a call held at once", held, "bytes", at("most_bytes")));
            shown.push(evidence("bytes that a call may hold", most, "bytes", at("bytes")));
        }
        let made = budget.allocations.zip(budget.most_allocations).filter(|(most, made)| made > most);
        if let Some((most, made)) = made {
            uses.push(format!("made {made} allocations, where {most} are allowed"));
            shown.push(evidence("most allocations of a call", made, "count", at("most_allocations")));
            shown.push(evidence("allocations that a call may make", most, "count", at("allocations")));
        }
        let (scope, variable) = holder(snapshot, site);
        let names = match variable {
            Some((row, variable)) => {
                let held = variable.peak_heap_bytes.unwrap_or(0);
                shown.push(evidence(
                    "most bytes that this variable held",
                    held,
                    "bytes",
                    format!("/variables/{row}/peak_heap_bytes"),
                ));
                let ty = variable.type_name.as_deref().unwrap_or("type not known");
                format!("of its tracked variables `{}` ({ty}) held the most: {held} bytes", variable.name)
            }
            None => {
                "none of its variables is tracked (`vars` or `track_var!` would name the one that holds it)"
                    .to_owned()
            }
        };
        findings.push(Finding {
            kind: BUDGET_EXCEEDED.to_owned(),
            severity: Severity::Error,
            message: format!(
                "`{}` went over its budget in {} of {} calls: a call {}; {names}.",
                site.name,
                budget.calls_over,
                budget.judged_calls,
                uses.join(" and "),
            ),
            scope: scope.to_vec(),
            variable: variable.map(|(_, variable)| variable.name.clone()),
            evidence: shown,
            saving_bytes: None,
        });
    }
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

/// Places that handed memory to foreign code that is out and alive.
fn never_handed_back(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    for (index, row) in snapshot.handed_out.iter().enumerate().filter(|(_, row)| row.live_blocks > 0) {
        let at = |field: &str| format!("/handed_out/{index}/{field}");
        let given = match row.sent_to.as_slice() {
            [] => String::new(),
            functions => format!(" It was given to `{}`.", functions.join("`, `")),
        };
        let (blocks, noun) = (row.live_blocks, if row.live_blocks == 1 { "block" } else { "blocks" });
        findings.push(Finding {
            kind: NEVER_HANDED_BACK.to_owned(),
            severity: Severity::Warning,
            message: format!(
                "`{}` ({}:{}) handed out memory that was never handed back: {blocks} {noun}, {} bytes, live at \
                 export.{given} If foreign code is done with it, take it back by `memscope::ffi`'s `from_raw`; what \
                 std's own took back is not seen.",
                row.function, row.file, row.line, row.live_bytes,
            ),
            scope: row.scope.clone(),
            variable: None,
            evidence: vec![
                evidence("blocks out and alive", row.live_blocks, "count", at("live_blocks")),
                evidence("their bytes", row.live_bytes, "bytes", at("live_bytes")),
                evidence("handed out here", row.handed_out, "count", at("handed_out")),
                evidence("of these handed back", row.handed_back, "count", at("handed_back")),
            ],
            saving_bytes: None,
        });
    }
}

/// Variables whose binding has ended while their blocks live on.
fn outlived(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    for (index, variable) in snapshot.variables.iter().enumerate() {
        let outlived: u64 = variable.stages.allocated;
        let Some(bytes) = variable.heap_bytes.filter(|&bytes| bytes > 0) else { continue };
        // A field (`self.items`) is looked at, not bound: it is meant to outlive the function.
        if outlived == 0 || variable.walk == Walk::Declared || variable.name.contains('.') {
            continue;
        }
        findings.push(Finding {
            kind: "outlived_scope".to_owned(),
            severity: Severity::Note,
            message: format!(
                "`{}` ({}) outlived its scope {} in {outlived} of {} executions and is live at export. If it was \
                 returned or stored on purpose, all is well; if not, see who holds it.",
                variable.name,
                variable.type_name.as_deref().unwrap_or("type not known"),
                path_text(&variable.scope),
                variable.instances,
            ),
            scope: variable.scope.clone(),
            variable: Some(variable.name.clone()),
            evidence: vec![
                evidence(
                    "executions that outlived their scope",
                    outlived,
                    "count",
                    format!("/variables/{index}/stages/allocated"),
                ),
                evidence("bytes of the variable live now", bytes, "bytes", format!("/variables/{index}/heap_bytes")),
            ],
            saving_bytes: None,
        });
    }
}

/// Scopes that allocate much and keep next to nothing.
fn churn(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let all = snapshot.totals.allocations;
    for (index, scope) in snapshot.scopes.iter().enumerate() {
        let memory = &scope.exclusive;
        let churns = memory.allocations >= MIN_CHURN_ALLOCATIONS
            && memory.allocations.saturating_mul(100) >= all.saturating_mul(MIN_CHURN_SHARE_PERCENT)
            && memory.live_allocations.saturating_mul(100)
                <= memory.allocations.saturating_mul(MAX_CHURN_LIVE_PERCENT);
        if !churns {
            continue;
        }
        findings.push(Finding {
            kind: "churn".to_owned(),
            severity: Severity::Warning,
            message: format!(
                "{} makes {} % of all allocations and keeps {} of its {} blocks. Reuse buffers across its {} calls, \
                 or allocate once outside.",
                path_text(&scope.path),
                memory.allocations.saturating_mul(100) / all.max(1),
                memory.live_allocations,
                memory.allocations,
                scope.calls,
            ),
            scope: scope.path.clone(),
            variable: None,
            evidence: vec![
                evidence(
                    "allocations of the scope",
                    memory.allocations,
                    "count",
                    format!("/scopes/{index}/exclusive/allocations"),
                ),
                evidence("allocations of the process", all, "count", "/totals/allocations".into()),
                evidence(
                    "blocks of the scope live now",
                    memory.live_allocations,
                    "count",
                    format!("/scopes/{index}/exclusive/live_allocations"),
                ),
            ],
            saving_bytes: None,
        });
    }
}

/// Scopes that resize more often than they allocate.
fn growth_by_realloc(snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    for (index, scope) in snapshot.scopes.iter().enumerate() {
        let memory = &scope.exclusive;
        if memory.reallocations < MIN_REALLOCATIONS || memory.reallocations < memory.allocations {
            continue;
        }
        findings.push(Finding {
            kind: "growth_by_realloc".to_owned(),
            severity: Severity::Warning,
            message: format!(
                "{} resizes blocks {} times for {} allocations. Give the containers that it fills their capacity \
                 at the start (`with_capacity`, `reserve`).",
                path_text(&scope.path),
                memory.reallocations,
                memory.allocations,
            ),
            scope: scope.path.clone(),
            variable: None,
            evidence: vec![
                evidence(
                    "reallocations of the scope",
                    memory.reallocations,
                    "count",
                    format!("/scopes/{index}/exclusive/reallocations"),
                ),
                evidence(
                    "allocations of the scope",
                    memory.allocations,
                    "count",
                    format!("/scopes/{index}/exclusive/allocations"),
                ),
            ],
            saving_bytes: None,
        });
    }
}
