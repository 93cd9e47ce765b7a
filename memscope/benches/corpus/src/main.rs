//! Puts `#[track]` on every function of published packages, and runs their own tests.
//!
//! ```text
//! packages → archive (fetched) → annotate → source (two copies) → suite (run twice) ─┬→ report → section
//!                                                       hook/ → recording ───────────┘
//! ```
//!
//! `hook/` is what the annotated copies link.

mod annotate;
mod archive;
mod machine;
mod packages;
mod process;
mod recording;
mod report;
#[path = "../../overhead/src/section.rs"]
mod section;
mod source;
mod suite;

use clap::Parser;
use packages::{PACKAGES, Package};
use report::{Examined, Findings};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use suite::Folders;

/// Puts `#[track]` on every function of published packages, and runs their own tests.
#[derive(Debug, Parser)]
#[command(name = "corpus")]
struct Options {
    /// Only these packages.
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    packages: Vec<String>,
    /// Only one small package.
    #[arg(long, conflicts_with = "packages")]
    short: bool,
    /// Also puts the tables between the two comments in this Markdown file. It takes all packages.
    #[arg(long, value_name = "FILE.md", conflicts_with_all = ["packages", "short"])]
    write: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("corpus: {message}");
            ExitCode::from(2)
        }
    }
}

/// Exit code 1 says that something does not hold; the report says what.
fn run(options: &Options) -> Result<ExitCode, String> {
    let chosen = chosen(options)?;
    // Asked before the hour and not after it.
    if let Some(file) = &options.write {
        section::prepared(file, "corpus", "")?;
    }
    let folder = target_folder()?.join("corpus");
    let examined: Vec<Examined> = chosen
        .into_iter()
        .map(|package| {
            eprintln!("{} {}", package.name, package.version);
            Examined { package, result: examine(package, &folder) }
        })
        .collect();
    let report = report::report(&examined);
    print!("{report}");
    if let Some(file) = &options.write {
        section::write(file, "corpus", &report)?;
    }
    Ok(ExitCode::from(u8::from(!report::holds(&examined))))
}

fn chosen(options: &Options) -> Result<Vec<&'static Package>, String> {
    let named = |name: &str| PACKAGES.iter().find(|package| package.name == name);
    if options.short {
        return Ok(named(packages::SHORT).into_iter().collect());
    }
    if options.packages.is_empty() {
        return Ok(PACKAGES.iter().collect());
    }
    let find = |name: &String| {
        named(name).ok_or_else(|| {
            let known = PACKAGES.map(|package| package.name).join(", ");
            format!("no package `{name}`; there are {known}")
        })
    };
    options.packages.iter().map(find).collect()
}

fn examine(package: &'static Package, folder: &Path) -> Result<Findings, String> {
    let copies = source::copies(package, folder)?;
    let folders = |kind: &str| {
        let of_package = folder.join("runs").join(package.name).join(kind);
        Folders {
            build: folder.join("build"),
            logs: of_package.join("logs"),
            records: of_package.join("records"),
        }
    };
    let (of_plain, of_annotated) = (folders("plain"), folders("annotated"));
    let plain = suite::run(package, &copies.plain, &of_plain)
        .map_err(|reason| format!("as it was published: {reason}"))?;
    let annotated = suite::run(package, &copies.annotated, &of_annotated)
        .map_err(|reason| format!("annotated: {reason}"))?;
    let recording = recording::read(&of_annotated.records)?;
    let source::Copies { census, .. } = copies;
    Ok(Findings { census, plain, annotated, recording })
}

/// The folder in which Cargo put this program's `release` or `debug`.
fn target_folder() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| format!("this program's own path: {error}"))?;
    let folder = program.parent().and_then(Path::parent);
    folder.map(Path::to_path_buf).ok_or_else(|| format!("{}: not in a target folder", program.display()))
}
