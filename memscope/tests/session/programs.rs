//! The programs that end in some way, and how they are run: the test runs itself again, with a case by name.

use memscope::model::Snapshot;
use memscope_runtime::format;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Bytes that a program keeps in a variable of this name, so that its recording is told from any other.
pub(super) const KEPT_BYTES: usize = 12_345;

#[memscope::track]
fn keep() -> Vec<u8> {
    memscope::track_var!(let kept: Vec<u8> = vec![1; KEPT_BYTES]);
    kept
}

/// Bytes that `kept` holds in a recording; `None`: there is no such variable.
pub(super) fn kept_bytes(snapshot: &Snapshot) -> Option<u64> {
    snapshot.variables.iter().find(|row| row.name == "kept")?.heap_bytes
}

pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stdout: String,
    pub(super) stderr: String,
    _folder: tempfile::TempDir,
    pub(super) path: PathBuf,
}

impl Ended {
    pub(super) fn recording(&self) -> Snapshot {
        format::read_file(&self.path)
            .unwrap_or_else(|error| panic!("{error}\n{}{}", self.stdout, self.stderr))
    }

    pub(super) fn lines(&self) -> Vec<&str> {
        self.stderr.lines().filter(|line| line.starts_with("memscope:")).collect()
    }
}

fn command(case: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the test's own path"));
    command
        .args(["--exact", "programs::program", "--nocapture", "--include-ignored", "--test-threads=1"])
        .env("SESSION_CASE", case)
        .env("SESSION_PATH", path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(super) fn folder_and_path() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.memscope");
    (folder, path)
}

/// Runs the program to its end; one that takes a minute hangs.
pub(super) fn run(case: &str) -> Ended {
    let (folder, path) = folder_and_path();
    let output = output(case, &path);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended {
        status: output.status,
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        _folder: folder,
        path,
    }
}

pub(super) fn output(case: &str, path: &Path) -> Output {
    let child = command(case, path).spawn().expect("it starts");
    let id = child.id();
    let (ends, wait) = std::sync::mpsc::channel();
    let watch = std::thread::spawn(move || {
        let hangs = wait.recv_timeout(Duration::from_secs(60)).is_err();
        if hangs {
            // SAFETY: who waits for the child has not come back, so its id is its own.
            unsafe { libc::kill(i32::try_from(id).expect("an id"), libc::SIGKILL) };
        }
        hangs
    });
    let output = child.wait_with_output().expect("it ends");
    let _ = ends.send(()); // it is gone where it killed
    assert!(!watch.join().expect("it watches"), "{case} hangs");
    output
}

/// Starts the program and waits until it has said "ready"; gives what it said until then.
pub(super) fn start_telling(
    case: &str,
    path: &Path,
) -> (Child, BufReader<std::process::ChildStdout>, String) {
    let mut child = command(case, path).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut told = String::new();
    while !told.ends_with("ready\n") {
        assert!(lines.read_line(&mut told).expect("its output") > 0, "{case} ended before it was ready");
    }
    (child, lines, told)
}

/// Starts the program and waits until it has said "ready".
pub(super) fn start(case: &str, path: &Path) -> (Child, BufReader<std::process::ChildStdout>) {
    let (child, lines, _) = start_telling(case, path);
    (child, lines)
}

pub(super) fn send(child: &Child, signal: i32) {
    // SAFETY: the child has not been waited for, so its id is its own.
    assert_eq!(unsafe { libc::kill(i32::try_from(child.id()).expect("an id"), signal) }, 0);
}

/// Waits until `is` is true of the recording at `path`, and gives it.
pub(super) fn recording_that(path: &Path, is: impl Fn(&Snapshot) -> bool) -> Snapshot {
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

pub(super) fn make_pipe(path: &Path) {
    let name = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).expect("no zero");
    // SAFETY: the name is a C string.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
}

pub(super) fn say(text: &str) {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{text}").expect("it is piped");
}

/// Allocates and frees, and keeps some.
#[memscope::track]
fn loads(bytes: usize) {
    let mut kept = std::collections::VecDeque::new();
    loop {
        kept.push_back(vec![0u8; bytes + kept.len()]);
        if kept.len() > 500 {
            kept.drain(..250);
        }
    }
}

fn wait_for_the_end() -> ! {
    say("ready");
    loop {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Ends the program when it is dropped, from within a tracked function.
struct Exits;

impl Drop for Exits {
    #[memscope::track]
    fn drop(&mut self) {
        memscope::track_var!(let _made: Vec<u8> = vec![0; 10]);
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
        "exit of two threads" => {
            let _session = memscope::session(&path);
            for _ in 0..2 {
                std::thread::spawn(|| std::process::exit(10));
            }
            wait_for_the_end();
        }
        "exit of an alert" => {
            let _session = memscope::session(&path);
            let alerts = memscope::alerts::when().live_bytes_above(1).to(|_| std::process::exit(6));
            let _alerts = alerts.start();
            wait_for_the_end();
        }
        "exit of a panic's hook" => {
            let _session = memscope::session(&path);
            std::panic::set_hook(Box::new(|_| std::process::exit(11)));
            panic!("on purpose");
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
        "load that is told" => {
            let session = memscope::session(&path);
            for bytes in [100, 1_000] {
                std::thread::spawn(move || loads(bytes));
            }
            say(""); // the harness has begun a line
            let mut start = Instant::now();
            for flush in 0u64.. {
                let snapshot = memscope::snapshot();
                say(&format!("begins {}", serde_json::to_string(&snapshot.totals).expect("plain data")));
                session.flush_snapshot(&snapshot).expect("it is written");
                say("ended");
                match flush {
                    0 => start = Instant::now(), // the first is a new file, and synced
                    2 => say(&format!("each took {}\nready", start.elapsed().as_micros() / 2)),
                    _ => {}
                }
            }
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
        "no descriptors" => {
            let session = memscope::session(&path);
            let few = libc::rlimit { rlim_cur: 64, rlim_max: 64 };
            // SAFETY: it only sets a limit of this process.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &few) }, 0);
            let held: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
            drop(session);
            drop(held);
        }
        "exec" => {
            let session = memscope::session(&path);
            session.flush().expect("it is written");
            let error = std::os::unix::process::CommandExt::exec(&mut Command::new("true"));
            panic!("{error}");
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
