//! The command `memscope`: reads a recording, writes a page or text.
//!
//! Invariants: whatever is wrong is said in one line on stderr, `memscope: what, where, what to do`, with exit
//! code 2 (as clap does for its own errors); an output file is replaced as a whole or left as it was.

use crate::{render, show, text};
use clap::{Parser, Subcommand};
use memscope_runtime::format::{read_file, replace_file};
use std::fmt;
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
        Command::Show { file, json } => show_file(&file, json),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(message)) => {
            // Nobody is left to tell if stderr is closed.
            let _ = writeln!(io::stderr(), "memscope: {message}");
            ExitCode::from(2)
        }
    }
}

fn render_to(file: &Path, output: &Path) -> Result<(), Failure> {
    let snapshot = read_file(file).map_err(Failure::new)?;
    if let (Ok(read), Ok(written)) = (file.canonicalize(), output.canonicalize()) {
        if read == written {
            let output = output.display();
            return Err(Failure::new(format_args!(
                "{output}: is the recording itself; choose another with -o"
            )));
        }
    }
    let html = render(&snapshot).map_err(Failure::new)?;
    replace_file(output, html.as_bytes()).map_err(|error| {
        let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
        let advice = match folder {
            Some(folder) if !folder.exists() => "; make its folder first",
            _ => "; choose another with -o",
        };
        Failure::new(format_args!("{}: cannot be written: {error}{advice}", output.display()))
    })
}

fn show_file(file: &Path, json: bool) -> Result<(), Failure> {
    let snapshot = read_file(file).map_err(Failure::new)?;
    let mut text = if json {
        let document = serde_json::to_value(&snapshot).map_err(Failure::new)?;
        serde_json::to_string_pretty(&document).map_err(Failure::new)?
    } else {
        show::summary(&snapshot)
    };
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
