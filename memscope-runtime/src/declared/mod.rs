//! Allocations that the program declares: address, size and name, without the macros.
//!
//! Where memscope's allocator is installed and knows the block, the block is watched, so its end and its growth are
//! measured. Where not, the figures are what was declared.
//!
//! Kept are all allocations that live and the newest [`ENDED_LEN`] that ended; older ones are counted. A ledger that is
//! [`Ledger::sampled`] keeps all of the first thousand declarations of a site (a place in the source with a name and
//! a type), and of those after them a part, by the rule of `weight.rs`. It counts every one.
//!
//! Invariant: whether a declaration is kept depends on its number alone, and what ends a kept one ends it whether what
//! comes after is kept or not. So kept ones live as long as all others, and weighted sums over them have no bias.

#[cfg(not(feature = "recorder"))]
mod no_recorder;
#[cfg(feature = "recorder")]
mod recorder;
mod rows;
mod tally;

#[cfg(not(feature = "recorder"))]
use self::no_recorder as recorder;
use self::rows::Copied;
use self::tally::Tally;
use crate::hold::{self, Held};
use crate::snapshot::{Provenance, Snapshot};
use crate::weight::{self, Sum};
use parking_lot::Mutex;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::Location;
use std::sync::OnceLock;
use std::thread::ThreadId;
use std::time::{SystemTime, UNIX_EPOCH};

/// Ended allocations that are kept in full.
pub const ENDED_LEN: usize = 10_000;
/// Instances of a row that are shown one by one.
const HISTORY_LEN: usize = 16;

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file.
    pub file: Cow<'static, str>,
    /// The line in it, from 1.
    pub line: u32,
    /// The column in that, from 1; 0: not noted.
    pub column: u32,
}

impl From<&'static Location<'static>> for Place {
    fn from(location: &'static Location<'static>) -> Place {
        Place { file: Cow::Borrowed(location.file()), line: location.line(), column: location.column() }
    }
}

/// One declared allocation.
#[derive(Clone, Debug)]
pub struct Declared {
    /// Its address: as declared, or where it is now if the allocator knows the block.
    pub address: usize,
    /// Its size now: as declared, or as measured where the allocator knows the block.
    pub bytes: usize,
    /// The variable's name.
    pub name: Option<String>,
    /// The type's name, where it was declared.
    pub type_name: Option<String>,
    /// Where in the source it was declared, where that was noted.
    pub place: Option<Place>,
    /// Names of the scope's path from the root. Of a declaration of this process it is filled by
    /// [`snapshot_with`](crate::snapshot_with).
    pub scope: Vec<String>,
    /// How many declarations of its site this one stands for.
    pub weight: u64,
    /// The thread that declared it: memscope's number, or the ledger's own where nothing is recorded.
    pub thread: u32,
    /// When it was declared, nanoseconds since the Unix epoch.
    pub declared_ns: u64,
    /// When it was declared free, or seen to be freed, nanoseconds since the Unix epoch.
    pub ended_ns: Option<u64>,
    /// Number of the thread that freed it; `None`: it lives, or the allocator does not know.
    pub freed_by: Option<u32>,
    /// Resizes, as the allocator saw them.
    pub reallocations: u64,
    /// Bytes that these resizes gained.
    pub grown_bytes: u64,
    /// Whether size, resizes and end are measured by the allocator.
    pub provenance: Provenance,
    /// Number of the scope node that was current.
    node: u32,
    /// Number of the watch over the block; 0: none.
    #[cfg_attr(
        not(feature = "recorder"),
        expect(dead_code, reason = "without a recorder there are no watches")
    )]
    watch: u32,
}

impl Declared {
    /// A record that somebody kept: outside of all scopes, of no noted place, and not watched.
    #[expect(clippy::too_many_arguments, reason = "one for each fact of the record")]
    pub fn record(
        address: usize,
        bytes: usize,
        name: Option<String>,
        type_name: Option<String>,
        thread: u32,
        declared_ns: u64,
        ended_ns: Option<u64>,
        provenance: Provenance,
    ) -> Declared {
        Declared {
            address,
            bytes,
            name,
            type_name,
            place: None,
            scope: Vec::new(),
            weight: 1,
            thread,
            declared_ns,
            ended_ns,
            freed_by: None,
            reallocations: 0,
            grown_bytes: 0,
            provenance,
            node: 0,
            watch: 0,
        }
    }
}

/// What a program declared.
#[derive(Debug)]
pub struct Ledger {
    started_ns: u64,
    /// What the lots are drawn with; `None`: every declaration is kept.
    seed: Option<u64>,
    entries: Mutex<Entries>,
}

/// Memory of foreign code that the program declared (`memscope::ffi::foreign`).
static FOREIGN: OnceLock<Ledger> = OnceLock::new();

