//! What became of each execution of a binding: dropped in its scope, outlived it, or alive. No false leak on any.

use memscope::model::{Fate, Fates, Snapshot, Stage, Variable};
use memscope::{Trackable, Tracked, Visitor, track, track_var};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Mutex, mpsc};
use std::thread;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// The rows of a name in all scopes.
fn rows<'a>(snapshot: &'a Snapshot, name: &str) -> Vec<&'a Variable> {
    snapshot.variables.iter().filter(|row| row.name == name).collect()
}

/// Dropped in scope, outlived, alive: over all rows of a name.
#[track_caller]
fn fates(name: &str) -> [u64; 3] {
    let snapshot = memscope::snapshot();
    let rows = rows(&snapshot, name);
    assert!(!rows.is_empty(), "{name}: {:?}", snapshot.variables);
    let mut sums = [0; 3];
    for row in rows {
        let Fates { dropped_in_scope, outlived_scope, live_at_export } = row.fates.expect("it was walked");
        let of_row = [dropped_in_scope, outlived_scope, live_at_export];
        sums.iter_mut().zip(of_row).for_each(|(sum, part)| *sum += part);
        let listed = row.history.iter().filter_map(|instance| instance.fate).count() as u64;
        assert!(listed <= of_row.iter().sum(), "{row:?}");
    }
    sums
}

fn outlived_finding(name: &str) -> bool {
    let snapshot = memscope::snapshot();
    snapshot
        .findings
        .iter()
        .any(|finding| finding.kind == "outlived_scope" && finding.variable.as_deref() == Some(name))
}

#[track]
fn drops_500() {
    for bytes in 1..=500 {
        track_var!(let bound_in_a_thread: Vec<u8> = vec![0; bytes]);
        let seen_in_a_thread = vec![0u8; bytes];
        track_var!(seen_in_a_thread);
        std::hint::black_box(&bound_in_a_thread);
    }
}

#[test]
fn eight_threads_that_drop_500_vectors_each_leak_none() {
    let threads: Vec<_> = (0..8).map(|_| thread::spawn(drops_500)).collect();
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    let snapshot = memscope::snapshot();
    for name in ["bound_in_a_thread", "seen_in_a_thread"] {
        assert_eq!(fates(name), [4_000, 0, 0], "{name}");
        let [row] = rows(&snapshot, name)[..] else { panic!("one row: threads share a scope") };
        assert_eq!((row.instances, row.active_instances, row.stages.deallocated), (4_000, 0, 4_000));
        assert_eq!((row.heap_bytes, row.blocks, row.threads.len()), (Some(0), Some(0), 8));
        assert_eq!(row.history.len() as u64 + row.folded_instances, 4_000);
        assert!(row.peak_heap_bytes <= Some(8 * 500), "each thread has one at a time: {row:?}");
        assert!(!outlived_finding(name));
    }
}

#[track]
fn returns_both() -> (Vec<u8>, Vec<u8>) {
    track_var!(let returned: Vec<u8> = vec![0; 10]);
    let also_returned = vec![0u8; 20];
    track_var!(also_returned);
    (returned, also_returned)
}

#[test]
fn what_is_returned_lives_and_has_then_outlived_its_scope() {
    let kept = returns_both();
    assert_eq!((fates("returned"), fates("also_returned")), ([0, 0, 1], [0, 0, 1]));
    drop(kept);
    assert_eq!((fates("returned"), fates("also_returned")), ([0, 1, 0], [0, 1, 0]));
    let snapshot = memscope::snapshot();
    let row = rows(&snapshot, "returned")[0];
    assert_eq!((row.stage, row.history[0].fate), (Stage::Deallocated, Some(Fate::OutlivedScope)));
}

#[track]
fn drops_half_early() {
    for turn in 0..10 {
        track_var!(let sometimes: Vec<u8> = vec![0; 30]);
        let sometimes_seen = vec![0u8; 30];
        track_var!(sometimes_seen);
        if turn % 2 == 0 {
            drop((sometimes, sometimes_seen));
        }
    }
}

