//! The diagnostics panel: the recording's findings with what they rest on. Nothing is found here, only shown.

use super::label::{self, Labels, Place};
use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::{Evidence, Finding, Severity, Snapshot};
use serde::Serialize;
use std::collections::HashMap;

/// Findings shown at most: the worst, which come first in the document.
pub const MOST_FINDINGS: usize = 200;

/// The diagnostics panel.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnostics {
    /// How many findings there are.
    pub total: Figure,
    /// Findings by severity, worst first; only severities that occur.
    pub groups: Vec<Group>,
    /// Findings that are not shown.
    pub folded: Option<Figure>,
}

/// Findings of one severity.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// As in the document.
    pub severity: &'static str,
    /// Name for a person, plural.
    pub name: &'static str,
    /// How many.
    pub count: Figure,
    /// The findings.
    pub findings: Vec<FindingView>,
}

/// One finding.
#[derive(Clone, Debug, Serialize)]
pub struct FindingView {
    /// Where it stands in the document.
    pub number: usize,
    /// As in the document.
    pub severity: &'static str,
    /// What kind of thing it is.
    pub kind: String,
    /// One sentence.
    pub message: String,
    /// Root-cause path; `None` where none applies.
    pub scope: Option<String>,
    /// Name of the variable it is about.
    pub variable: Option<String>,
    /// Where its last function stands.
    pub scope_place: Option<Place>,
    /// Where the variable stands, where its evidence tells which it is.
    pub variable_place: Option<Place>,
    /// Index of that scope, if it is listed.
    pub scope_index: Option<usize>,
    /// Index of the variable, where its evidence tells which it is, if it has an inspector.
    pub variable_index: Option<usize>,
    /// What it rests on.
    pub evidence: Vec<EvidenceView>,
    /// What following the advice saves; `None`: the evidence supports no figure.
    pub saving: Option<Figure>,
}

/// A figure that a finding rests on.
#[derive(Clone, Debug, Serialize)]
pub struct EvidenceView {
    /// What it says.
    pub what: String,
    /// The figure; it comes from the place in the document that the finding names.
    pub figure: Figure,
}

/// The panel for `snapshot`.
pub fn diagnostics(snapshot: &Snapshot, labels: &Labels<'_>) -> Diagnostics {
    let all = &snapshot.findings;
    let group = |severity: Severity| {
        let (key, name) = severity_label(severity);
        let count = all.iter().filter(|finding| finding.severity == severity).count();
        let shown = all.iter().enumerate().take(MOST_FINDINGS);
        Group {
            severity: key,
            name,
            count: Figure::count(format!("len(/findings/*, severity = \"{key}\")"), count as u64),
            findings: shown
                .filter(|(_, finding)| finding.severity == severity)
                .map(|(index, finding)| finding_view(labels, finding, index))
                .collect(),
        }
    };
    let groups = [Severity::Error, Severity::Warning, Severity::Note].map(group);
    Diagnostics {
        total: Figure::count("len(/findings)", all.len() as u64),
        groups: groups.into_iter().filter(|group| !group.findings.is_empty()).collect(),
        folded: (all.len() > MOST_FINDINGS).then(|| {
            Figure::count(format!("len(/findings) - {MOST_FINDINGS}"), (all.len() - MOST_FINDINGS) as u64)
        }),
    }
}

/// The findings about the variable at `index`, for its inspector, to which they do not lead once more.
pub fn findings_about(snapshot: &Snapshot, labels: &Labels<'_>, index: usize) -> Vec<FindingView> {
    let numbers = labels.findings_about(index);
    let mut views: Vec<FindingView> =
        numbers.iter().map(|&number| finding_view(labels, &snapshot.findings[number], number)).collect();
    for view in &mut views {
        view.variable_index = view.variable_index.filter(|&variable| variable != index);
    }
    views
}

/// Indices of variables by name and scope.
type ByName<'a> = HashMap<(&'a str, &'a [String]), Vec<usize>>;

/// Which of the findings shown are about which variable. Evidence that points into a variable decides; without such, the
/// variable's name and scope do.
pub fn by_variable(snapshot: &Snapshot) -> HashMap<usize, Vec<usize>> {
    let mut found: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut named: Option<ByName<'_>> = None;
    for (number, finding) in snapshot.findings.iter().enumerate().take(MOST_FINDINGS) {
        let mut indices: Vec<usize> = finding.evidence.iter().filter_map(variable_pointed_at).collect();
        if let (true, Some(name)) = (indices.is_empty(), &finding.variable) {
            let named = named.get_or_insert_with(|| {
                let mut named = ByName::new();
                for (index, row) in snapshot.variables.iter().enumerate() {
                    named.entry((&*row.name, &*row.scope)).or_default().push(index);
                }
                named
            });
            indices.extend(named.get(&(&**name, &*finding.scope)).into_iter().flatten());
        }
        indices.sort_unstable();
        indices.dedup();
        for index in indices {
            found.entry(index).or_default().push(number);
        }
    }
    found
}

fn variable_pointed_at(evidence: &Evidence) -> Option<usize> {
    evidence.pointer.strip_prefix("/variables/")?.split('/').next()?.parse().ok()
}

fn finding_view(labels: &Labels<'_>, finding: &Finding, index: usize) -> FindingView {
    let Snapshot { scopes, variables, .. } = labels.snapshot();
    let pointed = finding.evidence.iter().filter_map(variable_pointed_at).next();
    let scope_place = labels.scope_index(&finding.scope).and_then(|index| {
        let row = &scopes[index];
        label::place(&format!("/scopes/{index}"), row.file.as_deref(), row.line)
    });
    let variable_place = pointed.filter(|_| finding.variable.is_some()).and_then(|index| {
        let row = variables.get(index)?;
        label::place(&format!("/variables/{index}"), row.file.as_deref(), row.line)
    });
    FindingView {
        number: index,
        severity: severity_label(finding.severity).0,
        kind: visible(&finding.kind),
        message: visible(&finding.message),
        scope: (!finding.scope.is_empty()).then(|| label::scope(&finding.scope)),
        variable: finding.variable.as_deref().map(visible),
        scope_place,
        variable_place,
        scope_index: labels.scope_link(&finding.scope),
        variable_index: pointed.filter(|&index| labels.has_inspector(index)),
        evidence: finding.evidence.iter().map(|row| evidence_view(row, labels)).collect(),
        saving: finding
            .saving_bytes
            .map(|saving| Figure::bytes(format!("/findings/{index}/saving_bytes"), saving)),
    }
}

/// A figure that something rests on; it comes from the place that the evidence names.
pub fn evidence_view(evidence: &Evidence, labels: &Labels<'_>) -> EvidenceView {
    let from = visible(&evidence.pointer);
    let error = labels.error_of(&evidence.pointer);
    let figure = match evidence.unit.as_str() {
        "bytes" => Figure::estimated_bytes(&from, evidence.value, error),
        "ms" => Figure::ms(from, evidence.value),
        "us" => Figure::us(from, evidence.value),
        "count" => Figure::estimated_count(&from, evidence.value, error),
        unit => {
            let mut figure = Figure::count(from, evidence.value);
            figure.text = format!("{} {}", figure.text, visible(unit));
            figure
        }
    };
    EvidenceView { what: visible(&evidence.what), figure }
}

/// A severity as in the document, and its plural for a person.
pub fn severity_label(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Error => ("error", "Errors"),
        Severity::Warning => ("warning", "Warnings"),
        Severity::Note => ("note", "Notes"),
    }
}
