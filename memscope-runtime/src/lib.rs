//! What memscope links into a program: the recorder, the model of what was recorded, and the file that holds it.
//!
//! Users name the crate `memscope`; this one is its inner half. Without the features `live` and `sampling` only the model
//! ([`snapshot`](mod@snapshot)), its [`findings`](mod@findings), the [`declared`] allocations and the file
//! [`format`](mod@format) remain, which is what the dashboard reads, and an [`Allocator`] that forwards.

pub mod alerts;
pub mod declared;
pub mod findings;
pub mod format;
pub mod hold;
pub mod pulse;
pub mod snapshot;
pub mod stderr_line;
pub mod units;
mod weight;

#[cfg(feature = "recorder")]
mod account;
#[cfg(feature = "recorder")]
mod activity;
#[cfg(feature = "recorder")]
mod allocator;
#[cfg(feature = "recorder")]
mod arena;
#[cfg(feature = "recorder")]
mod bare_thread;
#[cfg(feature = "recorder")]
mod books;
#[cfg(feature = "recorder")]
mod budget;
#[cfg(feature = "sampling")]
mod by_lot;
#[cfg(feature = "recorder")]
mod by_name;
#[cfg(feature = "recorder")]
mod capture;
#[cfg(feature = "recorder")]
mod clock;
#[cfg(feature = "recorder")]
pub mod crossing;
#[cfg(feature = "recorder")]
mod ended;
#[cfg(feature = "sampling")]
mod ended_by_lot;
#[cfg(feature = "recorder")]
mod errno;
#[cfg(feature = "recorder")]
mod estimate;
#[cfg(feature = "sampling")]
mod event_log;
#[cfg(feature = "sampling")]
mod exact;
#[cfg(feature = "recorder")]
mod follow;
#[cfg(feature = "recorder")]
mod fork;
#[cfg(feature = "sampling")]
mod free_list;
#[cfg(all(feature = "recorder", target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod glibc;
#[cfg(feature = "recorder")]
mod kernel_account;
#[cfg(feature = "recorder")]
mod lifetime;
#[cfg(feature = "recorder")]
mod live_map;
#[cfg(feature = "recorder")]
mod mode;
#[cfg(feature = "recorder")]
mod observer;
#[cfg(feature = "recorder")]
mod owned_bytes;
#[cfg(feature = "recorder")]
mod pages;
#[cfg(feature = "recorder")]
mod patrol;
#[cfg(feature = "recorder")]
mod peak;
#[cfg(all(feature = "recorder", target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod peek;
#[cfg(feature = "sampling")]
mod places;
#[cfg(feature = "recorder")]
mod publish;
#[cfg(feature = "recorder")]
mod purse;
#[cfg(feature = "recorder")]
mod record;
#[cfg(feature = "recorder")]
mod resident;
#[cfg(feature = "recorder")]
mod resized;
#[cfg(feature = "sampling")]
mod sample;
#[cfg(feature = "sampling")]
mod sample_map;
#[cfg(feature = "sampling")]
mod sampled;
#[cfg(feature = "sampling")]
pub mod sampler;
#[cfg(feature = "recorder")]
mod scope;
#[cfg(feature = "sampling")]
pub mod self_check;
#[cfg(feature = "recorder")]
mod sight;
#[cfg(feature = "recorder")]
mod site;
#[cfg(feature = "recorder")]
mod slot;
#[cfg(feature = "recorder")]
mod spawn_scope;
#[cfg(feature = "recorder")]
mod stack;
#[cfg(feature = "recorder")]
mod sync;
#[cfg(feature = "recorder")]
mod system_call;
#[cfg(feature = "recorder")]
mod task;
#[cfg(feature = "recorder")]
mod task_list;
#[cfg(feature = "recorder")]
mod tenure;
#[cfg(feature = "recorder")]
mod thread_state;
#[cfg(feature = "recorder")]
mod touched;
mod trackable;
mod tracked;
#[cfg(feature = "recorder")]
mod trend;
#[cfg(feature = "recorder")]
mod variable;
#[cfg(feature = "recorder")]
mod visitor;
#[cfg(feature = "recorder")]
mod watch;
#[cfg(feature = "recorder")]
mod whereabouts;

#[cfg(not(feature = "recorder"))]
mod forward;

