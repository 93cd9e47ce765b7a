//! The list: what `#[track]` and `track_var!` must survive, and that each has a test of its name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rows, and where a row must be refused, that.
const ROWS: [(&str, Kind); 46] = [
    ("async functions are entered and left at each poll", Kind::Runs),
    ("nested async functions", Kind::Runs),
    ("an empty async body", Kind::Runs),
    ("`async unsafe fn`, every order of modifiers", Kind::Runs),
    ("what `async-trait` writes", Kind::Runs),
    ("`-> impl Future` that ends in an async block", Kind::Runs),
    ("`-> Pin<Box<dyn Future>>`, statements before the future", Kind::Runs),
    ("a returned closure keeps one type", Kind::Runs),
    ("a future dropped unfinished: its drop runs inside its scope", Kind::Runs),
    ("a hundred panics caught in polls", Kind::Runs),
    ("polled on one thread, finished on another", Kind::Runs),
    ("a spawned task starts a root, but for an explicit helper", Kind::Runs),
    ("`impl Trait`", Kind::Runs),
    ("`Result<impl Trait, E>`, async", Kind::Runs),
    ("coercion to a trait object", Kind::Runs),
    ("a type error is reported at the user's expression", Kind::Fails),
    ("early `return`, `?`", Kind::Runs),
    ("`-> !`", Kind::Runs),
    ("`&mut` arguments, used after", Kind::Runs),
    ("no closure around the body: borrows, `#[track_caller]`", Kind::Runs),
    ("generics, where clauses, const generics", Kind::Runs),
    ("receivers", Kind::Runs),
    ("lifetimes: elided, named, higher-ranked", Kind::Runs),
    ("patterns in parameters", Kind::Runs),
    ("`unsafe fn`, `extern \"C\" fn`, both", Kind::Runs),
    ("`const fn`", Kind::Fails),
    ("trait methods: with a default body, and without", Kind::Both),
    ("methods in impl and trait-impl blocks", Kind::Runs),
    ("order with `#[tokio::main]`, `#[test]`, `#[inline]`, `#[must_use]`", Kind::Runs),
    ("the user's own items with the names of the expansion", Kind::Runs),
    // And `arguments_reach_the_expansion` of `memscope-macros`: nothing names `::memscope` then.
    ("`crate = my::path`", Kind::Runs),
    // And `the_body_comes_out_once_even_if_it_does_not_parse` of `memscope-macros`.
    ("a body that does not parse, in an editor", Kind::Runs),
    ("bad arguments still emit the item", Kind::Fails),
    ("unknown, duplicate and mistyped arguments", Kind::Fails),
    ("functions that macros write, and their spans", Kind::Both),
    ("functions of one name, and instantiations", Kind::Runs),
    ("strict lints stay silent", Kind::Runs),
    ("inner attributes in the body", Kind::Runs),
    ("`dead_code` fires", Kind::Both),
    ("the user's own lints fire in the body", Kind::Both),
    ("recursion, 100,000 deep", Kind::Runs),
    ("10,000 sites", Kind::Runs),
    ("unwinding through 50 tracked frames", Kind::Runs),
    ("before `main`, after it, and in a thread-local's destructor", Kind::Runs),
    ("a tracked `Drop::drop`", Kind::Runs),
    ("within the user's own allocator", Kind::Runs),
];

/// How a row is shown.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// By a test.
    Runs,
    /// By a case of `fail/`.
    Fails,
    Both,
}

