//! The tables, as Markdown: the same text is printed and kept.

use crate::annotate::Census;
use crate::machine;
use crate::packages::{Integration, Package};
use crate::recording::Recording;
use crate::suite::{self, Suite, Warning};
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// The least share of functions that carry the attribute.
const ENOUGH: f64 = 0.95;

/// What became of a package.
#[derive(Debug)]
pub(crate) struct Examined {
    pub(crate) package: &'static Package,
    pub(crate) result: Result<Findings, String>,
}

/// What was found of a package whose tests ran.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) census: Census,
    pub(crate) plain: Suite,
    pub(crate) annotated: Suite,
    pub(crate) recording: Recording,
}

impl Findings {
    fn warnings(&self) -> impl Iterator<Item = &Warning> {
        self.annotated.warnings.difference(&self.plain.warnings)
    }

    fn lints(&self) -> impl Iterator<Item = &Warning> {
        self.annotated.lints.difference(&self.plain.lints)
    }

    /// What contradicts the claim that annotating changes nothing and records everything.
    fn problems(&self) -> Vec<String> {
        let Self { census, plain, annotated, recording, .. } = self;
        let mut problems = suite::differences(plain, annotated);
        if census.share() < ENOUGH {
            problems.push(format!("{} of its functions are annotated", percent(census.share())));
        }
        if plain.tests.is_empty() {
            problems.push("it has no tests".to_owned());
        }
        if recording.sites_ran == 0 {
            problems.push("no site ran".to_owned());
        }
        for (count, what) in [
            (recording.unsound, "processes whose scopes do not sum up to the totals"),
            (recording.sum("folded"), "scope entries found the tree full"),
            (recording.sum("unrecorded"), "events were not recorded"),
        ] {
            if count > 0 {
                problems.push(format!("{count} {what}"));
            }
        }
        problems
    }
}

/// Whether all held.
pub(crate) fn holds(examined: &[Examined]) -> bool {
    examined.iter().all(|one| one.result.as_ref().is_ok_and(|findings| findings.problems().is_empty()))
}

/// All that is known, from the machine to what failed.
pub(crate) fn report(examined: &[Examined]) -> String {
    let mut text = String::new();
    let mut section = |title: &str, body: &str| {
        // A String takes any text.
        let _ = write!(text, "## {title}\n\n{}\n\n", body.trim());
    };
    let mut machine = table(["", ""]);
    for (name, value) in machine::machine() {
        machine.add_row([name.to_owned(), value]);
    }
    section("Machine", &machine.to_string());
    section("Result", &result_table(examined));
    section("Recorded", &recorded_table(examined));
    section("Functions without the attribute", &census_table(examined));
    let incomplete = examined.iter().filter_map(|one| match one.package.integration {
        Integration::Incomplete(reason) => Some(format!("- {}: {reason}", one.package.name)),
        Integration::Run => None,
    });
    let incomplete = incomplete.collect::<Vec<_>>().join("\n");
    if !incomplete.is_empty() {
        section("Integration tests that cannot run as published", &incomplete);
    }
    let warnings = list(examined, |findings| by_lint(findings.warnings()));
    if !warnings.is_empty() {
        section("New warnings", &warnings);
    }
    let lints = list(examined, |findings| by_lint(findings.lints()));
    if !lints.is_empty() {
        section("New warnings of clippy", &lints);
    }
    let mut problems = list(examined, Findings::problems);
    for one in examined {
        if let Err(reason) = &one.result {
            let _ = write!(problems, "\n\n{}:\n\n```text\n{}\n```", one.package.name, reason.trim());
        }
    }
    if !problems.is_empty() {
        section("What does not hold", &problems);
    }
    text
}

/// How often each lint warns, and where first.
fn by_lint<'a>(warnings: impl Iterator<Item = &'a Warning>) -> Vec<String> {
    let mut lints: BTreeMap<&str, Vec<&Warning>> = BTreeMap::new();
    for warning in warnings {
        lints.entry(&warning.lint).or_default().push(warning);
    }
    let lines = lints.into_iter().map(|(lint, warnings)| {
        let Warning { file, line, text, .. } = warnings[0];
        format!("{} × `{lint}`, as at {file}:{line}: {text}", warnings.len())
    });
    lines.collect()
}

