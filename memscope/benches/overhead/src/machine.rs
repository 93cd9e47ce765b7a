//! The machine and the versions that figures belong to.

use crate::contenders;
use std::fs;
use std::process::Command;

/// What the figures depend on, as name and value. What the system does not say reads "not known".
pub(crate) fn machine() -> Vec<(&'static str, String)> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    vec![
        ("processor", known(processor())),
        ("cores", known(std::thread::available_parallelism().ok().map(|cores| cores.to_string()))),
        ("kernel", known(kernel.map(|release| format!("Linux {}", release.trim())))),
        ("C library", known(first_line("getconf", "GNU_LIBC_VERSION"))),
        ("transparent huge pages", known(huge_pages())),
        ("compiler", known(first_line("rustc", "--version"))),
    ]
}

fn known(value: Option<String>) -> String {
    value.unwrap_or_else(|| "not known".to_owned())
}

fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let of = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let numbers = of("cpu family").zip(of("model\t"));
    let name = of("model name")?;
    Some(match numbers {
        Some((family, model)) => format!("{name} (family {family}, model {model})"),
        None => name,
    })
}

/// The chosen one stands in brackets.
fn huge_pages() -> Option<String> {
    let text = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").ok()?;
    let (_, rest) = text.split_once('[')?;
    rest.split_once(']').map(|(chosen, _)| chosen.to_owned())
}

fn first_line(command: &str, argument: &str) -> Option<String> {
    let output = Command::new(command).arg(argument).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

/// Packages that the figures compare or run, as name and version: what this package's lock file says.
pub(crate) fn versions() -> Vec<String> {
    const NAMED: [&str; 9] = [
        "dhat",
        "hotpath",
        "memscope",
        "memscope-rs",
        "mimalloc",
        "serde_json",
        "syn",
        "tikv-jemallocator",
        "tokio",
    ];
    let mut versions: Vec<String> = NAMED
        .iter()
        .filter_map(|name| Some(format!("{name} {}", version(include_str!("../Cargo.lock"), name)?)))
        .collect();
    versions.extend(contenders::version_of("heaptrack"));
    versions
}

/// The newest, where the lock file has several.
fn version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let head = format!("name = \"{name}\"");
    let mut lines = lock.lines();
    let mut found = None;
    while let Some(line) = lines.next() {
        if line == head {
            found = lines.next()?.strip_prefix("version = \"")?.strip_suffix('"');
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_that_of_the_whole_name() {
        let lock = "[[package]]\nname = \"syn-mid\"\nversion = \"0.5.0\"\n\n\
                    [[package]]\nname = \"syn\"\nversion = \"2.0.1\"\n\n\
                    [[package]]\nname = \"syn\"\nversion = \"3.0.10\"\n";
        assert_eq!(version(lock, "syn"), Some("3.0.10"));
        assert_eq!(version(lock, "sy"), None);
    }
}
