//! A leaky cache beside a proper one that does the same work: only what the leaky one leaves behind is said to have
//! outlived its scope and to be live at export.

use memscope::model::{Finding, Severity, Snapshot};
use memscope::{track, track_var};
use std::collections::HashMap;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// Entries of a proper cache at most.
const ROOM: u64 = 100;

#[derive(Default)]
struct Cache {
    pages: HashMap<u64, Vec<u8>>,
    evicted: Vec<Vec<u8>>,
}

#[track]
fn inserts_leaky(cache: &mut Cache, key: u64) {
    track_var!(let page = vec![1u8; 500]);
    if let Some(old) = key.checked_sub(ROOM).and_then(|oldest| cache.pages.remove(&oldest)) {
        cache.evicted.push(old); // "for later"
    }
    cache.pages.insert(key, page);
}

#[track]
fn inserts_proper(cache: &mut Cache, key: u64) {
    track_var!(let page = vec![1u8; 500]);
    if let Some(oldest) = key.checked_sub(ROOM) {
        cache.pages.remove(&oldest);
    }
    cache.pages.insert(key, page);
}

/// Outlived executions and their bytes, of the binding in this scope.
fn outlived(snapshot: &Snapshot, scope: &str) -> Option<(u64, u64)> {
    let kind = memscope::findings::OUTLIVED_SCOPE;
    let is_here = |finding: &&Finding| finding.kind == kind && finding.scope == [scope];
    let mut found = snapshot.findings.iter().filter(is_here);
    let finding = found.next()?;
    assert!(found.next().is_none(), "one for the binding");
    assert_eq!((finding.severity, finding.variable.as_deref()), (Severity::Note, Some("page")));
    assert!(finding.message.contains("If it was returned or stored on purpose, all is well"), "{finding:?}");
    assert!(
        finding.message.contains("not known to be growing"),
        "a recording of less than a second has no growth: {finding:?}"
    );
    let value = |end: &str| {
        let shown = finding.evidence.iter().find(|evidence| evidence.pointer.ends_with(end));
        shown.map(|evidence| evidence.value)
    };
    Some((value("live_at_export").or_else(|| value("stages/allocated"))?, value("/heap_bytes")?))
}

#[test]
fn only_what_a_leaky_cache_leaves_behind_outlived_its_scope() {
    let (mut leaky, mut proper) = (Cache::default(), Cache::default());
    for key in 0..600 {
        inserts_leaky(&mut leaky, key);
        inserts_proper(&mut proper, key);
    }
    let snapshot = memscope::snapshot();
    // What a cache holds did outlive the insertion and is live: so many pages of 500 bytes. It is a note, not a leak.
    assert_eq!(outlived(&snapshot, "inserts_leaky"), Some((600, 600 * 500)));
    assert_eq!(outlived(&snapshot, "inserts_proper"), Some((ROOM, ROOM * 500)));
    let leaks: Vec<&str> = snapshot
        .findings
        .iter()
        .filter(|finding| finding.severity < Severity::Note)
        .map(|finding| finding.kind.as_str())
        .collect();
    assert!(leaks.is_empty(), "{leaks:?}");
    let at = |scope: &str| snapshot.findings.iter().position(|finding| finding.scope == [scope]);
    assert!(at("inserts_leaky") < at("inserts_proper"), "the larger comes first");
    // Both caches are emptied, as their programs mean to: what stays is the leaky one's.
    leaky.pages.clear();
    proper.pages.clear();
    let snapshot = memscope::snapshot();
    assert_eq!(outlived(&snapshot, "inserts_leaky"), Some((500, 500 * 500)));
    assert_eq!(outlived(&snapshot, "inserts_proper"), None);
    drop((leaky, proper));
    assert_eq!(outlived(&memscope::snapshot(), "inserts_leaky"), None);
}
