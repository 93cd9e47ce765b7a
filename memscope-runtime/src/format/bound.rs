//! What of a snapshot a file holds, so that it has a bounded size whatever the program.
//!
//! Each list has a share of rows and of bytes. Where a list is longer, the rows that matter least go into sums
//! ([`Folded`](crate::snapshot::Folded)): nothing goes without a count, and the totals and the sums that a list's rows are
//! part of stay what they were. Rows that a finding's evidence points to are kept before all others.
//!
//! Why these shares: their bytes sum to less than [`MOST_FILE_BYTES`](super::MOST_FILE_BYTES) as they are, compressed or not; and
//! their rows take less memory than a reader grants, however few bytes each takes (`tests/format_limits.rs` holds both).

use super::chunk::MOST_ROW_BYTES;
use super::encode::{Measure, measure};
use super::names::cut_texts;
use super::{fold, lives};
use crate::snapshot::{
    Crossing, Finding, Instance, InstanceBlock, MemoryMap, Scope, ScopeThread, Snapshot, Variable,
};
use serde::Serialize;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

/// The most that a list may have.
#[derive(Clone, Copy)]
pub(super) struct Share {
    pub(super) rows: usize,
    pub(super) bytes: usize,
}

const fn share(rows: usize, kib: usize) -> Share {
    Share { rows, bytes: kib << 10 }
}

/// Without trends.
pub(super) const SCOPES: Share = share(4_096, 3_072);
/// Scopes with a trend, and its bytes.
pub(super) const TRENDS: Share = share(4_096, 768);
/// Without histories and crossings.
pub(super) const VARIABLES: Share = share(8_192, 3_840);
/// Bytes of histories and crossings.
const HISTORIES_BYTES: usize = 2_048 << 10;
/// What they may take in memory beyond four times these bytes: an execution takes 160 bytes in memory, and 12 in a file at
/// least, so a number of them would be too many or too few.
const HISTORIES_EXCESS_BYTES: usize = 2 << 20;
pub(super) const THREADS: Share = share(1_536, 512);
pub(super) const FOREIGN_FREES: Share = share(512, 32);
pub(super) const TASKS: Share = share(1_536, 512);
pub(super) const TYPES: Share = share(4_096, 896);
pub(super) const TIMELINE: Share = share(4_096, 128);
pub(super) const TREND: Share = share(256, 4);
/// Whatever ranges there are fit: a row of numbers takes at most 125 bytes.
pub(super) const SIZES: Share = share(128, 16);
pub(super) const LIFETIMES: Share = share(128, 16);
pub(super) const FINDINGS: Share = share(2_048, 1_024);
pub(super) const BLOCKS: Share = share(2_048, 128);
pub(super) const HANDED_OUT: Share = share(4_096, 768);
pub(super) const SITES: Share = share(6_144, 1_664);
/// A row for each cell at most, of 65 bytes on average.
pub(super) const MAP_REGIONS: Share = share(4_096, 256);
/// Whatever a recorder writes fits: its numbers take at most 82 bytes with what [`measure`] adds.
pub(super) const MAP_CELLS: Share = share(4_096, 336);

/// Twice what a recorder tells apart, for each scope may have a row of what it does not. An estimate's row takes 41 bytes on
/// average.
pub(super) const SCOPE_THREADS: Share = share(8_192, 320);

/// New places of a list's rows; `None`: the row is folded.
pub(super) type Places = Vec<Option<u32>>;

/// A snapshot that fits a file, and where its rows went.
pub(super) struct Bounded<'a> {
    pub(super) snapshot: Cow<'a, Snapshot>,
    /// Of scopes and of variables; `None`: all are where they were.
    pub(super) places: Option<(Places, Places)>,
}

/// What of `snapshot` a file holds: all of it, or what matters most with the sums of the rest in
/// [`folded`](Snapshot::folded).
pub fn bounded(snapshot: &Snapshot) -> Cow<'_, Snapshot> {
    bound(snapshot).snapshot
}

