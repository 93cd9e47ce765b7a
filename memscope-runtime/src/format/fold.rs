//! Rows into sums: what [`bound`](super::bound) decided, done, list by list.

use super::bound::{
    BLOCKS, FOREIGN_FREES, HANDED_OUT, LIFETIMES, Places, SCOPE_THREADS, SITES, SIZES, Share, TASKS, THREADS,
    TIMELINE, TREND, TYPES, map_fits, scope_threads_fit,
};
use super::chunk::MOST_ROW_BYTES;
use super::encode::{Measure, measure};
use super::lists::{Head, without_lists};
use crate::snapshot::{
    Blocks, Evidence, Finding, Folded, ForeignFrees, HandedOut, Lifetimes, MemoryMap, Scope, ScopeThread,
    Severity, SiteRow, SizeRange, Snapshot, Task, TaskState, Thread, TimelinePoint, Type, Variable,
    error_of_sum,
};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The kind of the finding that says that a recording does not list everything.
const FOLDED_ROWS: &str = "folded_rows";

/// `snapshot` without its lists.
pub(super) fn shell(snapshot: &Snapshot) -> Snapshot {
    without_lists(Head::of(snapshot))
}

/// The rows' indices: the pinned ones first, then by `key`, the greatest first.
pub(super) fn ranks<T, K: Ord>(rows: &[T], pinned: &[usize], key: impl Fn(&T) -> K) -> Vec<usize> {
    let mut is_pinned = vec![false; rows.len()];
    for &index in pinned {
        if let Some(pin) = is_pinned.get_mut(index) {
            *pin = true;
        }
    }
    let mut ranks: Vec<usize> = (0..rows.len()).collect();
    ranks.sort_by_cached_key(|&index| (!is_pinned[index], Reverse(key(&rows[index])), index));
    ranks
}

/// The new places of `rows` when as many as fit are kept, the first of `ranks` first, in the order in which they stand.
pub(super) fn chosen<T: Serialize>(rows: &[T], share: Share, ranks: &[usize]) -> Places {
    chosen_by(rows, share, ranks, |row| measure(row))
}

pub(super) fn chosen_by<T>(
    rows: &[T],
    share: Share,
    ranks: &[usize],
    size: impl Fn(&T) -> Measure,
) -> Places {
    let mut is_kept = vec![false; rows.len()];
    let mut left = share;
    for &index in ranks {
        let bytes = size(&rows[index]).bytes;
        if bytes > MOST_ROW_BYTES {
            continue;
        }
        if left.rows == 0 || bytes > left.bytes {
            break;
        }
        left = Share { rows: left.rows - 1, bytes: left.bytes - bytes };
        is_kept[index] = true;
    }
    let mut next = 0..;
    is_kept.into_iter().map(|is_kept| if is_kept { next.next() } else { None }).collect()
}

/// Rows and whether they are kept.
fn with_places<'a, T>(rows: &'a [T], places: &'a Places) -> impl Iterator<Item = (&'a T, bool)> {
    rows.iter().zip(places.iter().map(Option::is_some))
}

fn add(sum: &mut u64, part: u64) {
    *sum = sum.saturating_add(part);
}

/// Adds to a figure that may not be measured.
fn add_measured(sum: &mut Option<u64>, part: Option<u64>) {
    *sum = match (*sum, part) {
        (None, other) | (other, None) => other,
        (Some(sum), Some(part)) => Some(sum.saturating_add(part)),
    };
}

fn add_error(sum: &mut Option<u64>, part: Option<u64>) {
    *sum = error_of_sum(*sum, part);
}

pub(super) fn scopes(
    rows: &[Scope],
    places: &Places,
    keeps_trend: &[bool],
    folded: &mut Folded,
) -> Vec<Scope> {
    let mut kept = Vec::new();
    let sum = &mut folded.scopes;
    for ((row, is_kept), &keeps_trend) in with_places(rows, places).zip(keeps_trend) {
        if is_kept {
            let mut row = row.clone();
            if !keeps_trend && !row.trend.is_empty() {
                row.trend = Vec::new();
                folded.trends += 1;
            }
            kept.push(row);
            continue;
        }
        let memory = &row.exclusive;
        add(&mut sum.scopes, 1);
        add(&mut sum.allocations, memory.allocations);
        add_error(&mut sum.allocations_error, memory.allocations_error);
        add(&mut sum.allocated_bytes, memory.allocated_bytes);
        add_error(&mut sum.allocated_bytes_error, memory.allocated_bytes_error);
        add(&mut sum.live_allocations, memory.live_allocations);
        add_error(&mut sum.live_allocations_error, memory.live_allocations_error);
        add(&mut sum.live_bytes, memory.live_bytes);
        add_error(&mut sum.live_bytes_error, memory.live_bytes_error);
    }
    kept
}

