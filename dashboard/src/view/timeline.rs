//! Live and resident bytes over time, as curves and as the table behind them.
//!
//! Each curve has coordinates of its own, up to its own highest; what brings both to one axis is how the lower one is
//! scaled. So a curve far below the other loses nothing, and is drawn at its full height where the other is hidden.

use super::geometry::kept;
use crate::figure::Figure;
use crate::packed::Packed;
use memscope_runtime::snapshot::{Snapshot, TimelinePoint};
use serde::Serialize;

/// Stretches that a longer timeline is drawn in: the highest point of each is kept, and the one with the most resident
/// bytes, so that no spike is lost.
pub const MOST_POINTS: usize = 200;
/// Width of the drawing's coordinates, which are whole numbers.
pub const WIDTH: f64 = 10_000.0;
/// Height of the drawing's coordinates.
pub const HEIGHT: f64 = 2_000.0;

/// The drawing, in coordinates of [`WIDTH`] × [`HEIGHT`], time to the right and bytes up.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    /// The curve, as an SVG path; the page's script fills the area below it.
    pub line: String,
    /// One standard error to either side of the curve, as an SVG path; `None`: the bytes are exact.
    pub band: Option<String>,
    /// How the curve of live bytes is scaled, as SVG writes it; `None`: not, for resident bytes are no higher.
    pub live_scale: Option<String>,
    /// The curve of resident bytes; `None`: no point has any.
    pub resident: Option<Resident>,
    /// Height of the total's peak.
    pub peak_y: i64,
    /// The total's peak, which may lie between two points.
    pub peak: Figure,
    /// Where the time axis ends.
    pub end: Figure,
    /// The points drawn; the partial `points` makes rows of the table of them.
    pub points: Vec<Point>,
    /// How many points the recording holds.
    pub total: Figure,
    /// Points that were left out for a higher one beside them.
    pub folded: Option<Figure>,
}

/// Resident bytes over time.
#[derive(Clone, Debug, Serialize)]
pub struct Resident {
    /// The curve, as an SVG path, with a gap where nothing was read.
    pub line: String,
    /// How it is scaled; `None`: not, for it is the higher one.
    pub scale: Option<String>,
    /// The highest reading.
    pub highest: Figure,
}

/// A moment of the timeline.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// Index into the document's `timeline`.
    #[serde(skip)]
    pub index: usize,
    /// When.
    pub at: Figure,
    /// Bytes alive then.
    pub live: Figure,
    /// Bytes resident then; `None`: no point has any.
    pub resident: Option<Figure>,
    /// Position in the drawing.
    pub x: i64,
    /// Position in the drawing; the curve has it.
    #[serde(skip)]
    pub y: i64,
}

/// The timeline of `snapshot`; `None` if it has no point.
pub fn timeline(snapshot: &Snapshot) -> Option<Timeline> {
    let all = &snapshot.timeline;
    let last_ms = all.last()?.ms.max(snapshot.program.elapsed_ms);
    let upper = |point: &TimelinePoint| point.live_bytes.saturating_add(point.live_bytes_error.unwrap_or(0));
    let highest = all.iter().map(upper).max()?.max(snapshot.totals.peak_bytes);
    let x = |ms: u64| match last_ms {
        0 => 0,
        _ => (ms.min(last_ms) as f64 / last_ms as f64 * WIDTH).round() as i64,
    };
    // A little air above the peak's line.
    let height = |bytes: u64, highest: u64| {
        (HEIGHT - bytes as f64 / highest.max(1) as f64 * (HEIGHT - 100.0)).round() as i64
    };
    let y = |bytes: u64| height(bytes, highest);
    let most_resident = all.iter().filter_map(|point| point.resident_bytes).max();
    let kept = points_to_draw(all, most_resident.is_some());
    let points: Vec<Point> = kept
        .iter()
        .map(|&index| {
            let point = all[index];
            Point {
                index,
                at: Figure::ms(format!("/timeline/{index}/ms"), point.ms),
                live: Figure::estimated_bytes(
                    &format!("/timeline/{index}/live_bytes"),
                    point.live_bytes,
                    point.live_bytes_error,
                ),
                resident: most_resident.map(|_| {
                    Figure::bytes(format!("/timeline/{index}/resident_bytes"), point.resident_bytes)
                }),
                x: x(point.ms),
                y: y(point.live_bytes),
            }
        })
        .collect();
    let line = path(points.iter().map(|point| (point.x, point.y)));
    let is_estimated = kept.iter().any(|&index| all[index].live_bytes_error.is_some());
    let band = is_estimated.then(|| {
        let lower =
            |point: &TimelinePoint| point.live_bytes.saturating_sub(point.live_bytes_error.unwrap_or(0));
        let corner = |point: &TimelinePoint, bytes| (x(point.ms), y(bytes));
        let there = kept.iter().map(|&index| corner(&all[index], upper(&all[index])));
        let back = kept.iter().rev().map(|&index| corner(&all[index], lower(&all[index])));
        format!("{}Z", path(there.chain(back)))
    });
    let folded = (all.len() > points.len()).then(|| {
        Figure::count(format!("len(/timeline) - {}", points.len()), (all.len() - points.len()) as u64)
    });
    let resident = most_resident.map(|most| {
        let corner =
            |&index: &usize| all[index].resident_bytes.map(|bytes| (x(all[index].ms), height(bytes, most)));
        let corners: Vec<Option<(i64, i64)>> = kept.iter().map(corner).collect();
        Resident {
            line: corners.split(Option::is_none).map(|run| path(run.iter().flatten().copied())).collect(),
            scale: scale(most, highest),
            highest: Figure::bytes("max(/timeline/*/resident_bytes)", most),
        }
    });
    Some(Timeline {
        live_scale: most_resident.and_then(|most| scale(highest, most)),
        resident,
        peak_y: y(snapshot.totals.peak_bytes),
        peak: Figure::estimated_bytes(
            "/totals/peak_bytes",
            snapshot.totals.peak_bytes,
            snapshot.totals.peak_bytes_error,
        ),
        end: Figure::ms("/program/elapsed_ms", snapshot.program.elapsed_ms),
        total: Figure::count("len(/timeline)", all.len() as u64),
        line,
        band,
        points,
        folded,
    })
}

