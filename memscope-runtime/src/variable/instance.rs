//! One execution of a binding, and where it is in its life.

use super::Place;
use super::swept::Swept;
use crate::owned_bytes::InstanceBytes;
use crate::snapshot::{BytesAt, Fate, Stage, Walk};
use crate::trackable::Sharing;
use crate::visitor::BySize;
use crate::watch::{End, Story, Watch};
use smallvec::SmallVec;
use std::cell::OnceCell;

/// Moments that an instance's bytes are kept of.
pub(crate) const SEEN_LEN: usize = 8;

/// One execution of a binding.
pub(crate) struct Instance {
    /// How many executions it stands for.
    pub(crate) weight: u64,
    /// In sampling mode, what the last look found.
    pub(crate) by_size: Option<BySize>,
    /// Shared blocks that count for it, in sampling mode.
    pub(super) claims: SmallVec<[usize; 1]>,
    pub(super) row: usize,
    pub(super) place: Place,
    /// Whether growth keeps the blocks of such a value under watch.
    pub(super) blocks_follow: bool,
    pub(crate) thread: u32,
    pub(crate) bound_ms: u64,
    pub(crate) observed_ms: u64,
    pub(crate) observations: u64,
    pub(crate) ended_ms: Option<u64>,
    pub(super) end: Option<End>,
    /// How far the last observation could look into the value.
    pub(crate) walk: Walk,
    /// What the value could tell of its owners and holders, at the last observation.
    pub(crate) sharing: Sharing,
    /// Capacity without an element, at the last observation.
    pub(crate) unused_bytes: u64,
    /// Pointers into no recorded block, at the last observation.
    pub(crate) unknown_blocks: u64,
    /// Blocks shown twice as owned alone, at the last observation.
    pub(super) owned_twice: u64,
    /// Whether any look found a block.
    pub(super) owned: bool,
    /// Whether a block of it counts for another variable that shares it.
    pub(super) elsewhere: bool,
    /// Looks that have begun.
    pub(super) looks: u64,
    /// The latest of those that saw everything, and how far they see.
    pub(super) complete: (u64, Walk),
    /// What its watches saw that are closed or given up.
    pub(super) story: Story,
    /// Counters of its bytes, which it holds; `None`: no look found a block, or blocks are not followed.
    pub(super) counted: Option<&'static InstanceBytes>,
    /// In sampling mode, the most bytes that a look found.
    pub(super) most_found: u64,
    /// Its bytes at looks and at the binding's end.
    pub(crate) seen: SmallVec<[BytesAt; 2]>,
    /// Watches of single blocks.
    pub(crate) single: SmallVec<[u32; 4]>,
    /// Watches of all other blocks, for each account and look.
    pub(crate) grouped: SmallVec<[u32; 2]>,
    /// What it is for good. What a free tells is written before the block is counted off (`watch.rs`), so of an instance that has
    /// ended and has no block left nothing changes, until a look that began before its end finds blocks.
    pub(super) settled: OnceCell<Box<Now>>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(counters) = self.counted {
            counters.let_go();
        }
    }
}

/// An execution that has ended and is not shown, while blocks of it live on.
pub(crate) struct EndedAlive {
    pub(super) id: u64,
    /// Those with blocks when it was folded.
    pub(super) watches: SmallVec<[u32; 4]>,
    /// What the others saw. Bytes that reallocation gained and moved are in the row.
    story: Story,
    pub(crate) unused_bytes: u64,
    pub(crate) unknown_blocks: u32,
    shared: bool,
}

/// What tells a stage from another.
struct Facts {
    ended: bool,
    lives: bool,
    shared: bool,
    /// A block was found, or one that counts for another variable.
    owned: bool,
    /// A block of it counts for another variable.
    elsewhere: bool,
    blocks_follow: bool,
    story: Story,
}

impl Facts {
    /// Where it is in its life, from events alone.
    fn stage(&self) -> Stage {
        let freed = self.story.freed_any();
        match (self.ended, self.lives) {
            // Dropped or moved out of before the binding's end; of a map it may only be the table that it outgrew.
            (false, false) if freed && self.blocks_follow => Stage::Deallocated,
            (_, true) | (false, false) if self.shared => Stage::Shared,
            (false, _) => Stage::Active,
            (true, true) => Stage::Allocated,
            (true, false) if !self.owned => Stage::NoHeap,
            (true, false) if self.story.last_was_gone() || self.elsewhere && !freed => Stage::Moved,
            (true, false) => Stage::Deallocated,
        }
    }

