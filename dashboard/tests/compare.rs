//! What is matched with what, and what is made of it: names, estimates, folded rows, and what cannot be compared fairly.

mod fixture;
#[path = "fixture/several.rs"]
mod several;

use fixture::{names, variable};
use memscope_dashboard::compare::{Caveat, Class, Row, compare};
use memscope_dashboard::trend::trend;
use memscope_dashboard::view::compare::page;
use memscope_runtime::snapshot::{Folded, Mode, Sampling, Snapshot, Variable};
use several::sessions;

/// A recording of these variables and of the small fixture's scopes, each figure exact, nothing folded.
fn recording(variables: Vec<Variable>) -> Snapshot {
    let mut snapshot = fixture::exact(&fixture::small());
    snapshot.folded = Folded::default();
    snapshot.variables = variables;
    for row in &mut snapshot.variables {
        (row.heap_bytes_error, row.blocks_error) = (None, None);
    }
    snapshot
}

fn of(row: &Row) -> (Class, String, String, String) {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    (row.class, row.scope.join("/"), text(&row.name), text(&row.type_name))
}

fn found(rows: &[Row]) -> Vec<(Class, String, String, String)> {
    rows.iter().map(of).collect()
}

fn is(class: Class, scope: &str, name: &str, type_name: &str) -> (Class, String, String, String) {
    (class, scope.into(), name.into(), type_name.into())
}

fn in_scope(scope: &[&str], name: &str, type_name: &str, heap: u64) -> Variable {
    Variable { scope: names(scope), type_name: Some(type_name.into()), ..variable(name, Some(heap)) }
}

#[test]
fn a_variable_is_its_scope_its_name_and_its_type() {
    let base = recording(vec![
        in_scope(&["main", "load"], "buffer", "Vec<u8>", 100),
        in_scope(&["main", "store"], "buffer", "Vec<u8>", 100),
        in_scope(&["main", "old_name"], "cache", "Vec<u8>", 100),
        in_scope(&["main"], "list", "Vec<Option<u8>>", 100),
        in_scope(&["main"], "same", "String", 7),
    ]);
    let mut then = recording(vec![
        // Two scopes have a variable of this name; one grew and one shrank.
        in_scope(&["main", "load"], "buffer", "Vec<u8>", 250),
        in_scope(&["main", "store"], "buffer", "Vec<u8>", 40),
        // A renamed scope takes its variables along.
        in_scope(&["main", "new_name"], "cache", "Vec<u8>", 100),
        // Another parameter is another type.
        in_scope(&["main"], "list", "Vec<Option<u16>>", 100),
        in_scope(&["main"], "same", "String", 7),
    ]);
    // Lines shift, which is no difference.
    then.variables.iter_mut().for_each(|row| row.line = Some(99));
    let rows = compare(&base, &then).variables;
    let expected = [
        is(Class::Grown, "main/load", "buffer", "Vec<u8>"),
        is(Class::Shrunk, "main/store", "buffer", "Vec<u8>"),
        is(Class::New, "main/new_name", "cache", "Vec<u8>"),
        is(Class::New, "main", "list", "Vec<Option<u16>>"),
        is(Class::Gone, "main/old_name", "cache", "Vec<u8>"),
        is(Class::Gone, "main", "list", "Vec<Option<u8>>"),
        is(Class::Unchanged, "main", "same", "String"),
    ];
    assert_eq!(found(&rows), expected);
    // 250 − 100, 40 − 100, all of 100, and none of it.
    let differences: Vec<_> = rows.iter().map(|row| row.differences[0].difference).collect();
    assert_eq!(differences, [Some(150), Some(-60), Some(100), Some(100), Some(-100), Some(-100), Some(0)]);
}

#[test]
fn two_places_of_one_name_are_one_thing() {
    let at = |line, heap| Variable { line: Some(line), ..variable("part", heap) };
    let base = recording(vec![at(1, Some(10)), at(2, Some(20))]);
    let then = recording(vec![at(1, Some(50)), at(7, Some(1))]);
    let rows = compare(&base, &then).variables;
    // 51 − 30.
    assert_eq!((rows.len(), rows[0].class, rows[0].differences[0].difference), (1, Class::Grown, Some(21)));
    assert_eq!(rows[0].rows, [vec![0, 1], vec![0, 1]]);
    // If one of them was not measured, the sum is not.
    let unmeasured = recording(vec![at(1, Some(50)), at(7, None)]);
    let row = &compare(&base, &unmeasured).variables[0];
    assert_eq!((row.class, row.differences[0].difference), (Class::NotMeasured, None));
}

