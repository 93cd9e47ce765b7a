//! What the looks cost that the page of a running program (feature `serve`, `docs/live.md`) takes at it: processor time of a
//! look's parts, in a program of 305 variables like `examples/live.rs`'s.
//!
//! ```text
//! cargo run --release -p memscope --features serve --example look_cost [LOOKS]
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to a person")]

use memscope::{track, track_var};
use memscope_dashboard::live;
use memscope_runtime::{Depth, snapshot_to};
use std::hint::black_box;
use std::time::Duration;
use std::{env, thread};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// A stage of the work: five variables of its own, which it gives to what comes after it.
macro_rules! stages {
    ($($stage:ident)*) => {
        #[track]
        fn stages(round: usize) -> Vec<Vec<String>> {
            vec![$($stage(round)),*].into_iter().flatten().collect()
        }
        $(#[track]
        fn $stage(round: usize) -> Vec<Vec<String>> {
            let count = 20 + (round + stringify!($stage).len()) % 7;
            let words = |letter: char| (0..count).map(|length| letter.to_string().repeat(1 + length)).collect();
            track_var!(let first: Vec<String> = words('a'));
            track_var!(let last: Vec<String> = words('b'));
            track_var!(let long: Vec<String> = words('c'));
            track_var!(let short: Vec<String> = words('d'));
            track_var!(let joined: String = first.join(" "));
            vec![first, last, long, short, vec![joined]]
        })*
    };
}

stages! {
    a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1 d2 d3 d4 d5 d6 d7 d8 d9
    e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 g0
}

fn used() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the place is for the answer.
    let answer = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(answer, 0, "the clock is Linux's");
    Duration::from_nanos(time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs())
}

fn measure<T>(what: &str, looks: u32, mut f: impl FnMut() -> T) {
    black_box(f());
    let begun = used();
    for _ in 0..looks {
        black_box(f());
    }
    println!("{:>9.1} µs  {what}", (used() - begun).as_secs_f64() * 1e6 / f64::from(looks));
}

fn main() {
    let looks = env::args().nth(1).and_then(|looks| looks.parse().ok()).unwrap_or(200);
    thread::spawn(|| {
        let mut kept = std::collections::VecDeque::new();
        for round in 0.. {
            kept.push_back(stages(round));
            if kept.len() > 5 {
                kept.pop_front();
            }
            thread::sleep(Duration::from_millis(100));
        }
    });
    thread::sleep(Duration::from_secs(6));
    let own = memscope_runtime::own_work();
    let whole = memscope_runtime::snapshot(&[]);
    println!(
        "{} variables, {} scopes, {} points, {} moments",
        whole.variables.len(),
        whole.scopes.len(),
        whole.timeline.len(),
        whole.trend_ms.len()
    );
    measure("snapshot_to(Books)", looks, || snapshot_to(Depth::Books));
    measure("snapshot_to(Variables)", looks, || snapshot_to(Depth::Variables));
    measure("snapshot", looks / 4, || memscope_runtime::snapshot(&[]));
    measure("pulse", looks, memscope_runtime::pulse::pulse);
    measure("panels_of_books", looks, || live::panels_of_books(&whole));
    measure("panels_of_variables", looks, || live::panels_of_variables(&whole));
    measure("panels_of_blocks", looks, || live::panels_of_blocks(&whole));
    for panels in
        [live::panels_of_books(&whole), live::panels_of_variables(&whole), live::panels_of_blocks(&whole)]
    {
        for panel in panels.expect("they are") {
            println!("{:>9} bytes  {}", panel.json.len(), panel.name);
        }
    }
    drop(own);
}
