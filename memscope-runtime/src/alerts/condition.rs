//! Conditions, each with what it was told and has told: pure functions of figures and times.

use super::Alert;
use crate::snapshot::{Finding, Severity};
use std::collections::HashSet;

/// How far a figure falls below its threshold before it can cross it again: a tenth of it.
const REARM_PART: u64 = 10;

/// One condition.
#[derive(Debug)]
pub(super) enum Condition {
    LiveBytes(Threshold),
    Growth(Threshold),
    Finding(Findings),
}

/// A figure and whether it is above.
#[derive(Debug, Default)]
pub(super) struct Threshold {
    most: u64,
    is_above: bool,
    pace: Pace,
    held_back: u64,
}

/// Findings that were told of and are still there.
#[derive(Debug)]
pub(super) struct Findings {
    which: Which,
    told: HashSet<Identity>,
    pace: Pace,
}

#[derive(Debug)]
enum Which {
    OfSeverity(Severity),
    OfKind(String),
}

/// What makes two findings of two snapshots the same.
type Identity = (String, Vec<String>, Option<String>);

/// When the last alert was.
#[derive(Debug, Default)]
struct Pace {
    last_ms: Option<u64>,
}

impl Pace {
    fn is_due(&self, now_ms: u64, every_ms: u64) -> bool {
        self.last_ms.is_none_or(|last| now_ms.saturating_sub(last) >= every_ms)
    }
}

impl Condition {
    pub(super) fn live_bytes_above(most: u64) -> Condition {
        Condition::LiveBytes(Threshold { most, ..Threshold::default() })
    }

    pub(super) fn growth_above(most: u64) -> Condition {
        Condition::Growth(Threshold { most, ..Threshold::default() })
    }

    pub(super) fn finding(severity: Severity) -> Condition {
        Condition::Finding(Findings::new(Which::OfSeverity(severity)))
    }

    pub(super) fn finding_of_kind(kind: &str) -> Condition {
        Condition::Finding(Findings::new(Which::OfKind(kind.to_owned())))
    }
}

impl Threshold {
    /// What the figure is not to be above.
    pub(super) fn most(&self) -> u64 {
        self.most
    }

    /// Takes a figure. An alert is due if there is an answer: how many crossings were held back before it.
    pub(super) fn take(&mut self, value: u64, now_ms: u64, every_ms: u64) -> Option<u64> {
        if value <= self.most {
            self.is_above &= value > self.most - self.most / REARM_PART;
            return None;
        }
        let has_crossed = !std::mem::replace(&mut self.is_above, true);
        if self.pace.is_due(now_ms, every_ms) {
            self.pace.last_ms = Some(now_ms);
            return Some(std::mem::take(&mut self.held_back));
        }
        self.held_back += u64::from(has_crossed);
        None
    }
}

impl Findings {
    fn new(which: Which) -> Findings {
        Findings { which, told: HashSet::new(), pace: Pace::default() }
    }

    /// Takes the findings of a snapshot, worst first. An alert is due if there is an answer.
    pub(super) fn take(&mut self, findings: &[Finding], now_ms: u64, every_ms: u64) -> Option<Alert> {
        let which = &self.which;
        let wanted = |finding: &&Finding| match which {
            Which::OfSeverity(severity) => finding.severity <= *severity,
            Which::OfKind(kind) => finding.kind == *kind,
        };
        let there: HashSet<Identity> = findings.iter().filter(wanted).map(identity).collect();
        self.told.retain(|told| there.contains(told));
        let untold =
            || findings.iter().filter(wanted).filter(|&finding| !self.told.contains(&identity(finding)));
        let finding = untold().next().filter(|_| self.pace.is_due(now_ms, every_ms))?.clone();
        let others: HashSet<Identity> = untold().map(identity).collect();
        let held_back = others.len() as u64 - 1;
        self.pace.last_ms = Some(now_ms);
        self.told.insert(identity(&finding));
        let first = finding.evidence.first();
        Some(Alert {
            kind: finding.kind.clone(),
            severity: finding.severity,
            message: finding.message.clone(),
            value: first.map(|evidence| evidence.value),
            value_error: None,
            threshold: None,
            unit: first.map(|evidence| evidence.unit.clone()).unwrap_or_default(),
            ms: now_ms,
            held_back,
            finding: Some(finding),
        })
    }
}

