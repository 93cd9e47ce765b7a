//! Alerts of a running program, each test in a process of its own, for live bytes are the process's.

use memscope::alerts::{self, Alert};
use memscope::findings::BUDGET_EXCEEDED;
use memscope::model::{Mode, Severity};
use memscope::track;
use std::panic::catch_unwind;
use std::process::{Command, Output};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// Two looks at live bytes and some more, on a machine that is busy.
const LOOKED: Duration = Duration::from_millis(700);
/// Long enough for what is to come within it, on a machine that is busy.
const INTERVAL: Duration = Duration::from_secs(4);
/// A second's growth, a snapshot, and some more.
const SOON: Duration = Duration::from_secs(20);

#[track]
fn keeps(bytes: usize) -> Vec<u8> {
    vec![1; bytes]
}

#[track(budget = "1 KiB")]
fn goes_over() -> usize {
    keeps(5_000).len()
}

/// Runs a scene in a process of its own, which is to end well.
fn scene(name: &str, environment: &[(&str, &str)]) -> Output {
    let output = Command::new(std::env::current_exe().expect("the test's own path"))
        .args(["--exact", "a_scene", "--nocapture"])
        .env("MEMSCOPE_TEST_SCENE", name)
        .envs(environment.iter().copied())
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{name}: {output:?}");
    output
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What the tests below run in a process of its own; without a name there is none to run.
#[test]
fn a_scene() {
    match std::env::var("MEMSCOPE_TEST_SCENE").as_deref() {
        Ok("thresholds") => thresholds(),
        Ok("growth") => growth(),
        Ok("findings") => findings(),
        Ok("stderr") => to_stderr(),
        Ok("held stderr") => held_stderr(),
        Ok("panics") => panics(),
        Ok("books") => books(),
        Ok("fork") => in_a_fork(),
        Ok("off") => off(),
        Ok(other) => panic!("no such scene: {other}"),
        Err(_) => assert_ne!(memscope::snapshot().mode, Mode::Declared),
    }
}

fn live_bytes() -> u64 {
    memscope::snapshot().totals.live_bytes
}

/// Alerts that come by a channel.
fn told(when: alerts::When) -> (alerts::Alerts, mpsc::Receiver<Alert>) {
    let (tell, told) = mpsc::channel();
    (when.to(move |alert| tell.send(alert.clone()).expect("the test listens")).start(), told)
}

#[test]
fn live_bytes_are_told_when_they_cross_and_not_before() {
    scene("thresholds", &[]);
}

fn thresholds() {
    let most = live_bytes() + (1 << 20);
    let (alerts, told) = told(alerts::when().live_bytes_above(most).every(INTERVAL));
    let below = keeps(500_000);
    assert!(told.recv_timeout(LOOKED).is_err(), "they are not above");
    let above = keeps(10 << 20);
    let first = told.recv_timeout(SOON).expect("they are above");
    // What is measured: the 10 MiB, the 500,000 bytes, what was there before, and what the channel and the test's thread
    // took since.
    let value = first.value.expect("a threshold has a figure");
    let all = most - (1 << 20) + 500_000 + (10 << 20);
    if first.value_error.is_none() {
        assert!((all..all + 65_536).contains(&value), "{value} where {all} were kept");
    }
    assert_eq!((first.kind.as_str(), first.unit.as_str()), ("live_bytes", "bytes"));
    assert_eq!((first.threshold, first.held_back, &first.finding), (Some(most), 0, &None));
    assert!(first.message.contains(&format!("{value} bytes are live, more than {most}; `keeps` holds most")));
    // Twice below and above again within the interval: nothing is told, and the next alert says it.
    drop(above);
    for _ in 0..2 {
        thread::sleep(Duration::from_millis(300));
        let above = keeps(10 << 20);
        thread::sleep(Duration::from_millis(300));
        drop(above);
    }
    assert!(told.try_recv().is_err(), "within the interval");
    thread::sleep(INTERVAL);
    let above = keeps(10 << 20);
    let second = told.recv_timeout(SOON).expect("they crossed again");
    // On a busy machine a look may miss one of them.
    assert!((1..=2).contains(&second.held_back), "{}", second.held_back);
    assert!(second.ms - first.ms >= INTERVAL.as_millis() as u64);
    // While it stays above, once more in each interval.
    let third = told.recv_timeout(SOON).expect("they are still above");
    assert!(third.ms - second.ms >= INTERVAL.as_millis() as u64 && third.held_back == 0, "{third:?}");
    // The end of the guard is the end of the alerts.
    drop(alerts);
    assert!(matches!(told.recv_timeout(SOON), Err(mpsc::RecvTimeoutError::Disconnected)));
    drop((above, below));
}

#[test]
fn growth_is_told_by_the_second() {
    scene("growth", &[]);
}

fn growth() {
    let (alerts, told) = told(alerts::when().growth_above(4 << 20).every(Duration::ZERO));
    let mut kept = Vec::new();
    // Some 2 MiB a second, or less on a machine that is busy.
    for _ in 0..20 {
        kept.push(keeps(200_000));
        thread::sleep(Duration::from_millis(100));
    }
    assert!(told.try_recv().is_err(), "it grows too slowly");
    let before = Instant::now();
    let mut alert = None;
    while alert.is_none() && before.elapsed() < SOON {
        kept.push(keeps(2 << 20));
        thread::sleep(Duration::from_millis(50));
        alert = told.try_recv().ok();
    }
    let alert = alert.expect("some 40 MiB a second");
    let value = alert.value.expect("a threshold has a figure");
    assert!(value > 4 << 20, "{value}");
    assert_eq!((alert.kind.as_str(), alert.unit.as_str()), ("growth", "bytes per second"));
    assert!(alert.message.contains("; `keeps` gained most"), "{}", alert.message);
    // Nothing more grows: no alert but of seconds that had begun.
    thread::sleep(Duration::from_millis(2_500));
    while told.try_recv().is_ok() {}
    assert!(told.recv_timeout(Duration::from_millis(1_500)).is_err());
    drop((alerts, kept));
}

#[test]
fn a_finding_is_told_once() {
    // Budgets are judged where every block is recorded.
    scene("findings", &[("MEMSCOPE_MODE", "live")]);
}

fn findings() {
    let when = alerts::when().finding_of_kind(BUDGET_EXCEEDED).finding(Severity::Error);
    let (alerts, told) = told(when.every(Duration::ZERO));
    assert!(told.recv_timeout(Duration::from_millis(1_500)).is_err(), "no call went over yet");
    // The call fails the test that it is in.
    assert!(catch_unwind(goes_over).is_err());
    // Both conditions tell of it.
    for _ in 0..2 {
        let alert = told.recv_timeout(SOON).expect("a call went over");
        assert_eq!(
            (alert.kind.as_str(), alert.severity, alert.threshold),
            (BUDGET_EXCEEDED, Severity::Error, None)
        );
        assert!(
            alert.message.starts_with("`goes_over` went over its budget in 1 of 1 calls"),
            "{}",
            alert.message
        );
        let finding = alert.finding.expect("it is one");
        assert_eq!(alert.value, Some(finding.evidence[0].value));
        assert_eq!(finding.scope, ["goes_over"]);
    }
    // More calls are more of the same finding.
    assert!(catch_unwind(goes_over).is_err());
    assert!(told.recv_timeout(Duration::from_millis(2_500)).is_err());
    drop(alerts);
}

#[test]
fn stderr_gets_a_line() {
    let text = stderr(&scene("stderr", &[]));
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("memscope: alert: ")).collect();
    // The two conditions of one look, in the order in which they were named.
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].contains("bytes are live, more than 1048576; `keeps` holds most of them"), "{text}");
    assert!(lines[1].contains("more than 2097152;"), "{text}");
}

