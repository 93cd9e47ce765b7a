//! The machine that figures belong to.

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
