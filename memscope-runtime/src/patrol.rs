//! The observer's rounds: it looks at the program's threads and tasks in turns, as many as its purse allows.
//!
//! A round goes from the newest thread's row to the oldest, over as many ticks as it takes, and visits each thread once
//! a tick at most. A look is: where the thread is; its clock; if that has moved, what the kernel says of it; where it is
//! now. A thread that has moved meanwhile was running.
//!
//! What the observer keeps in mind of a thread is in the thread's row and of a task in a list of its own; both are the
//! observer's alone. A fork's child starts an observer that knows nothing of them.

use crate::activity::{self, Share, Sighting};
use crate::arena::Arena;
use crate::kernel_account::{Doing, Files, KernelAccount, Tasks};
use crate::purse::Purse;
use crate::task_list;
use crate::thread_state::ThreadState;
use crate::{clock, system_call};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Rows that are visited a tick, those of ended threads included: passing one takes some 100 ns, for it is in no cache.
const ROWS_A_TICK: u32 = 64;
/// After so many that cost little, what they cost is paid.
const ROWS_A_PAYMENT: u32 = 32;
/// Places of tasks that are visited a tick.
const TASKS_A_TICK: u32 = 64;
/// Threads whose files are kept open. The kernel keeps a page for each file: 12 KiB for a thread, whose stack takes more.
const THREADS_WITH_FILES: u32 = 256;

/// Observers that this process and those that it was forked from had: the number of the one that runs.
static OBSERVERS: AtomicU32 = AtomicU32::new(0);
/// Looks at threads.
static THREAD_SAMPLES: AtomicU64 = AtomicU64::new(0);

// SAFETY: all atomics, for which zero is valid.
static TASKS_SEEN: Arena<TaskSeen, 1> = unsafe { Arena::new() };

/// What the observer keeps in mind of the task in a place of the list. All-zero is nothing.
#[derive(Debug)]
struct TaskSeen {
    /// When it looked there last, by whichever task; 0: never.
    at_ns: AtomicU64,
    number: AtomicU64,
    polls: AtomicU64,
}

/// What the observer keeps in mind of the thread in a row. All-zero is nothing.
pub(crate) struct Seen {
    /// The observer that looked; what follows is there if it is the one that runs.
    by: AtomicU32,
    last: UnsafeCell<MaybeUninit<Last>>,
}

// SAFETY: only the observer that runs reaches it, which is one thread.
unsafe impl Sync for Seen {}

#[derive(Clone, Copy)]
struct Last {
    /// Which of the threads that the row stands for it is.
    tenant: u32,
    sighting: Sighting,
    files: Option<Files>,
}

impl Seen {
    /// Whether that observer keeps anything in mind.
    fn is_of(&self, observer: u32) -> bool {
        self.by.load(Ordering::Relaxed) == observer
    }

    /// # Safety
    /// The observer with this number calls, the one that runs.
    unsafe fn get(&self, observer: u32) -> Option<Last> {
        // SAFETY: nobody else reaches it, and this observer has written it.
        self.is_of(observer).then(|| unsafe { (*self.last.get()).assume_init() })
    }

    /// # Safety
    /// As for `get`.
    unsafe fn set(&self, observer: u32, last: Option<Last>) {
        let Some(last) = last else { return self.by.store(0, Ordering::Relaxed) };
        // SAFETY: nobody else reaches it.
        unsafe { (*self.last.get()).write(last) };
        self.by.store(observer, Ordering::Relaxed);
    }
}

/// The observer's rounds. It is made and used on the observer's thread.
pub(crate) struct Patrol {
    /// The number of this observer, from 1.
    observer: u32,
    /// When it began: of what was before, nothing was seen.
    begun_ns: u64,
    /// The row that is next; `None`: the newest.
    next: Option<&'static ThreadState>,
    next_task: u32,
    /// `None`: the kernel's accounts of threads are not to be had.
    tasks: Option<Tasks>,
    /// Threads whose files are open, and how many there may be.
    with_files: u32,
    most_with_files: u32,
}

impl Patrol {
    /// `may_open`: this thread has a table of files of its own.
    pub(crate) fn begin(may_open: bool) -> Patrol {
        Patrol {
            observer: OBSERVERS.fetch_add(1, Ordering::Relaxed) + 1,
            begun_ns: clock::monotonic_ns().map_or(0, |(now_ns, _)| now_ns),
            next: None,
            next_task: 0,
            tasks: may_open.then(Tasks::open).flatten(),
            with_files: 0,
            most_with_files: (system_call::most_files() / 4).min(THREADS_WITH_FILES),
        }
    }

