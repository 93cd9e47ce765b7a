//! `MEMSCOPE_MODE`: the test runs itself again under other environments.

use memscope::model::Mode;
use std::process::{Command, Output};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn again(mode: &str) -> Output {
    Command::new(std::env::current_exe().expect("the test's own path"))
        .args(["--exact", "says_its_mode", "--nocapture", "--include-ignored"])
        .env("MEMSCOPE_MODE", mode)
        .output()
        .expect("it runs")
}

#[test]
#[ignore = "what the other tests run in a process of its own"]
#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn says_its_mode() {
    let kept = vec![1u8; 100];
    let snapshot = memscope::snapshot();
    println!("mode={:?} live={}", snapshot.mode, snapshot.totals.live_bytes > 0);
    assert_eq!(snapshot.mode == Mode::Off, snapshot.totals.allocations == 0);
    drop(kept);
}

#[test]
fn the_environment_chooses() {
    for (asked, expected, warning) in [
        ("off", "mode=Off live=false", None),
        ("live", "mode=Live live=true", None),
        ("", "mode=Live live=true", None),
        ("sampling", "mode=Live live=true", Some("no sampling mode")),
        ("fast", "mode=Live live=true", Some("neither off nor live")),
    ] {
        let output = again(asked);
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{asked}: {stdout}{stderr}");
        assert!(stdout.contains(expected), "{asked}: {stdout}");
        let warnings = stderr.lines().filter(|line| line.starts_with("memscope:")).count();
        assert_eq!(warnings, usize::from(warning.is_some()), "{asked}: {stderr}");
        assert!(warning.is_none_or(|warning| stderr.contains(warning)), "{asked}: {stderr}");
    }
}