/// `details`: how many instances and crossings each row keeps, the newest.
pub(super) fn variables(
    rows: &[Variable],
    places: &Places,
    details: &[(usize, usize)],
    folded: &mut Folded,
) -> Vec<Variable> {
    let mut kept = Vec::new();
    for ((row, is_kept), &(instances, crossings)) in with_places(rows, places).zip(details) {
        if !is_kept {
            let sum = &mut folded.variables;
            add(&mut sum.variables, 1);
            add(&mut sum.instances, row.instances);
            add_measured(&mut sum.heap_bytes, row.heap_bytes);
            add_error(&mut sum.heap_bytes_error, row.heap_bytes_error);
            add_measured(&mut sum.blocks, row.blocks);
            add_error(&mut sum.blocks_error, row.blocks_error);
            continue;
        }
        let mut row = row.clone();
        let (older, old) = (row.history.len() - instances, row.crossings.len() - crossings);
        // Each kept execution stands for so many.
        let executions = row.history.drain(..older).map(|instance| instance.weight).sum::<u64>();
        row.crossings.drain(..old);
        add(&mut row.folded_instances, executions);
        add(&mut folded.history_instances, executions);
        add(&mut row.folded_crossings, old as u64);
        add(&mut folded.crossings, old as u64);
        kept.push(row);
    }
    kept
}

/// Pairs of scopes that are listed; those that hold least go into the row of their scope. `scopes`: the scopes' new places.
pub(super) fn scope_threads(rows: &[ScopeThread], scopes: &Places, out: &mut Snapshot) {
    let mut of_listed = Vec::with_capacity(rows.len());
    for row in rows {
        match scopes.get(row.scope as usize).copied().flatten() {
            Some(scope) => of_listed.push(ScopeThread { scope, ..*row }),
            // Its figures are part of `folded.scopes`.
            None => add(&mut out.folded.scope_threads, row.pairs),
        }
    }
    // What is not told apart already comes first; half of the share is left for the rows of those that join them.
    of_listed.sort_by_key(|row| (row.thread.is_some(), row.rank()));
    let places: Vec<usize> = (0..of_listed.len()).collect();
    let half = Share { rows: SCOPE_THREADS.rows / 2, bytes: SCOPE_THREADS.bytes / 2 };
    let share = if scope_threads_fit(&of_listed) { SCOPE_THREADS } else { half };
    let places = chosen(&of_listed, share, &places);
    let mut sums: BTreeMap<u32, ScopeThread> = BTreeMap::new();
    for (row, is_kept) in with_places(&of_listed, &places) {
        if is_kept && row.thread.is_some() {
            out.scope_threads.push(*row);
            continue;
        }
        if row.thread.is_some() {
            add(&mut out.folded.scope_threads, row.pairs);
        }
        let alone = ScopeThread { thread: None, ..*row };
        sums.entry(row.scope).and_modify(|sum| sum.take_in(row)).or_insert(alone);
    }
    out.scope_threads.extend(sums.into_values());
    out.scope_threads.sort_by_key(ScopeThread::place);
    // Of a strange snapshot the rows of scopes alone may be too long: then none is kept.
    if !scope_threads_fit(&out.scope_threads) {
        let told_apart = out.scope_threads.drain(..).filter(|row| row.thread.is_some());
        let pairs = told_apart.fold(0, |sum: u64, row| sum.saturating_add(row.pairs));
        add(&mut out.folded.scope_threads, pairs);
    }
}

