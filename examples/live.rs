//! A program to look at while it runs: it indexes a folder of Rust sources again and again, in some hundred variables,
//! and serves its dashboard.
//!
//! ```text
//! cargo run --release -p memscope-examples --features serve --example live [FOLDER]
//! cargo run --release -p memscope-examples --features serve --example live -- --cost [SECONDS]
//! ```
//!
//! `FOLDER` is this workspace unless given. With `--cost` ten browsers' connections listen for some seconds (20 unless
//! given), and it prints what serving them took of one processor, by the serving thread's own clock; it fails where that is
//! a hundredth or more.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to a person")]

#[allow(dead_code, reason = "`code_index` uses the rest of it")]
mod index;

use memscope::{track, track_var};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

const BROWSERS: usize = 10;
/// What serving them may take of one processor.
const MOST_PERCENT: f64 = 1.0;
/// Panels that change with each look at the program, by how deep the look is.
const UPDATES: [&str; 3] = ["overview", "data:variables", "data:memory_map"];

/// A stage of the work: five variables of its own, which it gives to what comes after it.
macro_rules! stages {
    ($($stage:ident)*) => {
        /// What all stages keep.
        #[track]
        fn stages(words: &[String], round: usize) -> Vec<Vec<String>> {
            vec![$($stage(words, round)),*].into_iter().flatten().collect()
        }
        $(#[track]
        fn $stage(words: &[String], round: usize) -> Vec<Vec<String>> {
            let count = 20 + (round + stringify!($stage).len()) % 7;
            track_var!(let first: Vec<String> = words.iter().take(count).cloned().collect());
            track_var!(let last: Vec<String> = words.iter().rev().take(count).cloned().collect());
            track_var!(let long: Vec<String> = words.iter().filter(|word| word.len() > 20).take(count).cloned().collect());
            track_var!(let short: Vec<String> = words.iter().filter(|word| word.len() < 5).take(count).cloned().collect());
            track_var!(let joined: String = first.join(" "));
            vec![first, last, long, short, vec![joined]]
        })*
    };
}

stages! {
    a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1 d2 d3 d4 d5 d6 d7 d8 d9
    e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9
}

/// Works until the program ends, with a pause after each round.
fn work(folder: &Path, begun: &Sender<()>) -> Result<(), Box<dyn std::error::Error>> {
    let sources = index::find_sources(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let (index, _) = index::index(sources)?;
    let words: Vec<String> = index.keys().cloned().collect();
    let mut kept = Vec::new();
    for round in 0.. {
        kept.push(stages(&words, round));
        if kept.len() > 5 {
            kept.remove(0);
            let _ = begun.send(()); // nobody waits but for the cost
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Processor time that the serving thread used, and how long it waited for a processor.
fn served() -> Option<Duration> {
    let tasks = fs::read_dir("/proc/self/task").ok()?;
    let is_it = |task: &fs::DirEntry| {
        fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "memscope-serve")
    };
    let task = tasks.flatten().find(is_it)?;
    let times = fs::read_to_string(task.path().join("schedstat")).ok()?;
    Some(Duration::from_nanos(times.split(' ').next()?.parse().ok()?))
}

/// What all listeners together were sent.
#[derive(Default)]
struct Sent {
    bytes: AtomicU64,
    pulses: AtomicU64,
    /// Of each of [`UPDATES`].
    updates: [AtomicU64; 3],
}

/// Reads all that comes, as a browser does, and counts it.
fn listen(address: SocketAddr, sent: &Sent) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET /events HTTP/1.1\r\nHost: {address}\r\n\r\n")?;
    let (mut lines, mut line) = (BufReader::new(stream), Vec::new());
    while lines.read_until(b'\n', &mut line)? > 0 {
        sent.bytes.fetch_add(line.len() as u64, Ordering::Relaxed);
        sent.pulses.fetch_add(u64::from(line == b"event: pulse\n"), Ordering::Relaxed);
        for (panel, count) in UPDATES.iter().zip(&sent.updates) {
            let is_it = line.starts_with(format!("data: {{\"name\":\"{panel}\"").as_bytes());
            count.fetch_add(u64::from(is_it), Ordering::Relaxed);
        }
        line.clear();
    }
    Ok(())
}

fn print_cost(address: SocketAddr, time: Duration) -> Result<(), Box<dyn std::error::Error>> {
    let sent = Arc::new(Sent::default());
    for _ in 0..BROWSERS {
        let sent = Arc::clone(&sent);
        thread::spawn(move || listen(address, &sent));
    }
    let [books, variables, blocks] = &sent.updates;
    let counts =
        || [&sent.bytes, &sent.pulses, books, variables, blocks].map(|count| count.load(Ordering::Relaxed));
    // The first of each panel is sent to each.
    thread::sleep(Duration::from_secs(5));
    let rows = memscope::snapshot().variables.len();
    let before = counts();
    let (begun, used) = (Instant::now(), served().ok_or("no thread serves")?);
    thread::sleep(time);
    let (elapsed, used) = (begun.elapsed(), served().ok_or("no thread serves")?.saturating_sub(used));
    let after = counts();
    let seconds = elapsed.as_secs_f64();
    let each_second = |place: usize| (after[place] - before[place]) as f64 / BROWSERS as f64 / seconds;
    let percent = used.as_secs_f64() / seconds * 100.0;
    println!(
        "{BROWSERS} browsers, {rows} variables, {seconds:.1} s: {:.1} ms of processor time, {percent:.2} % of one processor",
        used.as_secs_f64() * 1e3,
    );
    println!(
        "each browser, a second: {:.1} pulses, {:.1} KiB, and updates:",
        each_second(1),
        each_second(0) / 1024.0
    );
    println!(
        "{:.2} of scopes, threads and overview, {:.2} of variables and types, {:.2} of blocks and findings",
        each_second(2),
        each_second(3),
        each_second(4)
    );
    if percent >= MOST_PERCENT {
        return Err(
            format!("serving took {percent:.2} % of a processor, and may take {MOST_PERCENT} %").into()
        );
    }
    Ok(())
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let first = arguments.next();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the examples stand in the workspace")
        .to_owned();
    let server = memscope::serve("127.0.0.1:0")?;
    println!("the dashboard is at {}", server.url());
    if first.as_deref() == Some("--cost") {
        let seconds = arguments.next().unwrap_or_else(|| "20".into());
        let seconds = seconds
            .parse()
            .map_err(|_| format!("--cost takes a whole number of seconds, not {seconds:?}"))?;
        let (sender, begun) = channel();
        thread::spawn(move || work(&workspace, &sender).map_err(|error| eprintln!("live: {error}")));
        begun.recv()?;
        print_cost(server.address(), Duration::from_secs(seconds))
    } else {
        work(&first.map_or(workspace, PathBuf::from), &channel().0)
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("live: {error}");
            ExitCode::from(2)
        }
    }
}