#[cfg(feature = "recorder")]
pub use crate::{
    allocator::Allocator,
    budget::{Budget, BudgetGuard, Within, enter_within, within},
    capture::LiveBlocks,
    crossing::{PassNothing, PassPointer, Passing, Pointer},
    fork::{Side, unlock},
    mode::Mode,
    observer::AtStart,
    scope::{ScopeGuard, enter},
    site::{Site, SiteRef, type_name_of},
    spawn_scope::{InScope, SpawnScope, spawn_scope},
    task::{Task, future, task},
    thread_state::{OwnWork, is_own_work, own_work},
    trackable::{Probe, WalkContainer, WalkFull, WalkInside, WalkNothing, Walker},
    variable::{Binding, bind, bind_argument, rebind},
    visitor::Visitor,
};
#[cfg(feature = "recorder")]
pub use inventory;

pub use trackable::{Container, Sharing, Trackable, left_out};
pub use tracked::Tracked;
#[cfg(feature = "recorder")]
pub use tracked::tracked;
#[cfg(not(feature = "recorder"))]
pub use tracked::untracked;

#[cfg(not(feature = "recorder"))]
pub use crate::forward::{Allocator, InScope, Mode, OwnWork, SpawnScope, Visitor, own_work, spawn_scope};

/// The unit tests run under the hook that they test.
#[cfg(all(test, feature = "recorder"))]
#[global_allocator]
static ALLOC: Allocator = Allocator::system();

use crate::declared::Ledger;
use crate::snapshot::{Mode as Recorded, Snapshot};

/// How much a snapshot looks at; each has what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Scopes, threads, tasks, time and sums: no variables and types, and in no scope a trend, an activity and a category; of
    /// memscope's own memory what it allocated.
    Books,
    /// Variables and types, and these of scopes: no sites and no live blocks one by one, so no
    /// `blocks`, `memory_map`, findings, sizes and lifetimes, of the `fragmentation` what is resident, in no scope bytes that no
    /// variable owns, and the blocks of an execution are only counted.
    Variables,
    /// The blocks of each variable's newest executions, one by one.
    Instances,
    /// All there is.
    Whole,
}

/// The program's memory at this moment, with what `ledgers` declared, and foreign memory.
pub fn snapshot(ledgers: &[&Ledger]) -> Snapshot {
    let _own = own_work();
    with_declared(ledgers, Depth::Whole).0
}

/// The program's memory at this moment, with foreign memory, as deep as it is asked for: the shallower the quicker.
pub fn snapshot_to(depth: Depth) -> Snapshot {
    let _own = own_work();
    with_declared(&[], depth).0
}

/// The program's memory at this moment, with what `ledger` declared, and foreign memory; and what is kept of the ledger one
/// by one.
pub fn snapshot_with(ledger: &Ledger) -> (Snapshot, Vec<declared::Declared>) {
    let _own = own_work();
    let (snapshot, path_of, _) = with_declared(&[ledger], Depth::Whole);
    let list = ledger.list_with_scopes(path_of);
    (snapshot, list)
}

/// The program's memory at this moment, with foreign memory, and the way to its live blocks one by one.
#[cfg(feature = "recorder")]
pub fn snapshot_with_blocks() -> (Snapshot, LiveBlocks) {
    let _own = own_work();
    let (snapshot, _, blocks) = with_declared(&[], Depth::Whole);
    (snapshot, blocks)
}

#[cfg(not(feature = "recorder"))]
use self::not_recorded::{LiveBlocks, recorded};

fn with_declared(
    ledgers: &[&Ledger],
    depth: Depth,
) -> (Snapshot, impl Fn(u32) -> Vec<String> + use<>, LiveBlocks) {
    let (mut snapshot, path_of, mut blocks) = recorded(depth);
    let ledgers: Vec<&Ledger> = ledgers.iter().copied().chain(declared::known_foreign()).collect();
    for ledger in &ledgers {
        ledger.add_to(&mut snapshot, &path_of);
    }
    if !ledgers.is_empty() {
        blocks.move_variables(&sort_variables(&mut snapshot));
    }
    if depth == Depth::Whole {
        snapshot.findings = findings::findings(&snapshot);
    }
    (snapshot, path_of, blocks)
}

