//! Instances of tracked bindings, and the blocks that they own.
//!
//! An instance is one execution of a tracked binding. Observing it walks the value and puts every block that it
//! owns under a watch (see `watch.rs`), so what becomes of them is known without looking again. The registry is
//! under a lock that the hook never takes; a value is walked outside of it.
//!
//! The number of instances kept is bounded: once an instance's binding has ended and the row has newer ones to show, it
//! is folded. Of one whose blocks live on, what stays is what tells its stage and fate when they are gone; then it is a
//! count.
//!
//! ```text
//!   in scope ──→ ended, among the newest 16 ──┬─ blocks alive: EndedAlive ──→ counts of the row
//!                                             └─ none ─────────────────────────────↑
//! ```
//!
//! In sampling mode blocks are not followed: an instance's bytes are what the last look found, they count for its row
//! while its binding is in scope, and of its end only the end is known. Past the first thousand executions of a
//! binding, instances are kept by lot (`weight.rs`); the others are counted and not looked at.

mod binding;
mod instance;
mod largest;
mod swept;

pub use binding::{Binding, bind, bind_argument, rebind};
pub(crate) use instance::{EndedAlive, Instance, Now};
pub(crate) use largest::Largest;

use crate::account::Account;
use crate::follow;
use crate::fork::{self, Side};
use crate::hold::{self, Held};
use crate::mode::{self, Decided};
use crate::owned_bytes::RowBytes;
use crate::site::Site;
use crate::snapshot::{Fate, Fates, Stage, Stages, Walk};
use crate::thread_state::{self, ROOT_NODE};
use crate::trackable::Sharing;
use crate::visitor::BySize;
use crate::watch::{End, Story, Watch};
use crate::weight::{self, Sum};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use swept::Swept;

/// Instances of a row that are kept after their end, to show them.
pub(crate) const HISTORY_LEN: usize = 16;
/// Blocks of an instance that have a watch of their own: the largest (`largest.rs`).
pub(crate) const STORY_LEN: usize = 8;
/// Rows that a row is said to share blocks with.
pub(crate) const SHARED_WITH_LEN: usize = 8;

/// All executions of one binding in one scope with one type.
pub(crate) struct Row {
    pub(crate) site: &'static Site,
    pub(crate) node: u32,
    pub(crate) type_name: &'static str,
    pub(crate) value_bytes: u64,
    pub(crate) first_ms: u64,
    pub(crate) last_observed_ms: u64,
    pub(crate) threads: BTreeSet<u32>,
    pub(crate) instances: Vec<u64>,
    /// Ended instances that are no longer kept one by one, and whose blocks lived when they were last looked for.
    pub(crate) ended_alive: Swept<EndedAlive>,
    /// Those whose blocks are gone.
    pub(crate) folded: Folded,
    /// Blocks that the last looks at its instances were shown twice as owned alone.
    pub(crate) owned_twice: u64,
    /// Rows that were seen to share a block with it.
    pub(crate) shared_with: SmallVec<[usize; 1]>,
    pub(crate) bytes: Option<&'static RowBytes>,
    /// What is known in sampling mode.
    pub(crate) by_size: RowBySize,
    /// How often instances were taken out of `instances`: who reads it piece by piece knows by it that it is not the same
    /// any more.
    pub(crate) folds: u64,
    fold_at: usize,
}

/// What stays of instances that are no longer kept.
#[derive(Clone, Copy, Default)]
pub(crate) struct Folded {
    pub(crate) stages: Stages,
    pub(crate) fates: Fates,
    /// Of [`EndedAlive`] ones too, up to when they were folded.
    pub(crate) grown_bytes: u64,
    pub(crate) moved_bytes: u64,
}

impl Folded {
    fn add_growth(&mut self, story: Story) {
        self.grown_bytes = self.grown_bytes.saturating_add(story.grown_bytes);
        self.moved_bytes = self.moved_bytes.saturating_add(story.moved_bytes);
    }

