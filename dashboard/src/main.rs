//! The command `memscope`.

use std::process::ExitCode;

fn main() -> ExitCode {
    memscope_dashboard::cli::run()
}
