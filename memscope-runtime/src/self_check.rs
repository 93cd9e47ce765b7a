//! The self-check: runs some work, and says what the sampler made of it beside what really happened.
//!
//! Both sides see the same events, those of the threads that `event_log.rs` can reach. The exact side is the log, played
//! through block by block. The sampled side is the accounts of these threads and their errors, after the work less
//! before it, and less what was booked for blocks from outside of the check.
//!
//! The rules of both are the sampler's own: a reallocation's gain is charged to the scope that resizes, bytes are lost
//! from the end of a block, and each free is charged to whoever was charged for the bytes. memscope's own work is logged
//! like any other, because it may free or resize the program's blocks, and left out as a scope.
//!
//! Nothing is guessed: where a figure could be wrong for a reason that is not the sampling, there is an error and no
//! report.

use crate::books::{self, Reading};
use crate::event_log::{Log, Outside, Refused};
use crate::exact::{Books, Counts, Spread, Spreads};
use crate::fork;
use crate::mode::{self, Decided};
use crate::pages::Scratch;
use crate::sampler::{self, Kind};
use crate::scope::{self, Node};
use crate::site::Site;
use crate::thread_state::{self, OWN_NODE, ROOT_NODE};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::{self, Display, Formatter};
use std::hint::black_box;

/// What the sampler made of some work, beside what really happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SelfCheck {
    /// Mean distance between two hits, in bytes, as it was at the end.
    pub mean_bytes: u64,
    /// Events that were logged: allocations, frees, and reallocations.
    pub events: u64,
    /// All scopes together. Its path is empty.
    pub total: CheckedScope,
    /// Each scope in which something happened, by path.
    pub scopes: Vec<CheckedScope>,
}

/// The figures of one scope, without those below it; or of all.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CheckedScope {
    /// Names of the functions from the outermost to the scope's own; empty outside of all.
    pub path: Vec<String>,
    /// Samples that were drawn.
    pub samples: u64,
    /// Blocks that were allocated.
    pub allocations: Compared,
    /// Blocks that were freed.
    pub deallocations: Compared,
    /// Resizes of blocks.
    pub reallocations: Compared,
    /// Bytes that were allocated, or gained by a resize.
    pub allocated_bytes: Compared,
    /// Bytes that were freed, or lost by a resize.
    pub deallocated_bytes: Compared,
    /// Blocks that were alive at the end.
    pub live_allocations: Compared,
    /// Bytes that were alive at the end.
    pub live_bytes: Compared,
}

/// A figure, as it is and as it was estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Compared {
    /// As it is.
    pub exact: u64,
    /// As the sample has it.
    pub estimate: u64,
    /// The standard error that the sample gives its estimate: a snapshot shows it, rounded up.
    pub reported_error: f64,
    /// The standard error that the estimate has, by the size of every block, in the sample or not.
    pub standard_error: f64,
    /// The estimate's skewness: 1/√k where it rests on k samples of equal weight.
    pub skewness: f64,
}

impl Compared {
    /// Estimate less exact figure, in standard errors. Infinite: they differ, though they never should.
    pub fn distance(&self) -> f64 {
        let off = self.estimate as f64 - self.exact as f64;
        if off == 0.0 { 0.0 } else { off / self.standard_error }
    }

    /// Whether the estimate rests on as much as 10 samples of equal weight. With fewer its distance says little: where one
    /// sample is expected of a hundred runs, the run that has it is 10 standard errors off.
    pub fn rests_on_many(&self) -> bool {
        self.skewness <= MANY.sqrt().recip()
    }
}

/// A Poisson variable with this mean is more than 5 standard errors above it once in 60,000 times; one with a mean of 1
/// once in 12,000 times, and one of 1/100 once in a hundred.
const MANY: f64 = 10.0;

