//! Running a package's own tests, and what they said.

use crate::archive;
use crate::packages::{Integration, Package};
use crate::process;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How a test, or the process that holds it, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    Ignored,
}

/// A warning, by what two copies of a package have in common: columns differ where an attribute was put.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Warning {
    pub(crate) lint: String,
    pub(crate) file: String,
    pub(crate) line: u64,
    pub(crate) text: String,
}

/// What a run of a package's tests said.
#[derive(Debug, Default)]
pub(crate) struct Suite {
    /// By name: the test program's and the test's.
    pub(crate) tests: BTreeMap<String, Outcome>,
    /// By name, without tests: whether the whole program ended well.
    pub(crate) programs: BTreeMap<String, Outcome>,
    /// The compiler's warnings on the package.
    pub(crate) warnings: BTreeSet<Warning>,
    /// clippy's, beside these.
    pub(crate) lints: BTreeSet<Warning>,
    /// Running the tests, without compiling them; examples in the documentation are compiled as they are run.
    pub(crate) time: Duration,
}

impl Suite {
    pub(crate) fn passed(&self) -> usize {
        self.tests.values().filter(|outcome| **outcome == Outcome::Passed).count()
    }
}

/// Where a run's files go.
#[derive(Debug)]
pub(crate) struct Folders {
    /// Cargo's target folder.
    pub(crate) build: PathBuf,
    /// What Cargo and the tests print.
    pub(crate) logs: PathBuf,
    /// What the hook writes.
    pub(crate) records: PathBuf,
}

/// Unoptimised, the hook and the scopes make examples of regex-automata that take seconds take many minutes. The
/// profile's assertions stay.
const PROFILE: [(&str, &str); 2] =
    [("CARGO_PROFILE_DEV_OPT_LEVEL", "1"), ("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")];

/// Runs the tests of the package that was copied to `sources`.
///
/// # Errors
///
/// It does not compile, or Cargo does not end.
pub(crate) fn run(package: &Package, sources: &Path, folders: &Folders) -> Result<Suite, String> {
    for folder in [&folders.logs, &folders.records] {
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let cargo = |command: &str| {
        let mut cargo = process::cargo(command, &sources.join("Cargo.toml"));
        cargo
            .current_dir(sources)
            .arg("--target-dir")
            .arg(&folders.build)
            .args(["--features", &package.features.join(",")])
            .env("CORPUS_RECORDS", &folders.records)
            .envs(PROFILE)
            .env_remove("MEMSCOPE_MODE");
        cargo
    };
    let test = || {
        let mut cargo = cargo("test");
        cargo.arg("--no-fail-fast");
        cargo
    };
    let programs = match package.integration {
        Integration::Run => "--tests",
        Integration::Incomplete(_) => "--lib",
    };
    let mut suite = Suite::default();
    let built = compile(test().args([programs, "--no-run", LISTED]), "build", folders, sources)?;
    suite.warnings = built.warnings;
    // What the package denies is to be listed and not to end the compilation.
    let linted = compile(
        cargo("clippy").args([programs, LISTED, "--", "--cap-lints", "warn"]),
        "clippy",
        folders,
        sources,
    )?;
    suite.lints = linted.warnings.difference(&suite.warnings).cloned().collect();
    for target in &built.targets {
        let (name, selection) = match target.as_str() {
            "lib" => ("library".to_owned(), vec!["--lib"]),
            name => (name.to_owned(), vec!["--test", name]),
        };
        suite.add(&name, test().args(selection), folders)?;
    }
    suite.add("documentation", test().arg("--doc"), folders)?;
    Ok(suite)
}

/// What the compiler says is read from a list.
const LISTED: &str = "--message-format=json";

#[derive(Default)]
struct Compiled {
    /// Test programs: `lib`, and integration tests by name.
    targets: BTreeSet<String>,
    warnings: BTreeSet<Warning>,
}

fn compile(command: &mut Command, log: &str, folders: &Folders, sources: &Path) -> Result<Compiled, String> {
    let file = |kind: &str| folders.logs.join(format!("{log}.{kind}"));
    let ended = process::run(command, &file("stdout"), &file("stderr"))?;
    let messages = archive::read(&file("stdout"))?;
    let manifest = sources.join("Cargo.toml").display().to_string();
    let mut compiled = Compiled::default();
    let mut first_error = None;
    for line in messages.lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        if message["manifest_path"] != *manifest {
            continue;
        }
        if message["reason"] == "compiler-message" {
            let said = &message["message"];
            if said["level"] == "warning" {
                compiled.warnings.extend(warning(said));
            } else if said["level"] == "error" && first_error.is_none() {
                first_error = said["rendered"].as_str().map(str::to_owned);
            }
        }
        if message["executable"].is_string() && message["profile"]["test"] == true {
            let target = &message["target"];
            if target["kind"][0] == "test" {
                compiled.targets.extend(target["name"].as_str().map(str::to_owned));
            } else {
                compiled.targets.insert("lib".to_owned());
            }
        }
    }
    if ended.success {
        return Ok(compiled);
    }
    let stderr = archive::read(&file("stderr"))?;
    Err(format!("does not compile: {}", first_error.as_deref().unwrap_or(stderr.trim())))
}

