//! Instances of tracked bindings, and the blocks that they own.
//!
//! An instance is one execution of a tracked binding. Observing it walks the value and puts every block that it
//! owns under a watch (see `watch.rs`), so what becomes of them is known without looking again. The registry is
//! under a lock that the hook never takes; a value is walked outside of it.
//!
//! The number of instances kept is bounded: once an instance's binding has ended and its blocks are gone, and the
//! row has newer ones to show, it is folded into the row's counts.
//!
//! In sampling mode blocks are not followed: an instance's bytes are what the last look found, they count for its row
//! while its binding is in scope, and of its end only the end is known. Past the first thousand executions of a
//! binding, instances are kept by lot (`weight.rs`); the others are counted and not looked at.

use crate::fork::{self, Side};
use crate::mode::{self, Decided};
use crate::site::Site;
use crate::snapshot::{Stage, Stages, Walk};
use crate::thread_state::{self, Local, OWN_NODE, ROOT_NODE};
use crate::trackable::Walker;
use crate::visitor::{BySize, Visitor};
use crate::watch::{RowBytes, Watch};
use crate::weight::{self, Sum};
use crate::{account::Account, by_name, clock, follow, observer};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::any::type_name;
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Instances of a row that are kept after their end, to show them.
pub(crate) const HISTORY_LEN: usize = 16;
/// Blocks of an instance that have a watch of their own.
pub(crate) const STORY_LEN: usize = 8;

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
    /// Ended instances that are no longer kept.
    pub(crate) folded: Stages,
    pub(crate) bytes: Option<&'static RowBytes>,
    /// What is known in sampling mode.
    pub(crate) by_size: RowBySize,
    fold_at: usize,
}

/// A row in sampling mode.
#[derive(Default)]
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
    /// What a look at an instance in scope found, in place of what the one before did.
    fn replace(&mut self, before: BySize, after: BySize, weight: u64) {
        self.bytes.take_out(before.bytes, weight);
        self.blocks.take_out(before.blocks, weight);
        self.bytes.add(after.bytes, weight);
        self.blocks.add(after.blocks, weight);
        self.peak_bytes = self.peak_bytes.max(self.bytes.value);
    }
}

/// One execution of a binding.
pub(crate) struct Instance {
    /// How many executions it stands for.
    pub(crate) weight: u64,
    /// In sampling mode, what the last look found.
    pub(crate) by_size: Option<BySize>,
    /// Shared blocks that count for it, in sampling mode.
    claims: SmallVec<[usize; 1]>,
    /// Whether any look found a block, in sampling mode.
    owned: bool,
    row: usize,
    place: Place,
    /// Whether growth keeps the blocks of such a value under watch.
    blocks_follow: bool,
    pub(crate) thread: u32,
    pub(crate) bound_ms: u64,
    pub(crate) observed_ms: u64,
    pub(crate) observations: u64,
    pub(crate) ended_ms: Option<u64>,
    /// How far the last observation could look into the value.
    pub(crate) walk: Walk,
    pub(crate) strong_owners: Option<u64>,
    /// Whether a block of it counts for another variable that shares it.
    elsewhere: bool,
    /// Watches of single blocks.
    pub(crate) single: SmallVec<[u32; 4]>,
    /// Watches of all other blocks, one for each account.
    pub(crate) grouped: SmallVec<[u32; 2]>,
}

/// What tells a binding in scope from any other: its name, its address, its type, and the scope that it is in (a
/// callee may look at its caller's value under the same name).
type Place = (&'static str, usize, &'static str, u32);

