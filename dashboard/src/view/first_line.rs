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
    FirstLine { is_warning: false, text }
}
