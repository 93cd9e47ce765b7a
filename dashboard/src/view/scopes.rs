//! Scopes: who allocated what, alone and with all below.

use super::activity::{self, Seen};
use super::category::{self, Category};
use super::geometry::{self, Bar, Trend};
use super::label::{self, Labels, Place};
use super::ranking::{Folded, folded, ranked};
use super::unlisted;
use crate::figure::Figure;
use crate::packed::Packed;
use crate::text::visible;
use memscope_runtime::snapshot::{Scope, ScopeMemory, Snapshot};
use serde::Serialize;

/// Scopes shown at most. Ranked by inclusive bytes, so that a scope never stands without those above it.
/// One takes 2.4 KB of the file, with the errors of estimates 2.9 KB.
pub const MOST_SCOPES: usize = 40;
/// Indentation stops growing here: a phone has no room for more.
const DEEPEST_INDENT: usize = 8;

/// The panel of scopes.
#[derive(Clone, Debug, Serialize)]
pub struct Scopes {
    /// Where its figures come from.
    pub provenance: label::Term,
    /// How many scopes there are.
    pub total: Figure,
    /// The scopes, in the tree's order.
    pub rows: Vec<ScopeRow>,
    /// What is not shown.
    pub folded: Option<Folded>,
    /// What the recording counts and does not list.
    pub unlisted: Option<Folded>,
    /// The moments of the trends; `None`: no trend was measured.
    pub trend_time: Option<TrendTime>,
}

/// One scope.
#[derive(Clone, Debug, Serialize)]
pub struct ScopeRow {
    /// Index into the document's `scopes`.
    pub index: usize,
    /// Last name of the path.
    pub name: String,
    /// The whole path.
    pub path: String,
    /// Steps of indentation.
    pub indent: usize,
    /// How often it was entered.
    pub calls: Figure,
    /// Bytes alive that it allocated itself.
    pub exclusive: Figure,
    /// With all below it.
    pub inclusive: Figure,
    /// Its exclusive live bytes over time; `None`: not measured.
    pub trend: Option<Trend>,
    /// Inclusive live bytes as a share of all.
    pub bar: Bar,
    /// What else is known of it; `None`: it stands in the page's data ([`packed`]).
    pub more: Option<MoreOfScope>,
}

/// What is known of a scope beside its row.
#[derive(Clone, Debug, Serialize)]
pub struct MoreOfScope {
    /// The whole path.
    pub path: String,
    /// Full names of the path.
    pub key: String,
    /// Where the function stands.
    pub place: Option<Place>,
    /// How often it was entered while it was already on the path; `None`: it is the root, which is not called.
    pub recursive_calls: Option<Figure>,
    /// What it allocated itself.
    pub exclusive: MemoryRow,
    /// That and all below it.
    pub inclusive: MemoryRow,
    /// Whether the figures rest on samples.
    pub is_sampled: bool,
    /// What kind of work it does; `None`: not measured.
    pub category: Option<Category>,
    /// What threads were seen to do in it; `None`: not measured.
    pub activity: Option<Vec<Seen>>,
    /// Its exclusive live bytes over time; `None`: not measured.
    pub trend: Option<TrendView>,
}

/// Live bytes over time, in words.
#[derive(Clone, Debug, Serialize)]
pub struct TrendView {
    /// Bytes at its first moment.
    pub first: Figure,
    /// Bytes at its last moment.
    pub last: Figure,
    /// The most bytes at any of its moments.
    pub most: Figure,
}

/// The moments of all trends.
#[derive(Clone, Debug, Serialize)]
pub struct TrendTime {
    /// How many there are.
    pub moments: Figure,
    /// The first.
    pub first: Figure,
    /// The last.
    pub last: Figure,
}

/// The memory of a scope.
#[derive(Clone, Debug, Serialize)]
pub struct MemoryRow {
    /// Blocks allocated.
    pub allocations: Figure,
    /// Blocks freed.
    pub deallocations: Figure,
    /// Of these, blocks that another thread than their allocator's freed.
    pub foreign_deallocations: Figure,
    /// Blocks resized.
    pub reallocations: Figure,
    /// Bytes allocated.
    pub allocated: Figure,
    /// Bytes freed.
    pub deallocated: Figure,
    /// Blocks alive.
    pub live_allocations: Figure,
    /// Bytes alive.
    pub live: Figure,
    /// Of these, bytes in blocks that no tracked variable was seen to own.
    pub unowned_live: Figure,
    /// Bytes alive at the total's peak.
    pub live_at_peak: Figure,
    /// Samples that the figures rest on.
    pub samples: Figure,
}

/// Indices of the scopes that are shown, most allocated bytes first, and of the others.
pub fn listed(snapshot: &Snapshot) -> (Vec<usize>, Vec<usize>) {
    ranked(&snapshot.scopes, MOST_SCOPES, |row| row.inclusive.allocated_bytes)
}