pub(super) fn bound(snapshot: &Snapshot) -> Bounded<'_> {
    if fits(snapshot) {
        return Bounded { snapshot: Cow::Borrowed(snapshot), places: None };
    }
    // One more will say that rows are folded.
    let share = Share { rows: FINDINGS.rows - 1, bytes: FINDINGS.bytes - (4 << 10) };
    let findings = first_that_fit(&snapshot.findings, share);
    let pinned = Pinned::by(&snapshot.findings[..findings]);
    let (scopes, trends) = scopes(&snapshot.scopes, pinned.of("scopes"));
    let (variables, histories) = variables(&snapshot.variables, pinned.of("variables"));
    let mut out = fold::shell(snapshot);
    out.scopes = fold::scopes(&snapshot.scopes, &scopes, &trends, &mut out.folded);
    out.variables = fold::variables(&snapshot.variables, &variables, &histories, &mut out.folded);
    out.folded.lives += lives::leave_out(&mut out.variables);
    fold::scope_threads(&snapshot.scope_threads, &scopes, &mut out);
    fold::threads(&snapshot.threads, &mut out);
    fold::foreign_frees(&snapshot.foreign_frees, &mut out);
    fold::tasks(&snapshot.tasks, &mut out);
    fold::types(&snapshot.types, &mut out);
    fold::timeline(&snapshot.timeline, &mut out);
    fold::trends(&snapshot.trend_ms, &mut out);
    fold::sizes(&snapshot.sizes, &mut out);
    fold::lifetimes(&snapshot.lifetimes, &mut out);
    fold::blocks(&snapshot.blocks, &mut out);
    fold::memory_map(&snapshot.memory_map, &mut out);
    let handed_out = fold::handed_out(&snapshot.handed_out, pinned.of("handed_out"), &mut out);
    let sites = fold::sites(&snapshot.sites, pinned.of("sites"), &mut out);
    out.findings = snapshot.findings[..findings].to_vec();
    out.folded.findings += (snapshot.findings.len() - findings) as u64;
    let of = |list: &str| match list {
        "scopes" => Some(&scopes),
        "variables" => Some(&variables),
        "handed_out" => Some(&handed_out),
        "sites" => Some(&sites),
        _ => None,
    };
    fold::move_references(&mut out, &of);
    out.folded.cut_texts += cut_texts(&mut out);
    fold::say_so(&mut out);
    Bounded { snapshot: Cow::Owned(out), places: Some((scopes, variables)) }
}

/// Whether a list has no more than its share.
fn list<T: Serialize>(rows: &[T], share: Share) -> bool {
    let mut bytes = 0;
    rows.len() <= share.rows
        && rows.iter().all(|row| {
            let row = measure(row);
            bytes += row.bytes;
            !row.has_long_text && row.bytes <= MOST_ROW_BYTES
        })
        && bytes <= share.bytes
}

/// Whether all of `rows` fit.
pub(super) fn scope_threads_fit(rows: &[ScopeThread]) -> bool {
    list(rows, SCOPE_THREADS)
}

/// Whether the map's lists have no more than their shares.
pub(super) fn map_fits(map: &MemoryMap) -> bool {
    list(&map.regions, MAP_REGIONS) && list(&map.cells, MAP_CELLS)
}

/// Whether each list has no more than its share.
fn fits(snapshot: &Snapshot) -> bool {
    let variables = || {
        let (mut base, mut detail, mut excess) = (0, 0, 0);
        snapshot.variables.len() <= VARIABLES.rows
            && snapshot.variables.iter().all(|row| {
                let (whole, more) = (measure(row), details(row));
                base += whole.bytes - more;
                detail += more;
                excess += row.history.iter().map(|row| instance(row).1).sum::<usize>();
                excess += row.crossings.iter().map(|row| crossing(row).1).sum::<usize>();
                !whole.has_long_text && whole.bytes <= MOST_ROW_BYTES
            })
            && base <= VARIABLES.bytes
            && detail <= HISTORIES_BYTES
            && excess <= HISTORIES_EXCESS_BYTES
    };
    let scopes = || {
        let (mut base, mut trends) = (0, 0);
        snapshot.scopes.len() <= SCOPES.rows
            && snapshot.scopes.iter().all(|row| {
                let (whole, trend) = (measure(row), trend_bytes(row));
                base += whole.bytes - trend;
                trends += trend;
                !whole.has_long_text && whole.bytes <= MOST_ROW_BYTES
            })
            && base <= SCOPES.bytes
            && trends <= TRENDS.bytes
    };
    scopes()
        && variables()
        && lives::fit(&snapshot.variables)
        && scope_threads_fit(&snapshot.scope_threads)
        && list(&snapshot.threads, THREADS)
        && list(&snapshot.foreign_frees, FOREIGN_FREES)
        && list(&snapshot.tasks, TASKS)
        && list(&snapshot.types, TYPES)
        && list(&snapshot.timeline, TIMELINE)
        && list(&snapshot.trend_ms, TREND)
        && list(&snapshot.sizes, SIZES)
        && list(&snapshot.lifetimes, LIFETIMES)
        && list(&snapshot.findings, FINDINGS)
        && list(&snapshot.blocks.largest, BLOCKS)
        && list(&snapshot.handed_out, HANDED_OUT)
        && list(&snapshot.sites, SITES)
        && map_fits(&snapshot.memory_map)
        && !measure(&snapshot.program).has_long_text
}

/// Bytes of a variable's history and crossings.
fn details(variable: &Variable) -> usize {
    if variable.history.is_empty() && variable.crossings.is_empty() {
        return 0;
    }
    measure(&variable.history).bytes + measure(&variable.crossings).bytes - 6 // of which none is a row of its own
}

/// Bytes of an execution in a history, and what it takes in memory beyond four times these.
fn instance(row: &Instance) -> (usize, usize) {
    let memory = size_of::<Instance>() + row.blocks.len() * size_of::<InstanceBlock>();
    let bytes = measure(row).bytes;
    (bytes, memory.saturating_sub(4 * bytes))
}

