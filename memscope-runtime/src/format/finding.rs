//! What the file itself has to say of a recording, among its findings.

use crate::snapshot::{Finding, Severity, Snapshot};

/// The kind of the finding that says that a recording was saved from a damaged file and lacks parts.
pub(super) const INCOMPLETE_RECORDING: &str = "incomplete_recording";
/// The kind of the finding that says that the file goes on behind the snapshot, with what cannot be read.
pub(super) const EARLIER_STATE: &str = "earlier_state";

/// A finding that rests on no figure of the document.
pub(super) fn of_the_file(kind: &str, severity: Severity, message: String) -> Finding {
    Finding {
        kind: kind.to_owned(),
        severity,
        message,
        scope: Vec::new(),
        variable: None,
        evidence: Vec::new(),
        saving_bytes: None,
    }
}

/// Adds `finding` at `place`, and takes no more memory than for it.
pub(super) fn insert(snapshot: &mut Snapshot, place: usize, finding: Finding) {
    snapshot.findings.reserve_exact(1); // not twice as many
    snapshot.findings.insert(place, finding);
}

/// Says that `bytes` follow the snapshot in its file and are not read. It stands before the other warnings.
pub(super) fn say_what_follows(snapshot: &mut Snapshot, bytes: u64) {
    let message = format!(
        "This is not the last state that was written: the last {bytes} bytes of the file belong to no complete \
         snapshot (their writing was cut off, or they were damaged), and this is the one before them. \
         `memscope recover` says more."
    );
    let place = snapshot.findings.partition_point(|other| other.severity < Severity::Warning);
    insert(snapshot, place, of_the_file(EARLIER_STATE, Severity::Warning, message));
}
