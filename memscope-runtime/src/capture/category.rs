//! The kind of a scope's work: a pure function of what the scope's row says, by one rule for all scopes.
//!
//! Names have no part in it. The thresholds are in the rule's sentence, which is made of them.

use crate::activity::{MUCH_IO_BYTES_PER_CPU_US, MUCH_IO_CPU_US_PER_CALL, MUCH_IO_CPU_US_PER_TURN};
use crate::snapshot::{Activity, Category, CategoryKind, Evidence, Scope};

/// With fewer samples nothing is said. What is done for half of the time or less is found five times in five with a
/// probability of 1/32 at most.
const FEWEST_SAMPLES: u64 = 5;
/// A task waits if at most one part in so many of its life was spent on a thread.
const MOST_ON_THREAD: u64 = 3;
/// Being blocked in IO for less than one part in so many of the time is not much, however often it is.
const FEWEST_BLOCKED: u64 = 10;
/// From how much on allocating is much: one allocation, or resize, in so many microseconds of processor time. An allocation
/// and its free take 50 ns and more.
const MUCH_CPU_US_PER_ALLOCATION: u64 = 2;
/// The same for bytes, for a microsecond: to map and clear so many takes the kernel a fifth of that (4 KiB in 0.8 µs).
const MUCH_ALLOCATED_BYTES_PER_CPU_US: u64 = 1_000;

/// What kind of work the scope at `index` does. `has_allocator`: what it allocates is known.
pub(super) fn category(index: usize, scope: &Scope, has_allocator: bool) -> Option<Category> {
    let activity = scope.activity.as_ref()?;
    let evidence = Evidences { index, scope, activity };
    Some(
        of_tasks(activity, &evidence)
            .or_else(|| of_too_few(activity, &evidence))
            .or_else(|| of_waiting(activity, &evidence))
            .or_else(|| of_reading_and_writing(activity, &evidence))
            .or_else(|| has_allocator.then(|| of_allocating(scope, activity, &evidence)).flatten())
            .unwrap_or_else(|| of_running(activity, &evidence)),
    )
}

/// Async: tasks of the scope were alive for long, and on a thread for little of that.
fn of_tasks(activity: &Activity, evidence: &Evidences<'_>) -> Option<Category> {
    let waits = activity.task_samples >= FEWEST_SAMPLES
        && activity.inclusive_wall_us.saturating_mul(MOST_ON_THREAD) <= activity.task_us;
    waits.then(|| Category {
        kind: CategoryKind::AsyncIntensive,
        rule: format!(
            "its tasks were found alive at least {FEWEST_SAMPLES} times, and at most 1/{MOST_ON_THREAD} of their life was \
             spent in the scope or below it on a thread; the rest they waited to be polled"
        ),
        evidence: evidence.of(&["task_us", "task_samples", "polls", "inclusive_wall_us"]),
    })
}

fn of_too_few(activity: &Activity, evidence: &Evidences<'_>) -> Option<Category> {
    (activity.thread_samples < FEWEST_SAMPLES).then(|| Category {
        kind: CategoryKind::Unclassified,
        rule: format!("too few samples: threads were found in the scope fewer than {FEWEST_SAMPLES} times"),
        evidence: evidence.of(&["thread_samples"]),
    })
}

