//! All runs, interleaved: in each round every variant takes its turn at every kind, so that a machine that becomes
//! slower or faster does so for all alike. Each round begins with another variant.

use crate::compiler::{self, Dependencies, Kind, Took};
use crate::source;
use crate::variants::{VARIANTS, Variant};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What is run, and how often.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Of ten functions each.
    pub(crate) modules: usize,
    pub(crate) rounds: usize,
    pub(crate) kinds: Vec<Kind>,
}

impl Plan {
    pub(crate) fn functions(&self) -> usize {
        self.modules * source::FUNCTIONS
    }
}

/// What each run took, by kind and variant's name, a value for each round.
#[derive(Debug, Default)]
pub(crate) struct Results(BTreeMap<(Kind, &'static str), Vec<Took>>);

impl Results {
    pub(crate) fn of(&self, kind: Kind, variant: &Variant) -> &[Took] {
        self.0.get(&(kind, variant.name)).map_or(&[], Vec::as_slice)
    }
}

/// Writes the files, compiles what they depend on, and then them.
pub(crate) fn measure(plan: &Plan, target: &Path) -> Result<Results, String> {
    let folder = target.join("compile-time");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let rustc = compiler::rustc()?;
    let mut ready: Vec<(Kind, &'static Variant, PathBuf, Dependencies)> = Vec::new();
    for &kind in &plan.kinds {
        eprintln!("compiling what is depended on, for {}", kind.title());
        for variant in &VARIANTS {
            let file = folder.join(format!("{}.rs", variant.name.replace(", ", "-")));
            let text = source::source(plan.modules, variant.attribute);
            fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
            ready.push((kind, variant, file, compiler::dependencies(kind, variant.record, target)?));
        }
    }
    let mut results = Results::default();
    for round in 0..plan.rounds {
        eprintln!("round {} of {}", round + 1, plan.rounds);
        for &kind in &plan.kinds {
            let of_kind: Vec<_> = ready.iter().filter(|&&(of, ..)| of == kind).collect();
            for (_, variant, file, dependencies) in in_turn(&of_kind, round) {
                let took = compiler::compile(&rustc, kind, file, dependencies, &folder)?;
                results.0.entry((kind, variant.name)).or_default().push(took);
            }
        }
    }
    Ok(results)
}

fn in_turn<T>(all: &[T], round: usize) -> impl Iterator<Item = &T> {
    all.iter().cycle().skip(round % all.len().max(1)).take(all.len())
}
