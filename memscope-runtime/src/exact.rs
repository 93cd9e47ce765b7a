//! A log of events, played through: what really happened, by scope, and how far estimates of it may be off.
//!
//! By the sampler's own rules (`sampler.rs`): a block is the ranges of bytes that were allocated or gained at once, each
//! charged to whoever did that; it loses bytes from its end.

use crate::estimate::Variances;
use crate::event_log::{Event, Logged};
use crate::thread_state::OWN_NODE;
use smallvec::{SmallVec, smallvec};
use std::collections::{HashMap, HashSet};

/// Counters of one scope, of either side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) allocations: u64,
    pub(crate) deallocations: u64,
    pub(crate) reallocations: u64,
    pub(crate) allocated_bytes: u64,
    pub(crate) deallocated_bytes: u64,
    /// All 0 on the exact side.
    pub(crate) variances: Variances,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Counts) {
        self.allocations += other.allocations;
        self.deallocations += other.deallocations;
        self.reallocations += other.reallocations;
        self.allocated_bytes += other.allocated_bytes;
        self.deallocated_bytes += other.deallocated_bytes;
        self.variances += other.variances;
    }
}

/// How far a sum may be off that each of some draws has a part in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Spread {
    pub(crate) variance: f64,
    pub(crate) third_moment: f64,
}

impl Spread {
    /// A draw that is in the sample with probability π and stands for `now` has a part in the sum, where it stood for
    /// `before`. It adds n / π or nothing, so with x = (1 − π) / π, which is `against`, it adds n² x to the variance and
    /// n³ x (x − 1) to the third central moment. This one is taken without its sign: what is nearly always in shall not
    /// make up for what nearly never is.
    pub(crate) fn part(&mut self, against: f64, before: u64, now: u64) {
        let (before, now) = (before as f64, now as f64);
        self.variance += (now.powi(2) - before.powi(2)) * against;
        self.third_moment += (now.powi(3) - before.powi(3)) * against * (against - 1.0).abs();
    }

    /// Whole numbers are booked, the two around n / π by chance.
    pub(crate) fn round(&mut self, against: f64, now: u64) {
        let fraction = (now as f64 * (1.0 + against)).fract();
        self.variance += fraction * (1.0 - fraction) / (1.0 + against);
    }

    pub(crate) fn add(&mut self, other: &Spread) {
        self.variance += other.variance;
        self.third_moment += other.third_moment;
    }

    /// Rounding of sums can leave a little below 0 of what is none.
    pub(crate) fn standard_error(&self) -> f64 {
        self.variance.max(0.0).sqrt()
    }

    pub(crate) fn skewness(&self) -> f64 {
        let error = self.standard_error();
        if error > 0.0 { self.third_moment / error.powi(3) } else { 0.0 }
    }
}

/// How far the estimates of one scope's counters may be off.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Spreads {
    pub(crate) allocations: Spread,
    pub(crate) deallocations: Spread,
    pub(crate) reallocations: Spread,
    pub(crate) allocated_bytes: Spread,
    pub(crate) deallocated_bytes: Spread,
    pub(crate) live_allocations: Spread,
    pub(crate) live_bytes: Spread,
}

impl Spreads {
    pub(crate) fn add(&mut self, other: &Spreads) {
        self.allocations.add(&other.allocations);
        self.deallocations.add(&other.deallocations);
        self.reallocations.add(&other.reallocations);
        self.allocated_bytes.add(&other.allocated_bytes);
        self.deallocated_bytes.add(&other.deallocated_bytes);
        self.live_allocations.add(&other.live_allocations);
        self.live_bytes.add(&other.live_bytes);
    }
}

/// Bytes of a block that were allocated, or gained, at once, and so drawn for at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) drawn: u64,
    pub(crate) left: u64,
    /// Who was charged; `None`: somebody before the check.
    pub(crate) node: Option<u32>,
}

/// A block that the log knows: its ranges, from its start on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Block {
    pub(crate) ranges: SmallVec<[Range; 1]>,
    /// How often it was resized, and where.
    pub(crate) resizes: SmallVec<[(u32, u64); 1]>,
}

impl Block {
    pub(crate) fn new(bytes: u64, node: Option<u32>) -> Block {
        Block { ranges: smallvec![Range { drawn: bytes, left: bytes, node }], resizes: SmallVec::new() }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.ranges.iter().map(|range| range.left).sum()
    }

    pub(crate) fn is_known(&self) -> bool {
        self.ranges.iter().any(|range| range.node.is_some())
    }

    /// Who allocated it, and how many bytes.
    pub(crate) fn origin(&self) -> Option<(u32, u64)> {
        let first = self.ranges.first()?;
        Some((first.node?, first.drawn))
    }
}

/// The log, played through.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) mean_bytes: f64,
    pub(crate) blocks: HashMap<u64, Block>,
    /// Blocks that are being resized, by the index at which that began.
    pub(crate) resizing: HashMap<u64, Block>,
    pub(crate) by_node: HashMap<u32, (Counts, Spreads)>,
    /// Of the resizes of all scopes: those of one block are in the sample together, or none.
    pub(crate) all_reallocations: Spread,
    pub(crate) threads: HashSet<u32>,
    pub(crate) events: u64,
    /// Blocks that turned out to have been freed or resized by nobody who is checked.
    pub(crate) crossings: u64,
}

