//! What each thread has in each scope.

use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// What one thread allocated in one scope, alone; or, of one scope, what the threads did that are not told apart.
///
/// Memory is the allocating thread's, whoever frees it. The rows of a scope sum to its `calls` and its
/// [`exclusive`](super::Scope::exclusive) figures. A pair without a row neither entered the scope nor allocated there (in
/// sampling mode: has no sample there), if no row of the scope is without a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeThread {
    /// Index into `scopes`.
    pub scope: u32,
    /// Id of the thread; `None`: of several, which have no rows of their own in this scope.
    pub thread: Option<u32>,
    /// How many threads the row stands for.
    pub pairs: u64,
    /// How often they entered the scope.
    pub calls: u64,
    /// Blocks that they allocated there.
    pub allocations: u64,
    /// Standard error of `allocations`.
    pub allocations_error: Option<u64>,
    /// Bytes that they allocated there, growth of these blocks included.
    pub allocated_bytes: u64,
    /// Standard error of `allocated_bytes`.
    pub allocated_bytes_error: Option<u64>,
    /// Of these, bytes alive.
    pub live_bytes: u64,
    /// Standard error of `live_bytes`.
    pub live_bytes_error: Option<u64>,
    /// Of these, bytes alive when the process's total was at its peak; `None`: not measured.
    pub live_at_peak_bytes: Option<u64>,
    /// Standard error of `live_at_peak_bytes`.
    pub live_at_peak_bytes_error: Option<u64>,
}

impl ScopeThread {
    /// In which order pairs are kept: the most live bytes first, then the most allocated, the most calls. The last two make
    /// it the same each time.
    pub(crate) fn rank(&self) -> (Reverse<u64>, Reverse<u64>, Reverse<u64>, u32, Option<u32>) {
        (
            Reverse(self.live_bytes),
            Reverse(self.allocated_bytes),
            Reverse(self.calls),
            self.scope,
            self.thread,
        )
    }

    /// Where the row stands in its list: by scope and thread, what is not told apart last.
    pub(crate) fn place(&self) -> (u32, bool, Option<u32>) {
        (self.scope, self.thread.is_none(), self.thread)
    }

    /// Takes `other` in, which is of the same scope: what both are is no single thread's any more.
    pub(crate) fn take_in(&mut self, other: &ScopeThread) {
        let sum = |mine: &mut u64, theirs: u64| *mine = mine.saturating_add(theirs);
        let error = |mine: &mut Option<u64>, theirs| *mine = super::error_of_sum(*mine, theirs);
        self.thread = None;
        sum(&mut self.pairs, other.pairs);
        sum(&mut self.calls, other.calls);
        sum(&mut self.allocations, other.allocations);
        error(&mut self.allocations_error, other.allocations_error);
        sum(&mut self.allocated_bytes, other.allocated_bytes);
        error(&mut self.allocated_bytes_error, other.allocated_bytes_error);
        sum(&mut self.live_bytes, other.live_bytes);
        error(&mut self.live_bytes_error, other.live_bytes_error);
        let parts = self.live_at_peak_bytes.zip(other.live_at_peak_bytes);
        self.live_at_peak_bytes = parts.map(|(mine, theirs)| mine.saturating_add(theirs));
        error(&mut self.live_at_peak_bytes_error, other.live_at_peak_bytes_error);
    }
}