    /// Looks at threads and tasks while the purse is free. `spent_ns`: what this thread has used up to now, and has paid.
    pub(crate) fn walk(&mut self, purse: &mut Purse, mut spent_ns: u64) {
        let mut pay = |purse: &mut Purse| {
            let spent = system_call::own_cpu_ns().unwrap_or(spent_ns);
            purse.pay(spent.saturating_sub(spent_ns));
            spent_ns = spent;
        };
        if !purse.is_free() {
            return;
        }
        self.visit_tasks();
        let first = self.next.or_else(ThreadState::newest);
        let mut state = first;
        let mut visited = 0;
        while let Some(here) = state.filter(|_| visited < ROWS_A_TICK && purse.is_free()) {
            visited += 1;
            if self.visit(here) || visited % ROWS_A_PAYMENT == 0 {
                pay(purse);
            }
            state = here.older().or_else(ThreadState::newest);
            if state.zip(first).is_some_and(|(state, first)| ptr::eq(state, first)) {
                break;
            }
        }
        self.next = state;
        pay(purse);
    }

    /// Looks at the thread in a row, if one is there. True if it read files.
    fn visit(&mut self, state: &'static ThreadState) -> bool {
        if !state.is_shown() && !state.seen.is_of(self.observer) {
            return false; // it has ended, and was forgotten
        }
        // SAFETY: this is the observer that runs.
        let last = unsafe { state.seen.get(self.observer) };
        let (thread, tenant) = (state.os_id(), state.threads());
        let known = last.filter(|last| last.tenant == tenant);
        if known.is_none() {
            self.forget(state, last);
        }
        let Some((position, cpu_ns)) = state.position().zip(system_call::cpu_ns(thread)) else {
            self.forget(state, known);
            return false;
        };
        let has_run = known.is_none_or(|last| last.sighting.kernel.cpu_ns != cpu_ns);
        let (kernel, files) = match known {
            Some(last) if !has_run => (last.sighting.kernel, last.files),
            Some(Last { files: Some(files), .. }) => (files.read(cpu_ns), Some(files)),
            _ => self.open_and_read(thread, cpu_ns),
        };
        let Some((wall_ns, recording_ns)) = clock::monotonic_ns() else { return has_run };
        let mut now = Sighting { wall_ns, position, kernel };
        if state.position() != Some(position) && kernel.doing.is_some() {
            now.kernel.doing = Some(Doing::Running);
        }
        let share = match known {
            Some(last) => Share::between(&last.sighting, &now),
            None => {
                let begun_ns = recording_ns.saturating_add(state.begun_ms().saturating_mul(1_000_000));
                Share::of_first(&now, begun_ns.max(self.begun_ns))
            }
        };
        if let Some(sums) = activity::of(position.node) {
            sums.add(share);
        }
        THREAD_SAMPLES.fetch_add(1, Ordering::Relaxed);
        // SAFETY: this is the observer that runs.
        unsafe { state.seen.set(self.observer, Some(Last { tenant, sighting: now, files })) };
        has_run
    }

    /// Reads what the kernel says of a thread whose files are not open, and keeps them open if not too many are.
    fn open_and_read(&mut self, thread: u32, cpu_ns: u64) -> (KernelAccount, Option<Files>) {
        let Some(tasks) = self.tasks else { return (KernelAccount::of_clock(cpu_ns), None) };
        let files = tasks.files_of(thread);
        let kernel = files.read(cpu_ns);
        if self.with_files < self.most_with_files {
            self.with_files += 1;
            return (kernel, Some(files));
        }
        files.close();
        (kernel, None)
    }

    /// Forgets a thread that has ended.
    fn forget(&mut self, state: &'static ThreadState, last: Option<Last>) {
        let Some(last) = last else { return };
        if let Some(files) = last.files {
            files.close();
            self.with_files -= 1;
        }
        // SAFETY: this is the observer that runs.
        unsafe { state.seen.set(self.observer, None) };
    }

    /// Looks at the next places of the list of tasks. A task stands for the time since the last look at its place.
    fn visit_tasks(&mut self) {
        let Some((now_ns, _)) = clock::monotonic_ns() else { return };
        // A task may have been put off to a few places further on, where it is found once these have been used too.
        let places = (task_list::begun() + 1).min(task_list::LEN) as u32;
        for _ in 0..TASKS_A_TICK.min(places) {
            let place = self.next_task % places;
            self.next_task = place + 1;
            let Some(seen) = TASKS_SEEN.get_or_map(place) else { return };
            let before_ns = seen.at_ns.swap(now_ns, Ordering::Relaxed);
            let Some(task) = task_list::running_at(place) else { continue };
            let polls = if seen.number.swap(task.number, Ordering::Relaxed) == task.number {
                task.polls.saturating_sub(seen.polls.load(Ordering::Relaxed))
            } else {
                task.polls
            };
            seen.polls.store(task.polls, Ordering::Relaxed);
            if let Some(sums) = activity::of(task.node).filter(|_| before_ns != 0) {
                sums.add_task(now_ns.saturating_sub(before_ns), polls);
            }
        }
    }
}

/// Looks at threads so far.
pub(crate) fn thread_samples() -> u64 {
    THREAD_SAMPLES.load(Ordering::Relaxed)
}
