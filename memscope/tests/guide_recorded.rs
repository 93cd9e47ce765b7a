//! The guide's structs over a recording: every field that it names, from tracked variables and declarations.
//!
//! One test, for its subject is the process.

use memscope::core::tracker::{AllocationInfo, MemoryTracker};
use memscope::export::api::{ExportConfig, Exporter};
use memscope::model::{Provenance, Stage};
use memscope::{track, track_var};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

// Every block, also where sampling is compiled in.
#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system().mode(memscope::Mode::Live);

/// What is returned outlives the function.
#[track]
fn outer() -> (Vec<u8>, usize) {
    inner()
}

#[track]
fn inner() -> (Vec<u8>, usize) {
    track_var!(let mut returned: Vec<u8> = vec![1; 100]);
    returned.reserve_exact(900); // resizes the block
    track_var!(let dropped: Vec<u16> = vec![1; 50]);
    let address = dropped.as_ptr() as usize;
    drop(dropped);
    (returned, address)
}

#[track]
async fn task() {
    track_var!(let in_task: Vec<u8> = vec![1; 33]);
    std::future::ready(in_task.len()).await;
}

fn named<'a>(all: &'a [AllocationInfo], name: &str) -> &'a AllocationInfo {
    let mut rows = all.iter().filter(|info| info.var_name.as_deref() == Some(name));
    let row = rows.next().unwrap_or_else(|| panic!("{name} is tracked"));
    assert!(rows.next().is_none(), "{name} is there once");
    row
}

fn unix_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_nanos() as u64
}

