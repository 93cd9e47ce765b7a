//! The tables, as Markdown: the same text is printed and kept.

use crate::figures::{self, Seconds};
use crate::machine;
use crate::rounds::{Plan, Results};
use crate::spread::Spread;
use crate::variants::{AT_MOST, INSTRUMENT, PLAIN, TRACK, VARIANTS};
use crate::versions;
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use std::fmt::Write as _;

const NOT_MEASURED: &str = "–";

/// All that is known, from the machine to the target.
pub(crate) fn report(plan: &Plan, results: &Results) -> String {
    let mut text = String::new();
    let mut section = |title: &str, body: &str| {
        // A String takes any text.
        let _ = write!(text, "## {title}\n\n{}\n\n", body.trim());
    };
    section("Machine", &machine_table());
    let runs = format!("over {} functions, medians over {} rounds", plan.functions(), plan.rounds);
    let note = format!(
        "Seconds of the processor that the attribute adds to the plain file, {runs}.\nIn brackets: as a multiple of what \
         `#[tracing::instrument]` adds. The plain file's own are in its row."
    );
    section("Processor time", &format!("{note}\n\n{}", added_table(plan, results, figures::processor, true)));
    let note = format!("Seconds that pass, {runs}. What else the machine does is in them.");
    section("Wall time", &format!("{note}\n\n{}", added_table(plan, results, figures::wall, false)));
    let note = "Of the processor's time. What each adds is given as the middle half of the rounds.";
    section("Target", &format!("{note}\n\n{}", target_table(plan, results)));
    text
}

/// Whether memscope adds no more than it may, in each kind that was measured.
pub(crate) fn reached(plan: &Plan, results: &Results) -> bool {
    plan.kinds.iter().all(|&kind| {
        figures::multiple(results, kind, &TRACK, figures::processor)
            .is_some_and(|multiple| multiple <= AT_MOST)
    })
}

fn table(head: impl IntoIterator<Item = String>) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(head.into_iter().collect::<Vec<_>>());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn machine_table() -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(["", ""]);
    for (name, value) in machine::machine() {
        table.add_row([name, &value]);
    }
    let lock = include_str!("../Cargo.lock");
    format!(
        "{table}\n\nVersions: {}.",
        versions::versions(lock, &["hotpath", "memscope", "tracing"]).join(", ")
    )
}

fn added_table(plan: &Plan, results: &Results, seconds: Seconds, multiples: bool) -> String {
    let titles = plan.kinds.iter().map(|kind| kind.title().to_owned());
    let mut table = table([String::new()].into_iter().chain(titles));
    for variant in &VARIANTS {
        let cells = plan.kinds.iter().map(|&kind| {
            if *variant == PLAIN {
                return seconds_of(figures::whole(results, kind, variant, seconds));
            }
            let added = seconds_of(figures::added(results, kind, variant, seconds));
            match figures::multiple(results, kind, variant, seconds).filter(|_| multiples) {
                Some(multiple) => format!("{added} ({multiple:.2})"),
                None => added,
            }
        });
        table.add_row([variant.name.to_owned()].into_iter().chain(cells));
    }
    table.to_string()
}

fn seconds_of(spread: Option<Spread>) -> String {
    spread.map_or_else(|| NOT_MEASURED.to_owned(), |spread| format!("{:.2}", spread.median))
}

fn target_table(plan: &Plan, results: &Results) -> String {
    let head = ["", "target", "measured", "memscope adds", "tracing adds", "reached"];
    let mut table = table(head.map(str::to_owned));
    for &kind in &plan.kinds {
        let middle = |variant| {
            let added = figures::added(results, kind, variant, figures::processor);
            added.map_or(NOT_MEASURED.to_owned(), |added| {
                format!("{:.2} to {:.2} s", added.lower, added.upper)
            })
        };
        let multiple = figures::multiple(results, kind, &TRACK, figures::processor);
        table.add_row([
            format!("{}, added ÷ tracing's", kind.title()),
            format!("≤ {AT_MOST}"),
            multiple.map_or(NOT_MEASURED.to_owned(), |multiple| format!("{multiple:.2}")),
            middle(&TRACK),
            middle(&INSTRUMENT),
            match multiple {
                Some(multiple) if multiple <= AT_MOST => "yes",
                Some(_) => "no",
                None => "not measured",
            }
            .to_owned(),
        ]);
    }
    table.to_string()
}
