//! What does not fit together between values and recorded blocks.

use super::evidence::{count, counted, finding, path_text, variable_text};
use super::{OWNED_TWICE, UNKNOWN_BLOCKS};
use crate::snapshot::{Finding, Severity, Snapshot, Variable};

/// Pointers that a look was shown and that lead into no recorded block.
pub(super) fn unknown_blocks(snapshot: &Snapshot) -> Vec<Finding> {
    rows(
        snapshot,
        |variable| variable.unknown_blocks,
        |index, variable, pointers| {
            let message = format!(
                "{} in {} was walked over {} into no recorded block. That is memory of a static, of foreign code, or from \
             before the recording; or its `Trackable` shows pointers that it does not own. Its bytes are without them.",
                variable_text(variable),
                path_text(&variable.scope),
                counted(pointers, "pointer"),
            );
            Finding {
                evidence: vec![count(
                    "pointers into no recorded block",
                    pointers,
                    format!("/variables/{index}/unknown_blocks"),
                )],
                ..finding(UNKNOWN_BLOCKS, Severity::Note, message)
            }
        },
    )
}

/// Blocks that one look was shown twice as owned alone.
pub(super) fn owned_twice(snapshot: &Snapshot) -> Vec<Finding> {
    rows(
        snapshot,
        |variable| variable.blocks_owned_twice,
        |index, variable, blocks| {
            let message = format!(
                "One look at {} in {} was shown {} twice as owned alone. Either its `Trackable` shows a part of it twice, or \
             two parts of it own one block, which would be freed twice.",
                variable_text(variable),
                path_text(&variable.scope),
                counted(blocks, "block"),
            );
            Finding {
                evidence: vec![count(
                    "blocks shown twice as owned alone",
                    blocks,
                    format!("/variables/{index}/blocks_owned_twice"),
                )],
                ..finding(OWNED_TWICE, Severity::Warning, message)
            }
        },
    )
}

/// A finding for each variable of which the figure is not 0.
fn rows(
    snapshot: &Snapshot,
    figure: fn(&Variable) -> Option<u64>,
    found: impl Fn(usize, &Variable, u64) -> Finding,
) -> Vec<Finding> {
    let variables = snapshot.variables.iter().enumerate();
    variables
        .filter_map(|(index, variable)| {
            let figure = figure(variable).filter(|&figure| figure > 0)?;
            Some(Finding {
                scope: variable.scope.clone(),
                variable: Some(variable.name.clone()),
                ..found(index, variable, figure)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::handmade::{evidence, names, shown, snapshot, the_one, variable};

    #[test]
    fn pointers_into_no_block_are_said() {
        let mut snapshot = snapshot();
        snapshot.variables = vec![Variable { unknown_blocks: Some(1), ..variable("odd") }];
        let found = the_one(&snapshot, UNKNOWN_BLOCKS);
        assert_eq!(
            found.message,
            "`odd` (alloc::vec::Vec<u8>) in serve was walked over 1 pointer into no recorded block. That is memory of a \
             static, of foreign code, or from before the recording; or its `Trackable` shows pointers that it does not own. \
             Its bytes are without them."
        );
        assert_eq!(
            (found.severity, &found.scope, found.variable.as_deref()),
            (Severity::Note, &names(&["serve"]), Some("odd"))
        );
        assert_eq!(shown(&snapshot, &found), evidence(&[(1, "count", "/variables/0/unknown_blocks")]));
        for nothing in [Some(0), None] {
            snapshot.variables[0].unknown_blocks = nothing;
            assert!(unknown_blocks(&snapshot).is_empty());
        }
    }

    #[test]
    fn blocks_owned_twice_are_said() {
        let mut snapshot = snapshot();
        snapshot.variables = vec![Variable { blocks_owned_twice: Some(2), ..variable("odd") }];
        let found = the_one(&snapshot, OWNED_TWICE);
        assert_eq!(
            found.message,
            "One look at `odd` (alloc::vec::Vec<u8>) in serve was shown 2 blocks twice as owned alone. Either its \
             `Trackable` shows a part of it twice, or two parts of it own one block, which would be freed twice."
        );
        assert_eq!(found.severity, Severity::Warning);
        assert_eq!(shown(&snapshot, &found), evidence(&[(2, "count", "/variables/0/blocks_owned_twice")]));
        for nothing in [Some(0), None] {
            snapshot.variables[0].blocks_owned_twice = nothing;
            assert!(owned_twice(&snapshot).is_empty());
        }
    }
}
