//! What is run, how often, and what is aimed at.

use crate::contenders::Contender;

/// A timed workload.
#[derive(Debug)]
pub(crate) struct Load {
    /// As the contender knows it.
    pub(crate) name: &'static str,
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
pub(crate) const LOADS: [Load; 9] = [
    Load { name: "pair", title: "pair", kind: Kind::Blocks, operations: 25_000_000 },
    Load { name: "churn_1k", title: "churn 1,000", kind: Kind::Blocks, operations: 15_000_000 },
    Load { name: "churn_200k", title: "churn 200,000", kind: Kind::Blocks, operations: 1_500_000 },
    Load { name: "channel", title: "producer → consumer", kind: Kind::Blocks, operations: 4_000_000 },
    Load { name: "serde_json", title: "serde_json", kind: Kind::Parser, operations: 120 },
    Load { name: "syn", title: "syn", kind: Kind::Parser, operations: 40 },
    Load { name: "server", title: "server", kind: Kind::Server, operations: 16_000 },
    Load { name: "calls", title: "enter + leave", kind: Kind::Functions, operations: 150_000_000 },
    Load { name: "polls", title: "tracked poll", kind: Kind::Functions, operations: 100_000_000 },
];

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

/// A figure of memscope over the system's allocator that is aimed at.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) of: Measured,
    pub(crate) at_most: f64,
}

/// Which figure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Measured {
    /// Time ÷ that of the plain program, of a load.
    Ratio(&'static str),
    /// Nanoseconds added, of a load.
    Added(&'static str),
    /// Own memory ÷ live heap, at a size of block.
    Memory(u64),
}

pub(crate) const TARGETS: [Target; 11] = [
    Target { of: Measured::Ratio("pair"), at_most: 1.35 },
    Target { of: Measured::Ratio("churn_1k"), at_most: 1.25 },
    Target { of: Measured::Ratio("churn_200k"), at_most: 1.3 },
    Target { of: Measured::Ratio("channel"), at_most: 1.3 },
    Target { of: Measured::Ratio("serde_json"), at_most: 1.2 },
    Target { of: Measured::Ratio("syn"), at_most: 1.15 },
    Target { of: Measured::Added("calls"), at_most: 5.0 },
    Target { of: Measured::Added("polls"), at_most: 10.0 },
    Target { of: Measured::Memory(64), at_most: 0.65 },
    Target { of: Measured::Memory(512), at_most: 0.15 },
    Target { of: Measured::Memory(8_192), at_most: 0.02 },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contender_knows_every_load_and_size() {
        let known: Vec<&str> = workloads::WORKLOADS.iter().map(|&(name, _)| name).collect();
        assert_eq!(LOADS.map(|load| load.name).to_vec(), known);
        assert_eq!(BLOCKS.map(|(bytes, _)| bytes as usize), workloads::memory::BLOCK_BYTES);
    }

    #[test]
    fn every_target_is_measured() {
        for target in &TARGETS {
            match target.of {
                Measured::Ratio(name) => {
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
