//! What each thread has in each scope, in columns, for the panel of scopes to show one thread alone.
//!
//! Invariant: of a thread that is offered the page holds each pair that the document has. So all that is shown of it can be
//! computed again from the document, as `/scopes/N/of_thread/ID/…` (`crate::figure` says how); threads for which there is
//! no room are counted and not offered.

use super::label::Labels;
use crate::figure::Whole;
use memscope_runtime::snapshot::{ScopeThread, Snapshot};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Bytes of JSON that the columns take at most: all pairs of most programs, some 2,000 estimates of a large one.
const MOST_BYTES: usize = 192 << 10;

/// The threads that can be chosen, and what is not told apart.
#[derive(Clone, Debug, Serialize)]
pub struct ScopeThreads {
    /// By their numbers.
    pub threads: Vec<OfThread>,
    /// Threads that have pairs and are not offered: those with the fewest live bytes.
    pub left_out: usize,
    /// Rows of the tree of which the document does not tell all threads apart.
    pub not_told_apart: Vec<usize>,
    /// How many pairs these are.
    pub pairs: Whole,
    /// What they have together of each figure of the tree, in its order; `None`: not measured.
    pub sums: Vec<Option<Whole>>,
    /// The standard errors of these sums; `None`: they are exact.
    pub errors: Vec<Option<Whole>>,
}

/// One thread in the scopes that it has a pair with.
#[derive(Clone, Debug, Serialize)]
pub struct OfThread {
    /// memscope's number for it.
    pub id: u32,
    /// Index of its first pair in the document.
    pub pair: usize,
    /// Its visible name.
    pub name: Option<String>,
    /// Rows of the tree.
    pub rows: Vec<usize>,
    /// How often it entered them.
    pub calls: Vec<Whole>,
    /// Each figure of the tree, in its order.
    pub values: Vec<Vec<Option<Whole>>>,
    /// Their standard errors; `None`: they are exact.
    pub errors: Option<Vec<Vec<Option<Whole>>>>,
}

/// A figure of a pair and its error.
type Read = fn(&ScopeThread) -> (Option<u64>, Option<u64>);

/// In the order of the tree's figures.
const READ: [Read; 4] = [
    |row| (Some(row.live_bytes), row.live_bytes_error),
    |row| (row.live_at_peak_bytes, row.live_at_peak_bytes_error),
    |row| (Some(row.allocated_bytes), row.allocated_bytes_error),
    |row| (Some(row.allocations), row.allocations_error),
];

/// The columns of a tree that has the document's scopes at `index`; `None`: nothing is known by thread, or the tree has not
/// all scopes, so that a thread's part with all below would not be whole.
pub fn scope_threads(snapshot: &Snapshot, index: &[usize]) -> Option<ScopeThreads> {
    let pairs = &snapshot.scope_threads;
    if pairs.is_empty() || index.len() < snapshot.scopes.len() {
        return None;
    }
    // Rows of a strange file may name no scope.
    let pairs = || pairs.iter().filter(|pair| (pair.scope as usize) < index.len());
    let mut by_thread: BTreeMap<u32, Vec<&ScopeThread>> = BTreeMap::new();
    for pair in pairs() {
        if let Some(id) = pair.thread {
            by_thread.entry(id).or_default().push(pair);
        }
    }
    let labels = Labels::new(snapshot);
    let mut ranked: Vec<(u32, Vec<&ScopeThread>)> = by_thread.into_iter().collect();
    let live =
        |pairs: &[&ScopeThread]| pairs.iter().fold(0, |sum: u64, pair| sum.saturating_add(pair.live_bytes));
    ranked.sort_by_key(|(id, pairs)| (Reverse(live(pairs)), *id));
    let (count, mut left) = (ranked.len(), MOST_BYTES);
    let mut threads: Vec<OfThread> = ranked
        .into_iter()
        .map(|(id, pairs)| of_thread(snapshot, &labels, id, &pairs))
        .map_while(|thread| {
            let bytes = serde_json::to_string(&thread).map_or(usize::MAX, |json| json.len());
            left = left.checked_sub(bytes)?;
            Some(thread)
        })
        .collect();
    threads.sort_by_key(|thread| thread.id);
    let folded: Vec<&ScopeThread> = pairs().filter(|pair| pair.thread.is_none()).collect();
    let sum = |figure: &dyn Fn(&ScopeThread) -> Option<u64>| {
        let known: Vec<u64> = folded.iter().filter_map(|pair| figure(pair)).collect();
        (!known.is_empty()).then(|| Whole(known.into_iter().fold(0, u64::saturating_add)))
    };
    Some(ScopeThreads {
        left_out: count - threads.len(),
        threads,
        not_told_apart: folded.iter().map(|pair| pair.scope as usize).collect(),
        pairs: sum(&|pair| Some(pair.pairs)).unwrap_or(Whole(0)),
        sums: READ.iter().map(|read| sum(&|pair| read(pair).0)).collect(),
        errors: READ
            .iter()
            .map(|read| {
                let squares =
                    folded.iter().filter_map(|pair| read(pair).1).map(|error| (error as f64).powi(2));
                squares.reduce(|sum, square| sum + square).map(|sum| Whole(sum.sqrt().ceil() as u64))
            })
            .collect(),
    })
}

fn of_thread(snapshot: &Snapshot, labels: &Labels<'_>, id: u32, pairs: &[&ScopeThread]) -> OfThread {
    let column = |of: &dyn Fn(&ScopeThread) -> Option<u64>| -> Vec<Option<Whole>> {
        pairs.iter().map(|pair| of(pair).map(Whole)).collect()
    };
    let errors: Vec<_> = READ.iter().map(|read| column(&|pair| read(pair).1)).collect();
    OfThread {
        id,
        pair: snapshot.scope_threads.iter().position(|pair| pair.thread == Some(id)).unwrap_or_default(),
        name: labels.thread_name(id),
        // All scopes are in the tree, in their order.
        rows: pairs.iter().map(|pair| pair.scope as usize).collect(),
        calls: pairs.iter().map(|pair| Whole(pair.calls)).collect(),
        values: READ.iter().map(|read| column(&|pair| read(pair).0)).collect(),
        errors: errors.iter().flatten().any(Option::is_some).then_some(errors),
    }
}