/// The ledger of foreign memory, made now if there was none. Call it under [`own_work`](crate::own_work).
#[cfg(feature = "recorder")]
fn foreign() -> &'static Ledger {
    FOREIGN.get_or_init(Ledger::default)
}

/// Notes memory of foreign code, unless nothing is recorded.
#[cfg(feature = "recorder")]
pub fn declare_foreign(address: usize, bytes: usize, name: &str, place: &'static Location<'static>) {
    if address == 0 || !crate::mode::is_recording() {
        return;
    }
    let _errno = crate::errno::Errno::keep();
    let node = recorder::current_node();
    let _own = crate::own_work();
    let site = Site { place: Some(place.into()), name: Some(name.to_owned()), type_name: None };
    foreign().declare_in(node, address, bytes, site);
}

/// Notes that memory of foreign code is freed, unless nothing is recorded.
#[cfg(feature = "recorder")]
pub fn release_foreign(address: usize) {
    if address == 0 || !crate::mode::is_recording() {
        return;
    }
    let _errno = crate::errno::Errno::keep();
    let _own = crate::own_work();
    foreign().declare_free(address);
}

/// The ledger of foreign memory, if anything was ever declared in it.
pub(crate) fn known_foreign() -> Option<&'static Ledger> {
    FOREIGN.get().filter(|ledger| {
        let entries = ledger.entries.lock();
        !entries.sites.is_empty() || entries.unmatched > 0
    })
}

/// Takes the lock on the declarations of foreign memory and keeps it, for a fork.
#[cfg(feature = "recorder")]
pub(crate) fn lock_foreign() {
    std::mem::forget(foreign().entries.lock());
}

/// Gives it back, in the process that took it or in its fork's child.
///
/// # Safety
/// [`lock_foreign`] was called before, by this thread or by the one whose fork it is in.
#[cfg(feature = "recorder")]
pub(crate) unsafe fn unlock_foreign(side: crate::fork::Side) {
    // SAFETY: the caller's promise is handed on.
    unsafe { crate::fork::unlock(&foreign().entries, side) };
}

/// Who declared something.
#[derive(Debug, PartialEq, Eq, Hash)]
enum ThreadKey {
    /// A thread of this process.
    Running(ThreadId),
    /// A thread of which only the number was kept.
    Numbered(u32),
}

/// Who declares what: the place in the source, where it was noted, the name and the type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Site {
    place: Option<Place>,
    name: Option<String>,
    type_name: Option<String>,
}

/// The declarations of a site.
#[derive(Debug)]
struct Declarations {
    count: u64,
    seed: u64,
    by_node: BTreeMap<u32, InNode>,
}

/// The declarations of a site in one scope node.
#[derive(Clone, Debug)]
struct InNode {
    /// Who declared there.
    threads: BTreeSet<u32>,
    first_ns: u64,
    last_ns: u64,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Entries {
    live: HashMap<usize, Declared>,
    ended: VecDeque<Declared>,
    /// Ended allocations that are no longer kept are in the tallies; the others are added when these are read.
    sites: HashMap<Site, Declarations>,
    by_thread: HashMap<u32, Tally>,
    threads: HashMap<ThreadKey, (u32, Option<String>)>,
    /// As declared, of what lives, and when that was most.
    live_bytes: Sum,
    peak_bytes: Sum,
    unmatched: u64,
    /// Paths of scopes, where the records brought them along: their nodes are places in here.
    paths: Vec<Vec<String>>,
    /// Declarations that were not kept and may be live.
    unkept: u64,
    unkept_freed: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Ledger { started_ns: unix_ns(), seed: None, entries: Mutex::default() }
    }
}

