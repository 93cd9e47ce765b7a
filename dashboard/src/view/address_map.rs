//! The map by address: the regions that hold live blocks, and for the page's script the cells in them.

use super::geometry::{Bar, bar};
use super::label::{self, Labels, ThreadLabel};
use super::ranking::{Folded, ranked};
use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::{Cell, MemoryMap, Mode, Region, Snapshot};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Regions drawn at most: those with most live bytes.
pub const MOST_REGIONS: usize = 12;
/// Threads, scopes, and variables with a colour of their own; the others share one.
pub const COLOURS: usize = 7;
/// What a float of the page's script holds exactly.
const MOST_EXACT: u64 = 1 << 53;

/// The map by address.
#[derive(Clone, Debug, Serialize)]
pub struct AddressMap {
    /// Cells with live bytes.
    pub cells: Figure,
    /// Their live bytes.
    pub bytes: Figure,
    /// Regions, by address.
    pub regions: Vec<RegionRow>,
    /// Regions that are not drawn.
    pub folded: Option<Folded>,
    /// Threads that have a colour.
    pub threads: Vec<ThreadColour>,
    /// Scopes that have a colour.
    pub scopes: Vec<ScopeColour>,
    /// Variables that have one: those with most live bytes.
    pub variables: Vec<VariableSize>,
    /// What is drawn.
    #[serde(skip)]
    pub drawn: Drawn,
}

/// A region.
#[derive(Clone, Debug, Serialize)]
pub struct RegionRow {
    /// Index into the document's regions.
    pub index: usize,
    /// What the system calls it; `None`: it is anonymous, or not known.
    pub name: Option<String>,
    /// Its first address.
    pub start: Figure,
    /// The address behind its last.
    pub end: Figure,
    /// Its length.
    pub bytes: Figure,
    /// Live bytes in it.
    pub live: Figure,
    /// Length of a cell.
    pub cell: Figure,
    /// Mappings that it is made of, if there are several.
    pub mappings: Option<Figure>,
    /// Whether the system did not say what is mapped there.
    pub is_unknown: bool,
}

/// The colour of a thread.
#[derive(Clone, Debug, Serialize)]
pub struct ThreadColour {
    /// Number of the colour.
    pub colour: usize,
    /// The thread.
    pub thread: ThreadLabel,
}

/// The colour of a scope.
#[derive(Clone, Debug, Serialize)]
pub struct ScopeColour {
    /// Number of the colour.
    pub colour: usize,
    /// The scope.
    pub name: String,
}

/// A variable, by its size.
#[derive(Clone, Debug, Serialize)]
pub struct VariableSize {
    /// Number of the colour.
    pub colour: usize,
    /// Index of the variable.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// Whether it has an inspector.
    pub is_opened: bool,
    /// Bytes alive.
    pub bytes: Figure,
    /// Their share of the largest variable's.
    pub bar: Bar,
}

/// What `address_map.js` draws.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Drawn {
    /// Of each region its index, first address, length, length of a cell and the index of its first cell.
    pub regions: Vec<[u64; 5]>,
    /// The cells of each, thirteen numbers a cell: bytes between it and the one before; its length, 0 where it is a cell's;
    /// live bytes; blocks; young blocks; scope, live bytes of others; thread, live bytes of others (−1: not told); when the
    /// oldest block was allocated, and how much later the newest; variable (−1: no tracked one), live bytes of others (−1: not
    /// told).
    pub cells: Vec<Vec<i64>>,
    /// Threads by their colours, …
    pub thread_colours: Vec<u32>,
    /// … and scopes, …
    pub scope_colours: Vec<u32>,
    /// … and variables.
    pub variable_colours: Vec<u32>,
    /// Names of threads by their ids.
    pub thread_names: BTreeMap<u32, String>,
    /// How long the recording is.
    pub elapsed_ms: u64,
}