#[track]
fn keeps_a_third(kept: &mut Vec<Vec<u8>>) {
    for turn in 0..9 {
        track_var!(let kept_at_times: Vec<u8> = vec![0; 40]);
        if turn % 3 == 0 {
            kept.push(kept_at_times);
        }
    }
}

#[test]
fn conditional_drops_are_told_one_by_one() {
    drops_half_early();
    assert_eq!((fates("sometimes"), fates("sometimes_seen")), ([10, 0, 0], [10, 0, 0]));
    let mut kept = Vec::new();
    keeps_a_third(&mut kept);
    assert_eq!(fates("kept_at_times"), [6, 0, 3]);
    kept.pop();
    assert_eq!(fates("kept_at_times"), [6, 1, 2]);
}

#[track]
fn shadows() {
    track_var!(let shadowed: Vec<u8> = vec![0; 50]);
    track_var!(let shadowed: Vec<u8> = vec![0; shadowed.len() + 1]);
    let shadowed_and_seen = vec![0u8; 1];
    track_var!(shadowed_and_seen);
    let shadowed_and_seen = vec![0u8; shadowed.len() + shadowed_and_seen.len()];
    track_var!(shadowed_and_seen);
}

#[test]
fn a_shadowed_value_is_dropped_in_its_scope() {
    shadows();
    assert_eq!((fates("shadowed"), fates("shadowed_and_seen")), ([2, 0, 0], [2, 0, 0]));
}

#[track]
fn joins_a_thread() {
    track_var!(let moved_and_joined: Vec<u8> = vec![0; 60]);
    let seen_and_joined = vec![0u8; 60];
    track_var!(seen_and_joined);
    thread::spawn(move || drop((moved_and_joined, seen_and_joined))).join().expect("it does not panic");
}

#[track]
fn leaves_a_thread(go: mpsc::Receiver<()>) -> thread::JoinHandle<()> {
    track_var!(let moved_away: Vec<u8> = vec![0; 70]);
    let seen_and_moved_away = vec![0u8; 70];
    track_var!(seen_and_moved_away);
    thread::spawn(move || {
        go.recv().expect("it is told");
        drop((moved_away, seen_and_moved_away));
    })
}

#[test]
fn what_moves_into_a_thread_is_judged_by_when_it_is_dropped() {
    joins_a_thread();
    assert_eq!((fates("moved_and_joined"), fates("seen_and_joined")), ([1, 0, 0], [1, 0, 0]));
    let (tell, go) = mpsc::channel();
    let thread = leaves_a_thread(go);
    assert_eq!((fates("moved_away"), fates("seen_and_moved_away")), ([0, 0, 1], [0, 0, 1]));
    tell.send(()).expect("it listens");
    thread.join().expect("it does not panic");
    assert_eq!((fates("moved_away"), fates("seen_and_moved_away")), ([0, 1, 0], [0, 1, 0]));
}

#[track]
fn forgets() {
    track_var!(let forgotten: Vec<u8> = vec![0; 80]);
    std::mem::forget(forgotten);
}

#[test]
fn what_is_forgotten_is_alive() {
    for _ in 0..100 {
        forgets();
    }
    // The newest 16 are kept one by one, the others folded: all are alive.
    assert_eq!(fates("forgotten"), [0, 0, 100]);
    let snapshot = memscope::snapshot();
    let row = rows(&snapshot, "forgotten")[0];
    assert_eq!((row.heap_bytes, row.blocks, row.stages.allocated), (Some(8_000), Some(100), 100));
}

#[track]
fn hands_over() {
    track_var!(let giver: HashMap<u32, String> = (0..50).map(|n| (n, n.to_string())).collect());
    track_var!(let taker: HashMap<u32, String> = giver);
    std::hint::black_box(&taker);
}

#[test]
fn what_another_variable_took_over_has_no_fate_of_its_own() {
    hands_over();
    assert_eq!((fates("giver"), fates("taker")), ([0, 0, 0], [1, 0, 0]));
    let snapshot = memscope::snapshot();
    assert_eq!(rows(&snapshot, "giver")[0].stage, Stage::Moved);
}