fn to_stderr() {
    let kept = keeps(3 << 20);
    // Nobody else is named, so it is stderr. The test's process ends while the thread runs.
    let alerts = alerts::when().live_bytes_above(1 << 20).live_bytes_above(2 << 20).start();
    thread::sleep(LOOKED);
    std::mem::forget(alerts);
    drop(kept);
}

#[test]
fn a_line_waits_for_no_lock_of_the_programs() {
    let text = stderr(&scene("held stderr", &[]));
    assert!(text.contains("memscope: alert: "), "{text}");
}

fn held_stderr() {
    let held = std::io::stderr().lock();
    let kept = keeps(3 << 20);
    let alerts = alerts::when().live_bytes_above(1 << 20).start();
    thread::sleep(LOOKED);
    // The guard waits for the thread, and would wait for ever if that waited for this one's lock.
    let (say, said) = mpsc::channel();
    let ends = thread::spawn(move || {
        drop(alerts);
        say.send(())
    });
    said.recv_timeout(SOON).expect("the thread ended");
    drop((held, kept, ends));
}

#[test]
fn a_callback_that_panics_is_said_once_and_called_again() {
    let text = stderr(&scene("panics", &[]));
    assert_eq!(text.matches("memscope: a callback for alerts panicked").count(), 1, "{text}");
}

