//! Allocations that the program declares: address, size and name, without the macros.
//!
//! Where memscope's allocator is installed and knows the block, the block is watched, so its end and its growth are
//! measured. Where not, the figures are what was declared.
//!
//! Kept in full are all allocations that live and the newest [`ENDED_LEN`] that ended; older ones are counted.

use crate::snapshot::{
    Instance, InstanceBlock, Mode, Provenance, Snapshot, Stage, Stages, Thread, TimelinePoint, Totals,
    Variable, Walk,
};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::thread::ThreadId;
use std::time::{SystemTime, UNIX_EPOCH};

/// Ended allocations that are kept in full.
pub const ENDED_LEN: usize = 10_000;
/// Instances of a row that are shown one by one.
const HISTORY_LEN: usize = 16;

/// One declared allocation.
#[derive(Clone, Debug)]
pub struct Declared {
    /// Its address.
    pub address: usize,
    /// Its size now: as declared, or as measured where the allocator knows the block.
    pub bytes: usize,
    /// The variable's name.
    pub name: Option<String>,
    /// The type's name, where it was declared.
    pub type_name: Option<String>,
    /// The thread that declared it: memscope's number, or the ledger's own where nothing is recorded.
    pub thread: u32,
    /// When it was declared, nanoseconds since the Unix epoch.
    pub declared_ns: u64,
    /// When it was declared free, or seen to be freed, nanoseconds since the Unix epoch.
    pub ended_ns: Option<u64>,
    /// Whether size and end are measured by the allocator.
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
    /// A record that somebody kept: outside of all scopes, and not watched.
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
            thread,
            declared_ns,
            ended_ns,
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
    entries: Mutex<Entries>,
}

/// Who declared something.
#[derive(Debug, PartialEq, Eq, Hash)]
enum ThreadKey {
    /// A thread of this process.
    Running(ThreadId),
    /// A thread of which only the number was kept.
    Numbered(u32),
}

#[derive(Debug, Default)]
struct Entries {
    live: HashMap<usize, Declared>,
    ended: VecDeque<Declared>,
    /// Ended allocations that are no longer kept, by name, type and node.
    folded: BTreeMap<(Option<String>, Option<String>, u32), u64>,
    threads: HashMap<ThreadKey, (u32, Option<String>)>,
    totals: Totals,
    unmatched: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Ledger { started_ns: unix_ns(), entries: Mutex::default() }
    }
}

