//! How things are called: threads, scopes, places, stages, fates, provenances. One wording for every panel.

use super::{diagnostics, scopes, variables};
use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::{
    CategoryKind, Fate, Held, Mode, Provenance, Severity, Snapshot, Stage, Walk,
};
use serde::Serialize;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

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

/// One of a few possible answers, with its name and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Term {
    /// As in the document.
    pub key: &'static str,
    /// Name for a person.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub meaning: &'static str,
}

/// Names that are looked up by number, and what of it has a place on the page to go to.
#[derive(Debug)]
pub struct Labels<'a> {
    thread_names: HashMap<u32, Option<&'a str>>,
    /// `None`: several scopes have this path.
    scopes: HashMap<&'a [String], Option<usize>>,
    inspected: HashSet<usize>,
    listed_scopes: HashSet<usize>,
    findings: HashMap<usize, Vec<usize>>,
    snapshot: &'a Snapshot,
}

impl<'a> Labels<'a> {
    /// The names in `snapshot`.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        // Names are short: `a::new` and `b::new` may have one path, which then tells neither of them.
        let mut scopes = HashMap::with_capacity(snapshot.scopes.len());
        for (index, row) in snapshot.scopes.iter().enumerate() {
            scopes.entry(&*row.path).and_modify(|known| *known = None).or_insert(Some(index));
        }
        Self {
            scopes,
            inspected: variables::with_card(snapshot).0.into_iter().collect(),
            listed_scopes: scopes::listed(snapshot).0.into_iter().collect(),
            findings: diagnostics::by_variable(snapshot),
            ..Self::of_threads(snapshot)
        }
    }

    /// What they are of.
    pub fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// The names of its threads alone: nothing else has a place to go to.
    pub fn of_threads(snapshot: &'a Snapshot) -> Self {
        Self {
            thread_names: snapshot.threads.iter().map(|row| (row.id, row.name.as_deref())).collect(),
            scopes: HashMap::new(),
            inspected: HashSet::new(),
            listed_scopes: HashSet::new(),
            findings: HashMap::new(),
            snapshot,
        }
    }

    /// The thread `id`, which stands at `from` in the document.
    pub fn thread(&self, from: impl Into<String>, id: u32) -> ThreadLabel {
        ThreadLabel { id: Figure::name(from, u64::from(id)), name: self.thread_name(id) }
    }

    /// Whether the variable at `index` has an inspector to open.
    pub fn has_inspector(&self, index: usize) -> bool {
        self.inspected.contains(&index)
    }

    /// Whether the scope at `index` has a row to go to.
    pub fn has_row(&self, index: usize) -> bool {
        self.listed_scopes.contains(&index)
    }

    /// The row to go to of the scope with this path; `None`: it is not listed, or not the only one of this path.
    pub fn scope_link(&self, path: &[String]) -> Option<usize> {
        self.scope_index(path).filter(|&index| self.has_row(index))
    }

    /// The standard error of the figure at `pointer`; `None`: it is exact.
    pub fn error_of(&self, pointer: &str) -> Option<u64> {
        if self.snapshot.mode != Mode::Sampling {
            return None;
        }
        // Only the row that is pointed at becomes JSON: a document of 10⁵ variables would take seconds.
        let mut names = pointer.strip_prefix('/')?.splitn(3, '/');
        let (list, index) = (names.next()?, names.next()?);
        let rest = names.next();
        let row = |row: Option<Value>| row?.pointer(&format!("/{}_error", rest?))?.as_u64();
        let number = || index.parse::<usize>().ok();
        match list {
            "totals" => json(&self.snapshot.totals)?.get(format!("{index}_error"))?.as_u64(),
            "profiler" => json(&self.snapshot.profiler)?.get(format!("{index}_error"))?.as_u64(),
            "scopes" => row(json(self.snapshot.scopes.get(number()?)?)),
            "variables" => row(json(self.snapshot.variables.get(number()?)?)),
            "threads" => row(json(self.snapshot.threads.get(number()?)?)),
            "types" => row(json(self.snapshot.types.get(number()?)?)),
            "timeline" => row(json(self.snapshot.timeline.get(number()?)?)),
            "foreign_frees" => row(json(self.snapshot.foreign_frees.get(number()?)?)),
            "sizes" => row(json(self.snapshot.sizes.as_slice().get(number()?)?)),
            "lifetimes" => row(json(self.snapshot.lifetimes.as_slice().get(number()?)?)),
            _ => json(&self.snapshot.folded)
                .filter(|_| list == "folded")?
                .pointer(&format!("/{index}/{}_error", rest?))?
                .as_u64(),
        }
    }

    /// The numbers of the findings shown that are about the variable at `index`.
    pub fn findings_about(&self, index: usize) -> &[usize] {
        self.findings.get(&index).map_or(&[], Vec::as_slice)
    }

    /// The severity of the worst of them.
    pub fn worst_finding_about(&self, index: usize) -> Option<Severity> {
        // The document lists the worst first.
        self.findings_about(index).first().map(|&number| self.snapshot.findings[number].severity)
    }

    /// Where in the document the scope with this path stands; `None`: nowhere, or it is not the only one of this path.
    pub fn scope_index(&self, path: &[String]) -> Option<usize> {
        self.scopes.get(path).copied().flatten()
    }

    /// The visible name of thread `id`.
    pub fn thread_name(&self, id: u32) -> Option<String> {
        self.thread_names.get(&id).copied().flatten().map(visible)
    }
}

