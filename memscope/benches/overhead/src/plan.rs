//! What is run, how often, and what is aimed at.

use crate::contenders::Contender;

/// A timed workload.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) name: &'static str,
    /// As the contender knows it.
    pub(crate) workload: &'static str,
    /// Blocks of 64 bytes that live throughout; memscope's sampler has all of them in its sample. Only it and its plain
    /// program run with such.
    pub(crate) live_samples: u64,
    /// As the tables call it.
    pub(crate) title: &'static str,
    pub(crate) kind: Kind,
    /// Operations of one run.
    pub(crate) operations: u64,
}

/// What a workload spends its time with; contenders are slower by different factors in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Next to nothing but blocks.
    Blocks,
    /// Parsing.
    Parser,
    /// System calls.
    Server,
    /// Tracked functions; what counts is the nanoseconds that are added.
    Functions,
}

/// The numbers are chosen so that the measured section of a plain program takes 0.2 to 0.5 s on the machine of
/// `docs/performance.md`.
pub(crate) const LOADS: [Load; 13] = [
    load("pair", "pair", Kind::Blocks, 25_000_000),
    load("churn_1k", "churn 1,000", Kind::Blocks, 15_000_000),
    load("churn_200k", "churn 200,000", Kind::Blocks, 1_500_000),
    load("channel", "producer → consumer", Kind::Blocks, 4_000_000),
    load("serde_json", "serde_json", Kind::Parser, 120),
    load("syn", "syn", Kind::Parser, 40),
    load("server", "server", Kind::Server, 16_000),
    load("calls", "enter + leave", Kind::Functions, 150_000_000),
    load("polls", "tracked poll", Kind::Functions, 100_000_000),
    beside_samples("pair_samples", "pair", "pair", 25_000_000),
    beside_samples("churn_1k_samples", "churn_1k", "churn 1,000", 15_000_000),
    beside_samples("churn_200k_samples", "churn_200k", "churn 200,000", 1_500_000),
    beside_samples("channel_samples", "channel", "producer → consumer", 4_000_000),
];

/// Live samples that the design asks for.
const LIVE_SAMPLES: u64 = 100_000;

const fn load(name: &'static str, title: &'static str, kind: Kind, operations: u64) -> Load {
    Load { name, workload: name, live_samples: 0, title, kind, operations }
}

const fn beside_samples(
    name: &'static str,
    workload: &'static str,
    title: &'static str,
    operations: u64,
) -> Load {
    Load { name, workload, live_samples: LIVE_SAMPLES, title, kind: Kind::Blocks, operations }
}

/// Sizes of block with which the memory is measured, with what the tables call them.
pub(crate) const BLOCKS: [(u64, &str); 3] = [(64, "64 B"), (512, "512 B"), (8_192, "8 KiB")];

/// Runs of the memory measurement for each contender and size. They differ by pages, not by percents.
pub(crate) const MEMORY_ROUNDS: usize = 3;

/// What one run of the program does.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) memory_rounds: usize,
    /// The live heap of the memory measurement; a multiple of all block sizes.
    pub(crate) live_bytes: u64,
    /// Whether figures do not matter.
    pub(crate) short: bool,
    pub(crate) contenders: Vec<&'static Contender>,
    pub(crate) loads: Vec<&'static Load>,
    pub(crate) memory: bool,
}

/// The name by which `--workloads` asks for the memory measurement.
const MEMORY: &str = "memory";

impl Plan {
    /// Empty lists stand for all. Plain programs that a contender is compared to come with it.
    pub(crate) fn new(
        rounds: usize,
        short: bool,
        contenders: &[String],
        loads: &[String],
    ) -> Result<Self, String> {
        let all = crate::contenders::CONTENDERS.iter();
        if let Some(name) = contenders.iter().find(|name| crate::contenders::by_name(name).is_none()) {
            return Err(unknown("contender", name, all.map(|contender| contender.name)));
        }
        let known = || LOADS.iter().map(|load| load.name).chain([MEMORY]);
        if let Some(name) = loads.iter().find(|name| known().all(|known| known != *name)) {
            return Err(unknown("workload", name, known()));
        }
        let asked = |name: &str| contenders.is_empty() || contenders.iter().any(|asked| asked == name);
        let needed = |name: &str| {
            asked(name) || all.clone().any(|other| other.plain == Some(name) && asked(other.name))
        };
        let load_asked = |name: &str| loads.is_empty() || loads.iter().any(|asked| asked == name);
        Ok(Plan {
            rounds,
            memory_rounds: rounds.min(MEMORY_ROUNDS),
            live_bytes: if short { 8 << 20 } else { 200 << 20 },
            short,
            contenders: all.clone().filter(|contender| needed(contender.name)).collect(),
            loads: LOADS.iter().filter(|load| load_asked(load.name)).collect(),
            memory: load_asked(MEMORY),
        })
    }