    fn count(&mut self, stage: Stage, fate: Option<Fate>) {
        self.stages.count(stage);
        self.fates.count(fate);
    }

    /// Adds an instance as it is now.
    pub(crate) fn add(&mut self, stage: Stage, fate: Option<Fate>, story: Story) {
        self.count(stage, fate);
        self.add_growth(story);
    }
}

/// A row in sampling mode.
#[derive(Clone, Default)]
pub(crate) struct RowBySize {
    /// Executions, kept or not.
    pub(crate) executions: u64,
    /// Of these, those in scope.
    pub(crate) in_scope: u64,
    /// Whether some were not kept, or stand for others.
    pub(crate) is_by_lot: bool,
    /// Of those in scope, as of their last observation.
    pub(crate) bytes: Sum,
    pub(crate) blocks: Sum,
    pub(crate) peak_bytes: u64,
    /// Kept ones that have ended and are folded, by stage.
    pub(crate) ended: Sum,
    pub(crate) no_heap: Sum,
}

impl RowBySize {
    /// Counts an instance that has ended and is no longer kept.
    fn fold(&mut self, instance: &Instance) {
        let of_stage = if instance.stage() == Stage::NoHeap { &mut self.no_heap } else { &mut self.ended };
        of_stage.add(1, instance.weight);
    }

    /// What a look at an instance in scope found, in place of what the one before did.
    fn replace(&mut self, before: BySize, after: BySize, weight: u64) {
        self.bytes.take_out(before.bytes, weight);
        self.blocks.take_out(before.blocks, weight);
        self.bytes.add(after.bytes, weight);
        self.blocks.add(after.blocks, weight);
        self.peak_bytes = self.peak_bytes.max(self.bytes.value);
    }
}

/// What tells a binding in scope from any other: its address, the scope that it is in (a callee may look at its caller's
/// value under the same name), its name and its type.
type Place = (usize, u32, &'static str, &'static str);

/// What grows with the program is in trees: a hash table moves all that it has when it is full, and whoever tracks a
/// variable waits meanwhile.
pub(crate) struct Registry {
    pub(crate) rows: Vec<Row>,
    /// Snapshots that read `rows` piece by piece; meanwhile nothing is taken out of a row's `ended_alive`.
    readers: u32,
    row_index: BTreeMap<(u32, u32, &'static str), usize>,
    // In boxes: a node of the tree has places for eleven.
    instances: BTreeMap<u64, Box<Instance>>,
    /// Bindings in scope.
    active: BTreeMap<Place, u64>,
    /// Executions in scope that are not kept, and their rows.
    unkept: BTreeMap<u64, (usize, Place)>,
    /// Executions of a binding with a type, in sampling mode.
    executions: Option<HashMap<(u32, &'static str), u64>>,
    /// The instance for which a shared block counts, by the address of its counts, in sampling mode.
    shared: Option<HashMap<usize, u64>>,
    /// Watches over what variables were last found not to own any more.
    given_up: Swept<u32>,
    next_instance: u64,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    rows: Vec::new(),
    readers: 0,
    row_index: BTreeMap::new(),
    instances: BTreeMap::new(),
    active: BTreeMap::new(),
    unkept: BTreeMap::new(),
    executions: None,
    shared: None,
    given_up: Swept::new(),
    next_instance: 1,
});

/// Runs `f` on the registry. Call it under [`thread_state::own_work`].
pub(crate) fn with_registry<R>(f: impl FnOnce(&mut Registry) -> R) -> R {
    f(&mut REGISTRY.lock())
}

/// Runs `f` on the registry for a snapshot, which is timed. Call it under [`thread_state::own_work`].
pub(crate) fn look_into_registry<R>(f: impl FnOnce(&Registry) -> R) -> R {
    let registry = REGISTRY.lock();
    hold::timed(Held::Variables, || f(&registry))
}

/// Rows can be read piece by piece while it lives. Make and drop it under [`thread_state::own_work`].
pub(crate) struct Reading(());

impl Reading {
    pub(crate) fn begin() -> Reading {
        with_registry(|registry| registry.readers += 1);
        Reading(())
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        with_registry(|registry| registry.readers -= 1);
    }
}

/// Takes the lock on the registry and keeps it, for a fork.
pub(crate) fn lock() {
    std::mem::forget(REGISTRY.lock());
}

/// Gives it back, in the process that took it or in its fork's child.
///
/// # Safety
/// [`lock`] was called before, by this thread or by the one whose fork it is in.
pub(crate) unsafe fn unlock(side: Side) {
    if matches!(side, Side::Child) {
        // SAFETY: the lock is held, and the child has no other thread: none that reads.
        unsafe { (*REGISTRY.data_ptr()).readers = 0 };
    }
    // SAFETY: the caller's promise is handed on.
    unsafe { fork::unlock(&REGISTRY, side) };
}

impl Registry {
    fn active_at(&self, place: Place) -> Option<u64> {
        self.active.get(&place).copied()
    }