#[test]
fn scopes_of_one_path_are_told_apart_by_their_full_names() {
    let mut base = recording(Vec::new());
    let mut twin = base.scopes[2].clone();
    twin.key = names(&["demo::main", "demo::other::build_index"]);
    twin.exclusive.live_bytes = 5;
    base.scopes.push(twin);
    let mut then = base.clone();
    then.scopes[3].exclusive.live_bytes = 105;
    let rows = compare(&base, &then).scopes;
    assert_eq!(rows[0].differences[0].difference, Some(100));
    assert_eq!(rows[0].full, Some(names(&["demo::main", "demo::other::build_index"])));
    assert!(rows[1..].iter().all(|row| row.class == Class::Unchanged) && rows.len() == 4);
    // A module that is renamed leaves a path that is the only one of its kind what it was.
    let mut moved = recording(Vec::new());
    moved.scopes[2].key = names(&["demo::main", "demo::moved::build_index"]);
    assert!(compare(&recording(Vec::new()), &moved).scopes.iter().all(|row| row.class == Class::Unchanged));
}

/// Live bytes as they were, and another figure that is not: that one decides, and is named.
#[test]
fn what_follows_live_bytes_decides_where_these_are_as_they_were() {
    let base = recording(vec![variable("one", Some(5)), variable("other", Some(5))]);
    let mut then = base.clone();
    then.variables[0].peak_heap_bytes = Some(10_500);
    then.variables[1].instances = 70;
    let rows = compare(&base, &then).variables;
    // 10,500 − 9,999; how often a binding was executed is no memory.
    assert_eq!(
        (rows[0].class, rows[0].by, rows[0].differences[1].difference),
        (Class::Grown, Some(1), Some(501))
    );
    assert_eq!((rows[1].class, rows[1].differences[3].difference), (Class::Unchanged, Some(63)));
    // It is named as one says it: what is a moment has no "in".
    then.scopes[2].exclusive.live_at_peak_bytes = Some(1 << 40);
    let page = page(&base, &then, &compare(&base, &then));
    let said = |panel: usize| page.panels[panel].rows[0].by.as_deref();
    assert_eq!([said(0), said(1)], [Some("in peak"), Some("at the peak")]);
}

#[test]
fn a_difference_of_estimates_is_told_from_chance() {
    let at = |heap, error| {
        let mut snapshot = recording(vec![variable("sampled", Some(heap))]);
        snapshot.variables[0].heap_bytes_error = error;
        snapshot
    };
    let row = |base: &Snapshot, then: &Snapshot| compare(base, then).variables[0].clone();
    // √(3,000² + 4,000²) = 5,000, twice of which are 10,000.
    let chance = row(&at(50_000, Some(3_000)), &at(60_000, Some(4_000)));
    assert_eq!((chance.class, chance.differences[0].error), (Class::WithinError, Some(5_000.0)));
    assert_eq!(row(&at(50_000, Some(3_000)), &at(60_001, Some(4_000))).class, Class::Grown);
    assert_eq!(row(&at(60_001, Some(3_000)), &at(50_000, Some(4_000))).class, Class::Shrunk);
    // Of one that is exact only the other's error counts: twice 3,000.
    assert_eq!(row(&at(50_000, Some(3_000)), &at(56_000, None)).class, Class::WithinError);
    assert_eq!(row(&at(50_000, Some(3_000)), &at(56_001, None)).class, Class::Grown);
    // Two estimates behind which no sample stands are not called the same.
    assert_eq!(row(&at(0, Some(0)), &at(0, Some(0))).class, Class::WithinError);
}

/// Of a scope without a sample an upper bound is known, which the difference must pass besides.
#[test]
fn a_scope_without_a_sample_is_bounded() {
    let at = |live: u64, error, bound| {
        let mut snapshot = recording(Vec::new());
        let memory = &mut snapshot.scopes[1].exclusive;
        (memory.live_bytes, memory.live_bytes_error) = (live, error);
        memory.live_bytes_upper_bound = bound;
        snapshot
    };
    let class = |live| {
        let rows = compare(&at(0, Some(0), Some(1_500)), &at(live, Some(400), None)).scopes;
        rows.iter().find(|row| row.scope == names(&["main"])).unwrap().class
    };
    // 1,500 and twice 400.
    assert_eq!(class(2_300), Class::WithinError);
    assert_eq!(class(2_301), Class::Grown);
}

#[test]
fn what_is_missing_may_be_folded() {
    let base = recording(vec![variable("stays", Some(1)), variable("leaves", Some(2))]);
    let then = recording(vec![variable("stays", Some(1)), variable("comes", Some(3))]);
    let class = |base: &Snapshot, then: &Snapshot, name: &str| {
        let rows = compare(base, then).variables;
        let row = rows.iter().find(|row| row.name.as_deref() == Some(name)).unwrap();
        (row.class, row.differences[0].difference)
    };
    let folded = |snapshot: &Snapshot| {
        let mut folded = snapshot.clone();
        folded.folded.variables.variables = 3;
        folded
    };
    assert_eq!(class(&base, &then, "leaves"), (Class::Gone, Some(-2)));
    assert_eq!(class(&base, &folded(&then), "leaves"), (Class::MayBeFolded, None));
    // The baseline lists everything, so what it has not is new all the same.
    assert_eq!(class(&base, &folded(&then), "comes"), (Class::New, Some(3)));
    assert_eq!(class(&folded(&base), &then, "comes"), (Class::MayBeFolded, None));
    // Where nothing was recorded nothing is missing.
    let off = Snapshot { mode: Mode::Off, ..recording(Vec::new()) };
    assert_eq!(class(&off, &then, "comes"), (Class::NotMeasured, None));
}

