//! A program in which nothing is amiss has no finding: it works in tracked functions, on several threads, fills and
//! reuses buffers, hands values on, shares them, and gives all back.

use memscope::{track, track_var};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, mpsc};
use std::thread;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[track]
fn reads(number: usize, line: &mut String) -> usize {
    line.clear();
    line.push_str("some words that a line is made of");
    line.len() + number
}

#[track]
fn builds() -> HashMap<String, Vec<usize>> {
    track_var!(let mut index = HashMap::<String, Vec<usize>>::with_capacity(200));
    let mut line = String::with_capacity(64);
    for number in 0..2_000 {
        let len = reads(number, &mut line);
        index.entry(format!("word {}", number % 100)).or_default().push(len);
    }
    track_var!(index);
    index
}

#[track]
fn sums(index: &HashMap<String, Vec<usize>>) -> BTreeMap<usize, usize> {
    track_var!(let mut sums: BTreeMap<usize, usize> = BTreeMap::new());
    for places in index.values() {
        *sums.entry(places.len()).or_default() += places.iter().sum::<usize>();
    }
    sums
}

#[track]
fn works() -> usize {
    track_var!(let index = Arc::new(builds()));
    let (sender, receiver) = mpsc::channel();
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let (index, sender) = (Arc::clone(&index), sender.clone());
            thread::spawn(move || sender.send(sums(&index)).expect("it is waited for"))
        })
        .collect();
    drop(sender);
    let sum = receiver.iter().map(|sums| sums.values().sum::<usize>()).sum();
    workers.into_iter().for_each(|worker| worker.join().expect("it does not panic"));
    sum
}

#[test]
fn a_program_that_is_well_behaved_has_no_finding() {
    for _ in 0..3 {
        // Each of 4 workers sums 2,000 lines: 33 bytes each, and the numbers from 0 to 1,999.
        assert_eq!(works(), 4 * (2_000 * 33 + 1_999 * 2_000 / 2));
    }
    let snapshot = memscope::snapshot();
    // Three calls of `works` and `builds` and twelve of `sums`; all that they looked at is given back.
    assert!(snapshot.variables.iter().all(|variable| variable.instances >= 3));
    assert_eq!(snapshot.variables.iter().filter_map(|variable| variable.heap_bytes).sum::<u64>(), 0);
    assert_eq!(snapshot.findings, []);
}