    pub(crate) fn instance(&self, id: u64) -> Option<&Instance> {
        self.instances.get(&id).map(Box::as_ref)
    }

    fn row(&mut self, site: &'static Site, node: u32, type_name: &'static str, now_ms: u64) -> usize {
        *self.row_index.entry((site.number(), node, type_name)).or_insert_with(|| {
            self.rows.push(Row {
                site,
                node,
                type_name,
                value_bytes: 0,
                first_ms: now_ms,
                last_observed_ms: now_ms,
                threads: BTreeSet::new(),
                by_size: RowBySize::default(),
                instances: Vec::new(),
                ended_alive: Swept::new(),
                folded: Folded::default(),
                owned_twice: 0,
                shared_with: SmallVec::new(),
                bytes: RowBytes::open(self.rows.len()),
                folds: 0,
                fold_at: 2 * HISTORY_LEN,
            });
            self.rows.len() - 1
        })
    }

    fn begin_instance(&mut self, row: usize, thread: u32, bound_ms: u64, address: usize) -> u64 {
        let id = self.next_instance;
        self.next_instance += 1;
        let Row { site, type_name, node, .. } = self.rows[row];
        let place = (address, node, site.name, type_name);
        let is_by_size = mode::decided() == Decided::Sampling;
        let weight = if is_by_size { self.count_execution(row) } else { Some(1) };
        self.active.insert(place, id);
        let Some(weight) = weight else {
            self.unkept.insert(id, (row, place));
            return id;
        };
        let instance = Instance {
            weight,
            by_size: is_by_size.then(BySize::default),
            claims: SmallVec::new(),
            row,
            place,
            blocks_follow: blocks_follow(type_name),
            thread,
            bound_ms,
            observed_ms: bound_ms,
            observations: 0,
            ended_ms: None,
            end: None,
            walk: Walk::NotWalked,
            sharing: Sharing::default(),
            unused_bytes: 0,
            unknown_blocks: 0,
            owned_twice: 0,
            owned: false,
            elsewhere: false,
            looks: 0,
            complete: (0, Walk::NotWalked),
            story: Story::default(),
            counted: None,
            most_found: 0,
            seen: SmallVec::new(),
            single: SmallVec::new(),
            grouped: SmallVec::new(),
            settled: OnceCell::new(),
        };
        self.instances.insert(id, Box::new(instance));
        self.rows[row].instances.push(id);
        if self.rows[row].instances.len() >= self.rows[row].fold_at {
            self.fold(row);
        }
        id
    }

