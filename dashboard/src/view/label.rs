//! How things are called: threads, scopes, places, stages. One wording for every panel.

use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::{CategoryKind, Mode, Provenance, Snapshot, Stage, Walk};
use serde::Serialize;
use std::collections::HashMap;

/// A thread, by its number and, where known, its name.
#[derive(Clone, Debug, Serialize)]
pub struct ThreadLabel {
    /// memscope's number for it.
    pub id: Figure,
    /// The operating system's name for it.
    pub name: Option<String>,
}

/// A place in the source.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// File as the compiler was given it.
    pub file: String,
    /// Line, where known.
    pub line: Option<Figure>,
}

/// A stage with its sign, its name and what it means.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StageLabel {
    /// As in the document.
    pub key: &'static str,
    /// The user guide's sign for it.
    pub sign: &'static str,
    /// Name for a person.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub meaning: &'static str,
}

/// Names that are looked up by number.
#[derive(Debug)]
pub struct Labels<'a> {
    thread_names: HashMap<u32, Option<&'a str>>,
}

impl<'a> Labels<'a> {
    /// The names in `snapshot`.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        let thread_names = snapshot.threads.iter().map(|row| (row.id, row.name.as_deref())).collect();
        Self { thread_names }
    }

    /// The thread `id`, which stands at `from` in the document.
    pub fn thread(&self, from: impl Into<String>, id: u32) -> ThreadLabel {
        ThreadLabel { id: Figure::name(from, u64::from(id)), name: self.thread_name(id) }
    }

    /// The visible name of thread `id`.
    pub fn thread_name(&self, id: u32) -> Option<String> {
        self.thread_names.get(&id).copied().flatten().map(visible)
    }
}

/// A scope's path for a person; the root has a name too.
pub fn scope(path: &[String]) -> String {
    if path.is_empty() {
        return "outside tracked functions".into();
    }
    visible(&path.join(" › "))
}

/// `file` and `line`, which stand beside each other at `row` in the document.
pub fn place(row: &str, file: Option<&str>, line: Option<u32>) -> Option<Place> {
    let line = line.map(|line| Figure::name(format!("{row}/line"), u64::from(line)));
    file.map(|file| Place { file: visible(file), line })
}

/// The label of `stage`.
pub fn stage(stage: Stage) -> StageLabel {
    let (key, sign, name, meaning) = match stage {
        Stage::Active => ("active", "🟢", "Active", "The binding is in scope."),
        Stage::Allocated => (
            "allocated",
            "🟡",
            "Allocated",
            "The binding has ended and its blocks live on: it was moved, returned or leaked.",
        ),
        Stage::Shared => (
            "shared",
            "🔄",
            "Shared",
            "More than one strong owner (Rc or Arc) at the last observation, and still alive.",
        ),
        Stage::Moved => (
            "moved",
            "↪",
            "Moved",
            "The binding has ended and another tracked variable owns what blocks of it are left.",
        ),
        Stage::Deallocated => {
            ("deallocated", "⚫", "Deallocated", "All blocks that it was seen to own are freed.")
        }
        Stage::Ended => (
            "ended",
            "◌",
            "Ended",
            "The binding has ended; what became of its blocks is not measured: sampling follows no variable's blocks.",
        ),
        Stage::NoHeap => {
            ("no_heap", "○", "No heap", "The binding has ended and was never seen to own a block.")
        }
    };
    StageLabel { key, sign, name, meaning }
}

/// The stages in the order of the page's filter.
pub const STAGES: [Stage; 7] = [
    Stage::Active,
    Stage::Allocated,
    Stage::Shared,
    Stage::Moved,
    Stage::Deallocated,
    Stage::Ended,
    Stage::NoHeap,
];

/// How far a type could be looked into.
pub fn walk(walk: Walk) -> &'static str {
    match walk {
        Walk::Full => "all blocks of the value were found",
        Walk::ContainerOnly => "the container's own blocks only; what its elements own was not looked at",
        Walk::NotWalked => "type not walked",
        Walk::Declared => "declared by the program",
    }
}

/// Where figures come from.
pub fn provenance(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Measured => "measured",
        Provenance::Sampled => "sampled",
        Provenance::Declared => "declared",
        Provenance::Inferred => "inferred",
        Provenance::NotMeasured => crate::units::NOT_MEASURED,
    }
}

/// The kind of work that a scope does.
pub fn category(kind: CategoryKind) -> &'static str {
    match kind {
        CategoryKind::CpuIntensive => "CPU intensive",
        CategoryKind::IoIntensive => "IO intensive",
        CategoryKind::MemoryIntensive => "memory intensive",
        CategoryKind::AsyncIntensive => "async intensive",
        CategoryKind::Unclassified => "unclassified",
    }
}

/// How a recording's figures came about.
pub fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Off => "off",
        Mode::Live => "live",
        Mode::Sampling => "sampling",
        Mode::Declared => "declared",
    }
}
