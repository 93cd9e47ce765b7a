//! What threads were seen to do in each node: sums that the observer alone writes.
//!
//! ```text
//! look 1            look 2                look 3
//!   A ──────────────── A ──────────────────── B ── time →
//!   └ stayed: A gets   └ moved: B gets the time and what it was found doing,
//!     the time and all   and the kernel's figures only where they are negligible
//!     of the kernel's
//! ```
//!
//! [`Activity`](crate::snapshot::Activity) states the rule for a person. Everything is kept in nanoseconds, so that
//! nothing is lost by rounding each look. Orderings: relaxed; a reader may see a look in part.

use crate::account::add;
use crate::arena::Arena;
use crate::kernel_account::{Doing, Io, KernelAccount, Queue};
use crate::snapshot::Activity;
use crate::whereabouts::Position;
use std::sync::atomic::{AtomicU64, Ordering};

/// From how much on reading and writing is much, for a microsecond of processor time. Copying 500 bytes takes the kernel
/// a tenth of that at 5 GB/s, a common rate of cached files.
pub(crate) const MUCH_IO_BYTES_PER_CPU_US: u64 = 500;
/// The same for calls: one in so many microseconds of processor time. A call takes 0.3 µs and more.
pub(crate) const MUCH_IO_CPU_US_PER_CALL: u64 = 10;
/// The same for being blocked in a call that reads or writes: once in so many microseconds of processor time. Blocking and
/// being woken takes the kernel some 3 µs, the call aside.
pub(crate) const MUCH_IO_CPU_US_PER_TURN: u64 = 50;
/// What is so many times less than much is negligible.
const NEGLIGIBLE: u64 = 100;

// SAFETY: sums are all atomics, for which zero is valid. There is room for all nodes (2^18).
static SUMS: Arena<Sums, 256> = unsafe { Arena::new() };

/// Of one node. All-zero is a node that was never seen.
#[derive(Debug)]
pub(crate) struct Sums {
    samples: AtomicU64,
    wall_ns: AtomicU64,
    running_ns: AtomicU64,
    io_wait_ns: AtomicU64,
    other_wait_ns: AtomicU64,
    /// Time of which the kernel said nothing.
    silent_ns: AtomicU64,
    attributed_ns: AtomicU64,
    cpu_ns: AtomicU64,
    runqueue_ns: AtomicU64,
    turns: AtomicU64,
    /// Attributed time of which the kernel did not say how the processor was come by, or what was read and written.
    without_queue_ns: AtomicU64,
    without_io_ns: AtomicU64,
    read_bytes: AtomicU64,
    written_bytes: AtomicU64,
    io_calls: AtomicU64,
    task_ns: AtomicU64,
    task_samples: AtomicU64,
    polls: AtomicU64,
}

/// A look at a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) wall_ns: u64,
    pub(crate) position: Position,
    pub(crate) kernel: KernelAccount,
}

/// What a look at a thread adds to the node that it was found in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    wall_ns: u64,
    /// Of that, time in which it ran or waited for a processor. In the rest it did what it was found doing, if that was to be
    /// blocked; else it is not known what it was blocked in. It may be more than `wall_ns`: the kernel counts a wait for a
    /// processor when it is over. Sums of many looks are right.
    running_ns: u64,
    doing: Option<Doing>,
    /// The kernel's figures, where it is clear whose they are.
    attributed: Option<Attributed>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Attributed {
    cpu_ns: u64,
    queue: Option<Queue>,
    io: Option<Io>,
}

impl Share {
    /// Of the first look at a thread, which began at `begun_ns`.
    pub(crate) fn of_first(now: &Sighting, begun_ns: u64) -> Share {
        Share::of_found(now.wall_ns.saturating_sub(begun_ns), now.kernel.doing)
    }

    /// Of a time in which it did what it was found doing, for all that is known.
    fn of_found(wall_ns: u64, doing: Option<Doing>) -> Share {
        let running_ns = if doing == Some(Doing::Running) { wall_ns } else { 0 };
        Share { wall_ns, running_ns, doing, attributed: None }
    }