#[test]
fn what_cannot_be_compared_fairly_is_said() {
    let base = recording(Vec::new());
    let kinds = |then: &Snapshot| -> Vec<String> {
        let caveats = serde_json::to_value(compare(&base, then).caveats).unwrap();
        caveats.as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
    };
    let with = |change: &dyn Fn(&mut Snapshot)| {
        let mut then = base.clone();
        then.program.pid += 1;
        change(&mut then);
        kinds(&then)
    };
    assert!(with(&|_| ()).is_empty());
    assert_eq!(with(&|then| then.mode = Mode::Sampling), ["mode"]);
    assert_eq!(with(&|then| then.program.name = "other".into()), ["program"]);
    assert_eq!(with(&|then| then.program.arch = "aarch64".into()), ["host"]);
    assert_eq!(with(&|then| then.program.page_bytes = Some(16_384)), ["host"]);
    // A tenth more than 2,500 ms are 2,750.
    assert!(with(&|then| then.program.elapsed_ms = 2_750).is_empty());
    assert_eq!(with(&|then| then.program.elapsed_ms = 2_751), ["length"]);
    assert_eq!(with(&|then| then.program.started_unix_ms -= 1), ["order"]);
    assert_eq!(with(&|then| then.folded.types = 1), ["folded"]);
    assert_eq!(with(&|then| then.folded.cut_texts = 1), ["cut_texts"]);
    // A later moment of one process is longer by nature.
    let mut later = base.clone();
    later.program.elapsed_ms *= 10;
    assert!(kinds(&later).is_empty());
    let sampling = |mean_bytes, lost_samples| {
        let mut snapshot = base.clone();
        snapshot.profiler.sampling = Some(Sampling { mean_bytes, samples: 1, live_samples: 1, lost_samples });
        snapshot
    };
    let caveats = compare(&sampling(1_000, 0), &sampling(2_000, 3)).caveats;
    let expected = [
        Caveat::SamplingDistance { base_bytes: 1_000, then_bytes: 2_000 },
        Caveat::LostSamples { base: 0, then: 3 },
    ];
    assert_eq!(caveats, expected);
}

#[test]
fn sessions_are_looked_at_in_the_order_of_their_starts() {
    let all = sessions(4, &fixture::exact(&fixture::large(20)));
    let all: Vec<&Snapshot> = all.iter().collect();
    let trend = trend(&all);
    let starts: Vec<_> = trend.sessions.iter().map(|session| session.started_unix_ms).collect();
    assert!(starts.is_sorted() && starts.len() == 4, "{starts:?}");
    // Scope 2 gains 65,537 a session and noise of 0, 828, 643, 458: (−3·0 − 828 + 643 + 3·458) / 10 = 118.9 more.
    let scope = trend.scopes.iter().find(|series| series.scope == names(&["main", "build_index"])).unwrap();
    let slope = scope.slope.unwrap();
    assert!((slope.per_session - 65_655.9).abs() < 1e-9, "{}", slope.per_session);
    assert_eq!(slope.per_session_error, None);
    // Nothing was seen of scope 8 in the first two sessions, which list everything: there it used nothing.
    let late = trend.scopes.iter().find(|series| series.points[0].rows.is_empty()).unwrap();
    assert_eq!(late.points[0].estimate.value, Some(0));
    // What the last session did not measure is no point.
    let variable = trend.variables.iter().find(|series| series.name.as_deref() == Some("postings_07"));
    assert_eq!(variable.unwrap().points[3].estimate.value, None);
}

#[test]
fn two_sessions_have_no_slope() {
    let all = sessions(2, &fixture::exact(&fixture::large(20)));
    let all: Vec<&Snapshot> = all.iter().collect();
    let trend = trend(&all);
    let series = [&trend.totals, &trend.scopes, &trend.variables];
    assert!(series.into_iter().flatten().all(|series| series.slope.is_none() && series.turn.is_none()));
}

/// An absent row of a session that lists not everything is no point, and sessions that all begin at once have no hours.
#[test]
fn what_a_session_may_have_folded_is_no_point() {
    let mut all = sessions(5, &fixture::exact(&fixture::large(20)));
    for session in &mut all {
        session.folded.scopes.scopes = 1;
        session.program.started_unix_ms = 7;
        session.scopes.truncate(12);
    }
    let all: Vec<&Snapshot> = all.iter().collect();
    let trend = trend(&all);
    let late = trend.scopes.iter().find(|series| series.points.iter().any(|point| point.rows.is_empty()));
    assert!(late.unwrap().points.iter().any(|point| point.estimate.value.is_none()));
    assert!(trend.totals.iter().all(|series| series.slope.unwrap().per_hour.is_none()));
}
