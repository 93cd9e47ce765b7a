//! Which chunk holds which part of a [`Snapshot`]: the one place that a new list is named in.
//!
//! To add a list to the model: a line in `lists!` with the next free number, and a line in `docs/format.md`. To add a
//! field to a row after the first release: at the row's end, with `#[serde(default)]`. A field that is neither a list nor
//! in [`Head`] does not compile here.

use super::chunk::{ALL_BLOCKS, END, HEAD};
use super::decode::{Budget, DecodeError, Rows};
use super::{encode, lives};
use crate::snapshot::{
    Block, Blocks, Cell, Finding, Folded, ForeignFrees, Fragmentation, HandedOut, Lifetimes, MemoryMap, Mode,
    Profiler, Program, Region, Scope, ScopeThread, SiteRow, SizeRange, Snapshot, Task, Thread, TimelinePoint,
    Totals, Type, Variable,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a recording says about the whole program: all of a [`Snapshot`] but its lists.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// How the figures came about.
    pub mode: Mode,
    /// The program that was recorded.
    pub program: Program,
    /// Sums over the whole process.
    pub totals: Totals,
    /// Memory lost inside and between blocks.
    pub fragmentation: Fragmentation,
    /// Live blocks that are not among the largest, which the recording lists, …
    pub folded_blocks: u64,
    /// … and their bytes.
    pub folded_bytes: u64,
    /// What the lists do not hold, because the recording's size is bounded.
    pub folded: Folded,
    /// What the recorder cost and what it missed.
    pub profiler: Profiler,
}

impl Head {
    /// The head of `snapshot`.
    pub(super) fn of(snapshot: &Snapshot) -> Head {
        Head {
            mode: snapshot.mode,
            program: snapshot.program.clone(),
            totals: snapshot.totals,
            fragmentation: snapshot.fragmentation.clone(),
            folded_blocks: snapshot.blocks.folded_blocks,
            folded_bytes: snapshot.blocks.folded_bytes,
            folded: snapshot.folded,
            profiler: snapshot.profiler.clone(),
        }
    }

    /// Its payload: each part is a row, so that a later version may add fields to each, and parts.
    pub(super) fn payload(&self) -> Vec<u8> {
        let Head { mode, program, totals, fragmentation, folded_blocks, folded_bytes, folded, profiler } =
            self;
        let mut rows = encode::Rows::default();
        rows.push(mode);
        rows.push(program);
        rows.push(totals);
        rows.push(fragmentation);
        rows.push(&(folded_blocks, folded_bytes));
        rows.push(folded);
        rows.push(profiler);
        rows.take().expect("there are seven rows")
    }

    pub(super) fn decode(payload: &[u8], budget: &mut Budget) -> Result<Head, DecodeError> {
        fn row<T: DeserializeOwned>(rows: &mut Rows<'_>, budget: &mut Budget) -> Result<T, DecodeError> {
            rows.next(budget).unwrap_or(Err(DecodeError::End))
        }
        let rows = &mut Rows::new(payload)?;
        let (mode, program, totals) = (row(rows, budget)?, row(rows, budget)?, row(rows, budget)?);
        let fragmentation = row(rows, budget)?;
        let (folded_blocks, folded_bytes) = row(rows, budget)?;
        let (folded, profiler) = (row(rows, budget)?, row(rows, budget)?);
        Ok(Head { mode, program, totals, fragmentation, folded_blocks, folded_bytes, folded, profiler })
    }
}

/// A row of one of the lists, which can be read without the others: [`Recording::rows`](super::Recording::rows).
pub trait Row: DeserializeOwned + Serialize + private::Sealed {
    /// The number of the chunks that hold such rows.
    const KIND: u16;
}

mod private {
    pub trait Sealed {}
}