/// Those that hold least go into one row, in the place of the first of them.
pub(super) fn threads(rows: &[Thread], out: &mut Snapshot) {
    let ranks = ranks(rows, &[], |row| (row.live_bytes, row.allocated_bytes, row.allocations));
    let share = Share { rows: THREADS.rows - 1, ..THREADS };
    let places = match rows.len() > THREADS.rows {
        true => chosen(rows, share, &ranks),
        false => chosen(rows, THREADS, &ranks),
    };
    let mut sum: Option<usize> = None;
    for (row, is_kept) in with_places(rows, &places) {
        if is_kept {
            out.threads.push(row.clone());
            continue;
        }
        add(&mut out.folded.threads, 1);
        let Some(sum) = sum else {
            sum = Some(out.threads.len());
            out.threads.push(Thread { name: None, ..row.clone() });
            continue;
        };
        let sum = &mut out.threads[sum];
        sum.threads = sum.threads.saturating_add(row.threads);
        sum.ended &= row.ended;
        add(&mut sum.allocations, row.allocations);
        add_error(&mut sum.allocations_error, row.allocations_error);
        add(&mut sum.deallocations, row.deallocations);
        add_error(&mut sum.deallocations_error, row.deallocations_error);
        add(&mut sum.foreign_deallocations, row.foreign_deallocations);
        add_error(&mut sum.foreign_deallocations_error, row.foreign_deallocations_error);
        add(&mut sum.reallocations, row.reallocations);
        add_error(&mut sum.reallocations_error, row.reallocations_error);
        add(&mut sum.allocated_bytes, row.allocated_bytes);
        add_error(&mut sum.allocated_bytes_error, row.allocated_bytes_error);
        add(&mut sum.live_allocations, row.live_allocations);
        add_error(&mut sum.live_allocations_error, row.live_allocations_error);
        add(&mut sum.live_bytes, row.live_bytes);
        add_error(&mut sum.live_bytes_error, row.live_bytes_error);
    }
}

/// The rows that are kept; `fold` is told of the others.
fn kept<T: Clone>(rows: &[T], places: &Places, mut fold: impl FnMut(&T)) -> Vec<T> {
    let mut list = Vec::new();
    for (row, is_kept) in with_places(rows, places) {
        if is_kept { list.push(row.clone()) } else { fold(row) }
    }
    list
}

pub(super) fn foreign_frees(rows: &[ForeignFrees], out: &mut Snapshot) {
    let places = chosen(rows, FOREIGN_FREES, &ranks(rows, &[], |row| row.deallocations));
    out.foreign_frees = kept(rows, &places, |_| out.folded.foreign_frees += 1);
}

/// The running ones and the newest are kept.
pub(super) fn tasks(rows: &[Task], out: &mut Snapshot) {
    let places = chosen(rows, TASKS, &ranks(rows, &[], |row| (row.state == TaskState::Running, row.number)));
    out.tasks = kept(rows, &places, |_| add(&mut out.profiler.folded_tasks, 1));
}

pub(super) fn types(rows: &[Type], out: &mut Snapshot) {
    let places = chosen(rows, TYPES, &ranks(rows, &[], |row| (row.heap_bytes, row.instances)));
    out.types = kept(rows, &places, |_| out.folded.types += 1);
}

/// Of each stretch of the timeline the highest point is kept, and the last point of all.
pub(super) fn timeline(rows: &[TimelinePoint], out: &mut Snapshot) {
    let (mut bytes, mut longest) = (0, 1);
    for row in rows.iter().map(|row| measure(row).bytes) {
        bytes += row;
        longest = longest.max(row);
    }
    // As many as fit whichever they are.
    let most = TIMELINE.rows.min(TIMELINE.bytes / longest);
    if rows.len() <= TIMELINE.rows && bytes <= TIMELINE.bytes {
        out.timeline = rows.to_vec();
        return;
    }
    let stretch = rows.len().div_ceil(most - 1);
    let highest =
        rows.chunks(stretch).filter_map(|points| points.iter().max_by_key(|point| point.live_bytes));
    out.timeline = highest.copied().collect();
    if out.timeline.last() != rows.last() {
        out.timeline.extend(rows.last());
    }
    add(&mut out.folded.timeline_points, (rows.len() - out.timeline.len()) as u64);
}

/// Moments at even distances are kept, and the last; of each scope's trend the same.
pub(super) fn trends(moments: &[u64], out: &mut Snapshot) {
    let most = TREND.rows;
    let stride = moments.len().div_ceil(most).max(1);
    // Counted from the end, so that the last is among them.
    let is_kept = |index: usize, len: usize| (len - 1 - index) % stride == 0;
    let thinned = |list: &[u64]| -> Vec<u64> {
        let each = list.iter().enumerate().filter(|&(index, _)| is_kept(index, list.len()));
        each.map(|(_, &value)| value).collect()
    };
    out.trend_ms = thinned(moments);
    add(&mut out.folded.trend_moments, (moments.len() - out.trend_ms.len()) as u64);
    if stride > 1 {
        for scope in &mut out.scopes {
            scope.trend = thinned(&scope.trend);
        }
    }
}

