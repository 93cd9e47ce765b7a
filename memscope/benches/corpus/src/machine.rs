//! What the figures belong to, beside the packages' versions.

use std::fs;
use std::process::Command;

/// As name and value. What the system does not say reads "not known".
pub(crate) fn machine() -> Vec<(&'static str, String)> {
    let cpu = fs::read_to_string("/proc/cpuinfo").ok();
    let processor = cpu.as_deref().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    });
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    vec![
        ("processor", known(processor)),
        ("cores", known(std::thread::available_parallelism().ok().map(|cores| cores.to_string()))),
        ("kernel", known(kernel.map(|release| format!("Linux {}", release.trim())))),
        ("compiler", known(first_line("rustc", "--version"))),
        ("date", known(first_line("date", "+%Y-%m-%d"))),
    ]
}

fn known(value: Option<String>) -> String {
    value.unwrap_or_else(|| "not known".to_owned())
}

fn first_line(command: &str, argument: &str) -> Option<String> {
    let output = Command::new(command).arg(argument).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}