    /// Of a look after another one at the same thread.
    pub(crate) fn between(before: &Sighting, now: &Sighting) -> Share {
        let wall_ns = now.wall_ns.saturating_sub(before.wall_ns);
        let cpu_ns = now.kernel.cpu_ns.saturating_sub(before.kernel.cpu_ns);
        let gained = |before: u64, now: u64| now.saturating_sub(before);
        let queue = before.kernel.queue.zip(now.kernel.queue).map(|(before, now)| Queue {
            runqueue_ns: gained(before.runqueue_ns, now.runqueue_ns),
            turns: gained(before.turns, now.turns),
        });
        let io = before.kernel.io.zip(now.kernel.io).map(|(before, now)| Io {
            read_bytes: gained(before.read_bytes, now.read_bytes),
            written_bytes: gained(before.written_bytes, now.written_bytes),
            calls: gained(before.calls, now.calls),
        });
        let doing = now.kernel.doing;
        let found = Share::of_found(wall_ns, doing);
        if before.position == now.position {
            // The kernel's counters say how long it ran. That is better than what it was found doing: of a thread that is
            // blocked and woken all the time the kernel says that it is running (`wait_task_inactive` gives up).
            let running = queue.map(|queue| cpu_ns.saturating_add(queue.runqueue_ns));
            let attributed = Some(Attributed { cpu_ns, queue, io });
            return Share { running_ns: running.unwrap_or(found.running_ns), attributed, ..found };
        }
        let attributed = if doing == Some(Doing::Running) && io.is_some_and(|io| is_negligible(io, cpu_ns)) {
            queue.and_then(|queue| Attributed::of_running(wall_ns, cpu_ns, queue))
        } else {
            None
        };
        Share { attributed, ..found }
    }
}

impl Attributed {
    /// Of `wall_ns` in which a thread ran in a node: how much of that it waited for a processor, and how often it got one,
    /// is as in all of the thread's time between the looks.
    fn of_running(wall_ns: u64, cpu_ns: u64, queue: Queue) -> Option<Attributed> {
        let ready = u128::from(cpu_ns) + u128::from(queue.runqueue_ns);
        let share = |of: u64| (u128::from(wall_ns) * u128::from(of)).checked_div(ready);
        let cpu_ns = u64::try_from(share(cpu_ns)?).ok()?;
        let turns = u64::try_from(share(queue.turns)?).ok()?.min(queue.turns);
        let queue = Queue { runqueue_ns: wall_ns - cpu_ns, turns };
        Some(Attributed { cpu_ns, queue: Some(queue), io: Some(Io::default()) })
    }
}

/// Whether a thread that used so much processor time read and wrote so little that none of its scopes did much of it.
fn is_negligible(io: Io, cpu_ns: u64) -> bool {
    let bytes = io.read_bytes.saturating_add(io.written_bytes);
    let many = (cpu_ns / 1_000).saturating_mul(MUCH_IO_BYTES_PER_CPU_US) / NEGLIGIBLE;
    let often = cpu_ns / 1_000 / MUCH_IO_CPU_US_PER_CALL / NEGLIGIBLE;
    bytes <= many && io.calls <= often
}

/// The sums of a node, to add to; `None` where there is no memory for them. For the observer alone.
pub(crate) fn of(node: u32) -> Option<&'static Sums> {
    SUMS.get_or_map(node)
}

impl Sums {
    /// A thread was found in the node.
    pub(crate) fn add(&self, share: Share) {
        add(&self.samples, 1);
        add(&self.wall_ns, share.wall_ns);
        let has_queue = share.attributed.is_some_and(|attributed| attributed.queue.is_some());
        if share.doing.is_some() || has_queue {
            add(&self.running_ns, share.running_ns);
            let blocked_ns = share.wall_ns.wrapping_sub(share.running_ns);
            match share.doing {
                Some(Doing::Io) => add(&self.io_wait_ns, blocked_ns),
                Some(Doing::Waiting) => add(&self.other_wait_ns, blocked_ns),
                // What it was blocked in is not known: it is what the others leave of the whole.
                Some(Doing::Running) | None => {}
            }
        } else {
            add(&self.silent_ns, share.wall_ns);
        }
        let Some(Attributed { cpu_ns, queue, io }) = share.attributed else { return };
        add(&self.attributed_ns, share.wall_ns);
        add(&self.cpu_ns, cpu_ns);
        match queue {
            Some(Queue { runqueue_ns, turns }) => {
                add(&self.runqueue_ns, runqueue_ns);
                add(&self.turns, turns);
            }
            None => add(&self.without_queue_ns, share.wall_ns),
        }
        match io {
            Some(Io { read_bytes, written_bytes, calls }) => {
                add(&self.read_bytes, read_bytes);
                add(&self.written_bytes, written_bytes);
                add(&self.io_calls, calls);
            }
            None => add(&self.without_io_ns, share.wall_ns),
        }
    }