/// The panel for `snapshot`.
pub fn scopes(snapshot: &Snapshot, labels: &Labels<'_>) -> Scopes {
    let rows = &snapshot.scopes;
    let (mut shown, rest) = listed(snapshot);
    shown.sort_unstable();
    let whole = rows.iter().map(|row| row.inclusive.live_bytes).max().unwrap_or(0);
    let moments = &snapshot.trend_ms;
    let trend_time = moments.first().zip(moments.last()).map(|(&first, &last)| TrendTime {
        moments: Figure::count("len(/trend_ms)", moments.len() as u64),
        first: Figure::ms("/trend_ms/0", first),
        last: Figure::ms(format!("/trend_ms/{}", moments.len() - 1), last),
    });
    let not_listed = &snapshot.folded.scopes;
    let fold = ("/scopes", MOST_SCOPES, "exclusive/live_bytes", "inclusive/allocated_bytes");
    Scopes {
        provenance: label::provenance_in(snapshot.mode),
        total: unlisted::total("/scopes", rows.len(), "scopes/scopes", not_listed.scopes),
        unlisted: unlisted::unlisted(
            "scopes/scopes",
            not_listed.scopes,
            Some(("scopes/live_bytes", Some(not_listed.live_bytes), not_listed.live_bytes_error)),
        ),
        rows: shown.iter().map(|&index| scope_row(snapshot, labels, index, whole)).collect(),
        folded: folded(rows, &rest, fold, |row| {
            (Some(row.exclusive.live_bytes), row.exclusive.live_bytes_error)
        }),
        trend_time,
    }
}

/// What is known of the scopes that are shown beside their rows, for the page's script.
pub fn packed(snapshot: &Snapshot, labels: &Labels<'_>) -> Packed {
    let (mut shown, _) = listed(snapshot);
    shown.sort_unstable();
    let mut packed = Packed::of("/scopes");
    for index in shown {
        packed.push(index, &more(snapshot, labels, index));
    }
    packed.framed()
}

fn scope_row(snapshot: &Snapshot, labels: &Labels<'_>, index: usize, whole: u64) -> ScopeRow {
    let row = &snapshot.scopes[index];
    let at = format!("/scopes/{index}");
    let live = |memory: &ScopeMemory, part: &str| memory_row(memory, &format!("{at}/{part}")).live;
    ScopeRow {
        index,
        name: row.path.last().map_or_else(|| label::scope_and_below(&row.path), |name| visible(name)),
        path: label::scope_and_below(&row.path),
        indent: row.path.len().saturating_sub(1).min(DEEPEST_INDENT),
        calls: Figure::count(format!("{at}/calls"), row.calls),
        exclusive: live(&row.exclusive, "exclusive"),
        inclusive: live(&row.inclusive, "inclusive"),
        trend: geometry::trend(format!("{at}/trend"), &row.trend, &snapshot.trend_ms),
        bar: geometry::bar(
            &format!("{at}/inclusive/live_bytes"),
            row.inclusive.live_bytes,
            "max(/scopes/*/inclusive/live_bytes)",
            whole,
        ),
        more: Some(more(snapshot, labels, index)),
    }
}

fn more(snapshot: &Snapshot, labels: &Labels<'_>, index: usize) -> MoreOfScope {
    let row = &snapshot.scopes[index];
    let at = format!("/scopes/{index}");
    MoreOfScope {
        path: label::scope_and_below(&row.path),
        key: visible(&row.key.join(" › ")),
        place: label::place(&at, row.file.as_deref(), row.line),
        recursive_calls: (!row.path.is_empty())
            .then(|| Figure::count(format!("{at}/recursive_calls"), row.recursive_calls)),
        exclusive: memory_row(&row.exclusive, &format!("{at}/exclusive")),
        inclusive: memory_row(&row.inclusive, &format!("{at}/inclusive")),
        is_sampled: row.exclusive.samples.or(row.inclusive.samples).is_some(),
        category: row.category.as_ref().map(|category| category::of_scope(category, labels)),
        activity: row
            .activity
            .as_ref()
            .map(|activity| activity::activity(activity, &format!("{at}/activity"))),
        trend: trend_view(row, &at, &snapshot.trend_ms),
    }
}

fn trend_view(row: &Scope, at: &str, moments: &[u64]) -> Option<TrendView> {
    let at = format!("{at}/trend");
    let bytes = |from: String, value: Option<&u64>| Figure::bytes(from, value.copied());
    // What has no curve is not told in words either.
    geometry::trend(&at, &row.trend, moments)?;
    Some(TrendView {
        first: bytes(format!("{at}/0"), row.trend.first()),
        last: bytes(format!("{at}/{}", row.trend.len() - 1), row.trend.last()),
        most: bytes(format!("max({at}/*)"), row.trend.iter().max()),
    })
}

fn memory_row(memory: &ScopeMemory, at: &str) -> MemoryRow {
    let at = |field: &str| format!("{at}/{field}");
    let count = |field, value: u64, error| Figure::estimated_count(&at(field), value, error);
    let bytes = |field, value: Option<u64>, error| Figure::estimated_bytes(&at(field), value, error);
    MemoryRow {
        allocations: count("allocations", memory.allocations, memory.allocations_error),
        deallocations: count("deallocations", memory.deallocations, memory.deallocations_error),
        foreign_deallocations: count(
            "foreign_deallocations",
            memory.foreign_deallocations,
            memory.foreign_deallocations_error,
        ),
        reallocations: count("reallocations", memory.reallocations, memory.reallocations_error),
        allocated: bytes("allocated_bytes", Some(memory.allocated_bytes), memory.allocated_bytes_error)
            .with_upper_bound(memory.allocated_bytes_upper_bound),
        deallocated: bytes(
            "deallocated_bytes",
            Some(memory.deallocated_bytes),
            memory.deallocated_bytes_error,
        ),
        live_allocations: count("live_allocations", memory.live_allocations, memory.live_allocations_error),
        live: bytes("live_bytes", Some(memory.live_bytes), memory.live_bytes_error)
            .with_upper_bound(memory.live_bytes_upper_bound),
        unowned_live: Figure::bytes(at("unowned_live_bytes"), memory.unowned_live_bytes),
        live_at_peak: bytes("live_at_peak_bytes", memory.live_at_peak_bytes, memory.live_at_peak_bytes_error),
        samples: Figure::count(at("samples"), memory.samples),
    }
}
