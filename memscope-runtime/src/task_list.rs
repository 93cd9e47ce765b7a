//! The tasks of a recording: rows that tasks write about themselves.
//!
//! ```text
//!          claim              publish               end
//! ended ──────────→ claimed ──────────→ running ──────────→ finished, dropped or panicked (ended)
//! ```
//!
//! A task claims a row at its first poll, by compare-and-swap, and alone writes to it until it ends: nobody waits, and a
//! poll looks nothing up. There are [`LEN`] rows; they are claimed in turns, so those of ended tasks are used again and
//! the list holds the newest. A task that finds none is counted and not listed. Only the outermost task of a poll has a
//! row; what that polls in turn is part of it.
//!
//! Orderings: a row is read while it may be written, so it is read as under a sequence lock. Its number is 0 while it is
//! claimed, with a release fence before its fields are written, and published with release; a reader takes what it read
//! only if the number is the same before (acquire) and after (an acquire fence). A row is ended with release and claimed
//! with acquire, so a task's last words do not fall into the next one's row. Polls change single fields, each
//! right by itself. All else is relaxed.

use crate::arena::Arena;
use crate::clock;
use crate::snapshot::TaskState;
use crate::thread_state::Local;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};

/// Rows: as many as a page shows ten times over. They take 192 KiB once all are used.
pub(crate) const LEN: u64 = 1 << 10;
/// Rows that are tried. Where seven of eight are running, one in 72 (7/8 to the 32nd) new tasks is not listed.
const TRIES: u64 = 32;
/// Threads that a row lists: the workers of most runtimes.
const THREADS: usize = 32;

const RUNNING: u32 = 1;
const FINISHED: u32 = 2;
const DROPPED: u32 = 3;
const PANICKED: u32 = 4;
const CLAIMED: u32 = 5;

// SAFETY: a row is all atomics, for which zero is valid.
static ROWS: Arena<Row, 1> = unsafe { Arena::new() };
/// Tasks that began.
static BEGUN: AtomicU64 = AtomicU64::new(0);

/// What a task says of itself. All-zero is a row that none has claimed.
#[derive(Debug)]
pub(crate) struct Row {
    /// The task's number, from 1; 0: it is being written.
    number: AtomicU64,
    /// The number of the tokio task that it is, or is in; 0: none.
    id: AtomicU64,
    polls: AtomicU64,
    first_ms: AtomicU64,
    last_ms: AtomicU64,
    node: AtomicU32,
    state: AtomicU32,
    last_thread: AtomicU32,
    /// Where it was polled; 0: no more.
    threads: [AtomicU32; THREADS],
    has_more_threads: AtomicBool,
}

/// A task that is the outermost of its polls.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outermost {
    Listed(&'static Row),
    /// There was no row for it.
    Unlisted,
}

/// How a task ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Finished = FINISHED as isize,
    Dropped = DROPPED as isize,
    Panicked = PANICKED as isize,
}

impl Outermost {
    /// A task begins at `node`; `None`: it is polled by one that is listed, and belongs to that.
    ///
    /// Another task of tokio's than the one around it has a row of its own: that is how a runtime within a task looks.
    pub(crate) fn begin(local: &Local, node: u32) -> Option<Outermost> {
        let id = tokio_id();
        let is_part = match local.task() {
            None => false,
            Some(Outermost::Unlisted) => true,
            Some(Outermost::Listed(outer)) => outer.id.load(Ordering::Relaxed) == id,
        };
        (!is_part).then(|| Row::claim(node, id).map_or(Outermost::Unlisted, Outermost::Listed))
    }

    /// A poll begins on this thread.
    #[inline(always)]
    pub(crate) fn note_poll(self, local: &Local) {
        let Outermost::Listed(row) = self else { return };
        row.polls.store(row.polls.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        row.last_ms.store(clock::now_ms(), Ordering::Relaxed);
        if row.last_thread.load(Ordering::Relaxed) != local.thread() {
            row.note_thread(local.thread());
        }
    }

    /// The task is over; its row is another's from here on.
    pub(crate) fn end(self, how: End) {
        let Outermost::Listed(row) = self else { return };
        row.last_ms.store(clock::now_ms(), Ordering::Relaxed);
        row.state.store(how as u32, Ordering::Release);
    }
}

impl Row {
    fn claim(node: u32, id: u64) -> Option<&'static Row> {
        let number = BEGUN.fetch_add(1, Ordering::Relaxed) + 1;
        let row = (number..number + TRIES)
            .filter_map(|place| ROWS.get_or_map((place % LEN) as u32))
            .find(|row| row.try_claim())?;
        row.number.store(0, Ordering::Relaxed);
        fence(Ordering::Release);
        row.id.store(id, Ordering::Relaxed);
        row.polls.store(0, Ordering::Relaxed);
        row.first_ms.store(clock::now_ms(), Ordering::Relaxed);
        row.last_ms.store(clock::now_ms(), Ordering::Relaxed);
        row.node.store(node, Ordering::Relaxed);
        row.last_thread.store(0, Ordering::Relaxed);
        let noted = row.threads.iter().take_while(|thread| thread.load(Ordering::Relaxed) != 0);
        noted.for_each(|thread| thread.store(0, Ordering::Relaxed));
        row.has_more_threads.store(false, Ordering::Relaxed);
        row.state.store(RUNNING, Ordering::Relaxed);
        row.number.store(number, Ordering::Release);
        Some(row)
    }

