//! The cards "Thread Variables (shown/total)" and what filters them.

use super::category::{self, Category};
use super::geometry::{self, Bar};
use super::label::{self, Labels, Place, StageLabel, Term, ThreadLabel};
use super::ranking::{Folded, folded, ranked};
use super::scope_tree::{self, ScopeTree};
use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::{Snapshot, Variable};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Cards on the page at most: those with the most live bytes. With names of common length a card
/// takes 1.4 KB of the file, its row of the island 0.3 KB and its inspector 6.5 KB, executions and blocks not counted.
pub const MOST_VARIABLES: usize = 200;

/// The panel of variable cards.
#[derive(Clone, Debug, Serialize)]
pub struct Variables {
    /// Where the figures of memory come from in general; a card says so of its own.
    pub provenance: Term,
    /// Cards that can be shown.
    pub shown: Figure,
    /// Variables in the recording.
    pub total: Figure,
    /// The cards, most live bytes first.
    pub cards: Vec<Card>,
    /// What has no card.
    pub folded: Option<Folded>,
    /// Stages to filter by.
    pub stages: Vec<StageLabel>,
    /// Threads to filter by: those of some card.
    pub threads: Vec<ThreadChoice>,
    /// Types to filter by: those of some card.
    pub types: Vec<TypeChoice>,
}

/// A thread to filter by.
#[derive(Clone, Debug, Serialize)]
pub struct ThreadChoice {
    /// Its number, and its name.
    pub thread: ThreadLabel,
}

/// A type to filter by.
#[derive(Clone, Debug, Serialize)]
pub struct TypeChoice {
    /// Its number, as in [`IslandVariable::type_number`].
    pub number: usize,
    /// Type with its parameters.
    pub name: String,
}

/// One variable.
#[derive(Clone, Debug, Serialize)]
pub struct Card {
    /// Index into the document's `variables`.
    pub index: usize,
    /// Name of the binding.
    pub name: String,
    /// Type with its parameters; `None`: not known.
    pub type_name: Option<String>,
    /// Scope's path.
    pub scope: String,
    /// Where the binding stands.
    pub place: Option<Place>,
    /// The liveliest stage.
    pub stage: StageLabel,
    /// Bytes alive.
    pub heap: Figure,
    /// Blocks alive.
    pub blocks: Figure,
    /// Executions of the binding.
    pub instances: Figure,
    /// Threads that executed it.
    pub threads: Vec<ThreadLabel>,
    /// Where bytes and blocks come from.
    pub provenance: Term,
    /// What kind of work its scope does; `None`: not measured.
    pub category: Option<Category>,
    /// Live bytes as a share of the largest card's.
    pub bar: Bar,
}

/// What the page's script filters and sorts by: raw strings, as they are in the document.
#[derive(Clone, Debug, Serialize)]
pub struct Island {
    /// One row for each card, in the same order.
    pub variables: Vec<IslandVariable>,
    /// The scope tree; `None`: the recording has none.
    pub scopes: Option<ScopeTree>,
}

/// What is needed to find a card.
#[derive(Clone, Debug, Serialize)]
pub struct IslandVariable {
    /// Index into the document's `variables`.
    pub index: usize,
    /// Name of the binding.
    pub name: String,
    /// Type with its parameters.
    pub type_name: Option<String>,
    /// Number of the type among [`Variables::types`].
    pub type_number: Option<usize>,
    /// Names of the scope's path.
    pub scope: Vec<String>,
    /// Source file.
    pub file: Option<String>,
    /// Stage, as in the document.
    pub stage: &'static str,
    /// Ids of the threads.
    pub threads: Vec<u32>,
    /// Bytes alive.
    pub heap_bytes: Option<u64>,
    /// Blocks alive.
    pub blocks: Option<u64>,
    /// Executions of the binding.
    pub instances: u64,
    /// First execution.
    pub first_ms: u64,
}

/// Indices of the variables that have a card, most live bytes first, and of the others.
pub fn with_card(snapshot: &Snapshot) -> (Vec<usize>, Vec<usize>) {
    ranked(&snapshot.variables, MOST_VARIABLES, |row| row.heap_bytes)
}

