//! All findings at once: their order, their evidence, and that a program in which nothing is amiss has none.

use super::handmade::{names, scope, set_trend, shown, snapshot, variable};
use super::*;
use crate::snapshot::{
    Block, Budget, Fates, ForeignFrees, HandedOut, ScopeMemory, Severity, SiteKind, SiteRow, Variable,
};

/// Every kind but the one that says that no allocator is installed.
fn amiss() -> Snapshot {
    let mut snapshot = snapshot();
    snapshot.profiler.unrecorded_events = 3;
    snapshot.profiler.unfollowed_crossings = 4;
    snapshot.profiler.folded_scopes = 5;
    snapshot.totals.allocations = 40_000;
    snapshot.totals.deallocations = 39_000;
    let mut serve = scope(&["serve"]);
    serve.calls = 20_000;
    serve.exclusive = ScopeMemory {
        allocations: 20_000,
        deallocations: 19_990,
        foreign_deallocations: 19_000,
        reallocations: 30_000,
        allocated_bytes: 90 << 20,
        live_allocations: 10,
        live_bytes: 50 << 20,
        unowned_live_bytes: Some(40 << 20),
        ..ScopeMemory::default()
    };
    snapshot.scopes = vec![scope(&[]), scope(&["fills"]), serve];
    set_trend(&mut snapshot, 1, (1..=12).map(|moment| moment * 100_000).collect());
    snapshot.foreign_frees = vec![ForeignFrees {
        allocated_by: 1,
        freed_by: 2,
        deallocations: 19_000,
        deallocations_error: None,
        deallocated_bytes: 9,
        deallocated_bytes_error: None,
    }];
    let spare = |name, unused_bytes| Variable {
        unused_bytes: Some(unused_bytes),
        heap_bytes: Some(unused_bytes),
        ..variable(name)
    };
    let kept = |name, heap_bytes| Variable {
        instances: 1,
        heap_bytes: Some(heap_bytes),
        fates: Some(Fates { live_at_export: 1, ..Fates::default() }),
        ..variable(name)
    };
    snapshot.variables = vec![
        Variable { blocks_owned_twice: Some(1), ..variable("broken") },
        kept("kept", 800),
        kept("kept_more", 900),
        Variable { scope: names(&["fills"]), ..kept("log", 700) },
        Variable { moved_bytes: Some(1 << 20), grown_bytes: Some(1 << 20), ..variable("rows") },
        Variable {
            instances: 20_000,
            fates: Some(Fates { dropped_in_scope: 20_000, ..Fates::default() }),
            ..variable("scratch")
        },
        spare("spare", 70_000),
        spare("spare_more", 80_000),
        Variable { unknown_blocks: Some(2), ..variable("strange") },
    ];
    snapshot.blocks.largest = vec![Block {
        address: 4_096,
        bytes: 20 << 20,
        scope: Some(2),
        thread: Some(1),
        allocated_ms: 0,
        variable: None,
    }];
    snapshot.handed_out = vec![HandedOut {
        function: "Box::into_raw".to_owned(),
        file: "src/glue.rs".to_owned(),
        line: 1,
        scope: names(&["serve"]),
        handed_out: 1,
        handed_back: 0,
        freed: 0,
        unfollowed: 0,
        live_blocks: 1,
        live_bytes: 8,
        sent_to: Vec::new(),
        first_ms: 0,
        last_ms: 0,
    }];
    let budget =
        Budget { bytes: Some(1), judged_calls: 1, calls_over: 1, most_bytes: Some(2), ..Budget::default() };
    snapshot.sites = vec![SiteRow {
        kind: SiteKind::Function,
        name: "serve".to_owned(),
        key: "demo::serve".to_owned(),
        file: "src/main.rs".to_owned(),
        line: 3,
        column: 4,
        signature: "fn serve()".to_owned(),
        executions: 1,
        budget: Some(budget),
        crossings: None,
    }];
    snapshot
}

#[test]
fn where_nothing_is_amiss_nothing_is_found() {
    assert_eq!(findings(&snapshot()), []);
    assert_eq!(findings(&crate::nothing_recorded(false)), []);
}

