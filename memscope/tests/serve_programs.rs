//! A program that is served ends as it would, forks as it would, and its books do not know of it: the test runs itself
//! again, as such a program.

mod serve {
    pub(crate) mod client;
}

use memscope::{track, track_var};
use memscope_runtime::format;
use serve::client::{Listener, get};
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{fs, thread};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[track]
fn keep() -> Vec<u8> {
    track_var!(let kept: Vec<u8> = vec![1; 12_345]);
    kept
}

struct Program {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    fn start(case: &str, variables: &[(&str, &OsStr)]) -> Program {
        let mut child = Command::new(std::env::current_exe().expect("the test's own path"))
            .args(["--exact", "program", "--nocapture", "--include-ignored", "--test-threads=1"])
            .env("SERVE_CASE", case)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Program { child, lines }
    }

    /// What stands behind `word` in the next line that has it.
    fn said(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(
                self.lines.read_line(&mut line).expect("its output") > 0,
                "it ended and never said {word}"
            );
            if let Some((_, said)) = line.split_once(&format!("{word} ")) {
                return said.trim().to_owned();
            }
        }
    }

    fn address(&mut self) -> SocketAddr {
        self.said("address").parse().expect("an address")
    }

    /// Lets it go on from where it waits.
    fn go_on(&mut self) {
        self.child.stdin.as_mut().expect("it is piped").write_all(b"\n").expect("it reads");
    }

    fn exit_code(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return status.code();
            }
            assert!(start.elapsed() < Duration::from_secs(20), "it does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn stderr(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().expect("it is piped").read_to_string(&mut text).expect("text");
        text
    }
}

/// The folder of the serving thread of this process.
fn serving_thread() -> Option<PathBuf> {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux").flatten();
    let name = |task: &PathBuf| fs::read_to_string(task.join("comm")).unwrap_or_default();
    tasks.map(|task| task.path()).find(|task| name(task).trim() == "memscope-serve")
}

/// Nanoseconds that it ran so far.
fn thread_ns() -> u64 {
    let task = serving_thread().expect("a thread serves");
    let times = fs::read_to_string(task.join("schedstat")).expect("its times");
    times.split(' ').next().and_then(|ns| ns.parse().ok()).expect("nanoseconds")
}

/// Opens ten files, forks, and says how many of them are open in the child.
fn open_in_a_child() -> i32 {
    let own: Vec<fs::File> = (0..10).map(|_| fs::File::open("/dev/null").expect("it is there")).collect();
    // SAFETY: the child asks of its files whether they are open, and ends by `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let is_open = |file: &&fs::File| {
            // SAFETY: any number may be asked about.
            unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETFD) != -1 }
        };
        let open = own.iter().filter(is_open).count();
        // SAFETY: ends this process at once.
        unsafe { libc::_exit(i32::try_from(open).unwrap_or(-1)) };
    }
    let mut status = 0;
    // SAFETY: it is this process's child.
    unsafe { libc::waitpid(child, &mut status, 0) };
    libc::WEXITSTATUS(status)
}

fn wait() {
    std::io::stdin().read_line(&mut String::new()).expect("the test says when");
}