pub(crate) struct Registry {
    pub(crate) rows: Vec<Row>,
    row_index: Option<HashMap<(u32, u32, &'static str), usize>>,
    pub(crate) instances: Option<HashMap<u64, Instance>>,
    /// Bindings in scope.
    active: Option<HashMap<Place, u64>>,
    /// Executions in scope that are not kept, and their rows.
    unkept: Option<HashMap<u64, (usize, Place)>>,
    /// Executions of a binding with a type, in sampling mode.
    executions: Option<HashMap<(u32, &'static str), u64>>,
    /// The instance for which a shared block counts, by the address of its counts, in sampling mode.
    shared: Option<HashMap<usize, u64>>,
    next_instance: u64,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    rows: Vec::new(),
    row_index: None,
    instances: None,
    active: None,
    unkept: None,
    executions: None,
    shared: None,
    next_instance: 1,
});

/// Runs `f` on the registry. Call it under [`thread_state::own_work`].
pub(crate) fn with_registry<R>(f: impl FnOnce(&mut Registry) -> R) -> R {
    f(&mut REGISTRY.lock())
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
    // SAFETY: the caller's promise is handed on.
    unsafe { fork::unlock(&REGISTRY, side) };
}

/// A tracked binding; its end is noted when this is dropped.
#[derive(Debug)]
#[must_use = "the binding's end is noted when this is dropped"]
pub struct Binding {
    site: &'static Site,
    /// May be another observation of a binding that is tracked already.
    observes_again: bool,
    bound_ms: u64,
    /// The instance that this binding began; 0: none.
    instance: std::sync::atomic::AtomicU64,
}

/// Begins a binding: called before the user's `let`, and so dropped after it.
pub fn bind(site: &'static Site) -> Binding {
    begin(site, false)
}

/// Looks at a binding that exists: the same instance, if it is tracked already.
pub fn rebind(site: &'static Site) -> Binding {
    begin(site, true)
}

fn begin(site: &'static Site, observes_again: bool) -> Binding {
    site.note_binding();
    Binding { site, observes_again, bound_ms: clock::now_ms(), instance: 0.into() }
}

impl Binding {
    /// Looks at the value: finds its blocks and puts them under watch.
    pub fn observe<T: ?Sized>(&self, value: &T, walker: Walker<T>) {
        let node = thread_state::with_account(|_, account| account.node());
        let node = match node {
            None => return,           // nothing is recorded
            Some(OWN_NODE) => return, // memscope's own work
            Some(node) => node,
        };
        let _own = thread_state::own_work();
        observer::start();
        let thread = thread_state::with(Local::known_thread).unwrap_or(0);
        let now_ms = clock::refresh();
        let address = std::ptr::from_ref(value).cast::<u8>().addr();
        let id = with_registry(|registry| {
            let known = self
                .observes_again
                .then(|| registry.active_at((self.site.name, address, type_name::<T>(), node)))
                .flatten();
            known.unwrap_or_else(|| {
                let row = registry.row(self.site, node, type_name::<T>(), now_ms);
                let id = registry.begin_instance(row, thread, self.bound_ms, address);
                registry.rows[row].threads.insert(thread);
                self.instance.store(id, std::sync::atomic::Ordering::Relaxed);
                id
            })
        });
        // Another thread may have ended the binding of a place that both look at (a static): nothing to add then.
        let Some(mut look) = Look::begin(id) else { return };
        let mut walk = walker.walk;
        if walk == Walk::NotWalked {
            walk = by_name::visit_own_blocks(value, type_name::<T>(), &mut look.visitor);
        } else {
            (walker.visit)(value, &mut look.visitor);
        }
        if let Some(found) = look.visitor.by_size {
            if look.visitor.incomplete {
                // The elements' blocks without their container's would be no figure that anybody asks for.
                walk = if found.own_is_unknown { Walk::NotWalked } else { walk.max(Walk::ContainerOnly) };
            }
        } else if look.visitor.incomplete {
            let found_some = !look.visitor.single.is_empty();
            walk = if found_some { walk.max(Walk::ContainerOnly) } else { Walk::NotWalked };
        }
        let strong_owners = (walker.sharing)(value).strong.map(|count| count as u64);
        look.seen =
            Some(Seen { thread, now_ms, value_bytes: size_of_val(value) as u64, walk, strong_owners });
    }
}

/// One look at an instance. What it found is kept when it is dropped, also where a user's `Trackable` panics: the
/// blocks are under watch by then.
struct Look {
    id: u64,
    visitor: Visitor<'static>,
    /// What a whole walk says; `None`: it did not come to its end.
    seen: Option<Seen>,
}

struct Seen {
    thread: u32,
    now_ms: u64,
    value_bytes: u64,
    walk: Walk,
    strong_owners: Option<u64>,
}

impl Look {
    fn begin(id: u64) -> Option<Look> {
        let visitor = with_registry(|registry| {
            let instance = registry.instances.as_mut()?.get_mut(&id)?;
            let bytes = registry.rows[instance.row].bytes;
            for address in instance.claims.drain(..) {
                registry.shared.get_or_insert_default().remove(&address);
            }
            let mut visitor =
                Visitor::new(id, instance.row, bytes, instance.single.clone(), instance.grouped.clone());
            visitor.by_size = instance.by_size.map(|_| BySize::default());
            Some(visitor)
        })?;
        Some(Look { id, visitor, seen: None })
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        with_registry(|registry| {
            let Some(instance) = registry.instances.as_mut().and_then(|all| all.get_mut(&self.id)) else {
                return;
            };
            // Two threads may look at one place at once, each with watches of its own.
            let visitor = &self.visitor;
            let single = visitor.single.iter().filter(|&watch| !instance.single.contains(watch)).copied();
            let single: SmallVec<[u32; 4]> = single.collect();
            let grouped = visitor.grouped.iter().filter(|&watch| !instance.grouped.contains(watch)).copied();
            let grouped: SmallVec<[u32; 2]> = grouped.collect();
            instance.single.extend(single);
            instance.grouped.extend(grouped);
            instance.elsewhere |= self.visitor.elsewhere;
            let Some(seen) = &self.seen else { return };
            instance.observed_ms = seen.now_ms;
            instance.observations += 1;
            instance.walk = seen.walk;
            instance.strong_owners = seen.strong_owners;
            let row = &mut registry.rows[instance.row];
            if let Some(found) = self.visitor.by_size {
                // Where only a part of the value is known, the part is no figure.
                let found = if seen.walk == Walk::NotWalked { BySize::default() } else { found };
                let before = instance.by_size.replace(found).unwrap_or_default();
                instance.owned |= found.blocks > 0;
                if instance.ended_ms.is_none() {
                    row.by_size.replace(before, found, instance.weight);
                }
            }
            row.value_bytes = seen.value_bytes;
            row.last_observed_ms = seen.now_ms;
            row.threads.insert(seen.thread);
        });
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        let id = *self.instance.get_mut();
        if id == 0 {
            return;
        }
        let _own = thread_state::own_work();
        let now_ms = clock::refresh();
        with_registry(|registry| registry.end_instance(id, now_ms));
    }
}

impl Registry {
    fn active_at(&self, place: Place) -> Option<u64> {
        self.active.as_ref()?.get(&place).copied()
    }