    /// A task of the node was found alive, `wall_ns` after the last look at its place, and polled so often meanwhile.
    pub(crate) fn add_task(&self, wall_ns: u64, polls: u64) {
        add(&self.task_samples, 1);
        add(&self.task_ns, wall_ns);
        add(&self.polls, polls);
    }

    fn read(&self) -> Activity {
        let count = |sum: &AtomicU64| sum.load(Ordering::Relaxed);
        let us = |sum| count(sum) / 1_000;
        // A difference that may be below 0.
        let rest_us = |sum| u64::try_from(count(sum) as i64).unwrap_or(0) / 1_000;
        // What the kernel did not say of anything is not measured; of a thread that ends meanwhile it says nothing.
        let is_known = |without, whole| count(whole) == 0 || count(without) < count(whole);
        let known = is_known(&self.silent_ns, &self.wall_ns);
        let has_queue = is_known(&self.without_queue_ns, &self.attributed_ns);
        let has_io = is_known(&self.without_io_ns, &self.attributed_ns);
        Activity {
            thread_samples: count(&self.samples),
            wall_us: us(&self.wall_ns),
            inclusive_wall_us: 0,
            running_us: known.then(|| us(&self.running_ns).min(us(&self.wall_ns))),
            io_wait_us: known.then(|| rest_us(&self.io_wait_ns)),
            other_wait_us: known.then(|| rest_us(&self.other_wait_ns)),
            attributed_us: us(&self.attributed_ns),
            cpu_us: us(&self.cpu_ns),
            runqueue_us: has_queue.then(|| us(&self.runqueue_ns)),
            turns: has_queue.then(|| count(&self.turns)),
            read_bytes: has_io.then(|| count(&self.read_bytes)),
            written_bytes: has_io.then(|| count(&self.written_bytes)),
            io_calls: has_io.then(|| count(&self.io_calls)),
            task_us: us(&self.task_ns),
            task_samples: count(&self.task_samples),
            polls: count(&self.polls),
        }
    }
}

