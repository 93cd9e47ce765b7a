//! Whichever way a program ends, its session is written: the test runs itself again, as a program that ends so.

use memscope::model::Snapshot;
use memscope_runtime::format;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// Bytes that a program keeps in a variable of this name, so that its recording is told from any other.
const KEPT_BYTES: usize = 12_345;

#[memscope::track]
fn keep() -> Vec<u8> {
    memscope::track_var!(let kept: Vec<u8> = vec![1; KEPT_BYTES]);
    kept
}

/// Bytes that `kept` holds in a recording; `None`: there is no such variable.
fn kept_bytes(snapshot: &Snapshot) -> Option<u64> {
    snapshot.variables.iter().find(|row| row.name == "kept")?.heap_bytes
}

struct Ended {
    status: ExitStatus,
    stdout: String,
    stderr: String,
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Ended {
    fn recording(&self) -> Snapshot {
        format::read_file(&self.path)
            .unwrap_or_else(|error| panic!("{error}\n{}{}", self.stdout, self.stderr))
    }

    fn lines(&self) -> Vec<&str> {
        self.stderr.lines().filter(|line| line.starts_with("memscope:")).collect()
    }
}

fn command(case: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the test's own path"));
    command
        .args(["--exact", "program", "--nocapture", "--include-ignored", "--test-threads=1"])
        .env("SESSION_CASE", case)
        .env("SESSION_PATH", path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn folder_and_path() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.memscope");
    (folder, path)
}

fn run(case: &str) -> Ended {
    let (folder, path) = folder_and_path();
    let output = command(case, &path).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended {
        status: output.status,
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        _folder: folder,
        path,
    }
}

/// Starts the program and waits until it has said "ready".
fn start(case: &str, path: &Path) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = command(case, path).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    while !line.ends_with("ready\n") {
        line.clear();
        assert!(lines.read_line(&mut line).expect("its output") > 0, "{case} ended before it was ready");
    }
    (child, lines)
}

fn send(child: &Child, signal: i32) {
    // SAFETY: the child has not been waited for, so its id is its own.
    assert_eq!(unsafe { libc::kill(i32::try_from(child.id()).expect("an id"), signal) }, 0);
}

/// Waits until `is` is true of the recording at `path`, and gives it.
fn recording_that(path: &Path, is: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let start = Instant::now();
    loop {
        match format::read_file(path) {
            Ok(snapshot) if is(&snapshot) => return snapshot,
            _ if start.elapsed() > Duration::from_secs(20) => panic!("no such recording came"),
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

extern "C" fn handler_of_the_program(_: libc::c_int) {
    // SAFETY: writing a string to a descriptor may be done in a handler.
    unsafe { libc::write(libc::STDOUT_FILENO, b"handled\n".as_ptr().cast(), 8) };
}

fn set_action(signal: libc::c_int, action: usize) {
    // SAFETY: the action is one of libc's own, or a handler that does what a handler may.
    assert_ne!(unsafe { libc::signal(signal, action) }, libc::SIG_ERR);
}

fn say(text: &str) {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{text}").expect("it is piped");
}

fn wait_for_the_end() -> ! {
    say("ready");
    loop {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Ends the program when it is dropped.
struct Exits;

impl Drop for Exits {
    fn drop(&mut self) {
        std::process::exit(5);
    }
}

#[test]
#[ignore = "what the other tests run in a process of its own"]
fn program() {
    let Ok(case) = std::env::var("SESSION_CASE") else { return };
    let path = PathBuf::from(std::env::var_os("SESSION_PATH").expect("it stands beside the case"));
    // A shell has what it starts in the background ignore SIGINT.
    set_action(libc::SIGINT, libc::SIG_DFL);
    set_action(libc::SIGTERM, libc::SIG_DFL);
    let later = |bytes: usize| std::hint::black_box(vec![0u8; bytes]);
    let kept = keep();
    match case.as_str() {
        "drop" => drop(memscope::session(&path)),
        "finish" => {
            memscope::session(&path).finish().expect("it is written");
            drop(kept);
        }
        "return" => std::mem::forget(memscope::session(&path)),
        "exit" => {
            let _session = memscope::session(&path);
            std::process::exit(7);
        }
        "exit of a thread" => {
            let _session = memscope::session(&path);
            std::thread::spawn(|| std::process::exit(8)).join().expect("it ends the program");
        }
        "exit of a destructor" => {
            let _session = memscope::session(&path);
            drop(Exits);
        }
        "exit turned off" => {
            let _session = memscope::session(&path).on_exit(false);
            std::process::exit(9);
        }
        "wait" => {
            let _session = memscope::session(&path);
            wait_for_the_end();
        }
        "wait without signals" => {
            let _session = memscope::session(&path).on_signals(false);
            wait_for_the_end();
        }
        "ignored" => {
            set_action(libc::SIGINT, libc::SIG_IGN);
            let session = memscope::session(&path);
            // SAFETY: the signal is ignored.
            unsafe { libc::raise(libc::SIGINT) };
            std::thread::sleep(Duration::from_millis(300));
            say(if path.exists() { "written" } else { "not written" });
            session.finish().expect("it is written");
        }
        "handled before" => {
            set_action(libc::SIGINT, handler_of_the_program as extern "C" fn(_) as usize);
            let session = memscope::session(&path);
            // SAFETY: it is handled.
            unsafe { libc::raise(libc::SIGINT) };
            recording_that(&path, |_| true);
            say("goes on");
            drop(later(1));
            session.finish().expect("it is written");
            // SAFETY: the program's handler is back.
            unsafe { libc::raise(libc::SIGINT) };
        }
        "handled later" => {
            let session = memscope::session(&path);
            set_action(libc::SIGTERM, handler_of_the_program as extern "C" fn(_) as usize);
            // SAFETY: it is handled.
            unsafe { libc::raise(libc::SIGTERM) };
            std::thread::sleep(Duration::from_millis(300));
            say(if path.exists() { "written" } else { "not written" });
            session.finish().expect("it is written");
            // SAFETY: the program's handler stayed.
            unsafe { libc::raise(libc::SIGTERM) };
        }
        "panic" => {
            let session = memscope::session(&path);
            std::thread::sleep(Duration::from_millis(1_100)); // a panic writes what is a second old
            let caught = std::panic::catch_unwind(|| panic!("on purpose"));
            assert!(caught.is_err());
            say(if kept_bytes(&recording_that(&path, |_| true)).is_some() { "written" } else { "wrong" });
            std::fs::remove_file(&path).expect("it was written");
            session.finish().expect("it goes on");
        }
        "abort" => {
            let _session = memscope::session(&path).flush_every(Duration::from_millis(20));
            recording_that(&path, |_| true);
            std::process::abort();
        }
        "load" => {
            let _session = memscope::session(&path).flush_every(Duration::from_millis(1));
            std::thread::spawn(|| {
                loop {
                    drop(std::hint::black_box(vec![0u8; 100]));
                }
            });
            wait_for_the_end();
        }
        "fork" | "fork with a file" => {
            let session = memscope::session(&path).in_children(case == "fork with a file");
            // SAFETY: the child does what the parent does.
            match unsafe { libc::fork() } {
                0 => {
                    // Nobody serves a signal here, so its default action must be back.
                    let mut now = std::mem::MaybeUninit::<libc::sigaction>::uninit();
                    // SAFETY: it only asks, and all of it is answered.
                    let now = unsafe {
                        libc::sigaction(libc::SIGTERM, std::ptr::null(), now.as_mut_ptr());
                        now.assume_init()
                    };
                    std::process::exit(if now.sa_sigaction == libc::SIG_DFL { 3 } else { 4 });
                }
                child => {
                    let mut status = 0;
                    // SAFETY: the child is this process's.
                    unsafe { libc::waitpid(child, &mut status, 0) };
                    say(&format!("child {child} ended with {}", libc::WEXITSTATUS(status)));
                    say(if path.exists() { "written" } else { "not written" });
                    session.finish().expect("it is written");
                }
            }
        }
        "no format" => drop(memscope::session(path.with_extension("txt"))),
        "folder is a file" => {
            std::fs::write(&path, "").expect("a file");
            drop(memscope::session(path.join("out.memscope")));
        }
        "full disk" => {
            std::os::unix::fs::symlink("/dev/full", &path).expect("a link");
            drop(memscope::session(&path));
        }
        "twice" => {
            let first = memscope::session(&path);
            drop(memscope::session(&path));
            first.finish().expect("it is written");
        }
        case => panic!("no case {case}"),
    }
    drop(later(1));
}

#[test]
fn each_end_is_written_and_the_status_is_what_it_would_have_been() {
    for (case, code) in [
        ("drop", 0),
        ("finish", 0),
        ("return", 0),
        ("exit", 7),
        ("exit of a thread", 8),
        ("exit of a destructor", 5),
    ] {
        let ended = run(case);
        assert_eq!(ended.status.code(), Some(code), "{case}: {}{}", ended.stdout, ended.stderr);
        let kept = kept_bytes(&ended.recording());
        // At `return` the vector is gone: it was dropped before `main` returned.
        let expected = if case == "return" { 0 } else { KEPT_BYTES as u64 };
        assert_eq!(kept, Some(expected), "{case}");
        assert!(ended.lines().is_empty(), "{case}: {}", ended.stderr);
    }
}

#[test]
fn an_exit_that_is_turned_off_writes_nothing() {
    let ended = run("exit turned off");
    assert_eq!(ended.status.code(), Some(9));
    assert!(!ended.path.exists());
}

#[test]
fn a_signal_writes_the_end_and_then_ends_the_program_as_by_default() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let (_folder, path) = folder_and_path();
        let (mut child, _lines) = start("wait", &path);
        send(&child, signal);
        let status = child.wait().expect("it ends");
        assert_eq!((status.code(), status.signal()), (None, Some(signal)));
        let recording = format::read_file(&path).expect("the end was written");
        assert_eq!(kept_bytes(&recording), Some(KEPT_BYTES as u64));
    }
    let (_folder, path) = folder_and_path();
    let (mut child, _lines) = start("wait without signals", &path);
    send(&child, libc::SIGTERM);
    assert_eq!(child.wait().expect("it ends").signal(), Some(libc::SIGTERM));
    assert!(!path.exists());
}

#[test]
fn the_same_signal_again_ends_a_program_whose_end_cannot_be_written() {
    let (_folder, path) = folder_and_path();
    let name = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).expect("no zero");
    // SAFETY: the name is a C string. Opening a pipe for writing waits for a reader, and there is none.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let (mut child, _lines) = start("wait", &path);
    send(&child, libc::SIGTERM);
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().expect("its state").is_none(), "it waits for the pipe's reader");
    send(&child, libc::SIGTERM);
    assert_eq!(child.wait().expect("it ends").signal(), Some(libc::SIGTERM));
}

#[test]
fn signals_that_the_program_has_its_own_ways_with_are_left_to_it() {
    let ignored = run("ignored");
    assert!(ignored.status.success(), "{}{}", ignored.stdout, ignored.stderr);
    assert!(ignored.stdout.contains("not written\n"), "{}", ignored.stdout);

    // Called once while the session runs, beside its writing, and once after it: 2.
    let before = run("handled before");
    assert!(before.status.success(), "{}{}", before.stdout, before.stderr);
    assert_eq!(before.stdout.matches("handled\n").count(), 2, "{}", before.stdout);
    assert!(before.stdout.contains("goes on"), "{}", before.stdout);

    let later = run("handled later");
    assert!(later.status.success(), "{}{}", later.stdout, later.stderr);
    assert_eq!(later.stdout.matches("handled\n").count(), 2, "{}", later.stdout);
    assert!(later.stdout.contains("not written\n"), "{}", later.stdout);
}

#[test]
fn a_panic_writes_and_the_recording_goes_on() {
    let ended = run("panic");
    assert!(ended.status.success(), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("written\n"), "{}", ended.stdout);
    assert!(ended.stderr.contains("on purpose"), "the program's own hook is called: {}", ended.stderr);
    assert_eq!(kept_bytes(&ended.recording()), Some(KEPT_BYTES as u64));
}

#[test]
fn after_an_abort_the_last_writing_stands() {
    let ended = run("abort");
    assert_eq!(ended.status.signal(), Some(libc::SIGABRT));
    assert_eq!(kept_bytes(&ended.recording()), Some(KEPT_BYTES as u64));
}

#[test]
fn a_program_killed_at_any_moment_leaves_a_file_that_reads() {
    // 200 by default takes 20 s on two cores; the moments are spread over ten times the distance of two writings.
    let kills: u64 = std::env::var("SESSION_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(200);
    let mut times = 0;
    for kill in 0..kills {
        let (folder, path) = folder_and_path();
        let (mut child, _lines) = start("load", &path);
        let first = recording_that(&path, |_| true);
        // A multiplicative hash of the number, so that each run kills at the same moments: 0 … 9,999 µs.
        std::thread::sleep(Duration::from_micros(kill.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 10_000));
        child.kill().expect("it runs");
        child.wait().expect("it was killed");
        let last = format::read_file(&path).expect("the file is whole");
        assert_eq!(kept_bytes(&last), Some(KEPT_BYTES as u64));
        // Totals are of one writing: as many bytes live as were allocated and not freed, and never fewer than before.
        let totals = last.totals;
        assert_eq!(totals.live_bytes, totals.allocated_bytes - totals.deallocated_bytes);
        assert!(totals.allocations >= first.totals.allocations);
        times += u64::from(totals.allocations > first.totals.allocations);
        // A file beside that was being written may be left; no more than that one.
        let beside = std::fs::read_dir(folder.path()).expect("it is there").count() - 1;
        assert!(beside <= 1, "{beside} files were left beside");
    }
    assert!(times > 0, "no file was written anew before the kill");
}

#[test]
fn a_forks_child_writes_nothing_or_a_file_of_its_own() {
    for (case, has_file) in [("fork", false), ("fork with a file", true)] {
        let ended = run(case);
        assert!(ended.status.success(), "{}{}", ended.stdout, ended.stderr);
        let words = ended.stdout.split_once("child ").expect("it says so").1;
        let (child, rest) = words.split_once(' ').expect("a number");
        assert!(rest.starts_with("ended with 3\nnot written\n"), "{}", ended.stdout);
        assert_eq!(kept_bytes(&ended.recording()), Some(KEPT_BYTES as u64));
        let own = ended.path.with_file_name(format!("out.{child}.memscope"));
        assert_eq!(own.exists(), has_file, "{case}");
        if has_file {
            let recording = format::read_file(&own).expect("the child's file");
            assert_eq!(recording.program.pid.to_string(), child);
            assert_eq!(kept_bytes(&recording), Some(KEPT_BYTES as u64));
        }
    }
}

#[test]
fn what_cannot_be_written_is_said_in_a_line_and_the_program_goes_on() {
    for (case, said) in [
        ("no format", "out.txt: cannot tell the format"),
        ("folder is a file", "the folder cannot be made"),
        ("full disk", "cannot be written: No space left on device"),
        ("twice", "another session of this program writes to it"),
    ] {
        let ended = run(case);
        assert!(ended.status.success(), "{case}: {}{}", ended.stdout, ended.stderr);
        let lines = ended.lines();
        assert!(lines.len() == 1 && lines[0].contains(said), "{case}: {}", ended.stderr);
        if case == "twice" {
            assert_eq!(kept_bytes(&ended.recording()), Some(KEPT_BYTES as u64));
        }
    }
}
