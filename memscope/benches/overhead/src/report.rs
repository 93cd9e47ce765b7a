//! The tables, as Markdown: the same text is printed and kept.

use crate::contenders::{self, Contender};
use crate::figures;
use crate::machine;
use crate::plan::{BLOCKS, Kind, LIVE, LOADS, Load, Measured, Plan, SAMPLING, TARGETS};
use crate::rounds::{Results, memory_name};
use crate::spread::{Spread, spread};
use crate::versions;
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use std::fmt::Write as _;

/// Packages that the tables compare or run.
const NAMED: [&str; 10] = [
    "dhat",
    "hotpath",
    "memscope",
    "memscope-rs",
    "mimalloc",
    "serde_json",
    "syn",
    "tcmalloc-better",
    "tikv-jemallocator",
    "tokio",
];

const NOT_MEASURED: &str = "–";

/// All that is known, from the machine to what failed.
pub(crate) fn report(plan: &Plan, results: &Results) -> String {
    let (functions, timed): (Vec<&Load>, Vec<&Load>) =
        plan.loads.iter().copied().partition(|load| load.kind == Kind::Functions);
    let (beside_samples, timed): (Vec<&Load>, Vec<&Load>) =
        timed.into_iter().partition(|load| load.live_samples > 0);
    let mut text = String::new();
    if plan.short {
        text.push_str("A short run: it shows what runs, and its figures mean nothing.\n\n");
    }
    let mut section = |title: &str, body: &str| {
        // A String takes any text.
        let _ = write!(text, "## {title}\n\n{}\n\n", body.trim());
    };
    section("Machine", &machine_table());
    if !timed.is_empty() {
        let note = format!(
            "Time ÷ time of the plain program: medians over the rounds, of which there were {}.",
            plan.rounds
        );
        section("Time", &format!("{note}\n\n{}", ratio_table(plan, results, &timed)));
        let note = "Nanoseconds of one operation of the plain programs, which are the 1 of the table above.";
        section("Plain programs", &format!("{note}\n\n{}", plain_table(plan, results, &timed)));
    }
    let sampled = plan.contenders.iter().any(|contender| contender.name == SAMPLING);
    if let Some(live_samples) = beside_samples.first().filter(|_| sampled).map(|load| load.live_samples) {
        let note = format!(
            "Time ÷ time of the plain program while {live_samples} blocks live that are in the sample (in the plain \
             program they\nlive too)."
        );
        section("Beside live samples", &format!("{note}\n\n{}", ratio_table(plan, results, &beside_samples)));
    }
    if !functions.is_empty() {
        let note = "Nanoseconds that one call or poll takes longer than in the plain program; in brackets, what it \
                    takes in all.\nThe plain program's own are in its row.";
        section("Tracked functions", &format!("{note}\n\n{}", functions_table(plan, results, &functions)));
    }
    if plan.memory {
        let note = format!(
            "What is resident beyond the plain program, as share of a live heap of {} MiB. In brackets: what \
             memscope itself\nsays that it holds (`snapshot().profiler.own_bytes`).",
            plan.live_bytes >> 20
        );
        section("Memory", &format!("{note}\n\n{}", memory_table(plan, results)));
    }
    for (contender, title) in [(LIVE, "Targets"), (SAMPLING, "Targets of sampling")] {
        if plan.contenders.iter().any(|planned| planned.name == contender) {
            section(title, &format!("For `{contender}`.\n\n{}", target_table(plan, results, contender)));
        }
    }
    if !results.failures.is_empty() {
        let lines =
            results.failures.iter().map(|((name, what), reason)| format!("- {name}, {what}: {reason}"));
        section("What failed", &lines.collect::<Vec<_>>().join("\n"));
    }
    text
}

fn table(head: impl IntoIterator<Item = String>) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(head.into_iter().collect::<Vec<_>>());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn titles(loads: &[&Load]) -> impl Iterator<Item = String> {
    std::iter::once(String::new()).chain(loads.iter().map(|load| load.title.to_owned()))
}

