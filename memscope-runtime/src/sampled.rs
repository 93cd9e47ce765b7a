//! The samples → what a snapshot says of them one by one.

use crate::account::Account;
use crate::books::Reading;
use crate::capture::LARGEST_BLOCKS;
use crate::estimate::{standard_error, variance};
use crate::sample::Sample;
use crate::snapshot::{Block, Blocks, Lifetimes, Sampling, SizeRange, Totals};
use crate::thread_state::OWN_NODE;
use crate::weight::Sum;
use crate::{ended_by_lot, lifetime, places, sampler};
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

/// Blocks by size, and by how long they lived or how old they are: those that were freed, and those that live.
pub(crate) fn ranges(now_ms: u64) -> (Vec<SizeRange>, Vec<Lifetimes>) {
    let mut by_age = [(Sum::default(), Sum::default()); lifetime::RANGES];
    let mut by_size = ended_by_lot::by_size().map(|_| (Sum::default(), Sum::default()));
    for facts in Sample::all().filter_map(Sample::read) {
        if Account::get(facts.account).is_none_or(Account::is_own) {
            continue;
        }
        let age = lifetime::range(now_ms.saturating_sub(facts.drawn_ms));
        for (blocks, bytes) in [&mut by_age[age], &mut by_size[ended_by_lot::size(facts.block_bytes)]] {
            if facts.blocks > 0 {
                add(blocks, facts.blocks, 1);
            }
            add(bytes, facts.left_for, facts.left);
        }
    }
    let error = |sum: Sum| Some(standard_error(sum.variance));
    let lifetimes = by_age.into_iter().zip(ended_by_lot::by_lifetime()).enumerate();
    let lifetimes = lifetimes.map(|(range, ((blocks, bytes), (ended, freed)))| {
        let (from_ms, below_ms) = lifetime::bounds_ms(range);
        Lifetimes {
            from_ms,
            below_ms,
            deallocations: ended.value,
            deallocations_error: error(ended),
            live_allocations: blocks.value,
            live_allocations_error: error(blocks),
            freed_bytes: Some(freed.value),
            freed_bytes_error: error(freed),
            live_bytes: Some(bytes.value),
            live_bytes_error: error(bytes),
        }
    });
    let sizes = by_size.into_iter().zip(ended_by_lot::by_size()).enumerate();
    let sizes = sizes.filter(|(_, ((_, live), (_, freed)))| live.value > 0 || freed.value > 0);
    let sizes = sizes.map(|(power, ((blocks, bytes), (ended, freed)))| SizeRange {
        deallocations: Some(ended.value),
        deallocations_error: error(ended),
        freed_bytes: Some(freed.value),
        freed_bytes_error: error(freed),
        live_allocations: Some(blocks.value),
        live_allocations_error: error(blocks),
        live_bytes: Some(bytes.value),
        live_bytes_error: error(bytes),
        ..SizeRange::of_power(power)
    });
    (sizes.collect(), lifetimes.collect())
}

fn add(sum: &mut Sum, stands_for: u64, is: u64) {
    sum.value += stands_for;
    sum.variance += variance(stands_for, is);
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