#[test]
fn the_worst_comes_first() {
    let found = findings(&amiss());
    let rows: Vec<_> = found
        .iter()
        .map(|finding| (finding.severity, finding.kind.as_str(), finding.variable.as_deref()))
        .collect();
    use Severity::{Error, Note, Warning};
    assert_eq!(
        rows,
        [
            (Error, UNRECORDED_EVENTS, None),
            (Error, BUDGET_EXCEEDED, None),
            // Those with a saving, the largest first; then by kind; then by the figure at stake.
            (Warning, OVER_CAPACITY, Some("spare_more")),
            (Warning, OVER_CAPACITY, Some("spare")),
            (Warning, GROWING, None),
            (Warning, NEVER_HANDED_BACK, None),
            (Warning, OWNED_TWICE, Some("broken")),
            (Warning, OUTLIVED_SCOPE, Some("log")),
            (Warning, GROWTH_BY_REALLOC, None),
            (Note, OUTLIVED_SCOPE, Some("kept_more")),
            (Note, OUTLIVED_SCOPE, Some("kept")),
            (Note, CHURN, None),
            (Note, GROWTH_BY_REALLOC, Some("rows")),
            (Note, DUPLICATES, Some("scratch")),
            (Note, CROSS_THREAD_FREES, None),
            (Note, LARGE_BLOCKS, None),
            (Note, UNEXPLAINED_MEMORY, None),
            (Note, UNKNOWN_BLOCKS, Some("strange")),
            (Note, UNFOLLOWED_CROSSINGS, None),
            (Note, FOLDED_SCOPES, None),
        ]
    );
    let absent: Vec<&str> =
        KINDS.into_iter().filter(|kind| found.iter().all(|finding| finding.kind != *kind)).collect();
    assert_eq!(absent, [ALLOCATOR_NOT_INSTALLED], "the others are above");
}

#[test]
fn all_evidence_is_in_the_document_and_says_what_it_is() {
    let snapshot = amiss();
    for finding in findings(&snapshot) {
        assert!(!shown(&snapshot, &finding).is_empty(), "{finding:?}");
        assert!(KINDS.contains(&finding.kind.as_str()), "{finding:?}");
        for evidence in &finding.evidence {
            assert!(!evidence.what.is_empty() && ["bytes", "count", "ms"].contains(&evidence.unit.as_str()));
            let field =
                evidence.pointer.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or("");
            let unit = match field {
                field if field.ends_with("bytes") || field == "trend" => "bytes",
                field if field.ends_with("ms") => "ms",
                _ => "count",
            };
            assert_eq!(evidence.unit, unit, "{}", evidence.pointer);
        }
        // A saving is a figure of the evidence.
        if let Some(saving) = finding.saving_bytes {
            assert!(
                finding.evidence.iter().any(|evidence| evidence.unit == "bytes" && evidence.value == saving)
            );
        }
    }
}

#[test]
fn what_is_estimated_is_marked_and_what_is_counted_is_not() {
    let mut snapshot = amiss();
    snapshot.mode = Mode::Sampling;
    for finding in findings(&snapshot) {
        let is_marked = finding.message.ends_with(" (These figures are estimates from a sample.)");
        let of_memory = [GROWING, CHURN, CROSS_THREAD_FREES, LARGE_BLOCKS, UNEXPLAINED_MEMORY];
        let by_scope = finding.kind == GROWTH_BY_REALLOC && finding.variable.is_none();
        let grows = finding.kind == OUTLIVED_SCOPE && finding.severity == Severity::Warning;
        assert_eq!(is_marked, of_memory.contains(&finding.kind.as_str()) || by_scope || grows, "{finding:?}");
    }
}

/// Pointers to all numbers in `value`.
fn numbers(value: &serde_json::Value, at: String, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| numbers(value, format!("{at}/{key}"), found));
        }
        serde_json::Value::Array(rows) => {
            rows.iter().enumerate().for_each(|(index, row)| numbers(row, format!("{at}/{index}"), found));
        }
        serde_json::Value::Number(_) => found.push(at),
        _ => {}
    }
}

#[test]
fn no_figure_however_odd_makes_a_finding_panic() {
    let document = serde_json::to_value(amiss()).expect("plain data");
    let mut all = Vec::new();
    numbers(&document, String::new(), &mut all);
    assert!(all.len() > 200, "{}", all.len());
    // One after another the largest there is; of fields of 32 bits that is no value.
    let mut of_64_bits = Vec::new();
    for pointer in &all {
        let mut document = document.clone();
        *document.pointer_mut(pointer).expect("it is there") = u64::MAX.into();
        if let Ok(snapshot) = serde_json::from_value::<Snapshot>(document) {
            assert!(!findings(&snapshot).is_empty());
            of_64_bits.push(pointer);
        }
    }
    for odd in [0, 1, u64::from(u32::MAX), u64::MAX] {
        let mut document = document.clone();
        for pointer in &of_64_bits {
            *document.pointer_mut(pointer).expect("it is there") = odd.into();
        }
        let snapshot: Snapshot = serde_json::from_value(document).expect("each of them may be so large");
        findings(&snapshot).iter().for_each(|finding| drop(shown(&snapshot, finding)));
    }
}
