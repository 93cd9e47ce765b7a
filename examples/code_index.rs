//! Indexes the items of a folder of Rust sources by name, and says where its own memory went.
//!
//! ```text
//! cargo run --release --example code_index [FOLDER] [OUTPUT]
//! ```
//!
//! `FOLDER` is this workspace unless given; `OUTPUT` names the reports (`OUTPUT.memscope` and `OUTPUT.html`),
//! `target/code_index` unless given.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to a person")]

mod index;

use index::{Index, Skipped, find_sources, index, most_common};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn print_index(index: &Index, skipped: &[Skipped]) {
    let places: usize = index.values().map(Vec::len).sum();
    println!("{} names in {places} places", index.len());
    for (name, places) in most_common(index) {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for place in places {
            *kinds.entry(place.kind).or_default() += 1;
        }
        let kinds: Vec<String> = kinds.into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let first = &places[0];
        println!("  {name}: {} (such as {}:{})", kinds.join(", "), first.file.display(), first.line);
    }
    for Skipped { file, why } in skipped {
        println!("  skipped {}: {why}", file.display());
    }
}

/// In the units of the page.
fn size(bytes: u64) -> String {
    let kib = bytes as f64 / 1024.0;
    if kib < 1024.0 { format!("{kib:.1} KiB") } else { format!("{:.1} MiB", kib / 1024.0) }
}

fn print_memory(snapshot: &memscope::model::Snapshot) {
    let totals = &snapshot.totals;
    println!(
        "\n{} live in {} blocks, {} at the peak; {} allocations, {} reallocations",
        size(totals.live_bytes),
        totals.live_allocations,
        size(totals.peak_bytes),
        totals.allocations,
        totals.reallocations
    );
    let mut variables: Vec<_> = snapshot.variables.iter().filter(|row| row.heap_bytes > Some(0)).collect();
    variables.sort_by_key(|row| std::cmp::Reverse(row.heap_bytes));
    for row in variables {
        let bytes = row.heap_bytes.unwrap_or(0);
        println!("  {}: {} in {}", size(bytes), row.name, row.scope.join(" → "));
    }
    println!("{} findings", snapshot.findings.len());
    for finding in &snapshot.findings {
        println!("  {:?}: {}", finding.severity, finding.message);
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args_os().skip(1);
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the examples stand in the workspace");
    let folder = arguments.next().map_or_else(|| workspace.to_owned(), PathBuf::from);
    let output = arguments.next().map_or_else(|| workspace.join("target/code_index"), PathBuf::from);

    let sources = find_sources(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    println!("{} files below {}", sources.len(), folder.display());
    let (index, skipped) = index(sources)?;

    print_index(&index, &skipped);
    print_memory(&memscope::snapshot());
    if let Some(folder) = output.parent() {
        fs::create_dir_all(folder)
            .map_err(|error| format!("{}: cannot be made: {error}", folder.display()))?;
    }
    for extension in ["memscope", "html"] {
        let path = output.with_extension(extension);
        memscope::export(&path)?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("code_index: {error}");
            ExitCode::from(2)
        }
    }
}