/// Blocked for most of the time: for IO, or for what is no kind of work. Time in which a thread was ready and waited for a
/// processor says nothing of what it does, so it is left out.
fn of_waiting(activity: &Activity, evidence: &Evidences<'_>) -> Option<Category> {
    let (Some(running), Some(io), Some(other)) =
        (activity.running_us, activity.io_wait_us, activity.other_wait_us)
    else {
        return Some(Category {
            kind: CategoryKind::Unclassified,
            rule: "the kernel does not say what threads do in the scope".to_owned(),
            evidence: evidence.of(&["thread_samples"]),
        });
    };
    let on_processor = activity.runqueue_us.map_or(running, |waited| {
        scaled(running, activity.cpu_us, activity.cpu_us.saturating_add(waited)).unwrap_or(running)
    });
    // What is not known of the time is a wait for a processor that is not counted yet, or being blocked so briefly that the
    // kernel does not say in what. The latter is so where a thread gets a processor often; it is shared among what was found.
    let turns = activity.turns.unwrap_or(0);
    let blinks = turns.saturating_mul(MUCH_IO_CPU_US_PER_TURN) > activity.cpu_us;
    let found = io.saturating_add(other);
    let unknown = activity.wall_us.saturating_sub(running).saturating_sub(found);
    let blocked = if blinks { found.saturating_add(unknown) } else { found };
    let io = scaled(blocked, io, found).unwrap_or(0);
    let other = blocked.saturating_sub(io);
    let time = on_processor.saturating_add(blocked);
    let half = time.div_ceil(2);
    let fields = [
        "wall_us",
        "running_us",
        "io_wait_us",
        "other_wait_us",
        "cpu_us",
        "runqueue_us",
        "turns",
        "thread_samples",
    ];
    if io >= half {
        return Some(Category {
            kind: CategoryKind::IoIntensive,
            rule: format!(
                "for at least half of the time threads in the scope {BLOCKED_IN_IO}; {WITHOUT_QUEUE}"
            ),
            evidence: evidence.of(&fields),
        });
    }
    if blinks && io >= other && io.saturating_mul(FEWEST_BLOCKED) >= time {
        return Some(Category {
            kind: CategoryKind::IoIntensive,
            rule: format!(
                "for at least 1/{FEWEST_BLOCKED} of the time, and longer than for other reasons, threads in the scope \
                 {BLOCKED_IN_IO}, and they got a processor more than once for each {MUCH_IO_CPU_US_PER_TURN} \
                 microseconds that they used it; {WITHOUT_QUEUE}"
            ),
            evidence: evidence.of(&fields),
        });
    }
    (on_processor < half).then(|| Category {
        kind: CategoryKind::Unclassified,
        rule: format!(
            "no kind stands out: threads in the scope ran for less than half of the time, and {BLOCKED_IN_IO} for less \
             than half of it; else they waited for locks, timers, other threads or events; {WITHOUT_QUEUE}"
        ),
        evidence: evidence.of(&fields),
    })
}

const BLOCKED_IN_IO: &str = "were blocked in system calls that read or write";
const WITHOUT_QUEUE: &str = "time that they waited for a processor is left out (runqueue_us / (cpu_us + runqueue_us) of \
                             running_us), and so is what is not known of wall_us, unless they got a processor more than \
                             once for each 50 microseconds that they used it: then it is shared as io_wait_us and \
                             other_wait_us are";
const _: () = assert!(MUCH_IO_CPU_US_PER_TURN == 50);

/// IO that does not block: files in the cache, pipes with room.
fn of_reading_and_writing(activity: &Activity, evidence: &Evidences<'_>) -> Option<Category> {
    if activity.attributed_us.saturating_mul(2) < activity.wall_us {
        return Some(Category {
            kind: CategoryKind::Unclassified,
            rule: "threads ran in the scope, and in most of that time they changed between scopes while they read or \
                   wrote much; the kernel does not say in which"
                .to_owned(),
            evidence: evidence.of(&["attributed_us", "wall_us", "thread_samples"]),
        });
    }
    // Where the kernel does not say, the rule goes on without.
    let bytes = activity.read_bytes?.saturating_add(activity.written_bytes?);
    let calls = activity.io_calls?;
    let is_much = bytes > activity.cpu_us.saturating_mul(MUCH_IO_BYTES_PER_CPU_US)
        || calls.saturating_mul(MUCH_IO_CPU_US_PER_CALL) > activity.cpu_us;
    is_much.then(|| Category {
        kind: CategoryKind::IoIntensive,
        rule: format!(
            "the scope read and wrote more than {MUCH_IO_BYTES_PER_CPU_US} bytes for each microsecond of processor time, \
             or made more than one call that does so in {MUCH_IO_CPU_US_PER_CALL} of them"
        ),
        evidence: evidence.of(&["read_bytes", "written_bytes", "io_calls", "cpu_us"]),
    })
}