#[track]
fn grows_and_hands_over() {
    let mut grower: HashMap<u32, u32> = (0..3).map(|n| (n, n)).collect();
    track_var!(grower);
    grower.extend((0..100).map(|n| (n, n))); // outgrows its table, which is freed
    track_var!(grower);
    track_var!(let grown: HashMap<u32, u32> = grower);
    std::hint::black_box(&grown);
}

#[test]
fn a_map_that_outgrew_a_table_and_was_handed_over_is_moved() {
    grows_and_hands_over();
    let snapshot = memscope::snapshot();
    assert_eq!(rows(&snapshot, "grower")[0].stage, Stage::Moved, "its last block went to another variable");
    assert_eq!((fates("grower"), fates("grown")), ([0, 0, 0], [1, 0, 0]));
}

#[track]
fn consumes(value: Vec<u8>) -> usize {
    value.len()
}

#[track]
fn passes_on() {
    let consumed_below = vec![0u8; 90];
    {
        track_var!(consumed_below); // its observation ends with the block
    }
    consumes(consumed_below);
}

#[track(vars)]
fn takes(argument: Vec<u8>, also_an_argument: String, early: bool) {
    drop(argument);
    if early {
        drop(also_an_argument);
    }
}

#[track(vars)]
fn gives_back(given_back: Vec<u8>) -> Vec<u8> {
    given_back
}

#[track]
fn recurses(depth: u32) {
    let on_each_level = vec![depth; 7];
    track_var!(on_each_level);
    track_var!(let bound_on_each_level: Vec<u32> = vec![depth; 7]);
    if depth > 0 {
        recurses(depth - 1);
    }
    std::hint::black_box((&on_each_level, &bound_on_each_level));
}

#[test]
fn what_a_callee_drops_and_what_is_dropped_after_the_guard_is_dropped_in_scope() {
    passes_on();
    assert_eq!(fates("consumed_below"), [1, 0, 0]);
    recurses(5);
    assert_eq!((fates("on_each_level"), fates("bound_on_each_level")), ([6, 0, 0], [6, 0, 0]));
}

#[test]
fn an_argument_is_no_leak() {
    for turn in 0..40 {
        takes(vec![0; 9], "an argument".to_owned(), turn % 4 == 0);
    }
    // Dropped by the function's body: 40 of one, ten of the other. The others are dropped as arguments are, after the
    // scope was left, where the caller could have dropped them as well: of those nothing is said.
    assert_eq!((fates("argument"), fates("also_an_argument")), ([40, 0, 0], [10, 0, 0]));
    assert!(!outlived_finding("also_an_argument"));
    let snapshot = memscope::snapshot();
    assert_eq!(rows(&snapshot, "also_an_argument")[0].stages.deallocated, 40);
    let kept = gives_back(vec![0; 9]);
    assert_eq!(fates("given_back"), [0, 0, 1]);
    thread::spawn(move || drop(kept)).join().expect("it does not panic");
    assert_eq!(fates("given_back"), [0, 1, 0]);
}

static STORED: Mutex<Option<Vec<u8>>> = Mutex::new(None);

#[track]
fn stores() {
    let stored = vec![0u8; 100];
    track_var!(stored);
    let former = STORED.lock().expect("nobody panics").replace(stored);
    drop(former);
}

#[test]
fn what_a_later_call_drops_has_outlived_its_own() {
    (0..4).for_each(|_| stores());
    assert_eq!(fates("stored"), [0, 3, 1]);
}

#[track]
fn wraps() -> Tracked<Vec<u8>> {
    let wrapped = vec![0u8; 110];
    track_var!(move wrapped)
}

#[test]
fn a_wrapper_takes_the_scope_along() {
    drop(wraps());
    let inner = Tracked::into_inner(wraps());
    assert_eq!(fates("wrapped"), [1, 0, 1]);
    drop(inner);
    assert_eq!(fates("wrapped"), [1, 1, 0]);
}

#[track]
fn caches_without_bound(cache: &mut Vec<Vec<u8>>) {
    track_var!(let entry_of_leaky: Vec<u8> = vec![0; 1_000]);
    cache.push(entry_of_leaky);
}

