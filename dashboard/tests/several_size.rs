//! The pages over several recordings stay small enough to mail and to open, and are quickly made, however large they are.

mod fixture;
#[path = "fixture/on_processor.rs"]
mod on_processor;
#[path = "fixture/several.rs"]
mod several;

use memscope_dashboard::{render_compare, render_trend};
use memscope_runtime::snapshot::{Folded, Snapshot};
use on_processor::{on_processor, pace};
use several::sessions;
use std::io::{self, Write as _};

const MOST_BYTES: usize = 3_000_000;
/// Unoptimised, a tenth: the gate has these tests optimised, too.
const VARIABLES: usize = if cfg!(debug_assertions) { 10_000 } else { 100_000 };

/// Recordings of so many variables each, of which many are in every class.
fn huge(sampled: bool) -> [Snapshot; 2] {
    let mut base =
        if sampled { fixture::sampled(VARIABLES) } else { fixture::exact(&fixture::large(VARIABLES)) };
    base.folded = Folded::default();
    for row in &mut base.variables {
        // What is compared is the same with fewer executions.
        row.history.truncate(1);
    }
    base.scopes = (0..3_000)
        .map(|number| {
            let mut scope = base.scopes[number % 40].clone();
            scope.path.push(format!("step_{number}"));
            scope
        })
        .collect();
    base.types = (0..3_000)
        .map(|number| {
            let mut row = base.types[0].clone();
            row.type_name = format!("HashMap<Key{number}, Vec<(String, u32)>>");
            row
        })
        .collect();
    let mut then = base.clone();
    for (number, row) in then.variables.iter_mut().enumerate() {
        let more = if number % 2 == 0 { 50_000_000 } else { 5 };
        row.heap_bytes = row.heap_bytes.map(|heap| if number % 3 == 0 { heap / 9 } else { heap + more });
        if number % 7 == 0 {
            row.name.push('_');
        }
        if number % 11 == 0 {
            row.heap_bytes = None;
        }
    }
    for (number, row) in then.scopes.iter_mut().enumerate() {
        row.exclusive.live_bytes = if number % 2 == 0 { row.exclusive.live_bytes * 9 } else { 1 };
        if number % 5 == 0 {
            row.path.push("new".into());
        }
    }
    for (number, row) in then.types.iter_mut().enumerate() {
        row.heap_bytes = Some(if number % 2 == 0 { 900_000_000 } else { 1 });
        if number % 5 == 0 {
            row.type_name.push('_');
        }
    }
    [base, then]
}

/// `render`'s page, in time where it was compiled to be quick.
fn page(what: &str, render: impl FnOnce() -> String) {
    let start = on_processor();
    let html = render();
    let ms = (on_processor() - start).as_millis();
    // Past the test harness, which would keep a passing test's words to itself.
    writeln!(io::stderr(), "{what}: {} bytes in {ms} ms", html.len()).expect("standard error is open");
    assert!(html.len() <= MOST_BYTES, "{what}: {} bytes, more than {MOST_BYTES}", html.len());
    // A second for each of the two recordings that a comparison matches, row by row.
    assert!(cfg!(debug_assertions) || (ms as f64) < 2_000.0 * pace(), "{what}: {ms} ms");
}

#[test]
fn a_comparison_has_a_bounded_size() {
    for (what, is_sampled) in [("exact", false), ("sampled", true)] {
        let [base, then] = huge(is_sampled);
        page(what, || render_compare(&base, &then).unwrap());
    }
}

#[test]
fn a_trend_has_a_bounded_size() {
    for (what, of) in [("exact", fixture::exact(&fixture::large(200))), ("sampled", fixture::sampled(200))] {
        let mut all = sessions(120, &of);
        for (number, session) in all.iter_mut().enumerate() {
            // Lines that turn, for these have the most figures. The newest session is the first.
            let number = number as u64;
            for row in &mut session.variables {
                row.heap_bytes = row.heap_bytes.map(|heap| heap + 30_u64.saturating_sub(number) * 1_000_000);
            }
            for row in &mut session.scopes {
                row.exclusive.live_bytes += 30_u64.saturating_sub(number) * 1_000_000;
            }
        }
        let all: Vec<&Snapshot> = all.iter().collect();
        page(what, || render_trend(&all).unwrap());
    }
}
