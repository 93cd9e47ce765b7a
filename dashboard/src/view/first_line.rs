//! The report's first line: what the reader must know before believing any figure below it.

use super::label;
use crate::text::visible;
use crate::units;
use memscope_runtime::snapshot::{Mode, Snapshot};
use serde::Serialize;

/// The first line of page and terminal report.
#[derive(Clone, Debug, Serialize)]
pub struct FirstLine {
    /// Whether the figures are limited in a way that the reader must know of.
    pub is_warning: bool,
    /// A sentence or two.
    pub text: String,
}

/// What stands first in a report on `snapshot`.
pub fn first_line(snapshot: &Snapshot) -> FirstLine {
    let program = visible(&snapshot.program.name);
    if snapshot.mode == Mode::Off {
        let text = format!(
            "Nothing was recorded: in {program}, memscope's recording is compiled out or turned off. \
             Build with its feature `live`, and see that MEMSCOPE_MODE is not `off`."
        );
        return FirstLine { is_warning: true, text };
    }
    if !snapshot.profiler.allocator_installed {
        let text = format!(
            "The memscope allocator is not installed: this report on {program} shows declared allocations only, \
             as the program itself announced them. To record every block, add \
             `#[global_allocator] static ALLOC: memscope::Allocator = memscope::Allocator::system();`"
        );
        return FirstLine { is_warning: true, text };
    }
    let text = format!(
        "{program}: {} recording of {}",
        label::mode(snapshot.mode),
        units::milliseconds(snapshot.program.elapsed_ms)
    );
    match snapshot.mode {
        Mode::Sampling => FirstLine { is_warning: true, text: format!("{text}. {}", of_sampling(snapshot)) },
        _ => FirstLine { is_warning: false, text },
    }
}

/// That figures are estimates, from how many samples, and how their errors are written.
fn of_sampling(snapshot: &Snapshot) -> String {
    let sampling = snapshot.profiler.sampling;
    let mean = sampling.map_or(units::NOT_MEASURED.into(), |sampling| units::bytes(sampling.mean_bytes));
    let mut text = format!(
        "The figures of memory are estimates from a sample of the allocated bytes (mean distance {mean}): \
         ± is one standard error, < an upper bound (95 % confidence) where there is no sample."
    );
    let lost = sampling.map_or(0, |sampling| sampling.lost_samples);
    if lost > 0 {
        let samples = if lost == 1 { "sample was" } else { "samples were" };
        text.push_str(&format!(" {} {samples} lost, so totals are too low.", units::count(lost)));
    }
    text
}