/// Nanoseconds since the Unix epoch; 0 before it.
fn unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl Ledger {
    /// A ledger of records that somebody kept; their totals are summed, the peak by the order of their times.
    pub fn of(records: impl IntoIterator<Item = Declared>) -> Ledger {
        let mut records: Vec<Declared> = records.into_iter().collect();
        records.sort_by_key(|record| record.declared_ns);
        let started_ns = records.first().map_or_else(unix_ns, |record| record.declared_ns);
        let mut steps: BTreeMap<u64, i128> = BTreeMap::new();
        let mut entries = Entries::default();
        let mut kept: Vec<Declared> = Vec::new();
        for record in records {
            let bytes = record.bytes as u64;
            *steps.entry(record.declared_ns).or_default() += i128::from(bytes);
            entries.totals.allocations += 1;
            entries.totals.allocated_bytes = entries.totals.allocated_bytes.saturating_add(bytes);
            entries.threads.insert(ThreadKey::Numbered(record.thread), (record.thread, None));
            if let Some(ended_ns) = record.ended_ns {
                *steps.entry(ended_ns).or_default() -= i128::from(bytes);
                entries.totals.deallocations += 1;
                entries.totals.deallocated_bytes = entries.totals.deallocated_bytes.saturating_add(bytes);
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
                entries.totals.deallocations += 1;
                entries.totals.deallocated_bytes =
                    entries.totals.deallocated_bytes.saturating_add(earlier.bytes as u64);
                earlier.ended_ns = Some(at_ns);
                entries.ended.push_back(earlier);
            }
        }
        entries.totals.live_allocations = entries.totals.allocations - entries.totals.deallocations;
        entries.totals.live_bytes =
            entries.totals.allocated_bytes.saturating_sub(entries.totals.deallocated_bytes);
        let mut live = 0;
        for step in steps.into_values() {
            live += step;
            entries.totals.peak_bytes =
                entries.totals.peak_bytes.max(u64::try_from(live.max(0)).unwrap_or(u64::MAX));
        }
        Ledger { started_ns, entries: Mutex::new(entries) }
    }

    /// What was declared here, and nothing else.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = crate::nothing_recorded(crate::allocator_is_installed());
        self.add_to(&mut snapshot, |_| Vec::new());
        snapshot.types = crate::snapshot::types(&snapshot.variables);
        snapshot.findings = crate::findings::findings(&snapshot);
        snapshot
    }

    /// Notes an allocation. One that was declared at the same address before is taken for freed.
    pub fn declare(&self, address: usize, bytes: usize, name: Option<String>, type_name: Option<String>) {
        let node = recorder::current_node();
        let _own = crate::own_work();
        let now_ns = unix_ns();
        let mut entries = self.entries.lock();
        let thread = entries.thread();
        entries.end(address, now_ns);
        let watch = recorder::watch(address);
        let provenance = if watch == 0 { Provenance::Declared } else { Provenance::Measured };
        let declared = Declared {
            address,
            bytes,
            name,
            type_name,
            thread,
            declared_ns: now_ns,
            ended_ns: None,
            provenance,
            node,
            watch,
        };
        entries.live.insert(address, declared);
        let totals = &mut entries.totals;
        totals.allocations += 1;
        totals.allocated_bytes = totals.allocated_bytes.saturating_add(bytes as u64);
        totals.live_allocations += 1;
        totals.live_bytes = totals.live_bytes.saturating_add(bytes as u64);
        totals.peak_bytes = totals.peak_bytes.max(totals.live_bytes);
    }

    /// Notes a free; one of an address that was not declared is counted as unmatched, and gives `false`.
    pub fn declare_free(&self, address: usize) -> bool {
        let _own = crate::own_work();
        let mut entries = self.entries.lock();
        let known = entries.end(address, unix_ns());
        if !known {
            entries.unmatched += 1;
        }
        known
    }

    /// Everything that is kept, by time of declaration.
    pub fn list(&self) -> Vec<Declared> {
        let entries = self.entries.lock();
        let mut list: Vec<Declared> =
            entries.live.values().chain(&entries.ended).cloned().map(recorder::measured).collect();
        list.sort_by_key(|declared| (declared.declared_ns, declared.address));
        list
    }

    /// Sums of what was declared.
    pub fn totals(&self) -> Totals {
        self.entries.lock().totals
    }

    /// Name of a thread that declared something.
    pub fn thread_name(&self, thread: u32) -> Option<String> {
        let entries = self.entries.lock();
        entries.threads.values().find(|(id, _)| *id == thread).and_then(|(_, name)| name.clone())
    }

    /// Adds what was declared to a snapshot; `path_of` names a scope node.
    pub(crate) fn add_to(&self, snapshot: &mut Snapshot, path_of: impl Fn(u32) -> Vec<String>) {
        let list = self.list();
        let entries = self.entries.lock();
        snapshot.profiler.unmatched_declared_deallocations += entries.unmatched;
        if snapshot.mode == Mode::Off {
            snapshot.mode = Mode::Declared;
            snapshot.program.started_unix_ms = self.started_ns / 1_000_000;
            snapshot.program.elapsed_ms = unix_ns().saturating_sub(self.started_ns) / 1_000_000;
        }
        let started_ns = snapshot.program.started_unix_ms * 1_000_000;
        let ms = |ns: u64| ns.saturating_sub(started_ns) / 1_000_000;
        if snapshot.mode == Mode::Declared {
            snapshot.totals.add_declared(&entries.totals);
            snapshot.timeline = declared_timeline(&list, ms);
            add_threads(&mut snapshot.threads, &entries, &list);
        }
        let mut rows: BTreeMap<RowKey, Variable> = BTreeMap::new();
        for declared in list {
            let key = (path_of(declared.node), declared.name.clone(), declared.type_name.clone());
            let row = rows.entry(key.clone()).or_insert_with(|| empty_row(key));
            row.take(&declared, ms);
        }
        for ((name, type_name, node), &count) in &entries.folded {
            let key = (path_of(*node), name.clone(), type_name.clone());
            let row = rows.entry(key.clone()).or_insert_with(|| empty_row(key));
            row.instances += count;
            row.stages.deallocated += count;
            row.folded_instances += count;
        }
        for row in rows.values_mut() {
            row.stage = row.stages.liveliest();
            let shown = row.history.len().saturating_sub(HISTORY_LEN);
            row.history.drain(..shown);
            row.folded_instances += shown as u64;
            row.threads.sort_unstable();
            row.threads.dedup();
        }
        snapshot.variables.extend(rows.into_values());
    }
}