/// The program that the tests run.
#[test]
#[ignore = "it is the program that the other tests run"]
#[expect(clippy::print_stdout, reason = "the tests read it")]
fn program() {
    let Ok(case) = std::env::var("SERVE_CASE") else { return };
    match case.as_str() {
        "environment" => {
            let kept = keep();
            println!("ready {}", kept.len());
            wait();
        }
        "exit" => {
            let _session = memscope::session(std::env::var("SERVE_PATH").expect("a path"));
            let server = memscope::serve("127.0.0.1:0").expect("a free port");
            let kept = keep();
            println!("address {}", server.address());
            wait();
            println!("kept {}", kept.len());
            std::process::exit(3);
        }
        "fork" => {
            let server = memscope::serve("127.0.0.1:0").expect("a free port");
            println!("address {}", server.address());
            wait();
            // SAFETY: the child drops its copy of the server, waits, and ends by `_exit`.
            let child = unsafe { libc::fork() };
            if child == 0 {
                drop(server);
                thread::sleep(Duration::from_secs(60));
                // SAFETY: ends this process at once.
                unsafe { libc::_exit(0) };
            }
            println!("child {child}");
            wait();
            // SAFETY: ends this process at once; its child lives on.
            unsafe { libc::_exit(0) };
        }
        "fork after" => {
            drop(memscope::serve("127.0.0.1:0").expect("a free port"));
            println!("open {}", open_in_a_child());
            // More than the list has places.
            for _ in 0..300 {
                drop(memscope::serve("127.0.0.1:0").expect("there are places again"));
            }
        }
        "fork over closed sockets" => {
            let _server = memscope::serve("127.0.0.1:0").expect("a free port");
            // SAFETY: it is what such a program does; the server's sockets are among them.
            (3..64).for_each(|number| _ = unsafe { libc::close(number) });
            // The files take their numbers. The serving thread waits, and does not know of it yet.
            println!("open {}", open_in_a_child());
            // SAFETY: ends this process at once.
            unsafe { libc::_exit(0) };
        }
        "poll fails" => {
            let server = memscope::serve("127.0.0.1:0").expect("a free port");
            println!("address {}", server.address());
            wait();
            // SAFETY: the places are for the answer and of what is asked for. `poll` takes no longer list than this.
            unsafe {
                let mut limit = std::mem::zeroed();
                libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
                limit.rlim_cur = 1;
                libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
            }
            wait();
            drop(server);
        }
        "closes all" => {
            let server = memscope::serve("127.0.0.1:0").expect("a free port");
            println!("address {}", server.address());
            wait();
            // SAFETY: it is what such a program does; the server's sockets are among them.
            (3..64).for_each(|number| _ = unsafe { libc::close(number) });
            // Looked for no sooner than it has had time to end, so that this opens no files under its numbers.
            thread::sleep(Duration::from_secs(2));
            println!("serves {}", serving_thread().is_some());
            drop(server);
        }
        "stderr" => {
            // SAFETY: the action of a program that is not Rust's.
            unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
            wait();
            // A thread that enters the first tracked scope while this one has stderr.
            let stderr = std::io::stderr().lock();
            let (say, said) = mpsc::channel();
            thread::spawn(move || say.send(keep().len()));
            println!("went on {}", said.recv_timeout(Duration::from_secs(10)).is_ok());
            drop(stderr);
        }
        "books" => {
            let kept = keep();
            let server = memscope::serve("127.0.0.1:0").expect("a free port");
            println!("address {}", server.address());
            wait();
            let before = memscope::snapshot();
            println!("before {}", before.profiler.own_allocations);
            wait();
            let after = memscope::snapshot();
            // What reading and printing lines allocates is the test's; it is the same number of times on each side of
            // `before`, so the second half allocates what the first did and nothing more.
            println!("totals {}", after.totals.allocations - before.totals.allocations);
            println!("own {}", after.profiler.own_allocations - before.profiler.own_allocations);
            wait();
            let quiet_from = thread_ns();
            thread::sleep(Duration::from_millis(1_500));
            println!("quiet {}", thread_ns() - quiet_from);
            drop((server, kept));
        }
        other => panic!("no case {other}"),
    }
}

#[test]
fn the_environment_serves_a_program_that_says_nothing_of_it() {
    let mut program = Program::start("environment", &[("MEMSCOPE_SERVE", "127.0.0.1:0".as_ref())]);
    program.said("ready");
    let mut line = String::new();
    let mut stderr = BufReader::new(program.child.stderr.take().expect("it is piped"));
    stderr.read_line(&mut line).expect("its output");
    let (_, address) = line.trim().trim_end_matches('/').split_once("http://").expect("where it is");
    let address: SocketAddr = address.parse().expect("an address");
    assert!(address.ip().is_loopback());
    let recording = format::read(&get(address, "/export.memscope").body).expect("a recording");
    assert!(recording.variables.iter().any(|row| row.name == "kept"));
    program.go_on();
    assert_eq!(program.exit_code(), Some(0));
}

#[test]
fn an_environment_that_names_no_address_is_said_once_and_the_program_runs() {
    let mut program = Program::start("environment", &[("MEMSCOPE_SERVE", "nowhere".as_ref())]);
    program.said("ready");
    program.go_on();
    assert_eq!(program.exit_code(), Some(0));
    let said = program.stderr();
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("memscope:")).collect();
    assert!(
        matches!(lines[..], [line] if line.contains("MEMSCOPE_SERVE") && line.contains("\"nowhere\"")),
        "{said}"
    );
}

#[test]
fn an_exit_while_browsers_listen_is_an_exit() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.memscope");
    let mut program = Program::start("exit", &[("SERVE_PATH", path.as_os_str())]);
    let address = program.address();
    let mut listener = Listener::new(address);
    listener.until(|event| event.kind == "pulse");
    program.go_on();
    assert_eq!(program.exit_code(), Some(3));
    while listener.next().is_some() {}
    let recording = format::read_file(&path).expect("the session was written");
    assert!(recording.variables.iter().any(|row| row.name == "kept"));
}