    /// Counts an execution of a row in sampling mode, and gives its weight; `None`: it is not to be kept.
    fn count_execution(&mut self, row: usize) -> Option<u64> {
        let Row { site, type_name, ref mut by_size, .. } = self.rows[row];
        let number = self.executions.get_or_insert_default().entry((site.number(), type_name)).or_default();
        let weight = if *number < weight::KEPT_IN_FULL {
            Some(1)
        } else {
            let mut hasher = DefaultHasher::new();
            (site.file, site.line, site.column, site.name, type_name).hash(&mut hasher);
            weight::of_execution(hasher.finish(), *number)
        };
        *number += 1;
        by_size.executions += 1;
        by_size.in_scope += 1;
        by_size.is_by_lot |= weight != Some(1);
        weight
    }

    fn end_instance(&mut self, id: u64, now_ms: u64, end: End) {
        let place = match self.unkept.remove(&id) {
            Some((row, place)) => {
                self.rows[row].by_size.in_scope -= 1;
                place
            }
            None => {
                let Some(instance) = self.instances.get_mut(&id) else { return };
                instance.ended_ms = Some(now_ms);
                instance.note_bytes(now_ms);
                instance.end = Some(end);
                instance.watches().for_each(|watch| watch.end(end));
                if let Some(found) = instance.by_size {
                    let row = &mut self.rows[instance.row].by_size;
                    row.replace(found, BySize::default(), instance.weight);
                    row.in_scope -= 1;
                }
                for address in instance.claims.drain(..) {
                    self.shared.get_or_insert_default().remove(&address);
                }
                instance.place
            }
        };
        // A later binding of the same name at the same address (a loop's next turn) stays.
        if self.active.get(&place) == Some(&id) {
            self.active.remove(&place);
        }
    }

    /// Folds the ended instances of a row, but for the newest.
    fn fold(&mut self, row: usize) {
        let row = &mut self.rows[row];
        let instances = &mut self.instances;
        row.folds += 1;
        let newest = row.instances.len().saturating_sub(HISTORY_LEN);
        let mut position = 0;
        row.instances.retain(|id| {
            let is_newest = position >= newest;
            position += 1;
            let Some(instance) = instances.get(id) else { return false };
            if is_newest || instance.ended_ms.is_none() {
                return true;
            }
            let Some(instance) = instances.remove(id) else { return false };
            if instance.by_size.is_some() {
                row.by_size.fold(&instance);
            } else if instance.live_blocks() > 0 {
                let (alive, story) = instance.fold(*id);
                row.folded.add_growth(story);
                row.ended_alive.push(alive);
            } else {
                row.folded.add(instance.stage(), instance.fate(), instance.story());
                instance.close();
            }
            false
        });
        // Half of the list is new at the next fold, so folding costs a constant amount for each instance.
        row.fold_at = 2 * row.instances.len().max(HISTORY_LEN);
        if self.readers == 0 {
            row.sweep();
        }
    }

    /// Gives back watches over what nobody owns, where it is gone.
    fn sweep_given_up(&mut self) {
        let mut gone: SmallVec<[u32; 8]> = SmallVec::new();
        let is_gone = |&id: &u32| Watch::get(id).is_some_and(|watch| watch.blocks() == 0);
        self.given_up.sweep(is_gone, |id| gone.push(id));
        if !gone.is_empty() {
            Watch::close(gone);
        }
    }
}

impl Row {
    /// Counts folded instances whose blocks are gone meanwhile.
    fn sweep(&mut self) {
        let folded = &mut self.folded;
        let mut closed: SmallVec<[u32; 16]> = SmallVec::new();
        let is_gone = |ended: &EndedAlive| ended.live_blocks() == 0;
        self.ended_alive.sweep(is_gone, |ended| {
            let (stage, fate) = ended.stage_and_fate();
            folded.count(stage, fate);
            folded.add_growth(ended.story());
            closed.extend_from_slice(&ended.watches);
        });
        if !closed.is_empty() {
            Watch::close(closed);
        }
    }