/// Indices of the points to draw, in order.
fn points_to_draw(all: &[TimelinePoint], is_resident_known: bool) -> Vec<usize> {
    let mut indices: Vec<usize> = kept(all.len(), MOST_POINTS, |index| all[index].live_bytes).collect();
    if is_resident_known {
        indices.extend(kept(all.len(), MOST_POINTS, |index| all[index].resident_bytes.unwrap_or(0)));
        indices.sort_unstable();
        indices.dedup();
    }
    indices
}

/// What lowers a curve with the highest value `own` to the scale of one with `other`; `None`: it is not lower.
fn scale(own: u64, other: u64) -> Option<String> {
    let factor = own as f64 / other.max(1) as f64;
    // About the foot, which stays where it is.
    (own < other).then(|| format!("matrix(1 0 0 {factor:.6} 0 {:.3})", HEIGHT * (1.0 - factor)))
}

/// What the page's script cannot read off the curve.
#[derive(Serialize)]
struct Read {
    at: Figure,
    live: Figure,
    resident: Option<Figure>,
}

/// The points drawn, for the page's script, which has their positions from the curve.
pub fn packed(snapshot: &Snapshot) -> Packed {
    let mut packed = Packed::of("/timeline");
    for Point { index, at, live, resident, .. } in
        timeline(snapshot).map_or(Vec::new(), |timeline| timeline.points)
    {
        packed.push(index, &Read { at, live, resident });
    }
    if packed.index.iter().copied().eq(0..packed.index.len()) {
        packed.index.clear();
    }
    packed.framed()
}

/// An SVG path from corner to corner, each told by its distance from the one before; a lone corner is a dot.
fn path(corners: impl Iterator<Item = (i64, i64)>) -> String {
    let mut path = String::new();
    let mut before = (0, 0);
    for (x, y) in corners {
        let (right, down) = (x - before.0, y - before.1);
        // A minus sign parts two numbers.
        let space = if down < 0 { "" } else { " " };
        path += if path.is_empty() { "M" } else { "l" };
        path += &format!("{right}{space}{down}");
        before = (x, y);
    }
    if !path.is_empty() && !path.contains('l') { path + "l0 0" } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_goes_from_corner_to_corner() {
        let corners = [(0, 2_000), (500, 10), (500, 10), (400, 15)];
        assert_eq!(path(corners.into_iter()), "M0 2000l500-1990l0 0l-100 5");
        assert_eq!(
            (path(std::iter::empty()), path([(7, 9)].into_iter())),
            (String::new(), "M7 9l0 0".into())
        );
    }

    #[test]
    fn the_lower_curve_is_scaled_about_its_foot() {
        // A quarter as high: 2,000 stays at 2,000, and 100 comes to 1,525: 0.25 × 100 + 1,500.
        assert_eq!(scale(50, 200).as_deref(), Some("matrix(1 0 0 0.250000 0 1500.000)"));
        assert_eq!((scale(200, 50), scale(7, 7), scale(0, 0)), (None, None, None));
    }

    #[test]
    fn a_long_timeline_keeps_the_spikes_of_both_curves() {
        let point = |index: u64| TimelinePoint {
            ms: index,
            live_bytes: if index == 1_234 { 9 } else { 1 },
            live_bytes_error: None,
            resident_bytes: (index != 0).then_some(if index == 1_236 { 9 } else { 1 }),
        };
        // 200 stretches of ten. Of live bytes the first of each is kept, but for 1,234; of resident ones the same, but for the
        // first of all, which has none (so 1 stands beside 0), and 1,236.
        let all: Vec<TimelinePoint> = (0..2_000).map(point).collect();
        let drawn = points_to_draw(&all, true);
        assert_eq!(drawn.len(), 202);
        assert_eq!(drawn[..3], [0, 1, 10]);
        assert!(drawn.contains(&1_234) && drawn.contains(&1_236) && !drawn.contains(&1_230));
        assert_eq!(points_to_draw(&all, false).len(), 200);
    }
}