/// The longest ones go into one row.
pub(super) fn lifetimes(rows: &[Lifetimes], out: &mut Snapshot) {
    let (listed, rest) = rows.split_at(rows.len().min(LIFETIMES.rows));
    out.lifetimes = listed.to_vec();
    let Some(last) = out.lifetimes.last_mut() else { return };
    for row in rest {
        add(&mut out.folded.lifetimes, 1);
        last.below_ms = row.below_ms;
        add(&mut last.deallocations, row.deallocations);
        add_error(&mut last.deallocations_error, row.deallocations_error);
        add(&mut last.live_allocations, row.live_allocations);
        add_error(&mut last.live_allocations_error, row.live_allocations_error);
        add_measured(&mut last.freed_bytes, row.freed_bytes);
        add_error(&mut last.freed_bytes_error, row.freed_bytes_error);
        add_measured(&mut last.live_bytes, row.live_bytes);
        add_error(&mut last.live_bytes_error, row.live_bytes_error);
    }
}

/// The largest ones go into one row.
pub(super) fn sizes(rows: &[SizeRange], out: &mut Snapshot) {
    let (listed, rest) = rows.split_at(rows.len().min(SIZES.rows));
    out.sizes = listed.to_vec();
    let Some(last) = out.sizes.last_mut() else { return };
    for row in rest {
        add(&mut out.folded.sizes, 1);
        last.below_bytes = row.below_bytes;
        add_measured(&mut last.deallocations, row.deallocations);
        add_error(&mut last.deallocations_error, row.deallocations_error);
        add_measured(&mut last.freed_bytes, row.freed_bytes);
        add_error(&mut last.freed_bytes_error, row.freed_bytes_error);
        add_measured(&mut last.live_allocations, row.live_allocations);
        add_error(&mut last.live_allocations_error, row.live_allocations_error);
        add_measured(&mut last.live_bytes, row.live_bytes);
        add_error(&mut last.live_bytes_error, row.live_bytes_error);
    }
}

pub(super) fn blocks(blocks: &Blocks, out: &mut Snapshot) {
    let rows = &blocks.largest;
    let places = chosen(rows, BLOCKS, &ranks(rows, &[], |row| (row.bytes, Reverse(row.address))));
    let sum = &mut out.blocks;
    sum.largest = kept(rows, &places, |row| {
        add(&mut sum.folded_blocks, 1);
        add(&mut sum.folded_bytes, row.bytes);
    });
}

/// A map without some of its cells would show holes that are none: it is kept whole or left out.
pub(super) fn memory_map(map: &MemoryMap, out: &mut Snapshot) {
    if map_fits(map) {
        out.memory_map = map.clone();
    } else {
        add(&mut out.folded.map_cells, map.cells.len() as u64);
    }
}

pub(super) fn handed_out(rows: &[HandedOut], pinned: &[usize], out: &mut Snapshot) -> Places {
    let places = chosen(rows, HANDED_OUT, &ranks(rows, pinned, |row| (row.live_bytes, row.handed_out)));
    let sum = &mut out.folded.handed_out;
    out.handed_out = kept(rows, &places, |row| {
        add(&mut sum.places, 1);
        add(&mut sum.live_blocks, row.live_blocks);
        add(&mut sum.live_bytes, row.live_bytes);
    });
    places
}

pub(super) fn sites(rows: &[SiteRow], pinned: &[usize], out: &mut Snapshot) -> Places {
    let places = chosen(rows, SITES, &ranks(rows, pinned, |row| row.executions));
    out.sites = kept(rows, &places, |_| out.folded.sites += 1);
    places
}

/// The list, the index and what follows it of a JSON pointer to a row: `/scopes/12/calls` is ("scopes", 12, "calls").
pub(super) fn pointer(pointer: &str) -> Option<(&str, usize, &str)> {
    let (list, rest) = pointer.strip_prefix('/')?.split_once('/')?;
    let (index, field) = rest.split_once('/').unwrap_or((rest, ""));
    Some((list, index.parse().ok()?, field))
}

