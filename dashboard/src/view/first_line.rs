//! The report's first line: what the reader must know before believing any figure below it.

use super::label;
use crate::figure::Figure;
use crate::text::visible;
use memscope_runtime::snapshot::{Mode, Snapshot};
use serde::Serialize;
use std::fmt;

/// The first line of page and terminal report.
#[derive(Clone, Debug, Serialize)]
pub struct FirstLine {
    /// Whether the figures are limited in a way that the reader must know of.
    pub is_warning: bool,
    /// A sentence or two.
    pub parts: Vec<Part>,
}

/// Words, and the figure that follows them.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// The words.
    pub words: String,
    /// The figure; `None`: none follows.
    pub figure: Option<Figure>,
}

/// The line as text alone.
impl fmt::Display for FirstLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Part { words, figure } in &self.parts {
            write!(f, "{words}")?;
            figure.iter().try_for_each(|figure| write!(f, "{figure}"))?;
        }
        Ok(())
    }
}

/// What stands first in a report on `snapshot`.
pub fn first_line(snapshot: &Snapshot) -> FirstLine {
    let program = visible(&snapshot.program.name);
    if snapshot.mode == Mode::Off {
        return warning(format!(
            "Nothing was recorded: in {program}, memscope's recording is compiled out or turned off. \
             Build with its feature `live`, and see that MEMSCOPE_MODE is not `off`."
        ));
    }
    if !snapshot.profiler.allocator_installed {
        return warning(format!(
            "The memscope allocator is not installed: this report on {program} shows declared allocations only, \
             as the program itself announced them. To record every block, add \
             `#[global_allocator] static ALLOC: memscope::Allocator = memscope::Allocator::system();`"
        ));
    }
    let mut parts = vec![Part {
        words: format!("{program}: {} recording of ", label::mode(snapshot.mode)),
        figure: Some(Figure::ms("/program/elapsed_ms", snapshot.program.elapsed_ms)),
    }];
    let is_warning = snapshot.mode == Mode::Sampling;
    if is_warning {
        parts.extend(of_sampling(snapshot));
    }
    FirstLine { is_warning, parts }
}

fn warning(words: String) -> FirstLine {
    FirstLine { is_warning: true, parts: vec![Part { words, figure: None }] }
}

/// That figures are estimates, from how many samples, and how their errors are written.
fn of_sampling(snapshot: &Snapshot) -> Vec<Part> {
    let sampling = snapshot.profiler.sampling;
    let mean = sampling.map_or_else(Figure::not_measured, |sampling| {
        Figure::bytes("/profiler/sampling/mean_bytes", sampling.mean_bytes)
    });
    let words = ". The figures of memory are estimates from a sample of the allocated bytes (mean distance ";
    let mut parts = vec![Part { words: words.into(), figure: Some(mean) }];
    let after = "): ± is one standard error, < an upper bound (95 % confidence) where there is no sample.";
    let lost = sampling.map_or(0, |sampling| sampling.lost_samples);
    if lost == 0 {
        parts.push(Part { words: after.into(), figure: None });
        return parts;
    }
    parts.push(Part {
        words: format!("{after} "),
        figure: Some(Figure::count("/profiler/sampling/lost_samples", lost)),
    });
    let samples = if lost == 1 { "sample was" } else { "samples were" };
    parts.push(Part { words: format!(" {samples} lost, so totals are too low."), figure: None });
    parts
}
