//! Fragmentation: what is lost inside and between blocks, as the allocator and the kernel say.
//!
//! Absent: no figure of it is made of live bytes and peaks; what nobody said reads "not measured".

use super::label::{self, Term};
use crate::figure::Figure;
use memscope_runtime::snapshot::{Mode, Snapshot};
use serde::Serialize;

/// The part of the overview that tells what is lost.
#[derive(Clone, Debug, Serialize)]
pub struct Fragmentation {
    /// Resident memory of the process.
    pub resident: Figure,
    /// Where live bytes come from.
    pub live_provenance: Term,
    /// Live bytes as a share of it.
    pub live_share: Figure,
    /// Bytes inside live blocks past what was asked for.
    pub slack: Figure,
    /// What the slack was read from; `None`: it was not read.
    pub slack_of: Option<SlackOf>,
    /// glibc's account of its heap; `None`: not measured.
    pub glibc: Option<Glibc>,
}

/// What slack was read from.
#[derive(Clone, Debug, Serialize)]
pub struct SlackOf {
    /// Live blocks.
    pub blocks: Figure,
    /// Bytes that were asked for in them.
    pub bytes: Figure,
    /// Slack as a share of these bytes.
    pub share: Figure,
}

/// glibc's account of its heap.
#[derive(Clone, Debug, Serialize)]
pub struct Glibc {
    /// Bytes that its arenas have from the system.
    pub arena: Figure,
    /// Bytes in blocks mapped each on its own.
    pub mapped: Figure,
    /// Bytes in use in the arenas.
    pub used: Figure,
    /// Bytes free in the arenas.
    pub free: Figure,
    /// Of the free ones, those at the top.
    pub top: Figure,
    /// Free bytes as a share of the arenas'.
    pub free_share: Figure,
}

/// What is lost in `snapshot`.
pub fn fragmentation(snapshot: &Snapshot) -> Fragmentation {
    let row = &snapshot.fragmentation;
    let at = |field: &str| format!("/fragmentation/{field}");
    let (live, error) = (snapshot.totals.live_bytes, snapshot.totals.live_bytes_error);
    let share = |from: &str, bytes, resident| Figure::share(from, bytes, &at("resident_bytes"), resident);
    let live_share = |resident| {
        let error = error.map(|error| share("/totals/live_bytes_error", error, resident));
        share("/totals/live_bytes", live, resident).with_error(error)
    };
    Fragmentation {
        resident: Figure::bytes(at("resident_bytes"), row.resident_bytes),
        live_provenance: label::provenance_in(snapshot.mode),
        // Where nothing was recorded, live bytes are not measured.
        live_share: row
            .resident_bytes
            .filter(|_| snapshot.mode != Mode::Off)
            .map_or_else(Figure::not_measured, live_share),
        slack: Figure::bytes(at("slack_bytes"), row.slack_bytes),
        slack_of: row.slack_bytes.map(|slack| SlackOf {
            blocks: Figure::count(at("slack_blocks"), row.slack_blocks),
            bytes: Figure::bytes(at("slack_of_bytes"), row.slack_of_bytes),
            share: Figure::share(&at("slack_bytes"), slack, &at("slack_of_bytes"), row.slack_of_bytes),
        }),
        glibc: row.glibc.map(|heap| {
            let at = |field: &str| at(&format!("glibc/{field}"));
            Glibc {
                arena: Figure::bytes(at("arena_bytes"), heap.arena_bytes),
                mapped: Figure::bytes(at("mapped_bytes"), heap.mapped_bytes),
                used: Figure::bytes(at("used_bytes"), heap.used_bytes),
                free: Figure::bytes(at("free_bytes"), heap.free_bytes),
                top: Figure::bytes(at("top_bytes"), heap.top_bytes),
                free_share: Figure::share(
                    &at("free_bytes"),
                    heap.free_bytes,
                    &at("arena_bytes"),
                    heap.arena_bytes,
                ),
            }
        }),
    }
}