impl CheckedScope {
    /// All figures by name.
    pub fn figures(&self) -> [(&'static str, Compared); 7] {
        [
            ("allocations", self.allocations),
            ("deallocations", self.deallocations),
            ("reallocations", self.reallocations),
            ("allocated bytes", self.allocated_bytes),
            ("deallocated bytes", self.deallocated_bytes),
            ("live allocations", self.live_allocations),
            ("live bytes", self.live_bytes),
        ]
    }
}

impl SelfCheck {
    /// The largest distance from the truth, in standard errors and without its sign, of all figures that rest on many
    /// samples ([`Compared::rests_on_many`]), of the whole and of each scope; 0 where there is none.
    pub fn largest_distance(&self) -> f64 {
        let all = std::iter::once(&self.total).chain(&self.scopes);
        let figures = all.flat_map(CheckedScope::figures).map(|(_, figure)| figure);
        let distances = figures.filter(Compared::rests_on_many).map(|figure| figure.distance());
        distances.map(f64::abs).fold(0.0, f64::max)
    }
}

/// Why there is no report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelfCheckError {
    /// The program does not run in sampling mode under memscope's allocator. The work was not done.
    NotSampling,
    /// Another check runs. The work was not done.
    AlreadyRunning,
    /// The system gives no memory for the log. The work was not done.
    NoMemory,
    /// The work had more events than there is room for.
    LogFull {
        /// Entries that the log has room for.
        room: usize,
    },
    /// Blocks of the work were freed or resized by threads that ran before it, or were not given back through the global
    /// allocator, and their addresses came back.
    SharedBlocks {
        /// How often that was seen.
        seen: u64,
    },
    /// The system refused memory to the recorder, so that events or samples are missing.
    Incomplete,
    /// The program had so many threads that the recorder books several of them together.
    TooManyThreads,
    /// The work, or another thread, changed the mean distance between samples.
    MeanChanged,
    /// The work forked, and this is the child.
    Forked,
}

impl Display for SelfCheckError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            SelfCheckError::NotSampling => write!(
                f,
                "the program does not sample: memscope's allocator has to be the global one, in the mode `sampling`; \
                 the work was not done"
            ),
            SelfCheckError::AlreadyRunning => {
                write!(f, "another self-check runs; wait for its end. The work was not done")
            }
            SelfCheckError::NoMemory => {
                write!(f, "the system gives no memory for the event log; the work was not done")
            }
            SelfCheckError::LogFull { room } => {
                write!(f, "the event log is full: it has room for {room} entries; check less work at a time")
            }
            SelfCheckError::SharedBlocks { seen } => write!(
                f,
                "blocks of the work were freed by threads that ran before it ({seen} times it was seen); a self-check \
                 does not see these: start the threads inside of it"
            ),
            SelfCheckError::Incomplete => {
                write!(f, "the system refused memory to the recorder, so events or samples are missing")
            }
            SelfCheckError::TooManyThreads => {
                write!(f, "the program had more than 1,023 threads, of which several are booked together")
            }
            SelfCheckError::MeanChanged => {
                write!(
                    f,
                    "the mean distance between samples was changed; the errors of a check are those of one"
                )
            }
            SelfCheckError::Forked => {
                write!(f, "the work forked and this is the child, in which the check is over")
            }
        }
    }
}

impl std::error::Error for SelfCheckError {}

/// Runs `work` and compares what the sampler made of it with what really happened.
///
/// What is compared are the events of this thread and of every thread whose first allocation comes while the work runs.
/// Threads that ran before cannot be followed: to see them, every allocation of every program would have to be slower.
/// The work should hand none of its blocks to them; where that shows, the check fails. Blocks from before the check are
/// left out of both sides, but for the bytes that they gain.
///
/// Every event of these threads is written down meanwhile, some 32 bytes for each, so the work takes longer than
/// without, and memory of its own that is given back at the end. Threads that the work leaves behind go on unchecked;
/// at the very end of the check they wait for a moment.
///
/// Distances are in standard errors, which are computed from the size of every block, and not those that the sample
/// reports, which are estimates themselves: a sample that holds one block of a scope that was sure to be in it, and by
/// chance nothing else, reports none. Where a figure rests on many samples, one of twenty lies more than 2 standard errors
/// off, and none should lie beyond 5.
///
/// # Errors
/// Whatever would make a figure wrong for another reason than the sampling; see [`SelfCheckError`].
///
/// # Panics
/// If `work` does; then the check is over.
pub fn self_check(work: impl FnOnce()) -> Result<SelfCheck, SelfCheckError> {
    let running = Running::begin()?;
    work();
    running.end()
}

