//! Places that handed memory to foreign code that is out and alive.

use super::NEVER_HANDED_BACK;
use super::evidence::{bytes, count, counted, finding};
use crate::snapshot::{Finding, Severity, Snapshot};

pub(super) fn never_handed_back(snapshot: &Snapshot) -> Vec<Finding> {
    let rows = snapshot.handed_out.iter().enumerate().filter(|(_, row)| row.live_blocks > 0);
    rows.map(|(index, row)| {
        let at = |field: &str| format!("/handed_out/{index}/{field}");
        let given = match row.sent_to.as_slice() {
            [] => String::new(),
            functions => format!(" It was given to `{}`.", functions.join("`, `")),
        };
        let message = format!(
            "`{}` ({}:{}) handed out memory that was never handed back: {}, {} bytes, live at export.{given} If foreign \
             code is done with it, take it back by `memscope::ffi`'s `from_raw`; what std's own took back is not seen.",
            row.function,
            row.file,
            row.line,
            counted(row.live_blocks, "block"),
            row.live_bytes,
        );
        Finding {
            scope: row.scope.clone(),
            evidence: vec![
                count("blocks out and alive", row.live_blocks, at("live_blocks")),
                bytes("their bytes", row.live_bytes, at("live_bytes")),
                count("handed out here", row.handed_out, at("handed_out")),
                count("of these handed back", row.handed_back, at("handed_back")),
            ],
            ..finding(NEVER_HANDED_BACK, Severity::Warning, message)
        }
    })
    .collect()
}
