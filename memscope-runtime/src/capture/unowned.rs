//! Live bytes that no tracked variable was seen to own, by scope.

use crate::scope::Node;
use crate::snapshot::Scope;
use crate::thread_state::OWN_NODE;
use std::collections::HashMap;

/// Sets the figures of all scopes; `unowned_bytes` is by node.
///
/// The blocks are walked after the books were read, so a running thread's newest blocks may be in one and not in the
/// other: no scope is said to have more unowned bytes than live ones.
pub(super) fn set_unowned(
    scopes: &mut [Scope],
    nodes: &[Node],
    scope_of_node: &HashMap<u32, u32>,
    unowned_bytes: &[u64],
) {
    let exclusive = |node: usize| unowned_bytes.get(node).copied().unwrap_or(0);
    let mut inclusive: Vec<u64> = (0..nodes.len()).map(exclusive).collect();
    // A parent's number is below its children's.
    for node in (OWN_NODE as usize + 1..nodes.len()).rev() {
        inclusive[nodes[node].parent as usize] += inclusive[node];
    }
    for (&node, &index) in scope_of_node {
        let node = node as usize;
        let Some(scope) = scopes.get_mut(index as usize) else { continue };
        let all = inclusive.get(node).copied().unwrap_or_else(|| exclusive(node));
        scope.exclusive.unowned_live_bytes = Some(exclusive(node).min(scope.exclusive.live_bytes));
        scope.inclusive.unowned_live_bytes = Some(all.min(scope.inclusive.live_bytes));
    }
}