/// A check; ends when dropped.
struct Running {
    log: Log,
    before: Scratch<Reading>,
    lost_before: u64,
    mean_bytes: u64,
}

impl Running {
    fn begin() -> Result<Running, SelfCheckError> {
        // An event: after it the thread knows the mode, and is in no earlier check.
        drop(black_box(Box::new(0u8)));
        let samples = thread_state::with(|local| local.lottery.kind() == Kind::Sampling);
        if !samples || mode::decided() != Decided::Sampling {
            return Err(SelfCheckError::NotSampling);
        }
        {
            let _own = thread_state::own_work();
            fork::learn();
        }
        let log = Log::prepare().map_err(|refused| match refused {
            Refused::AnotherRuns => SelfCheckError::AlreadyRunning,
            Refused::NoMemory => SelfCheckError::NoMemory,
        })?;
        // From the reading to the opening this thread has no event, and any other that is checked begins after it.
        let mean_bytes = sampler::mean_bytes();
        let running = Running { log, before: books::read(), lost_before: sampler::lost(), mean_bytes };
        running.log.open();
        Ok(running)
    }

    fn end(self) -> Result<SelfCheck, SelfCheckError> {
        if !self.log.close() {
            return Err(SelfCheckError::Forked);
        }
        // This thread is not checked any more, and nobody waits for it but until the reading is over.
        let _own = thread_state::own_work();
        let after = books::read();
        let samples_are_missing = sampler::lost() != self.lost_before;
        self.log.let_go();
        if samples_are_missing || self.log.is_incomplete() {
            return Err(SelfCheckError::Incomplete);
        }
        if self.log.len() > self.log.room() {
            return Err(SelfCheckError::LogFull { room: self.log.room() });
        }
        if thread_state::rows_are_shared() {
            return Err(SelfCheckError::TooManyThreads);
        }
        if sampler::mean_bytes() != self.mean_bytes {
            return Err(SelfCheckError::MeanChanged);
        }
        let mut books = Books { mean_bytes: self.mean_bytes as f64, ..Books::default() };
        self.log.events().enumerate().for_each(|(index, logged)| books.play(index as u64, logged));
        if books.crossings > 0 {
            return Err(SelfCheckError::SharedBlocks { seen: books.crossings });
        }
        books.spread_what_lives();
        let estimates = estimates(self.before.as_slice(), after.as_slice(), &books.threads);
        Ok(report(&books, &estimates))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Over already, unless the work panicked.
        self.log.close();
        self.log.let_go();
    }
}

/// What the accounts of `threads` say more after the check than before it, by node.
fn estimates(before: &[Reading], after: &[Reading], threads: &HashSet<u32>) -> HashMap<u32, Counts> {
    let before: HashMap<u32, &Reading> = before.iter().map(|reading| (reading.account, reading)).collect();
    let mut by_node: HashMap<u32, Counts> = HashMap::new();
    for after in after.iter().filter(|after| threads.contains(&after.thread)) {
        let mut counts = Counts {
            allocations: after.allocations,
            deallocations: after.deallocations,
            reallocations: after.reallocations,
            allocated_bytes: after.allocated_bytes,
            deallocated_bytes: after.deallocated_bytes,
            variances: after.variances,
        };
        if let Some(before) = before.get(&after.account) {
            counts.allocations -= before.allocations;
            counts.deallocations -= before.deallocations;
            counts.reallocations -= before.reallocations;
            counts.allocated_bytes -= before.allocated_bytes;
            counts.deallocated_bytes -= before.deallocated_bytes;
            counts.variances -= before.variances;
        }
        if let Some(outside) = Outside::known(after.account) {
            let outside = outside.read();
            counts.deallocations -= outside.deallocations;
            counts.reallocations -= outside.reallocations;
            counts.deallocated_bytes -= outside.deallocated_bytes;
            counts.variances -= outside.variances;
        }
        by_node.entry(after.node).or_default().add(&counts);
    }
    by_node
}