fn of_allocating(scope: &Scope, activity: &Activity, evidence: &Evidences<'_>) -> Option<Category> {
    let cpu_us = scope_cpu_us(activity);
    let events = scope.exclusive.allocations.saturating_add(scope.exclusive.reallocations);
    let is_much = events.saturating_mul(MUCH_CPU_US_PER_ALLOCATION) > cpu_us
        || scope.exclusive.allocated_bytes > cpu_us.saturating_mul(MUCH_ALLOCATED_BYTES_PER_CPU_US);
    is_much.then(|| Category {
        kind: CategoryKind::MemoryIntensive,
        rule: format!(
            "threads ran for at least half of the time, and for the processor time that they used (cpu_us, scaled from \
             attributed_us to wall_us) the scope made more than one allocation or resize in {MUCH_CPU_US_PER_ALLOCATION} \
             microseconds, or allocated more than {MUCH_ALLOCATED_BYTES_PER_CPU_US} bytes in one"
        ),
        evidence: evidence.of(&[
            "allocations",
            "reallocations",
            "allocated_bytes",
            "cpu_us",
            "attributed_us",
            "wall_us",
        ]),
    })
}

fn of_running(_: &Activity, evidence: &Evidences<'_>) -> Category {
    Category {
        kind: CategoryKind::CpuIntensive,
        rule: format!(
            "threads in the scope ran for at least half of the time that they did not wait for a processor, and neither read \
             and wrote much (more than {MUCH_IO_BYTES_PER_CPU_US} bytes in a microsecond of processor time, or a call in \
             {MUCH_IO_CPU_US_PER_CALL}) nor allocated much (more than an allocation in {MUCH_CPU_US_PER_ALLOCATION}, or \
             {MUCH_ALLOCATED_BYTES_PER_CPU_US} bytes in one), as far as that was measured"
        ),
        evidence: evidence.of(&[
            "running_us",
            "io_wait_us",
            "other_wait_us",
            "cpu_us",
            "read_bytes",
            "written_bytes",
            "io_calls",
            "allocations",
            "allocated_bytes",
            "thread_samples",
        ]),
    }
}

/// Processor time that the scope used in all: the attributed time's share of it, for the whole time.
fn scope_cpu_us(activity: &Activity) -> u64 {
    scaled(activity.wall_us, activity.cpu_us, activity.attributed_us).unwrap_or(0)
}

/// So much of `whole` as `part` is of `all`; `None`: of nothing there is no part.
fn scaled(whole: u64, part: u64, all: u64) -> Option<u64> {
    let product = u128::from(whole) * u128::from(part);
    u64::try_from(product.checked_div(u128::from(all))?).ok()
}

/// A scope's figures, as evidence.
struct Evidences<'a> {
    index: usize,
    scope: &'a Scope,
    activity: &'a Activity,
}

