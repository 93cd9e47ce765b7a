//! `memscope recover`: what is whole of a damaged recording, and what was lost.

use super::{Failure, cannot_be_written, is_same, print};
use memscope_runtime::format::recover_file;
use std::path::Path;

/// Prints what was saved and lost of `file` in one paragraph, after what is whole was written to `output`.
pub(super) fn recover(file: &Path, output: Option<&Path>) -> Result<(), Failure> {
    let mut recovery = recover_file(file).map_err(Failure::new)?;
    let written = match output {
        Some(output) if is_same(file, output) => {
            let output = output.display();
            return Err(Failure::new(format_args!(
                "{output}: is the damaged file itself; choose another with -o"
            )));
        }
        Some(output) => {
            recovery.save(output).map_err(|error| cannot_be_written(output, &error))?;
            format!("Written to {}.", output.display())
        }
        None => "Nothing was written; -o OUT.memscope writes a clean file.".to_owned(),
    };
    print(crate::text::visible(&format!("{}: {} {written}", file.display(), recovery.report)))
}
