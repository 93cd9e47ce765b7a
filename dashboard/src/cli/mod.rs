//! The command `memscope`: reads a recording, writes a page or text.
//!
//! Invariants: whatever is wrong is said in one line on stderr, `memscope: what, where, what to do`, with exit
//! code 2 (as clap does for its own errors); an output file is replaced as a whole or left as it was.

mod compare;
mod csv;
mod info;
mod recover;
mod trend;

use crate::{render, show, text};
use clap::{Parser, Subcommand};
use memscope_runtime::format::{Recording, advice, replace_file};
use memscope_runtime::snapshot::Snapshot;
use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Shows where a Rust program's memory goes, from what memscope recorded.
#[derive(Debug, Parser)]
#[command(name = "memscope", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes the dashboard of a recording: one HTML file that opens from disk.
    Render {
        /// The recording, a `.memscope` file.
        file: PathBuf,
        /// The page to write; a file that is there is replaced.
        #[arg(short, long, value_name = "OUT.html")]
        output: PathBuf,
    },
    /// Prints a recording as text.
    Show {
        /// The recording, a `.memscope` file.
        file: PathBuf,
        /// Prints the whole document as JSON instead.
        #[arg(long)]
        json: bool,
        /// Prints one list as CSV instead: units stand in the headers, an empty cell is "not measured".
        #[arg(long, value_enum, value_name = "LIST", conflicts_with = "json")]
        csv: Option<csv::List>,
    },
    /// Compares a recording with a baseline: what grew, shrank, came and went.
    Compare {
        /// The baseline, a `.memscope` file.
        base: PathBuf,
        /// The recording to compare with it.
        #[arg(value_name = "NEW")]
        then: PathBuf,
        /// Writes a page instead of text; a file that is there is replaced.
        #[arg(short, long, value_name = "OUT.html")]
        output: Option<PathBuf>,
        /// Prints all rows as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Says where memory goes over many recordings, in the order in which they were started.
    Trend {
        /// The recordings, `.memscope` files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Writes a page instead of text; a file that is there is replaced.
        #[arg(short, long, value_name = "OUT.html")]
        output: Option<PathBuf>,
        /// Prints the series as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Lists what a recording's file consists of, with sizes, without loading it.
    Info {
        /// The recording, a `.memscope` file.
        file: PathBuf,
    },
    /// Saves what is whole of a damaged recording, and says what was lost.
    Recover {
        /// The damaged file, which is left as it is.
        file: PathBuf,
        /// The clean file to write; a file that is there is replaced. Without it nothing is written.
        #[arg(short, long, value_name = "OUT.memscope")]
        output: Option<PathBuf>,
    },
}

/// Why a command failed, in one line.
struct Failure(String);

impl Failure {
    fn new(message: impl fmt::Display) -> Self {
        Self(text::visible(&message.to_string()))
    }
}

/// Runs the command with the process's arguments.
pub fn run() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Render { file, output } => render_to(&file, &output),
        Command::Show { file, csv: Some(list), .. } => csv::print(&file, list),
        Command::Show { file, json, csv: None } => show_file(&file, json),
        Command::Compare { base, then, output, json } => compare::run(&base, &then, output.as_deref(), json),
        Command::Trend { files, output, json } => trend::run(&files, output.as_deref(), json),
        Command::Info { file } => info::info(&file),
        Command::Recover { file, output } => recover::recover(&file, output.as_deref()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(message)) => {
            say(&message);
            ExitCode::from(2)
        }
    }
}

/// A line on stderr; if that is closed, nobody is left to tell.
fn say(message: &str) {
    let _ = writeln!(io::stderr(), "memscope: {}", text::visible(message));
}

/// The last complete snapshot of `file`, and what it is read from. That something follows it, which is not read, is said on
/// stderr.
fn open(file: &Path) -> Result<(Recording<File>, Snapshot), Failure> {
    let mut recording = Recording::open(file).map_err(Failure::new)?;
    let snapshot = recording.snapshot().map_err(Failure::new)?;
    let bytes = recording.bytes_after();
    if bytes > 0 {
        say(&format!(
            "{}: the last {bytes} bytes belong to no complete snapshot and are left out; this is the one before them \
             (`memscope recover` says more)",
            file.display()
        ));
    }
    Ok((recording, snapshot))
}

fn read(file: &Path) -> Result<Snapshot, Failure> {
    open(file).map(|(_, snapshot)| snapshot)
}

/// Whether both are one file.
fn is_same(file: &Path, output: &Path) -> bool {
    matches!((file.canonicalize(), output.canonicalize()), (Ok(file), Ok(output)) if file == output)
}

fn cannot_be_written(output: &Path, error: &io::Error) -> Failure {
    let advice = match advice(error) {
        "" => "; choose another with -o",
        advice => advice,
    };
    Failure::new(format_args!("{}: cannot be written: {error}{advice}", output.display()))
}

fn render_to(file: &Path, output: &Path) -> Result<(), Failure> {
    let snapshot = read(file)?;
    let html = render(&snapshot).map_err(Failure::new)?;
    write_page(&[file], output, &html)
}

/// Writes the page of the recordings `files` to `output`, which is none of them.
fn write_page(files: &[&Path], output: &Path, html: &str) -> Result<(), Failure> {
    if files.iter().any(|file| is_same(file, output)) {
        let output = output.display();
        return Err(Failure::new(format_args!("{output}: is the recording itself; choose another with -o")));
    }
    replace_file(output, html.as_bytes()).map_err(|error| cannot_be_written(output, &error))
}

fn show_file(file: &Path, json: bool) -> Result<(), Failure> {
    let snapshot = read(file)?;
    print(if json {
        let document = serde_json::to_value(&snapshot).map_err(Failure::new)?;
        let json = serde_json::to_string_pretty(&document).map_err(Failure::new)?;
        text::escaped_json(&json)
    } else {
        show::summary(&snapshot)
    })
}

/// Prints `text` with a line end.
fn print(mut text: String) -> Result<(), Failure> {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // The reader has seen enough (`memscope show … | head`).
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::new(format_args!("stdout: cannot be written: {error}"))),
    }
}
