//! The contenders, and building them.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whom memscope is measured beside.
#[derive(Debug)]
pub(crate) struct Contender {
    /// Also the feature of the package that makes it, unless `under` is set.
    pub(crate) name: &'static str,
    /// The contender whose figures are 1; `None`: it is such a one itself.
    pub(crate) plain: Option<&'static str>,
    /// Whether it has tracked functions, so that `calls` and `polls` say something.
    pub(crate) tracks_functions: bool,
    /// How much slower it is than its plain program, roughly: by so much its operations are fewer, so that a run
    /// takes a second or less.
    pub(crate) fewer: Fewer,
    /// Set in its environment.
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// A command that runs its plain program, instead of a program of its own.
    pub(crate) under: Option<&'static str>,
}

/// Divisors of the numbers of operations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fewer {
    pub(crate) blocks: u64,
    pub(crate) parsers: u64,
    pub(crate) server: u64,
    pub(crate) functions: u64,
}

const AS_MANY: Fewer = Fewer { blocks: 1, parsers: 1, server: 1, functions: 1 };

const PLAIN: Contender = Contender {
    name: "plain",
    plain: None,
    tracks_functions: true,
    fewer: AS_MANY,
    environment: &[],
    under: None,
};

/// glibc registers each thread's restartable sequences for itself from 2.35 on, and the kernel knows one owner of them
/// (rseq(2)); without them tcmalloc does without its caches of each processor, and a pair takes twice as long.
const OWN_RSEQ: [(&str, &str); 1] = [("GLIBC_TUNABLES", "glibc.pthread.rseq=0")];

/// In the order of a round and of the tables.
pub(crate) const CONTENDERS: [Contender; 15] = [
    PLAIN,
    Contender { name: "plain-two-threads", plain: Some("plain"), tracks_functions: false, ..PLAIN },
    Contender { name: "memscope", plain: Some("plain"), ..PLAIN },
    Contender { name: "memscope-sampling", plain: Some("plain"), ..PLAIN },
    Contender { name: "memscope-off", plain: Some("plain"), ..PLAIN },
    Contender { name: "mimalloc", ..PLAIN },
    Contender { name: "memscope-mimalloc", plain: Some("mimalloc"), ..PLAIN },
    Contender {
        name: "hotpath",
        plain: Some("plain"),
        fewer: Fewer { functions: 40, ..AS_MANY },
        // Its server, which answers its viewer and adds a thread.
        environment: &[("HOTPATH_METRICS_SERVER_OFF", "1")],
        ..PLAIN
    },
    Contender {
        name: "dhat",
        plain: Some("plain"),
        tracks_functions: false,
        fewer: Fewer { blocks: 40, parsers: 20, server: 4, functions: 1 },
        ..PLAIN
    },
    Contender {
        name: "memscope-rs",
        plain: Some("plain"),
        tracks_functions: false,
        fewer: Fewer { blocks: 10, parsers: 8, server: 1, functions: 1 },
        ..PLAIN
    },
    Contender { name: "jemalloc", tracks_functions: false, ..PLAIN },
    Contender {
        name: "jemalloc-profiler",
        plain: Some("jemalloc"),
        tracks_functions: false,
        environment: &[("_RJEM_MALLOC_CONF", "prof:true,prof_active:true")],
        ..PLAIN
    },
    Contender { name: "tcmalloc", tracks_functions: false, environment: &OWN_RSEQ, ..PLAIN },
    Contender {
        name: "tcmalloc-profiler",
        plain: Some("tcmalloc"),
        tracks_functions: false,
        environment: &OWN_RSEQ,
        ..PLAIN
    },
    Contender {
        name: "heaptrack",
        plain: Some("plain"),
        tracks_functions: false,
        fewer: Fewer { blocks: 25, parsers: 15, server: 8, functions: 1 },
        under: Some("heaptrack"),
        ..PLAIN
    },
];

/// The contender of that name.
pub(crate) fn by_name(name: &str) -> Option<&'static Contender> {
    CONTENDERS.iter().find(|contender| contender.name == name)
}

/// A contender that can be run.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) file: PathBuf,
    /// The command that it is run under, with its arguments.
    pub(crate) under: Vec<OsString>,
}

/// The folder in which Cargo put this program's `release`; all contenders are built there.
pub(crate) fn target_folder() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| format!("this program's own path: {error}"))?;
    let folder = program.parent().and_then(Path::parent);
    folder.map(Path::to_path_buf).ok_or_else(|| format!("{}: not in a target folder", program.display()))
}

/// Builds the contender and puts it into `target/contenders/`.
///
/// # Errors
///
/// The first error of the compiler, or that the command it runs under is not installed.
pub(crate) fn build(contender: &Contender, target: &Path) -> Result<Program, String> {
    let folder = target.join("contenders");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    if let Some(command) = contender.under {
        let recording = folder.join(command);
        version_of(command)?;
        let plain = by_name(contender.plain.unwrap_or("plain")).expect("plain programs are contenders");
        let under = vec![command.into(), "-o".into(), recording.into()];
        return Ok(Program { under, ..build(plain, target)? });
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--bin", "contender", "--no-default-features"])
        .args(["--features", contender.name])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let line = text.lines().find(|line| line.starts_with("error"));
        return Err(format!("does not build: {}", line.unwrap_or("cargo does not say why")));
    }
    let (built, file) = (target.join("release/contender"), folder.join(contender.name));
    // Not overwritten in place: the file may be running.
    let _ = fs::remove_file(&file);
    fs::copy(&built, &file).map_err(|error| format!("{}: {error}", built.display()))?;
    Ok(Program { file, under: Vec::new() })
}

/// The line in which a command says its version.
pub(crate) fn version_of(command: &str) -> Result<String, String> {
    let output = Command::new(command).arg("--version").output();
    let output = output.map_err(|error| format!("`{command}` cannot be run: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_program_is_a_contender_without_one() {
        for contender in &CONTENDERS {
            if let Some(plain) = contender.plain {
                assert!(by_name(plain).is_some_and(|plain| plain.plain.is_none()), "{}", contender.name);
            }
        }
    }
}
