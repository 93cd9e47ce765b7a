//! What a file lists of a snapshot that has more, and that the sums stay what they were.

#[path = "../../dashboard/tests/fixture/mod.rs"]
mod fixture;
mod huge;

use memscope_runtime::format::{Recording, bounded, read_file, write_file_with_all_blocks};
use memscope_runtime::snapshot::*;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

#[test]
fn what_fits_is_left_as_it_is() {
    let snapshot = fixture::large(1_000);
    assert!(matches!(bounded(&snapshot), Cow::Borrowed(_)));
}

#[test]
fn sums_stay_what_they_were_and_the_rows_that_hold_most_are_listed() {
    let all = huge::huge();
    let listed = bounded(&all).into_owned();
    let Folded { scopes, variables, history_instances, findings, .. } = listed.folded;

    let sum = |rows: &[Scope], figure: fn(&ScopeMemory) -> u64| {
        rows.iter().map(|row| figure(&row.exclusive)).sum::<u64>()
    };
    assert_eq!(sum(&listed.scopes, |m| m.live_bytes) + scopes.live_bytes, sum(&all.scopes, |m| m.live_bytes));
    assert_eq!(
        sum(&listed.scopes, |m| m.allocations) + scopes.allocations,
        sum(&all.scopes, |m| m.allocations)
    );
    assert_eq!(
        sum(&listed.scopes, |m| m.live_allocations) + scopes.live_allocations,
        sum(&all.scopes, |m| m.live_allocations)
    );
    assert_eq!(
        sum(&listed.scopes, |m| m.allocated_bytes) + scopes.allocated_bytes,
        sum(&all.scopes, |m| m.allocated_bytes)
    );
    // The tree stays one: every listed scope stands below listed ones, and the root is there.
    let paths: HashSet<&[String]> = listed.scopes.iter().map(|row| &*row.path).collect();
    for path in &paths {
        assert!((0..path.len()).all(|depth| paths.contains(&path[..depth])), "{path:?}");
    }

    let sum = |rows: &[Variable], figure: fn(&Variable) -> u64| rows.iter().map(figure).sum::<u64>();
    assert_eq!(
        sum(&listed.variables, |row| row.heap_bytes.unwrap()) + variables.heap_bytes.unwrap(),
        sum(&all.variables, |row| row.heap_bytes.unwrap())
    );
    assert_eq!(
        sum(&listed.variables, |row| row.instances) + variables.instances,
        sum(&all.variables, |row| row.instances)
    );
    assert_eq!(
        sum(&listed.variables, |row| row.blocks.unwrap()) + variables.blocks.unwrap(),
        sum(&all.variables, |row| row.blocks.unwrap())
    );
    assert_eq!(
        sum(&listed.variables, |row| row.folded_instances),
        sum(&listed.variables, |_| 5) + history_instances,
        "each row of the fixture has 5 folded ones"
    );
    // Each row of the fixture has two executions in its history, each of which stands for itself.
    assert_eq!(
        sum(&listed.variables, |row| row.history.len() as u64) + history_instances,
        2 * listed.variables.len() as u64
    );
    // Those that no finding points to hold more than any that is not listed.
    let by_name: HashMap<&str, &Variable> = listed.variables.iter().map(|row| (&*row.name, row)).collect();
    let pointed_to = findings_rows(&all).into_iter().take(listed.findings.len() - 1).collect::<HashSet<_>>();
    let unpinned = all.variables.iter().enumerate().filter(|(index, _)| !pointed_to.contains(index));
    let (mut least_listed, mut most_folded) = (u64::MAX, 0);
    for (_, row) in unpinned {
        let bytes = row.heap_bytes.unwrap();
        if by_name.contains_key(&*row.name) {
            least_listed = least_listed.min(bytes);
        } else {
            most_folded = most_folded.max(bytes);
        }
    }
    assert!(least_listed >= most_folded, "{least_listed} {most_folded}");
    // Those with most keep their history.
    let most = listed
        .variables
        .iter()
        .filter(|row| !pointed_to.contains(&number(row)))
        .max_by_key(|row| row.heap_bytes);
    assert_eq!(most.map(|row| row.history.len()), Some(2));

    assert_eq!(
        listed.timeline.iter().map(|point| point.live_bytes).max(),
        all.timeline.iter().map(|point| point.live_bytes).max()
    );
    assert_eq!(listed.timeline.last(), all.timeline.last());
    assert!(listed.timeline.windows(2).all(|pair| pair[0].ms < pair[1].ms));
    let live = |rows: &[Thread]| rows.iter().map(|row| row.live_bytes).sum::<u64>();
    assert_eq!(live(&listed.threads), live(&all.threads));
    assert!(findings > 0);
}