/// What was seen in a node, without what lies below it.
pub(crate) fn in_node(node: u32) -> Activity {
    SUMS.get(node).map(Sums::read).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(wall_us: u64, node: u32, entries: u64, kernel: KernelAccount) -> Sighting {
        Sighting {
            wall_ns: wall_us * 1_000,
            position: Position { account: node + 10, node, entries },
            kernel,
        }
    }

    fn kernel(cpu_us: u64, runqueue_us: u64, written_bytes: u64, doing: Doing) -> KernelAccount {
        KernelAccount {
            cpu_ns: cpu_us * 1_000,
            queue: Some(Queue { runqueue_ns: runqueue_us * 1_000, turns: runqueue_us / 100 }),
            io: Some(Io { read_bytes: 7, written_bytes, calls: written_bytes / 1_000 }),
            doing: Some(doing),
        }
    }

    #[test]
    fn all_of_the_kernels_figures_are_a_nodes_that_the_thread_stayed_in() {
        let before = seen(1_000, 5, 3, kernel(400, 100, 1_000, Doing::Running));
        let now = seen(11_000, 5, 3, kernel(900, 600, 51_000, Doing::Io));
        let share = Share::between(&before, &now);
        let io = Io { read_bytes: 0, written_bytes: 50_000, calls: 50 };
        let queue = Queue { runqueue_ns: 500_000, turns: 5 };
        let attributed = Attributed { cpu_ns: 500_000, queue: Some(queue), io: Some(io) };
        let attributed = Some(attributed);
        // Of 10 ms it ran for 0.5 and waited for a processor for 0.5.
        let stayed = Share { wall_ns: 10_000_000, running_ns: 1_000_000, doing: Some(Doing::Io), attributed };
        assert_eq!(share, stayed);
        // It was elsewhere meanwhile, and so were the 50,000 bytes, perhaps.
        let left =
            Share::between(&before, &Sighting { position: Position { entries: 4, ..now.position }, ..now });
        assert_eq!(left, Share { running_ns: 0, attributed: None, ..share });
    }

    #[test]
    fn of_a_thread_that_moves_a_node_has_the_time_that_it_ran_in() {
        let before = seen(0, 5, 3, kernel(0, 0, 0, Doing::Running));
        // In 10 ms it ran for 3 ms and waited for a processor for 1 ms: of a node's time a quarter is waiting.
        let now = seen(10_000, 6, 4, kernel(3_000, 1_000, 0, Doing::Running));
        let queue = Queue { runqueue_ns: 2_500_000, turns: 10 }; // 10 turns, of 25 only those that there were
        let attributed = Attributed { cpu_ns: 7_500_000, queue: Some(queue), io: Some(Io::default()) };
        let (wall_ns, doing) = (10_000_000, Some(Doing::Running));
        let share = Share { wall_ns, running_ns: wall_ns, doing, attributed: Some(attributed) };
        assert_eq!(Share::between(&before, &now), share);
        // Found blocked, all that is known is that it was.
        let blocked = Sighting { kernel: kernel(3_000, 1_000, 0, Doing::Waiting), ..now };
        let share = Share { running_ns: 0, doing: Some(Doing::Waiting), attributed: None, ..share };
        assert_eq!(Share::between(&before, &blocked), share);
        // In 3 ms of processor time 1,500,000 bytes or 300 calls are much, and 15,000 or 3 negligible.
        for (written_bytes, is_negligible) in [(3_999, true), (4_000, false)] {
            let now = Sighting { kernel: kernel(3_000, 1_000, written_bytes, Doing::Running), ..now };
            assert_eq!(Share::between(&before, &now).attributed.is_some(), is_negligible, "{written_bytes}");
        }
        // A thread that did not run at all between two looks, but was found running, says nothing.
        let still = seen(10_000, 6, 4, kernel(0, 0, 0, Doing::Running));
        assert_eq!(Share::between(&before, &still).attributed, None);
    }

    #[test]
    fn counters_that_go_back_and_what_the_kernel_does_not_say_break_nothing() {
        let before = seen(9_000, 5, 3, kernel(900, 600, 51_000, Doing::Io));
        let now = seen(1_000, 5, 3, kernel(400, 100, 1_000, Doing::Running));
        let share = Share::between(&before, &now);
        assert_eq!(share.wall_ns, 0);
        assert_eq!(share.attributed.map(|attributed| attributed.cpu_ns), Some(0));
        // A wait for a processor that began long before is counted when it is over: in sum it is right.
        let busy = |at, cpu, waited| seen(at, 5, 3, kernel(cpu, waited, 0, Doing::Running));
        let (first, second, third) = (busy(0, 0, 0), busy(10_000, 500, 0), busy(20_000, 1_000, 19_000));
        // SAFETY: all atomics, for which zero is valid.
        let sums: Sums = unsafe { std::mem::zeroed() };
        sums.add(Share::between(&first, &second));
        sums.add(Share::between(&second, &third));
        let activity = sums.read();
        assert_eq!((activity.wall_us, activity.running_us), (20_000, Some(20_000)));
        let silent = Sighting { kernel: KernelAccount::of_clock(1_000_000), ..before };
        let share = Share::between(&silent, &silent);
        assert_eq!(share.attributed, Some(Attributed { cpu_ns: 0, queue: None, io: None }));

        // SAFETY: all atomics, for which zero is valid.
        let sums: Sums = unsafe { std::mem::zeroed() };
        assert_eq!(sums.read().running_us, Some(0));
        sums.add(Share { wall_ns: 5_000, ..share });
        let activity = sums.read();
        assert_eq!((activity.thread_samples, activity.wall_us, activity.attributed_us), (1, 5, 5));
        assert_eq!((activity.running_us, activity.runqueue_us, activity.read_bytes), (None, None, None));
        // One look of many at which it said nothing leaves the others.
        sums.add(Share::of_first(&seen(12, 5, 3, kernel(0, 0, 0, Doing::Running)), 2_000));
        assert_eq!(sums.read().running_us, Some(10));
        sums.add_task(3_000_000, 4);
        sums.add_task(2_000_000, 0);
        let activity = sums.read();
        assert_eq!((activity.task_us, activity.task_samples, activity.polls), (5_000, 2, 4));
    }
}
