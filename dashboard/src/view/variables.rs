//! The cards "Thread Variables (shown/total)" and what filters them.

use super::diagnostics::severity_label;
use super::geometry::{self, Bar, Columns};
use super::label::{self, Labels, Place, StageLabel, Term, ThreadLabel};
use super::ranking::{Folded, folded, ranked};
use super::unlisted;
use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::{Snapshot, Variable};
use serde::Serialize;

/// Variables that the page holds at most: those with the most live bytes. A row of its data takes some 80 bytes.
pub const MOST_VARIABLES: usize = 10_000;
/// Cards that stand in the page itself, for a reader without scripts; the script renders all.
pub const MOST_STANDING: usize = 20;
/// Executions that a card draws at most: the newest.
pub const MOST_DRAWN: usize = 16;

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
    /// What the recording counts and does not list.
    pub unlisted: Option<Folded>,
    /// Stages to filter by.
    pub stages: Vec<StageLabel>,
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
    pub category: Option<CardCategory>,
    /// Live bytes as a share of the largest card's.
    pub bar: Bar,
    /// Severity of the worst finding about it; `None`: none is.
    pub finding: Option<&'static str>,
    /// Live bytes of its newest executions; `None`: there are not two of which they are known.
    pub history: Option<Columns>,
}

/// A kind of work, with the rule that says so.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct CardCategory {
    /// Its name.
    pub name: &'static str,
    /// The rule, or what the kind means where there is none.
    pub rule: String,
}

/// Indices of the variables that the page holds, most live bytes first, and of the others.
pub fn with_card(snapshot: &Snapshot) -> (Vec<usize>, Vec<usize>) {
    ranked(&snapshot.variables, MOST_VARIABLES, |row| row.heap_bytes)
}

/// The panel for `snapshot`, with the first `most` cards.
pub fn variables(snapshot: &Snapshot, labels: &Labels<'_>, most: usize) -> Variables {
    let rows = &snapshot.variables;
    let (held, rest) = with_card(snapshot);
    let not_listed = &snapshot.folded.variables;
    Variables {
        provenance: label::provenance_in(snapshot.mode),
        shown: Figure::count(format!("min(len(/variables), {MOST_VARIABLES})"), held.len() as u64),
        total: unlisted::total("/variables", rows.len(), "variables/variables", not_listed.variables),
        unlisted: unlisted::unlisted(
            "variables/variables",
            not_listed.variables,
            Some(("variables/heap_bytes", not_listed.heap_bytes, not_listed.heap_bytes_error)),
        ),
        folded: folded(rows, &rest, ("/variables", MOST_VARIABLES, "heap_bytes", "heap_bytes"), |row| {
            (row.heap_bytes, row.heap_bytes_error)
        }),
        cards: cards(snapshot, labels, most),
        stages: label::STAGES.map(label::stage).to_vec(),
    }
}

/// The first `most` cards.
pub fn cards(snapshot: &Snapshot, labels: &Labels<'_>, most: usize) -> Vec<Card> {
    let held = with_card(snapshot).0;
    let largest = held.first().and_then(|&index| snapshot.variables[index].heap_bytes).unwrap_or(0);
    held.iter().take(most).map(|&index| card(snapshot, index, labels, largest)).collect()
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
        category: category(snapshot, row, labels),
        bar: geometry::bar(
            &format!("{at}/heap_bytes"),
            row.heap_bytes.unwrap_or(0),
            "max(/variables/*/heap_bytes)",
            largest,
        ),
        finding: labels.worst_finding_about(index).map(|severity| severity_label(severity).0),
        history: geometry::columns(format!("{at}/history"), &drawn_history(row)),
    }
}

/// The most bytes of each of the newest executions of `row` that its history lists, oldest first.
pub fn drawn_history(row: &Variable) -> Vec<Option<u64>> {
    let skipped = row.history.len().saturating_sub(MOST_DRAWN);
    row.history.iter().skip(skipped).map(|instance| instance.peak_heap_bytes).collect()
}

/// The latest moment that `row` knows of a variable of which nothing is left: a look at it, the end of its binding, a free of
/// its blocks. `None`: it is in scope, or blocks of it live.
pub fn last_ms(row: &Variable) -> Option<u64> {
    let stages = &row.stages;
    if stages.active.max(stages.shared).max(stages.allocated) > 0
        || row.heap_bytes.is_some_and(|bytes| bytes > 0)
    {
        return None;
    }
    let ends = row.history.iter().filter_map(|instance| instance.ended_ms);
    let frees = row.history.iter().flat_map(|instance| &instance.blocks).filter_map(|block| block.freed_ms);
    ends.chain(frees).chain([row.last_observed_ms]).max()
}

/// The category of `row` as its card tells it.
pub fn category(snapshot: &Snapshot, row: &Variable, labels: &Labels<'_>) -> Option<CardCategory> {
    let kind = label::category(row.category?);
    let scope = labels.scope_index(&row.scope).and_then(|index| snapshot.scopes[index].category.as_ref());
    let rule =
        scope.filter(|category| Some(category.kind) == row.category).map(|category| visible(&category.rule));
    Some(CardCategory { name: kind.name, rule: rule.unwrap_or_else(|| kind.meaning.into()) })
}

/// The threads of `row`, which stands at `at` in the document.
pub fn thread_labels(row: &Variable, at: &str, labels: &Labels<'_>) -> Vec<ThreadLabel> {
    let threads = row.threads.iter().enumerate();
    threads.map(|(index, &id)| labels.thread(format!("{at}/threads/{index}"), id)).collect()
}