#[track]
fn caches_ten(cache: &mut Vec<Vec<u8>>) {
    track_var!(let entry_of_proper: Vec<u8> = vec![0; 1_000]);
    cache.push(entry_of_proper);
    if cache.len() > 10 {
        cache.remove(0);
    }
}

#[test]
fn a_leaky_cache_beside_a_proper_one() {
    let (mut leaky, mut proper) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        caches_without_bound(&mut leaky);
        caches_ten(&mut proper);
    }
    assert_eq!(fates("entry_of_leaky"), [0, 0, 100]);
    assert_eq!(fates("entry_of_proper"), [0, 90, 10]);
    let snapshot = memscope::snapshot();
    let bytes = |name| rows(&snapshot, name)[0].heap_bytes;
    assert_eq!((bytes("entry_of_leaky"), bytes("entry_of_proper")), (Some(100_000), Some(10_000)));
}

struct Link {
    next: RefCell<Option<Rc<Link>>>,
}

impl Trackable for Link {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.next.visit_blocks(visitor);
    }
}

#[track]
fn links(close: bool) {
    track_var!(let first: Rc<Link> = Rc::new(Link { next: RefCell::new(None) }));
    let second = Rc::new(Link { next: RefCell::new(Some(Rc::clone(&first))) });
    if close {
        first.next.replace(Some(second));
    }
    track_var!(first);
}

#[test]
fn a_cycle_leaks_and_a_chain_does_not() {
    links(false);
    assert_eq!(fates("first"), [1, 0, 0]);
    links(true);
    assert_eq!(fates("first"), [1, 0, 1]);
    let snapshot = memscope::snapshot();
    // Two counts, a borrow flag and a pointer of 8 bytes, twice.
    assert_eq!(
        (rows(&snapshot, "first")[0].heap_bytes, rows(&snapshot, "first")[0].blocks),
        (Some(64), Some(2))
    );
}

#[track]
fn clones() -> Vec<u8> {
    track_var!(let original: Vec<u8> = vec![0; 120]);
    track_var!(let copy: Vec<u8> = original.clone());
    copy
}

#[test]
fn a_clone_has_a_fate_of_its_own() {
    let copy = clones();
    assert_eq!((fates("original"), fates("copy")), ([1, 0, 0], [0, 0, 1]));
    drop(copy);
    assert_eq!(fates("copy"), [0, 1, 0]);
}

#[derive(Default)]
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        match std::mem::replace(&mut self.0, true) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    }
}

#[track]
async fn hops(bytes: usize) -> Vec<u8> {
    track_var!(let bound_in_a_task: Vec<u8> = vec![0; bytes]);
    let seen_in_a_task = vec![0u8; bytes];
    track_var!(seen_in_a_task);
    let returned_by_a_task = vec![0u8; bytes];
    track_var!(returned_by_a_task);
    Yield::default().await;
    Yield::default().await;
    std::hint::black_box((&bound_in_a_task, &seen_in_a_task));
    returned_by_a_task
}

type Polled = std::pin::Pin<Box<dyn Future<Output = Vec<u8>> + Send>>;

/// Polls once on a thread of its own.
fn poll_elsewhere(mut future: Polled) -> Result<Vec<u8>, Polled> {
    let poll = move || {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(output) => Ok(output),
            std::task::Poll::Pending => Err(future),
        }
    };
    thread::spawn(poll).join().expect("it does not panic")
}

#[test]
fn tasks_that_hop_threads_leak_nothing() {
    let mut kept = Vec::new();
    for _ in 0..50 {
        let mut future: Polled = Box::pin(hops(130));
        let output = loop {
            match poll_elsewhere(future) {
                Ok(output) => break output,
                Err(unfinished) => future = unfinished,
            }
        };
        kept.push(output);
    }
    // 20 more are dropped after their first poll.
    (0..20).for_each(|_| drop(poll_elsewhere(Box::pin(hops(140))).err()));
    assert_eq!((fates("bound_in_a_task"), fates("seen_in_a_task")), ([70, 0, 0], [70, 0, 0]));
    assert_eq!(fates("returned_by_a_task"), [20, 0, 50]);
    drop(kept);
    assert_eq!(fates("returned_by_a_task"), [20, 50, 0]);
}
