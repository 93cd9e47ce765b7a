//! The registry's rows, read piece by piece.
//!
//! Who tracks a variable waits for the registry's lock. So it is held for [`LOOKS_A_HOLD`] looks or little more, and in between
//! it is left to whoever waits for it.
//!
//! What that means for the figures: rows are read one after another, not at one moment. A row is read in one hold, if it is
//! short, or in several. Then nothing is left out or counted twice, for a list of kept instances that was shortened meanwhile
//! is read again from its start, and those that have ended stay in theirs until the rows are read; but its instances are seen
//! as they were at moments up to some milliseconds apart.

use crate::clock;
use crate::site::Site;
use crate::snapshot::{Instance, InstanceBlock, Stage, Walk};
use crate::trackable::Sharing;
use crate::variable::{self, EndedAlive, Folded, HISTORY_LEN, Now, Registry, Row, RowBySize};
use crate::watch::Watch;
use crate::weight::Sum;
use std::time::Duration;

/// Instances and watches that are looked at while the lock is held. Each is a cache miss or two: about 0.1 ms in all.
const LOOKS_A_HOLD: usize = 500;
/// How long the lock is left to others in between. It is not handed over to one that waits (`unlock_fair`): that one may
/// have no processor yet, and everybody would wait for it.
const BETWEEN_HOLDS: Duration = Duration::from_micros(50);
/// Times that a row is read from its start again because it was shortened meanwhile; then it is read in one hold. A list is
/// shortened after it has doubled, so one that takes many holds is not shortened twice in a snapshot.
const ATTEMPTS: u32 = 3;

/// What was read of a row.
pub(super) struct ReadRow {
    pub(super) site: &'static Site,
    pub(super) node: u32,
    pub(super) type_name: &'static str,
    pub(super) value_bytes: u64,
    pub(super) first_ms: u64,
    pub(super) last_observed_ms: u64,
    pub(super) threads: Vec<u32>,
    pub(super) owned_twice: u64,
    /// Numbers of rows.
    pub(super) shared_with: Vec<u32>,
    pub(super) peak_bytes: Option<u64>,
    pub(super) by_size: RowBySize,
    /// Instances that are not kept one by one.
    pub(super) unkept: u64,
    pub(super) kept: Kept,
    pub(super) sums: Sums,
}

/// What the kept instances of a row come to.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) count: usize,
    pub(super) active: u64,
    /// What is said of the row is no better than what is known of each instance.
    pub(super) walk: Option<Walk>,
    /// What the newest that can tell of its owners and holders says of them.
    pub(super) told: Sharing,
    pub(super) newest: Vec<Instance>,
    /// Those with a stage, by their weights.
    pub(super) in_scope: Sum,
    pub(super) shared: Sum,
    pub(super) ended: Sum,
    pub(super) no_heap: Sum,
}

/// What the instances of a row come to.
#[derive(Default)]
pub(super) struct Sums {
    /// With the growth of all instances, and the stages and fates of those that are not alive.
    pub(super) folded: Folded,
    pub(super) heap_bytes: u64,
    pub(super) blocks: u64,
    pub(super) unused_bytes: u64,
    pub(super) unknown_blocks: u64,
}

/// All rows, by their numbers. `of_blocks`: with the blocks of their newest instances, one by one.
pub(super) fn read(of_blocks: bool) -> Vec<ReadRow> {
    let mut reader = Reader { of_blocks, ..Reader::default() };
    let _reading = variable::Reading::begin();
    while variable::look_into_registry(|registry| reader.read_on(registry, LOOKS_A_HOLD)) {
        // Where the lock is held no memory is to be had from the system.
        reader.rows.reserve(LOOKS_A_HOLD);
        std::thread::sleep(BETWEEN_HOLDS);
    }
    reader.rows
}

