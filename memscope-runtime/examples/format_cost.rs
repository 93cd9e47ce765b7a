//! What the file format costs: sizes, and the times of writing and reading. The figures of `docs/format.md` are its output:
//!
//! ```text
//! cargo run --release -p memscope-runtime --no-default-features --example format_cost
//! ```
#![expect(clippy::print_stdout, reason = "an example prints")]

#[path = "../../dashboard/tests/fixture/mod.rs"]
mod fixture;
#[path = "../tests/huge/mod.rs"]
mod huge;

use memscope_runtime::format::{Recording, read, write, write_file_with_all_blocks};
use memscope_runtime::snapshot::Snapshot;
use std::io::Cursor;
use std::time::Instant;

/// The result, and the shortest of five runs in milliseconds.
fn timed<T>(mut run: impl FnMut() -> T) -> (T, f64) {
    let mut shortest = f64::INFINITY;
    let mut result = None;
    for _ in 0..5 {
        let started = Instant::now();
        result = Some(run());
        shortest = shortest.min(started.elapsed().as_secs_f64() * 1_000.0);
    }
    (result.expect("it ran"), shortest)
}

fn row(name: &str, snapshot: &Snapshot) {
    let (bytes, write_ms) = timed(|| write(snapshot));
    let (read, read_ms) = timed(|| read(&bytes).expect("it was just written"));
    let mut recording = Recording::from_source(Cursor::new(&bytes)).expect("it was just written");
    let (_, head_ms) = timed(|| recording.head().expect("it was just written"));
    let raw: u64 = recording.chunks().iter().map(|chunk| u64::from(chunk.raw_bytes)).sum();
    println!(
        "{name:<28} {raw:>10} raw, {:>10} in the file; write {write_ms:>7.2} ms, read {read_ms:>7.2} ms, totals \
         alone {head_ms:.3} ms; {} variables, {} scopes listed",
        bytes.len(),
        read.variables.len(),
        read.scopes.len(),
    );
}

fn main() {
    row("small", &fixture::small());
    row("5,000 variables, exact", &fixture::exact(&fixture::large(5_000)));
    row("5,000 variables, sampled", &fixture::large(5_000));
    let huge = huge::huge();
    row("more than is listed", &huge);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("all.memscope");
    let started = Instant::now();
    write_file_with_all_blocks(&path, &huge, |each| huge::blocks().for_each(each))
        .expect("it can be written");
    let write_ms = started.elapsed().as_secs_f64() * 1_000.0;
    let started = Instant::now();
    let mut sum = 0;
    let count =
        Recording::open(&path).and_then(|mut recording| recording.all_blocks(|block| sum += block.bytes));
    println!(
        "all {} live blocks: {} bytes; write {write_ms:.0} ms, read {:.0} ms, {sum} bytes live",
        count.expect("it was just written").expect("it has the list"),
        std::fs::metadata(&path).expect("it was just written").len(),
        started.elapsed().as_secs_f64() * 1_000.0,
    );
}