/// Scope path, name and type.
type RowKey = (Vec<String>, Option<String>, Option<String>);

fn empty_row((scope, name, type_name): RowKey) -> Variable {
    Variable {
        name: name.unwrap_or_else(|| "(unnamed)".to_owned()),
        type_name,
        scope,
        file: None,
        line: None,
        instances: 0,
        active_instances: 0,
        stage: Stage::NoHeap,
        stages: Stages::default(),
        heap_bytes: Some(0),
        heap_bytes_error: None,
        peak_heap_bytes: None,
        blocks: Some(0),
        value_bytes: None,
        walk: Walk::Declared,
        provenance: Provenance::Measured,
        threads: Vec::new(),
        first_ms: u64::MAX,
        last_observed_ms: 0,
        history: Vec::new(),
        folded_instances: 0,
        grown_bytes: None,
        strong_owners: None,
        ffi_crossings: None,
        category: None,
    }
}

impl Variable {
    fn take(&mut self, declared: &Declared, ms: impl Fn(u64) -> u64) {
        let lives = declared.ended_ns.is_none();
        let live_bytes = if lives { declared.bytes as u64 } else { 0 };
        let stage = if lives { Stage::Active } else { Stage::Deallocated };
        let declared_ms = ms(declared.declared_ns);
        self.instances += 1;
        self.active_instances += u64::from(lives);
        self.stages.active += u64::from(lives);
        self.stages.deallocated += u64::from(!lives);
        self.heap_bytes = self.heap_bytes.map(|bytes| bytes.saturating_add(live_bytes));
        self.blocks = self.blocks.map(|blocks| blocks + u64::from(lives));
        if declared.provenance != Provenance::Measured {
            self.provenance = Provenance::Declared;
        }
        self.threads.push(declared.thread);
        self.first_ms = self.first_ms.min(declared_ms);
        self.last_observed_ms = self.last_observed_ms.max(declared_ms);
        self.history.push(Instance {
            thread: declared.thread,
            stage,
            bound_ms: declared_ms,
            observed_ms: declared_ms,
            observations: 1,
            ended_ms: declared.ended_ns.map(&ms),
            heap_bytes: Some(live_bytes),
            blocks: vec![InstanceBlock {
                address: declared.address as u64,
                bytes: declared.bytes as u64,
                allocated_ms: None,
                freed_ms: declared.ended_ns.map(&ms),
                freed_by: None,
                reallocations: 0,
                grown_bytes: 0,
            }],
            folded_blocks: 0,
        });
    }
}

impl Totals {
    fn add_declared(&mut self, declared: &Totals) {
        self.allocations += declared.allocations;
        self.deallocations += declared.deallocations;
        self.allocated_bytes = self.allocated_bytes.saturating_add(declared.allocated_bytes);
        self.deallocated_bytes = self.deallocated_bytes.saturating_add(declared.deallocated_bytes);
        self.live_allocations += declared.live_allocations;
        self.live_bytes = self.live_bytes.saturating_add(declared.live_bytes);
        self.peak_bytes = self.peak_bytes.saturating_add(declared.peak_bytes);
    }
}

/// Declared live bytes after each declaration and each free that is kept.
fn declared_timeline(list: &[Declared], ms: impl Fn(u64) -> u64) -> Vec<TimelinePoint> {
    let mut steps: BTreeMap<u64, i128> = BTreeMap::new();
    for declared in list {
        *steps.entry(ms(declared.declared_ns)).or_default() += i128::from(declared.bytes as u64);
        if let Some(ended_ns) = declared.ended_ns {
            *steps.entry(ms(ended_ns)).or_default() -= i128::from(declared.bytes as u64);
        }
    }
    let mut live = 0;
    steps
        .into_iter()
        .map(|(ms, step)| {
            live += step;
            TimelinePoint {
                ms,
                live_bytes: u64::try_from(live.max(0)).unwrap_or(u64::MAX),
                live_bytes_error: None,
            }
        })
        .collect()
}

