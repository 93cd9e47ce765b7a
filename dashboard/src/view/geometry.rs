//! What is drawn: bars, stretches of time, small curves. A drawing says where it comes from, as a figure does.
//!
//! Invariant: each length that the page draws stands beside what it is computed from, so that a test can compute it
//! again: `data-width` holds the formula (by the grammar of [`crate::figure`]) whose value is the bar's share of its
//! room, `data-span` the row whose life is drawn on the recording's length, `data-moment` the moment of which that is the
//! place, `data-trend` the list that a curve draws, `data-history` the list whose last rows' most bytes columns draw,
//! `data-life` the execution whose bytes steps draw.
//! Squares of the memory map and the timeline follow from the figures that they stand for.

use memscope_runtime::snapshot::BytesAt;
use serde::Serialize;
use std::fmt::Write as _;

/// A bar: a share of its room.
#[derive(Clone, Debug, Serialize)]
pub struct Bar {
    /// Its width in percent.
    pub width: String,
    /// Formula of the share.
    pub from: String,
}

/// A stretch of the recording, in percent of its length.
#[derive(Clone, Debug, Serialize)]
pub struct Span {
    /// Pointer to the row whose life it is.
    pub from: String,
    /// Where it begins.
    pub left: String,
    /// How long it is.
    pub width: String,
}

/// A small curve, in coordinates of [`TREND_WIDTH`] × [`TREND_HEIGHT`], time to the right and bytes up from 0 to the
/// list's greatest.
#[derive(Clone, Debug, Serialize)]
pub struct Trend {
    /// Pointer to the list of bytes.
    pub from: String,
    /// Corners of the curve, as SVG writes them.
    pub points: String,
    /// The bytes at these corners, exactly.
    pub values: String,
}

/// An execution's bytes over the recording's length, in coordinates of [`TREND_WIDTH`] × [`TREND_HEIGHT`]: steps, up from 0 to
/// the greatest.
#[derive(Clone, Debug, Serialize)]
pub struct Steps {
    /// Pointer to the execution.
    pub from: String,
    /// The strokes, as SVG writes them.
    pub strokes: String,
}

/// Small columns side by side, in coordinates of [`TREND_WIDTH`] × [`TREND_HEIGHT`], as high as their bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Columns {
    /// Pointer to the list of the rows whose bytes they are, the last of which are drawn.
    pub from: String,
    /// Strokes from the ground up, as SVG writes them; what is not measured has none.
    pub strokes: String,
    /// How many rows are drawn, those without a stroke among them.
    pub rows: usize,
}

/// A moment of the recording.
#[derive(Clone, Debug, Serialize)]
pub struct Moment {
    /// Pointer to it.
    pub from: String,
    /// Where it is, in percent of the recording's length.
    pub left: String,
}

/// Corners of a small curve at most.
pub const MOST_CORNERS: usize = 40;
/// Places for columns side by side.
pub const COLUMN_PLACES: f64 = 16.0;
/// Width of a small curve's coordinates.
pub const TREND_WIDTH: f64 = 100.0;
/// Height of a small curve's coordinates.
pub const TREND_HEIGHT: f64 = 20.0;

/// `part / whole`, which stand at the formulas `part_from` and `whole_from`; nothing is drawn of a `whole` of 0.
pub fn bar(part_from: &str, part: u64, whole_from: &str, whole: u64) -> Bar {
    let share = if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    Bar { width: format!("{:.2}", share * 100.0), from: format!("{part_from} / {whole_from}") }
}

/// From `start_ms` to `end_ms`, or to the recording's end, of the row that stands at `from`.
pub fn span(from: impl Into<String>, start_ms: u64, end_ms: Option<u64>, elapsed_ms: u64) -> Span {
    let percent =
        |ms: u64| if elapsed_ms == 0 { 0.0 } else { ms.min(elapsed_ms) as f64 / elapsed_ms as f64 * 100.0 };
    let left = percent(start_ms);
    let right = percent(end_ms.unwrap_or(elapsed_ms)).max(left);
    Span { from: from.into(), left: format!("{left:.2}"), width: format!("{:.2}", right - left) }
}

