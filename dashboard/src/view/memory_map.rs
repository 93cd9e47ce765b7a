//! The memory map: where live blocks lie by address ([`address_map`](super::address_map)), and the largest ones. Where no map by
//! address is recorded the largest are drawn, by the thread that allocated them.

use super::address_map::{AddressMap, Drawn, address_map};
use super::label::{self, Labels, Term, ThreadLabel};
use super::ranking::{Folded, ranked};
use crate::figure::Figure;
use crate::packed::Packed;
use crate::text::visible;
use memscope_runtime::snapshot::{Block, Mode, Snapshot};
use serde::Serialize;
use std::collections::BTreeMap;

/// Blocks drawn at most: the largest. One takes some 60 bytes of the page's data.
pub const MOST_BLOCKS: usize = 300;
/// Blocks listed as hotspots.
pub const MOST_HOTSPOTS: usize = 10;
/// Scopes with a colour of their own; the others share one.
pub const COLOURS: usize = 7;
/// Side of the square of the largest block, and the least that can be seen and pointed at, in pixels.
const SIDES: (f64, f64) = (72.0, 8.0);

/// The memory map.
#[derive(Clone, Debug, Serialize)]
pub struct MemoryMap {
    /// Whether only blocks of the sample are known.
    pub sampled: bool,
    /// Where its figures come from.
    pub provenance: Term,
    /// Blocks in the map.
    pub blocks: Figure,
    /// Their bytes.
    pub bytes: Figure,
    /// What is alive and not in the map.
    pub folded: Option<Folded>,
    /// Where live blocks lie; `None`: not recorded.
    pub map: Option<AddressMap>,
    /// Why it is not.
    pub no_map: Option<&'static str>,
    /// Colours and the scopes that they stand for.
    pub legend: Vec<Colour>,
    /// Blocks by the thread that allocated them.
    pub threads: Vec<ThreadBlocks>,
    /// The largest blocks.
    pub hotspots: Vec<Hotspot>,
}

/// What a colour stands for.
#[derive(Clone, Debug, Serialize)]
pub struct Colour {
    /// Number of the colour.
    pub colour: usize,
    /// How many scopes share it; `None`: it stands for one.
    pub scopes: Option<Figure>,
    /// The scope, or what takes its place.
    pub name: String,
    /// Bytes in the map.
    pub bytes: Figure,
}

/// The blocks of one thread.
#[derive(Clone, Debug, Serialize)]
pub struct ThreadBlocks {
    /// The thread; `None`: declared blocks have none.
    pub thread: Option<ThreadLabel>,
    /// How many blocks.
    pub blocks: Figure,
    /// Their bytes.
    pub bytes: Figure,
    /// The blocks, by address; the partial `squares` draws them.
    pub squares: Vec<Square>,
}

/// One block, drawn.
#[derive(Clone, Debug, Serialize)]
pub struct Square {
    /// Index into the document's largest blocks.
    #[serde(skip)]
    pub index: usize,
    /// Its size.
    pub bytes: Figure,
    /// Side in pixels: the area follows the bytes, down to the least that can be seen.
    pub side: String,
    /// Number of the colour.
    pub colour: usize,
    /// Index of the variable that owns it, if that has an inspector.
    pub variable: Option<usize>,
    /// Its address.
    pub address: Figure,
    /// The scope that allocated it.
    pub scope: String,
    /// The variable that owns it, in words.
    pub owner: String,
    /// The thread that allocated it, in words.
    pub thread: String,
    /// When it was allocated.
    pub allocated: Figure,
}

/// One of the largest blocks.
#[derive(Clone, Debug, Serialize)]
pub struct Hotspot {
    /// Its address.
    pub address: Figure,
    /// Its size.
    pub bytes: Figure,
    /// Scope that allocated it; `None`: declared.
    pub scope: Option<String>,
    /// Variable that owns it.
    pub variable: Option<String>,
    /// Index of that variable, if it has an inspector.
    pub variable_index: Option<usize>,
    /// Thread that allocated it; `None`: declared.
    pub thread: Option<ThreadLabel>,
    /// When it was allocated.
    pub allocated: Figure,
}

