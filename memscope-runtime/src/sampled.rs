//! The samples → what a snapshot says of them one by one.

use crate::account::Account;
use crate::books::Reading;
use crate::capture::LARGEST_BLOCKS;
use crate::estimate::{standard_error, variance};
use crate::places;
use crate::sample::Sample;
use crate::sampler::{self, lifetimes as ended};
use crate::snapshot::{Block, Blocks, Lifetimes, Sampling, Totals};
use crate::thread_state::OWN_NODE;
use std::collections::{BTreeMap, HashMap};

pub(crate) use crate::sampler::greatest_mean_bytes;

/// The largest blocks of the sample. What they do not hold of the estimated whole is folded.
pub(crate) fn blocks(scope_of_node: &HashMap<u32, u32>, totals: &Totals) -> Blocks {
    let mut rows: BTreeMap<u64, (u64, Block)> = BTreeMap::new();
    for facts in Sample::all().filter_map(Sample::read) {
        let Some(account) = Account::get(facts.account).filter(|account| !account.is_own()) else { continue };
        let block = Block {
            address: facts.address,
            bytes: facts.block_bytes,
            scope: scope_of_node.get(&account.node()).copied(),
            thread: Some(account.thread()),
            allocated_ms: facts.drawn_ms,
            variable: None,
        };
        // Of a block's samples the first in its bytes knows best who allocated it, and when.
        let row = rows.entry(facts.address).or_insert((facts.start, block.clone()));
        if facts.start < row.0 {
            *row = (facts.start, block);
        }
    }
    let mut largest: Vec<Block> = rows.into_values().map(|(_, block)| block).collect();
    largest.sort_by_key(|block| std::cmp::Reverse(block.bytes));
    largest.truncate(LARGEST_BLOCKS);
    largest.sort_by_key(|block| block.address);
    let listed_bytes: u64 = largest.iter().map(|block| block.bytes).sum();
    Blocks {
        folded_blocks: totals.live_allocations.saturating_sub(largest.len() as u64),
        folded_bytes: totals.live_bytes.saturating_sub(listed_bytes),
        largest,
    }
}

/// Bytes of places that no block of the program is in: places that wait, and what sampled blocks leave of theirs.
pub(crate) fn place_bytes() -> u64 {
    let mut rests: BTreeMap<u64, u64> = BTreeMap::new();
    for facts in Sample::all().filter_map(Sample::read).filter(|facts| facts.place_bytes > 0) {
        rests.insert(facts.address, u64::from(facts.place_bytes).saturating_sub(facts.block_bytes));
    }
    places::waiting_bytes() + rests.into_values().sum::<u64>()
}

/// How long blocks lived that were freed, and how old those are that live.
pub(crate) fn lifetimes(now_ms: u64) -> Vec<Lifetimes> {
    let mut alive = [(0u64, 0.0); ended::RANGES];
    for facts in Sample::all().filter_map(Sample::read) {
        if facts.blocks == 0 || Account::get(facts.account).is_none_or(Account::is_own) {
            continue;
        }
        let (blocks, of_blocks) = &mut alive[ended::range(now_ms.saturating_sub(facts.drawn_ms))];
        *blocks += facts.blocks;
        *of_blocks += variance(facts.blocks, 1);
    }
    let row = |(range, (live_allocations, of_live)): (usize, (u64, f64))| {
        let (deallocations, of_ended) = ended::ended_in(range);
        Lifetimes {
            from_ms: range.checked_sub(1).map_or(0, |before| ended::ENDS_MS[before]),
            below_ms: ended::ENDS_MS.get(range).copied(),
            deallocations,
            deallocations_error: Some(standard_error(of_ended)),
            live_allocations,
            live_allocations_error: Some(standard_error(of_live)),
        }
    };
    alive.into_iter().enumerate().map(row).collect()
}

/// What the sampler was told, and what it drew of the program's own.
pub(crate) fn parameters(readings: &[Reading]) -> Sampling {
    let theirs =
        || readings.iter().filter(|reading| reading.node != OWN_NODE).map(|reading| reading.variances);
    Sampling {
        mean_bytes: sampler::mean_bytes(),
        samples: theirs().map(|variances| variances.samples).sum(),
        live_samples: theirs().map(|variances| variances.live_samples).sum::<i64>().max(0) as u64,
        lost_samples: sampler::lost(),
    }
}
