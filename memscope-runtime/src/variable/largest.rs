//! Which blocks of an instance have a watch of their own: the largest.
//!
//! A look gives one to the first blocks that it meets, for it does not know what comes; all others come under watches over
//! many. It remembers the largest of these, and at its end each takes the place of a smaller one, freed or alive, which comes
//! under a watch over many or into the sum of the story. So a walk of many blocks changes at most [`STORY_LEN`] of them.

use super::STORY_LEN;
use super::instance::Instance;
use crate::follow;
use crate::watch::Watch;
use smallvec::SmallVec;

/// The largest blocks of a look that are under watches over many: bytes and address.
#[derive(Debug, Default)]
pub(crate) struct Largest {
    blocks: SmallVec<[(usize, usize); STORY_LEN]>,
    /// The size of the smallest, when there are [`STORY_LEN`].
    least: usize,
}

impl Largest {
    /// A block came under a watch over many.
    pub(crate) fn note(&mut self, address: usize, bytes: usize) {
        let is_full = self.blocks.len() == STORY_LEN;
        if is_full && bytes <= self.least || self.blocks.iter().any(|&(_, other)| other == address) {
            return;
        }
        if is_full {
            let smallest = (0..STORY_LEN).min_by_key(|&place| self.blocks[place]).unwrap_or(0);
            self.blocks.swap_remove(smallest);
        }
        self.blocks.push((bytes, address));
        if self.blocks.len() == STORY_LEN {
            self.least = self.blocks.iter().map(|&(bytes, _)| bytes).min().unwrap_or(0);
        }
    }

    /// Gives each that is larger than a block with a watch of its own that block's place. `look`: the look's number.
    pub(super) fn set_apart(&mut self, id: u64, look: u64, instance: &mut Instance) {
        self.blocks.sort_unstable_by(|one, other| other.cmp(one));
        for (bytes, address) in self.blocks.drain(..) {
            if instance.single.len() >= STORY_LEN && !instance.make_room(id, look, bytes as u64) {
                break;
            }
            if let Some(watch) = follow::set_apart(id, address) {
                instance.single.push(watch.id());
            }
        }
    }
}

impl Instance {
    /// Takes the smallest block's own watch from it, if it is smaller than `bytes` and nobody follows it.
    fn make_room(&mut self, id: u64, look: u64, bytes: u64) -> bool {
        let is_in_turn = |watch: &&Watch| {
            let is_freed = watch.blocks() == 0;
            watch.listener() == 0 && watch.last_bytes() < bytes && (is_freed || watch.look() == look)
        };
        let singles = self.single.iter().filter_map(|&id| Watch::get(id));
        let Some(smallest) = singles.filter(is_in_turn).min_by_key(|watch| watch.last_bytes()) else {
            return false;
        };
        if smallest.blocks() > 0 {
            let joined =
                self.shared_for(id, look, smallest).is_some_and(|shared| follow::join(smallest, shared));
            if !joined {
                return false;
            }
        }
        self.story.add(smallest.story());
        self.single.retain(|id| *id != smallest.id());
        Watch::close([smallest.id()]);
        true
    }

    /// A watch over many that serves the block of `single`.
    fn shared_for(&mut self, id: u64, look: u64, single: &Watch) -> Option<&'static Watch> {
        let serves = |watch: &&Watch| {
            watch.account() == single.account()
                && watch.look() == look
                && watch.is_whole() == single.is_whole()
                && watch.listener() == 0
        };
        let grouped = self.grouped.iter().filter_map(|&id| Watch::get(id));
        if let Some(watch) = grouped.into_iter().find(serves) {
            return Some(watch);
        }
        let watch = Watch::open(id, single.account(), self.counted)?;
        watch.group(look, single.is_whole());
        if let Some(end) = self.end {
            watch.end(end);
        }
        self.grouped.push(watch.id());
        Some(watch)
    }
}