/// Nanoseconds since the Unix epoch; 0 before it.
fn unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl Ledger {
    /// A ledger that keeps declarations by lot past the first thousand of a site. One of the same `seed` keeps the same
    /// ones.
    pub fn sampled(seed: u64) -> Ledger {
        Ledger { seed: Some(seed), ..Ledger::default() }
    }

    /// A ledger of records that somebody kept; their totals are summed, the peak by the order of their times.
    pub fn of(records: impl IntoIterator<Item = Declared>) -> Ledger {
        let mut records: Vec<Declared> = records.into_iter().collect();
        records.sort_by_key(|record| record.declared_ns);
        let started_ns = records.first().map_or_else(unix_ns, |record| record.declared_ns);
        let mut steps: BTreeMap<u64, i128> = BTreeMap::new();
        let mut entries = Entries::default();
        let mut kept: Vec<Declared> = Vec::new();
        for mut record in records {
            record.node = entries.node_of(&record.scope);
            *steps.entry(record.declared_ns).or_default() += i128::from(record.bytes as u64);
            let site = Site {
                place: record.place.clone(),
                name: record.name.clone(),
                type_name: record.type_name.clone(),
            };
            entries.count(site, None, record.node, record.thread, record.declared_ns);
            entries.threads.insert(ThreadKey::Numbered(record.thread), (record.thread, None));
            if let Some(ended_ns) = record.ended_ns {
                *steps.entry(ended_ns).or_default() -= i128::from(record.bytes as u64);
                entries.ended.push_back(record);
            } else {
                kept.push(record);
            }
        }
        for record in kept {
            let (at_ns, address) = (record.declared_ns, record.address);
            // The later of two live records of one address is the one that can live.
            if let Some(mut earlier) = entries.live.insert(address, record) {
                *steps.entry(at_ns).or_default() -= i128::from(earlier.bytes as u64);
                earlier.ended_ns = Some(at_ns);
                entries.ended.push_back(earlier);
            }
        }
        let mut live = 0;
        for step in steps.into_values() {
            live += step;
            let live = u64::try_from(live.max(0)).unwrap_or(u64::MAX);
            entries.peak_bytes.value = entries.peak_bytes.value.max(live);
        }
        Ledger { started_ns, seed: None, entries: Mutex::new(entries) }
    }

    /// What was declared here, and nothing else.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = crate::nothing_recorded(crate::allocator_is_installed());
        let paths = self.entries.lock().paths.clone();
        self.add_to(&mut snapshot, |node| paths.get(node as usize).cloned().unwrap_or_default());
        snapshot.types = crate::snapshot::types(&snapshot.variables);
        snapshot.findings = crate::findings::findings(&snapshot);
        snapshot
    }

    /// Notes an allocation. One that was declared at the same address before is taken for freed.
    pub fn declare(
        &self,
        address: usize,
        bytes: usize,
        name: Option<String>,
        type_name: Option<String>,
        place: Option<&'static Location<'static>>,
    ) {
        let node = recorder::current_node();
        let _own = crate::own_work();
        self.declare_in(node, address, bytes, Site { place: place.map(Place::from), name, type_name });
    }

    /// Notes an allocation in a scope node. Call it under [`own_work`](crate::own_work).
    fn declare_in(&self, node: u32, address: usize, bytes: usize, site: Site) {
        let now_ns = unix_ns();
        let mut entries = self.entries.lock();
        let thread = entries.thread();
        let (Site { place, name, type_name }, weight) = entries.count(site, self.seed, node, thread, now_ns);
        entries.end(address, now_ns);
        let Some(weight) = weight else {
            entries.unkept += 1;
            drop(entries); // the names are freed without the lock
            return;
        };
        let watch = recorder::watch(address);
        let provenance = if watch == 0 { Provenance::Declared } else { Provenance::Measured };
        let declared = Declared {
            address,
            bytes,
            name,
            type_name,
            place,
            scope: Vec::new(),
            weight,
            thread,
            declared_ns: now_ns,
            ended_ns: None,
            freed_by: None,
            reallocations: 0,
            grown_bytes: 0,
            provenance,
            node,
            watch,
        };
        entries.live.insert(address, declared);
        entries.live_bytes.add(bytes as u64, weight);
        if entries.live_bytes.value > entries.peak_bytes.value {
            entries.peak_bytes = entries.live_bytes;
        }
    }

    /// Notes a free; one of an address that was not declared is counted as unmatched, and gives `false`.
    ///
    /// Of a declaration that was not kept nothing is known but that it was made. So a free of an address at which no
    /// kept one lives is taken for its end, and gives `true`, as long as there are more such declarations than there
    /// were such frees. `false` is therefore sure; `true` is sure as long as every declaration is kept.
    pub fn declare_free(&self, address: usize) -> bool {
        let _own = crate::own_work();
        let mut entries = self.entries.lock();
        if entries.end(address, unix_ns()) {
            return true;
        }
        let may_be_unkept = entries.unkept > 0;
        if may_be_unkept {
            entries.unkept -= 1;
            entries.unkept_freed += 1;
        } else {
            entries.unmatched += 1;
        }
        may_be_unkept
    }

    /// Everything that is kept, by time of declaration.
    pub fn list(&self) -> Vec<Declared> {
        let mut list = {
            let entries = self.entries.lock();
            hold::timed(Held::Declared, || entries.list())
        };
        sort(&mut list);
        list
    }

    /// Everything that is kept, by time of declaration; `path_of` names a scope node.
    pub(crate) fn list_with_scopes(&self, path_of: impl Fn(u32) -> Vec<String>) -> Vec<Declared> {
        let mut list = self.list();
        list.iter_mut().for_each(|declared| declared.scope = path_of(declared.node));
        list
    }

    /// Name of a thread that declared something.
    pub fn thread_name(&self, thread: u32) -> Option<String> {
        let entries = self.entries.lock();
        entries.threads.values().find(|(id, _)| *id == thread).and_then(|(_, name)| name.clone())
    }

    /// Adds what was declared to a snapshot; `path_of` names a scope node.
    pub(crate) fn add_to(&self, snapshot: &mut Snapshot, path_of: impl Fn(u32) -> Vec<String>) {
        let copied = {
            let entries = self.entries.lock();
            hold::timed(Held::Declared, || entries.copied())
        };
        copied.add_to(snapshot, self.started_ns, path_of);
    }
}