    fn row(&mut self, site: &'static Site, node: u32, type_name: &'static str, now_ms: u64) -> usize {
        let index = self.row_index.get_or_insert_default();
        *index.entry((site.number(), node, type_name)).or_insert_with(|| {
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
                folded: Stages::default(),
                bytes: RowBytes::open(),
                fold_at: 2 * HISTORY_LEN,
            });
            self.rows.len() - 1
        })
    }

    fn begin_instance(&mut self, row: usize, thread: u32, bound_ms: u64, address: usize) -> u64 {
        let id = self.next_instance;
        self.next_instance += 1;
        let Row { site, type_name, node, .. } = self.rows[row];
        let place = (site.name, address, type_name, node);
        let is_by_size = mode::decided() == Decided::Sampling;
        let weight = if is_by_size { self.count_execution(row) } else { Some(1) };
        self.active.get_or_insert_default().insert(place, id);
        let Some(weight) = weight else {
            self.unkept.get_or_insert_default().insert(id, (row, place));
            return id;
        };
        let instance = Instance {
            weight,
            by_size: is_by_size.then(BySize::default),
            claims: SmallVec::new(),
            owned: false,
            row,
            place,
            blocks_follow: blocks_follow(type_name),
            thread,
            bound_ms,
            observed_ms: bound_ms,
            observations: 0,
            ended_ms: None,
            walk: Walk::NotWalked,
            strong_owners: None,
            elsewhere: false,
            single: SmallVec::new(),
            grouped: SmallVec::new(),
        };
        self.instances.get_or_insert_default().insert(id, instance);
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

    fn end_instance(&mut self, id: u64, now_ms: u64) {
        let place = match self.unkept.as_mut().and_then(|all| all.remove(&id)) {
            Some((row, place)) => {
                self.rows[row].by_size.in_scope -= 1;
                place
            }
            None => {
                let Some(instance) = self.instances.as_mut().and_then(|all| all.get_mut(&id)) else { return };
                instance.ended_ms = Some(now_ms);
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
        if let Some(active) = self.active.as_mut() {
            // A later binding of the same name at the same address (a loop's next turn) stays.
            if active.get(&place) == Some(&id) {
                active.remove(&place);
            }
        }
    }

    /// Drops the instances of a row that can change no more, but for the newest.
    fn fold(&mut self, row: usize) {
        let row = &mut self.rows[row];
        let Some(instances) = self.instances.as_mut() else { return };
        let newest = row.instances.len().saturating_sub(HISTORY_LEN);
        let mut index = 0;
        row.instances.retain(|id| {
            let position = index;
            index += 1;
            let Some(instance) = instances.get(id) else { return false };
            if position >= newest || instance.ended_ms.is_none() || instance.live_blocks() > 0 {
                return true;
            }
            match instance.stage() {
                Stage::NoHeap if instance.by_size.is_some() => row.by_size.no_heap.add(1, instance.weight),
                Stage::Ended => row.by_size.ended.add(1, instance.weight),
                stage => row.folded.count(stage),
            }
            Watch::close(instance.watches());
            instances.remove(id);
            false
        });
        // Half of the list is new at the next fold, so folding costs a constant amount for each instance.
        row.fold_at = 2 * row.instances.len().max(HISTORY_LEN);
    }
}

impl Instance {
    fn watches(&self) -> impl Iterator<Item = u32> {
        self.single.iter().chain(&self.grouped).copied()
    }

    fn sum(&self, figure: impl Fn(&Watch) -> u64) -> u64 {
        self.watches().filter_map(Watch::get).map(figure).sum()
    }

    pub(crate) fn live_blocks(&self) -> u64 {
        self.sum(Watch::blocks)
    }

    pub(crate) fn live_bytes(&self) -> u64 {
        self.sum(Watch::bytes)
    }

    pub(crate) fn grown_bytes(&self) -> u64 {
        self.sum(Watch::grown_bytes)
    }

    /// Where it is in its life, from events alone.
    pub(crate) fn stage(&self) -> Stage {
        if self.by_size.is_some() {
            return self.stage_by_size();
        }
        let lives = self.live_blocks() > 0;
        let shared = self.strong_owners.is_some_and(|owners| owners > 1);
        let was_seen_to_own = !self.single.is_empty();
        let freed = self.sum(|watch| u64::from(watch.freed_at().is_some())) > 0;
        let gone = if !was_seen_to_own && !self.elsewhere {
            Stage::NoHeap
        } else if !freed && (self.elsewhere || self.sum(Watch::handed_over) > 0) {
            Stage::Moved
        } else {
            Stage::Deallocated
        };
        match (self.ended_ms.is_some(), lives) {
            // Dropped or moved out of before the binding's end; of a map it may only be the table that it outgrew.
            (false, false) if freed && self.blocks_follow => Stage::Deallocated,
            (false, _) if shared => Stage::Shared,
            (false, _) => Stage::Active,
            (true, true) if shared => Stage::Shared,
            (true, true) => Stage::Allocated,
            (true, false) => gone,
        }
    }
}

impl Instance {
    /// Its stage where its blocks are not followed.
    fn stage_by_size(&self) -> Stage {
        let shared = self.strong_owners.is_some_and(|owners| owners > 1);
        match self.ended_ms {
            None if shared => Stage::Shared,
            None => Stage::Active,
            Some(_) if self.walk == Walk::Full && !self.owned && !self.elsewhere => Stage::NoHeap,
            Some(_) => Stage::Ended,
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

/// The scope node that is current on this thread.
pub(crate) fn current_node() -> u32 {
    thread_state::with(|local| local.account().map_or(ROOT_NODE, Account::node))
}

/// Lets a shared block count for an instance; false if it counts for another one in scope.
pub(crate) fn claim_shared(address: usize, id: u64) -> bool {
    with_registry(|registry| {
        let instances = registry.instances.get_or_insert_default();
        let shared = registry.shared.get_or_insert_default();
        if shared.get(&address).is_some_and(|&holder| holder != id) {
            return false; // claims are given back at the binding's end
        }
        let Some(instance) = instances.get_mut(&id).filter(|instance| instance.ended_ms.is_none()) else {
            return false;
        };
        if shared.insert(address, id).is_none() {
            instance.claims.push(address);
        }
        true
    })
}

/// Whether the binding of an instance is in scope.
pub(crate) fn is_in_scope(instance: u64) -> bool {
    with_registry(|registry| {
        let instance = registry.instances.as_ref().and_then(|all| all.get(&instance));
        instance.is_some_and(|instance| instance.ended_ms.is_none())
    })
}

/// The row of an instance that is kept.
pub(crate) fn row_of(instance: u64) -> Option<usize> {
    with_registry(|registry| Some(registry.instances.as_ref()?.get(&instance)?.row))
}

/// Gives the block at `address`, which shares a watch with others of its instance, a watch of its own, so that it can be
/// followed; false if it is not there any more, or there is no room.
pub(crate) fn set_apart(instance: u64, address: usize) -> bool {
    with_registry(|registry| {
        let Some(kept) = registry.instances.as_mut().and_then(|all| all.get_mut(&instance)) else {
            return false;
        };
        let watch = follow::set_apart(instance, address, registry.rows[kept.row].bytes);
        kept.single.extend(watch.map(Watch::id));
        watch.is_some()
    })
}
