//! `snapshot()` and `export()` from anywhere a program may call them: several threads at once, inside tracked functions,
//! destructors, thread-locals' destructors, `Trackable`'s walk, a panic's hook. Each ends, and each is consistent.

use memscope::model::Snapshot;
use memscope::{Trackable, Visitor};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{LazyLock, mpsc};
use std::time::Duration;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// What takes longer than this hangs: a snapshot here takes a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);

fn check(snapshot: &Snapshot) {
    let totals = &snapshot.totals;
    assert_eq!(totals.live_bytes, totals.allocated_bytes - totals.deallocated_bytes);
    assert_eq!(totals.live_allocations, totals.allocations - totals.deallocations);
    let root = &snapshot.scopes[0].inclusive;
    assert_eq!((root.allocations, root.live_bytes), (totals.allocations, totals.live_bytes));
    assert_eq!(root.allocated_bytes, totals.allocated_bytes);
    // A scope's parts are what it is, and no live figure is negative (it would be close to 2^64).
    for scope in &snapshot.scopes {
        assert!(scope.exclusive.live_bytes <= scope.inclusive.live_bytes, "{:?}", scope.path);
        assert!(scope.inclusive.live_bytes < 1 << 40, "{:?}", scope.path);
    }
}

/// Runs `work` on a thread of its own, and fails where it does not end.
fn ends(work: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        work();
        done.send(()).expect("the test waits");
    });
    let ended = wait.recv_timeout(PATIENCE);
    assert!(ended != Err(mpsc::RecvTimeoutError::Timeout), "it hangs");
    thread.join().expect("it does not panic");
}

static TAKEN: AtomicU64 = AtomicU64::new(0);

/// Where all of `take` exports to, from whatever thread.
fn shared_path() -> &'static Path {
    static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));
    static PATH: LazyLock<PathBuf> = LazyLock::new(|| FOLDER.path().join("shared.memscope"));
    &PATH
}

/// Takes a snapshot, and exports one over whatever the others have exported. Each is consistent.
fn take() {
    check(&memscope::snapshot());
    memscope::export(shared_path()).expect("it is written");
    check(&memscope_runtime::format::read_file(shared_path()).expect("it is one of them, whole"));
    TAKEN.fetch_add(1, Ordering::Relaxed);
}

/// Takes a snapshot when it is dropped.
struct TakesAtEnd(Vec<u8>);

impl Drop for TakesAtEnd {
    fn drop(&mut self) {
        take();
        self.0.clear();
    }
}

impl Trackable for TakesAtEnd {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        take();
        self.0.visit_blocks(visitor);
    }
}

#[memscope::track]
fn tracked(depth: u32) {
    memscope::track_var!(let _value: TakesAtEnd = TakesAtEnd(vec![1; 100]));
    take();
    if depth > 0 {
        tracked(depth - 1);
    }
}

#[memscope::track]
fn busy() -> Vec<u8> {
    memscope::track_var!(let made: Vec<u8> = vec![0; 64]);
    made
}

thread_local! {
    static AT_THREADS_END: RefCell<Option<TakesAtEnd>> = const { RefCell::new(None) };
}

/// From each place that there is, one after another.
fn take_everywhere() {
    AT_THREADS_END.with(|place| *place.borrow_mut() = Some(TakesAtEnd(vec![2; 200])));
    tracked(3);
    assert!(std::panic::catch_unwind(|| panic!("on purpose")).is_err());
}

#[test]
fn snapshot_and_export_may_be_called_anywhere_and_by_all_threads_at_once() {
    // Of the panics of `take_everywhere` alone, for an assertion's would come back to itself.
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| match panic.payload().downcast_ref::<&str>() {
        Some(&"on purpose") => take(),
        _ => before(panic),
    }));
    // Four calls of `tracked`: a look, the body, the drop. Then the hook, and the thread-local's end.
    let of_a_thread = 4 * 3 + 1 + 1;
    ends(take_everywhere);
    assert_eq!(TAKEN.load(Ordering::Relaxed), of_a_thread);
    ends(|| {
        while_two_allocate(|| {
            let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(take_everywhere)).collect();
            threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
        });
    });
    assert_eq!(TAKEN.load(Ordering::Relaxed), (1 + 4) * of_a_thread);
}

/// Runs `work` while two threads allocate and free.
fn while_two_allocate(work: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut kept: Vec<Vec<u8>> = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    kept.push(busy());
                    kept.truncate(1_000);
                }
            });
        }
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        stop.store(true, Ordering::Relaxed);
        done.expect("it does not panic");
    });
}

#[test]
fn several_threads_at_once_export_while_others_allocate() {
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("one.memscope");
    ends(move || {
        while_two_allocate(|| {
            let exporters = (0..4).map(|number| {
                let path = path.clone();
                std::thread::spawn(move || exports(&path, number))
            });
            let exporters: Vec<_> = exporters.collect();
            exporters.into_iter().for_each(|exporter| exporter.join().expect("it does not panic"));
        });
        drop(folder);
    });
}

/// All write to one path: whoever reads finds one of them, whole.
fn exports(path: &Path, number: usize) {
    for round in 0..10 {
        if (number + round) % 2 == 0 {
            memscope::export(path).expect("it is written");
        } else if path.exists() {
            check(&memscope_runtime::format::read_file(path).expect("it is whole"));
        }
        check(&memscope::snapshot());
    }
}