/// The map of `snapshot`.
pub fn memory_map(snapshot: &Snapshot, labels: &Labels<'_>) -> MemoryMap {
    let blocks = &snapshot.blocks.largest;
    let (largest, _) = ranked(blocks, MOST_BLOCKS, |block| block.bytes);
    let by_scope = Colours::new(blocks);
    let greatest = largest.first().map_or(1, |&index| blocks[index].bytes).max(1);
    let opened = |block: &Block| block.variable.map(|v| v as usize).filter(|&v| labels.has_inspector(v));
    let mut by_thread: BTreeMap<Option<u32>, Vec<usize>> = BTreeMap::new();
    let mut by_address = largest.clone();
    by_address.sort_by_key(|&index| (blocks[index].address, index));
    for index in by_address {
        by_thread.entry(blocks[index].thread).or_default().push(index);
    }
    let square = |index: usize| {
        let block = &blocks[index];
        let side = (block.bytes as f64 / greatest as f64).sqrt() * SIDES.0;
        let at = format!("/blocks/largest/{index}");
        Square {
            index,
            bytes: Figure::bytes(format!("{at}/bytes"), block.bytes),
            side: format!("{:.0}", side.max(SIDES.1)),
            colour: by_scope.colour(block.scope),
            variable: opened(block),
            address: Figure::address(format!("{at}/address"), block.address),
            scope: block
                .scope
                .map_or("scope not measured (declared)".into(), |scope| scope_name(snapshot, scope)),
            owner: block.variable.map_or("no tracked variable".into(), |variable| {
                format!("variable {}", variable_name(snapshot, variable))
            }),
            thread: thread(labels, block.thread),
            allocated: Figure::ms(format!("{at}/allocated_ms"), block.allocated_ms),
        }
    };
    let hotspot = |index: usize| {
        let block = &blocks[index];
        let at = format!("/blocks/largest/{index}");
        Hotspot {
            address: Figure::address(format!("{at}/address"), block.address),
            bytes: Figure::bytes(format!("{at}/bytes"), block.bytes),
            scope: block.scope.map(|scope| scope_name(snapshot, scope)),
            variable: block.variable.map(|variable| variable_name(snapshot, variable)),
            variable_index: opened(block),
            thread: block.thread.map(|id| labels.thread(format!("{at}/thread"), id)),
            allocated: Figure::ms(format!("{at}/allocated_ms"), block.allocated_ms),
        }
    };
    let (map, no_map) = match address_map(snapshot, labels) {
        Ok(map) => (map, None),
        Err(why) => (None, Some(why)),
    };
    // Where the map is drawn there are no squares, and the hotspots alone are listed.
    let most = if map.is_some() { MOST_HOTSPOTS } else { MOST_BLOCKS };
    MemoryMap {
        map,
        no_map,
        sampled: snapshot.mode == Mode::Sampling,
        provenance: label::provenance_in(snapshot.mode),
        blocks: Figure::count(format!("min(len(/blocks/largest), {MOST_BLOCKS})"), largest.len() as u64),
        bytes: Figure::bytes(
            format!("sum(/blocks/largest/*/bytes) - rest({MOST_BLOCKS}, /blocks/largest/*/bytes, bytes)"),
            sum(&largest, blocks),
        ),
        folded: folded_blocks(snapshot, most),
        legend: by_scope.legend(snapshot),
        threads: by_thread
            .into_iter()
            .map(|(thread, indices)| thread_blocks(snapshot, labels, thread, &indices, &square))
            .collect(),
        hotspots: largest.iter().take(MOST_HOTSPOTS).map(|&index| hotspot(index)).collect(),
    }
}

fn sum(indices: &[usize], blocks: &[Block]) -> u64 {
    indices.iter().fold(0, |sum, &index| blocks[index].bytes.saturating_add(sum))
}

/// All but the `most` largest blocks.
fn folded_blocks(snapshot: &Snapshot, most: usize) -> Option<Folded> {
    let blocks = &snapshot.blocks;
    let (shown, rest) = ranked(&blocks.largest, most, |block| block.bytes);
    let count = blocks.folded_blocks.saturating_add(rest.len() as u64);
    (count > 0).then(|| Folded {
        rows: Figure::count(format!("/blocks/folded_blocks + len(/blocks/largest) - {}", shown.len()), count),
        bytes: Some(Figure::bytes(
            format!("/blocks/folded_bytes + rest({most}, /blocks/largest/*/bytes, bytes)"),
            blocks.folded_bytes.saturating_add(sum(&rest, &blocks.largest)),
        )),
    })
}

