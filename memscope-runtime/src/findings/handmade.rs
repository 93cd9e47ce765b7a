//! Snapshots made by hand, of which each test sets what its finding goes by.

use super::findings;
use crate::nothing_recorded;
use crate::snapshot::{
    Finding, Mode, Provenance, Scope, ScopeMemory, Snapshot, Stage, Stages, Thread, TimelinePoint, Totals,
    Variable, Walk,
};

pub(super) fn names(path: &[&str]) -> Vec<String> {
    path.iter().map(|name| (*name).to_owned()).collect()
}

/// A live recording of ten seconds with two threads, the root and the scope `serve`, in which nothing is amiss.
pub(super) fn snapshot() -> Snapshot {
    let mut snapshot = nothing_recorded(true);
    snapshot.mode = Mode::Live;
    snapshot.program.elapsed_ms = 10_000;
    snapshot.totals = Totals { live_bytes: 100 << 20, ..Totals::default() };
    snapshot.scopes = vec![scope(&[]), scope(&["serve"])];
    snapshot.threads = vec![
        Thread::idle(1, 1, Some("main".to_owned()), false),
        Thread::idle(2, 1, Some("worker".to_owned()), false),
    ];
    snapshot
}

pub(super) fn scope(path: &[&str]) -> Scope {
    Scope {
        path: names(path),
        key: path.iter().map(|name| format!("demo::{name}")).collect(),
        file: None,
        line: None,
        calls: 0,
        recursive_calls: 0,
        exclusive: ScopeMemory::default(),
        inclusive: ScopeMemory::default(),
        trend: Vec::new(),
        activity: None,
        category: None,
    }
}

/// Gives a scope this trend, a moment every 100 ms; all else of the process holds 1,000,000 bytes.
pub(super) fn set_trend(snapshot: &mut Snapshot, scope: usize, trend: Vec<u64>) {
    snapshot.trend_ms = (1..=trend.len() as u64).map(|moment| moment * 100).collect();
    let points = snapshot.trend_ms.iter().zip(&trend);
    snapshot.timeline = points
        .map(|(&ms, &bytes)| TimelinePoint {
            ms,
            live_bytes: 1_000_000 + bytes,
            live_bytes_error: None,
            resident_bytes: None,
        })
        .collect();
    snapshot.scopes[scope].trend = trend;
}

/// A `Vec<u8>` in `serve`, of which nothing is known yet.
pub(super) fn variable(name: &str) -> Variable {
    Variable {
        name: name.to_owned(),
        type_name: Some("alloc::vec::Vec<u8>".to_owned()),
        scope: names(&["serve"]),
        file: Some("src/main.rs".to_owned()),
        line: Some(7),
        instances: 0,
        active_instances: 0,
        active_instances_error: None,
        stage: Stage::NoHeap,
        stages: Stages::default(),
        stages_error: None,
        fates: None,
        heap_bytes: None,
        heap_bytes_error: None,
        peak_heap_bytes: None,
        blocks: None,
        blocks_error: None,
        value_bytes: Some(24),
        walk: Walk::Full,
        provenance: Provenance::Measured,
        threads: vec![1],
        first_ms: 0,
        last_observed_ms: 9_000,
        history: Vec::new(),
        folded_instances: 0,
        grown_bytes: None,
        moved_bytes: None,
        unused_bytes: None,
        strong_owners: None,
        weak_owners: None,
        held: None,
        borrow_count: None,
        shared_with: Vec::new(),
        unknown_blocks: None,
        blocks_owned_twice: None,
        ffi_crossings: None,
        crossings: Vec::new(),
        folded_crossings: 0,
        category: None,
    }
}

/// Each piece of evidence as (figure, unit, pointer), after it was found in the document.
pub(super) fn shown(snapshot: &Snapshot, finding: &Finding) -> Vec<(u64, String, String)> {
    let document = serde_json::to_value(snapshot).expect("plain data");
    let mut shown = Vec::new();
    for evidence in &finding.evidence {
        let there = document.pointer(&evidence.pointer).and_then(serde_json::Value::as_u64);
        assert_eq!(there, Some(evidence.value), "{}: {}", finding.kind, evidence.pointer);
        shown.push((evidence.value, evidence.unit.clone(), evidence.pointer.clone()));
    }
    shown
}

/// The findings of `kind`, after all evidence was found in the document.
pub(super) fn of_kind(snapshot: &Snapshot, kind: &str) -> Vec<Finding> {
    let all = findings(snapshot);
    all.iter().for_each(|finding| drop(shown(snapshot, finding)));
    all.into_iter().filter(|finding| finding.kind == kind).collect()
}

/// The one finding of `kind`, where no other kind is found.
pub(super) fn the_one(snapshot: &Snapshot, kind: &str) -> Finding {
    let mut all = findings(snapshot);
    assert_eq!(all.iter().map(|finding| finding.kind.as_str()).collect::<Vec<_>>(), [kind], "{all:#?}");
    all.remove(0)
}

/// `(figure, unit, pointer)` as [`shown`] gives them.
pub(super) fn evidence(rows: &[(u64, &str, &str)]) -> Vec<(u64, String, String)> {
    rows.iter().map(|&(value, unit, pointer)| (value, unit.to_owned(), pointer.to_owned())).collect()
}