fn add_threads(threads: &mut Vec<Thread>, entries: &Entries, list: &[Declared]) {
    for (id, name) in entries.threads.values() {
        let of_thread = || list.iter().filter(|declared| declared.thread == *id);
        let live = || of_thread().filter(|declared| declared.ended_ns.is_none());
        let bytes = |declared: &Declared| declared.bytes as u64;
        let position = threads.iter().position(|thread| thread.id == *id).unwrap_or_else(|| {
            threads.push(Thread::idle(*id, 1, name.clone(), false));
            threads.len() - 1
        });
        let row = &mut threads[position];
        row.allocations += of_thread().count() as u64;
        row.deallocations += of_thread().filter(|declared| declared.ended_ns.is_some()).count() as u64;
        row.allocated_bytes += of_thread().map(bytes).fold(0, u64::saturating_add);
        row.live_allocations += live().count() as u64;
        row.live_bytes += live().map(bytes).fold(0, u64::saturating_add);
    }
    threads.sort_by_key(|thread| thread.id);
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

    /// Moves the allocation at `address` to those that ended; false if there is none.
    fn end(&mut self, address: usize, now_ns: u64) -> bool {
        let Some(declared) = self.live.remove(&address) else { return false };
        let mut declared = recorder::measured(declared);
        self.totals.deallocations += 1;
        self.totals.live_allocations -= 1;
        let declared_bytes = declared.bytes as u64;
        self.totals.deallocated_bytes += declared_bytes;
        self.totals.live_bytes = self.totals.live_bytes.saturating_sub(declared_bytes);
        declared.ended_ns.get_or_insert(now_ns);
        recorder::unwatch(&mut declared);
        self.ended.push_back(declared);
        if self.ended.len() > ENDED_LEN {
            if let Some(oldest) = self.ended.pop_front() {
                *self.folded.entry((oldest.name, oldest.type_name, oldest.node)).or_default() += 1;
            }
        }
        true
    }
}

#[cfg(feature = "recorder")]
mod recorder {
    //! What the recorder knows of a declared block.

    use super::Declared;
    use crate::thread_state::{self, Local};
    use crate::watch::Watch;
    use crate::{clock, variable, visitor};

    pub(super) fn current_node() -> u32 {
        variable::current_node()
    }

    pub(super) fn thread() -> Option<u32> {
        thread_state::with(Local::known_thread)
    }

    pub(super) fn watch(address: usize) -> u32 {
        let _own = thread_state::own_work();
        visitor::watch_declared(address).map_or(0, Watch::id)
    }

    /// The declaration with what its watch has seen.
    pub(super) fn measured(mut declared: Declared) -> Declared {
        if let (Some(watch), None) =
            (Watch::get(declared.watch).filter(|_| declared.watch != 0), declared.ended_ns)
        {
            declared.bytes = watch.last_bytes() as usize;
            // The coarse clock may say a moment before the declaration's finer one.
            let freed_ns = watch.freed_at().map(|(ms, _)| (clock::started_unix_ms() + ms) * 1_000_000);
            declared.ended_ns = freed_ns.map(|ns| ns.max(declared.declared_ns));
        }
        declared
    }

    pub(super) fn unwatch(declared: &mut Declared) {
        if let Some(watch) = Watch::get(declared.watch).filter(|_| declared.watch != 0) {
            visitor::unwatch_declared(watch);
        }
        declared.watch = 0;
    }
}

#[cfg(not(feature = "recorder"))]
mod recorder {
    //! Without a recorder there is nothing to know.

    use super::Declared;

    pub(super) fn current_node() -> u32 {
        0
    }

    pub(super) fn thread() -> Option<u32> {
        None
    }

    pub(super) fn watch(_address: usize) -> u32 {
        0
    }

    pub(super) fn measured(declared: Declared) -> Declared {
        declared
    }

    pub(super) fn unwatch(_declared: &mut Declared) {}
}
