//! The four recordings, and the files of their pages.

use crate::{breakout, fixture, forest, huge};
use memscope_dashboard::render;
use memscope_runtime::format::read_file;
use memscope_runtime::snapshot::{Scope, ScopeThread, Snapshot};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

/// Live blocks of the largest recording that a page is given; a file lists those with the most bytes.
const LISTED_BLOCKS: usize = 2_000;

/// Pairs of scope and thread of a file.
const PAIRS: usize = 4_096;

/// The most that any page takes, …
const MOST_BYTES: usize = 3_000_000;
/// … and one with as few variables as the example has, which are six, and all that a real recording holds beside them.
const MOST_BYTES_OF_FEW: usize = 250_000;

/// Two variables, and something in every field.
pub(crate) fn tiny() -> Snapshot {
    fixture::small()
}

/// Names that try to break out of wherever they are written, in turns.
pub(crate) fn hostile() -> Snapshot {
    breakout::mixed(0)
}

/// What the example records of itself as it indexes this package's sources.
pub(crate) fn code_index() -> Snapshot {
    let folder = TempDir::new().unwrap();
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = folder.path().join("code_index");
    let run = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--quiet", "--package", "memscope-examples", "--example", "code_index", "--"])
        .args([&package.join("src"), &output])
        .current_dir(package)
        .output()
        .unwrap();
    assert!(run.status.success(), "code_index: {}", String::from_utf8_lossy(&run.stderr));
    read_file(&output.with_extension("memscope")).unwrap()
}

/// 10⁵ variables, 10⁷ live allocations, 20,000 scopes, 10⁴ threads and a week, as the program itself exports them: a file
/// lists fewer.
pub(crate) fn largest() -> Snapshot {
    let mut all = huge::huge();
    all.blocks.largest = huge::blocks().take(LISTED_BLOCKS).collect();
    all.totals.allocations = all.totals.deallocations + huge::LIVE_BLOCKS;
    all.blocks.folded_blocks = huge::LIVE_BLOCKS - LISTED_BLOCKS as u64;
    all
}

/// As many pairs of scope and thread as a file lists: what a scope holds is all of one of sixteen threads.
fn by_thread(mut all: Snapshot) -> Snapshot {
    let template = all.scope_threads[0];
    let threads: Vec<u32> = all.threads.iter().map(|thread| thread.id).take(16).collect();
    let pair = |(number, (scope, thread)): (usize, (&Scope, &u32))| ScopeThread {
        scope: number as u32,
        thread: Some(*thread),
        pairs: 1,
        calls: scope.calls,
        allocations: scope.exclusive.allocations,
        allocated_bytes: scope.exclusive.allocated_bytes,
        live_bytes: scope.exclusive.live_bytes,
        live_at_peak_bytes: scope.exclusive.live_at_peak_bytes,
        ..template
    };
    let pairs = all.scopes.iter().zip(threads.iter().cycle()).enumerate().take(PAIRS);
    all.scope_threads = pairs.map(pair).collect();
    all
}

/// A recording's name and its page, made once.
pub(crate) struct Page {
    pub(crate) name: &'static str,
    file: OnceLock<PathBuf>,
    snapshot: fn() -> Snapshot,
}

impl Page {
    const fn of(name: &'static str, snapshot: fn() -> Snapshot) -> Page {
        Page { name, file: OnceLock::new(), snapshot }
    }

    pub(crate) fn file(&self) -> &Path {
        self.file.get_or_init(|| {
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("panels-{}.html", self.name));
            let html = render(&(self.snapshot)()).unwrap();
            let most = if self.name == "code_index" { MOST_BYTES_OF_FEW } else { MOST_BYTES };
            assert!(html.len() <= most, "{}: {} bytes, more than {most}", self.name, html.len());
            fs::write(&file, html).unwrap();
            file
        })
    }
}

pub(crate) static PAGES: [Page; 4] = [
    Page::of("tiny", tiny),
    Page::of("code_index", code_index),
    Page::of("hostile", hostile),
    Page::of("largest", largest),
];

/// As many scopes as a file lists, 60 deep, each with what it held over time.
fn deep() -> Snapshot {
    let program = fixture::exact(&fixture::large(5));
    by_thread(forest::over_time(forest::in_one_place(forest::forest(program, 4_096, 60))))
}

/// The page of the scopes that are the deepest.
pub(crate) fn deep_page() -> &'static Path {
    static PAGE: Page = Page::of("deep", deep);
    PAGE.file()
}

/// The page of the largest recording.
pub(crate) fn largest_page() -> &'static Path {
    PAGES[3].file()
}