/// Where the reading is.
#[derive(Default)]
struct Reader {
    rows: Vec<ReadRow>,
    of_blocks: bool,
    /// How many there were when it began; younger ones wait for the next snapshot.
    count: Option<usize>,
    open: Option<Open>,
    attempts: u32,
    /// The most looks of one hold.
    most_looks: usize,
}

/// What was looked at since the lock was taken.
struct Hold {
    looks: usize,
    most: usize,
}

impl Hold {
    fn is_over(&self) -> bool {
        self.looks >= self.most
    }
}

/// A row that is being read: first the kept instances, then those that have ended and live on.
struct Open {
    folds: u64,
    kept: Kept,
    sums: Sums,
    /// The next kept instance.
    next: usize,
    /// The row without those that have ended and live on.
    rest: Option<Rest>,
}

struct Rest {
    row: ReadRow,
    /// The next of those that have ended, and the end of them: younger ones were counted as kept.
    next: usize,
    end: usize,
}

impl Reader {
    /// Reads on, for so many looks; false: everything is read.
    fn read_on(&mut self, registry: &Registry, looks: usize) -> bool {
        let count = *self.count.get_or_insert(registry.rows.len());
        let mut hold = Hold { looks: 0, most: looks };
        let mut goes_on = true;
        while goes_on && !hold.is_over() {
            let number = self.rows.len();
            match registry.rows.get(number).filter(|_| number < count) {
                Some(row) => self.read_row(registry, row, &mut hold),
                None => goes_on = false,
            }
        }
        self.most_looks = self.most_looks.max(hold.looks);
        goes_on
    }

    fn read_row(&mut self, registry: &Registry, row: &Row, hold: &mut Hold) {
        let mut open = self.open.take().unwrap_or_else(|| Open::new(row));
        if open.rest.is_none() && open.folds != row.folds {
            self.attempts += 1;
            open = Open::new(row);
        }
        let most = hold.most;
        if self.attempts >= ATTEMPTS {
            hold.most = usize::MAX;
        }
        if open.read_on(registry, row, hold, self.of_blocks) {
            self.attempts = 0;
            self.rows.extend(open.into_row());
        } else {
            self.open = Some(open);
        }
        hold.most = most;
    }
}

impl Open {
    fn new(row: &Row) -> Open {
        let sums = Sums { folded: row.folded, ..Sums::default() };
        Open { folds: row.folds, kept: Kept::default(), sums, next: 0, rest: None }
    }

    /// Reads on until the row is read, which is said, or the hold is over.
    fn read_on(&mut self, registry: &Registry, row: &Row, hold: &mut Hold, of_blocks: bool) -> bool {
        hold.looks += 1;
        while self.rest.is_none() {
            let Some(id) = row.instances.get(self.next) else {
                // Those that came between two holds are the newest now.
                let older = self.kept.newest.len().saturating_sub(HISTORY_LEN);
                self.kept.newest.drain(..older);
                self.rest = Some(Rest::new(row));
                hold.looks += row.threads.len();
                break;
            };
            if hold.is_over() {
                return false;
            }
            if let Some(instance) = registry.instance(*id) {
                hold.looks += 1 + instance.open_watches();
                let now = instance.now();
                self.kept.add(instance, now.stage);
                self.sums.add(instance, &now);
                if self.next + HISTORY_LEN >= row.instances.len() {
                    hold.looks += if of_blocks { instance.single.len() } else { 0 };
                    self.kept.newest.push(instance_row(instance, &now, of_blocks));
                }
            }
            self.next += 1;
        }
        let Some(rest) = self.rest.as_mut() else { return true };
        while let Some(ended) = row.ended_alive.entries().get(rest.next).filter(|_| rest.next < rest.end) {
            if hold.is_over() {
                return false;
            }
            rest.next += 1;
            hold.looks += 1 + ended.watch_count();
            self.sums.add_ended(ended);
        }
        true
    }

