//! The page stays small enough to mail and to open, however large the recording is.

mod fixture;

use memscope_dashboard::render;
use memscope_runtime::snapshot::{CategoryKind, Snapshot, TimelinePoint};
use std::time::{Duration, Instant};

fn cloned<T: Clone>(rows: &[T], count: usize) -> Vec<T> {
    rows.iter().cycle().take(count).cloned().collect()
}

/// More of everything than a page holds, and of variables and scopes as many as a recording lists.
fn huge() -> Snapshot {
    let mut snapshot = fixture::large(100_000);
    for row in &mut snapshot.variables {
        // A page has room for the histories of some hundred, which are the largest; 10⁵ of them would take this test
        // gigabytes.
        let most = if row.heap_bytes > Some(890_000) { 16 } else { 0 };
        row.history = cloned(&row.history, most);
    }
    snapshot.scopes = cloned(&snapshot.scopes, 4_096);
    for (number, scope) in snapshot.scopes.iter_mut().enumerate() {
        scope.path.push(format!("scope_{number}"));
    }
    snapshot.types = cloned(&snapshot.types, 3_000);
    snapshot.threads = cloned(&snapshot.threads, 3_000);
    snapshot.tasks = cloned(&snapshot.tasks, 3_000);
    for task in &mut snapshot.tasks {
        task.threads = (1..=32).collect();
    }
    snapshot.trend_ms = (0..240).collect();
    for scope in &mut snapshot.scopes {
        scope.trend = (0..240).map(|n| n * n * 131 % 700_000).collect();
    }
    for (number, row) in snapshot.variables.iter_mut().enumerate() {
        row.category = Some(CategoryKind::IoIntensive);
        row.scope = snapshot.scopes[number % 4_096].path.clone();
    }
    snapshot.foreign_frees = cloned(&snapshot.foreign_frees, 256);
    snapshot.findings = cloned(&snapshot.findings, 3_000);
    snapshot.handed_out = cloned(&snapshot.handed_out, 3_000);
    snapshot.sites = cloned(&snapshot.sites, 6_000);
    snapshot.blocks.largest = cloned(&snapshot.blocks.largest, 2_000);
    snapshot.timeline = (0..5_000)
        .map(|n| TimelinePoint { ms: n, live_bytes: n * n % 700_000, live_bytes_error: Some(n) })
        .collect();
    snapshot
}

/// What a small program gives: five variables in three scopes, three tasks, six threads, with as many blocks as are listed.
fn five(mut snapshot: Snapshot) -> Snapshot {
    snapshot.scopes.truncate(3);
    snapshot.threads.truncate(6);
    snapshot.tasks.truncate(3);
    for block in &mut snapshot.blocks.largest {
        block.scope = Some(1);
        block.variable = Some(0);
    }
    snapshot
}

/// What it is, how it is made, and how many bytes its page takes at most.
type Case = (&'static str, fn() -> Snapshot, usize);

#[test]
#[expect(clippy::print_stdout, reason = "sizes and times that a person asks for with --nocapture")]
fn a_page_has_a_bounded_size() {
    let sizes: [Case; 3] = [
        ("five variables", || five(fixture::exact(&fixture::large(5))), 250_000),
        ("five variables, each figure with its error", || five(fixture::large(5)), 250_000),
        ("everything, each figure with its error", huge, 3_000_000),
    ];
    for (what, snapshot, most) in sizes {
        let snapshot = snapshot();
        let start = Instant::now();
        let html = render(&snapshot).unwrap();
        let took = start.elapsed();
        // Shown by `cargo test --release -p memscope-dashboard --test size -- --nocapture`.
        println!("{what}: {} bytes in {} ms", html.len(), took.as_millis());
        assert!(html.len() <= most, "{what}: {} bytes, more than {most}", html.len());
        // A second is what it may take in a release build on a quiet machine; a debug build on a busy one takes longer.
        let patience = Duration::from_secs(if cfg!(debug_assertions) { 60 } else { 5 });
        assert!(took < patience, "{what}: {took:?}");
    }
}