fn list(examined: &[Examined], lines: impl Fn(&Findings) -> Vec<String>) -> String {
    let of_all = examined.iter().filter_map(|one| Some((one.package.name, one.result.as_ref().ok()?)));
    let all: Vec<String> = of_all
        .flat_map(|(name, findings)| lines(findings).into_iter().map(move |line| format!("- {name}: {line}")))
        .collect();
    all.join("\n")
}

fn table<const N: usize>(head: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(head);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A row for each package; those whose tests did not run say so.
fn rows<const N: usize>(
    examined: &[Examined],
    head: [&str; N],
    row: impl Fn(&Package, &Findings) -> [String; N],
) -> String {
    let mut table = table(head);
    for one in examined {
        table.add_row(match &one.result {
            Ok(findings) => row(one.package, findings),
            Err(_) => std::array::from_fn(|column| match column {
                0 => one.package.name.to_owned(),
                _ => "failed".to_owned(),
            }),
        });
    }
    table.to_string()
}

fn result_table(examined: &[Examined]) -> String {
    let head = [
        "package",
        "version",
        "functions",
        "annotated",
        "share",
        "tests passed, plain",
        "annotated",
        "that differ",
        "sites that ran",
        "scope nodes",
        "folded",
        "events unrecorded",
        "new warnings",
        "of clippy",
        "tests took, plain",
        "annotated",
    ];
    rows(examined, head, |package, findings| {
        let Findings { census, plain, annotated, recording, .. } = findings;
        [
            package.name.to_owned(),
            package.version.to_owned(),
            census.functions().to_string(),
            census.annotated.to_string(),
            percent(census.share()),
            plain.passed().to_string(),
            annotated.passed().to_string(),
            suite::differences(plain, annotated).len().to_string(),
            recording.sites_ran.to_string(),
            recording.highest("scopes").to_string(),
            recording.sum("folded").to_string(),
            recording.sum("unrecorded").to_string(),
            findings.warnings().count().to_string(),
            findings.lints().count().to_string(),
            seconds(plain.time),
            seconds(annotated.time),
        ]
    })
}

fn recorded_table(examined: &[Examined]) -> String {
    let head = [
        "package",
        "processes",
        "cut off",
        "sites compiled in",
        "depth",
        "calls",
        "recursive calls",
        "allocations",
        "blocks not known",
    ];
    rows(examined, head, |package, Findings { recording, .. }| {
        [
            package.name.to_owned(),
            recording.processes.to_string(),
            recording.cut_off.to_string(),
            recording.highest("sites").to_string(),
            recording.highest("depth").to_string(),
            recording.sum("calls").to_string(),
            recording.sum("recursive_calls").to_string(),
            recording.sum("allocations").to_string(),
            recording.sum("unknown_blocks").to_string(),
        ]
    })
}

fn census_table(examined: &[Examined]) -> String {
    let head = [
        "package",
        "`fn` with a name",
        "overlooked",
        "const fn",
        "without a body",
        "foreign",
        "naked",
        "in a macro's pattern",
    ];
    rows(examined, head, |package, Findings { census, .. }| {
        [
            package.name.to_owned(),
            census.found.to_string(),
            (census.functions() - census.annotated).to_string(),
            census.constant.to_string(),
            census.declarations.to_string(),
            census.foreign.to_string(),
            census.naked.to_string(),
            census.patterns.to_string(),
        ]
    })
}

fn percent(share: f64) -> String {
    // Rounded down: 100 % is all of them.
    format!("{:.1} %", (share * 1_000.0).floor() / 10.0)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_percent_is_all() {
        assert_eq!([1.0, 0.99996, 0.5].map(percent), ["100.0 %", "99.9 %", "50.0 %"]);
    }
}