fn machine_table() -> String {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(["", ""]);
    for (name, value) in machine::machine() {
        table.add_row([name, &value]);
    }
    let mut versions = versions::versions(include_str!("../Cargo.lock"), &NAMED);
    versions.extend(contenders::version_of("heaptrack"));
    format!("{table}\n\nVersions: {}.", versions.join(", "))
}

fn ratio_table(plan: &Plan, results: &Results, loads: &[&Load]) -> String {
    let mut table = table(titles(loads));
    let runs = |contender| loads.iter().any(|load| plan.operations(load, contender).is_some());
    for (contender, plain) in compared(plan).filter(|&(contender, _)| runs(contender)) {
        let cells = loads.iter().map(|load| {
            let ratios = figures::ratios(results.times(contender, load), results.times(plain, load));
            cell(results, contender, load.name, ratios, |ratio| format!("{:.2}", ratio.median))
        });
        table.add_row([contender.name.to_owned()].into_iter().chain(cells));
    }
    table.to_string()
}

fn plain_table(plan: &Plan, results: &Results, loads: &[&Load]) -> String {
    let mut table = table(titles(loads));
    for contender in plan.contenders.iter().filter(|contender| contender.plain.is_none()) {
        let cells = loads.iter().map(|load| {
            let times = results.times(contender, load).iter().copied().flatten();
            cell(results, contender, load.name, times, |time| nanoseconds(time.median))
        });
        table.add_row([contender.name.to_owned()].into_iter().chain(cells));
    }
    table.to_string()
}

fn functions_table(plan: &Plan, results: &Results, loads: &[&Load]) -> String {
    let mut table = table(titles(loads));
    for contender in plan.contenders.iter().filter(|contender| contender.tracks_functions) {
        let cells = loads.iter().map(|load| {
            let times = results.times(contender, load);
            let Some(all) = spread(times.iter().copied().flatten()) else {
                return cell(results, contender, load.name, [], |_| String::new());
            };
            let Some(plain) = contender.plain.and_then(contenders::by_name) else {
                return nanoseconds(all.median);
            };
            let added = figures::differences(times, results.times(plain, load));
            cell(results, contender, load.name, added, |added| {
                // `+ 0.0` makes 0 of −0.
                let added = (added.median * 10.0).round() / 10.0 + 0.0;
                format!("{added:.1} ({})", nanoseconds(all.median))
            })
        });
        table.add_row([contender.name.to_owned()].into_iter().chain(cells));
    }
    table.to_string()
}

fn memory_table(plan: &Plan, results: &Results) -> String {
    let head = [String::new()].into_iter().chain(BLOCKS.map(|(_, title)| format!("blocks of {title}")));
    let mut table = table(head);
    for (contender, plain) in compared(plan) {
        let cells = BLOCKS.map(|(bytes, _)| {
            let own =
                results.memories(contender, bytes).iter().flatten().filter_map(|memory| memory.own_bytes);
            let own = spread(own.map(|own| own as f64 / plan.live_bytes as f64));
            let shares = memory_shares(plan, results, contender, plain, bytes);
            cell(results, contender, &memory_name(bytes), shares, |share| match own {
                Some(own) => format!("{:.3} ({:.3})", share.median, own.median),
                None => format!("{:.3}", share.median),
            })
        });
        table.add_row([contender.name.to_owned()].into_iter().chain(cells));
    }
    table.to_string()
}