    /// What became of it, if that is settled by its blocks.
    fn fate(&self) -> Option<Fate> {
        match (self.ended, self.lives) {
            (false, _) => None,
            (true, true) => Some(Fate::LiveAtExport),
            (true, false) if self.stage() != Stage::Deallocated => None,
            (true, false) if self.story.freed_outside => Some(Fate::OutlivedScope),
            (true, false) if self.story.freed_untold => None,
            (true, false) => Some(Fate::DroppedInScope),
        }
    }
}

/// What an instance is at a moment.
#[derive(Clone, Copy)]
pub(crate) struct Now {
    /// Where it is in its life.
    pub(crate) stage: Stage,
    /// What became of it; `None`: in scope, without a block of its own, or not measured.
    pub(crate) fate: Option<Fate>,
    pub(crate) story: Story,
    /// Blocks and bytes alive.
    pub(crate) blocks: u64,
    pub(crate) bytes: u64,
}

impl Instance {
    pub(super) fn watches(&self) -> impl Iterator<Item = &'static Watch> {
        self.single.iter().chain(&self.grouped).filter_map(|&id| Watch::get(id))
    }

    pub(crate) fn live_blocks(&self) -> u64 {
        self.watches().map(Watch::blocks).sum()
    }

    /// What became of its blocks.
    pub(crate) fn story(&self) -> Story {
        let mut story = self.story;
        self.watches().for_each(|watch| story.add(watch.story()));
        story
    }

    fn is_shared(&self) -> bool {
        self.sharing.strong.is_some_and(|owners| owners > 1)
    }

    /// All that it is at this moment, each of its watches looked at once.
    pub(crate) fn now(&self) -> Now {
        if let Some(now) = self.settled.get() {
            return **now;
        }
        let (mut blocks, mut bytes, mut story) = (0, 0, self.story);
        for watch in self.watches() {
            blocks += watch.blocks();
            bytes += watch.bytes();
            story.add(watch.story());
        }
        let facts = self.facts_of(blocks > 0, story);
        let (stage, fate) = match self.by_size {
            Some(_) => (self.stage_by_size(), None),
            None => (facts.stage(), facts.fate()),
        };
        let now = Now { stage, fate, story, blocks, bytes };
        if self.ended_ms.is_some() && blocks == 0 && self.by_size.is_none() {
            let _ = self.settled.set(Box::new(now)); // it was not set
        }
        now
    }

    /// How many watches [`now`](Self::now) looks at.
    pub(crate) fn open_watches(&self) -> usize {
        if self.settled.get().is_some() { 0 } else { self.single.len() + self.grouped.len() }
    }

    fn facts(&self) -> Facts {
        self.facts_of(self.live_blocks() > 0, self.story())
    }

    fn facts_of(&self, lives: bool, story: Story) -> Facts {
        Facts {
            ended: self.ended_ms.is_some(),
            lives,
            shared: self.is_shared(),
            owned: self.owned || self.elsewhere,
            elsewhere: self.elsewhere,
            blocks_follow: self.blocks_follow,
            story,
        }
    }

    /// Where it is in its life, from events alone.
    pub(crate) fn stage(&self) -> Stage {
        if self.by_size.is_some() { self.stage_by_size() } else { self.facts().stage() }
    }

    /// What became of it; `None`: in scope, without a block of its own, or not measured.
    pub(crate) fn fate(&self) -> Option<Fate> {
        if self.by_size.is_some() { None } else { self.facts().fate() }
    }

    /// Its stage where its blocks are not followed.
    fn stage_by_size(&self) -> Stage {
        match self.ended_ms {
            None if self.is_shared() => Stage::Shared,
            None => Stage::Active,
            Some(_) if self.walk == Walk::Full && !self.owned && !self.elsewhere => Stage::NoHeap,
            Some(_) => Stage::Ended,
        }
    }

    /// Takes in the watches of a look, and gives up what older looks found and a complete one did not. Those that are
    /// given up have blocks, and are put into `given_up`.
    pub(super) fn take_in(
        &mut self,
        single: impl Iterator<Item = u32>,
        grouped: impl Iterator<Item = u32>,
        given_up: &mut Swept<u32>,
    ) {
        for id in single {
            self.single.push(id);
        }
        for id in grouped {
            self.grouped.push(id);
        }
        let (complete, _) = self.complete;
        let mut closed: SmallVec<[u32; 8]> = SmallVec::new();
        let story = &mut self.story;
        // Of a single block that was freed the story is shown.
        let mut keep = |id: u32, keeps_freed: bool| {
            let Some(watch) = Watch::get(id) else { return false };
            if watch.blocks() == 0 {
                if keeps_freed && watch.freed_at().is_some() {
                    return true;
                }
                story.add(watch.story());
                closed.push(id);
                return false;
            }
            if watch.look() >= complete {
                return true;
            }
            watch.give_up();
            story.add(watch.story());
            story.note_gone();
            given_up.push(id);
            false
        };
        self.single.retain(|id| keep(*id, true));
        self.grouped.retain(|id| keep(*id, false));
        if !closed.is_empty() {
            Watch::close(closed);
        }
    }

    /// The most bytes that were counted for it, or in sampling mode found; `None`: there was no room to count them.
    pub(crate) fn peak_bytes(&self) -> Option<u64> {
        self.counted.map(InstanceBytes::peak).or(self.by_size.map(|_| self.most_found))
    }

    /// Notes how many bytes it has now, after a look or at its end. Of moments in a row with the same bytes the first and the
    /// last stay; then of more than [`SEEN_LEN`] moments the one goes, whose neighbours are nearest to each other, but for the
    /// first and the last.
    pub(super) fn note_bytes(&mut self, now_ms: u64) {
        let heap_bytes = match (self.by_size, self.counted) {
            (Some(found), _) if self.ended_ms.is_none() => found.bytes,
            (None, Some(counters)) => counters.live(),
            _ => return,
        };
        self.most_found = self.most_found.max(heap_bytes);
        if let [.., before, last] = &mut *self.seen {
            if before.heap_bytes == heap_bytes && last.heap_bytes == heap_bytes {
                last.ms = now_ms;
                return;
            }
        }
        self.seen.push(BytesAt { ms: now_ms, heap_bytes });
        if self.seen.len() > SEEN_LEN {
            let span = |place: &usize| self.seen[place + 1].ms.saturating_sub(self.seen[place - 1].ms);
            let nearest = (1..self.seen.len() - 1).min_by_key(span);
            nearest.map(|place| self.seen.remove(place));
        }
    }

    /// Gives back the watches of one whose blocks are gone.
    pub(super) fn close(self) {
        Watch::close(self.watches().map(Watch::id));
    }

    /// Folds an ended instance whose blocks live; what reallocation did so far is counted for the row by the caller.
    pub(super) fn fold(self, id: u64) -> (EndedAlive, Story) {
        let mut story = self.story;
        let (alive, gone): (Vec<&Watch>, Vec<&Watch>) = self.watches().partition(|watch| watch.blocks() > 0);
        gone.iter().for_each(|watch| story.add(watch.story()));
        Watch::close(gone.iter().map(|watch| watch.id()));
        let folded = EndedAlive {
            id,
            watches: alive.iter().map(|watch| watch.id()).collect(),
            story: story.without_growth(),
            unused_bytes: self.unused_bytes,
            unknown_blocks: u32::try_from(self.unknown_blocks).unwrap_or(u32::MAX),
            shared: self.is_shared(),
        };
        (folded, story)
    }
}

impl EndedAlive {
    /// How many watches it has.
    pub(crate) fn watch_count(&self) -> usize {
        self.watches.len()
    }

    fn watches(&self) -> impl Iterator<Item = &'static Watch> {
        self.watches.iter().filter_map(|&id| Watch::get(id))
    }

    pub(crate) fn live_blocks(&self) -> u64 {
        self.watches().map(Watch::blocks).sum()
    }

    pub(crate) fn live_bytes(&self) -> u64 {
        self.watches().map(Watch::bytes).sum()
    }

    /// What became of its blocks. Of reallocation it says what its open watches saw.
    pub(crate) fn story(&self) -> Story {
        let mut story = self.story;
        self.watches().for_each(|watch| story.add(watch.story()));
        story
    }

    pub(crate) fn stage_and_fate(&self) -> (Stage, Option<Fate>) {
        let facts = Facts {
            ended: true,
            lives: self.live_blocks() > 0,
            shared: self.shared,
            owned: true,
            elsewhere: false,
            blocks_follow: false,
            story: self.story(),
        };
        (facts.stage(), facts.fate())
    }
}
