//! The workloads. Each sets up what it needs, times its measured section and says how long that took.
//!
//! Invariant: the machine code of a workload is the same in every contender, so nothing here depends on the
//! contender. An attribute adds a clean-up path to the code around it, and even elsewhere in the same crate it
//! moves functions between the compiler's units and so changes what is inlined where; another feature of the
//! package alone does that too. So this is a package of its own, without features. The functions that carry
//! attributes are the contender's, and reached through `Tracked`; the allocator is the contender's as well, and
//! without link-time optimisation it is not inlined into a workload.

pub mod blocks;
pub mod channel;
pub mod memory;
pub mod parsers;
mod random;
pub mod server;
pub mod tracked;

pub use crate::tracked::{Task, Tracked};
use std::time::Duration;

/// Runs so many operations; returns how long the measured section took.
pub type Workload = fn(u64, &'static Tracked) -> Duration;

/// Every timed workload, by the name that the command line uses.
pub const WORKLOADS: [(&str, Workload); 9] = [
    ("pair", blocks::pair),
    ("churn_1k", blocks::churn_1k),
    ("churn_200k", blocks::churn_200k),
    ("channel", channel::channel),
    ("serde_json", parsers::json),
    ("syn", parsers::rust),
    ("server", server::server),
    ("calls", tracked::calls),
    ("polls", tracked::polls),
];

/// The workload of that name.
pub fn by_name(name: &str) -> Option<Workload> {
    WORKLOADS.iter().find(|(known, _)| *known == name).map(|&(_, workload)| workload)
}
