//! A program to look at while it runs: it indexes a folder of Rust sources again and again, in some hundred variables,
//! and serves its dashboard.
//!
//! ```text
//! cargo run --release -p memscope-examples --features serve --example live [FOLDER]
//! cargo run --release -p memscope-examples --features serve --example live -- --cost [SECONDS]
//! ```
//!
//! `FOLDER` is this workspace unless given. With `--cost` ten browsers' connections listen for some seconds (20 unless
//! given), and it prints what serving them took of one processor, by the serving thread's own clock.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to a person")]

mod index;

use memscope::{track, track_var};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

const BROWSERS: usize = 10;

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
fn work(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let sources = index::find_sources(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let (index, _) = index::index(sources)?;
    let words: Vec<String> = index.keys().cloned().collect();
    let mut kept = Vec::new();
    for round in 0.. {
        kept.push(stages(&words, round));
        if kept.len() > 5 {
            kept.remove(0);
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

/// Reads all that comes, as a browser does; counts bytes and pulses.
fn listen(address: SocketAddr, bytes: &AtomicU64, pulses: &AtomicU64) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET /events HTTP/1.1\r\nHost: {address}\r\n\r\n")?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        bytes.fetch_add(count as u64, Ordering::Relaxed);
        let come = buffer[..count].windows(12).filter(|text| text == b"event: pulse").count();
        pulses.fetch_add(come as u64, Ordering::Relaxed);
    }
}

fn print_cost(address: SocketAddr, time: Duration) -> Result<(), Box<dyn std::error::Error>> {
    static BYTES: AtomicU64 = AtomicU64::new(0);
    static PULSES: AtomicU64 = AtomicU64::new(0);
    for _ in 0..BROWSERS {
        thread::spawn(move || listen(address, &BYTES, &PULSES));
    }
    // The first of each panel is sent to each.
    thread::sleep(Duration::from_secs(5));
    let rows = memscope::snapshot().variables.len();
    let (bytes, pulses) = (BYTES.load(Ordering::Relaxed), PULSES.load(Ordering::Relaxed));
    let (begun, used) = (Instant::now(), served().ok_or("no thread serves")?);
    thread::sleep(time);
    let (elapsed, used) = (begun.elapsed(), served().ok_or("no thread serves")?.saturating_sub(used));
    let (bytes, pulses) = (BYTES.load(Ordering::Relaxed) - bytes, PULSES.load(Ordering::Relaxed) - pulses);
    let seconds = elapsed.as_secs_f64();
    println!(
        "{BROWSERS} browsers, {rows} variables, {seconds:.1} s: {:.1} ms of processor time, {:.2} % of one processor",
        used.as_secs_f64() * 1e3,
        used.as_secs_f64() / seconds * 100.0
    );
    println!(
        "each browser: {:.1} pulses a second, {:.1} KiB a second",
        pulses as f64 / BROWSERS as f64 / seconds,
        bytes as f64 / BROWSERS as f64 / seconds / 1024.0
    );
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
        let seconds = arguments.next().map_or(Ok(20), |seconds| seconds.parse())?;
        thread::spawn(move || work(&workspace).map_err(|error| eprintln!("live: {error}")));
        thread::sleep(Duration::from_secs(2));
        print_cost(server.address(), Duration::from_secs(seconds))
    } else {
        work(&first.map_or(workspace, PathBuf::from))
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