fn target_table(plan: &Plan, results: &Results, contender: &str) -> String {
    let memscope = contenders::by_name(contender).expect("memscope's are contenders");
    let plain = contenders::by_name("plain").expect("plain is a contender");
    let head = ["", "target", "measured", "middle half of the rounds", "reached"];
    let mut table = table(head.map(str::to_owned));
    for target in TARGETS.iter().filter(|target| target.contender == contender) {
        let times = |name: &str| {
            let load = LOADS.iter().find(|load| load.name == name).expect("a target's load is a load");
            let title = if load.live_samples > 0 {
                format!("{} beside {} live samples", load.title, load.live_samples)
            } else {
                load.title.to_owned()
            };
            (title, results.times(memscope, load), results.times(plain, load))
        };
        let (title, spread, digits, unit) = match target.of {
            Measured::Ratio(name) => {
                let (title, of, to) = times(name);
                (format!("{title}, time ÷ plain"), spread(figures::ratios(of, to)), 2, "")
            }
            Measured::Change(first, second) => {
                let (title, of, to) = times(first);
                let (_, second_of, second_to) = times(second);
                let first: Vec<Option<f64>> = figures::ratios(of, to).map(Some).collect();
                let second: Vec<Option<f64>> = figures::ratios(second_of, second_to).map(Some).collect();
                let change = figures::ratios(&second, &first).map(|ratio| ratio - 1.0);
                (format!("{title}, growth with the live samples"), spread(change), 3, "")
            }
            Measured::Added(name) => {
                let (title, of, to) = times(name);
                (format!("{title}, added"), spread(figures::differences(of, to)), 1, " ns")
            }
            Measured::Memory(bytes) => {
                let title = BLOCKS.iter().find(|(known, _)| *known == bytes).map_or("", |(_, title)| title);
                let shares = memory_shares(plan, results, memscope, plain, bytes);
                (format!("own memory at blocks of {title}"), spread(shares), 3, "")
            }
        };
        let at_most = format!("≤ {}{unit}", target.at_most);
        table.add_row(match spread {
            Some(Spread { lower, median, upper }) => [
                title,
                at_most,
                format!("{median:.digits$}{unit}"),
                format!("{lower:.digits$} to {upper:.digits$}"),
                (if median <= target.at_most { "yes" } else { "no" }).to_owned(),
            ],
            None => [title, at_most, NOT_MEASURED.into(), NOT_MEASURED.into(), "not measured".to_owned()],
        });
    }
    table.to_string()
}

/// Contenders with the plain program that each is compared to.
fn compared(plan: &Plan) -> impl Iterator<Item = (&'static Contender, &'static Contender)> {
    plan.contenders.iter().filter_map(|&contender| Some((contender, contenders::by_name(contender.plain?)?)))
}

/// (resident − resident of the plain program) ÷ live heap, round by round.
fn memory_shares(
    plan: &Plan,
    results: &Results,
    contender: &Contender,
    plain: &Contender,
    block_bytes: u64,
) -> Vec<f64> {
    let resident = |contender| -> Vec<Option<f64>> {
        let memories = results.memories(contender, block_bytes).iter();
        memories.map(|memory| memory.map(|memory| memory.resident_bytes as f64)).collect()
    };
    let differences: Vec<f64> = figures::differences(&resident(contender), &resident(plain)).collect();
    differences.into_iter().map(|bytes| bytes / plan.live_bytes as f64).collect()
}

fn cell(
    results: &Results,
    contender: &Contender,
    what: &str,
    values: impl IntoIterator<Item = f64>,
    show: impl FnOnce(Spread) -> String,
) -> String {
    if results.failure(contender, what).is_some() {
        return "failed".to_owned();
    }
    spread(values).map_or_else(|| NOT_MEASURED.to_owned(), show)
}

/// Three digits are what the rounds agree on.
fn nanoseconds(time: f64) -> String {
    match time {
        ..10.0 => format!("{time:.2}"),
        10.0..100.0 => format!("{time:.1}"),
        100.0..10_000.0 => format!("{time:.0}"),
        10_000.0..1e6 => format!("{:.1} µs", time / 1e3),
        _ => format!("{:.2} ms", time / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        let shown = [1.367, 13.26, 259.7, 18_730.3, 2_550_076.6].map(nanoseconds);
        assert_eq!(shown, ["1.37", "13.3", "260", "18.7 µs", "2.55 ms"]);
    }
}