    fn try_claim(&self) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        let is_free = !matches!(state, RUNNING | CLAIMED);
        is_free && self.state.compare_exchange(state, CLAIMED, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn note_thread(&self, thread: u32) {
        self.last_thread.store(thread, Ordering::Relaxed);
        for place in &self.threads {
            match place.load(Ordering::Relaxed) {
                0 => return place.store(thread, Ordering::Relaxed),
                noted if noted == thread => return,
                _ => {}
            }
        }
        self.has_more_threads.store(true, Ordering::Relaxed);
    }

    /// What it says; `None`: nothing, or it is being written.
    fn read(&self) -> Option<Reading> {
        let number = self.number.load(Ordering::Acquire);
        let state = match self.state.load(Ordering::Relaxed) {
            RUNNING => TaskState::Running,
            FINISHED => TaskState::Finished,
            DROPPED => TaskState::Dropped,
            PANICKED => TaskState::Panicked,
            _ => return None,
        };
        let threads = self.threads.iter().map(|thread| thread.load(Ordering::Relaxed));
        let id = self.id.load(Ordering::Relaxed);
        let reading = Reading {
            number,
            id: (id != 0).then_some(id),
            node: self.node.load(Ordering::Relaxed),
            state,
            polls: self.polls.load(Ordering::Relaxed),
            threads: threads.take_while(|&thread| thread != 0).collect(),
            has_more_threads: self.has_more_threads.load(Ordering::Relaxed),
            first_ms: self.first_ms.load(Ordering::Relaxed),
            last_ms: self.last_ms.load(Ordering::Relaxed),
        };
        fence(Ordering::Acquire);
        (number != 0 && self.number.load(Ordering::Relaxed) == number).then_some(reading)
    }
}

/// What a row said.
pub(crate) struct Reading {
    pub(crate) number: u64,
    pub(crate) id: Option<u64>,
    pub(crate) node: u32,
    pub(crate) state: TaskState,
    pub(crate) polls: u64,
    pub(crate) threads: Vec<u32>,
    pub(crate) has_more_threads: bool,
    pub(crate) first_ms: u64,
    pub(crate) last_ms: u64,
}

/// A task that runs, as the observer finds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) number: u64,
    pub(crate) node: u32,
    pub(crate) polls: u64,
}

/// The task that runs in this place, if one does.
pub(crate) fn running_at(place: u32) -> Option<Running> {
    let row = ROWS.get(place)?;
    let number = row.number.load(Ordering::Acquire);
    let is_running = row.state.load(Ordering::Relaxed) == RUNNING;
    let running =
        Running { number, node: row.node.load(Ordering::Relaxed), polls: row.polls.load(Ordering::Relaxed) };
    fence(Ordering::Acquire);
    let is_whole = number != 0 && row.number.load(Ordering::Relaxed) == number;
    (is_running && is_whole).then_some(running)
}

/// Tasks that began so far. The first [`LEN`] of them have the places after 0, in turns.
pub(crate) fn begun() -> u64 {
    BEGUN.load(Ordering::Relaxed)
}

/// All rows by number, and how many tasks have none.
pub(crate) fn read() -> (Vec<Reading>, u64) {
    let mut rows: Vec<Reading> =
        (0..LEN as u32).map_while(|place| ROWS.get(place)).filter_map(Row::read).collect();
    rows.sort_by_key(|row| row.number);
    // Read after the rows, so that each is among them.
    let folded = BEGUN.load(Ordering::Relaxed).saturating_sub(rows.len() as u64);
    (rows, folded)
}

#[cfg(not(feature = "tokio"))]
fn tokio_id() -> u64 {
    0
}

/// The number of the tokio task that is being polled on this thread; 0: none is.
#[cfg(feature = "tokio")]
fn tokio_id() -> u64 {
    use std::fmt::{self, Write as _};

    /// Tokio gives an `Id`'s number to nobody but its `Display`.
    struct Digits(u64);

    impl fmt::Write for Digits {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for digit in text.bytes().map(|byte| byte.wrapping_sub(b'0')) {
                self.0 = self.0.wrapping_mul(10).wrapping_add(u64::from(digit));
            }
            Ok(())
        }
    }

    let Some(id) = tokio::task::try_id() else { return 0 };
    let mut digits = Digits(0);
    // It writes no digit where it fails, and it does not fail.
    let _ = write!(digits, "{id}");
    digits.0
}
