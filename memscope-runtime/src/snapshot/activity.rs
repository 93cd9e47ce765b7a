//! What threads were seen to do in a scope, and what kind of work that makes it.

use super::Evidence;
use serde::{Deserialize, Serialize};

/// What threads were seen to do while a scope was the current one, by the observer's samples of them.
///
/// The observer looks at the program's threads in turns, each at most a hundred times a second. A *sample* is one look at
/// one thread; it stands for the time since the look before. Times that are sums over samples are estimates: their
/// standard error is about the time divided by the square root of the number of samples.
///
/// What the kernel counts of a thread (processor time, reads and writes) is known between two looks, not for each scope.
/// It is given to a scope where it is clear whose it is: the thread stayed in the scope from one look to the next; or it
/// was found in the scope and was running, and read and wrote so little meanwhile (less than one byte and one call in a
/// hundred of what the rule of categories calls much) that this says nothing of any scope. All else is given to nobody;
/// `attributed_us` says how much time the figures are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Samples in which a thread was found in this scope.
    pub thread_samples: u64,
    /// Time that these samples stand for, in microseconds, summed over threads.
    pub wall_us: u64,
    /// The same for this scope and all scopes below it.
    pub inclusive_wall_us: u64,
    /// Of `wall_us`, time in which a thread was running or waited for a processor: by the kernel's counters where the thread
    /// stayed in the scope from one look to the next, else by what it was found doing. `None`: the kernel says neither. What
    /// this and the two below leave of `wall_us` is not known: waits for a processor that the kernel has not counted yet, and
    /// being blocked so briefly that it does not say in what.
    pub running_us: Option<u64>,
    /// Of `wall_us`, time in which a thread was blocked and was found in a system call that reads, writes, or waits for that;
    /// `None` as for `running_us`.
    pub io_wait_us: Option<u64>,
    /// Of `wall_us`, time in which a thread was blocked and was found so for another reason: a lock, a timer, another thread,
    /// an event queue; `None` as for `running_us`.
    pub other_wait_us: Option<u64>,
    /// The time that the six figures below are about, in microseconds.
    pub attributed_us: u64,
    /// Processor time within `attributed_us`, in microseconds.
    pub cpu_us: u64,
    /// Time within `attributed_us` in which a thread was ready to run and waited for a processor; `None`: the kernel does
    /// not say.
    pub runqueue_us: Option<u64>,
    /// Times within `attributed_us` that a thread got a processor, after being blocked or after another thread was let run;
    /// `None`: the kernel does not say.
    pub turns: Option<u64>,
    /// Bytes read within `attributed_us` by the `read` family of system calls, from files (cached or not), pipes and
    /// sockets; not those received by `recv`. `None`: the kernel does not say.
    pub read_bytes: Option<u64>,
    /// Bytes written by the `write` family, as for `read_bytes`; not those sent by `send`.
    pub written_bytes: Option<u64>,
    /// Calls of both families; `None` as for `read_bytes`.
    pub io_calls: Option<u64>,
    /// Time that tasks of this scope were alive between their first poll and their end, in microseconds, summed over the
    /// tasks that were looked at; 0: none was. Only the outermost task of a poll is looked at, not what it awaits.
    pub task_us: u64,
    /// Looks at a task of this scope that found it alive.
    pub task_samples: u64,
    /// Polls of these tasks between the looks.
    pub polls: u64,
}

/// What kind of work a scope does, by a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Category {
    /// What the rule says.
    pub kind: CategoryKind,
    /// The rule, with its thresholds, in a sentence.
    pub rule: String,
    /// The figures that it went by.
    pub evidence: Vec<Evidence>,
}

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CategoryKind {
    /// Most of its time is spent computing.
    CpuIntensive,
    /// Most of its time, or much of what it does, is reading and writing.
    IoIntensive,
    /// Much of its time goes into allocating.
    MemoryIntensive,
    /// It is polled, and mostly waits.
    AsyncIntensive,
    /// Too few samples, or no kind stands out.
    Unclassified,
}