/// The moment `ms`, which stands at `from`.
pub fn moment(from: impl Into<String>, ms: u64, elapsed_ms: u64) -> Moment {
    Moment { from: from.into(), left: span("", ms, None, elapsed_ms).left }
}

/// Steps of the bytes that the execution at `from` was `seen` to have, up from 0 at the first moment, each held until the next;
/// the last until the recording's end if it has as many `now`. `None`: it was seen to have none.
pub fn steps(from: impl Into<String>, seen: &[BytesAt], now: Option<u64>, elapsed_ms: u64) -> Option<Steps> {
    let greatest = seen.iter().map(|seen| seen.heap_bytes).max().filter(|&greatest| greatest > 0)?;
    let percent = |ms: u64| ms.min(elapsed_ms) as f64 / elapsed_ms.max(1) as f64 * TREND_WIDTH;
    let mut strokes = String::new();
    for (place, &BytesAt { ms, heap_bytes }) in seen.iter().enumerate() {
        let (x, y) = (percent(ms), TREND_HEIGHT - heap_bytes as f64 / greatest as f64 * TREND_HEIGHT);
        match place {
            0 => write!(strokes, "M{x:.2} 20V{y:.2}"),
            _ => write!(strokes, "H{x:.2}V{y:.2}"),
        }
        .expect("writing to a String cannot fail");
    }
    if seen.last().map(|seen| seen.heap_bytes) == now {
        strokes.push_str("H100");
    }
    Some(Steps { from: from.into(), strokes })
}

/// Columns of `bytes`, of rows that end the list at `from`; `None`: fewer than two are known, or all are 0.
pub fn columns(from: impl Into<String>, bytes: &[Option<u64>]) -> Option<Columns> {
    let known = bytes.iter().flatten();
    let greatest = known.clone().copied().max().filter(|&greatest| greatest > 0)?;
    if known.count() < 2 {
        return None;
    }
    let mut strokes = String::new();
    // The newest stands at the right.
    let empty = COLUMN_PLACES - bytes.len() as f64;
    for (position, bytes) in bytes.iter().enumerate() {
        let Some(bytes) = bytes else { continue };
        let x = (empty + position as f64 + 0.5) / COLUMN_PLACES * TREND_WIDTH;
        let y = TREND_HEIGHT - *bytes as f64 / greatest as f64 * TREND_HEIGHT;
        write!(strokes, "M{x:.1} 20V{y:.1}").expect("writing to a String cannot fail");
    }
    Some(Columns { from: from.into(), strokes, rows: bytes.len() })
}

/// The curve of `bytes`, which stand at `from`, over the moments `at_ms`; `None`: there is no list, or none of the
/// moments' length.
pub fn trend(from: impl Into<String>, bytes: &[u64], at_ms: &[u64]) -> Option<Trend> {
    let (&first_ms, &last_ms) = (at_ms.first()?, at_ms.last()?);
    if bytes.len() != at_ms.len() {
        return None;
    }
    let greatest = bytes.iter().copied().max()?.max(1);
    let length_ms = last_ms.saturating_sub(first_ms).max(1);
    let kept: Vec<usize> = kept(bytes.len(), MOST_CORNERS, |index| bytes[index]).collect();
    let corner = |&index: &usize| {
        let x = at_ms[index].saturating_sub(first_ms).min(length_ms) as f64 / length_ms as f64 * TREND_WIDTH;
        let y = TREND_HEIGHT - bytes[index] as f64 / greatest as f64 * TREND_HEIGHT;
        format!("{x:.1},{y:.1}")
    };
    let corners: Vec<String> = kept.iter().map(corner).collect();
    let values: Vec<String> = kept.iter().map(|&index| bytes[index].to_string()).collect();
    Some(Trend { from: from.into(), points: corners.join(" "), values: values.join(" ") })
}

