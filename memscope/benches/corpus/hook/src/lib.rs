//! Linked into every test program of an annotated package: installs memscope's allocator, and writes what was recorded
//! when the process ends.
//!
//! ```text
//! FOLDER/PID-NUMBER    begun                        from the start on
//!                      figure NAME VALUE …          written in its place by `exit`
//!                      ran FILE:LINE:COLUMN KEY …   each site that ran
//!                      ended
//! ```
//!
//! A process that is killed or aborts leaves a file that does not say `ended`.

use memscope::model::{Scope, Snapshot};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// Where records go; without it nothing is written.
const FOLDER: &str = "CORPUS_RECORDS";

/// The process that began a record, and its file.
static RECORD: Mutex<Option<(u32, PathBuf)>> = Mutex::new(None);

// SAFETY: the loader calls what stands in this section, once, before `main`.
#[used]
#[unsafe(link_section = ".init_array")]
static BEGIN: extern "C" fn() = begin;

extern "C" fn begin() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    if let Some(record) = create(Path::new(&folder)) {
        *RECORD.lock().expect("nothing panics while it is held") = Some((std::process::id(), record));
        // SAFETY: `end` is a function for the whole of the process's life and unwinds nothing.
        unsafe { libc::atexit(end) };
    }
}

/// A file of this process: process numbers are used again.
fn create(folder: &Path) -> Option<PathBuf> {
    (0..1_000_000).find_map(|number| {
        let file = folder.join(format!("{}-{number}", std::process::id()));
        File::create_new(&file).and_then(|_| fs::write(&file, "begun\n")).is_ok().then_some(file)
    })
}

/// Runs after the destructors of the main thread's locals, while other threads may still be at work.
extern "C" fn end() {
    let Ok(mut record) = RECORD.lock() else { return };
    let Some((process, file)) = record.take() else { return };
    // The child of a fork has its parent's exit functions.
    if process == std::process::id() {
        let _ = fs::write(file, text(&memscope::snapshot()));
    }
}

fn text(snapshot: &Snapshot) -> String {
    let scopes = &snapshot.scopes;
    let sum = |of: fn(&Scope) -> u64| scopes.iter().map(of).sum::<u64>();
    let totals = &snapshot.totals;
    let profiler = &snapshot.profiler;
    let ran = snapshot.sites.iter().filter(|site| site.executions > 0);
    let books_hold = sum(|scope| scope.exclusive.allocations) == totals.allocations
        && sum(|scope| scope.exclusive.deallocations) == totals.deallocations
        && sum(|scope| scope.exclusive.reallocations) == totals.reallocations
        && sum(|scope| scope.exclusive.live_bytes) == totals.live_bytes
        && totals.allocations - totals.deallocations == totals.live_allocations
        && totals.allocated_bytes - totals.deallocated_bytes == totals.live_bytes;
    let figures: [(&str, u64); 11] = [
        ("allocator_installed", profiler.allocator_installed.into()),
        ("sites", snapshot.sites.len() as u64),
        ("scopes", scopes.len() as u64),
        ("depth", scopes.iter().map(|scope| scope.path.len() as u64).max().unwrap_or(0)),
        ("calls", sum(|scope| scope.calls)),
        ("recursive_calls", sum(|scope| scope.recursive_calls)),
        ("folded", profiler.folded_scopes),
        ("allocations", totals.allocations),
        ("unrecorded", profiler.unrecorded_events),
        ("unknown_blocks", profiler.blocks_before_start.unwrap_or(0)),
        ("books_hold", books_hold.into()),
    ];
    let mut text = String::new();
    for (name, value) in figures {
        // A String takes any text.
        let _ = writeln!(text, "figure {name} {value}");
    }
    for site in ran {
        let _ = writeln!(text, "ran {}:{}:{} {}", site.file, site.line, site.column, site.key);
    }
    text.push_str("ended\n");
    text
}