impl Evidences<'_> {
    /// Of those that were measured.
    fn of(&self, fields: &[&str]) -> Vec<Evidence> {
        fields.iter().filter_map(|field| self.one(field)).collect()
    }

    fn one(&self, field: &str) -> Option<Evidence> {
        let Activity {
            thread_samples,
            wall_us,
            inclusive_wall_us,
            running_us,
            io_wait_us,
            other_wait_us,
            attributed_us,
            cpu_us,
            runqueue_us,
            turns,
            read_bytes,
            written_bytes,
            io_calls,
            task_us,
            task_samples,
            polls,
        } = *self.activity;
        let memory = &self.scope.exclusive;
        let (what, value, unit, part) = match field {
            "thread_samples" => {
                ("samples of threads in the scope", Some(thread_samples), "count", "activity")
            }
            "wall_us" => ("time of threads in the scope", Some(wall_us), "us", "activity"),
            "inclusive_wall_us" => {
                ("time of threads in the scope and below it", Some(inclusive_wall_us), "us", "activity")
            }
            "running_us" => ("of that, running or waiting for a processor", running_us, "us", "activity"),
            "io_wait_us" => ("of that, blocked in a read or write", io_wait_us, "us", "activity"),
            "other_wait_us" => ("of that, blocked for another reason", other_wait_us, "us", "activity"),
            "attributed_us" => {
                ("time whose processor time and IO are the scope's", Some(attributed_us), "us", "activity")
            }
            "cpu_us" => ("processor time in that", Some(cpu_us), "us", "activity"),
            "runqueue_us" => ("ready in that, and waiting for a processor", runqueue_us, "us", "activity"),
            "turns" => ("times in that that a processor was got", turns, "count", "activity"),
            "read_bytes" => ("bytes read in that", read_bytes, "bytes", "activity"),
            "written_bytes" => ("bytes written in that", written_bytes, "bytes", "activity"),
            "io_calls" => ("calls that read or write in that", io_calls, "count", "activity"),
            "task_us" => ("life of the scope's tasks", Some(task_us), "us", "activity"),
            "task_samples" => ("samples of tasks alive", Some(task_samples), "count", "activity"),
            "polls" => ("polls of these tasks", Some(polls), "count", "activity"),
            "allocations" => ("allocations of the scope", Some(memory.allocations), "count", "exclusive"),
            "reallocations" => ("resizes by the scope", Some(memory.reallocations), "count", "exclusive"),
            "allocated_bytes" => {
                ("bytes allocated by the scope", Some(memory.allocated_bytes), "bytes", "exclusive")
            }
            _ => return None,
        };
        Some(Evidence {
            what: what.to_owned(),
            value: value?,
            unit: unit.to_owned(),
            pointer: format!("/scopes/{}/{part}/{field}", self.index),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::ScopeMemory;

    /// A second of one thread, of which it ran all the time and got a processor for 900 ms.
    const BUSY: Activity = Activity {
        thread_samples: 100,
        wall_us: 1_000_000,
        inclusive_wall_us: 1_000_000,
        running_us: Some(1_000_000),
        io_wait_us: Some(0),
        other_wait_us: Some(0),
        attributed_us: 1_000_000,
        cpu_us: 900_000,
        runqueue_us: Some(100_000),
        turns: Some(300),
        read_bytes: Some(0),
        written_bytes: Some(0),
        io_calls: Some(0),
        task_us: 0,
        task_samples: 0,
        polls: 0,
    };

    fn scope(activity: Option<Activity>, allocations: u64, allocated_bytes: u64) -> Scope {
        Scope {
            path: vec!["io_async_alloc".to_owned()],
            key: vec!["program::io_async_alloc".to_owned()],
            file: None,
            line: None,
            calls: 1,
            recursive_calls: 0,
            exclusive: ScopeMemory { allocations, allocated_bytes, ..ScopeMemory::default() },
            inclusive: ScopeMemory::default(),
            trend: Vec::new(),
            activity,
            category: None,
        }
    }

    fn kind(activity: Activity) -> CategoryKind {
        category(3, &scope(Some(activity), 0, 0), true).expect("it was measured").kind
    }

    #[test]
    fn each_kind_begins_at_its_threshold() {
        use CategoryKind::{AsyncIntensive, CpuIntensive, IoIntensive, MemoryIntensive, Unclassified};
        assert_eq!(category(3, &scope(None, 0, 0), true), None);
        assert_eq!(kind(BUSY), CpuIntensive);
        assert_eq!(kind(Activity { thread_samples: 5, ..BUSY }), CpuIntensive);
        assert_eq!(kind(Activity { thread_samples: 4, ..BUSY }), Unclassified);
        assert_eq!(kind(Activity::default()), Unclassified);

        // 900 ms of processor time: 450,000,000 bytes are much, 90,000 calls are.
        assert_eq!(kind(Activity { read_bytes: Some(450_000_000), ..BUSY }), CpuIntensive);
        assert_eq!(
            kind(Activity { read_bytes: Some(450_000_000), written_bytes: Some(1), ..BUSY }),
            IoIntensive
        );
        assert_eq!(kind(Activity { io_calls: Some(90_000), ..BUSY }), CpuIntensive);
        assert_eq!(kind(Activity { io_calls: Some(90_001), ..BUSY }), IoIntensive);
        // What the kernel does not say of reads and writes is left out, what it does not say of all else is not.
        assert_eq!(kind(Activity { read_bytes: None, io_calls: Some(90_001), ..BUSY }), CpuIntensive);
        assert_eq!(kind(Activity { running_us: None, ..BUSY }), Unclassified);
        assert_eq!(kind(Activity { attributed_us: 499_999, ..BUSY }), Unclassified);

        // Blocked for 600 of 1,200 ms, and for 598 of 1,198.
        let waits = |running, io, other| Activity {
            wall_us: running + io + other,
            attributed_us: running + io + other,
            running_us: Some(running),
            io_wait_us: Some(io),
            other_wait_us: Some(other),
            runqueue_us: Some(0),
            ..BUSY
        };
        assert_eq!(kind(waits(600_000, 600_000, 0)), IoIntensive);
        assert_eq!(kind(waits(600_000, 598_000, 0)), CpuIntensive);
        assert_eq!(kind(waits(300_000, 300_000, 302_000)), Unclassified);
        assert_eq!(kind(waits(0, 0, 1_000_000)), Unclassified);
        // A thread that was kept from running three quarters of the time is what it is otherwise.
        let starved =
            Activity { cpu_us: 300_000, runqueue_us: Some(900_000), ..waits(1_200_000, 400_000, 0) };
        assert_eq!(kind(starved), IoIntensive); // 300 on a processor, 400 blocked
        // Of 1,000 ms it ran for 400, and got a processor every 40 µs; it was found in IO for 20, or in others for 30 too.
        let blinks = |other, turns| Activity {
            wall_us: 1_000_000,
            attributed_us: 1_000_000,
            cpu_us: 400_000,
            turns: Some(turns),
            ..waits(400_000, 20_000, other)
        };
        assert_eq!(kind(blinks(0, 10_000)), IoIntensive);
        assert_eq!(kind(blinks(30_000, 10_000)), Unclassified);
        // Every 4 ms, and what is not known is a wait for a processor.
        assert_eq!(kind(blinks(30_000, 100)), CpuIntensive);
        // Blocked for a tenth of the time, and more than once in 50 of 900,000 microseconds.
        let often = |io, other, turns| Activity { turns: Some(turns), ..waits(900_000, io, other) };
        assert_eq!(kind(often(100_000, 0, 18_001)), IoIntensive);
        assert_eq!(kind(often(100_000, 0, 18_000)), CpuIntensive);
        assert_eq!(kind(often(99_000, 0, 18_001)), CpuIntensive);
        assert_eq!(kind(often(100_000, 100_001, 18_001)), CpuIntensive);

        let tasks = |on_thread, alive, task_samples| Activity {
            inclusive_wall_us: on_thread,
            task_us: alive,
            task_samples,
            ..BUSY
        };
        assert_eq!(kind(tasks(1_000_000, 3_000_000, 5)), AsyncIntensive);
        assert_eq!(kind(tasks(1_000_001, 3_000_000, 5)), CpuIntensive);
        assert_eq!(kind(tasks(0, 3_000_000, 4)), CpuIntensive);

        let memory = |allocations, bytes, has_allocator| {
            category(3, &scope(Some(BUSY), allocations, bytes), has_allocator).expect("it was measured").kind
        };
        assert_eq!(memory(450_000, 0, true), CpuIntensive); // one in two microseconds
        assert_eq!(memory(450_001, 0, true), MemoryIntensive);
        assert_eq!(memory(0, 900_000_000, true), CpuIntensive); // 1,000 bytes in one
        assert_eq!(memory(0, 900_000_001, true), MemoryIntensive);
        assert_eq!(memory(450_001, 900_000_001, false), CpuIntensive);
    }

    #[test]
    fn evidence_points_at_its_figures_and_the_largest_figures_overflow_nothing() {
        let category = category(3, &scope(Some(BUSY), 5, 6), true).expect("it was measured");
        let pointers: Vec<_> =
            category.evidence.iter().map(|evidence| (evidence.pointer.as_str(), evidence.value)).collect();
        assert!(pointers.contains(&("/scopes/3/activity/cpu_us", 900_000)), "{pointers:?}");
        assert!(pointers.contains(&("/scopes/3/exclusive/allocated_bytes", 6)), "{pointers:?}");
        let most = Some(u64::MAX);
        let largest = Activity {
            thread_samples: u64::MAX,
            wall_us: u64::MAX,
            inclusive_wall_us: u64::MAX,
            running_us: most,
            io_wait_us: most,
            other_wait_us: most,
            attributed_us: u64::MAX,
            cpu_us: u64::MAX,
            runqueue_us: most,
            turns: most,
            read_bytes: most,
            written_bytes: most,
            io_calls: most,
            task_us: u64::MAX,
            task_samples: u64::MAX,
            polls: u64::MAX,
        };
        for activity in [largest, Activity { task_samples: 0, io_wait_us: Some(0), ..largest }] {
            super::category(0, &scope(Some(activity), u64::MAX, u64::MAX), true).expect("it was measured");
        }
    }
}
