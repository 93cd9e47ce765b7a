//! The page stays small enough to mail and to open, however large the recording is.

mod fixture;
#[path = "fixture/on_processor.rs"]
mod on_processor;

use memscope_dashboard::render;
use memscope_runtime::snapshot::{CategoryKind, Cell, ScopeThread, Snapshot, TimelinePoint};
use on_processor::{on_processor, pace};
use std::time::Duration;

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
    // But for the root, of which all others are below.
    for (number, scope) in snapshot.scopes.iter_mut().enumerate().skip(1) {
        scope.path.push(format!("scope_{number}"));
    }
    let pair = snapshot.scope_threads[1];
    snapshot.scope_threads = (0..4_096_u32)
        .map(|number| ScopeThread { scope: number, thread: Some(number % 16), ..pair })
        .chain((0..4_096).map(|scope| ScopeThread { scope, thread: None, ..pair }))
        .collect();
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
        .map(|n| TimelinePoint {
            ms: n,
            live_bytes: n * n % 700_000,
            live_bytes_error: Some(n),
            resident_bytes: Some(n * n % 900_000 * 4_096),
        })
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

/// The same with 4,096 cells of figures as long as those of a large program.
fn with_most_cells(snapshot: Snapshot) -> Snapshot {
    let mut snapshot = fixture::mapped(&snapshot);
    let map = &mut snapshot.memory_map;
    let template = map.cells[1].clone();
    map.regions.truncate(1);
    map.regions[0].bytes = 4_096 * (1 << 22);
    map.cells = (0..4_096_u64)
        .map(|n| {
            let live_bytes = 1_000_000 + n * 337;
            let part = Some(live_bytes - n * 101);
            let start = map.regions[0].start + (n << 22);
            Cell {
                start: start + 12_288,
                bytes: (1 << 21) + n,
                live_bytes,
                blocks: 50_000 + n,
                young_blocks: 10_000 + n,
                scope: Some(n as u32 % 4_096),
                scope_bytes: part,
                thread: Some(n as u32 % 1_000),
                thread_bytes: part,
                oldest_ms: 80_000_000 + n,
                newest_ms: 86_000_000 + 2 * n,
                variable: Some(n as u32 * 2),
                variable_bytes: part,
                ..template.clone()
            }
        })
        .collect();
    snapshot
}

/// What it is, how it is made, and how many bytes its page takes at most.
type Case = (&'static str, fn() -> Snapshot, usize);

#[test]
#[expect(clippy::print_stdout, reason = "sizes and times that a person asks for with --nocapture")]
fn a_page_has_a_bounded_size() {
    let sizes: [Case; 5] = [
        ("five variables", || five(fixture::exact(&fixture::large(5))), 250_000),
        ("five variables, each figure with its error", || five(fixture::large(5)), 250_000),
        // With a map by address of 72 cells.
        ("five variables and a map", || fixture::mapped(&five(fixture::exact(&fixture::large(5)))), 250_000),
        ("everything, each figure with its error", huge, 3_000_000),
        ("everything and a map of as many cells as there are", || with_most_cells(huge()), 3_000_000),
    ];
    let pace = if cfg!(debug_assertions) { 1.0 } else { pace() };
    println!("such work takes {pace:.2} times as long as where the bound is for");
    for (what, snapshot, most) in sizes {
        let snapshot = snapshot();
        let start = on_processor();
        let html = render(&snapshot).unwrap();
        let took = on_processor() - start;
        // Shown by `cargo test --release -p memscope-dashboard --test size -- --nocapture`.
        println!("{what}: {} bytes in {} ms", html.len(), took.as_millis());
        assert!(html.len() <= most, "{what}: {} bytes, more than {most}", html.len());
        // Where it was compiled to be quick, on a machine as quick as that which the bound is for.
        assert!(
            cfg!(debug_assertions) || took < Duration::from_secs(1).mul_f64(pace),
            "{what}: {took:?}, {pace}"
        );
    }
}
