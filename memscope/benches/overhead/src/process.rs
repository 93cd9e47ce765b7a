//! One run of a contender in a process of its own.

use crate::contenders::{Contender, Program};
use crate::plan::Load;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

/// How long a run may take; one that hangs must not hold up the others. The slowest takes 10 s.
const LONGEST_RUN: Duration = Duration::from_secs(120);

/// glibc gives no memory back and takes 64 MiB at a time, in every contender alike. Otherwise it is chance whether
/// a workload's last block is at the heap's end, and each free there is a system call.
const ENVIRONMENT: [(&str, &str); 2] =
    [("MALLOC_TRIM_THRESHOLD_", "2000000000"), ("MALLOC_TOP_PAD_", "67108864")];

/// Memory at the end of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) resident_bytes: u64,
    /// The recorder's own figure.
    pub(crate) own_bytes: Option<u64>,
}

/// Nanoseconds of one operation.
///
/// `shift_bytes` is how far the heap's contents are moved within a page: `contender.rs` says why.
pub(crate) fn time(
    contender: &Contender,
    program: &Program,
    load: &Load,
    operations: u64,
    shift_bytes: usize,
) -> Result<f64, String> {
    let environment = [
        ("OVERHEAD_SHIFT_BYTES", shift_bytes.to_string()),
        ("OVERHEAD_LIVE_SAMPLES", load.live_samples.to_string()),
    ];
    let text = run(contender, program, &[load.workload, &operations.to_string()], &environment)?;
    // The only number that has a line of its own; heaptrack and memscope-rs print text besides.
    let number = text.lines().find_map(|line| line.trim().parse::<f64>().ok());
    number.filter(|time| time.is_finite() && *time > 0.0).ok_or_else(|| "printed no time".to_owned())
}

/// What is resident with a live heap of `live_bytes` in blocks of `block_bytes`.
pub(crate) fn memory(
    contender: &Contender,
    program: &Program,
    block_bytes: u64,
    live_bytes: u64,
) -> Result<Memory, String> {
    let text = run(contender, program, &["memory", &block_bytes.to_string(), &live_bytes.to_string()], &[])?;
    let value =
        |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name)?.trim().parse::<u64>().ok());
    let resident_bytes = value("resident_bytes ").ok_or_else(|| "printed no resident bytes".to_owned())?;
    Ok(Memory { resident_bytes, own_bytes: value("own_bytes ") })
}

/// Runs to the end; returns what was printed.
fn run(
    contender: &Contender,
    program: &Program,
    arguments: &[&str],
    environment: &[(&str, String)],
) -> Result<String, String> {
    let (stdout, stderr) = (program.file.with_extension("stdout"), program.file.with_extension("stderr"));
    let mut words = program.under.iter().map(|word| word.as_os_str()).chain([program.file.as_os_str()]);
    let mut command = Command::new(words.next().expect("a program has a file"));
    command
        .args(words)
        .args(arguments)
        .envs(ENVIRONMENT)
        .envs(contender.environment.iter().copied())
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env_remove("MEMSCOPE_MODE")
        .env_remove("MEMSCOPE_SAMPLE_BYTES")
        .stdout(create(&stdout)?)
        .stderr(create(&stderr)?)
        // A group of its own, so that what runs under a command can be stopped with it.
        .process_group(0);
    if let Some(folder) = program.file.parent() {
        command.current_dir(folder);
    }
    let mut child = command.spawn().map_err(|error| format!("does not start: {error}"))?;
    let status = wait(&mut child)?;
    if !status.success() {
        let text = fs::read_to_string(&stderr).unwrap_or_default();
        return Err(match text.lines().rfind(|line| !line.trim().is_empty()) {
            Some(line) => format!("{status}: {}", line.trim()),
            None => status.to_string(),
        });
    }
    fs::read_to_string(&stdout).map_err(|error| format!("its output: {error}"))
}

fn create(file: &Path) -> Result<File, String> {
    File::create(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn wait(child: &mut Child) -> Result<ExitStatus, String> {
    let start = Instant::now();
    loop {
        let status = child.try_wait().map_err(|error| format!("waiting for it: {error}"))?;
        if let Some(status) = status {
            return Ok(status);
        }
        if start.elapsed() > LONGEST_RUN {
            let group = format!("-{}", child.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
            let _ = child.wait();
            return Err(format!("had not ended after {} s", LONGEST_RUN.as_secs()));
        }
        thread::sleep(Duration::from_millis(5));
    }
}