/// By time of declaration.
fn sort(list: &mut [Declared]) {
    list.sort_by_key(|declared| (declared.declared_ns, declared.address));
}

impl Entries {
    fn thread(&mut self) -> u32 {
        let next = self.threads.len() as u32 + 1;
        let current = std::thread::current();
        let known = self.threads.entry(ThreadKey::Running(current.id()));
        let (id, _) =
            known.or_insert_with(|| (recorder::thread().unwrap_or(next), current.name().map(str::to_owned)));
        *id
    }

    /// Counts a declaration and gives it back with its weight; `None`: it is not to be kept.
    fn count(
        &mut self,
        site: Site,
        seed: Option<u64>,
        node: u32,
        thread: u32,
        now_ns: u64,
    ) -> (Site, Option<u64>) {
        if !self.sites.contains_key(&site) {
            // Places draw apart from each other, so that their errors add up like those of independent figures.
            let mut hasher = DefaultHasher::new();
            site.hash(&mut hasher);
            let seed = weight::mix(seed.unwrap_or(0), hasher.finish());
            self.sites.insert(site.clone(), Declarations { count: 0, seed, by_node: BTreeMap::new() });
        }
        let Some(declarations) = self.sites.get_mut(&site) else { return (site, Some(1)) };
        let weight = match seed {
            Some(_) => weight::of_execution(declarations.seed, declarations.count),
            None => Some(1),
        };
        declarations.count += 1;
        let in_node = declarations.by_node.entry(node).or_insert_with(|| InNode {
            threads: BTreeSet::new(),
            first_ns: now_ns,
            last_ns: now_ns,
            tally: Tally::default(),
        });
        in_node.last_ns = in_node.last_ns.max(now_ns);
        in_node.tally.count(weight);
        in_node.threads.insert(thread);
        self.by_thread.entry(thread).or_default().count(weight);
        (site, weight)
    }

    /// The node that stands for a scope whose path a record brought along.
    fn node_of(&mut self, scope: &[String]) -> u32 {
        let known = self.paths.iter().position(|path| path == scope);
        let place = known.unwrap_or_else(|| {
            self.paths.push(scope.to_vec());
            self.paths.len() - 1
        });
        place as u32
    }

    /// Everything that is kept.
    fn list(&self) -> Vec<Declared> {
        self.live.values().chain(&self.ended).cloned().map(recorder::measured).collect()
    }

    fn copied(&self) -> Copied {
        let sites = self.sites.iter().map(|(site, all)| (site.clone(), all.by_node.clone()));
        Copied {
            list: self.list(),
            sites: sites.collect(),
            by_thread: self.by_thread.clone(),
            threads: self.threads.values().cloned().collect(),
            peak_bytes: self.peak_bytes,
            unmatched: self.unmatched,
            unkept_freed: self.unkept_freed,
        }
    }

    /// Moves the allocation at `address` to those that ended; false if there is none.
    fn end(&mut self, address: usize, now_ns: u64) -> bool {
        let Some(declared) = self.live.remove(&address) else { return false };
        self.live_bytes.take_out(declared.bytes as u64, declared.weight);
        let mut declared = recorder::measured(declared);
        declared.ended_ns.get_or_insert(now_ns);
        recorder::unwatch(&mut declared);
        self.ended.push_back(declared);
        if self.ended.len() > ENDED_LEN {
            if let Some(oldest) = self.ended.pop_front() {
                self.fold(oldest);
            }
        }
        true
    }

    /// Keeps of an allocation that ended only that it did.
    fn fold(&mut self, oldest: Declared) {
        let (bytes, weight) = (oldest.bytes as u64, oldest.weight);
        if let Some(tally) = self.by_thread.get_mut(&oldest.thread) {
            tally.add_ended(bytes, weight);
        }
        let site = Site { place: oldest.place, name: oldest.name, type_name: oldest.type_name };
        let declarations = self.sites.get_mut(&site);
        if let Some(in_node) = declarations.and_then(|all| all.by_node.get_mut(&oldest.node)) {
            in_node.tally.add_ended(bytes, weight);
        }
    }
}
