//! What keeps the recording's own figures from being the whole truth.

use super::evidence::{count, counted, finding};
use super::{ALLOCATOR_NOT_INSTALLED, FOLDED_SCOPES, UNFOLLOWED_CROSSINGS, UNRECORDED_EVENTS};
use crate::snapshot::{Finding, Mode, Severity, Snapshot};

pub(super) fn losses(snapshot: &Snapshot) -> Vec<Finding> {
    let profiler = &snapshot.profiler;
    let mut findings = Vec::new();
    if snapshot.mode == Mode::Declared {
        findings.push(finding(
            ALLOCATOR_NOT_INSTALLED,
            Severity::Warning,
            "The memscope allocator is not installed, so only declared allocations are known. Add \
             `#[global_allocator] static ALLOC: memscope::Allocator = memscope::Allocator::system();`."
                .to_owned(),
        ));
    }
    if profiler.unrecorded_events > 0 {
        let message = format!(
            "{} could not be recorded, for the system gave no memory for the record; all totals are too low by them. \
             Raise the process's memory limit.",
            counted(profiler.unrecorded_events, "event")
        );
        findings.push(Finding {
            evidence: vec![count(
                "events not recorded",
                profiler.unrecorded_events,
                "/profiler/unrecorded_events".to_owned(),
            )],
            ..finding(UNRECORDED_EVENTS, Severity::Error, message)
        });
    }
    if profiler.unfollowed_crossings > 0 {
        let message = format!(
            "Of {} the block has no passport, for too many have one: what became of these blocks after they crossed is \
             not known.",
            counted(profiler.unfollowed_crossings, "crossing")
        );
        findings.push(Finding {
            evidence: vec![count(
                "crossings not followed",
                profiler.unfollowed_crossings,
                "/profiler/unfollowed_crossings".to_owned(),
            )],
            ..finding(UNFOLLOWED_CROSSINGS, Severity::Note, message)
        });
    }
    if profiler.folded_scopes > 0 {
        let message = format!(
            "{} of tracked functions were charged to their callers, for the scope tree was full.",
            if profiler.folded_scopes == 1 {
                "1 entry".to_owned()
            } else {
                format!("{} entries", profiler.folded_scopes)
            }
        );
        findings.push(Finding {
            evidence: vec![count(
                "entries folded",
                profiler.folded_scopes,
                "/profiler/folded_scopes".to_owned(),
            )],
            ..finding(FOLDED_SCOPES, Severity::Note, message)
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::handmade::{evidence, shown, snapshot, the_one};

    #[test]
    fn each_loss_is_said_with_its_count() {
        let mut snapshot = snapshot();
        assert!(losses(&snapshot).is_empty());
        snapshot.profiler.unrecorded_events = 1;
        let found = the_one(&snapshot, UNRECORDED_EVENTS);
        assert_eq!(
            (found.severity, found.message.as_str()),
            (
                Severity::Error,
                "1 event could not be recorded, for the system gave no memory for the record; all totals are too low by \
                 them. Raise the process's memory limit."
            )
        );
        assert_eq!(shown(&snapshot, &found), evidence(&[(1, "count", "/profiler/unrecorded_events")]));
        snapshot.profiler.unrecorded_events = 0;
        snapshot.profiler.unfollowed_crossings = 7;
        let found = the_one(&snapshot, UNFOLLOWED_CROSSINGS);
        assert_eq!(
            (found.severity, found.message.as_str()),
            (
                Severity::Note,
                "Of 7 crossings the block has no passport, for too many have one: what became of these blocks after they \
                 crossed is not known."
            )
        );
        assert_eq!(shown(&snapshot, &found), evidence(&[(7, "count", "/profiler/unfollowed_crossings")]));
        snapshot.profiler.unfollowed_crossings = 0;
        snapshot.profiler.folded_scopes = 8;
        let found = the_one(&snapshot, FOLDED_SCOPES);
        assert_eq!(
            (found.severity, found.message.as_str()),
            (
                Severity::Note,
                "8 entries of tracked functions were charged to their callers, for the scope tree was full."
            )
        );
        assert_eq!(shown(&snapshot, &found), evidence(&[(8, "count", "/profiler/folded_scopes")]));
    }

    #[test]
    fn a_recording_without_the_allocator_says_so() {
        let mut snapshot = snapshot();
        snapshot.mode = Mode::Declared;
        let found = the_one(&snapshot, ALLOCATOR_NOT_INSTALLED);
        assert_eq!((found.severity, found.evidence.len()), (Severity::Warning, 0));
        assert_eq!(
            found.message,
            "The memscope allocator is not installed, so only declared allocations are known. Add `#[global_allocator] \
             static ALLOC: memscope::Allocator = memscope::Allocator::system();`."
        );
        snapshot.mode = Mode::Off;
        assert!(losses(&snapshot).is_empty(), "nothing is recorded, and nothing is said of it");
    }
}