/// `number Row, field of the snapshot, "what it is called"`.
macro_rules! lists {
    ($($kind:literal $row:ty, $($field:ident).+, $name:literal;)*) => {
        $(
            impl private::Sealed for $row {}
            impl Row for $row {
                const KIND: u16 = $kind;
            }
        )*

        /// What chunks of some kind hold; `None`: the kind is not known.
        pub(super) fn name_of(kind: u16) -> Option<&'static str> {
            match kind {
                HEAD => Some("totals"),
                $($kind => Some($name),)*
                TREND_KIND => Some("trend moments"),
                lives::KIND => Some("lives of executions"),
                ALL_BLOCKS => Some("all live blocks"),
                END => Some("end"),
                _ => None,
            }
        }

        /// Calls `list` with the kind and the rows of each list that has any.
        pub(super) fn for_each_list(snapshot: &Snapshot, list: &mut impl List) {
            // Exhaustive, so that a field that no chunk holds does not compile.
            let Snapshot {
                mode: _, program: _, totals: _, scopes: _, scope_threads: _, variables: _, threads: _, foreign_frees: _, tasks: _,
                types: _, timeline: _, trend_ms, sizes: _, lifetimes: _, findings: _, blocks: _, memory_map: _,
                fragmentation: _, handed_out: _, sites: _, folded: _, profiler: _,
            } = snapshot;
            $(
                list.rows($kind, &snapshot.$($field).+);
                if $kind == Variable::KIND {
                    list.rows(lives::KIND, &lives::of(snapshot)); // a file that is cut off later has both
                }
            )*
            list.rows(TREND_KIND, trend_ms);
        }

        /// Decodes the payload of a chunk onto the end of its list; `false`: its kind is of no list.
        pub(super) fn decode_onto(
            snapshot: &mut Snapshot,
            kind: u16,
            payload: &[u8],
            budget: &mut Budget,
        ) -> Result<bool, DecodeError> {
            match kind {
                $($kind => Rows::new(payload)?.append_to(&mut snapshot.$($field).+, budget)?,)*
                TREND_KIND => Rows::new(payload)?.append_to(&mut snapshot.trend_ms, budget)?,
                lives::KIND => lives::decode_onto(snapshot, payload, budget)?,
                _ => return Ok(false),
            }
            Ok(true)
        }
    };
}

const TREND_KIND: u16 = 9;

/// Whether a snapshot can be read without chunks of this kind: lists that were added since major version 5 began, which
/// earlier readers skip.
pub(super) fn can_be_skipped(kind: u16) -> bool {
    kind > ALL_BLOCKS && kind < END
}

lists! {
    2 Scope, scopes, "scopes";
    3 Variable, variables, "variables";
    4 Thread, threads, "threads";
    5 ForeignFrees, foreign_frees, "foreign frees";
    6 Task, tasks, "tasks";
    7 Type, types, "types";
    8 TimelinePoint, timeline, "timeline";
    10 Lifetimes, lifetimes, "lifetimes";
    11 Finding, findings, "findings";
    12 Block, blocks.largest, "largest blocks";
    13 HandedOut, handed_out, "handed out";
    14 SiteRow, sites, "sites";
    16 Region, memory_map.regions, "map regions";
    17 Cell, memory_map.cells, "map cells";
    18 SizeRange, sizes, "sizes";
    19 ScopeThread, scope_threads, "scopes by thread";
}

/// What [`for_each_list`] calls.
pub(super) trait List {
    fn rows<T: Serialize>(&mut self, kind: u16, rows: &[T]);
}

/// A snapshot of the head alone.
pub(super) fn without_lists(head: Head) -> Snapshot {
    let Head { mode, program, totals, fragmentation, folded_blocks, folded_bytes, folded, profiler } = head;
    Snapshot {
        mode,
        program,
        totals,
        scopes: Vec::new(),
        scope_threads: Vec::new(),
        variables: Vec::new(),
        threads: Vec::new(),
        foreign_frees: Vec::new(),
        tasks: Vec::new(),
        types: Vec::new(),
        timeline: Vec::new(),
        trend_ms: Vec::new(),
        sizes: Vec::new(),
        lifetimes: Vec::new(),
        findings: Vec::new(),
        blocks: Blocks { largest: Vec::new(), folded_blocks, folded_bytes },
        memory_map: MemoryMap::default(),
        fragmentation,
        handed_out: Vec::new(),
        sites: Vec::new(),
        folded,
        profiler,
    }
}