/// A map without some of its cells would show holes that are none.
#[test]
fn a_map_of_more_cells_than_a_file_holds_is_left_out_as_a_whole_and_counted() {
    let mut snapshot = fixture::mapped(&fixture::exact(&fixture::large(3)));
    snapshot.folded = Folded::default();
    let cell = snapshot.memory_map.cells[0].clone();
    for (count, folded) in [(4_096, 0), (4_097, 4_097)] {
        snapshot.memory_map.cells = vec![cell.clone(); count];
        let listed = bounded(&snapshot);
        assert_eq!(listed.folded.map_cells, folded);
        assert_eq!(listed.memory_map.cells.len() as u64, count as u64 - folded);
        assert_eq!(listed.memory_map.regions.is_empty(), folded > 0);
        let says = listed.findings.iter().flat_map(|finding| &finding.evidence);
        assert_eq!(
            says.filter(|evidence| evidence.pointer == "/folded/map_cells").count(),
            usize::from(folded > 0)
        );
    }
    // A cell of a scope that is not listed names none, and neither does one of a variable.
    let mut all = huge::huge();
    all.memory_map = snapshot.memory_map.clone();
    all.memory_map.cells.truncate(40);
    for (n, cell) in all.memory_map.cells.iter_mut().enumerate() {
        // Every fourth is of no tracked variable.
        (cell.variable, cell.variable_bytes) = ((n % 4 > 0).then_some(n as u32 * 2_499), Some(1));
    }
    all.memory_map.cells.iter_mut().enumerate().for_each(|(n, cell)| cell.scope = Some(n as u32 * 499));
    let listed = bounded(&all);
    let path = |of: &Snapshot, index: u32| of.scopes[index as usize].path.clone();
    let kept = listed.memory_map.cells.iter().zip(&all.memory_map.cells);
    let named = kept.filter(|(now, before)| match (now.scope, before.scope) {
        (Some(now), Some(before)) => {
            assert_eq!(path(&listed, now), path(&all, before));
            true
        }
        _ => false,
    });
    let named = named.count();
    assert!(named > 0 && named < 40, "{named}");
    let mut named = 0;
    for (now, before) in listed.memory_map.cells.iter().zip(&all.memory_map.cells) {
        match (now.variable, before.variable) {
            (Some(now), Some(before)) => {
                assert_eq!(listed.variables[now as usize].name, all.variables[before as usize].name);
                named += 1;
            }
            (None, of) => {
                assert_eq!(now.variable_bytes.is_some(), of.is_none(), "nobody's, or not told whose")
            }
            (Some(_), None) => panic!("it was nobody's"),
        }
    }
    // 30 are of a variable.
    assert!(named > 0 && named < 30, "{named}");
}

fn number(row: &Variable) -> usize {
    row.name.trim_start_matches("buffer_").parse().expect("it ends in its number")
}

/// The variables that the findings point to.
fn findings_rows(snapshot: &Snapshot) -> Vec<usize> {
    let pointers = snapshot.findings.iter().flat_map(|finding| &finding.evidence).map(|row| &row.pointer);
    pointers
        .filter_map(|pointer| pointer.strip_prefix("/variables/")?.split('/').next()?.parse().ok())
        .collect()
}

#[test]
fn what_names_a_row_by_its_index_names_the_same_row() {
    let mut all = huge::huge();
    all.blocks.largest = huge::blocks().take(2_000).collect();
    let listed = bounded(&all);
    let name_of = |snapshot: &Snapshot, index: u32| snapshot.variables[index as usize].name.clone();
    let path_of = |snapshot: &Snapshot, index: u32| snapshot.scopes[index as usize].path.clone();
    let listed_names: HashSet<&String> = listed.variables.iter().map(|row| &row.name).collect();
    let listed_paths: HashSet<&Vec<String>> = listed.scopes.iter().map(|row| &row.path).collect();
    let mut kept = [0, 0];
    for (before, after) in all.blocks.largest.iter().zip(&listed.blocks.largest) {
        assert_eq!(before.address, after.address);
        let name =
            before.variable.map(|index| name_of(&all, index)).filter(|name| listed_names.contains(name));
        assert_eq!(after.variable.map(|index| name_of(&listed, index)), name);
        let path = before.scope.map(|index| path_of(&all, index)).filter(|path| listed_paths.contains(path));
        assert_eq!(after.scope.map(|index| path_of(&listed, index)), path);
        kept[0] += usize::from(after.variable.is_some());
        kept[1] += usize::from(after.scope.is_some());
    }
    assert!(kept.iter().all(|&kept| kept > 10), "{kept:?}");
    for row in &listed.variables {
        for &shared in &row.shared_with {
            assert_eq!(number(&listed.variables[shared as usize]), (number(row) + 1) % huge::VARIABLES);
        }
    }
    // What the evidence of each listed finding points to is listed.
    for (before, after) in
        all.findings.iter().zip(listed.findings.iter().filter(|row| row.kind != "folded_rows"))
    {
        let row = |snapshot: &Snapshot, finding: &Finding| {
            let index = finding.evidence[0].pointer.split('/').nth(2).and_then(|index| index.parse().ok());
            name_of(snapshot, index.expect("it names a row"))
        };
        assert_eq!(row(&all, before), row(&listed, after));
        assert!(after.evidence[0].pointer.ends_with("/heap_bytes"));
    }
    let finding =
        listed.findings.iter().find(|row| row.kind == "folded_rows").expect("it says that rows are folded");
    assert!(finding.evidence.iter().any(|row| row.pointer == "/folded/variables/variables"));
    let document = serde_json::to_value(&*listed).unwrap();
    for row in &finding.evidence {
        assert_eq!(document.pointer(&row.pointer), Some(&row.value.into()), "{}", row.pointer);
    }
}

