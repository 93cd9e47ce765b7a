//! Alerts while the program runs: live bytes or their growth past a threshold, and findings.
//!
//! ```no_run
//! use memscope_runtime::alerts;
//! use memscope_runtime::snapshot::Severity;
//! use std::time::Duration;
//!
//! let alerts = alerts::when()
//!     .live_bytes_above(512 << 20)
//!     .growth_above(10 << 20)
//!     .finding(Severity::Warning)
//!     .to_stderr()
//!     .to(|alert| assert!(!alert.message.is_empty()))
//!     .every(Duration::from_secs(10))
//!     .start();
//! // … the program …
//! drop(alerts);
//! ```
//!
//! They are looked at by an ordinary thread, `memscope-alerts`, for the observer is a thread that libc does not know and
//! may not run a program's code. It starts with [`When::start`] and only then: a second thread ends the shortcuts that glibc
//! takes in a program of one.
//!
//! - **Live bytes** are read ten times a second. What comes and goes between two looks is not seen.
//! - **Growth** is the mean of a second: what is live at its end less what was at its start.
//! - **Findings** are those of a snapshot, which is taken at most once a second and so seldom that it takes at most 1 % of
//!   the time. Each finding (its kind, scope and variable) is told of once; once more if it was gone meanwhile.
//!
//! A threshold is crossed when the figure is above it and was not before; it is crossed again only after the figure fell to
//! 90 % of it or lower, so that one that swings about it counts once. There is an alert of a crossing, and once more in each
//! interval ([`When::every`]) for as long as the figure stays above. No condition has more than one alert in an interval:
//! what was held back is counted, and the next one says it ([`Alert::held_back`]).
//!
//! What the thread does is memscope's own work, in no figure of the program's; what a callback allocates is the program's.
//! A callback that panics is called again with the next alert; its first panic is said on stderr. A fork's child has no
//! such thread. The thread does not keep the program from ending.

mod condition;
mod reading;
pub(crate) mod recent;
mod watcher;

use crate::snapshot::{Finding, Severity};
use condition::Condition;
pub use recent::recent;
use std::fmt;
use std::time::Duration;
use watcher::Watcher;

/// Intervals unless told otherwise: six lines a minute are read by a person and fill no log.
const EVERY: Duration = Duration::from_secs(10);

/// Something that the program asked to be told of.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Alert {
    /// `live_bytes`, `growth`, or the finding's kind.
    pub kind: String,
    /// The finding's; [`Severity::Warning`] for a threshold.
    pub severity: Severity,
    /// One line for a person: what, where, what to do.
    pub message: String,
    /// The figure: what is live, or grew in a second; of a finding the first figure that it rests on. `None`: the finding
    /// rests on no figure.
    pub value: Option<u64>,
    /// Standard error of `value`; `None`: it is exact, or its error not known.
    pub value_error: Option<u64>,
    /// What `value` is above; `None` for a finding.
    pub threshold: Option<u64>,
    /// Unit of `value` and `threshold`: `bytes`, `bytes per second`, or as the finding's evidence has it.
    pub unit: String,
    /// When it was seen, milliseconds since the program's start.
    pub ms: u64,
    /// Of a threshold: crossings since the condition's last alert that came too soon after it to have their own. Of a finding:
    /// others that wait for theirs.
    pub held_back: u64,
    /// The finding, with all its evidence; `None` for a threshold.
    pub finding: Option<Finding>,
}

impl fmt::Display for Alert {
    /// The line that stderr gets, without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memscope: alert: {}", self.message.replace('\n', " "))?;
        match (self.held_back, &self.finding) {
            (0, _) => Ok(()),
            (waiting, Some(_)) => write!(f, " ({waiting} more such findings wait for their turn.)"),
            (held_back, None) => write!(f, " ({held_back} crossings since the last alert were held back.)"),
        }
    }
}

type Callback = Box<dyn FnMut(&Alert) + Send>;

/// What is to be told to whom. Begun by [`when`].
#[must_use = "nothing is looked at before `start`"]
pub struct When {
    conditions: Vec<Condition>,
    to_stderr: bool,
    callbacks: Vec<Callback>,
    every: Duration,
}

impl fmt::Debug for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("When")
            .field("conditions", &self.conditions)
            .field("to_stderr", &self.to_stderr)
            .field("callbacks", &self.callbacks.len())
            .field("every", &self.every)
            .finish()
    }
}

/// Begins to say what alerts there are to be.
pub fn when() -> When {
    When { conditions: Vec::new(), to_stderr: false, callbacks: Vec::new(), every: EVERY }
}

impl When {
    /// More than `bytes` bytes of the program's are live.
    pub fn live_bytes_above(mut self, bytes: u64) -> When {
        self.conditions.push(Condition::live_bytes_above(bytes));
        self
    }

    /// Live bytes grow by more than `bytes_per_second`, by the mean of a second.
    pub fn growth_above(mut self, bytes_per_second: u64) -> When {
        self.conditions.push(Condition::growth_above(bytes_per_second));
        self
    }

    /// A finding of this severity or a worse one.
    pub fn finding(mut self, severity: Severity) -> When {
        self.conditions.push(Condition::finding(severity));
        self
    }

    /// A finding of this kind, such as [`BUDGET_EXCEEDED`](crate::findings::BUDGET_EXCEEDED), whatever its severity.
    pub fn finding_of_kind(mut self, kind: &str) -> When {
        self.conditions.push(Condition::finding_of_kind(kind));
        self
    }

    /// Alerts are written to stderr, a line each. This is so too where nobody else is named.
    pub fn to_stderr(mut self) -> When {
        self.to_stderr = true;
        self
    }

    /// `callback` is called with each alert, on the thread `memscope-alerts`. While it runs nothing is looked at.
    pub fn to(mut self, callback: impl FnMut(&Alert) + Send + 'static) -> When {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// The interval in which a condition has one alert at most; 10 seconds unless told otherwise.
    pub fn every(mut self, interval: Duration) -> When {
        self.every = interval;
        self
    }

    /// Starts to look, until the guard is dropped.
    ///
    /// Where nothing is recorded (no feature that records is on, or `MEMSCOPE_MODE=off`) no thread is started; stderr says so,
    /// once in a process. It says too when thresholds cannot be crossed because memscope's allocator is not installed,
    /// and when the system gives no thread.
    pub fn start(self) -> Alerts {
        Alerts { watcher: Watcher::start(self) }
    }
}

/// Alerts that are on, until this is dropped. Dropping waits for a look or a callback that is under way, unless the callback
/// itself drops it.
#[derive(Debug)]
#[must_use = "the alerts end when this guard is dropped"]
pub struct Alerts {
    /// Ends the thread when dropped; `None`: there is none.
    #[expect(dead_code, reason = "it is kept for its end")]
    watcher: Option<Watcher>,
}
