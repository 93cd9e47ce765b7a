//! The report for a terminal: what of each variable and scope it tells, how wide and how long it is.
#![cfg(feature = "cli")]

#[path = "fixture/breakout.rs"]
mod breakout;
mod fixture;

use memscope_dashboard::show::{summary, summary_in};
use memscope_runtime::snapshot::{Fates, Fragmentation, Snapshot};

/// The lines from the heading that begins with `heading` to the next empty one, each with its runs of spaces made one.
fn part(text: &str, heading: &str) -> Vec<String> {
    let squeeze = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines =
        text.lines().skip_while(|line| !line.starts_with(heading)).take_while(|line| !line.is_empty());
    lines.map(squeeze).collect()
}

#[test]
fn it_tells_what_is_lost_and_what_was_wasted() {
    let text = summary(&fixture::exact(&fixture::small()));
    // 8,404,000 bytes are 8.0 MiB, 400,000 of them 4.8 %; 8,101 of 8,303 are 97.6 %; 88,000 of 8,505,000 are 1.0 %.
    assert_eq!(
        part(&text, "Fragmentation"),
        [
            "Fragmentation",
            "lost bytes share of",
            "resident 8.0 MiB 4.8 % alive",
            "slack in blocks 7.9 KiB 97.6 % 8.1 KiB in 82 live blocks",
            "free in glibc 85.9 KiB 1.0 % 8.1 MiB in arenas",
        ]
    );
    assert_eq!(
        part(&text, "Growth waste"),
        [
            "Growth waste by bytes copied and unused (2/2)",
            "variable copied unused gained scope",
            "small_one 4.0 KiB 4.0 KiB 4.0 KiB main › build_index",
            "large_one 4.0 KiB 4.0 KiB 4.0 KiB main › build_index",
        ]
    );
    let fates = part(&text, "Blocks beyond their scope");
    assert_eq!(fates[0], "Blocks beyond their scope by executions (2/2)");
    assert_eq!(fates[2], "small_one 71 72 73 main › build_index");
    let scopes = part(&text, "Scopes");
    assert!(scopes[1].ends_with("category (inferred)"), "{scopes:?}");
    assert!(scopes[2..].iter().all(|line| line.ends_with("IO intensive")), "{scopes:?}");
}

#[test]
fn what_was_not_measured_says_so_or_is_left_out() {
    let mut snapshot = fixture::exact(&fixture::small());
    snapshot.fragmentation = Fragmentation::default();
    for row in &mut snapshot.variables {
        (row.fates, row.moved_bytes, row.unused_bytes) = (None, None, None);
    }
    // What was measured and wasted nothing is no waste.
    snapshot.variables[0].moved_bytes = Some(0);
    snapshot.variables[0].fates = Some(Fates::default());
    snapshot.scopes[0].category = None;
    let text = summary(&snapshot);
    assert!(part(&text, "Growth waste").is_empty() && part(&text, "Blocks beyond").is_empty(), "{text}");
    assert_eq!(
        part(&text, "Fragmentation")[2..],
        [
            "resident not measured not measured alive",
            "slack in blocks not measured",
            "free in glibc not measured"
        ]
    );
    assert!(part(&text, "Scopes").iter().any(|line| line.ends_with("not measured")));
}

/// The widest line of the tables of `snapshot` in a terminal of `width` columns.
fn widest(snapshot: &Snapshot, width: u16) -> usize {
    let text = summary_in(snapshot, Some(width));
    let tables = text.lines().skip(1).take_while(|line| !line.starts_with("Findings"));
    tables.map(|line| line.chars().count()).max().unwrap()
}

#[test]
fn it_fits_the_terminal_and_stays_short() {
    let snapshot = fixture::exact(&fixture::large(2_100));
    for width in [80, 120] {
        assert!(widest(&snapshot, width) <= usize::from(width), "{}", widest(&snapshot, width));
    }
    // Ten rows of each table at most, in one line each where there is room.
    assert!(summary_in(&snapshot, Some(400)).lines().count() < 90);
    // Names of any length are cut into lines, not off.
    assert!(widest(&breakout::hostile(), 80) <= 80);
}