    fn into_row(self) -> Option<ReadRow> {
        let Open { kept, sums, rest, .. } = self;
        rest.map(|rest| ReadRow { kept, sums, ..rest.row })
    }
}

impl Rest {
    fn new(row: &Row) -> Rest {
        let read = ReadRow {
            site: row.site,
            node: row.node,
            type_name: row.type_name,
            value_bytes: row.value_bytes,
            first_ms: row.first_ms,
            last_observed_ms: row.last_observed_ms,
            threads: row.threads.iter().copied().collect(),
            owned_twice: row.owned_twice,
            shared_with: row.shared_with.iter().map(|&other| other as u32).collect(),
            peak_bytes: row.bytes.map(|bytes| bytes.peak()),
            by_size: row.by_size.clone(),
            unkept: row.folded.stages.total() + row.ended_alive.entries().len() as u64,
            kept: Kept::default(),
            sums: Sums::default(),
        };
        Rest { row: read, next: 0, end: row.ended_alive.entries().len() }
    }
}

impl Kept {
    fn add(&mut self, instance: &variable::Instance, stage: Stage) {
        self.count += 1;
        self.active += u64::from(instance.ended_ms.is_none());
        self.walk = self.walk.max(Some(instance.walk));
        if instance.sharing != Sharing::default() {
            self.told = instance.sharing;
        }
        let of_stage = match stage {
            Stage::Shared => &mut self.shared,
            Stage::Ended => &mut self.ended,
            Stage::NoHeap => &mut self.no_heap,
            _ => &mut self.in_scope,
        };
        of_stage.add(1, instance.weight);
    }
}

impl Sums {
    fn add(&mut self, instance: &variable::Instance, now: &Now) {
        let blocks = now.blocks;
        self.folded.add(now.stage, now.fate, now.story);
        self.add_blocks(blocks, now.bytes);
        // In sampling mode what was found counts while the binding is in scope.
        let in_scope = instance.ended_ms.is_none();
        if blocks > 0 || instance.by_size.is_some() && in_scope {
            self.unused_bytes = self.unused_bytes.saturating_add(instance.unused_bytes);
        }
        if blocks > 0 || in_scope {
            self.unknown_blocks += instance.unknown_blocks;
        }
    }

    fn add_ended(&mut self, ended: &EndedAlive) {
        let blocks = ended.live_blocks();
        let (stage, fate) = ended.stage_and_fate();
        self.folded.add(stage, fate, ended.story());
        self.add_blocks(blocks, ended.live_bytes());
        if blocks > 0 {
            self.unused_bytes = self.unused_bytes.saturating_add(ended.unused_bytes);
            self.unknown_blocks += u64::from(ended.unknown_blocks);
        }
    }

    fn add_blocks(&mut self, blocks: u64, bytes: u64) {
        self.blocks += blocks;
        self.heap_bytes += bytes;
    }
}

/// An instance, as it is if its row was walked.
fn instance_row(instance: &variable::Instance, now: &Now, of_blocks: bool) -> Instance {
    let walked = instance.walk != Walk::NotWalked;
    let row = Instance {
        weight: instance.weight,
        thread: instance.thread,
        stage: now.stage,
        bound_ms: instance.bound_ms,
        observed_ms: instance.observed_ms,
        observations: instance.observations,
        ended_ms: instance.ended_ms,
        heap_bytes: walked.then_some(now.bytes),
        peak_heap_bytes: instance.peak_bytes().filter(|_| walked),
        seen: if walked { instance.seen.to_vec() } else { Vec::new() },
        fate: now.fate.filter(|_| walked),
        unused_bytes: walked.then_some(instance.unused_bytes),
        blocks: if of_blocks { blocks(instance) } else { Vec::new() },
        folded_blocks: match of_blocks {
            true => instance.grouped.iter().filter_map(|&id| Watch::get(id)).map(Watch::blocks).sum(),
            false => now.blocks,
        },
    };
    let Some(found) = instance.by_size else { return row };
    Instance {
        heap_bytes: (walked && instance.ended_ms.is_none()).then_some(found.bytes),
        folded_blocks: found.blocks,
        ..row
    }
}

