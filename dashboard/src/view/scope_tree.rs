//! The scope tree as compact columns, from which the page's script draws the flame graph, the tree and the table of all
//! scopes, by whichever figure the reader chooses.
//!
//! Invariants: a row's parent stands before it; the rows are closed upwards, but for scopes that the recording itself
//! does not list; a figure that nobody measured is null and stays so; numbers above 2^53 − 1 are strings of digits, for
//! a browser's numbers are floats.

use super::ranking::ranked;
use super::scope_threads::{ScopeThreads, scope_threads};
use super::scope_trends::{ScopeTrends, scope_trends};
use crate::text::visible;
use memscope_runtime::snapshot::{Scope, ScopeMemory, Snapshot};
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, HashMap};

/// Scopes in the page's data at most, as many as a recording's file lists: those with the most allocated bytes.
/// One takes some 110 bytes of the file, with the errors of estimates 170.
pub const MOST_TREE_SCOPES: usize = 4_096;

/// All scopes of the page, one entry a scope in each column, in the document's order; the first is the root.
#[derive(Clone, Debug, Serialize)]
pub struct ScopeTree {
    /// Index into the document's `scopes`.
    pub index: Vec<usize>,
    /// Number of the row above; `None`: the root.
    pub parent: Vec<Option<usize>>,
    /// Short names, each once.
    pub names: Vec<String>,
    /// Number of the short name.
    pub name: Vec<usize>,
    /// Full names (module path, type and name), each once.
    pub keys: Vec<String>,
    /// Number of the full name.
    pub key: Vec<usize>,
    /// Source files, each once.
    pub files: Vec<String>,
    /// Number of the file.
    pub file: Vec<Option<usize>>,
    /// Line of the function's name.
    pub line: Vec<Option<u32>>,
    /// How often the scope was entered.
    pub calls: Vec<Whole>,
    /// Rows whose inclusive figures differ from their exclusive ones; the others have nothing below them.
    pub with_below: Vec<usize>,
    /// The figures to choose among.
    pub metrics: Vec<Metric>,
    /// What the scopes held over time; `None`: not measured.
    pub trends: Option<ScopeTrends>,
    /// What each thread has in them; `None`: not known.
    pub threads: Option<ScopeThreads>,
}

/// One figure of all scopes.
#[derive(Clone, Debug, Serialize)]
pub struct Metric {
    /// Its field in the document.
    pub field: &'static str,
    /// Of the scope alone.
    pub exclusive: Column,
    /// Of the scope with all below, for the rows of [`ScopeTree::with_below`].
    pub inclusive: Column,
}

/// A figure with its errors and bounds.
#[derive(Clone, Debug, Serialize)]
pub struct Column {
    /// The figures; `None`: none of them was measured.
    pub values: Option<Vec<Option<Whole>>>,
    /// Standard errors; `None`: all figures are exact.
    pub errors: Option<Vec<Option<Whole>>>,
    /// What a figure without a sample is below, by its place in `values`.
    pub bounds: BTreeMap<usize, Whole>,
}

/// A whole number that JavaScript reads exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole(pub u64);

impl Serialize for Whole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const GREATEST_EXACT: u64 = (1 << 53) - 1;
        if self.0 <= GREATEST_EXACT {
            serializer.serialize_u64(self.0)
        } else {
            serializer.collect_str(&self.0)
        }
    }
}

/// A figure, its error, its bound.
type Read = (Option<u64>, Option<u64>, Option<u64>);

