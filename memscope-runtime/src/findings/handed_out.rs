//! Places that handed memory to foreign code that is out and alive.

use super::NEVER_HANDED_BACK;
use super::evidence::{bytes, count, counted, finding};
use crate::snapshot::{Finding, Severity, Snapshot};
use crate::units;

pub(super) fn never_handed_back(snapshot: &Snapshot) -> Vec<Finding> {
    let rows = snapshot.handed_out.iter().enumerate().filter(|(_, row)| row.live_blocks > 0);
    rows.map(|(index, row)| {
        let at = |field: &str| format!("/handed_out/{index}/{field}");
        let given = match row.sent_to.as_slice() {
            [] => String::new(),
            functions => format!(" It was given to `{}`.", functions.join("`, `")),
        };
        let message = format!(
            "`{}` ({}:{}) handed out memory that was never handed back: {}, {}, live at export.{given} If foreign \
             code is done with it, take it back by `memscope::ffi`'s `from_raw`; what std's own took back is not seen.",
            row.function,
            row.file,
            row.line,
            counted(row.live_blocks, "block"),
            units::bytes(row.live_bytes),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::handmade::{evidence, names, shown, snapshot, the_one};
    use crate::snapshot::HandedOut;

    #[test]
    fn what_is_out_and_alive_is_said_and_nothing_else() {
        let mut snapshot = snapshot();
        snapshot.handed_out = vec![HandedOut {
            function: "CString::into_raw".to_owned(),
            file: "src/glue.rs".to_owned(),
            line: 12,
            scope: names(&["serve"]),
            handed_out: 5,
            handed_back: 4,
            freed: 0,
            unfollowed: 0,
            live_blocks: 1,
            live_bytes: 30,
            sent_to: names(&["bind", "step"]),
            first_ms: 1,
            last_ms: 2,
        }];
        let found = the_one(&snapshot, NEVER_HANDED_BACK);
        assert_eq!(
            found.message,
            "`CString::into_raw` (src/glue.rs:12) handed out memory that was never handed back: 1 block, 30 B, live at \
             export. It was given to `bind`, `step`. If foreign code is done with it, take it back by `memscope::ffi`'s \
             `from_raw`; what std's own took back is not seen."
        );
        assert_eq!((found.severity, &found.scope), (Severity::Warning, &names(&["serve"])));
        assert_eq!(
            shown(&snapshot, &found),
            evidence(&[
                (1, "count", "/handed_out/0/live_blocks"),
                (30, "bytes", "/handed_out/0/live_bytes"),
                (5, "count", "/handed_out/0/handed_out"),
                (4, "count", "/handed_out/0/handed_back"),
            ])
        );
        snapshot.handed_out[0].live_blocks = 0;
        assert!(never_handed_back(&snapshot).is_empty());
    }
}