fn thread_blocks(
    snapshot: &Snapshot,
    labels: &Labels<'_>,
    thread: Option<u32>,
    indices: &[usize],
    square: &dyn Fn(usize) -> Square,
) -> ThreadBlocks {
    let literal = thread.map_or("null".into(), |id| id.to_string());
    let of_thread = || snapshot.blocks.largest.iter().filter(|block| block.thread == thread);
    ThreadBlocks {
        thread: thread.map(|id| labels.thread(format!("/blocks/largest/{}/thread", indices[0]), id)),
        blocks: Figure::count(
            format!("len(/blocks/largest/*, thread = {literal})"),
            of_thread().count() as u64,
        ),
        bytes: Figure::bytes(
            format!("sum(/blocks/largest/*/bytes, thread = {literal})"),
            of_thread().fold(0, |sum: u64, block| sum.saturating_add(block.bytes)),
        ),
        squares: indices.iter().map(|&index| square(index)).collect(),
    }
}

fn thread(labels: &Labels<'_>, id: Option<u32>) -> String {
    id.map_or("thread not measured (declared)".into(), |id| {
        let name = labels.thread_name(id).map_or(String::new(), |name| format!(" {name}"));
        format!("thread {id}{name}")
    })
}

/// The squares of a page, for its script.
#[derive(Clone, Debug, Serialize)]
pub struct Squares {
    /// How many there are of each thread, in the order of the page.
    pub threads: Vec<usize>,
    /// The squares.
    pub squares: Packed,
    /// The map by address; `None`: not recorded.
    pub map: Option<Drawn>,
}

/// The squares of `map`.
pub fn packed(map: &MemoryMap) -> Squares {
    let mut squares = Packed::of("/blocks/largest");
    for square in map.threads.iter().flat_map(|thread| &thread.squares) {
        squares.push(square.index, square);
    }
    let threads = map.threads.iter().map(|thread| thread.squares.len()).collect();
    Squares { threads, squares: squares.framed(), map: map.map.as_ref().map(|map| map.drawn.clone()) }
}

fn scope_name(snapshot: &Snapshot, index: u32) -> String {
    let row = snapshot.scopes.get(index as usize);
    row.map_or_else(|| "a scope that the recording does not list".into(), |row| label::scope(&row.path))
}

fn variable_name(snapshot: &Snapshot, index: u32) -> String {
    let row = snapshot.variables.get(index as usize);
    row.map_or_else(|| "that the recording does not list".into(), |row| visible(&row.name))
}

/// Which scopes have which colour: those with the most bytes in the map have one of their own.
struct Colours {
    own: Vec<(Option<u32>, u64)>,
    others: Vec<(Option<u32>, u64)>,
}

impl Colours {
    fn new(blocks: &[Block]) -> Self {
        let mut bytes: BTreeMap<Option<u32>, u64> = BTreeMap::new();
        for block in blocks {
            let sum = bytes.entry(block.scope).or_default();
            *sum = sum.saturating_add(block.bytes);
        }
        let mut own: Vec<_> = bytes.into_iter().collect();
        own.sort_by_key(|&(scope, bytes)| (std::cmp::Reverse(bytes), scope));
        let others = own.split_off(COLOURS.min(own.len()));
        Self { own, others }
    }

    fn colour(&self, scope: Option<u32>) -> usize {
        self.own.iter().position(|(own, _)| *own == scope).unwrap_or(COLOURS)
    }

    fn legend(&self, snapshot: &Snapshot) -> Vec<Colour> {
        let from = |scope: Option<u32>| {
            let literal = scope.map_or("null".into(), |scope| scope.to_string());
            format!("sum(/blocks/largest/*/bytes, scope = {literal})")
        };
        let mut legend: Vec<Colour> = self
            .own
            .iter()
            .enumerate()
            .map(|(colour, &(scope, bytes))| Colour {
                colour,
                scopes: None,
                name: scope.map_or("declared".into(), |scope| scope_name(snapshot, scope)),
                bytes: Figure::bytes(from(scope), bytes),
            })
            .collect();
        if !self.others.is_empty() {
            let bytes = self.others.iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
            let mut formula = String::from("sum(/blocks/largest/*/bytes)");
            for (scope, _) in &self.own {
                formula.push_str(" - ");
                formula.push_str(&from(*scope));
            }
            let scopes = Figure::count(
                format!("kinds(/blocks/largest/*/scope) - {COLOURS}"),
                self.others.len() as u64,
            );
            legend.push(Colour {
                colour: COLOURS,
                scopes: Some(scopes),
                name: "other scopes".into(),
                bytes: Figure::bytes(formula, bytes),
            });
        }
        legend
    }
}
