//! How long a thread of the program takes for a step that takes microseconds, and for how much of that it only waited for a
//! processor.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

/// What goes on beside the program's threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Beside {
    Nothing,
    /// A third thread that computes, for as long as a snapshot takes.
    Computing,
    Snapshot,
}

pub(crate) const ALL: [Beside; 3] = [Beside::Nothing, Beside::Computing, Beside::Snapshot];

impl Beside {
    pub(crate) fn of(number: u8) -> Beside {
        ALL[usize::from(number)]
    }
}

/// Gaps by microseconds; the last place is for all that are longer.
const PLACES: usize = 200_000;

/// The gaps of one kind of time.
#[derive(Clone)]
pub(crate) struct Gaps {
    counts: Vec<u32>,
    longest: Duration,
    /// How much of that it was on a processor.
    running: Duration,
}

impl Gaps {
    fn new() -> Gaps {
        Gaps { counts: vec![0; PLACES], longest: Duration::ZERO, running: Duration::ZERO }
    }

    fn add(&mut self, gap: Duration, running: Duration) {
        let place = usize::try_from(gap.as_micros()).unwrap_or(usize::MAX).min(PLACES - 1);
        self.counts[place] += 1;
        if gap > self.longest {
            (self.longest, self.running) = (gap, running);
        }
    }

    fn merge(&mut self, other: &Gaps) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(mine, theirs)| *mine += theirs);
        if other.longest > self.longest {
            (self.longest, self.running) = (other.longest, other.running);
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().map(|&count| u64::from(count)).sum()
    }

    pub(crate) fn longest(&self) -> Duration {
        self.longest
    }

    /// How much of the longest the thread was on a processor, to the kernel's tick.
    pub(crate) fn running_of_longest(&self) -> Duration {
        self.running
    }

    pub(crate) fn count_over(&self, bound: Duration) -> u64 {
        self.counts[bound.as_micros() as usize..].iter().map(|&count| u64::from(count)).sum()
    }

    /// So many of a thousand gaps are not longer than this, to the microsecond.
    pub(crate) fn quantile(&self, of_a_thousand: u64) -> Duration {
        let wanted = (self.count() * of_a_thousand).div_ceil(1_000);
        let mut seen = 0;
        let place = self.counts.iter().position(|&count| {
            seen += u64::from(count);
            seen >= wanted
        });
        Duration::from_micros(place.unwrap_or(0) as u64 + 1)
    }
}

/// A thread's gaps in each kind of time.
#[derive(Clone)]
pub(crate) struct Pauses {
    /// From the end of a step to the end of the next.
    pub(crate) wall: [Gaps; 3],
    /// The same without the time in which the thread could run and had no processor.
    pub(crate) held: [Gaps; 3],
}

impl Pauses {
    pub(crate) fn new() -> Pauses {
        let gaps = || [Gaps::new(), Gaps::new(), Gaps::new()];
        Pauses { wall: gaps(), held: gaps() }
    }

    pub(crate) fn merge(&mut self, other: &Pauses) {
        for kind in 0..ALL.len() {
            self.wall[kind].merge(&other.wall[kind]);
            self.held[kind].merge(&other.held[kind]);
        }
    }
}

/// Times the steps of the thread that it is made on.
pub(crate) struct Stopwatch {
    schedstat: File,
    last: Instant,
    last_said: Said,
    last_beside: Beside,
    pub(crate) pauses: Pauses,
}

impl Stopwatch {
    /// # Errors
    /// The kernel does not tell how long a thread waits for a processor.
    pub(crate) fn start() -> std::io::Result<Stopwatch> {
        let schedstat = File::open("/proc/thread-self/schedstat")?;
        let last_said = Said::by(&schedstat)?;
        Ok(Stopwatch {
            schedstat,
            last: Instant::now(),
            last_said,
            last_beside: Beside::Nothing,
            pauses: Pauses::new(),
        })
    }

    /// The thread did something else since its last step: the next gap begins now.
    ///
    /// # Errors
    /// As [`Stopwatch::start`].
    pub(crate) fn rested(&mut self) -> std::io::Result<()> {
        (self.last, self.last_said) = (Instant::now(), Said::by(&self.schedstat)?);
        Ok(())
    }

    /// A step has ended; `beside` goes on now.
    ///
    /// # Errors
    /// As [`Stopwatch::start`].
    pub(crate) fn lap(&mut self, beside: Beside) -> std::io::Result<()> {
        let said = Said::by(&self.schedstat)?;
        let now = Instant::now();
        // A gap that began or ended in a snapshot is the snapshot's.
        let kind = beside.max(self.last_beside) as usize;
        let gap = now - self.last;
        let running = said.running.saturating_sub(self.last_said.running);
        let queued = said.queued.saturating_sub(self.last_said.queued);
        self.pauses.wall[kind].add(gap, running);
        self.pauses.held[kind].add(gap.saturating_sub(queued), running);
        (self.last, self.last_said, self.last_beside) = (now, said, beside);
        Ok(())
    }
}

/// What the kernel says of a thread so far: the first two numbers of its `schedstat`, in nanoseconds
/// (Documentation/scheduler/sched-stats.rst).
#[derive(Clone, Copy)]
struct Said {
    running: Duration,
    queued: Duration,
}

impl Said {
    fn by(schedstat: &File) -> std::io::Result<Said> {
        let mut place = [0; 64];
        let length = schedstat.read_at(&mut place, 0)?;
        let text = std::str::from_utf8(&place[..length]).unwrap_or_default();
        let mut numbers = text.split_ascii_whitespace().map_while(|number| number.parse().ok());
        match (numbers.next(), numbers.next()) {
            (Some(running), Some(queued)) => {
                Ok(Said { running: Duration::from_nanos(running), queued: Duration::from_nanos(queued) })
            }
            _ => Err(std::io::Error::other("schedstat does not have two numbers")),
        }
    }
}
