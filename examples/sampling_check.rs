//! Indexes the items of a folder of Rust sources by name, as `code_index` does, and sets what memscope's sample says of
//! it beside what really happened.
//!
//! ```text
//! cargo run --release -p memscope-examples --features sampling --example sampling_check [FOLDER]
//! ```
//!
//! `FOLDER` is this workspace unless given. `MEMSCOPE_SAMPLE_BYTES` in the environment is the mean distance between two
//! samples, 524288 unless given.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to a person")]

mod index;

use index::{Place, Skipped, find_sources, index, most_common};
use memscope::sampling::self_check;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn run() -> Result<(), Box<dyn Error>> {
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the examples stand in the workspace");
    let folder = std::env::args_os().nth(1).map_or_else(|| workspace.to_owned(), PathBuf::from);
    // The index outlives the check, so that something is alive at its end.
    let mut indexed = None;
    let check = self_check(|| {
        indexed = Some(find_sources(&folder).map_err(Into::into).and_then(index).inspect(|(index, _)| {
            most_common(index);
        }));
    })?;
    let (index, skipped) = indexed.expect("the work was done")?;
    println!("{} names, {} files skipped", index.len(), skipped.len());
    for Skipped { file, why } in &skipped {
        println!("  {}: {why}", file.display());
    }
    let longest = index.iter().max_by_key(|(name, places)| (places.len(), *name));
    if let Some((name, places)) = longest {
        let Place { file, line, kind } = &places[0];
        println!(
            "most often: {name} ({} places, such as the {kind} in {}:{line})",
            places.len(),
            file.display()
        );
    }
    println!("\n{check}");
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sampling_check: {error}");
            ExitCode::from(2)
        }
    }
}