/// Summaries ("3 warnings emitted") have no place.
fn warning(said: &Value) -> Option<Warning> {
    let place = said["spans"].as_array()?.iter().find(|span| span["is_primary"] == true)?;
    let file = place["file_name"].as_str()?;
    Some(Warning {
        lint: said["code"]["code"].as_str().unwrap_or_default().to_owned(),
        file: without_registry(file).to_owned(),
        line: place["line_start"].as_u64()?,
        text: said["message"].as_str()?.to_owned(),
    })
}

/// A file of a dependency whose macro is used; where Cargo keeps it is no matter.
fn without_registry(file: &str) -> &str {
    let kept = file.split_once("/registry/src/").and_then(|(_, kept)| kept.split_once('/'));
    kept.map_or(file, |(_registry, file)| file)
}

impl Suite {
    /// Runs one program, or all the documentation's.
    fn add(&mut self, program: &str, test: &mut Command, folders: &Folders) -> Result<(), String> {
        let log = |kind: &str| folders.logs.join(format!("{program}.{kind}"));
        let ended = process::run(test, &log("stdout"), &log("stderr"))?;
        self.time += ended.time;
        let outcome = if ended.success { Outcome::Passed } else { Outcome::Failed };
        self.programs.insert(program.to_owned(), outcome);
        let stdout = fs::read(log("stdout")).map_err(|error| format!("{program}: {error}"))?;
        for (name, outcome) in outcomes(&String::from_utf8_lossy(&stdout)) {
            let mut key = format!("{program}: {name}");
            // Two examples on one line: a macro's.
            while self.tests.contains_key(&key) {
                key.push('\'');
            }
            self.tests.insert(key, outcome);
        }
        Ok(())
    }
}

/// `test NAME ... ok`.
fn outcomes(stdout: &str) -> impl Iterator<Item = (&str, Outcome)> {
    stdout.lines().filter_map(|line| {
        let (name, outcome) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
        let outcome = match outcome {
            "ok" => Outcome::Passed,
            "FAILED" => Outcome::Failed,
            _ if outcome.starts_with("ignored") => Outcome::Ignored,
            _ => return None,
        };
        Some((name, outcome))
    })
}

/// Tests and programs that did not end alike, each with what both said.
pub(crate) fn differences(plain: &Suite, annotated: &Suite) -> Vec<String> {
    let between = |plain: &BTreeMap<String, Outcome>, annotated: &BTreeMap<String, Outcome>| {
        let names: BTreeSet<&String> = plain.keys().chain(annotated.keys()).collect();
        let shown = |outcome: Option<&Outcome>| {
            outcome.map_or("not run".to_owned(), |outcome| format!("{outcome:?}").to_lowercase())
        };
        let pairs = names.into_iter().map(|name| (name.clone(), plain.get(name), annotated.get(name)));
        let differing = pairs.filter(|(_, plain, annotated)| plain != annotated);
        differing
            .map(|(name, plain, annotated)| {
                format!("{name}: plain {}, annotated {}", shown(plain), shown(annotated))
            })
            .collect::<Vec<_>>()
    };
    let mut all = between(&plain.tests, &annotated.tests);
    all.extend(between(&plain.programs, &annotated.programs));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_read_from_what_the_test_program_prints() {
        let text = "\nrunning 4 tests\ntest a::b ... ok\ntest c - should panic ... FAILED\ntest d ... ignored, why\n\
                    test src/lib.rs - e (line 3) - compile ... ok\n\ntest result: FAILED. 2 passed; 1 failed\n";
        let expected = [
            ("a::b", Outcome::Passed),
            ("c - should panic", Outcome::Failed),
            ("d", Outcome::Ignored),
            ("src/lib.rs - e (line 3) - compile", Outcome::Passed),
        ];
        assert_eq!(outcomes(text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_place_in_the_registry_starts_at_the_package() {
        assert_eq!(
            without_registry("/home/a/registry/src/index-1/inventory-0.3/src/lib.rs"),
            "inventory-0.3/src/lib.rs"
        );
        assert_eq!(without_registry("src/lib.rs"), "src/lib.rs");
    }

    #[test]
    fn a_test_that_is_gone_differs_like_one_that_fails() {
        let suite = |tests: &[(&str, Outcome)]| Suite {
            tests: tests.iter().map(|(name, outcome)| ((*name).to_owned(), *outcome)).collect(),
            ..Suite::default()
        };
        let plain = suite(&[("a", Outcome::Passed), ("b", Outcome::Passed), ("c", Outcome::Failed)]);
        let annotated = suite(&[("a", Outcome::Failed), ("c", Outcome::Failed)]);
        let expected = ["a: plain passed, annotated failed", "b: plain passed, annotated not run"];
        assert_eq!(differences(&plain, &annotated), expected);
    }
}
