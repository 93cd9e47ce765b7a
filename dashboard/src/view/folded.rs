//! What the recording does not list, because its size is bounded.

use super::recording::Labelled;
use crate::figure::Figure;
use memscope_runtime::snapshot::{Folded, Snapshot};

/// The figures of what is not listed; none where everything is.
pub(super) fn folded(snapshot: &Snapshot) -> Vec<Labelled> {
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
    } = &snapshot.folded;
    if snapshot.folded == Folded::default() {
        return Vec::new();
    }
    let at = |field: &str| format!("/folded/{field}");
    let count = |label, meaning, field, value: u64| Labelled {
        label,
        meaning,
        figure: Figure::count(at(field), value),
    };
    let blocks = |label, meaning, field, value: Option<u64>, error| Labelled {
        label,
        meaning,
        figure: Figure::estimated_count(&at(field), value, error),
    };
    let bytes = |label, meaning, field, value: Option<u64>, error| Labelled {
        label,
        meaning,
        figure: Figure::estimated_bytes(&at(field), value, error),
    };
    let (of_scopes, of_variables) =
        ("Of the scopes not listed, by themselves.", "Of the variables not listed.");
    vec![
        count("Scopes", "Not listed; part of the scopes above them.", "scopes/scopes", scopes.scopes),
        blocks(
            "… their allocations",
            of_scopes,
            "scopes/allocations",
            Some(scopes.allocations),
            scopes.allocations_error,
        ),
        bytes(
            "… their bytes allocated",
            of_scopes,
            "scopes/allocated_bytes",
            Some(scopes.allocated_bytes),
            scopes.allocated_bytes_error,
        ),
        blocks(
            "… their live blocks",
            of_scopes,
            "scopes/live_allocations",
            Some(scopes.live_allocations),
            scopes.live_allocations_error,
        ),
        bytes(
            "… their live bytes",
            of_scopes,
            "scopes/live_bytes",
            Some(scopes.live_bytes),
            scopes.live_bytes_error,
        ),
        count("Variables", "Not listed; part of their types.", "variables/variables", variables.variables),
        count("… their executions", of_variables, "variables/instances", variables.instances),
        bytes(
            "… their live bytes",
            of_variables,
            "variables/heap_bytes",
            variables.heap_bytes,
            variables.heap_bytes_error,
        ),
        blocks(
            "… their live blocks",
            of_variables,
            "variables/blocks",
            variables.blocks,
            variables.blocks_error,
        ),
        count("Executions", "Taken out of histories.", "history_instances", *history_instances),
        count("Crossings", "Taken out of listed variables.", "crossings", *crossings),
        count("Threads", "In one row, which says how many it stands for.", "threads", *threads),
        count("Pairs of threads", "That freed each other's blocks.", "foreign_frees", *foreign_frees),
        count("Types", "Not listed.", "types", *types),
        count(
            "Points of the timeline",
            "Of each stretch the highest is kept.",
            "timeline_points",
            *timeline_points,
        ),
        count("Trends", "Of listed scopes, left out.", "trends", *trends),
        count("Moments of trends", "Left out of each.", "trend_moments", *trend_moments),
        count("Sizes", "In the last row.", "sizes", *sizes),
        count("Lifetimes", "In the last row.", "lifetimes", *lifetimes),
        count("Findings", "Not listed; the worst are.", "findings", *findings),
        count("Places that handed out", "Not listed.", "handed_out/places", handed_out.places),
        count("… their live blocks", "Out and alive.", "handed_out/live_blocks", handed_out.live_blocks),
        bytes("… their live bytes", "Of these.", "handed_out/live_bytes", Some(handed_out.live_bytes), None),
        count("Sites", "Not listed.", "sites", *sites),
        count("Texts", "Cut; each says how much is missing.", "cut_texts", *cut_texts),
        count("Cells of the memory map", "Left out with the whole map.", "map_cells", *map_cells),
        count(
            "Threads of scopes",
            "Not told apart: in a row of their scope, or of scopes not listed.",
            "scope_threads",
            *scope_threads,
        ),
        count("Lives", "Of listed executions: most bytes, bytes over time.", "lives", *lives),
    ]
}
