//! The kind of work that a scope and the variables in it do: what a rule says, with the rule and what it went by.

use super::diagnostics::{EvidenceView, evidence_view};
use super::label::{self, Labels, Term};
use crate::text::visible;
use memscope_runtime::snapshot::{Category as Row, Snapshot, Variable};
use serde::Serialize;

/// A kind of work, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Category {
    /// What the rule says.
    pub kind: Term,
    /// The rule and its evidence; `None`: the recording holds none for this kind, or not which of several scopes of one path it
    /// is about.
    pub because: Option<Because>,
}

/// Why it is so.
#[derive(Clone, Debug, Serialize)]
pub struct Because {
    /// The rule, with its thresholds.
    pub rule: String,
    /// The figures that it went by.
    pub evidence: Vec<EvidenceView>,
}

/// The category of a scope.
pub fn of_scope(row: &Row, labels: &Labels<'_>) -> Category {
    Category { kind: label::category(row.kind), because: Some(because(row, labels)) }
}

/// The category of a variable: that of its scope, where the rule stands. `None`: not measured.
pub fn of_variable(snapshot: &Snapshot, row: &Variable, labels: &Labels<'_>) -> Option<Category> {
    let kind = row.category?;
    let scope = labels.scope_index(&row.scope).and_then(|index| snapshot.scopes[index].category.as_ref());
    Some(Category {
        kind: label::category(kind),
        because: scope.filter(|category| category.kind == kind).map(|category| because(category, labels)),
    })
}

fn because(row: &Row, labels: &Labels<'_>) -> Because {
    Because {
        rule: visible(&row.rule),
        evidence: row.evidence.iter().map(|row| evidence_view(row, labels)).collect(),
    }
}