/// Indices of the points of a curve to draw: all, or the highest of each of `most` stretches.
pub fn kept(len: usize, most: usize, height: impl Fn(usize) -> u64) -> impl Iterator<Item = usize> {
    let stretches = len.min(most);
    (0..stretches).map(move |stretch| {
        let (start, end) = (stretch * len / stretches, (stretch + 1) * len / stretches);
        // The first of equals, so that a flat stretch keeps its start.
        (start..end).rev().max_by_key(|&index| height(index)).expect("a stretch holds a point")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_in_a_long_timeline_is_kept() {
        // 2,000 points in 200 stretches of ten: the spike at 1,234 stands in stretch 123.
        let kept: Vec<_> = kept(2_000, 200, |index| if index == 1_234 { 9 } else { 1 }).collect();
        assert_eq!(kept.len(), 200);
        assert_eq!(kept[123], 1_234);
        assert_eq!(kept[122], 1_220);
        assert_eq!(kept[124], 1_240);
    }

    #[test]
    fn a_short_timeline_is_drawn_whole() {
        assert_eq!(kept(3, 200, |_| 0).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(kept(0, 200, |_| 0).count(), 0);
    }

    #[test]
    fn columns_stand_side_by_side() {
        // The last of sixteen places has its middle at 96.875 of 100, the last but two at 84.375; half of the greatest is
        // half of the height.
        let drawn = columns("/variables/0/history", &[Some(50), None, Some(100)]).unwrap();
        assert_eq!((&*drawn.strokes, drawn.rows), ("M84.4 20V10.0M96.9 20V0.0", 3));
        assert!(columns("", &[Some(5), None]).is_none() && columns("", &[Some(0), Some(0)]).is_none());
    }

    #[test]
    fn steps_are_held_until_the_next_and_to_the_end_where_nothing_changes() {
        // 500 and 750 ms of 2,000 are a quarter and three eighths; 40 of 80 bytes are half of the height.
        let seen = |ms, heap_bytes| BytesAt { ms, heap_bytes };
        let life = [seen(500, 40), seen(750, 80), seen(1_000, 0)];
        let drawn = |now| steps("/variables/0/history/0", &life, now, 2_000).unwrap().strokes;
        assert_eq!(drawn(Some(0)), "M25.00 20V10.00H37.50V0.00H50.00V20.00H100");
        assert_eq!(drawn(Some(7)), "M25.00 20V10.00H37.50V0.00H50.00V20.00");
        assert_eq!(drawn(None), drawn(Some(7)));
        assert!(steps("", &[], Some(0), 9).is_none() && steps("", &[seen(1, 0)], Some(0), 9).is_none());
        // A hostile file's moments are after its end, or it has none.
        assert_eq!(steps("", &[seen(u64::MAX, u64::MAX)], None, 0).unwrap().strokes, "M0.00 20V0.00");
    }

    #[test]
    fn a_trend_goes_up_with_the_bytes_and_right_with_the_time() {
        // 400 ms of 1,600 are a quarter of the width; half of the greatest is half of the height.
        let curve = trend("/scopes/1/trend", &[0, 50, 100], &[1_000, 1_400, 2_600]).unwrap();
        assert_eq!(curve.points, "0.0,20.0 25.0,10.0 100.0,0.0");
        assert_eq!(curve.values, "0 50 100");
        assert!(trend("", &[], &[]).is_none() && trend("", &[1], &[]).is_none());
        assert_eq!(trend("", &[0], &[7]).unwrap().points, "0.0,20.0");
        // Nonsense of a hostile file overflows nothing.
        trend("", &[u64::MAX, 0], &[u64::MAX, 0]).unwrap();
    }
}
