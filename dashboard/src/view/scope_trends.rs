//! What each scope of the page held at the moments of the recording's trends, for a range of time that a reader chooses.
//!
//! Invariant: a number stands for the moment of its place, the last of a row for all moments from there to the end; so a
//! scope that has come to rest takes little room.

use super::scope_tree::Whole;
use memscope_runtime::snapshot::Snapshot;
use serde::Serialize;

/// Room for the rows: some thousand scopes that stir all the time, or all that rest.
const MOST_BYTES: usize = 96 << 10;

/// Exclusive live bytes of scopes over time.
#[derive(Clone, Debug, Serialize)]
pub struct ScopeTrends {
    /// The moments, in milliseconds since the start.
    pub ms: Vec<Whole>,
    /// For each scope of the tree; `None`: the recording has none for it, or the page no room.
    pub rows: Vec<Option<Vec<Whole>>>,
    /// Whether every scope of the recorded program is among the rows, so that sums over them miss nothing.
    pub is_whole: bool,
}

/// The trends of the scopes at the places `index` of the document; `None`: the recording has none. Where there is not room
/// for all, those with the most live bytes have theirs.
pub fn scope_trends(snapshot: &Snapshot, index: &[usize]) -> Option<ScopeTrends> {
    let moments = &snapshot.trend_ms;
    if moments.is_empty() {
        return None;
    }
    let mut rows = vec![None; index.len()];
    let mut ranks: Vec<usize> = (0..index.len()).collect();
    ranks.sort_by_key(|&row| std::cmp::Reverse(snapshot.scopes[index[row]].exclusive.live_bytes));
    let mut bytes = 0;
    // A strange file may have other lengths.
    for row in ranks.into_iter().filter(|&row| snapshot.scopes[index[row]].trend.len() == moments.len()) {
        let trend = until_rest(&snapshot.scopes[index[row]].trend);
        bytes += trend.iter().map(|bytes| bytes.checked_ilog10().unwrap_or(0) as usize + 2).sum::<usize>();
        if bytes > MOST_BYTES {
            break;
        }
        rows[row] = Some(trend.iter().map(|&bytes| Whole(bytes)).collect());
    }
    let is_whole = index.len() == snapshot.scopes.len()
        && snapshot.folded.scopes.scopes == 0
        && rows.iter().all(Option::is_some);
    Some(ScopeTrends { ms: moments.iter().map(|&ms| Whole(ms)).collect(), rows, is_whole })
}

/// `trend` without what repeats its last number at the end.
fn until_rest(trend: &[u64]) -> &[u64] {
    let moving = trend.iter().rposition(|bytes| Some(bytes) != trend.last()).map_or(0, |place| place + 1);
    &trend[..trend.len().min(moving + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_ends_where_it_comes_to_rest() {
        assert_eq!(until_rest(&[0, 0, 5, 5, 5]), [0, 0, 5]);
        assert_eq!(until_rest(&[5, 5, 5]), [5]);
        assert_eq!(until_rest(&[5, 5, 0]), [5, 5, 0]);
        assert_eq!(until_rest(&[]), [0; 0]);
    }
}
