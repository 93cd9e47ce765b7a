//! A leaky cache beside a proper one and a buffer that is emptied again and again: only the leaky one is growing.
//!
//! One test, for its subject is the process's trend. It takes a second or two.

use memscope::model::{Finding, Severity, Snapshot};
use memscope::{track, track_var};
use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

const PAGE: usize = 2_000;

#[track]
fn inserts_leaky(pages: &mut HashMap<u64, Vec<u8>>, key: u64) {
    pages.insert(key, vec![1; PAGE]);
}

#[track]
fn inserts_proper(pages: &mut HashMap<u64, Vec<u8>>, key: u64) {
    // Full after 60 of some 500 calls.
    pages.insert(key % 60, vec![1; PAGE]);
}

#[track]
fn buffers(lines: &mut Vec<Vec<u8>>, key: u64) {
    if key % 50 == 0 {
        lines.clear();
    }
    lines.push(vec![1; PAGE]);
}

fn growing(snapshot: &Snapshot) -> Vec<&Finding> {
    let kind = memscope::findings::GROWING;
    snapshot.findings.iter().filter(|finding| finding.kind == kind).collect()
}

#[test]
fn only_a_leaky_cache_grows() {
    let (mut lines, mut proper) = (Vec::new(), HashMap::new());
    track_var!(let mut leaky: HashMap<u64, Vec<u8>> = HashMap::new());
    let begin = Instant::now();
    let mut key = 0;
    // On a machine that is busy with other things the recording has gaps; with time they make up less of it.
    let snapshot = loop {
        let until = begin.elapsed() + Duration::from_millis(500);
        while begin.elapsed() < until {
            inserts_leaky(&mut leaky, key);
            inserts_proper(&mut proper, key);
            buffers(&mut lines, key);
            key += 1;
            thread::sleep(Duration::from_micros(2_500));
        }
        track_var!(leaky);
        let snapshot = memscope::snapshot();
        let trends: Vec<_> = snapshot.scopes.iter().map(|scope| (&scope.path, &scope.trend)).collect();
        let found = growing(&snapshot);
        assert!(found.iter().all(|finding| finding.scope == ["inserts_leaky"]), "{found:?} {trends:?}");
        if !found.is_empty() {
            break snapshot;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{:?} {trends:?}", snapshot.trend_ms);
    };
    let found = growing(&snapshot);
    assert_eq!(found.len(), 1);
    // Who holds the pages is bound elsewhere, and named all the same.
    assert_eq!((found[0].severity, found[0].variable.as_deref()), (Severity::Warning, Some("leaky")));
    let document = serde_json::to_value(&snapshot).expect("plain data");
    for evidence in &found[0].evidence {
        let there = document.pointer(&evidence.pointer).and_then(serde_json::Value::as_u64);
        assert_eq!(there, Some(evidence.value), "{}", evidence.pointer);
    }
}