#[test]
fn the_list_of_all_blocks_is_written_on_request_and_read_block_by_block() {
    let all = huge::huge();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.memscope");
    let blocks = || huge::blocks().take(200_000);
    write_file_with_all_blocks(&path, &all, |each| blocks().for_each(each)).unwrap();
    let listed = read_file(&path).unwrap();
    assert_eq!(listed, *bounded(&all));
    let mut expected = blocks();
    let mut recording = Recording::open(&path).unwrap();
    let count = recording.all_blocks(|after| {
        let before = expected.next().unwrap();
        assert_eq!((before.address, before.bytes), (after.address, after.bytes));
        if let (Some(before), Some(after)) = (before.scope, after.scope) {
            assert_eq!(all.scopes[before as usize].path, listed.scopes[after as usize].path);
        }
    });
    assert_eq!(count.unwrap(), Some(200_000));
}

/// Rows of pairs sum to the same for each listed scope, however many are told apart, and what was told apart is counted.
#[test]
fn pairs_of_scopes_and_threads_are_folded_into_their_scopes_rows() {
    let mut all = huge::huge();
    all.folded = Folded::default();
    let template = fixture::exact(&fixture::small()).scope_threads[0];
    // Eight threads in each of the first 3,000 scopes.
    let pair = |number: u64| ScopeThread {
        scope: (number / 8) as u32,
        thread: Some((number % 8 + 1) as u32),
        calls: number % 5,
        live_bytes: huge::mixed(number) % 1_000,
        ..template
    };
    all.scope_threads = (0..24_000).map(pair).collect();
    let listed = bounded(&all);
    let sums = |of: &Snapshot| {
        let mut sums: HashMap<Vec<String>, [u64; 4]> = HashMap::new();
        for row in &of.scope_threads {
            let sum = sums.entry(of.scopes[row.scope as usize].path.clone()).or_default();
            for (sum, part) in sum.iter_mut().zip([row.pairs, row.calls, row.live_bytes, row.allocations]) {
                *sum += part;
            }
        }
        sums
    };
    let (before, after) = (sums(&all), sums(&listed));
    let is_listed: HashSet<&Vec<String>> = listed.scopes.iter().map(|row| &row.path).collect();
    let kept: HashMap<_, _> = before.into_iter().filter(|(path, _)| is_listed.contains(path)).collect();
    assert_eq!(kept, after);
    assert!(!after.is_empty());
    let told_apart = listed.scope_threads.iter().filter(|row| row.thread.is_some()).count() as u64;
    assert_eq!(told_apart + listed.folded.scope_threads, 24_000);
    // Of the listed scopes' pairs those with the most live bytes are told apart.
    let least =
        listed.scope_threads.iter().filter(|row| row.thread.is_some()).map(|row| row.live_bytes).min();
    let scope_of: HashMap<&Vec<String>, u32> =
        (0..).zip(&all.scopes).map(|(n, row)| (&row.path, n)).collect();
    let told: HashSet<(u32, Option<u32>)> = listed
        .scope_threads
        .iter()
        .map(|row| (scope_of[&listed.scopes[row.scope as usize].path], row.thread))
        .collect();
    let of_listed =
        all.scope_threads.iter().filter(|row| is_listed.contains(&all.scopes[row.scope as usize].path));
    let most =
        of_listed.filter(|row| !told.contains(&(row.scope, row.thread))).map(|row| row.live_bytes).max();
    assert!(least >= most, "{least:?} {most:?}");
    let says = listed.findings.iter().flat_map(|finding| &finding.evidence);
    assert_eq!(says.filter(|evidence| evidence.pointer == "/folded/scope_threads").count(), 1);
}
