//! What deserves a person's attention.

use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Figures of the recording cannot be taken at face value, or memory was kept against the code's intent.
    Error,
    /// Worth a change.
    Warning,
    /// Worth knowing.
    Note,
}

/// Something that deserves a person's attention, with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind of thing it is, in `snake_case`.
    pub kind: String,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence for a person: what, where, what to do.
    pub message: String,
    /// Root-cause path of scopes; empty where none applies.
    pub scope: Vec<String>,
    /// The name of the variable it is about; `None` where none applies.
    pub variable: Option<String>,
    /// The figures it rests on.
    pub evidence: Vec<Evidence>,
    /// Bytes that following the advice would save; `None`: the evidence supports no figure.
    pub saving_bytes: Option<u64>,
}

/// A figure that a finding rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What the figure says.
    pub what: String,
    /// The figure.
    pub value: u64,
    /// Its unit: `bytes`, `count`, `ms` or `us`.
    pub unit: String,
    /// JSON pointer (RFC 6901) of the figure in this document.
    pub pointer: String,
}