/// The same of a crossing.
fn crossing(row: &Crossing) -> (usize, usize) {
    let memory = size_of::<Crossing>() + row.function.len();
    let bytes = measure(row).bytes;
    (bytes, memory.saturating_sub(4 * bytes))
}

/// How many of `rows`, from the first, fit.
fn first_that_fit<T: Serialize>(rows: &[T], share: Share) -> usize {
    let mut bytes = 0;
    let fitting = rows.iter().take(share.rows).take_while(|&row| {
        bytes += measure(row).bytes;
        bytes <= share.bytes
    });
    fitting.count()
}

/// Rows that findings point to, by list.
struct Pinned<'a>(HashMap<&'a str, Vec<usize>>);

impl<'a> Pinned<'a> {
    fn by(findings: &'a [Finding]) -> Self {
        let mut pinned = HashMap::<_, Vec<_>>::new();
        for evidence in findings.iter().flat_map(|finding| &finding.evidence) {
            if let Some((list, index, _)) = fold::pointer(&evidence.pointer) {
                pinned.entry(list).or_default().push(index);
            }
        }
        Pinned(pinned)
    }

    fn of(&self, list: &str) -> &[usize] {
        self.0.get(list).map_or(&[], Vec::as_slice)
    }
}

/// Indices of all scopes, those first that are to be kept first: each after those above it, so that the tree stays one.
fn scope_ranks(scopes: &[Scope], pinned: &[usize]) -> Vec<usize> {
    let by_key: HashMap<&[String], usize> =
        scopes.iter().enumerate().map(|(index, scope)| (&*scope.key, index)).collect();
    let mut is_pinned = vec![false; scopes.len()];
    for &index in pinned.iter().filter(|&&index| index < scopes.len()) {
        let key = &scopes[index].key;
        for above in (0..=key.len()).filter_map(|depth| by_key.get(&key[..depth])) {
            is_pinned[*above] = true;
        }
    }
    let mut ranks: Vec<usize> = (0..scopes.len()).collect();
    ranks.sort_by_key(|&index| {
        let (path, memory) = (&scopes[index].path, &scopes[index].inclusive);
        let place = (Reverse(memory.live_bytes), Reverse(memory.allocated_bytes), path.len(), index);
        (!is_pinned[index] && !path.is_empty(), place)
    });
    ranks
}

/// Bytes of a scope's trend.
fn trend_bytes(scope: &Scope) -> usize {
    if scope.trend.is_empty() { 0 } else { measure(&scope.trend).bytes - 3 }
}

/// Which scopes are kept, and which keep their trend.
fn scopes(rows: &[Scope], pinned: &[usize]) -> (Places, Vec<bool>) {
    let ranks = scope_ranks(rows, pinned);
    let base = |row: &Scope| {
        let measure = measure(row);
        Measure { bytes: measure.bytes - trend_bytes(row), ..measure }
    };
    let places = fold::chosen_by(rows, SCOPES, &ranks, base);
    let mut left = TRENDS.bytes;
    let mut keeps_trend = vec![false; rows.len()];
    for &index in ranks.iter().filter(|&&index| places[index].is_some()) {
        let Some(after) = left.checked_sub(trend_bytes(&rows[index])) else { break };
        left = after;
        keeps_trend[index] = true;
    }
    (places, keeps_trend)
}

/// Which variables are kept, and how much of the history and of the crossings of each: (instances, crossings).
fn variables(rows: &[Variable], pinned: &[usize]) -> (Places, Vec<(usize, usize)>) {
    let key = |row: &Variable| (row.heap_bytes, row.peak_heap_bytes, row.instances);
    let ranks = fold::ranks(rows, pinned, key);
    let base = |row: &Variable| {
        let measure = measure(row);
        Measure { bytes: measure.bytes - details(row), ..measure }
    };
    let places = fold::chosen_by(rows, VARIABLES, &ranks, base);
    let (mut bytes_left, mut excess_left) = (HISTORIES_BYTES, HISTORIES_EXCESS_BYTES);
    let mut kept = vec![(0, 0); rows.len()];
    for &index in ranks.iter().filter(|&&index| places[index].is_some()) {
        let row = &rows[index];
        // The newest stand last.
        let mut fitting = |sizes: &mut dyn Iterator<Item = (usize, usize)>| {
            let mut count = 0;
            for (bytes, excess) in sizes {
                if bytes > bytes_left || excess > excess_left {
                    break;
                }
                (bytes_left, excess_left) = (bytes_left - bytes, excess_left - excess);
                count += 1;
            }
            count
        };
        let crossings = fitting(&mut row.crossings.iter().rev().map(crossing));
        let instances = fitting(&mut row.history.iter().rev().map(instance));
        kept[index] = (instances, crossings);
    }
    (places, kept)
}