fn json(row: &impl Serialize) -> Option<Value> {
    serde_json::to_value(row).ok()
}

/// A scope's path for a person; the root has a name too.
pub fn scope(path: &[String]) -> String {
    if path.is_empty() {
        return "outside tracked functions".into();
    }
    visible(&path.join(" › "))
}

/// The same where a scope is told with all below it: the root's is everything.
pub fn scope_and_below(path: &[String]) -> String {
    if path.is_empty() { "whole program".into() } else { scope(path) }
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
            "The binding has ended and none of its blocks is left to it: the last of them went elsewhere.",
        ),
        Stage::Deallocated => {
            ("deallocated", "⚫", "Deallocated", "All blocks that it was last seen to own are freed.")
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

/// What became of an execution.
pub fn fate(fate: Fate) -> Term {
    match fate {
        Fate::DroppedInScope => Term {
            key: "dropped_in_scope",
            name: "dropped in scope",
            meaning: "Its blocks were freed before its scope was left.",
        },
        Fate::OutlivedScope => Term {
            key: "outlived_scope",
            name: "outlived its scope, since freed",
            meaning: "Its blocks outlived its scope, and are freed.",
        },
        Fate::LiveAtExport => Term {
            key: "live_at_export",
            name: "outlived its scope, still alive",
            meaning: "Its blocks outlived its scope and are alive.",
        },
    }
}

/// Who holds a `RefCell` or a lock.
pub fn held(held: Held) -> Term {
    match held {
        Held::Free => {
            Term { key: "free", name: "free", meaning: "Nobody held it at the last look at the value." }
        }
        Held::Shared => Term {
            key: "shared",
            name: "read",
            meaning: "One reader or more held it at the last look at the value.",
        },
        Held::Exclusive => Term {
            key: "exclusive",
            name: "written",
            meaning: "One writer held it at the last look at the value.",
        },
    }
}

/// Where figures come from.
pub fn provenance(provenance: Provenance) -> Term {
    match provenance {
        Provenance::Measured => Term {
            key: "measured",
            name: "measured",
            meaning: "Read from what happened, event by event, or from the value when it was looked at.",
        },
        Provenance::Sampled => Term {
            key: "sampled",
            name: "sampled",
            meaning: "Estimated from a sample: it reads with ± and one standard error, or < and an upper bound. A share or \
                      trend of estimates is one itself; what else has neither is counted exactly.",
        },
        Provenance::Declared => Term {
            key: "declared",
            name: "declared",
            meaning: "Said by the program itself through track_allocation or track_variable.",
        },
        Provenance::Inferred => Term {
            key: "inferred",
            name: "inferred",
            meaning: "Follows from other figures by a rule, which stands beside it with its evidence.",
        },
        Provenance::NotMeasured => Term {
            key: "not_measured",
            name: crate::units::NOT_MEASURED,
            meaning: "Nobody looked: no figure is known, and none is put in its place.",
        },
    }
}

/// The provenances in the order of the page's key to them.
pub const PROVENANCES: [Provenance; 5] = [
    Provenance::Measured,
    Provenance::Sampled,
    Provenance::Declared,
    Provenance::Inferred,
    Provenance::NotMeasured,
];

/// Where the figures of memory in a recording of `mode` come from.
pub fn provenance_in(mode: Mode) -> Term {
    provenance(match mode {
        Mode::Off => Provenance::NotMeasured,
        Mode::Live => Provenance::Measured,
        Mode::Sampling => Provenance::Sampled,
        Mode::Declared => Provenance::Declared,
    })
}

/// The kind of work that a scope does.
pub fn category(kind: CategoryKind) -> Term {
    match kind {
        CategoryKind::CpuIntensive => Term {
            key: "cpu_intensive",
            name: "CPU intensive",
            meaning: "Most of its time is spent computing.",
        },
        CategoryKind::IoIntensive => Term {
            key: "io_intensive",
            name: "IO intensive",
            meaning: "Most of its time, or much of what it does, is reading and writing.",
        },
        CategoryKind::MemoryIntensive => Term {
            key: "memory_intensive",
            name: "memory intensive",
            meaning: "Much of its time goes into allocating.",
        },
        CategoryKind::AsyncIntensive => Term {
            key: "async_intensive",
            name: "async intensive",
            meaning: "It is polled, and mostly waits.",
        },
        CategoryKind::Unclassified => Term {
            key: "unclassified",
            name: "unclassified",
            meaning: "Too few samples, or no kind stands out.",
        },
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
