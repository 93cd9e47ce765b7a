//! Figures that findings rest on, and how they are said.

use crate::snapshot::{Evidence, Finding, Scope, Severity, Snapshot, Variable};
use crate::units;

/// A finding that is about the whole process and rests on nothing yet.
pub(super) fn finding(kind: &str, severity: Severity, message: String) -> Finding {
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

fn evidence(what: &str, value: u64, unit: &str, pointer: String) -> Evidence {
    Evidence { what: what.to_owned(), value, unit: unit.to_owned(), pointer }
}

/// A figure in bytes.
pub(super) fn bytes(what: &str, value: u64, pointer: String) -> Evidence {
    evidence(what, value, "bytes", pointer)
}

/// A number of things.
pub(super) fn count(what: &str, value: u64, pointer: String) -> Evidence {
    evidence(what, value, "count", pointer)
}

/// A moment or a time.
pub(super) fn ms(what: &str, value: u64, pointer: String) -> Evidence {
    evidence(what, value, "ms", pointer)
}

/// What a figure is at least: itself if it is exact, else two standard errors less (95 % of estimates are above that).
pub(super) fn at_least(value: u64, error: Option<u64>) -> u64 {
    value.saturating_sub(error.unwrap_or(0).saturating_mul(2))
}

/// What a figure is at most, likewise.
pub(super) fn at_most(value: u64, error: Option<u64>) -> u64 {
    value.saturating_add(error.unwrap_or(0).saturating_mul(2))
}

/// Whether `part` is at least so many percent of `whole`.
pub(super) fn is_share(part: u64, percent: u64, whole: u64) -> bool {
    u128::from(part) * 100 >= u128::from(whole) * u128::from(percent)
}

/// Whether `part` is at most so many percent of `whole`.
pub(super) fn is_at_most_share(part: u64, percent: u64, whole: u64) -> bool {
    u128::from(part) * 100 <= u128::from(whole) * u128::from(percent)
}

/// How many percent of `whole` is `part`, rounded down.
pub(super) fn percent(part: u64, whole: u64) -> u64 {
    saturating(u128::from(part) * 100 / u128::from(whole.max(1)))
}

/// Events a second over the recording, rounded down; `None`: it has no length yet.
pub(super) fn per_second(events: u64, snapshot: &Snapshot) -> Option<u64> {
    let elapsed_ms = Some(snapshot.program.elapsed_ms).filter(|&ms| ms > 0)?;
    Some(saturating(u128::from(events) * 1_000 / u128::from(elapsed_ms)))
}

fn saturating(figure: u128) -> u64 {
    u64::try_from(figure).unwrap_or(u64::MAX)
}

/// The one scope with this path; `None`: there is none, or two functions of one name have it.
pub(super) fn the_scope<'a>(snapshot: &'a Snapshot, path: &[String]) -> Option<(usize, &'a Scope)> {
    let mut scopes = snapshot.scopes.iter().enumerate().filter(|(_, scope)| scope.path == path);
    scopes.next().filter(|_| scopes.next().is_none())
}

/// "1 block", "2 blocks".
pub(super) fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", units::count(count), if count == 1 { "" } else { "s" })
}

/// A scope's path, for a person.
pub(super) fn path_text(path: &[String]) -> String {
    if path.is_empty() { "outside of tracked functions".to_owned() } else { path.join(" → ") }
}

/// A variable with its type, for a person.
pub(super) fn variable_text(variable: &Variable) -> String {
    format!("`{}` ({})", variable.name, variable.type_name.as_deref().unwrap_or("type not known"))
}