/// The map, or why there is none; neither where no block lives.
pub fn address_map(snapshot: &Snapshot, labels: &Labels<'_>) -> Result<Option<AddressMap>, &'static str> {
    let map = &snapshot.memory_map;
    if !is_sound(map) || snapshot.program.elapsed_ms >= MOST_EXACT {
        return Err("The recording's map by address contradicts itself and is not drawn.");
    }
    match (map.regions.is_empty(), snapshot.mode) {
        (false, _) => Ok(Some(drawn_map(snapshot, labels))),
        (true, _) if snapshot.folded.map_cells > 0 => {
            Err("The map by address is not in the recording: it has more cells than a file holds.")
        }
        (true, Mode::Sampling) => Err(
            "A map of the pages is not recorded: where blocks are sampled, a page without a known block need not be empty.",
        ),
        (true, Mode::Live) if snapshot.totals.live_bytes > 0 => {
            Err("A map of the pages is not recorded: the recording is of a memscope that did not make one.")
        }
        _ => Ok(None),
    }
}

/// Whether cells lie in their regions one behind the other, each part of a figure is within it, and all add up to what a float
/// holds. A recording may come from anywhere. (A cell may hold more than its length: what is freed and given out anew while
/// the recorder walks is met twice.)
fn is_sound(map: &MemoryMap) -> bool {
    let end = |start: u64, bytes: u64| start.checked_add(bytes).filter(|&end| end < MOST_EXACT && bytes > 0);
    let regions_are = map.regions.iter().all(|region| {
        end(region.start, region.bytes).is_some() && region.cell_bytes > 0 && region.cell_bytes < MOST_EXACT
    });
    let cell_is = |cell: &Cell| {
        let region = map.regions.get(cell.region as usize);
        let (within, last) = (region.map(|region| region.start + region.bytes), end(cell.start, cell.bytes));
        let part = |part: Option<u64>| part.is_none_or(|part| part <= cell.live_bytes);
        last.zip(within).is_some_and(|(last, within)| last <= within)
            && region.is_some_and(|region| region.start <= cell.start)
            && cell.live_bytes.max(cell.blocks).max(cell.newest_ms) < MOST_EXACT
            && part(cell.scope_bytes)
            && part(cell.thread_bytes)
            && part(cell.variable_bytes)
            && cell.young_blocks <= cell.blocks
            && cell.oldest_ms <= cell.newest_ms
    };
    let ordered = |pair: &[Cell]| {
        pair[0].region < pair[1].region
            || pair[0].region == pair[1].region && pair[0].start + pair[0].bytes <= pair[1].start
    };
    let live = map.cells.iter().try_fold(0_u64, |sum, cell| sum.checked_add(cell.live_bytes));
    regions_are
        && map.cells.iter().all(cell_is)
        && map.cells.windows(2).all(ordered)
        && live.is_some_and(|live| live < MOST_EXACT)
}

fn drawn_map(snapshot: &Snapshot, labels: &Labels<'_>) -> AddressMap {
    let map = &snapshot.memory_map;
    let mut cells_of: Vec<&[Cell]> = vec![&[]; map.regions.len()];
    for cells in map.cells.chunk_by(|a, b| a.region == b.region) {
        cells_of[cells[0].region as usize] = cells;
    }
    let live: Vec<u64> =
        cells_of.iter().map(|cells| cells.iter().map(|cell| cell.live_bytes).sum()).collect();
    let numbers: Vec<usize> = (0..map.regions.len()).collect();
    let (mut shown, rest) = ranked(&numbers, MOST_REGIONS, |&index| live[index]);
    shown.sort_unstable();
    let threads = by_bytes(&map.cells, |cell| cell.thread.zip(cell.thread_bytes));
    let scopes = by_bytes(&map.cells, |cell| cell.scope.zip(cell.scope_bytes));
    let first_of = |thread: u32| map.cells.iter().position(|cell| cell.thread == Some(thread)).unwrap_or(0);
    let name_of = |scope: u32| snapshot.scopes.get(scope as usize).map(|row| label::scope(&row.path));
    let variables = variables(snapshot, labels);
    let sum_of = |index: usize| format!("sum(/memory_map/cells/*/live_bytes, region = {index})");
    let drawn_sum = || shown.iter().map(|&index| sum_of(index)).collect::<Vec<_>>().join(" - ");
    let all = map.cells.iter().map(|cell| cell.live_bytes).sum::<u64>();
    AddressMap {
        cells: Figure::count("len(/memory_map/cells)", map.cells.len() as u64),
        bytes: Figure::bytes("sum(/memory_map/cells/*/live_bytes)", all),
        regions: shown
            .iter()
            .map(|&index| row(index, &map.regions[index], sum_of(index), live[index]))
            .collect(),
        folded: (!rest.is_empty()).then(|| Folded {
            rows: Figure::count(format!("len(/memory_map/regions) - {MOST_REGIONS}"), rest.len() as u64),
            bytes: Some(Figure::bytes(
                format!("sum(/memory_map/cells/*/live_bytes) - {}", drawn_sum()),
                rest.iter().map(|&index| live[index]).sum::<u64>(),
            )),
        }),
        threads: (0..)
            .zip(&threads)
            .map(|(colour, &id)| ThreadColour {
                colour,
                thread: labels.thread(format!("/memory_map/cells/{}/thread", first_of(id)), id),
            })
            .collect(),
        scopes: (0..)
            .zip(&scopes)
            .map(|(colour, &scope)| ScopeColour {
                colour,
                name: name_of(scope).unwrap_or_else(|| "a scope that the recording does not list".into()),
            })
            .collect(),
        drawn: Drawn {
            regions: shown
                .iter()
                .map(|&index| {
                    let Region { start, bytes, cell_bytes, .. } = map.regions[index];
                    let first = map.cells.partition_point(|cell| (cell.region as usize) < index);
                    [index as u64, start, bytes, cell_bytes, first as u64]
                })
                .collect(),
            cells: shown.iter().map(|&index| packed(&map.regions[index], cells_of[index])).collect(),
            thread_names: map
                .cells
                .iter()
                .filter_map(|cell| Some((cell.thread?, labels.thread_name(cell.thread?)?)))
                .collect(),
            thread_colours: threads,
            scope_colours: scopes,
            variable_colours: variables.iter().map(|variable| variable.index as u32).collect(),
            elapsed_ms: snapshot.program.elapsed_ms,
        },
        variables,
    }
}

/// The variables with most live bytes, as many as have a colour.
fn variables(snapshot: &Snapshot, labels: &Labels<'_>) -> Vec<VariableSize> {
    let rows = &snapshot.variables;
    let (largest, _) = ranked(rows, COLOURS, |row| row.heap_bytes);
    let most = largest.first().and_then(|&index| rows[index].heap_bytes).unwrap_or(0);
    let sizes = largest.into_iter().filter_map(|index| {
        let row = &rows[index];
        let bytes = row.heap_bytes.filter(|&bytes| bytes > 0)?;
        let from = format!("/variables/{index}/heap_bytes");
        Some(VariableSize {
            colour: 0,
            index,
            name: visible(&row.name),
            is_opened: labels.has_inspector(index),
            bar: bar(&from, bytes, "max(/variables/*/heap_bytes)", most),
            bytes: Figure::estimated_bytes(&from, bytes, row.heap_bytes_error),
        })
    });
    sizes.enumerate().map(|(colour, size)| VariableSize { colour, ..size }).collect()
}

fn row(index: usize, region: &Region, live_from: String, live: u64) -> RegionRow {
    let at = |field: &str| format!("/memory_map/regions/{index}/{field}");
    RegionRow {
        index,
        name: region.name.as_deref().map(visible),
        start: Figure::address(at("start"), region.start),
        end: Figure::address(format!("{} + {}", at("start"), at("bytes")), region.start + region.bytes),
        bytes: Figure::bytes(at("bytes"), region.bytes),
        live: Figure::bytes(live_from, live),
        cell: Figure::bytes(at("cell_bytes"), region.cell_bytes),
        mappings: (region.mappings > 1).then(|| Figure::count(at("mappings"), u64::from(region.mappings))),
        is_unknown: region.mappings == 0,
    }
}

/// Those with most bytes, the most first, as many as have a colour.
fn by_bytes(cells: &[Cell], of: impl Fn(&Cell) -> Option<(u32, u64)>) -> Vec<u32> {
    let mut sums: BTreeMap<u32, u64> = BTreeMap::new();
    for (one, bytes) in cells.iter().filter_map(of) {
        let sum = sums.entry(one).or_default();
        *sum = sum.saturating_add(bytes);
    }
    let mut all: Vec<(u32, u64)> = sums.into_iter().collect();
    all.sort_by_key(|&(one, bytes)| (Reverse(bytes), one));
    all.into_iter().map(|(one, _)| one).take(COLOURS).collect()
}

/// The numbers of [`Drawn::cells`]; all are below 2^53.
fn packed(region: &Region, cells: &[Cell]) -> Vec<i64> {
    let mut end = region.start;
    let mut numbers = Vec::with_capacity(13 * cells.len());
    for cell in cells {
        let others = |bytes: Option<u64>| bytes.map_or(-1, |bytes| (cell.live_bytes - bytes) as i64);
        let who = |one: Option<u32>| one.map_or(-1, i64::from);
        numbers.extend([
            (cell.start - end) as i64,
            if cell.bytes == region.cell_bytes { 0 } else { cell.bytes as i64 },
            cell.live_bytes as i64,
            cell.blocks as i64,
            cell.young_blocks as i64,
            who(cell.scope),
            others(cell.scope_bytes),
            who(cell.thread),
            others(cell.thread_bytes),
            cell.oldest_ms as i64,
            (cell.newest_ms - cell.oldest_ms) as i64,
            who(cell.variable),
            others(cell.variable_bytes),
        ]);
        end = cell.start + cell.bytes;
    }
    numbers
}