/// A field of the document, with how it is read.
type Field = (&'static str, fn(&ScopeMemory) -> Read);

/// The figures that can be chosen.
const METRICS: [Field; 4] = [
    ("live_bytes", |memory| {
        (Some(memory.live_bytes), memory.live_bytes_error, memory.live_bytes_upper_bound)
    }),
    ("live_at_peak_bytes", |memory| (memory.live_at_peak_bytes, memory.live_at_peak_bytes_error, None)),
    ("allocated_bytes", |memory| {
        (Some(memory.allocated_bytes), memory.allocated_bytes_error, memory.allocated_bytes_upper_bound)
    }),
    ("allocations", |memory| (Some(memory.allocations), memory.allocations_error, None)),
];

/// The same for a page that is fed, which speaks of now: without trends.
pub fn fed(snapshot: &Snapshot) -> Option<ScopeTree> {
    scope_tree(snapshot).map(|tree| ScopeTree { trends: None, ..tree })
}

/// The tree of `snapshot`; `None`: it has no root scope.
pub fn scope_tree(snapshot: &Snapshot) -> Option<ScopeTree> {
    let scopes = &snapshot.scopes;
    // By the model the first row is the root. A file may say otherwise, and then there is no tree to draw.
    scopes.first().filter(|root| root.path.is_empty())?;
    // The root has all bytes; a scope never has more than those above it, and comes after them.
    let (mut index, _) = ranked(scopes, MOST_TREE_SCOPES, |row| row.inclusive.allocated_bytes);
    index.sort_unstable();
    if index.first() != Some(&0) {
        index.insert(0, 0);
        index.truncate(MOST_TREE_SCOPES);
    }
    let rows: Vec<&Scope> = index.iter().map(|&index| &scopes[index]).collect();
    let (mut names, mut keys, mut files) = (Texts::default(), Texts::default(), Texts::default());
    let with_below: Vec<usize> = (0..rows.len())
        .filter(|&row| {
            METRICS.iter().any(|(_, read)| read(&rows[row].exclusive) != read(&rows[row].inclusive))
        })
        .collect();
    let metric = |(field, read): Field| Metric {
        field,
        exclusive: column(rows.iter().map(|row| read(&row.exclusive)).collect()),
        inclusive: column(with_below.iter().map(|&row| read(&rows[row].inclusive)).collect()),
    };
    Some(ScopeTree {
        parent: parents(&rows),
        name: rows.iter().map(|row| names.number(row.path.last().map_or("", |name| name))).collect(),
        key: rows.iter().map(|row| keys.number(row.key.last().map_or("", |key| key))).collect(),
        file: rows.iter().map(|row| row.file.as_deref().map(|file| files.number(file))).collect(),
        line: rows.iter().map(|row| row.line).collect(),
        calls: rows.iter().map(|row| Whole(row.calls)).collect(),
        metrics: METRICS.into_iter().map(metric).collect(),
        trends: scope_trends(snapshot, &index),
        threads: scope_threads(snapshot, &index),
        names: names.all,
        keys: keys.all,
        files: files.all,
        with_below,
        index,
    })
}

/// The nearest row above each, by the full names of its path; rows that the recording does not list are passed over.
fn parents(rows: &[&Scope]) -> Vec<Option<usize>> {
    let mut by_path: HashMap<(&[String], &[String]), usize> = HashMap::with_capacity(rows.len());
    let mut parents = Vec::with_capacity(rows.len());
    for (number, row) in rows.iter().enumerate() {
        let (path, key) = (&*row.path, &*row.key);
        let above = (0..path.len()).rev().find_map(|length| {
            let key = key.get(..length).unwrap_or(key);
            by_path.get(&(&path[..length], key)).copied()
        });
        // A second row without a path, of a strange file, stands below the first.
        parents.push(above.or((number > 0).then_some(0)));
        by_path.entry((path, key)).or_insert(number);
    }
    parents
}

/// A column of `read`.
fn column(read: Vec<Read>) -> Column {
    let part = |of: fn(&Read) -> Option<u64>| {
        let all: Vec<Option<Whole>> = read.iter().map(|read| of(read).map(Whole)).collect();
        all.iter().any(Option::is_some).then_some(all)
    };
    Column {
        values: part(|read| read.0),
        errors: part(|read| read.1),
        bounds: read.iter().enumerate().filter_map(|(place, read)| Some((place, Whole(read.2?)))).collect(),
    }
}

/// Texts, each once, as they are shown.
#[derive(Default)]
struct Texts<'a> {
    all: Vec<String>,
    numbers: HashMap<&'a str, usize>,
}

impl<'a> Texts<'a> {
    fn number(&mut self, text: &'a str) -> usize {
        *self.numbers.entry(text).or_insert_with(|| {
            self.all.push(visible(text));
            self.all.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(names: &[&str]) -> Scope {
        let path: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Scope {
            key: path.clone(),
            path,
            file: None,
            line: None,
            calls: 0,
            recursive_calls: 0,
            exclusive: ScopeMemory::default(),
            inclusive: ScopeMemory::default(),
            trend: Vec::new(),
            activity: None,
            category: None,
        }
    }

    #[test]
    fn a_scope_stands_below_the_nearest_that_is_listed() {
        let rows = [scope(&[]), scope(&["a"]), scope(&["a", "b", "c"]), scope(&["x", "y"]), scope(&[])];
        let rows: Vec<&Scope> = rows.iter().collect();
        // `a › b` and `x` are not listed.
        assert_eq!(parents(&rows), [None, Some(0), Some(1), Some(0), Some(0)]);
    }

    #[test]
    fn two_functions_of_one_name_keep_their_own_scopes() {
        let mut rows = [scope(&[]), scope(&["new"]), scope(&["new"]), scope(&["new", "fill"])];
        rows[1].key = vec!["a::new".into()];
        rows[2].key = vec!["b::new".into()];
        rows[3].key = vec!["b::new".into(), "b::fill".into()];
        let rows: Vec<&Scope> = rows.iter().collect();
        assert_eq!(parents(&rows), [None, Some(0), Some(0), Some(2)]);
    }

    #[test]
    fn a_number_that_a_browser_would_round_is_a_string() {
        // 2^53 − 1 is the last whole number below which a float of 64 bits has each.
        let numbers = [Whole(9_007_199_254_740_991), Whole(9_007_199_254_740_992)];
        assert_eq!(serde_json::to_string(&numbers).unwrap(), "[9007199254740991,\"9007199254740992\"]");
    }

    #[test]
    fn what_nobody_measured_has_no_column() {
        let column = column(vec![(None, None, None), (None, None, None)]);
        assert!(column.values.is_none() && column.errors.is_none() && column.bounds.is_empty());
    }
}
