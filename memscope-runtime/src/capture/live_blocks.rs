//! All live blocks, one by one, on request: a snapshot lists the largest alone.

use super::blocks::owner;
use crate::account::Account;
use crate::clock;
use crate::live_map;
use crate::snapshot::Block;
use std::collections::HashMap;
use std::sync::Arc;

/// The way to the live blocks of the program, whose scopes and variables are those of one snapshot.
pub struct LiveBlocks {
    /// Index into the snapshot's `scopes` by node.
    pub(crate) scope_of_node: Arc<HashMap<u32, u32>>,
    /// Index into the snapshot's `variables` by row number.
    pub(crate) row_order: Vec<u32>,
}

impl LiveBlocks {
    /// Calls `each` with every block that lives throughout the call, in no order; those that come or go meanwhile may be
    /// missed. None of memscope's own are among them. Without a recording of every block there are none.
    ///
    /// A block whose scope came after the snapshot has none.
    pub fn for_each(&self, mut each: impl FnMut(Block)) {
        live_map::for_each(|found| {
            let Some((account, row)) = owner(&found) else { return };
            let account = Account::get(account);
            each(Block {
                address: found.address as u64,
                bytes: found.bytes as u64,
                scope: account.and_then(|account| self.scope_of_node.get(&account.node()).copied()),
                thread: account.map(Account::thread),
                allocated_ms: clock::Stamp(found.record.stamp()).to_ms(),
                variable: row.and_then(|row| self.row_order.get(row).copied()),
            });
        });
    }

    /// Notes that the snapshot's variables stand elsewhere: the one at `n` is at `places[n]` now.
    pub(crate) fn move_variables(&mut self, places: &[u32]) {
        for index in &mut self.row_order {
            if let Some(&place) = places.get(*index as usize) {
                *index = place;
            }
        }
    }
}