/// The blocks of an instance that have watches of their own.
fn blocks(instance: &variable::Instance) -> Vec<InstanceBlock> {
    let watches = instance.single.iter().filter_map(|&id| Watch::get(id));
    let mut blocks: Vec<InstanceBlock> = watches
        .filter(|watch| !watch.was_handed_over() && (watch.blocks() > 0 || watch.freed_at().is_some()))
        .map(|watch| {
            let freed = watch.freed_at();
            let (resized_ms, moved_ms) = watch.resized_at();
            InstanceBlock {
                address: watch.address(),
                bytes: watch.last_bytes(),
                allocated_ms: Some(clock::Stamp(watch.stamp()).to_ms()),
                freed_ms: freed.map(|(ms, _)| ms),
                freed_by: freed.map(|(_, thread)| thread).filter(|&thread| thread != 0),
                reallocations: watch.reallocations(),
                grown_bytes: watch.grown_bytes(),
                moved_bytes: watch.moved_bytes(),
                resized_ms,
                moved_ms,
            }
        })
        .collect();
    blocks.sort_by_key(|block| (block.address, block.freed_ms));
    blocks
}

// Where blocks are sampled they are not followed.
#[cfg(all(test, not(feature = "sampling")))]
mod tests {
    use super::*;
    use crate::thread_state::own_work;
    use crate::trackable::{Probe, WalkFull as _};
    use crate::variable::{bind, with_registry};

    static SITE: Site = Site::variable("kept", || "rows::tests", "rows.rs", 1, 1, "");

    fn executed() -> Vec<u8> {
        let binding = bind(&SITE);
        let value = vec![1u8; 24];
        binding.observe(&value, (&&&&Probe(&value)).memscope_walker());
        value
    }

    fn is_ours(row: &ReadRow) -> bool {
        std::ptr::eq(row.site, &raw const SITE)
    }

    /// In holds of `looks`, with `meanwhile` once between two of them in which our row's ended ones are read.
    fn read_in(looks: usize, meanwhile: impl FnOnce()) -> (ReadRow, usize) {
        let mut meanwhile = Some(meanwhile);
        let mut reader = Reader { of_blocks: true, ..Reader::default() };
        let mut goes_on = true;
        while goes_on {
            {
                let _own = own_work();
                goes_on = with_registry(|registry| reader.read_on(registry, looks));
            }
            let rest = reader.open.as_ref().and_then(|open| open.rest.as_ref());
            if rest.is_some_and(|rest| is_ours(&rest.row) && rest.next > 100) {
                if let Some(meanwhile) = meanwhile.take() {
                    meanwhile();
                }
            }
        }
        let most_looks = reader.most_looks;
        (reader.rows.into_iter().find(is_ours).expect("it was executed"), most_looks)
    }

    /// Those that have ended and are kept as alive.
    fn ended_kept() -> usize {
        let _own = own_work();
        with_registry(|registry| {
            let ours = registry.rows.iter().find(|row| std::ptr::eq(row.site, &raw const SITE));
            ours.map_or(0, |row| row.ended_alive.entries().len())
        })
    }

    /// Instances, live blocks, their bytes.
    fn figures(row: &ReadRow) -> (u64, u64, u64) {
        (row.sums.folded.stages.total(), row.sums.blocks, row.sums.heap_bytes)
    }

