//! Live bytes over time, as a curve and as the table behind it.

use super::geometry::kept;
use crate::figure::Figure;
use crate::packed::Packed;
use memscope_runtime::snapshot::{Snapshot, TimelinePoint};
use serde::Serialize;

/// Points drawn at most; a longer timeline keeps the highest point of each stretch, so that no spike is lost.
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
    let y = |bytes: u64| (HEIGHT - bytes as f64 / highest.max(1) as f64 * (HEIGHT - 100.0)).round() as i64;
    let kept: Vec<usize> = kept(all.len(), MOST_POINTS, |index| all[index].live_bytes).collect();
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
    Some(Timeline {
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

/// What the page's script cannot read off the curve.
#[derive(Serialize)]
struct Read {
    at: Figure,
    live: Figure,
}

/// The points drawn, for the page's script, which has their positions from the curve.
pub fn packed(snapshot: &Snapshot) -> Packed {
    let mut packed = Packed::of("/timeline");
    for Point { index, at, live, .. } in timeline(snapshot).map_or(Vec::new(), |timeline| timeline.points) {
        packed.push(index, &Read { at, live });
    }
    if packed.index.iter().copied().eq(0..packed.index.len()) {
        packed.index.clear();
    }
    packed.framed()
}

/// An SVG path from corner to corner, each told by its distance from the one before.
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
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_goes_from_corner_to_corner() {
        let corners = [(0, 2_000), (500, 10), (500, 10), (400, 15)];
        assert_eq!(path(corners.into_iter()), "M0 2000l500-1990l0 0l-100 5");
    }
}