/// What `track_var!` must take, and what it must refuse.
const VARIABLES: [(&str, Kind); 22] = [
    ("let_mut", Kind::Runs),
    ("type_annotation", Kind::Runs),
    ("tuple", Kind::Runs),
    ("struct", Kind::Runs),
    ("slice", Kind::Runs),
    ("ref", Kind::Runs),
    ("at", Kind::Runs),
    ("let_else", Kind::Runs),
    ("shadowed_names", Kind::Runs),
    ("existing_binding", Kind::Runs),
    ("field", Kind::Runs),
    ("static", Kind::Runs),
    ("unsized_behind_a_reference", Kind::Runs),
    ("zero_sized", Kind::Runs),
    ("moved", Kind::Runs),
    ("returned", Kind::Runs),
    ("in_a_loop", Kind::Runs),
    ("in_a_closure", Kind::Runs),
    ("across_an_await", Kind::Runs),
    ("in_a_generic_function", Kind::Runs),
    ("type_inference", Kind::Runs),
    ("borrows", Kind::Both),
];

/// What else is promised of `track_var!`, by the name of its test or case.
const VARIABLES_ELSEWHERE: [&str; 5] = [
    "variable_initialiser_with_an_await_leaves_no_marker_on_the_thread",
    "variable_position",
    "variable_refused",
    "variable_under_forbid_unsafe_code",
    "bindings",
];

/// The names of all tests, and of all cases, with where they are.
#[derive(Default)]
struct Found {
    tests: BTreeMap<String, PathBuf>,
    cases: BTreeSet<String>,
}

impl Found {
    fn look_into(&mut self, directory: &Path) {
        for entry in fs::read_dir(directory).expect("a directory of this package") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                self.look_into(&path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                self.read(&path);
            }
        }
    }

    /// A case is a file, a test a function whose attributes end in `#[…test…]` somewhere above.
    fn read(&mut self, path: &Path) {
        let is_below = |name: &str| path.components().any(|part| part.as_os_str() == name);
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if is_below("fail") {
            self.cases.insert(stem);
            return;
        }
        if is_below("pass") {
            self.tests.insert(stem, path.to_owned());
            return;
        }
        let mut is_test = false;
        for line in fs::read_to_string(path).expect("UTF-8").lines() {
            let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
            if let Some(name) = function.and_then(|rest| rest.split('(').next()) {
                if is_test {
                    let other = self.tests.insert(name.to_owned(), path.to_owned());
                    assert!(
                        other.is_none() || name.split('_').next() != Some("row"),
                        "two tests are called {name}"
                    );
                }
                is_test = false;
            } else if ["#[test]", "#[tokio::test"].iter().any(|attribute| line.starts_with(attribute)) {
                is_test = true;
            }
        }
    }
}

fn found() -> Found {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Found::default();
    for directory in ["tests", "pass", "fail"] {
        found.look_into(&package.join(directory));
    }
    found
}

#[test]
fn every_row_has_a_test_or_a_case_of_its_name() {
    let found = found();
    let starts = |name: &String, prefix: &str| name.starts_with(prefix);
    let mut missing = Vec::new();
    for (index, (row, kind)) in ROWS.iter().enumerate() {
        let prefix = format!("row_{:02}_", index + 1);
        if *kind != Kind::Fails && !found.tests.keys().any(|name| starts(name, &prefix)) {
            missing.push(format!("a test {prefix}…: {row}"));
        }
        if *kind != Kind::Runs && !found.cases.iter().any(|name| starts(name, &prefix)) {
            missing.push(format!("a case {prefix}…: {row}"));
        }
    }
    for (row, kind) in VARIABLES {
        let name = format!("variable_{row}");
        if kind != Kind::Fails && !found.tests.contains_key(&name) {
            missing.push(format!("a test {name}"));
        }
        if kind != Kind::Runs && !found.cases.contains(&name) {
            missing.push(format!("a case {name}"));
        }
    }
    for name in VARIABLES_ELSEWHERE {
        if !found.tests.contains_key(name) && !found.cases.contains(name) {
            missing.push(format!("a test or a case {name}"));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_number_is_that_of_a_row() {
    let found = found();
    for name in found.tests.keys().chain(&found.cases) {
        let Some(number) = name.strip_prefix("row_").and_then(|rest| rest.get(..2)) else { continue };
        let number: usize = number.parse().unwrap_or_default();
        assert!((1..=ROWS.len()).contains(&number), "{name} is of no row");
    }
}