#[test]
fn every_field_is_filled_from_the_recording() {
    const TICK_NS: u64 = 20_000_000;
    let tracker = MemoryTracker::new();
    let started_ns = unix_ns();
    let (returned, dropped) = outer();
    let Poll::Ready(()) = pin!(task()).poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("it waits for nothing")
    };

    // The same block, declared too; one that is declared only; and one that no allocator knows.
    tracker.track_allocation(returned.as_ptr() as usize, 1, None).expect("a fine range");
    let mut declared: Vec<u8> = vec![1; 70];
    let declared_at = declared.as_ptr() as usize;
    tracker.track_allocation(declared_at, 70, Some("declared".into())).expect("a fine range");
    tracker.track_allocation(0x1000, 8, Some("foreign".into())).expect("a fine range");
    declared.reserve_exact(500_000); // too large for where it is
    thread::sleep(Duration::from_millis(40));
    let all = tracker.get_allocations();
    let now_ns = unix_ns();

    // The block grew from 100 to 1,000 bytes and lives, though its scope was left.
    let info = named(&all, "returned");
    assert_eq!((info.ptr, info.size), (returned.as_ptr() as usize, 1_000));
    assert_eq!(info.type_name.as_deref(), Some("alloc::vec::Vec<u8>"));
    assert_eq!(info.scope, ["outer", "inner"]);
    assert_eq!(info.stack_trace.as_deref(), Some(&["inner".to_owned(), "outer".to_owned()][..]));
    assert_eq!((info.is_declared, info.provenance), (true, Provenance::Measured));
    assert_eq!((info.is_leaked, info.stage), (true, Stage::Allocated));
    assert_eq!((info.reallocations, info.grown_bytes), (Some(1), Some(900)));
    assert_eq!((info.timestamp_dealloc, info.lifetime_ms, &info.freed_by), (None, None, &None));
    assert!((started_ns - TICK_NS..=now_ns).contains(&info.timestamp_alloc));
    assert!(info.timestamp_bound.is_some_and(|bound| bound <= info.timestamp_unbound.expect("it has ended")));
    assert!(info.file.as_deref().is_some_and(|file| file.ends_with("guide_recorded.rs")));
    assert_eq!(info.line, Some(26)); // where `returned` is bound
    // A vector cannot tell who borrows it.
    assert_eq!((info.borrow_count, info.borrow_provenance), (0, Provenance::NotMeasured));

    // 50 numbers of 2 bytes, freed by the thread that bound them.
    let info = named(&all, "dropped");
    assert_eq!((info.ptr, info.size, info.is_declared), (dropped, 100, false));
    assert_eq!((info.is_leaked, info.stage), (false, Stage::Deallocated));
    assert_eq!(info.freed_by.as_deref(), Some(info.thread_id.as_str()));
    let freed = info.timestamp_dealloc.expect("it is freed");
    assert_eq!(info.lifetime_ms, Some((freed - info.timestamp_alloc) / 1_000_000));

    // In the one task that there was.
    let info = named(&all, "in_task");
    let tasks = memscope::snapshot().tasks;
    assert_eq!(info.tasks, [tasks[0].number]);
    assert!(named(&all, "returned").tasks.is_empty());

    // Measured as it was declared, and where it went since.
    let info = named(&all, "declared");
    assert_eq!((info.ptr, info.size), (declared.as_ptr() as usize, declared.capacity()));
    assert_ne!(info.ptr, declared_at);
    assert_eq!((info.is_declared, info.provenance, info.stage), (true, Provenance::Measured, Stage::Active));
    assert_eq!((info.reallocations, info.grown_bytes), (Some(1), Some(declared.capacity() as u64 - 70)));
    assert_eq!((info.scope.len(), info.is_leaked, info.timestamp_bound), (0, false, None));
    let info = named(&all, "foreign");
    assert_eq!((info.provenance, info.reallocations), (Provenance::Declared, None));
    assert!(all.windows(2).all(|pair| pair[0].timestamp_alloc <= pair[1].timestamp_alloc));

    // The stats are those of the snapshot.
    let (stats, snapshot) = (tracker.get_stats(), tracker.snapshot());
    assert_eq!(stats.mode, snapshot.mode);
    assert_eq!(stats.leaked_allocations, 1);
    let lifecycle = &stats.lifecycle_stats;
    // Three bindings and three declarations: `returned` lives on, the other two are freed, declarations live.
    assert_eq!((lifecycle.instances, lifecycle.outlived_instances), (6, 1));
    assert_eq!((lifecycle.deallocated_instances, lifecycle.active_instances), (2, 3));
    assert_eq!(lifecycle.stages.total(), 6);
    assert_eq!(lifecycle.calls, 3); // a task's first poll is its call
    assert!(stats.active_memory as u64 >= 1_000 + declared.capacity() as u64);
    assert!(stats.largest_block_bytes.is_some_and(|bytes| bytes >= declared.capacity() as u64));
    assert_eq!(stats.fragmentation_analysis.slack_bytes.is_some(), cfg!(target_env = "gnu"));
    assert_eq!((stats.tasks, stats.unrecorded_events), (1, 0));

    // The records can be exported with their scopes, files and lines.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("records.html");
    let records = all.len() as u64;
    let exporter = Exporter::new(all, stats, ExportConfig::default());
    let said = exporter.export_html(&path).expect("it can be written");
    assert!(said.allocations >= records);
    let page = std::fs::read_to_string(&path).expect("it was written");
    for text in ["returned", "foreign", "inner", "guide_recorded.rs"] {
        assert!(page.contains(text), "{text}");
    }

    // A block that was declared and freed, and a tracked one that was given its address at once, are two.
    let first: Vec<u8> = vec![1; 4_444];
    let address = first.as_ptr() as usize;
    tracker.track_allocation(address, 4_444, Some("first".into())).expect("a fine range");
    drop(first);
    track_var!(let second: Vec<u8> = vec![1; 4_444]);
    if second.as_ptr() as usize == address {
        let all = tracker.get_allocations();
        assert_eq!((named(&all, "first").ptr, named(&all, "second").ptr), (address, address));
        assert!(named(&all, "first").timestamp_dealloc.is_some());
        assert!(named(&all, "second").timestamp_dealloc.is_none());
    }

    // What is freed is freed in both.
    drop((returned, declared));
    let all = tracker.get_allocations();
    for name in ["returned", "declared"] {
        let info = named(&all, name);
        assert!(info.timestamp_dealloc.is_some() && !info.is_leaked, "{info:?}");
        assert_eq!(info.freed_by.as_deref(), Some(info.thread_id.as_str()));
    }
}