    fn note_sharing(&mut self, other: usize) {
        if self.shared_with.len() < SHARED_WITH_LEN && !self.shared_with.contains(&other) {
            self.shared_with.push(other);
        }
    }
}

/// Whether the blocks of a value of this type stay under watch when it grows: these types grow by reallocation, or
/// not at all. A map takes a new table and frees the old one, which looks like its end until it is looked at again.
fn blocks_follow(type_name: &str) -> bool {
    let name = type_name.split('<').next().unwrap_or(type_name);
    [
        "alloc::vec::Vec",
        "alloc::string::String",
        "alloc::boxed::Box",
        "alloc::rc::Rc",
        "alloc::sync::Arc",
        "alloc::collections::vec_deque::VecDeque",
        "alloc::collections::binary_heap::BinaryHeap",
        "std::path::PathBuf",
        "std::ffi::os_str::OsString",
    ]
    .contains(&name)
}

impl Stages {
    pub(crate) fn count(&mut self, stage: Stage) {
        *match stage {
            Stage::Active => &mut self.active,
            Stage::Shared => &mut self.shared,
            Stage::Allocated => &mut self.allocated,
            Stage::Moved => &mut self.moved,
            Stage::Deallocated => &mut self.deallocated,
            Stage::Ended => &mut self.ended,
            Stage::NoHeap => &mut self.no_heap,
        } += 1;
    }
}

impl Fates {
    pub(crate) fn count(&mut self, fate: Option<Fate>) {
        *match fate {
            None => return,
            Some(Fate::DroppedInScope) => &mut self.dropped_in_scope,
            Some(Fate::OutlivedScope) => &mut self.outlived_scope,
            Some(Fate::LiveAtExport) => &mut self.live_at_export,
        } += 1;
    }
}

/// The scope node that is current on this thread.
pub(crate) fn current_node() -> u32 {
    thread_state::with(|local| local.account().map_or(ROOT_NODE, Account::node))
}

/// Lets a shared block count for an instance. `Err`: it counts for another one in scope, of this row.
pub(crate) fn claim_shared(address: usize, id: u64) -> Result<(), Option<usize>> {
    with_registry(|registry| {
        let instances = &mut registry.instances;
        let shared = registry.shared.get_or_insert_default();
        if let Some(holder) = shared.get(&address).filter(|&&holder| holder != id) {
            return Err(instances.get(holder).map(|holder| holder.row)); // claims are given back at the binding's end
        }
        let Some(instance) = instances.get_mut(&id).filter(|instance| instance.ended_ms.is_none()) else {
            return Err(None);
        };
        if shared.insert(address, id).is_none() {
            instance.claims.push(address);
        }
        Ok(())
    })
}

/// Whether the binding of an instance is in scope.
pub(crate) fn is_in_scope(instance: u64) -> bool {
    with_registry(|registry| registry.instance(instance).is_some_and(|instance| instance.ended_ms.is_none()))
}

/// Gives the block at `address`, which shares a watch with others of its instance, a watch of its own, so that it can be
/// followed; false if it is not there any more, or there is no room.
pub(crate) fn set_apart(shared: &Watch, address: usize) -> bool {
    let (id, row) = (shared.instance(), shared.row_number());
    with_registry(|registry| {
        let Some(row) = row.and_then(|row| registry.rows.get_mut(row)) else { return false };
        let kept = registry.instances.get_mut(&id);
        let ended = kept
            .is_none()
            .then(|| row.ended_alive.entries_mut().iter_mut().find(|ended| ended.id == id))
            .flatten();
        if kept.is_none() && ended.is_none() {
            return false;
        }
        let Some(watch) = follow::set_apart(id, address) else { return false };
        match (kept, ended) {
            (Some(instance), _) => {
                instance.settled.take();
                instance.single.push(watch.id());
            }
            (None, Some(ended)) => ended.watches.push(watch.id()),
            (None, None) => {}
        }
        true
    })
}
