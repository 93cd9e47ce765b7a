use super::*;

/// A number that looks drawn, and is the same at every call.
fn mixed(number: u64) -> u64 {
    let mixed = (number.wrapping_add(7)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// (address, bytes, account, ms)
type Block = (u64, u64, u32, u64);

/// Where the variable of each row stands, in reverse order; …
const ROW_ORDER: [u32; 6] = [5, 4, 3, 2, 1, 0];

/// … the row of an account's blocks: account `n` has row `n % 8 - 1`, that is none, one of these, or one that began later.
fn row_of(account: u32) -> Option<usize> {
    (account as usize % 8).checked_sub(1)
}

/// Account `n` is of scope `n / 4` and thread `n % 4`.
fn of(account: u32) -> Option<(Option<u32>, u32)> {
    Some((Some(account / 4), account % 4))
}

/// The map of these blocks at 1,000 ms, with pages of 16 bytes.
fn map_of(blocks: &[Block], mappings: &[Mapping]) -> MemoryMap {
    let mut gathering = Gathering::with_page(1_000, 16);
    for &(address, bytes, account, ms) in blocks {
        gathering.add(address as usize, bytes as usize, account, row_of(account), ms);
    }
    gathering.end_with(of, &ROW_ORDER, |_| mappings.to_vec())
}

fn anonymous(start: u64, end: u64) -> Mapping {
    Mapping { start, end, name: None }
}

/// Each cell says what the blocks say, asked one by one.
fn assert_says(map: &MemoryMap, blocks: &[Block]) {
    for cell in &map.cells {
        let place = cell.start..cell.start + cell.bytes;
        let inside = |&(address, bytes, ..): &Block| {
            let end = (address + bytes).min(place.end);
            end.saturating_sub(address.max(place.start))
        };
        let within: Vec<&Block> = blocks.iter().filter(|block| inside(block) > 0).collect();
        let begun =
            |since: u64| within.iter().filter(|b| place.contains(&b.0) && b.3 >= since).count() as u64;
        let most = |key: fn(u32) -> u32| {
            let keys: std::collections::BTreeSet<u32> = within.iter().map(|block| key(block.2)).collect();
            let sums = keys.into_iter().map(|one| {
                let of_one = within.iter().filter(|block| key(block.2) == one);
                (of_one.map(|block| inside(block)).sum::<u64>(), std::cmp::Reverse(one))
            });
            sums.max().map(|(bytes, std::cmp::Reverse(one))| (one, bytes))
        };
        // By the variable, none before all others, but those that are not known before none.
        let variable = most(|account| match row_of(account) {
            None => 1,
            Some(row) => ROW_ORDER.get(row).map_or(0, |index| index + 2),
        });
        let variable = variable.filter(|&(key, _)| key > 0);
        let expected = Cell {
            live_bytes: within.iter().map(|block| inside(block)).sum(),
            blocks: begun(0),
            young_blocks: begun(900),
            scope: most(|account| account / 4).map(|(scope, _)| scope),
            scope_bytes: most(|account| account / 4).map(|(_, bytes)| bytes),
            thread: most(|account| account % 4).map(|(thread, _)| thread),
            thread_bytes: most(|account| account % 4).map(|(_, bytes)| bytes),
            oldest_ms: within.iter().map(|block| block.3).min().unwrap(),
            newest_ms: within.iter().map(|block| block.3).max().unwrap(),
            variable: variable.and_then(|(key, _)| key.checked_sub(2)),
            variable_bytes: variable.map(|(_, bytes)| bytes),
            ..cell.clone()
        };
        assert_eq!(*cell, expected);
    }
    let sum = |figure: fn(&Cell) -> u64| map.cells.iter().map(figure).sum::<u64>();
    assert_eq!(sum(|cell| cell.live_bytes), blocks.iter().map(|block| block.1).sum::<u64>());
    assert_eq!(sum(|cell| cell.blocks), blocks.len() as u64);
    for pair in map.cells.windows(2) {
        assert!(pair[0].start + pair[0].bytes <= pair[1].start, "{pair:?}");
    }
    for cell in &map.cells {
        let region = &map.regions[cell.region as usize];
        assert!(region.start <= cell.start && cell.start + cell.bytes <= region.start + region.bytes);
    }
}

#[test]
fn cells_say_what_their_blocks_say_however_coarse_they_become() {
    // Blocks of 1 to 300 bytes and gaps of 0 to 99, met in three passes as those of three tiers are.
    for count in [1, 40, 3_000] {
        let mut address = 0x10_0005;
        let mut blocks: Vec<Block> = (0..count)
            .map(|number| {
                let bytes = 1 + mixed(number) % 300;
                let block = (address, bytes, (mixed(number + 1) % 23) as u32, mixed(number + 2) % 1_000);
                address += bytes + mixed(number + 3) % 100;
                block
            })
            .collect();
        blocks.sort_by_key(|&(address, bytes, ..)| (bytes % 3, address));
        let map = map_of(&blocks, &[]);
        assert_says(&map, &blocks);
        // 3,000 blocks and gaps of 200 bytes on average are some 600,000 bytes; cells of 16 would be 37,000, 2,300 are of 256.
        let expected_bytes = if count == 3_000 { 256 } else { 16 };
        assert_eq!(map.regions[0].cell_bytes, expected_bytes, "{count}");
        assert_eq!(map.regions.len(), 1);
    }
}

#[test]
fn the_inside_of_a_large_block_is_one_cell() {
    // From the middle of a page over 20 whole ones to the middle of another; and one of 16 whole pages.
    let blocks = [(0x1008, 8 + 20 * 16 + 3, 4, 10), (0x2000, 16 * 16, 5, 950)];
    let map = map_of(&blocks, &[]);
    assert_says(&map, &blocks);
    let places: Vec<(u64, u64, u64)> =
        map.cells.iter().map(|cell| (cell.start, cell.bytes, cell.blocks)).collect();
    assert_eq!(places, [(0x1000, 16, 1), (0x1010, 320, 0), (0x1150, 16, 0), (0x2000, 256, 1)]);
}

#[test]
fn a_place_that_was_given_out_again_during_the_walk_holds_no_more_than_fits_of_nobody_in_particular() {
    // A block in place of a large one; 12 bytes in place of 8 in a cell of 16.
    let blocks = [(0x2000, 32 * 16, 4, 10), (0x2010, 8, 9, 950), (0x3000, 8, 1, 10), (0x3004, 12, 2, 20)];
    let map = map_of(&blocks, &[]);
    let said: Vec<_> =
        map.cells.iter().map(|cell| (cell.start, cell.bytes, cell.live_bytes, cell.blocks)).collect();
    assert_eq!(said, [(0x2000, 512, 512, 2), (0x3000, 16, 16, 2)]);
    for cell in &map.cells {
        assert_eq!(
            (cell.scope, cell.thread_bytes, cell.variable, cell.variable_bytes),
            (None, None, None, None)
        );
    }
}

#[test]
fn there_are_never_more_rows_than_a_file_holds() {
    // Every page of its own; large blocks, each a run of its own; and both.
    let scattered: Vec<Block> =
        (0..20_000).map(|n| (0x10_0000 + n * 640, 3, (n % 50) as u32, n % 1_000)).collect();
    let large: Vec<Block> = (0..5_000).map(|n| (0x1000_0000 + n * 4_096, 4_000, 9, n % 1_000)).collect();
    for blocks in [scattered.clone(), large.clone(), [scattered, large].concat()] {
        let map = map_of(&blocks, &[]);
        assert!(map.cells.len() <= MOST_CELLS + MOST_RUNS && map.cells.len() > 500, "{}", map.cells.len());
        assert_says(&map, &blocks);
    }
    // Blocks at either end of the address space.
    let ends = [(1, 10, 0, 0), (u64::MAX - 100, 90, 1, 1), (u64::MAX - 100_000, 99_000, 2, 2)];
    assert_says(&map_of(&ends, &[]), &ends);
}

#[test]
fn regions_are_the_mappings_that_hold_blocks() {
    let heap = Mapping { start: 0x1000, end: 0x2000, name: Some("[heap]".into()) };
    // Cells are of 16 bytes. Blocks in the heap; in the last 8 bytes of a mapping and the first 8 of the next, in one cell; in
    // what the system does not say, twice near each other and once far away.
    let mappings = [heap, anonymous(0x5000, 0x5108), anonymous(0x5108, 0x6000), anonymous(0x9000, 0xa000)];
    let far = 0x9_0000 + NEAR_BYTES;
    let blocks = [
        (0x1100, 16, 1, 1),
        (0x1f00, 16, 1, 1),
        (0x5100, 8, 1, 1),
        (0x5108, 8, 2, 1),
        (0x5f00, 1, 2, 1),
        (0x9ff8, 8, 2, 1),
        (0x8_0000, 4, 1, 1),
        (0x8_0100, 4, 1, 1),
        (far, 4, 1, 1),
    ];
    let map = map_of(&blocks, &mappings);
    let region = |start, bytes, mappings| Region { start, bytes, name: None, mappings, cell_bytes: 16 };
    let heap = Region { name: Some("[heap]".into()), ..region(0x1000, 0x1000, 1) };
    let expected = [
        heap,
        region(0x5000, 0x1000, 2),
        region(0x9000, 0x1000, 1),
        region(0x8_0000, 0x110, 0),
        region(far, 16, 0),
    ];
    assert_eq!(map.regions, expected);
    let of_region: Vec<u32> = map.cells.iter().map(|cell| cell.region).collect();
    assert_eq!(of_region, [0, 0, 1, 1, 2, 3, 3, 4]);
    assert_says(&map, &blocks);
    // A mapping that ends within a cell cuts it.
    let cut = map_of(&[(0x1004, 2, 1, 1)], &[anonymous(0x1002, 0x1009)]);
    assert_eq!((cut.cells[0].start, cut.cells[0].bytes), (0x1002, 7));
}

#[test]
fn who_is_not_told_apart_is_not_named() {
    let mut gathering = Gathering::with_page(1_000, 4096);
    // More pairs of cell and account than are kept: 70 accounts in each of 4,096 cells, though cells become coarser.
    let accounts = 2 * MOST_SHARES as u64 / 16;
    for number in 0..accounts * 16 {
        // The same of variables, each of which has the blocks of one account.
        let account = number % accounts;
        gathering.add((0x10_0000 + number * 64) as usize, 64, account as u32, Some(account as usize), 5);
    }
    let row_order: Vec<u32> = (0..accounts as u32).collect();
    let map = gathering.end_with(of, &row_order, |_| Vec::new());
    for figure in [|cell: &Cell| cell.scope_bytes, |cell: &Cell| cell.variable_bytes] {
        let [told, untold] =
            [true, false].map(|told| map.cells.iter().filter(|cell| figure(cell).is_some() == told).count());
        assert!(told > 0 && untold > 0, "{told} {untold}");
    }
    assert!(map.cells.iter().all(|cell| cell.thread.is_some() == cell.thread_bytes.is_some()));
    assert!(map.cells.iter().all(|cell| cell.variable.is_some() == cell.variable_bytes.is_some()));
    assert_eq!(map.cells.iter().map(|cell| cell.live_bytes).sum::<u64>(), accounts * 16 * 64);
}