    /// How many operations a contender runs; `None`: the load says nothing about it.
    pub(crate) fn operations(&self, load: &Load, contender: &Contender) -> Option<u64> {
        if load.live_samples > 0 && !["plain", SAMPLING].contains(&contender.name) {
            return None;
        }
        let fewer = contender.fewer;
        let divisor = match load.kind {
            Kind::Blocks => fewer.blocks,
            Kind::Parser => fewer.parsers,
            Kind::Server => fewer.server,
            Kind::Functions if contender.tracks_functions => fewer.functions,
            Kind::Functions => return None,
        };
        let short = if self.short { 100 } else { 1 };
        Some((load.operations / divisor / short).max(1))
    }
}

fn unknown(what: &str, name: &str, known: impl Iterator<Item = &'static str>) -> String {
    format!("no {what} `{name}`; there are {}", known.collect::<Vec<_>>().join(", "))
}

/// memscope's contenders that have targets.
pub(crate) const LIVE: &str = "memscope";
pub(crate) const SAMPLING: &str = "memscope-sampling";

/// A figure of one of memscope's contenders, beside `plain`, that is aimed at.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) contender: &'static str,
    pub(crate) of: Measured,
    pub(crate) at_most: f64,
}

/// Which figure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Measured {
    /// Time ÷ that of the plain program, of a load.
    Ratio(&'static str),
    /// How that ratio differs between two loads, as a share of the first.
    Change(&'static str, &'static str),
    /// Nanoseconds added, of a load.
    Added(&'static str),
    /// Own memory ÷ live heap, at a size of block.
    Memory(u64),
}

const fn live(of: Measured, at_most: f64) -> Target {
    Target { contender: LIVE, of, at_most }
}

const fn sampling(of: Measured, at_most: f64) -> Target {
    Target { contender: SAMPLING, of, at_most }
}

pub(crate) const TARGETS: [Target; 29] = [
    live(Measured::Ratio("pair"), 1.35),
    live(Measured::Ratio("churn_1k"), 1.25),
    live(Measured::Ratio("churn_200k"), 1.3),
    live(Measured::Ratio("channel"), 1.3),
    live(Measured::Ratio("serde_json"), 1.2),
    live(Measured::Ratio("syn"), 1.15),
    live(Measured::Added("calls"), 5.0),
    live(Measured::Added("polls"), 10.0),
    live(Measured::Memory(64), 0.65),
    live(Measured::Memory(512), 0.15),
    live(Measured::Memory(8_192), 0.02),
    sampling(Measured::Ratio("pair"), 1.03),
    sampling(Measured::Ratio("churn_1k"), 1.03),
    sampling(Measured::Ratio("churn_200k"), 1.03),
    sampling(Measured::Ratio("channel"), 1.03),
    sampling(Measured::Ratio("pair_samples"), 1.03),
    sampling(Measured::Ratio("churn_1k_samples"), 1.03),
    sampling(Measured::Ratio("churn_200k_samples"), 1.03),
    sampling(Measured::Ratio("channel_samples"), 1.03),
    sampling(Measured::Ratio("serde_json"), 1.02),
    sampling(Measured::Ratio("syn"), 1.02),
    sampling(Measured::Ratio("server"), 1.02),
    sampling(Measured::Added("calls"), 5.0),
    sampling(Measured::Added("polls"), 10.0),
    sampling(Measured::Memory(64), 0.01),
    sampling(Measured::Memory(512), 0.01),
    sampling(Measured::Memory(8_192), 0.01),
    sampling(Measured::Change("pair", "pair_samples"), 0.05),
    sampling(Measured::Change("churn_1k", "churn_1k_samples"), 0.05),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contender_knows_every_load_and_size() {
        let known: Vec<&str> = workloads::WORKLOADS.iter().map(|&(name, _)| name).collect();
        let loads: Vec<&str> =
            LOADS.iter().filter(|load| load.live_samples == 0).map(|load| load.name).collect();
        assert_eq!(loads, known);
        assert!(LOADS.iter().all(|load| known.contains(&load.workload)));
        assert_eq!(BLOCKS.map(|(bytes, _)| bytes as usize), workloads::memory::BLOCK_BYTES);
    }

    #[test]
    fn every_target_is_measured() {
        for target in &TARGETS {
            match target.of {
                Measured::Ratio(name) | Measured::Change(_, name) => {
                    assert!(
                        LOADS.iter().any(|load| load.name == name && load.kind != Kind::Functions),
                        "{name}"
                    );
                }
                Measured::Added(name) => {
                    assert!(
                        LOADS.iter().any(|load| load.name == name && load.kind == Kind::Functions),
                        "{name}"
                    );
                }
                Measured::Memory(bytes) => {
                    assert!(BLOCKS.iter().any(|&(known, _)| known == bytes), "{bytes}")
                }
            }
        }
    }

    #[test]
    fn a_contender_brings_its_plain_program() {
        let plan = Plan::new(1, false, &["jemalloc-profiler".to_owned()], &["memory".to_owned()]).unwrap();
        let names: Vec<&str> = plan.contenders.iter().map(|contender| contender.name).collect();
        assert_eq!(names, ["jemalloc", "jemalloc-profiler"]);
        assert!(plan.memory && plan.loads.is_empty());
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let message = Plan::new(1, false, &[], &["pairs".to_owned()]).unwrap_err();
        assert!(message.starts_with("no workload `pairs`; there are pair, churn_1k,"), "{message}");
    }
}
