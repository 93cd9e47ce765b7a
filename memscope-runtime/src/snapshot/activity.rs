//! What threads were seen to do in a scope, and what kind of work that makes it.

use super::Evidence;
use serde::{Deserialize, Serialize};

/// What kind of work a scope does, by a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Category {
    /// What the rule says.
    pub kind: CategoryKind,
    /// The rule, with its thresholds, in a sentence.
    pub rule: String,
    /// The figures that it went by.
    pub evidence: Vec<Evidence>,
}

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CategoryKind {
    /// Most of its time is spent computing.
    CpuIntensive,
    /// Most of its time, or much of what it does, is reading and writing.
    IoIntensive,
    /// Much of its time goes into allocating.
    MemoryIntensive,
    /// It is polled, and mostly waits.
    AsyncIntensive,
    /// Too few samples, or no kind stands out.
    Unclassified,
}
