//! Measures what memscope's attribute adds to compile time, beside `#[tracing::instrument]`.
//!
//! ```text
//! variants → source (a file each) → rounds → compiler (one run) → figures → report → section (of docs/compile-time.md)
//! ```
//!
//! `subject/` is what is compiled.

mod compiler;
mod figures;
mod report;
mod rounds;
mod source;
mod variants;

// What the benchmark beside this one has too.
#[path = "../../overhead/src/machine.rs"]
mod machine;
#[path = "../../overhead/src/section.rs"]
mod section;
#[path = "../../overhead/src/spread.rs"]
mod spread;
#[path = "../../overhead/src/versions.rs"]
mod versions;

use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Measures what memscope's attribute adds to compile time, beside `#[tracing::instrument]`.
#[derive(Debug, Parser)]
#[command(name = "compile-time")]
struct Options {
    /// How often each file is compiled.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Functions in a file, in tens.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..))]
    functions: u32,
    /// Few functions and rounds, and no machine code.
    #[arg(long, conflicts_with_all = ["rounds", "functions"])]
    short: bool,
    /// Also puts the tables between the two comments in this Markdown file. It takes a whole run.
    #[arg(long, value_name = "FILE.md", conflicts_with_all = ["functions", "short"])]
    write: Option<PathBuf>,
}

/// What the comments in the file are called.
const SECTION: &str = "compile-time";

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(reached) => ExitCode::from(u8::from(!reached)),
        Err(message) => {
            eprintln!("compile-time: {message}");
            ExitCode::from(2)
        }
    }
}

/// Whether the target was reached.
fn run(options: &Options) -> Result<bool, String> {
    let plan = if options.short {
        rounds::Plan { modules: 20, rounds: 3, kinds: vec![compiler::Kind::Check] }
    } else {
        rounds::Plan {
            modules: options.functions as usize / source::FUNCTIONS,
            rounds: usize::from(options.rounds),
            kinds: compiler::Kind::ALL.to_vec(),
        }
    };
    if let Some(file) = &options.write {
        section::prepared(file, SECTION, "")?;
    }
    let program = std::env::current_exe().map_err(|error| format!("this program's own path: {error}"))?;
    let target = program.parent().and_then(Path::parent);
    let target = target.ok_or_else(|| format!("{}: not in a target folder", program.display()))?;
    let results = rounds::measure(&plan, target)?;
    let report = report::report(&plan, &results);
    print!("{report}");
    if let Some(file) = &options.write {
        section::write(file, SECTION, &report)?;
    }
    Ok(report::reached(&plan, &results))
}