/// Points everything that names a row by its index to its new place. What names a folded row names nothing any more.
pub(super) fn move_references<'a>(out: &mut Snapshot, places: &dyn Fn(&str) -> Option<&'a Places>) {
    let moved = |list: &str, index: u32| match places(list) {
        Some(places) => places.get(index as usize).copied().flatten(),
        None => Some(index),
    };
    for block in &mut out.blocks.largest {
        block.scope = block.scope.and_then(|index| moved("scopes", index));
        block.variable = block.variable.and_then(|index| moved("variables", index));
    }
    for cell in &mut out.memory_map.cells {
        cell.scope = cell.scope.and_then(|index| moved("scopes", index));
        let Some(owner) = cell.variable else { continue };
        cell.variable = moved("variables", owner);
        // Without its figure, which would say that no tracked variable owns these bytes.
        cell.variable_bytes = cell.variable_bytes.filter(|_| cell.variable.is_some());
    }
    for row in &mut out.variables {
        row.shared_with = row.shared_with.iter().filter_map(|&index| moved("variables", index)).collect();
    }
    let move_evidence = |rows: &mut Vec<Evidence>| {
        rows.retain_mut(|row| {
            let Some((list, index, field)) = pointer(&row.pointer) else { return true };
            let Some(places) = places(list) else { return true };
            match places.get(index).copied().flatten() {
                Some(index) if field.is_empty() => row.pointer = format!("/{list}/{index}"),
                Some(index) => row.pointer = format!("/{list}/{index}/{field}"),
                None => return false,
            }
            true
        });
    };
    out.findings.iter_mut().for_each(|finding| move_evidence(&mut finding.evidence));
    let categories = out.scopes.iter_mut().filter_map(|scope| scope.category.as_mut());
    categories.for_each(|category| move_evidence(&mut category.evidence));
}

/// A finding that says what is not listed.
pub(super) fn say_so(out: &mut Snapshot) {
    out.findings.retain(|finding| finding.kind != FOLDED_ROWS);
    let Folded {
        scopes,
        variables,
        history_instances,
        crossings,
        threads,
        foreign_frees,
        types,
        timeline_points,
        trends,
        trend_moments,
        lifetimes,
        findings,
        handed_out,
        sites,
        cut_texts,
        map_cells,
        sizes,
        scope_threads,
        lives,
    } = &out.folded;
    let counts = [
        ("scopes", scopes.scopes, "scopes/scopes"),
        ("variables", variables.variables, "variables/variables"),
        ("executions in histories", *history_instances, "history_instances"),
        ("crossings", *crossings, "crossings"),
        ("threads, in one row", *threads, "threads"),
        ("pairs of threads that freed each other's blocks", *foreign_frees, "foreign_frees"),
        ("types", *types, "types"),
        ("points of the timeline", *timeline_points, "timeline_points"),
        ("trends of scopes", *trends, "trends"),
        ("moments of trends", *trend_moments, "trend_moments"),
        ("sizes", *sizes, "sizes"),
        ("lifetimes", *lifetimes, "lifetimes"),
        ("findings", *findings, "findings"),
        ("places that handed out", handed_out.places, "handed_out/places"),
        ("sites", *sites, "sites"),
        ("texts that were cut", *cut_texts, "cut_texts"),
        ("cells of the memory map, all of it", *map_cells, "map_cells"),
        ("threads of scopes, one by one", *scope_threads, "scope_threads"),
        ("lives of listed executions", *lives, "lives"),
    ];
    let evidence: Vec<Evidence> = counts
        .into_iter()
        .filter(|&(_, count, _)| count > 0)
        .map(|(what, value, field)| Evidence {
            what: format!("not listed: {what}"),
            value,
            unit: "count".to_owned(),
            pointer: format!("/folded/{field}"),
        })
        .collect();
    if evidence.is_empty() {
        return;
    }
    let finding = Finding {
        kind: FOLDED_ROWS.to_owned(),
        severity: Severity::Note,
        message: "The recording's size is bounded, so it lists what holds most and has sums of the rest; totals are \
                  those of the whole program. `memscope::snapshot()` in the program lists everything."
            .to_owned(),
        scope: Vec::new(),
        variable: None,
        evidence,
        saving_bytes: None,
    };
    let key = |finding: &Finding| (finding.severity, finding.kind.clone());
    let place = out.findings.partition_point(|other| key(other) <= key(&finding));
    out.findings.insert(place, finding);
}
