//! Live and resident bytes over time, as curves and as the table behind them.
//!
//! Each curve has coordinates of its own, up to its own highest; what brings both to one axis is how the lower one is
//! scaled. So a curve far below the other loses nothing, and is drawn at its full height where the other is hidden.

use super::geometry::kept;
use crate::figure::Figure;
use crate::packed::{Kind, Packed};
use memscope_runtime::snapshot::{Snapshot, TimelinePoint};
use serde::Serialize;
use std::cmp::Reverse;

/// Stretches that a longer timeline is drawn in: the highest point of each is kept, and the one with the most resident
/// bytes, so that no spike is lost.
pub const MOST_POINTS: usize = 200;
/// Width of the drawing's coordinates, which are whole numbers.
pub const WIDTH: f64 = 10_000.0;
/// Height of the drawing's coordinates.
pub const HEIGHT: f64 = 2_000.0;

/// Resident bytes that are more times the peak are hidden at first.
const MOST_TIMES_THE_PEAK: u64 = 4;

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
    /// A quarter, a half and three quarters of the peak, as an SVG path.
    pub quarters: String,
    /// The total's peak, which may lie between two points.
    pub peak: Figure,
    /// Where the highest point is.
    pub highest_x: i64,
    /// When that was.
    pub highest_at: Figure,
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
    /// Whether it is shown before a reader says so: not where it would leave live bytes a few pixels.
    pub is_shown: bool,
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
    let scale = Scale::of(snapshot)?;
    let point = |index: usize| {
        let (point, [at, live, resident]) = (&snapshot.timeline[index], pointers(index));
        Point {
            index,
            at: Figure::ms(at, point.ms),
            live: Figure::estimated_bytes(&live, point.live_bytes, point.live_bytes_error),
            resident: scale.most_resident.map(|_| Figure::bytes(resident, point.resident_bytes)),
            x: scale.x(point.ms),
            y: scale.y(point.live_bytes),
        }
    };
    let points = drawn(snapshot).into_iter().map(point).collect();
    curve(snapshot).map(|curve| Timeline { points, ..curve })
}

const LIST: &str = "/timeline";
/// Of a point, in the document.
const FIELDS: [&str; 3] = ["ms", "live_bytes", "resident_bytes"];

fn pointers(index: usize) -> [String; 3] {
    FIELDS.map(|field| format!("{LIST}/{index}/{field}"))
}

/// The places of the points that are drawn, in order.
fn drawn(snapshot: &Snapshot) -> Vec<usize> {
    let all = &snapshot.timeline;
    points_to_draw(all, all.iter().any(|point| point.resident_bytes.is_some()))
}

/// What the drawing's coordinates stand for.
struct Scale {
    last_ms: u64,
    highest: u64,
    most_resident: Option<u64>,
}

impl Scale {
    fn of(snapshot: &Snapshot) -> Option<Scale> {
        let all = &snapshot.timeline;
        Some(Scale {
            last_ms: all.last()?.ms.max(snapshot.program.elapsed_ms),
            highest: all.iter().map(upper).max()?.max(snapshot.totals.peak_bytes),
            most_resident: all.iter().filter_map(|point| point.resident_bytes).max(),
        })
    }

    fn x(&self, ms: u64) -> i64 {
        match self.last_ms {
            0 => 0,
            last_ms => (ms.min(last_ms) as f64 / last_ms as f64 * WIDTH).round() as i64,
        }
    }

    fn y(&self, bytes: u64) -> i64 {
        height(bytes, self.highest)
    }
}

/// Where `bytes` are in a drawing of up to `highest`, with a little air above the peak's line.
fn height(bytes: u64, highest: u64) -> i64 {
    (HEIGHT - bytes as f64 / highest.max(1) as f64 * (HEIGHT - 100.0)).round() as i64
}

/// A point's bytes and one standard error.
fn upper(point: &TimelinePoint) -> u64 {
    point.live_bytes.saturating_add(point.live_bytes_error.unwrap_or(0))
}