fn panics() {
    let kept = keeps(3 << 20);
    let (tell, told) = mpsc::channel();
    let panicking = alerts::when().live_bytes_above(1 << 20).every(Duration::ZERO);
    let alerts =
        panicking.to(|_| panic!("the program's own")).to(move |alert| _ = tell.send(alert.clone())).start();
    // The second callback is called after the first has panicked, and both again with the next look.
    for _ in 0..3 {
        told.recv_timeout(SOON).expect("a panic ends nothing");
    }
    // A guard that its own callback drops does not wait for itself.
    let (give, given) = mpsc::channel::<alerts::Alerts>();
    let (say, said) = mpsc::channel();
    let own = alerts::when().live_bytes_above(1 << 20).to(move |_| {
        drop(given.recv().expect("the guard was sent"));
        say.send(()).expect("the test listens");
    });
    give.send(own.start()).expect("the callback listens");
    said.recv_timeout(SOON).expect("the callback ended");
    drop((alerts, kept));
}

#[test]
fn what_the_thread_does_is_memscopes_and_what_a_callback_does_the_programs() {
    scene("books", &[("MEMSCOPE_MODE", "live")]);
}

fn books() {
    let kept = keeps(3 << 20);
    let thread_row = || {
        let mut threads = memscope::snapshot().threads.into_iter();
        threads.find(|thread| thread.name.as_deref() == Some("memscope-alerts"))
    };
    let quiet =
        alerts::when().live_bytes_above(u64::MAX).growth_above(u64::MAX).finding(Severity::Error).start();
    // Some looks, a second's growth and a snapshot.
    thread::sleep(Duration::from_millis(2_500));
    let row = thread_row().expect("it is a thread like others");
    // std keeps a copy of the name, made before it runs what the thread is for. All else is memscope's own.
    let (before, bytes) = (1, "memscope-alerts".len() as u64);
    assert!(row.allocations <= before && row.allocated_bytes <= bytes, "{row:?}");
    drop(quiet);

    let (tell, told) = mpsc::channel();
    let keeping = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let alerts = alerts::when().live_bytes_above(1 << 20).to({
        let keeping = Arc::clone(&keeping);
        move |_| {
            *keeping.lock() = keeps(12_345);
            tell.send(()).expect("the test listens");
        }
    });
    let alerts = alerts.start();
    told.recv_timeout(SOON).expect("3 MiB are live");
    let snapshot = memscope::snapshot();
    // `keeps` was called by the test and by the callback.
    let scope = snapshot.scopes.iter().find(|scope| scope.path == ["keeps"]).expect("it ran");
    assert_eq!((scope.calls, scope.exclusive.live_bytes), (2, (3 << 20) + 12_345));
    drop((alerts, kept));
}

#[test]
fn a_fork_leaves_the_thread_behind() {
    scene("fork", &[]);
}

fn in_a_fork() {
    let (alerts, told) =
        told(alerts::when().live_bytes_above(1 << 20).finding(Severity::Note).every(Duration::ZERO));
    let kept = keeps(3 << 20);
    told.recv_timeout(SOON).expect("3 MiB are live");
    for _ in 0..20 {
        // SAFETY: the child only does what a child may that has the forking thread alone, and ends by `_exit`.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "the system gives a child");
        if child == 0 {
            // SAFETY: a child that hangs is ended by the alarm, and the parent sees it.
            unsafe { libc::alarm(20) };
            let threads = std::fs::read_dir("/proc/self/task").expect("the kernel lists them").count();
            let (again, told) = self::told(alerts::when().live_bytes_above(1 << 20));
            let is_told = told.recv_timeout(SOON).is_ok();
            drop(again);
            drop(alerts);
            // SAFETY: ends this process at once.
            unsafe { libc::_exit(if threads == 1 && is_told { 7 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: `status` is a valid place for the answer.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7, "{status}");
    }
    drop((alerts, kept));
}

#[test]
fn where_nothing_is_recorded_it_is_said_once_and_no_thread_starts() {
    let text = stderr(&scene("off", &[("MEMSCOPE_MODE", "off")]));
    assert_eq!(
        text.matches("memscope: nothing is recorded in this process, so no alert will come").count(),
        1,
        "{text}"
    );
}

fn off() {
    let threads = || std::fs::read_dir("/proc/self/task").expect("the kernel lists them").count();
    let before = threads();
    let first = alerts::when().live_bytes_above(0).finding(Severity::Note).to_stderr().start();
    let second = alerts::when().growth_above(0).to(|alert| panic!("{alert}")).start();
    let kept = keeps(1 << 20);
    thread::sleep(LOOKED);
    assert_eq!(threads(), before);
    drop((first, second, kept));
}
