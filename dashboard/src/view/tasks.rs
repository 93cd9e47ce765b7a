//! Tasks: tracked async functions as an executor polled them.

use super::label;
use super::ranking::ranked;
use crate::figure::Figure;
use memscope_runtime::snapshot::{Snapshot, TaskState};
use serde::Serialize;

/// Tasks shown at most: those with the most polls.
pub const MOST_TASKS: usize = 100;
/// Threads of a task shown at most.
const MOST_THREADS: usize = 8;

/// The panel of tasks.
#[derive(Clone, Debug, Serialize)]
pub struct Tasks {
    /// How many tasks there were.
    pub total: Figure,
    /// The tasks, by number.
    pub rows: Vec<TaskRow>,
    /// How many are not shown; `None`: all are.
    pub folded: Option<Figure>,
}

/// One task.
#[derive(Clone, Debug, Serialize)]
pub struct TaskRow {
    /// memscope's number for it.
    pub number: Figure,
    /// Its id in tokio; `None`: it is not under tokio, or the id was not asked for.
    pub id: Option<Figure>,
    /// Its scope's path.
    pub scope: String,
    /// Where it is in its life.
    pub state: &'static str,
    /// How often it was polled.
    pub polls: Figure,
    /// The threads that polled it first.
    pub threads: Vec<Figure>,
    /// Listed threads that are not shown.
    pub folded_threads: Option<Figure>,
    /// Whether there were more than are listed.
    pub has_more_threads: bool,
    /// First poll.
    pub first: Figure,
    /// Latest poll, or the end.
    pub last: Figure,
}

/// The panel for `snapshot`; `None`: no task was polled.
pub fn tasks(snapshot: &Snapshot) -> Option<Tasks> {
    let rows = &snapshot.tasks;
    let elsewhere = snapshot.profiler.folded_tasks;
    let (mut shown, rest) = ranked(rows, MOST_TASKS, |row| row.polls);
    shown.sort_unstable();
    let row = |index: usize| {
        let row = &rows[index];
        let at = |field: &str| format!("/tasks/{index}/{field}");
        let thread =
            |(place, &id): (usize, &u32)| Figure::name(at(&format!("threads/{place}")), u64::from(id));
        TaskRow {
            number: Figure::name(at("number"), row.number),
            id: row.id.map(|id| Figure::name(at("id"), id)),
            scope: label::scope(&row.scope),
            state: match row.state {
                TaskState::Running => "running",
                TaskState::Finished => "finished",
                TaskState::Dropped => "dropped unfinished",
                TaskState::Panicked => "panicked",
            },
            polls: Figure::count(at("polls"), row.polls),
            threads: row.threads.iter().enumerate().take(MOST_THREADS).map(thread).collect(),
            folded_threads: (row.threads.len() > MOST_THREADS).then(|| {
                let from = format!("len({}) - {MOST_THREADS}", at("threads"));
                Figure::count(from, (row.threads.len() - MOST_THREADS) as u64)
            }),
            has_more_threads: row.has_more_threads,
            first: Figure::ms(at("first_ms"), row.first_ms),
            last: Figure::ms(at("last_ms"), row.last_ms),
        }
    };
    let folded = elsewhere.saturating_add(rest.len() as u64);
    (!rows.is_empty() || elsewhere > 0).then(|| Tasks {
        total: Figure::count(
            "len(/tasks) + /profiler/folded_tasks",
            elsewhere.saturating_add(rows.len() as u64),
        ),
        rows: shown.into_iter().map(row).collect(),
        folded: (folded > 0).then(|| {
            let from = match rest.len() {
                0 => "/profiler/folded_tasks".to_owned(),
                _ => format!("/profiler/folded_tasks + len(/tasks) - {MOST_TASKS}"),
            };
            Figure::count(from, folded)
        }),
    })
}