fn report(books: &Books, estimates: &HashMap<u32, Counts>) -> SelfCheck {
    let nodes = scope::nodes();
    let all_nodes: BTreeSet<u32> = books.by_node.keys().chain(estimates.keys()).copied().collect();
    let (mut exact_sum, mut sum, mut spread_sum) = <(Counts, Counts, Spreads)>::default();
    let mut scopes = Vec::new();
    for node in all_nodes.into_iter().filter(|&node| node != OWN_NODE) {
        let (exact, spreads) = books.by_node.get(&node).copied().unwrap_or_default();
        let estimate = estimates.get(&node).copied().unwrap_or_default();
        exact_sum.add(&exact);
        sum.add(&estimate);
        spread_sum.add(&spreads);
        if exact != Counts::default() || estimate != Counts::default() {
            scopes.push(compared(path(&nodes, node), &exact, &estimate, &spreads));
        }
    }
    spread_sum.reallocations = books.all_reallocations;
    scopes.sort_by(|a, b| a.path.cmp(&b.path));
    SelfCheck {
        mean_bytes: sampler::mean_bytes(),
        events: books.events,
        total: compared(Vec::new(), &exact_sum, &sum, &spread_sum),
        scopes,
    }
}

fn path(nodes: &[Node], mut node: u32) -> Vec<String> {
    let mut path = Vec::new();
    while let Some(&Node { parent, site }) = nodes.get(node as usize).filter(|_| node != ROOT_NODE) {
        path.extend(Site::with_number(site).map(|site| site.name.to_owned()));
        node = parent;
    }
    path.reverse();
    path
}

fn compared(path: Vec<String>, exact: &Counts, estimate: &Counts, spreads: &Spreads) -> CheckedScope {
    let figure = |of: fn(&Counts) -> u64, reported: f64, spread: &Spread| Compared {
        exact: of(exact),
        estimate: of(estimate),
        reported_error: reported.max(0.0).sqrt(),
        standard_error: spread.standard_error(),
        skewness: spread.skewness(),
    };
    let reported = &estimate.variances;
    CheckedScope {
        path,
        samples: reported.samples,
        allocations: figure(|of| of.allocations, reported.allocations, &spreads.allocations),
        deallocations: figure(|of| of.deallocations, reported.deallocations, &spreads.deallocations),
        reallocations: figure(|of| of.reallocations, reported.reallocations, &spreads.reallocations),
        allocated_bytes: figure(|of| of.allocated_bytes, reported.allocated_bytes, &spreads.allocated_bytes),
        deallocated_bytes: figure(
            |of| of.deallocated_bytes,
            reported.deallocated_bytes,
            &spreads.deallocated_bytes,
        ),
        live_allocations: figure(
            |of| of.allocations - of.deallocations,
            reported.live_allocations,
            &spreads.live_allocations,
        ),
        live_bytes: figure(
            |of| of.allocated_bytes - of.deallocated_bytes,
            reported.live_bytes,
            &spreads.live_bytes,
        ),
    }
}

impl Display for SelfCheck {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} events, {} samples, {} bytes apart on average; the largest distance is {:.2} standard errors",
            grouped(self.events),
            grouped(self.total.samples),
            grouped(self.mean_bytes),
            self.largest_distance(),
        )?;
        write_scope(f, "all scopes", &self.total)?;
        for scope in &self.scopes {
            let path = scope.path.join(" → ");
            write_scope(f, if path.is_empty() { "outside of scopes" } else { &path }, scope)?;
        }
        Ok(())
    }
}

fn write_scope(f: &mut Formatter<'_>, name: &str, scope: &CheckedScope) -> fmt::Result {
    writeln!(f, "\n{name} ({} samples)", grouped(scope.samples))?;
    writeln!(
        f,
        "  {:<17} {:>15} {:>15} {:>13} {:>14}   {:>8}",
        "figure", "exact", "estimate", "± as reported", "standard error", "distance"
    )?;
    for (name, figure) in scope.figures() {
        writeln!(
            f,
            "  {name:<17} {:>15} {:>15} {:>13} {:>14}   {:>+8.2}{}",
            grouped(figure.exact),
            grouped(figure.estimate),
            match figure.reported_error {
                0.0 if figure.estimate == 0 && figure.exact > 0 => "no sample".to_owned(),
                error => format!("± {}", grouped(error.ceil() as u64)),
            },
            grouped(figure.standard_error.ceil() as u64),
            figure.distance(),
            if figure.rests_on_many() { "" } else { " (few samples)" },
        )?;
    }
    Ok(())
}

/// A number with a comma before each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
