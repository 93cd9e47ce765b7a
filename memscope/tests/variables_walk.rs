//! A look at many elements takes time in proportion and allocates nothing for them; one at a cycle ends.

use memscope::model::Snapshot;
use memscope::{Trackable, Visitor, track, track_var};
use std::cell::RefCell;
use std::collections::{BTreeMap, LinkedList};
use std::rc::Rc;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

/// What a look cost.
struct Cost {
    took: Duration,
    allocations: u64,
}

fn own_allocations() -> u64 {
    memscope::snapshot().profiler.own_allocations
}

/// Blocks of the newest execution of `many`, and their bytes.
fn found(snapshot: &Snapshot) -> (u64, u64) {
    let rows = snapshot.variables.iter().filter(|row| row.name == "many" && row.active_instances == 1);
    let [row] = rows.collect::<Vec<_>>()[..] else { panic!("one is in scope") };
    (row.blocks.expect("it was walked"), row.heap_bytes.expect("it was walked"))
}

/// Looks at a value; `blocks` and `bytes`: what it owns.
#[track]
fn look<T: Trackable>(many: T, again: bool, blocks: u64, bytes: u64) -> Cost {
    let before = own_allocations();
    let begun = Instant::now();
    track_var!(many);
    let took = begun.elapsed();
    if again {
        track_var!(many); // moves all that one watch is over to another
    }
    let allocations = own_allocations() - before;
    assert_eq!(found(&memscope::snapshot()), (blocks, bytes));
    Cost { took, allocations }
}

/// Costs for ten times as many elements, `few` being their number in the first place.
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
fn compare(what: &str, few: u64, cost: impl Fn(u64) -> Cost) {
    cost(1_000); // what is made once is made
    let (one, ten) = (cost(few), cost(10 * few));
    let ratio = ten.took.as_secs_f64() / one.took.as_secs_f64();
    println!(
        "{what}: {few} in {:?}, ten times as many in {:?} ({ratio:.1} times); {} and {} allocations",
        one.took, ten.took, one.allocations, ten.allocations
    );
    assert!(ratio < 30.0, "{what}: ten times as many elements took {ratio} times as long");
    // Two snapshots lie between the counts, whose lists grow by a row and whose tables of the map's cells by doubling: about a
    // hundred more. 200 are above that, and far below `few`.
    assert!(ten.allocations < one.allocations + 200, "{what}: {} and {}", one.allocations, ten.allocations);
    assert!(one.allocations < 5_000, "{what}: {}", one.allocations);
}

struct Node {
    edges: RefCell<Vec<Rc<Node>>>,
}

impl Trackable for Node {
    fn visit_blocks(&self, visitor: &mut Visitor<'_>) {
        self.edges.visit_blocks(visitor);
    }
}

/// A graph of nodes that all know each other.
fn clique(len: usize) -> Vec<Rc<Node>> {
    let nodes: Vec<Rc<Node>> =
        (0..len).map(|_| Rc::new(Node { edges: RefCell::new(Vec::with_capacity(len)) })).collect();
    nodes.iter().for_each(|node| node.edges.borrow_mut().extend(nodes.iter().map(Rc::clone)));
    nodes
}

#[track]
fn looks_at_a_clique() {
    let clique = clique(300);
    track_var!(clique);
    track_var!(let other: Vec<Rc<Node>> = clique.clone());
    let snapshot = memscope::snapshot();
    let row = |name: &str| {
        let mut rows = snapshot.variables.iter().filter(|row| row.name == name);
        rows.next().map(|row| (row.blocks, row.heap_bytes)).expect("it was looked at")
    };
    // The list, and for each of 300 nodes its own block (two counts, a borrow flag, a vector: 48 bytes) and its list.
    assert_eq!(row("clique"), (Some(1 + 2 * 300), Some(2_400 + 300 * (48 + 2_400))));
    assert_eq!(row("other"), (Some(1), Some(2_400)), "all but its own list counts for the first");
    clique.iter().for_each(|node| node.edges.borrow_mut().clear());
    drop(other);
}

#[test]
fn looks_are_linear_allocate_nothing_and_end() {
    looks_at_a_clique();
    const FEW: u64 = 100_000;
    compare("Vec<String>", FEW, |len| {
        let strings: Vec<String> = (0..len).map(|_| "seventeen bytes..".to_owned()).collect();
        look(strings, true, 1 + len, len * (24 + 17))
    });
    compare("Vec<Box<u64>>", FEW, |len| {
        let boxes: Vec<Box<u64>> = (0..len).map(Box::new).collect();
        look(boxes, false, 1 + len, len * (8 + 8))
    });
    compare("LinkedList<u64>", FEW, |len| {
        let list: LinkedList<u64> = (0..len).collect();
        look(list, false, len, len * 24)
    });
    compare("BTreeMap<u64, String>", FEW, |len| {
        // A tree's nodes are std's business: what they take is what the scope has beyond its strings.
        let before = memscope::snapshot().totals;
        let tree: BTreeMap<u64, String> = (0..len).map(|n| (n, "seventeen bytes..".to_owned())).collect();
        let after = memscope::snapshot().totals;
        let blocks = after.live_allocations - before.live_allocations;
        look(tree, false, blocks, after.live_bytes - before.live_bytes)
    });
}
