//! Indexes the items of a folder of Rust sources by name, and says where its own memory went.
//!
//! ```text
//! cargo run --release --example code_index [FOLDER] [OUTPUT]
//! ```
//!
//! `FOLDER` is this workspace unless given; `OUTPUT` names the reports (`OUTPUT.memscope` and `OUTPUT.html`),
//! `target/code_index` unless given.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to a person")]

use memscope::{Trackable, Visitor, track, track_var};
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::{env, fs, io, thread};
use syn::visit::Visit;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// Where an item stands.
struct Place {
    file: Arc<Path>,
    line: usize,
    kind: &'static str,
}

impl Trackable for Place {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.file.visit_blocks(visitor);
    }
}

/// Items by name.
type Index = HashMap<String, Vec<Place>>;

/// What a worker made of one file.
struct Parsed {
    file: Arc<Path>,
    items: Vec<(String, usize, &'static str)>,
}

/// A file that could not be read or parsed.
struct Skipped {
    file: PathBuf,
    why: String,
}

/// Collects the named items of a file.
#[derive(Default)]
struct Items {
    found: Vec<(String, usize, &'static str)>,
}

impl Items {
    fn note(&mut self, ident: &syn::Ident, kind: &'static str) {
        self.found.push((ident.to_string(), ident.span().start().line, kind));
    }
}

impl<'ast> Visit<'ast> for Items {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(&item.sig.ident, "fn");
        syn::visit::visit_item_fn(self, item);
    }
    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.sig.ident, "method");
        syn::visit::visit_impl_item_fn(self, item);
    }
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.note(&item.ident, "struct");
        syn::visit::visit_item_struct(self, item);
    }
    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.note(&item.ident, "enum");
        syn::visit::visit_item_enum(self, item);
    }
    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.note(&item.ident, "trait");
        syn::visit::visit_item_trait(self, item);
    }
    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.note(&item.ident, "const");
        syn::visit::visit_item_const(self, item);
    }
}

/// All Rust sources below `folder`, without what builds and version control keep there.
#[track]
fn find_sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
    track_var!(let mut sources: Vec<PathBuf> = Vec::new());
    track_var!(let mut folders: Vec<PathBuf> = vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            let name = entry.file_name();
            let hidden = name.as_encoded_bytes().starts_with(b".");
            if entry.file_type()?.is_dir() {
                if !hidden && name != "target" {
                    folders.push(path);
                }
            } else if path.extension() == Some(OsStr::new("rs")) {
                sources.push(path);
            }
        }
    }
    sources.sort();
    track_var!(sources);
    Ok(sources)
}

#[track]
fn parse_file(path: PathBuf) -> Result<Parsed, Skipped> {
    let read = fs::read_to_string(&path);
    let text = match read {
        Ok(text) => text,
        Err(error) => return Err(Skipped { file: path, why: error.to_string() }),
    };
    track_var!(text);
    let syntax = match syn::parse_file(&text) {
        Ok(syntax) => syntax,
        Err(error) => {
            let start = error.span().start();
            return Err(Skipped { file: path, why: format!("line {}: {error}", start.line) });
        }
    };
    let mut items = Items::default();
    items.visit_file(&syntax);
    track_var!(let found: Vec<(String, usize, &'static str)> = items.found);
    Ok(Parsed { file: path.into(), items: found })
}

/// Takes files off the list until none is left.
#[track]
fn parse_some(waiting: &Mutex<Vec<PathBuf>>, send: impl Fn(Result<Parsed, Skipped>)) {
    loop {
        let next = waiting.lock().expect("no worker panics while it holds the list").pop();
        let Some(path) = next else { break };
        send(parse_file(path));
    }
}

#[track]
fn build_index(parsed: &Receiver<Result<Parsed, Skipped>>) -> (Index, Vec<Skipped>) {
    track_var!(let mut index: Index = HashMap::new());
    let mut skipped = Vec::new();
    for file in parsed {
        match file {
            Ok(Parsed { file, items }) => {
                for (name, line, kind) in items {
                    index.entry(name).or_default().push(Place { file: Arc::clone(&file), line, kind });
                }
            }
            Err(file) => skipped.push(file),
        }
    }
    track_var!(index);
    (index, skipped)
}

/// The names that stand in most places.
#[track]
fn most_common(index: &Index) -> Vec<(&str, &[Place])> {
    track_var!(let mut names: Vec<(&str, &[Place])> =
        index.iter().map(|(name, places)| (name.as_str(), places.as_slice())).collect());
    names.sort_by_key(|(name, places)| (std::cmp::Reverse(places.len()), *name));
    names.truncate(10);
    names
}

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

fn print_memory(snapshot: &memscope::model::Snapshot) {
    let totals = &snapshot.totals;
    println!(
        "\n{} bytes live in {} blocks, {} at the peak; {} allocations, {} reallocations",
        totals.live_bytes,
        totals.live_allocations,
        totals.peak_bytes,
        totals.allocations,
        totals.reallocations
    );
    let mut variables: Vec<_> = snapshot.variables.iter().filter(|row| row.heap_bytes > Some(0)).collect();
    variables.sort_by_key(|row| std::cmp::Reverse(row.heap_bytes));
    for row in variables {
        let bytes = row.heap_bytes.unwrap_or(0);
        println!("  {bytes} bytes: {} in {}", row.name, row.scope.join(" → "));
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
    let waiting = Arc::new(Mutex::new(sources));
    let (sender, parsed) = channel();
    let workers: Vec<_> = (0..thread::available_parallelism().map_or(2, usize::from).clamp(2, 8))
        .map(|number| {
            let (waiting, sender) = (Arc::clone(&waiting), sender.clone());
            // The receiver is only gone if the program is.
            let work = move || parse_some(&waiting, |file| _ = sender.send(file));
            thread::Builder::new().name(format!("parser {number}")).spawn(work)
        })
        .collect::<Result<_, _>>()?;
    drop(sender);
    let (index, skipped) = build_index(&parsed);
    for worker in workers {
        worker.join().map_err(|_| "a parser thread panicked")?;
    }

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
