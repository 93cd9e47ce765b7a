//! The compiler: what the subject depends on, compiled by Cargo beforehand, and one run of rustc on one file.

use serde_json::Value;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How far the compiler goes, and with which flags of Cargo's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// As `cargo check` has it: no machine code.
    Check,
    /// As `cargo build` has it, but not incremental.
    Debug,
    /// As `cargo build --release` has it.
    Release,
}

impl Kind {
    pub(crate) const ALL: [Kind; 3] = [Kind::Check, Kind::Debug, Kind::Release];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Kind::Check => "check",
            Kind::Debug => "build",
            Kind::Release => "build --release",
        }
    }

    fn flags(self) -> &'static [&'static str] {
        match self {
            Kind::Check => &["--emit=metadata", "-Cembed-bitcode=no", "-Cdebuginfo=2"],
            Kind::Debug => &["--emit=metadata,link", "-Cembed-bitcode=no", "-Cdebuginfo=2"],
            Kind::Release => {
                &["--emit=metadata,link", "-Cembed-bitcode=no", "-Copt-level=3", "-Cstrip=debuginfo"]
            }
        }
    }

    /// The folder that Cargo names after it. What a check depends on is compiled as for a debug build, which is the
    /// same metadata.
    fn profile(self) -> &'static str {
        match self {
            Kind::Check | Kind::Debug => "dev",
            Kind::Release => "release",
        }
    }
}

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    /// User and system time of the compiler, over all of its threads.
    pub(crate) processor: Duration,
    pub(crate) wall: Duration,
}

/// Crates that the subject may name, each with its file.
#[derive(Debug)]
pub(crate) struct Dependencies {
    crates: Vec<(String, PathBuf)>,
    folder: PathBuf,
}

const NAMED: [&str; 3] = ["hotpath", "memscope", "tracing"];

/// Has Cargo compile what the subject depends on.
///
/// # Errors
///
/// The compiler's first error, or that Cargo did not say where a crate is.
pub(crate) fn dependencies(kind: Kind, record: bool, target: &Path) -> Result<Dependencies, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--message-format=json", "--package=subject", "--profile", kind.profile()])
        .args(record.then_some("--features=record"))
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let line = text.lines().find(|line| line.starts_with("error"));
        return Err(format!("the subject does not build: {}", line.unwrap_or("cargo does not say why")));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let crates = NAMED.map(|name| {
        let file = text.lines().find_map(|line| metadata_of(name, line));
        file.map(|file| (name.to_owned(), file)).ok_or_else(|| format!("cargo did not say where `{name}` is"))
    });
    let crates = crates.into_iter().collect::<Result<Vec<_>, _>>()?;
    let folder = crates[0].1.parent().map(Path::to_path_buf).unwrap_or_default();
    Ok(Dependencies { crates, folder })
}

/// The `.rmeta` of a library, where a line of Cargo's JSON says that it made it
/// (<https://doc.rust-lang.org/cargo/reference/external-tools.html#artifact-messages>).
fn metadata_of(name: &str, line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_it = message["reason"] == "compiler-artifact" && message["target"]["name"] == name;
    let files = message["filenames"].as_array().filter(|_| is_it)?;
    files.iter().filter_map(Value::as_str).find(|file| file.ends_with(".rmeta")).map(PathBuf::from)
}

/// The compiler itself: what stands in the path may be rustup's, which has to find out which one is meant.
pub(crate) fn rustc() -> Result<PathBuf, String> {
    let name = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(name).args(["--print", "sysroot"]).output();
    let output = output.map_err(|error| format!("rustc: {error}"))?;
    Ok(Path::new(String::from_utf8_lossy(&output.stdout).trim()).join("bin/rustc"))
}

/// Compiles a file as a library, into `folder`.
///
/// # Errors
///
/// It does not compile, or compiles with a warning, whose printing would be measured too.
pub(crate) fn compile(
    rustc: &Path,
    kind: Kind,
    source: &Path,
    dependencies: &Dependencies,
    folder: &Path,
) -> Result<Took, String> {
    let messages = folder.join("messages");
    let mut command = Command::new(rustc);
    command
        .args(["--crate-name=subject", "--crate-type=lib", "--edition=2024", "-Dwarnings"])
        .args(kind.flags())
        .arg("--out-dir")
        .arg(folder)
        .arg(format!("-Ldependency={}", dependencies.folder.display()))
        .stderr(File::create(&messages).map_err(|error| format!("{}: {error}", messages.display()))?);
    for (name, file) in &dependencies.crates {
        command.arg("--extern").arg(format!("{name}={}", file.display()));
    }
    command.arg(source);
    let (took, succeeded) = run(&mut command).map_err(|error| format!("rustc: {error}"))?;
    if !succeeded {
        let text = std::fs::read_to_string(&messages).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("error"));
        return Err(format!("{}: {}", source.display(), line.unwrap_or("the compiler does not say why")));
    }
    Ok(took)
}

/// Runs to the end. What it took is the kernel's own account of this one child (wait4(2)); whether it succeeded is
/// beside it.
fn run(command: &mut Command) -> io::Result<(Took, bool)> {
    let start = Instant::now();
    let child = command.spawn()?;
    let id = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    let mut status = 0;
    // SAFETY: an `rusage` is numbers, for which zeros are values.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both places are this function's own; nobody else waits for the child, so the number is still its own.
    while unsafe { libc::wait4(id, &raw mut status, 0, &raw mut usage) } == -1 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    let wall = start.elapsed();
    let processor = duration(usage.ru_utime) + duration(usage.ru_stime);
    Ok((Took { processor, wall }, libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0))
}

/// The kernel's times are not negative.
fn duration(time: libc::timeval) -> Duration {
    Duration::from_secs(time.tv_sec.unsigned_abs()) + Duration::from_micros(time.tv_usec.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_is_where_cargo_says() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"tracing"},
            "filenames":["/t/debug/deps/libtracing-1.rlib","/t/debug/deps/libtracing-1.rmeta"]}"#;
        assert_eq!(metadata_of("tracing", line), Some("/t/debug/deps/libtracing-1.rmeta".into()));
        assert_eq!(metadata_of("tracing-core", line), None);
        assert_eq!(metadata_of("tracing", &line.replace("artifact", "message")), None);
        assert_eq!(metadata_of("tracing", "Compiling tracing"), None);
    }

    #[test]
    fn processor_time_is_the_childs_own() {
        // A shell that sleeps for 0.2 s computes for far less, and one that ends with 3 has failed.
        let (took, succeeded) = run(Command::new("sh").args(["-c", "sleep 0.2; exit 3"])).unwrap();
        assert!(took.wall >= Duration::from_millis(200) && took.processor < took.wall);
        assert!(!succeeded);
    }
}