/// The timeline without its points, which [`packed`] has.
pub fn curve(snapshot: &Snapshot) -> Option<Timeline> {
    let all = &snapshot.timeline;
    let scale = Scale::of(snapshot)?;
    // The first of those as high.
    let highest = (0..all.len()).max_by_key(|&index| (all[index].live_bytes, Reverse(index)))?;
    let shown: Vec<&TimelinePoint> = drawn(snapshot).into_iter().map(|index| &all[index]).collect();
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
    let resident = scale.most_resident.map(|most| {
        let corner = |point: &&TimelinePoint| Some((scale.x(point.ms), height(point.resident_bytes?, most)));
        let corners: Vec<Option<(i64, i64)>> = shown.iter().map(corner).collect();
        Resident {
            line: corners.split(Option::is_none).map(|run| path(run.iter().flatten().copied())).collect(),
            scale: lowered(most, scale.highest),
            highest: Figure::bytes("max(/timeline/*/resident_bytes)", most),
            is_shown: most / MOST_TIMES_THE_PEAK <= scale.highest,
        }
    });
    Some(Timeline {
        live_scale: scale.most_resident.and_then(|most| lowered(scale.highest, most)),
        resident,
        peak_y: scale.y(snapshot.totals.peak_bytes),
        quarters: quarters(scale.y(snapshot.totals.peak_bytes)),
        peak: Figure::estimated_bytes(
            "/totals/peak_bytes",
            snapshot.totals.peak_bytes,
            snapshot.totals.peak_bytes_error,
        ),
        highest_x: scale.x(all[highest].ms),
        highest_at: Figure::ms(format!("{LIST}/{highest}/ms"), all[highest].ms),
        end: Figure::ms("/program/elapsed_ms", snapshot.program.elapsed_ms),
        total: Figure::count("len(/timeline)", all.len() as u64),
        line,
        band,
        points: Vec::new(),
        folded,
    })
}

/// Lines between the foot and the peak's line at `peak_y`.
fn quarters(peak_y: i64) -> String {
    let foot = HEIGHT as i64;
    (1..4).map(|quarter| format!("M0 {}H{WIDTH}", foot - (foot - peak_y) * quarter / 4)).collect()
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
fn lowered(own: u64, other: u64) -> Option<String> {
    let factor = own as f64 / other.max(1) as f64;
    // About the foot, which stays where it is.
    (own < other).then(|| format!("matrix(1 0 0 {factor:.6} 0 {:.3})", HEIGHT * (1.0 - factor)))
}

/// What the page's script cannot read off the curves: when each point is, and its bytes.
pub fn packed(snapshot: &Snapshot) -> Packed {
    let is_resident_known = snapshot.timeline.iter().any(|point| point.resident_bytes.is_some());
    let rows = drawn(snapshot).into_iter().map(|index| {
        let point = &snapshot.timeline[index];
        let figures = [
            Some((Kind::Ms, Some(point.ms), None)),
            Some((Kind::Bytes, Some(point.live_bytes), point.live_bytes_error)),
            is_resident_known.then_some((Kind::Bytes, point.resident_bytes, None)),
        ];
        (index, figures)
    });
    let [at, live, resident] = FIELDS;
    let mut packed = Packed::of_figures(LIST, [("at", at), ("live", live), ("resident", resident)], rows);
    if packed.index.iter().copied().eq(0..packed.index.len()) {
        packed.index.clear();
    }
    packed
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

    /// What the script is told of the points is what the partial would make of them. (An estimate of 0 ± 0 is packed as a figure
    /// here, of which `figure.js` makes "no sample", and as an object there.)
    #[test]
    fn points_are_packed_as_any_view_is() {
        #[derive(Serialize)]
        struct Read {
            at: Figure,
            live: Figure,
            resident: Option<Figure>,
        }
        let most = u64::MAX; // beyond what a browser reads as a number
        for points in [
            vec![],
            vec![(0, 0, None, None)],
            vec![(0, 7, None, Some(3)), (10, 7, None, Some(3))],
            vec![(0, 0, None, None), (10, 2_000, None, Some(most)), (3_600_000, most, None, Some(1))],
            vec![(0, 9, Some(0), None), (10, 2_000, Some(30), None), (20, 1, Some(most), None)],
            vec![(0, 5, Some(1), Some(4_096)), (10, 2_000, None, None)],
        ] {
            let mut snapshot = memscope_runtime::nothing_recorded(false);
            let point = |(ms, live_bytes, live_bytes_error, resident_bytes)| TimelinePoint {
                ms,
                live_bytes,
                live_bytes_error,
                resident_bytes,
            };
            snapshot.timeline = points.into_iter().map(point).collect();
            let mut expected = Packed::of(LIST);
            for Point { index, at, live, resident, .. } in
                timeline(&snapshot).map_or(Vec::new(), |timeline| timeline.points)
            {
                expected.push(index, &Read { at, live, resident });
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
        assert_eq!(
            (path(std::iter::empty()), path([(7, 9)].into_iter())),
            (String::new(), "M7 9l0 0".into())
        );
    }

    #[test]
    fn lines_part_what_is_below_the_peak_in_quarters() {
        // From 2,000 up to 100 a quarter is 475.
        assert_eq!(quarters(100), "M0 1525H10000M0 1050H10000M0 575H10000");
    }

    #[test]
    fn the_lower_curve_is_scaled_about_its_foot() {
        // A quarter as high: 2,000 stays at 2,000, and 100 comes to 1,525: 0.25 × 100 + 1,500.
        assert_eq!(lowered(50, 200).as_deref(), Some("matrix(1 0 0 0.250000 0 1500.000)"));
        assert_eq!((lowered(200, 50), lowered(7, 7), lowered(0, 0)), (None, None, None));
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