/// Declared rows were added at the end: puts all rows in order, and sums the types again. Gives the row's new places.
fn sort_variables(snapshot: &mut Snapshot) -> Vec<u32> {
    let mut order: Vec<usize> = (0..snapshot.variables.len()).collect();
    let rows = &snapshot.variables;
    order.sort_by(|&a, &b| {
        let key = |index: usize| {
            let row = &rows[index];
            (&row.scope, &row.name, &row.file, row.line, &row.type_name)
        };
        key(a).cmp(&key(b))
    });
    let mut place = vec![0u32; order.len()];
    for (new, &old) in order.iter().enumerate() {
        place[old] = new as u32;
    }
    for row in &mut snapshot.variables {
        row.shared_with.iter_mut().for_each(|other| *other = place[*other as usize]);
        row.shared_with.sort_unstable();
    }
    for block in &mut snapshot.blocks.largest {
        block.variable = block.variable.map(|old| place[old as usize]);
    }
    for cell in &mut snapshot.memory_map.cells {
        cell.variable = cell.variable.map(|old| place[old as usize]);
    }
    let mut rows: Vec<_> = std::mem::take(&mut snapshot.variables).into_iter().map(Some).collect();
    snapshot.variables = order.into_iter().filter_map(|old| rows[old].take()).collect();
    snapshot.types = snapshot::types(&snapshot.variables);
    place
}

#[cfg(feature = "recorder")]
fn recorded(depth: Depth) -> (Snapshot, impl Fn(u32) -> Vec<String>, LiveBlocks) {
    let capture = mode::is_recording().then(|| capture::capture(depth));
    let capture::Capture { snapshot, scope_of_node, row_order } = capture.unwrap_or_else(|| {
        let snapshot = nothing_recorded(mode::allocator_is_installed());
        capture::Capture { snapshot, scope_of_node: std::collections::HashMap::new(), row_order: Vec::new() }
    });
    let scope_of_node = std::sync::Arc::new(scope_of_node);
    let blocks = LiveBlocks { scope_of_node: std::sync::Arc::clone(&scope_of_node), row_order };
    let paths: Vec<Vec<String>> = snapshot.scopes.iter().map(|scope| scope.path.clone()).collect();
    let path_of = move |node| {
        scope_of_node
            .get(&node)
            .and_then(|&index: &u32| paths.get(index as usize))
            .cloned()
            .unwrap_or_default()
    };
    (snapshot, path_of, blocks)
}

#[cfg(feature = "recorder")]
fn allocator_is_installed() -> bool {
    mode::allocator_is_installed()
}

#[cfg(not(feature = "recorder"))]
fn allocator_is_installed() -> bool {
    false
}

#[cfg(not(feature = "recorder"))]
mod not_recorded {
    use crate::snapshot::Snapshot;

    /// There are none.
    pub(crate) struct LiveBlocks;

    impl LiveBlocks {
        pub(crate) fn move_variables(&mut self, _: &[u32]) {}
    }

    pub(crate) fn recorded(_: crate::Depth) -> (Snapshot, impl Fn(u32) -> Vec<String>, LiveBlocks) {
        (crate::nothing_recorded(false), |_| Vec::new(), LiveBlocks)
    }
}

/// A snapshot that says that nothing was recorded.
pub fn nothing_recorded(allocator_installed: bool) -> Snapshot {
    let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Snapshot {
        mode: Recorded::Off,
        program: snapshot::Program {
            name: program_name(),
            pid: std::process::id(),
            started_unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX),
            elapsed_ms: 0,
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            page_bytes: None,
            memscope_version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        totals: snapshot::Totals::default(),
        scopes: Vec::new(),
        scope_threads: Vec::new(),
        variables: Vec::new(),
        threads: Vec::new(),
        foreign_frees: Vec::new(),
        tasks: Vec::new(),
        types: Vec::new(),
        timeline: Vec::new(),
        trend_ms: Vec::new(),
        sizes: Vec::new(),
        lifetimes: Vec::new(),
        findings: Vec::new(),
        blocks: snapshot::Blocks::default(),
        memory_map: snapshot::MemoryMap::default(),
        fragmentation: snapshot::Fragmentation::default(),
        handed_out: Vec::new(),
        sites: Vec::new(),
        folded: snapshot::Folded::default(),
        profiler: snapshot::Profiler { allocator_installed, ..snapshot::Profiler::default() },
    }
}

/// File name of the running executable; empty where the system would not say.
fn program_name() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
