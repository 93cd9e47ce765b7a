//! Live bytes over time, as a curve and as the table behind it.

use super::geometry::kept;
use crate::figure::Figure;
use crate::packed::{Kind, Packed};
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
    let scale = Scale::of(snapshot)?;
    let points = drawn(snapshot).map(|index| {
        let (point, [at, live]) = (&snapshot.timeline[index], pointers(index));
        Point {
            index,
            at: Figure::ms(at, point.ms),
            live: Figure::estimated_bytes(&live, point.live_bytes, point.live_bytes_error),
            x: scale.x(point.ms),
            y: scale.y(point.live_bytes),
        }
    });
    let points = points.collect();
    curve(snapshot).map(|curve| Timeline { points, ..curve })
}

fn pointers(index: usize) -> [String; 2] {
    FIELDS.map(|field| format!("{LIST}/{index}/{field}"))
}

const LIST: &str = "/timeline";
/// Of a point, in the document.
const FIELDS: [&str; 2] = ["ms", "live_bytes"];

/// The places of the points that are drawn.
fn drawn(snapshot: &Snapshot) -> impl Iterator<Item = usize> + '_ {
    kept(snapshot.timeline.len(), MOST_POINTS, |index| snapshot.timeline[index].live_bytes)
}

/// What the drawing's coordinates stand for.
struct Scale {
    last_ms: u64,
    highest: u64,
}

impl Scale {
    fn of(snapshot: &Snapshot) -> Option<Scale> {
        let all = &snapshot.timeline;
        let last_ms = all.last()?.ms.max(snapshot.program.elapsed_ms);
        Some(Scale { last_ms, highest: all.iter().map(upper).max()?.max(snapshot.totals.peak_bytes) })
    }

    fn x(&self, ms: u64) -> i64 {
        match self.last_ms {
            0 => 0,
            last_ms => (ms.min(last_ms) as f64 / last_ms as f64 * WIDTH).round() as i64,
        }
    }

    fn y(&self, bytes: u64) -> i64 {
        // A little air above the peak's line.
        (HEIGHT - bytes as f64 / self.highest.max(1) as f64 * (HEIGHT - 100.0)).round() as i64
    }
}

/// A point's bytes and one standard error.
fn upper(point: &TimelinePoint) -> u64 {
    point.live_bytes.saturating_add(point.live_bytes_error.unwrap_or(0))
}

/// The timeline without its points, which [`packed`] has.
pub fn curve(snapshot: &Snapshot) -> Option<Timeline> {
    let all = &snapshot.timeline;
    let scale = Scale::of(snapshot)?;
    let shown: Vec<&TimelinePoint> = drawn(snapshot).map(|index| &all[index]).collect();
    let corner = |point: &TimelinePoint, bytes| (scale.x(point.ms), scale.y(bytes));
    let line = path(shown.iter().map(|point| corner(point, point.live_bytes)));
    let is_estimated = shown.iter().any(|point| point.live_bytes_error.is_some());
    let band = is_estimated.then(|| {
        let lower =
            |point: &TimelinePoint| point.live_bytes.saturating_sub(point.live_bytes_error.unwrap_or(0));
        let there = shown.iter().map(|point| corner(point, upper(point)));
        let back = shown.iter().rev().map(|point| corner(point, lower(point)));
        format!("{}Z", path(there.chain(back)))
    });
    let folded = (all.len() > shown.len()).then(|| {
        Figure::count(format!("len(/timeline) - {}", shown.len()), (all.len() - shown.len()) as u64)
    });
    Some(Timeline {
        peak_y: scale.y(snapshot.totals.peak_bytes),
        peak: Figure::estimated_bytes(
            "/totals/peak_bytes",
            snapshot.totals.peak_bytes,
            snapshot.totals.peak_bytes_error,
        ),
        end: Figure::ms("/program/elapsed_ms", snapshot.program.elapsed_ms),
        total: Figure::count("len(/timeline)", all.len() as u64),
        line,
        band,
        points: Vec::new(),
        folded,
    })
}

/// What the page's script cannot read off the curve: when each point is, and its bytes.
pub fn packed(snapshot: &Snapshot) -> Packed {
    let rows = drawn(snapshot).map(|index| {
        let point = &snapshot.timeline[index];
        (index, [(Kind::Ms, point.ms, None), (Kind::Bytes, point.live_bytes, point.live_bytes_error)])
    });
    let mut packed = Packed::of_figures(LIST, [("at", FIELDS[0]), ("live", FIELDS[1])], rows);
    if packed.index.iter().copied().eq(0..packed.index.len()) {
        packed.index.clear();
    }
    packed
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

    /// What the script is told of the points is what the partial would make of them. (An estimate of 0 ± 0 is packed as a figure
    /// here, of which `figure.js` makes "no sample", and as an object there.)
    #[test]
    fn points_are_packed_as_any_view_is() {
        #[derive(Serialize)]
        struct Read {
            at: Figure,
            live: Figure,
        }
        let point = |(ms, live_bytes, live_bytes_error)| TimelinePoint { ms, live_bytes, live_bytes_error };
        let most = u64::MAX; // beyond what a browser reads as a number
        for points in [
            vec![],
            vec![(0, 0, None)],
            vec![(0, 7, None), (10, 7, None)],
            vec![(0, 0, None), (10, 2_000, None), (3_600_000, most, None)],
            vec![(0, 9, Some(0)), (10, 2_000, Some(30)), (20, 1, Some(most))],
            vec![(0, 5, Some(1)), (10, 2_000, None)],
        ] {
            let mut snapshot = memscope_runtime::nothing_recorded(false);
            snapshot.timeline = points.into_iter().map(point).collect();
            let mut expected = Packed::of(LIST);
            for Point { index, at, live, .. } in
                timeline(&snapshot).map_or(Vec::new(), |timeline| timeline.points)
            {
                expected.push(index, &Read { at, live });
            }
            expected.index.clear();
            let [expected, packed] = [expected.framed(), packed(&snapshot)]
                .map(|packed| serde_json::to_string(&packed).expect("plain data"));
            assert_eq!(packed, expected);
        }
    }

    #[test]
    fn the_path_goes_from_corner_to_corner() {
        let corners = [(0, 2_000), (500, 10), (500, 10), (400, 15)];
        assert_eq!(path(corners.into_iter()), "M0 2000l500-1990l0 0l-100 5");
    }
}
