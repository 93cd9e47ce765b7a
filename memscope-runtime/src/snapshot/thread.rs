//! Threads and tasks.

use serde::{Deserialize, Serialize};

/// One thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thread {
    /// memscope's number for the thread; they count from 1 in the order of first events.
    pub id: u32,
    /// Threads that this row stands for, one after another: past 1,024 rows, a thread that begins goes on in the
    /// row of one that has ended.
    pub threads: u32,
    /// The operating system's name for the thread, or for the latest of the row; `None`: unknown.
    pub name: Option<String>,
    /// Whether the thread has ended.
    pub ended: bool,
    /// Blocks that the thread allocated.
    pub allocations: u64,
    /// Standard error of `allocations`.
    pub allocations_error: Option<u64>,
    /// Blocks that the thread freed, whoever allocated them.
    pub deallocations: u64,
    /// Standard error of `deallocations`.
    pub deallocations_error: Option<u64>,
    /// Blocks that the thread freed though another thread had allocated them.
    pub foreign_deallocations: u64,
    /// Standard error of `foreign_deallocations`.
    pub foreign_deallocations_error: Option<u64>,
    /// Resizes that the thread did.
    pub reallocations: u64,
    /// Standard error of `reallocations`.
    pub reallocations_error: Option<u64>,
    /// Bytes that the thread allocated.
    pub allocated_bytes: u64,
    /// Standard error of `allocated_bytes`.
    pub allocated_bytes_error: Option<u64>,
    /// Blocks alive that the thread allocated.
    pub live_allocations: u64,
    /// Standard error of `live_allocations`.
    pub live_allocations_error: Option<u64>,
    /// Bytes alive that the thread allocated.
    pub live_bytes: u64,
    /// Standard error of `live_bytes`.
    pub live_bytes_error: Option<u64>,
}

/// Frees of one thread's blocks by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignFrees {
    /// Id of the thread that allocated.
    pub allocated_by: u32,
    /// Id of the thread that freed.
    pub freed_by: u32,
    /// Blocks.
    pub deallocations: u64,
    /// Standard error of `deallocations`.
    pub deallocations_error: Option<u64>,
    /// Their bytes, and those that the freeing thread's shrinking of such blocks lost.
    pub deallocated_bytes: u64,
    /// Standard error of `deallocated_bytes`.
    pub deallocated_bytes_error: Option<u64>,
}

/// The future of a tracked function, as an executor polls it. Tracked functions that it awaits are part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// memscope's number for the task; they count from 1 in the order of first polls.
    pub number: u64,
    /// The id of the tokio task that it is, or is awaited in; tokio may give an id again after a task's end. `None`: it
    /// is not under tokio, or memscope's feature `tokio` is off.
    pub id: Option<u64>,
    /// Short names of the scope's path from the root.
    pub scope: Vec<String>,
    /// Where it is in its life.
    pub state: TaskState,
    /// How often it was polled.
    pub polls: u64,
    /// Ids of the threads that polled it, in the order in which they first did, at most 32.
    pub threads: Vec<u32>,
    /// Whether there were threads that `threads` does not hold.
    pub has_more_threads: bool,
    /// First poll.
    pub first_ms: u64,
    /// Latest poll, or the end.
    pub last_ms: u64,
}

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// It was polled and has not ended.
    Running,
    /// It gave its result.
    Finished,
    /// It was dropped before it gave a result: aborted, timed out, or not chosen.
    Dropped,
    /// A poll panicked.
    Panicked,
}

impl Thread {
    /// A thread that has done nothing yet.
    pub(crate) fn idle(id: u32, threads: u32, name: Option<String>, ended: bool) -> Thread {
        Thread {
            id,
            threads,
            name,
            ended,
            allocations: 0,
            allocations_error: None,
            deallocations: 0,
            deallocations_error: None,
            foreign_deallocations: 0,
            foreign_deallocations_error: None,
            reallocations: 0,
            reallocations_error: None,
            allocated_bytes: 0,
            allocated_bytes_error: None,
            live_allocations: 0,
            live_allocations_error: None,
            live_bytes: 0,
            live_bytes_error: None,
        }
    }
}