impl Books {
    /// The entry with that index, and all before it were.
    pub(crate) fn play(&mut self, index: u64, Logged { event, node, thread }: Logged) {
        self.threads.insert(thread);
        self.events += u64::from(!matches!(event, Event::Resizing { .. }));
        match event {
            Event::Allocated { address, bytes } => {
                let against = self.against(bytes);
                let (counts, spreads) = self.by_node.entry(node).or_default();
                counts.allocations += 1;
                spreads.allocations.part(against, 0, 1);
                spreads.allocations.round(against, 1);
                self.gain(node, bytes);
                self.put(address, Block::new(bytes, Some(node)));
            }
            Event::Freed { address, bytes } => {
                let Some(mut block) = self.take(address, bytes) else { return };
                if let Some((first, drawn)) = block.origin() {
                    let against = self.against(drawn);
                    let (counts, spreads) = self.by_node.entry(first).or_default();
                    counts.deallocations += 1;
                    spreads.deallocations.part(against, 0, 1);
                    spreads.deallocations.round(against, 1);
                }
                self.cut(&mut block, 0);
            }
            Event::Resizing { address, bytes } => {
                let block = self.take(address, bytes).unwrap_or_else(|| Block::new(bytes, None));
                self.resizing.insert(index, block);
            }
            Event::Resized { begun, address, bytes } => {
                let Some(mut block) = self.resizing.remove(&begun) else { return };
                self.resize(&mut block, node);
                let old_bytes = block.bytes();
                self.cut(&mut block, bytes);
                if let Some(gained) = bytes.checked_sub(old_bytes).filter(|&gained| gained > 0) {
                    self.gain(node, gained);
                    block.ranges.push(Range { drawn: gained, left: gained, node: Some(node) });
                }
                self.put(address, block);
            }
            Event::Refused { begun, address } => {
                let Some(block) = self.resizing.remove(&begun) else { return };
                self.put(address, block);
            }
        }
    }

    /// (1 − π) / π for a draw of `bytes`, with π = 1 − e^(−s/T): 1 / (e^(s/T) − 1).
    pub(crate) fn against(&self, bytes: u64) -> f64 {
        1.0 / f64::exp_m1(bytes as f64 / self.mean_bytes)
    }

    pub(crate) fn gain(&mut self, node: u32, bytes: u64) {
        let against = self.against(bytes);
        let (counts, spreads) = self.by_node.entry(node).or_default();
        counts.allocated_bytes += bytes;
        spreads.allocated_bytes.part(against, 0, bytes);
        spreads.allocated_bytes.round(against, bytes);
    }

    /// `node` resized a block. Whose it is is known by who allocated it, as the sampler has it.
    pub(crate) fn resize(&mut self, block: &mut Block, node: u32) {
        let Some((_, drawn)) = block.origin() else { return };
        let all: u64 = block.resizes.iter().map(|(_, times)| times).sum();
        if !block.resizes.iter().any(|&(known, _)| known == node) {
            block.resizes.push((node, 0));
        }
        let against = self.against(drawn);
        let (counts, spreads) = self.by_node.entry(node).or_default();
        counts.reallocations += 1;
        for (_, times) in block.resizes.iter_mut().filter(|(known, _)| *known == node) {
            spreads.reallocations.part(against, *times, *times + 1);
            *times += 1;
        }
        if node != OWN_NODE {
            let own = block.resizes.iter().filter(|(node, _)| *node == OWN_NODE);
            let theirs = all - own.map(|(_, times)| times).sum::<u64>();
            self.all_reallocations.part(against, theirs, theirs + 1);
        }
    }

    /// Takes the bytes beyond `left` off the block's end.
    pub(crate) fn cut(&mut self, block: &mut Block, left: u64) {
        let mut excess = block.bytes().saturating_sub(left);
        for range in block.ranges.iter_mut().rev() {
            let lost = range.left.min(excess);
            excess -= lost;
            if let Some(node) = range.node.filter(|_| lost > 0) {
                let against = self.against(range.drawn);
                let (counts, spreads) = self.by_node.entry(node).or_default();
                counts.deallocated_bytes += lost;
                let gone = range.drawn - range.left;
                spreads.deallocated_bytes.part(against, gone, gone + lost);
                spreads.deallocated_bytes.round(against, lost);
            }
            range.left -= lost;
        }
        // The first stays, to say whose the block is.
        while block.ranges.len() > 1 && block.ranges.last().is_some_and(|range| range.left == 0) {
            block.ranges.pop();
        }
    }

    pub(crate) fn put(&mut self, address: u64, block: Block) {
        if block.is_known() && self.blocks.insert(address, block).is_some() {
            self.crossings += 1;
        }
    }

    pub(crate) fn take(&mut self, address: u64, bytes: u64) -> Option<Block> {
        let block = self.blocks.remove(&address)?;
        self.crossings += u64::from(block.bytes() != bytes);
        Some(block)
    }

    /// How far the figures of what lives may be off.
    pub(crate) fn spread_what_lives(&mut self) {
        for block in std::mem::take(&mut self.blocks).into_values() {
            if let Some((first, drawn)) = block.origin() {
                let against = self.against(drawn);
                let (_, spreads) = self.by_node.entry(first).or_default();
                spreads.live_allocations.part(against, 0, 1);
                spreads.live_allocations.round(against, 1);
            }
            for range in block.ranges {
                let against = self.against(range.drawn);
                if let Some(node) = range.node {
                    let (_, spreads) = self.by_node.entry(node).or_default();
                    spreads.live_bytes.part(against, 0, range.left);
                    spreads.live_bytes.round(against, range.left);
                }
            }
        }
    }
}