    #[test]
    fn a_row_is_whole_however_short_the_holds_and_though_it_is_shortened_meanwhile() {
        let mut kept: Vec<Vec<u8>> = (0..1_000).map(|_| executed()).collect();
        let (row, _) = read_in(usize::MAX, || ());
        assert_eq!(figures(&row), (1_000, 1_000, 24_000));
        let (row, most_looks) = read_in(20, || ());
        assert_eq!(figures(&row), (1_000, 1_000, 24_000));
        // One row beyond the bound: itself, its newest 16, its threads, and an instance with its watches.
        assert!(most_looks < 20 + 100, "{most_looks}");
        // 600 of the blocks are freed and 1,500 executions follow: those are younger than the count of the row, and of the
        // blocks those that were read before are seen alive.
        let (row, _) = {
            let reading = {
                let _own = own_work();
                variable::Reading::begin()
            };
            let read = read_in(20, || {
                kept.truncate(400);
                kept.extend((0..1_500).map(|_| executed()));
            });
            // None was taken out: all executions are there but for the newest, at most 2 × 16 - 1, and for those that were the
            // newest when their blocks were freed, which are counted at once.
            assert!(ended_kept() > 2_500 - 4 * HISTORY_LEN, "{}", ended_kept());
            let _own = own_work();
            drop(reading);
            read
        };
        let (instances, blocks, bytes) = figures(&row);
        assert_eq!((instances, bytes), (1_000, blocks * 24));
        assert!((400..=1_000).contains(&blocks), "{blocks}");
        let (row, _) = read_in(20, || ());
        assert_eq!(figures(&row), (2_500, 1_900, 1_900 * 24));
        // Two looks for each that has ended since, and for those before: 2 × 2,500 are more than are in it.
        kept.extend((0..500).map(|_| executed()));
        assert!(ended_kept() <= 2_400, "{}", ended_kept());
        let (row, _) = read_in(20, || ());
        assert_eq!(figures(&row), (3_000, 2_400, 2_400 * 24));
    }

    static SETTLES: Site = Site::variable("settles", || "rows::tests", "rows.rs", 2, 1, "");

    /// What has ended and has no block left is known without its watches, and is what it was with them.
    #[test]
    fn what_has_settled_reads_the_same_again() {
        let execute = || {
            let binding = bind(&SETTLES);
            let value = vec![1u8; 24];
            binding.observe(&value, (&&&&Probe(&value)).memscope_walker());
            value
        };
        let mut kept: Vec<Vec<u8>> = (0..4).map(|_| execute()).collect();
        kept.truncate(1);
        let read = |of_blocks| {
            let _own = own_work();
            let mut reader = Reader { of_blocks, ..Reader::default() };
            with_registry(|registry| reader.read_on(registry, usize::MAX));
            let row = reader.rows.into_iter().find(|row| std::ptr::eq(row.site, &raw const SETTLES));
            let open = with_registry(|registry| {
                let ours = registry.rows.iter().find(|row| std::ptr::eq(row.site, &raw const SETTLES));
                let ids = ours.map(|row| row.instances.clone()).unwrap_or_default();
                ids.iter()
                    .filter_map(|id| registry.instance(*id))
                    .map(|one| one.open_watches())
                    .sum::<usize>()
            });
            let row = row.expect("it was executed");
            let newest: Vec<_> =
                row.kept.newest.iter().map(|one| (one.stage, one.fate, one.heap_bytes)).collect();
            let blocks: usize = row.kept.newest.iter().map(|one| one.blocks.len()).sum();
            (newest, figures(&row), blocks, open)
        };
        // Four instances with a block and its watch each, of which one lives on.
        let (newest, sums, blocks, open) = read(true);
        assert_eq!((sums, blocks, open), ((4, 1, 24), 4, 1));
        assert_eq!(newest.iter().filter(|(_, _, bytes)| *bytes == Some(24)).count(), 1);
        assert_eq!(read(true), (newest.clone(), sums, blocks, open));
        assert_eq!(read(false), (newest, sums, 0, open));
        drop(kept);
        let (newest, sums, ..) = read(false);
        assert_eq!(sums, (4, 0, 0));
        assert!(newest.iter().all(|(_, _, bytes)| *bytes == Some(0)));
    }
}
