//! The sums over the process at this moment, without a snapshot: for who asks several times a second.
//!
//! Reading all accounts is all that it costs: no block, variable or finding is looked at.

use crate::snapshot::Totals;

/// The program's memory in a dozen figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Pulse {
    /// When, milliseconds since the program's start.
    pub elapsed_ms: u64,
    /// What a snapshot would say at this moment.
    pub totals: Totals,
}

/// The figures at this moment; `None`: nothing is recorded.
#[cfg(feature = "recorder")]
pub fn pulse() -> Option<Pulse> {
    let _own = crate::own_work();
    crate::mode::is_recording().then(|| {
        let (elapsed_ms, totals) = crate::capture::totals();
        Pulse { elapsed_ms, totals }
    })
}

/// Without a recorder there is nothing to read.
#[cfg(not(feature = "recorder"))]
pub fn pulse() -> Option<Pulse> {
    None
}
