//! All runs, interleaved: in each round every contender takes its turn at every workload, so that a machine that
//! becomes slower or faster does so for all alike. Each round begins with another contender.

use crate::contenders::{self, Contender, Program};
use crate::plan::{BLOCKS, Load, Plan};
use crate::process::{self, Memory};
use std::collections::BTreeMap;
use std::path::Path;

/// What was measured, by contender's name, and what failed.
#[derive(Debug, Default)]
pub(crate) struct Results {
    /// Nanoseconds of one operation by load, a value for each round.
    times: BTreeMap<(&'static str, &'static str), Vec<Option<f64>>>,
    /// Memory by size of block, a value for each memory round.
    memories: BTreeMap<(&'static str, u64), Vec<Option<Memory>>>,
    /// Reasons by contender and by what failed of it: building, a load's name, or the memory measurement.
    pub(crate) failures: BTreeMap<(&'static str, String), String>,
}

impl Results {
    /// Nanoseconds of one operation, a value for each round; empty: nothing was run.
    pub(crate) fn times(&self, contender: &Contender, load: &Load) -> &[Option<f64>] {
        self.times.get(&(contender.name, load.name)).map_or(&[], Vec::as_slice)
    }

    /// Memory, a value for each memory round; empty: nothing was run.
    pub(crate) fn memories(&self, contender: &Contender, block_bytes: u64) -> &[Option<Memory>] {
        self.memories.get(&(contender.name, block_bytes)).map_or(&[], Vec::as_slice)
    }

    /// Why `what` of the contender failed, be it that the contender was not built.
    pub(crate) fn failure(&self, contender: &Contender, what: &str) -> Option<&str> {
        let of = |what: &str| self.failures.get(&(contender.name, what.to_owned()));
        of(BUILD).or_else(|| of(what)).map(String::as_str)
    }
}

const BUILD: &str = "build";

/// What the memory measurement at a size of block is called.
pub(crate) fn memory_name(block_bytes: u64) -> String {
    format!("memory at blocks of {block_bytes} B")
}

/// Builds and runs all that is planned. What fails once is not run again.
pub(crate) fn measure(plan: &Plan, target: &Path) -> Results {
    let mut results = Results::default();
    let mut programs: Vec<(&'static Contender, Program)> = Vec::new();
    for &contender in &plan.contenders {
        eprintln!("building {}", contender.name);
        match contenders::build(contender, target) {
            Ok(program) => programs.push((contender, program)),
            Err(reason) => {
                results.failures.insert((contender.name, BUILD.to_owned()), reason);
            }
        }
    }
    for round in 0..plan.rounds {
        eprintln!("round {} of {}", round + 1, plan.rounds);
        for &load in &plan.loads {
            for (contender, program) in in_turn(&programs, round) {
                let Some(operations) = plan.operations(load, contender) else { continue };
                let value = results.attempt(contender, load.name, || {
                    process::time(contender, program, load, operations, shift_bytes(round))
                });
                results.times.entry((contender.name, load.name)).or_default().push(value);
            }
        }
    }
    for round in 0..if plan.memory { plan.memory_rounds } else { 0 } {
        eprintln!("memory, round {} of {}", round + 1, plan.memory_rounds);
        for (block_bytes, _) in BLOCKS {
            for (contender, program) in in_turn(&programs, round) {
                let value = results.attempt(contender, &memory_name(block_bytes), || {
                    process::memory(contender, program, block_bytes, plan.live_bytes)
                });
                results.memories.entry((contender.name, block_bytes)).or_default().push(value);
            }
        }
    }
    results
}

impl Results {
    fn attempt<T>(
        &mut self,
        contender: &'static Contender,
        what: &str,
        run: impl FnOnce() -> Result<T, String>,
    ) -> Option<T> {
        if self.failure(contender, what).is_some() {
            return None;
        }
        match run() {
            Ok(value) => Some(value),
            Err(reason) => {
                self.failures.insert((contender.name, what.to_owned()), reason);
                None
            }
        }
    }
}

/// How far a round moves the heap's contents: another multiple of 16 in each of 256 rounds, far from the last one.
fn shift_bytes(round: usize) -> usize {
    round * 97 % 256 * 16
}

fn in_turn<T>(all: &[T], round: usize) -> impl Iterator<Item = &T> {
    all.iter().cycle().skip(round % all.len().max(1)).take(all.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_begins_with_another() {
        let order = |round| in_turn(&['a', 'b', 'c'], round).collect::<String>();
        assert_eq!([order(0), order(1), order(2), order(3)], ["abc", "bca", "cab", "abc"]);
    }
}
