//! What is compared of a row: a few figures of the document, each with its error.

use memscope_runtime::snapshot::{Mode, Scope, Snapshot, Type, Variable};
use serde::Serialize;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Things.
    Count,
}

/// A figure of one recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// The figure; `None`: not measured.
    pub value: Option<u64>,
    /// Its standard error; `None`: it is exact.
    pub error: Option<f64>,
    /// What it is below with a confidence of 95 %, where no sample stands behind it.
    pub upper_bound: Option<u64>,
}

impl Estimate {
    fn exact(value: impl Into<Option<u64>>) -> Self {
        Self { value: value.into(), error: None, upper_bound: None }
    }

    fn estimated(value: impl Into<Option<u64>>, error: Option<u64>) -> Self {
        Self { value: value.into(), error: error.map(|error| error as f64), upper_bound: None }
    }

    /// Whether it is an estimate of 0 behind which no sample stands.
    pub fn is_unsampled(&self) -> bool {
        self.upper_bound.is_some() || (self.value, self.error) == (Some(0), Some(0.0))
    }
}

/// A figure that rows of `R` have.
#[derive(Debug)]
pub struct Measure<R> {
    /// Where it stands in a row of the document.
    pub field: &'static str,
    /// What it is called, in a word or two.
    pub label: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// Whether a difference in it makes a row grown or shrunk.
    pub decides: bool,
    /// It, of a row.
    pub of: fn(&R) -> Estimate,
}

/// Of variables.
pub const OF_VARIABLES: [Measure<Variable>; 4] = [
    Measure {
        field: "heap_bytes",
        label: "live",
        unit: Unit::Bytes,
        decides: true,
        of: |row| Estimate::estimated(row.heap_bytes, row.heap_bytes_error),
    },
    Measure {
        field: "peak_heap_bytes",
        label: "peak",
        unit: Unit::Bytes,
        decides: true,
        of: |row| Estimate::exact(row.peak_heap_bytes),
    },
    Measure {
        field: "blocks",
        label: "blocks",
        unit: Unit::Count,
        decides: true,
        of: |row| Estimate::estimated(row.blocks, row.blocks_error),
    },
    Measure {
        field: "instances",
        label: "executions",
        unit: Unit::Count,
        decides: false,
        of: |row| Estimate::exact(row.instances),
    },
];

/// Of scopes, each by itself.
pub const OF_SCOPES: [Measure<Scope>; 4] = [
    Measure {
        field: "exclusive/live_bytes",
        label: "live",
        unit: Unit::Bytes,
        decides: true,
        of: |row| Estimate {
            upper_bound: row.exclusive.live_bytes_upper_bound,
            ..Estimate::estimated(row.exclusive.live_bytes, row.exclusive.live_bytes_error)
        },
    },
    Measure {
        field: "exclusive/live_at_peak_bytes",
        label: "at the peak",
        unit: Unit::Bytes,
        decides: true,
        of: |row| {
            Estimate::estimated(row.exclusive.live_at_peak_bytes, row.exclusive.live_at_peak_bytes_error)
        },
    },
    Measure {
        field: "exclusive/allocated_bytes",
        label: "total",
        unit: Unit::Bytes,
        decides: true,
        of: |row| Estimate {
            upper_bound: row.exclusive.allocated_bytes_upper_bound,
            ..Estimate::estimated(row.exclusive.allocated_bytes, row.exclusive.allocated_bytes_error)
        },
    },
    Measure {
        field: "exclusive/allocations",
        label: "allocations",
        unit: Unit::Count,
        decides: true,
        of: |row| Estimate::estimated(row.exclusive.allocations, row.exclusive.allocations_error),
    },
];

/// Of types.
pub const OF_TYPES: [Measure<Type>; 3] = [
    Measure {
        field: "heap_bytes",
        label: "live",
        unit: Unit::Bytes,
        decides: true,
        of: |row| Estimate::estimated(row.heap_bytes, row.heap_bytes_error),
    },
    Measure {
        field: "blocks",
        label: "blocks",
        unit: Unit::Count,
        decides: true,
        of: |row| Estimate::estimated(row.blocks, row.blocks_error),
    },
    Measure {
        field: "instances",
        label: "executions",
        unit: Unit::Count,
        decides: false,
        of: |row| Estimate::exact(row.instances),
    },
];

/// Of the whole process.
pub const OF_TOTALS: [Measure<Snapshot>; 6] = [
    Measure {
        field: "totals/live_bytes",
        label: "Live at export",
        unit: Unit::Bytes,
        decides: true,
        of: |row| Estimate::estimated(row.totals.live_bytes, row.totals.live_bytes_error),
    },
    Measure {
        field: "totals/peak_bytes",
        label: "Peak",
        unit: Unit::Bytes,
        decides: true,
        of: |row| Estimate::estimated(row.totals.peak_bytes, row.totals.peak_bytes_error),
    },
    Measure {
        field: "totals/allocated_bytes",
        label: "Total allocated",
        unit: Unit::Bytes,
        decides: true,
        of: |row| Estimate::estimated(row.totals.allocated_bytes, row.totals.allocated_bytes_error),
    },
    Measure {
        field: "totals/allocations",
        label: "Allocations",
        unit: Unit::Count,
        decides: true,
        of: |row| Estimate::estimated(row.totals.allocations, row.totals.allocations_error),
    },
    Measure {
        field: "totals/live_allocations",
        label: "Live allocations",
        unit: Unit::Count,
        decides: true,
        of: |row| Estimate::estimated(row.totals.live_allocations, row.totals.live_allocations_error),
    },
    Measure {
        field: "fragmentation/resident_bytes",
        label: "Resident (RSS)",
        unit: Unit::Bytes,
        decides: true,
        of: |row| Estimate::exact(row.fragmentation.resident_bytes),
    },
];

/// Whether the recording's figures of memory are measurements; those of one that is off are zeros that nobody counted.
pub fn is_recorded(snapshot: &Snapshot) -> bool {
    snapshot.mode != Mode::Off
}

impl<R> Measure<R> {
    /// The sum over the rows of `list` at `indices`. It is not measured if one of them is not, and its error is the root of
    /// the sum of the squares of theirs; what it has no sample of is bounded by the sum of the bounds.
    pub fn sum(&self, list: &[R], indices: &[usize], is_recorded: bool) -> Estimate {
        if !is_recorded {
            return Estimate::default();
        }
        if let [index] = *indices {
            return (self.of)(&list[index]);
        }
        let parts: Vec<Estimate> = indices.iter().map(|&index| (self.of)(&list[index])).collect();
        let sum = |values: &[u64]| values.iter().fold(0_u64, |sum, &value| sum.saturating_add(value));
        let errors: Vec<f64> = parts.iter().filter_map(|part| part.error).collect();
        let bounds: Vec<u64> = parts.iter().filter_map(|part| part.upper_bound).collect();
        let values: Option<Vec<u64>> = parts.iter().map(|part| part.value).collect();
        Estimate {
            value: values.map(|values| sum(&values)),
            error: (!errors.is_empty()).then(|| root_of_squares(&errors)),
            upper_bound: (!bounds.is_empty()).then(|| sum(&bounds)),
        }
    }
}

/// The standard error of a sum or difference of independent figures with these errors.
pub fn root_of_squares(errors: &[f64]) -> f64 {
    errors.iter().map(|error| error * error).sum::<f64>().sqrt()
}