fn identity(finding: &Finding) -> Identity {
    (finding.kind.clone(), finding.scope.clone(), finding.variable.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threshold(most: u64) -> Threshold {
        Threshold { most, ..Threshold::default() }
    }

    #[test]
    fn a_crossing_is_told_once_and_again_after_a_real_fall_or_an_interval() {
        let mut threshold = threshold(1_000);
        let mut take = |value, now_ms| threshold.take(value, now_ms, 100);
        assert_eq!(take(1_000, 0), None, "it is not above");
        assert_eq!(take(1_001, 10), Some(0));
        assert_eq!(take(2_000, 20), None, "told already");
        // Below, but above 900: it swings, and does not cross again.
        assert_eq!([take(901, 30), take(1_001, 40)], [None, None]);
        // At 900 it has fallen. Two crossings come within the interval.
        assert_eq!([take(900, 50), take(1_500, 60), take(10, 70), take(1_500, 80)], [None; 4]);
        // 100 ms after the last alert, still above: said again, with the two that were held back.
        assert_eq!(take(1_400, 110), Some(2));
        assert_eq!(take(1_400, 209), None);
        assert_eq!(take(1_400, 210), Some(0));
        // A crossing long after the last alert is told at once.
        assert_eq!([take(0, 220), take(1_001, 1_000)], [None, Some(0)]);
    }

    #[test]
    fn a_threshold_of_0_is_crossed_by_the_first_byte_and_again_after_0() {
        let mut threshold = threshold(0);
        assert_eq!(threshold.take(0, 0, 0), None);
        assert_eq!(threshold.take(1, 1, 1_000), Some(0));
        assert_eq!(threshold.take(0, 2, 1_000), None);
        assert_eq!(threshold.take(1, 3, 1_000), None);
        assert_eq!(threshold.take(1, 1_001, 1_000), Some(1));
        assert_eq!(self::threshold(u64::MAX).take(u64::MAX, 0, 0), None);
    }

    fn finding(kind: &str, severity: Severity, scope: &str) -> Finding {
        Finding {
            kind: kind.to_owned(),
            severity,
            message: format!("{kind} in {scope}"),
            scope: vec![scope.to_owned()],
            variable: None,
            evidence: Vec::new(),
            saving_bytes: None,
        }
    }

    #[test]
    fn findings_are_told_one_in_an_interval_worst_first_and_each_once() {
        let worst = finding("budget_exceeded", Severity::Error, "a");
        let second = finding("churn", Severity::Warning, "b");
        let third = finding("churn", Severity::Warning, "c");
        let note = finding("outlived_scope", Severity::Note, "a");
        let all = [worst.clone(), second.clone(), third.clone(), note.clone()];
        let mut condition = Findings::new(Which::OfSeverity(Severity::Warning));
        let mut take = |findings: &[Finding], now_ms| {
            condition.take(findings, now_ms, 100).map(|alert| (alert.message, alert.held_back))
        };
        assert_eq!(take(std::slice::from_ref(&note), 0), None, "a note is no warning");
        assert_eq!(take(&all, 10), Some(("budget_exceeded in a".into(), 2)));
        assert_eq!(take(&all, 109), None);
        assert_eq!(take(&all, 110), Some(("churn in b".into(), 1)));
        // The third is gone before its turn; the second comes back.
        assert_eq!(take(std::slice::from_ref(&worst), 210), None);
        assert_eq!(take(&all, 220), Some(("churn in b".into(), 1)));
        assert_eq!(take(&all, 320), Some(("churn in c".into(), 0)));
        assert_eq!(take(&all, 999), None, "all were told of");

        let mut condition = Findings::new(Which::OfKind("outlived_scope".into()));
        let alert = condition.take(&all, 0, 100).expect("it is there");
        assert_eq!((alert.kind.as_str(), alert.value, alert.threshold), ("outlived_scope", None, None));
        assert_eq!(alert.finding, Some(note));
    }
}
