//! The variables that the page holds, as columns: what its script makes cards of, searches, filters and sorts.
//!
//! Columns of numbers, because a row of names would take five times the room. Texts are the visible ones, each once;
//! `assets/card.js` reads them, and makes the same [`Card`](super::variables::Card) of a row as
//! [`variables`](super::variables) does.

use super::label::{self, Labels, StageLabel, Term};
use super::variables::{CardCategory, category, drawn_history, last_ms, with_card};
use crate::figure::Whole;
use crate::text::visible;
use memscope_runtime::snapshot::{Provenance, Snapshot};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Executions that the cards of a page draw at most, together.
const MOST_DRAWN_TOGETHER: usize = 10_000;

/// One entry of each column for each variable, most live bytes first. A column in which nothing is known is null.
#[derive(Clone, Debug, Default, Serialize)]
pub struct VariableRows {
    /// Texts that columns name by their place here.
    pub texts: Vec<String>,
    /// The stages that occur.
    pub stages: Vec<StageLabel>,
    /// The provenances that occur.
    pub provenances: Vec<Term>,
    /// The categories that occur.
    pub categories: Vec<CardCategory>,
    /// Lists of threads that occur.
    pub thread_lists: Vec<Vec<u32>>,
    /// Names of threads.
    pub thread_names: BTreeMap<u32, String>,
    /// Index into the document's `variables`.
    pub index: Vec<usize>,
    /// Name of the binding, among the texts.
    pub name: Vec<usize>,
    /// Type.
    pub type_name: Vec<Option<usize>>,
    /// Path of the scope.
    pub scope: Vec<usize>,
    /// Source file.
    pub file: Vec<Option<usize>>,
    /// Line in it.
    pub line: Vec<Option<u32>>,
    /// The liveliest stage.
    pub stage: Vec<usize>,
    /// Which list of threads.
    pub threads: Vec<usize>,
    /// Bytes alive.
    pub heap_bytes: Vec<Option<Whole>>,
    /// Their standard error.
    pub heap_bytes_error: Option<Vec<Option<Whole>>>,
    /// Blocks alive.
    pub blocks: Vec<Option<Whole>>,
    /// Their standard error.
    pub blocks_error: Option<Vec<Option<Whole>>>,
    /// Executions.
    pub instances: Vec<Whole>,
    /// First execution.
    pub first_ms: Vec<Whole>,
    /// When it was last seen; null: it is in scope, or blocks of it live.
    pub last_ms: Vec<Option<Whole>>,
    /// Where bytes and blocks come from.
    pub provenance: Vec<usize>,
    /// What kind of work the scope does.
    pub category: Option<Vec<Option<usize>>>,
    /// Severities of the worst findings, by place in the list.
    pub finding: BTreeMap<usize, &'static str>,
    /// The most bytes of each of the newest executions, of the first variables, as far as there is room.
    pub history: Vec<Vec<Option<Whole>>>,
}

/// Things by number: each kind once.
struct Numbers<T> {
    all: Vec<T>,
    numbers: HashMap<T, usize>,
}

impl<T: Clone + Eq + std::hash::Hash> Numbers<T> {
    fn new() -> Self {
        Self { all: Vec::new(), numbers: HashMap::new() }
    }

    fn of(&mut self, thing: T) -> usize {
        if let Some(&number) = self.numbers.get(&thing) {
            return number;
        }
        self.all.push(thing.clone());
        self.numbers.insert(thing, self.all.len() - 1);
        self.all.len() - 1
    }
}

/// The rows of `snapshot`.
pub fn variable_rows(snapshot: &Snapshot, labels: &Labels<'_>) -> VariableRows {
    let held = with_card(snapshot).0;
    let mut rows = VariableRows::default();
    let (mut texts, mut stages, mut provenances) =
        (Numbers::new(), Numbers::new(), Numbers::<Provenance>::new());
    let (mut categories, mut thread_lists) = (Numbers::new(), Numbers::new());
    // Paths are joined and categories looked up once for each scope.
    let mut scopes: HashMap<&[String], usize> = HashMap::new();
    let mut of_scope: HashMap<_, Option<usize>> = HashMap::new();
    let (mut heap_errors, mut block_errors, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    let mut drawn = 0;
    for (position, &index) in held.iter().enumerate() {
        let row = &snapshot.variables[index];
        rows.index.push(index);
        rows.name.push(texts.of(visible(&row.name)));
        rows.type_name.push(row.type_name.as_deref().map(|name| texts.of(visible(name))));
        let scope = scopes.entry(&row.scope).or_insert_with(|| texts.of(label::scope(&row.scope)));
        rows.scope.push(*scope);
        rows.file.push(row.file.as_deref().map(|file| texts.of(visible(file))));
        rows.line.push(row.line.filter(|_| row.file.is_some()));
        rows.stage.push(stages.of(row.stage));
        rows.threads.push(thread_lists.of(row.threads.clone()));
        rows.heap_bytes.push(row.heap_bytes.map(Whole));
        heap_errors.push(row.heap_bytes_error.map(Whole));
        rows.blocks.push(row.blocks.map(Whole));
        block_errors.push(row.blocks_error.map(Whole));
        rows.instances.push(Whole(row.instances));
        rows.first_ms.push(Whole(row.first_ms));
        rows.last_ms.push(last_ms(row).map(Whole));
        rows.provenance.push(provenances.of(row.provenance));
        kinds.push(
            *of_scope
                .entry((&row.scope, row.category))
                .or_insert_with(|| category(snapshot, row, labels).map(|category| categories.of(category))),
        );
        if let Some(severity) = labels.worst_finding_about(index) {
            rows.finding.insert(position, super::diagnostics::severity_label(severity).0);
        }
        let history = drawn_history(row);
        drawn += history.len();
        if drawn <= MOST_DRAWN_TOGETHER {
            rows.history.push(history.into_iter().map(|bytes| bytes.map(Whole)).collect());
        }
    }
    rows.heap_bytes_error = known(heap_errors);
    rows.blocks_error = known(block_errors);
    rows.category = known(kinds);
    let ids = thread_lists.all.iter().flatten();
    rows.thread_names = ids.filter_map(|&id| Some((id, labels.thread_name(id)?))).collect();
    rows.texts = texts.all;
    rows.stages = stages.all.into_iter().map(label::stage).collect();
    rows.provenances = provenances.all.into_iter().map(label::provenance).collect();
    rows.categories = categories.all;
    rows.thread_lists = thread_lists.all;
    rows
}

fn known<T>(column: Vec<Option<T>>) -> Option<Vec<Option<T>>> {
    column.iter().any(Option::is_some).then_some(column)
}
