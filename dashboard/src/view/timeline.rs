//! Live bytes over time, as a curve and as the table behind it.

use crate::figure::Figure;
use memscope_runtime::snapshot::Snapshot;
use serde::Serialize;
use std::fmt::Write as _;

/// Points drawn at most; a longer timeline keeps the highest point of each stretch, so that no spike is lost.
pub const MOST_POINTS: usize = 200;
/// Width of the drawing's coordinates.
pub const WIDTH: f64 = 1000.0;
/// Height of the drawing's coordinates.
pub const HEIGHT: f64 = 200.0;

/// The drawing, in coordinates of [`WIDTH`] × [`HEIGHT`], time to the right and bytes up.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    /// The curve, as an SVG path.
    pub line: String,
    /// The area below the curve, as an SVG path.
    pub area: String,
    /// Height of the total's peak.
    pub peak_y: String,
    /// The total's peak, which may lie between two points.
    pub peak: Figure,
    /// Where the time axis ends.
    pub end: Figure,
    /// The points drawn.
    pub points: Vec<Point>,
    /// How many points the recording holds.
    pub total: Figure,
    /// Points that were left out for a higher one beside them.
    pub folded: Option<Figure>,
}

/// A moment of the timeline.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// When.
    pub at: Figure,
    /// Bytes alive then.
    pub live: Figure,
    /// Position in the drawing.
    pub x: String,
    /// Position in the drawing.
    pub y: String,
}

/// The timeline of `snapshot`; `None` if it has no point.
pub fn timeline(snapshot: &Snapshot) -> Option<Timeline> {
    let all = &snapshot.timeline;
    let last_ms = all.last()?.ms.max(snapshot.program.elapsed_ms);
    let highest = all.iter().map(|point| point.live_bytes).max()?.max(snapshot.totals.peak_bytes);
    let x = |ms: u64| if last_ms == 0 { 0.0 } else { ms.min(last_ms) as f64 / last_ms as f64 * WIDTH };
    // A little air above the peak's line.
    let y = |bytes: u64| HEIGHT - bytes as f64 / highest.max(1) as f64 * (HEIGHT - 10.0);
    let points: Vec<Point> = kept(all.len(), |index| all[index].live_bytes)
        .map(|index| {
            let point = all[index];
            Point {
                at: Figure::ms(format!("/timeline/{index}/ms"), point.ms),
                live: Figure::bytes(format!("/timeline/{index}/live_bytes"), point.live_bytes),
                x: format!("{:.1}", x(point.ms)),
                y: format!("{:.1}", y(point.live_bytes)),
            }
        })
        .collect();
    let mut line = String::new();
    for (index, point) in points.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        write!(line, "{command}{} {}", point.x, point.y).expect("writing to a String cannot fail");
    }
    let (first, last) = (points.first()?, points.last()?);
    let area = format!("{line}L{} {HEIGHT}L{} {HEIGHT}Z", last.x, first.x);
    let folded = (all.len() > points.len()).then(|| {
        Figure::count(format!("len(/timeline) - {}", points.len()), (all.len() - points.len()) as u64)
    });
    Some(Timeline {
        peak_y: format!("{:.1}", y(snapshot.totals.peak_bytes)),
        peak: Figure::bytes("/totals/peak_bytes", snapshot.totals.peak_bytes),
        end: Figure::ms("/program/elapsed_ms", snapshot.program.elapsed_ms),
        total: Figure::count("len(/timeline)", all.len() as u64),
        line,
        area,
        points,
        folded,
    })
}

/// Indices of the points to draw: all, or the highest of each of [`MOST_POINTS`] stretches.
fn kept(len: usize, live_bytes: impl Fn(usize) -> u64) -> impl Iterator<Item = usize> {
    let stretches = len.min(MOST_POINTS);
    (0..stretches).map(move |stretch| {
        let (start, end) = (stretch * len / stretches, (stretch + 1) * len / stretches);
        // The first of equals, so that a flat stretch keeps its start.
        (start..end).rev().max_by_key(|&index| live_bytes(index)).expect("a stretch holds a point")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_in_a_long_timeline_is_kept() {
        // 2,000 points in 200 stretches of ten: the spike at 1,234 stands in stretch 123.
        let kept: Vec<_> = kept(2_000, |index| if index == 1_234 { 9 } else { 1 }).collect();
        assert_eq!(kept.len(), MOST_POINTS);
        assert_eq!(kept[123], 1_234);
        assert_eq!(kept[122], 1_220);
        assert_eq!(kept[124], 1_240);
    }

    #[test]
    fn a_short_timeline_is_drawn_whole() {
        assert_eq!(kept(3, |_| 0).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(kept(0, |_| 0).count(), 0);
    }
}
