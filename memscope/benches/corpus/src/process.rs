//! Running Cargo.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

/// How long one step of Cargo's may take; one that hangs must not hold up the others. The slowest (a thousand
/// documentation examples, each a program) takes some ten minutes.
const LONGEST_STEP: Duration = Duration::from_secs(3_600);

/// The Cargo that runs this program.
pub(crate) fn cargo(command: &str, manifest: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(program);
    cargo.arg(command).arg("--manifest-path").arg(manifest);
    cargo
}

/// How a step of Cargo's ended.
pub(crate) struct Ended {
    pub(crate) success: bool,
    pub(crate) time: Duration,
}

/// Runs to the end; what it prints goes to two files.
///
/// # Errors
///
/// It does not start, or does not end.
pub(crate) fn run(command: &mut Command, stdout: &Path, stderr: &Path) -> Result<Ended, String> {
    let create = |file: &Path| File::create(file).map_err(|error| format!("{}: {error}", file.display()));
    // A group of its own, so that what Cargo starts can be stopped with it.
    command.stdout(create(stdout)?).stderr(create(stderr)?).process_group(0);
    let start = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("cargo does not start: {error}"))?;
    let success = wait(&mut child, start)?;
    Ok(Ended { success, time: start.elapsed() })
}

fn wait(child: &mut Child, start: Instant) -> Result<bool, String> {
    loop {
        let status = child.try_wait().map_err(|error| format!("waiting for cargo: {error}"))?;
        if let Some(status) = status {
            return Ok(status.success());
        }
        if start.elapsed() > LONGEST_STEP {
            let group = format!("-{}", child.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
            let _ = child.wait();
            return Err(format!("cargo had not ended after {} s", LONGEST_STEP.as_secs()));
        }
        thread::sleep(Duration::from_millis(20));
    }
}
