//! What keeps two recordings from being compared fairly.

use memscope_runtime::snapshot::{Mode, Program, Snapshot};
use serde::Serialize;

/// Recordings whose lengths differ by more than this share of the shorter one are of other length: within it, what a program
/// does in its time is about the same.
pub const LENGTH_TOLERANCE_PERCENT: u64 = 10;

/// What one must know before one compares, the baseline's first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Caveat {
    /// The figures came about in another way.
    Mode {
        /// Of the baseline.
        base: Mode,
        /// Of the other.
        then: Mode,
    },
    /// Another mean distance between samples.
    SamplingDistance {
        /// Of the baseline.
        base_bytes: u64,
        /// Of the other.
        then_bytes: u64,
    },
    /// Samples were lost, so that totals are too low.
    LostSamples {
        /// In the baseline.
        base: u64,
        /// In the other.
        then: u64,
    },
    /// Another program.
    Program {
        /// Of the baseline.
        base: String,
        /// Of the other.
        then: String,
    },
    /// Another kind of host. A recording holds no name of its host, so two of one kind are not told apart.
    Host {
        /// Of the baseline.
        base: Host,
        /// Of the other.
        then: Host,
    },
    /// Another length, by more than [`LENGTH_TOLERANCE_PERCENT`].
    Length {
        /// Of the baseline.
        base_ms: u64,
        /// Of the other.
        then_ms: u64,
    },
    /// The baseline was made after the other one.
    Order,
    /// A recording that lists not everything: a row that is missing there may be folded.
    Folded {
        /// Number of the recording: 0 is the baseline.
        recording: usize,
        /// Variables that it does not list.
        variables: u64,
        /// Scopes that it does not list.
        scopes: u64,
        /// Types that it does not list.
        types: u64,
    },
    /// Texts of a recording were cut, so a long name may not be matched.
    CutTexts {
        /// In the baseline.
        base: u64,
        /// In the other.
        then: u64,
    },
}

/// What a recording says of its host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Host {
    /// Operating system.
    pub os: String,
    /// Architecture.
    pub arch: String,
    /// Size of its pages; `None`: not measured.
    pub page_bytes: Option<u64>,
}

impl Host {
    fn of(program: &Program) -> Self {
        Self { os: program.os.clone(), arch: program.arch.clone(), page_bytes: program.page_bytes }
    }
}

/// Whether both are moments of one process.
pub fn is_same_process(base: &Snapshot, then: &Snapshot) -> bool {
    let of = |snapshot: &Snapshot| (snapshot.program.pid, snapshot.program.started_unix_ms);
    of(base) == of(then)
}

/// What there is to say of these two, in the order of its weight.
pub fn caveats(base: &Snapshot, then: &Snapshot) -> Vec<Caveat> {
    let mut found = Vec::new();
    if base.mode != then.mode {
        found.push(Caveat::Mode { base: base.mode, then: then.mode });
    }
    if let (Some(one), Some(other)) = (base.profiler.sampling, then.profiler.sampling) {
        if one.mean_bytes != other.mean_bytes {
            let (base_bytes, then_bytes) = (one.mean_bytes, other.mean_bytes);
            found.push(Caveat::SamplingDistance { base_bytes, then_bytes });
        }
    }
    let lost = |snapshot: &Snapshot| snapshot.profiler.sampling.map_or(0, |sampling| sampling.lost_samples);
    if lost(base) > 0 || lost(then) > 0 {
        found.push(Caveat::LostSamples { base: lost(base), then: lost(then) });
    }
    let (one, other) = (&base.program, &then.program);
    if one.name != other.name {
        found.push(Caveat::Program { base: one.name.clone(), then: other.name.clone() });
    }
    if Host::of(one) != Host::of(other) {
        found.push(Caveat::Host { base: Host::of(one), then: Host::of(other) });
    }
    let (shorter, longer) = (one.elapsed_ms.min(other.elapsed_ms), one.elapsed_ms.max(other.elapsed_ms));
    let tolerated = u128::from(shorter) * u128::from(100 + LENGTH_TOLERANCE_PERCENT);
    if !is_same_process(base, then) && u128::from(longer) * 100 > tolerated {
        found.push(Caveat::Length { base_ms: one.elapsed_ms, then_ms: other.elapsed_ms });
    }
    let moment = |program: &Program| (program.started_unix_ms, program.elapsed_ms);
    if one.started_unix_ms > other.started_unix_ms
        || (is_same_process(base, then) && moment(one) > moment(other))
    {
        found.push(Caveat::Order);
    }
    for (recording, snapshot) in [base, then].into_iter().enumerate() {
        let folded = &snapshot.folded;
        let (variables, scopes, types) = (folded.variables.variables, folded.scopes.scopes, folded.types);
        if variables > 0 || scopes > 0 || types > 0 {
            found.push(Caveat::Folded { recording, variables, scopes, types });
        }
    }
    if base.folded.cut_texts > 0 || then.folded.cut_texts > 0 {
        found.push(Caveat::CutTexts { base: base.folded.cut_texts, then: then.folded.cut_texts });
    }
    found
}