#[test]
fn a_forks_child_serves_nothing_and_keeps_no_port() {
    let mut program = Program::start("fork", &[]);
    let address = program.address();
    let mut listener = Listener::new(address);
    listener.until(|event| event.kind == "pulse");
    program.go_on();
    let child: libc::pid_t = program.said("child").parse().expect("a process");
    // The parent goes on serving.
    listener.until(|event| event.kind == "pulse");
    assert_eq!(get(address, "/nothing").status(), 404);
    program.go_on();
    assert_eq!(program.exit_code(), Some(0));
    // The child lives; with a copy of the socket this would wait until it ends.
    let start = Instant::now();
    while listener.next().is_some() {}
    assert!(start.elapsed() < Duration::from_secs(20), "the child holds the connection");
    assert!(TcpStream::connect(address).is_err(), "the child holds the port");
    // SAFETY: it is the program's child, which sleeps.
    assert_eq!(unsafe { libc::kill(child, libc::SIGKILL) }, 0);
}

#[test]
fn a_fork_after_a_server_closes_nothing_of_the_programs() {
    let mut program = Program::start("fork after", &[]);
    assert_eq!(program.said("open"), "10");
    assert_eq!(program.exit_code(), Some(0));
}

#[test]
fn a_fork_over_closed_sockets_closes_nothing_of_the_programs() {
    let mut program = Program::start("fork over closed sockets", &[]);
    assert_eq!(program.said("open"), "10");
    assert_eq!(program.exit_code(), Some(0));
}

#[test]
fn a_server_that_can_wait_no_longer_says_so() {
    let mut program = Program::start("poll fails", &[]);
    let mut listener = Listener::new(program.address());
    listener.until(|event| event.kind == "pulse");
    program.go_on();
    while listener.next().is_some() {}
    program.go_on();
    assert_eq!(program.exit_code(), Some(0));
    let said = program.stderr();
    assert!(said.contains("memscope: the page is served no longer: Invalid argument"), "{said}");
}

#[test]
fn a_program_that_closes_the_sockets_ends_the_thread() {
    let mut program = Program::start("closes all", &[]);
    let mut listener = Listener::new(program.address());
    listener.until(|event| event.kind == "pulse");
    program.go_on();
    assert_eq!(program.said("serves"), "false");
    assert_eq!(program.exit_code(), Some(0));
    let said = program.stderr();
    assert!(said.contains("memscope: the page is served no longer: the program has closed"), "{said}");
}

#[test]
fn a_line_on_stderr_holds_up_nobody_and_ends_nobody() {
    let mut program = Program::start("stderr", &[("MEMSCOPE_SERVE", "127.0.0.1:0".as_ref())]);
    drop(program.child.stderr.take());
    program.go_on();
    assert_eq!(program.said("went on"), "true");
    assert_eq!(program.exit_code(), Some(0));
}

#[test]
fn a_token_that_is_no_text_is_refused() {
    let token = OsStr::from_bytes(b"a-token-of-24-character\xff");
    let variables = [("MEMSCOPE_SERVE", "127.0.0.1:0".as_ref()), ("MEMSCOPE_SERVE_TOKEN", token)];
    let mut program = Program::start("environment", &variables);
    program.said("ready");
    program.go_on();
    assert_eq!(program.exit_code(), Some(0));
    let said = program.stderr();
    assert!(said.contains("memscope: MEMSCOPE_SERVE: the token cannot be used"), "{said}");
    assert!(said.contains("nothing is served"), "{said}");
}

#[test]
fn serving_is_in_no_book_and_costs_nothing_while_nobody_listens() {
    let mut program = Program::start("books", &[]);
    let address = program.address();
    let mut listener = Listener::new(address);
    listener.until(|event| event.kind == "panel");
    program.go_on();
    program.said("before");
    for _ in 0..5 {
        listener.until(|event| event.kind == "pulse");
    }
    program.go_on();
    let totals: u64 = program.said("totals").parse().expect("a number");
    let own: u64 = program.said("own").parse().expect("a number");
    // Between the snapshots the program printed one number and read one line: a handful of allocations. Five pulses and
    // the snapshots behind the panels are hundreds, all of them memscope's own.
    assert!(totals <= 8, "{totals} allocations of the program's");
    assert!(own > 100, "{own} allocations of memscope's own");
    drop(listener);
    thread::sleep(Duration::from_millis(500));
    program.go_on();
    // The closed connection was noticed before; nothing wakes the thread.
    assert_eq!(program.said("quiet"), "0");
}
