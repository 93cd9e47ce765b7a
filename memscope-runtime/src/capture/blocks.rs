//! Live blocks, one by one.

use super::memory_map::Gathering;
use super::ranges::Ranges;
use crate::account::Account;
use crate::clock;
use crate::live_map;
use crate::slot::Found;
use crate::snapshot::{Block, Blocks, MemoryMap};
use crate::watch::Watch;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Blocks that a snapshot lists one by one.
pub(crate) const LARGEST_BLOCKS: usize = 2_000;

/// The account of a block of the program's, and the number of the row of the variable that owns it; `None`: it is one of
/// memscope's own.
pub(super) fn owner(found: &Found<'_>) -> Option<(u32, Option<usize>)> {
    let watch = if found.record.is_watched() { Watch::get(found.record.owner()) } else { None };
    let account = watch.map_or(found.record.owner(), Watch::account);
    Account::get(account).filter(|account| !account.is_own())?;
    Some((account, watch.and_then(Watch::row_number)))
}

/// What one walk over the live blocks tells.
pub(super) struct Walked {
    /// The largest blocks.
    pub(super) blocks: Blocks,
    /// Live bytes, by node, of all blocks that no tracked variable was seen to own.
    pub(super) unowned_bytes: Vec<u64>,
    /// Where the blocks lie.
    pub(super) memory_map: MemoryMap,
    /// How large and how old they are.
    pub(super) ranges: Ranges,
}

/// Walks over the program's live blocks; it is `now_ms`.
pub(super) fn walk(scope_of_node: &HashMap<u32, u32>, row_order: &[u32], now_ms: u64) -> Walked {
    let mut largest: BinaryHeap<Reverse<(usize, usize)>> = BinaryHeap::with_capacity(LARGEST_BLOCKS + 1);
    let mut details: HashMap<usize, (u32, Option<usize>, u64)> = HashMap::with_capacity(LARGEST_BLOCKS + 1);
    let mut folded = Blocks::default();
    let mut unowned_bytes: Vec<u64> = Vec::new();
    let mut gathering = Gathering::begin(now_ms);
    let mut ranges = Ranges::begin(now_ms);
    live_map::for_each(|found| {
        let Some((account, row)) = owner(&found) else { return };
        let Some(node) = Account::get(account).map(Account::node) else { return };
        if row.is_none() {
            let node = node as usize;
            if unowned_bytes.len() <= node {
                unowned_bytes.resize(node + 1, 0);
            }
            unowned_bytes[node] += found.bytes as u64;
        }
        ranges.add(found.bytes, found.record.stamp());
        let ms = clock::Stamp(found.record.stamp()).to_ms();
        gathering.add(found.address, found.bytes, account, row, ms);
        let mut fold = |bytes: usize| {
            folded.folded_blocks += 1;
            folded.folded_bytes += bytes as u64;
        };
        let rank = (found.bytes, found.address);
        if largest.len() == LARGEST_BLOCKS && largest.peek().is_some_and(|Reverse(least)| rank < *least) {
            fold(found.bytes); // most blocks
            return;
        }
        largest.push(Reverse(rank));
        details.insert(found.address, (account, row, ms));
        if largest.len() > LARGEST_BLOCKS {
            if let Some(Reverse((bytes, address))) = largest.pop() {
                details.remove(&address);
                fold(bytes);
            }
        }
    });
    let mut rows: Vec<Block> = largest
        .into_iter()
        .map(|Reverse((bytes, address))| {
            let detail = details.get(&address);
            let account = detail.and_then(|&(account, _, _)| Account::get(account));
            Block {
                address: address as u64,
                bytes: bytes as u64,
                scope: account.and_then(|account| scope_of_node.get(&account.node()).copied()),
                thread: account.map(Account::thread),
                allocated_ms: detail.map_or(0, |&(_, _, ms)| ms),
                variable: detail.and_then(|&(_, row, _)| row_order.get(row?).copied()),
            }
        })
        .collect();
    rows.sort_by_key(|block| block.address);
    let scope_and_thread = |account| {
        let account = Account::get(account)?;
        Some((scope_of_node.get(&account.node()).copied(), account.thread()))
    };
    let memory_map = gathering.end(scope_and_thread, row_order);
    Walked { blocks: Blocks { largest: rows, ..folded }, unowned_bytes, memory_map, ranges }
}
