//! What a reader says of a file that goes on behind its last complete snapshot.
#![allow(unreachable_pub, reason = "each test file is a crate of its own")]

use memscope_runtime::snapshot::{Finding, Severity, Snapshot};

/// `snapshot` as it is read where `bytes` that belong to no complete one follow it. The finding stands behind the errors.
pub fn earlier(snapshot: &Snapshot, bytes: usize) -> Snapshot {
    let mut snapshot = snapshot.clone();
    if bytes > 0 {
        let errors = snapshot.findings.iter().take_while(|row| row.severity == Severity::Error).count();
        snapshot.findings.insert(
            errors,
            Finding {
                kind: "earlier_state".into(),
                severity: Severity::Warning,
                message: format!(
                    "This is not the last state that was written: the last {bytes} bytes of the file belong to no complete \
                     snapshot (their writing was cut off, or they were damaged), and this is the one before them. \
                     `memscope recover` says more."
                ),
                scope: Vec::new(),
                variable: None,
                evidence: Vec::new(),
                saving_bytes: None,
            },
        );
    }
    snapshot
}