/// The panel for `snapshot`.
pub fn variables(snapshot: &Snapshot, labels: &Labels<'_>) -> Variables {
    let rows = &snapshot.variables;
    let (with_card, rest) = with_card(snapshot);
    let largest = with_card.first().and_then(|&index| rows[index].heap_bytes).unwrap_or(0);
    let cards: Vec<Card> = with_card.iter().map(|&index| card(snapshot, index, labels, largest)).collect();
    let mut threads = BTreeMap::new();
    for &index in &with_card {
        for (place, &id) in rows[index].threads.iter().enumerate() {
            threads.entry(id).or_insert_with(|| format!("/variables/{index}/threads/{place}"));
        }
    }
    Variables {
        provenance: label::provenance_in(snapshot.mode),
        shown: Figure::count(format!("min(len(/variables), {MOST_VARIABLES})"), cards.len() as u64),
        total: Figure::count("len(/variables)", rows.len() as u64),
        folded: folded(rows, &rest, ("/variables", MOST_VARIABLES, "heap_bytes", "heap_bytes"), |row| {
            row.heap_bytes
        }),
        cards,
        stages: label::STAGES.map(label::stage).to_vec(),
        threads: threads
            .into_iter()
            .map(|(id, from)| ThreadChoice { thread: labels.thread(from, id) })
            .collect(),
        types: type_numbers(snapshot, &with_card)
            .into_iter()
            .map(|(name, number)| TypeChoice { number, name: visible(name) })
            .collect(),
    }
}

fn card(snapshot: &Snapshot, index: usize, labels: &Labels<'_>, largest: u64) -> Card {
    let row = &snapshot.variables[index];
    let at = format!("/variables/{index}");
    Card {
        index,
        name: visible(&row.name),
        type_name: row.type_name.as_deref().map(visible),
        scope: label::scope(&row.scope),
        place: label::place(&at, row.file.as_deref(), row.line),
        stage: label::stage(row.stage),
        heap: Figure::estimated_bytes(&format!("{at}/heap_bytes"), row.heap_bytes, row.heap_bytes_error),
        blocks: Figure::estimated_count(&format!("{at}/blocks"), row.blocks, row.blocks_error),
        instances: Figure::count(format!("{at}/instances"), row.instances),
        threads: thread_labels(row, &at, labels),
        provenance: label::provenance(row.provenance),
        category: category::of_variable(snapshot, row, labels),
        bar: geometry::bar(
            &format!("{at}/heap_bytes"),
            row.heap_bytes.unwrap_or(0),
            "max(/variables/*/heap_bytes)",
            largest,
        ),
    }
}

/// The types of the cards, numbered in the order of their names.
fn type_numbers<'a>(snapshot: &'a Snapshot, with_card: &[usize]) -> BTreeMap<&'a str, usize> {
    let names: BTreeSet<&str> =
        with_card.iter().filter_map(|&index| snapshot.variables[index].type_name.as_deref()).collect();
    names.into_iter().enumerate().map(|(number, name)| (name, number)).collect()
}

/// The threads of `row`, which stands at `at` in the document.
pub fn thread_labels(row: &Variable, at: &str, labels: &Labels<'_>) -> Vec<ThreadLabel> {
    let threads = row.threads.iter().enumerate();
    threads.map(|(index, &id)| labels.thread(format!("{at}/threads/{index}"), id)).collect()
}

/// The data to find cards by.
pub fn island(snapshot: &Snapshot) -> Island {
    let with_card = with_card(snapshot).0;
    let type_numbers = type_numbers(snapshot, &with_card);
    let variables = with_card.iter().map(|&index| {
        let row = &snapshot.variables[index];
        IslandVariable {
            index,
            name: row.name.clone(),
            type_name: row.type_name.clone(),
            type_number: row.type_name.as_deref().map(|name| type_numbers[name]),
            scope: row.scope.clone(),
            file: row.file.clone(),
            stage: label::stage(row.stage).key,
            threads: row.threads.clone(),
            heap_bytes: row.heap_bytes,
            blocks: row.blocks,
            instances: row.instances,
            first_ms: row.first_ms,
        }
    });
    Island { variables: variables.collect(), scopes: scope_tree::scope_tree(snapshot) }
}
