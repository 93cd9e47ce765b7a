//! `MEMSCOPE_MODE` and `MEMSCOPE_SAMPLE_BYTES`: the test runs itself again under other environments.

use memscope::model::Mode;
use std::process::{Command, Output};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn again(mode: &str, mean_bytes: &str) -> Output {
    Command::new(std::env::current_exe().expect("the test's own path"))
        .args(["--exact", "says_its_mode", "--nocapture", "--include-ignored"])
        .env("MEMSCOPE_MODE", mode)
        .env("MEMSCOPE_SAMPLE_BYTES", mean_bytes)
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
    // What is compiled in is the mode that a program starts in; the cheaper one of two.
    let (sampling, missing) = if cfg!(feature = "sampling") {
        ("mode=Sampling live=true", None)
    } else {
        ("mode=Live live=true", Some("enable memscope's feature `sampling`"))
    };
    for (asked, expected, warning) in [
        ("off", "mode=Off live=false", None),
        ("live", "mode=Live live=true", None),
        ("", sampling, None),
        ("sampling", sampling, missing),
        ("fast", sampling, Some("none of off, live, sampling")),
    ] {
        // Every block in the sample, where blocks are sampled.
        let output = again(asked, "0");
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{asked}: {stdout}{stderr}");
        assert!(stdout.contains(expected), "{asked}: {stdout}");
        let warnings = stderr.lines().filter(|line| line.starts_with("memscope:")).count();
        assert_eq!(warnings, usize::from(warning.is_some()), "{asked}: {stderr}");
        assert!(warning.is_none_or(|warning| stderr.contains(warning)), "{asked}: {stderr}");
    }
}

#[test]
fn a_distance_that_is_none_is_said_and_ignored() {
    let output = again("", "512 KiB");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let warnings =
        stderr.lines().filter(|line| line.starts_with("memscope: MEMSCOPE_SAMPLE_BYTES is no number"));
    assert_eq!(warnings.count(), 1, "{stderr}");
}
