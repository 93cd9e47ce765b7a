//! Measures what memscope's recording costs, beside its peers.
//!
//! ```text
//! plan → contenders (built) → rounds → process (one run) → figures → report → section (of docs/performance.md)
//! ```
//!
//! `contender.rs` and the package in `workloads/` are what it builds and runs.

mod contenders;
mod figures;
mod machine;
mod plan;
mod process;
mod report;
mod rounds;
mod section;
mod spread;
mod versions;

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

/// Measures what memscope's recording costs, beside its peers.
#[derive(Debug, Parser)]
#[command(name = "overhead")]
struct Options {
    /// How often each contender runs each workload.
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Only these contenders, and the plain programs that they are compared to.
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    contenders: Vec<String>,
    /// Only these workloads; `memory` is the measurement of memory.
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    workloads: Vec<String>,
    /// Two rounds of few operations: shows that all runs, the figures mean nothing.
    #[arg(long, conflicts_with = "rounds")]
    short: bool,
    /// Also puts the tables between the two comments in this Markdown file. It takes a whole run.
    #[arg(long, value_name = "FILE.md", conflicts_with_all = ["contenders", "workloads", "short"])]
    write: Option<PathBuf>,
}

/// What the comments in the file are called.
const SECTION: &str = "overhead";

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("overhead: {message}");
            ExitCode::from(2)
        }
    }
}

/// Exit code 1 says that a part of memscope, or a plain program, failed. Peers may: the report says so.
fn run(options: &Options) -> Result<ExitCode, String> {
    let rounds = if options.short { 2 } else { usize::from(options.rounds) };
    let plan = plan::Plan::new(rounds, options.short, &options.contenders, &options.workloads)?;
    // Asked before the quarter of an hour and not after it.
    if let Some(file) = &options.write {
        section::prepared(file, SECTION, "")?;
    }
    let results = rounds::measure(&plan, &contenders::target_folder()?);
    let report = report::report(&plan, &results);
    print!("{report}");
    if let Some(file) = &options.write {
        section::write(file, SECTION, &report)?;
    }
    let must_run = |name: &str| {
        name.starts_with("memscope") && name != "memscope-rs"
            || contenders::by_name(name).is_some_and(|contender| contender.plain.is_none())
    };
    let failed = results.failures.keys().any(|(name, _)| must_run(name));
    Ok(ExitCode::from(u8::from(failed)))
}
