//! The work of the examples `code_index` and `sampling_check`: the items of Rust sources by name, found on several
//! threads.

use memscope::{Trackable, Visitor, track, track_var};
use std::collections::HashMap;
use std::error::Error;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::{fs, io, thread};
use syn::visit::Visit;

/// Where an item stands.
pub(crate) struct Place {
    pub(crate) file: Arc<Path>,
    pub(crate) line: usize,
    pub(crate) kind: &'static str,
}

impl Trackable for Place {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.file.visit_blocks(visitor);
    }
}

/// Items by name.
pub(crate) type Index = HashMap<String, Vec<Place>>;

/// What a worker made of one file.
struct Parsed {
    file: Arc<Path>,
    items: Vec<(String, usize, &'static str)>,
}

/// A file that could not be read or parsed.
pub(crate) struct Skipped {
    pub(crate) file: PathBuf,
    pub(crate) why: String,
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
pub(crate) fn find_sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
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
pub(crate) fn most_common(index: &Index) -> Vec<(&str, &[Place])> {
    track_var!(let mut names: Vec<(&str, &[Place])> =
        index.iter().map(|(name, places)| (name.as_str(), places.as_slice())).collect());
    names.sort_by_key(|(name, places)| (std::cmp::Reverse(places.len()), *name));
    names.truncate(10);
    names
}

/// The items of all sources, and the files that could not be read.
pub(crate) fn index(sources: Vec<PathBuf>) -> Result<(Index, Vec<Skipped>), Box<dyn Error>> {
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
    Ok((index, skipped))
}
