//! A snapshot of a program that has more of everything than a file lists: 10⁷ live blocks, 10⁵ variables in 20,000 scopes,
//! 10⁴ threads, a week of timeline by the second.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of these")]

use super::fixture;
use memscope_runtime::snapshot::*;

pub const LIVE_BLOCKS: u64 = 10_000_000;
pub const VARIABLES: usize = 100_000;
pub const SCOPES: usize = 20_000;
pub const THREADS: u32 = 10_000;
pub const TIMELINE_POINTS: u64 = 7 * 24 * 60 * 60;

/// A number that looks drawn, and is the same at every call.
pub fn mixed(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 31)
}

/// The path of a scope: a tree in which each has ten below it.
fn path(number: usize) -> Vec<String> {
    let mut path = Vec::new();
    let mut number = number;
    while number > 0 {
        path.push(format!("handle_{number}"));
        number = (number - 1) / 10;
    }
    path.reverse();
    path
}

/// The scope tree, each scope with what is below it in `inclusive`.
fn scopes(template: &Scope) -> Vec<Scope> {
    let mut scopes: Vec<Scope> = (0..SCOPES)
        .map(|number| {
            let path = path(number);
            let live = mixed(number as u64) % 100_000;
            let memory = ScopeMemory {
                allocations: live / 10 + 7,
                deallocations: 7,
                live_allocations: live / 10,
                allocated_bytes: live * 3,
                deallocated_bytes: live * 2,
                live_bytes: live,
                live_at_peak_bytes: Some(live + 5),
                unowned_live_bytes: Some(live / 3),
                ..ScopeMemory::default()
            };
            Scope {
                key: path.iter().map(|name| format!("server::router::{name}")).collect(),
                file: Some(format!("src/router/part_{}.rs", number % 300)),
                line: Some(number as u32 % 2_000),
                calls: mixed(number as u64 + 1) % 1_000_000,
                exclusive: memory,
                inclusive: memory,
                trend: (0..64).map(|moment| mixed(moment) % (live + 1)).collect(),
                category: None,
                path,
                ..template.clone()
            }
        })
        .collect();
    for number in (1..SCOPES).rev() {
        let below = scopes[number].inclusive;
        let above = &mut scopes[(number - 1) / 10].inclusive;
        above.allocations += below.allocations;
        above.live_allocations += below.live_allocations;
        above.allocated_bytes += below.allocated_bytes;
        above.deallocated_bytes += below.deallocated_bytes;
        above.live_bytes += below.live_bytes;
    }
    scopes
}

pub fn huge() -> Snapshot {
    let mut snapshot = fixture::exact(&fixture::large(2));
    snapshot.folded = Folded::default();
    snapshot.scopes = scopes(&snapshot.scopes[1]);
    let template = snapshot.variables[0].clone();
    snapshot.variables = (0..VARIABLES)
        .map(|number| {
            let heap_bytes = mixed(number as u64) % 10_000_000;
            Variable {
                name: format!("buffer_{number}"),
                type_name: Some(format!("alloc::vec::Vec<server::router::Item{}>", number % 5_000)),
                scope: snapshot.scopes[number % SCOPES].path.clone(),
                file: Some(format!("src/router/part_{}.rs", number % 300)),
                line: Some(number as u32 % 2_000),
                heap_bytes: Some(heap_bytes),
                peak_heap_bytes: Some(heap_bytes + 100),
                shared_with: vec![(number as u32 + 1) % VARIABLES as u32],
                ..template.clone()
            }
        })
        .collect();
    snapshot.threads = (1..=THREADS)
        .map(|id| Thread {
            id,
            name: Some(format!("worker-{id}")),
            live_bytes: mixed(u64::from(id)) % 1_000_000,
            ..snapshot.threads[1].clone()
        })
        .collect();
    snapshot.timeline = (0..TIMELINE_POINTS)
        .map(|second| TimelinePoint {
            ms: second * 1_000,
            live_bytes: mixed(second) % (1 << 32),
            live_bytes_error: None,
            resident_bytes: (second % 7 != 0).then_some((1 << 33) + mixed(second) % (1 << 30)),
        })
        .collect();
    snapshot.trend_ms = (0..64).map(|moment| moment * 9_450_000).collect();
    let outlived = snapshot.findings[0].clone();
    snapshot.findings = (0..VARIABLES / 10)
        .map(|number| {
            let mut finding = outlived.clone();
            finding.evidence[0].pointer = format!("/variables/{number}/heap_bytes");
            finding
        })
        .collect();
    snapshot.totals.live_allocations = LIVE_BLOCKS;
    snapshot.blocks.folded_blocks = LIVE_BLOCKS - snapshot.blocks.largest.len() as u64;
    snapshot
}

/// All live blocks of it.
pub fn blocks() -> impl Iterator<Item = Block> {
    (0..LIVE_BLOCKS).map(|number| Block {
        address: 0x7f00_0000_0000 + number * 96,
        bytes: 16 + mixed(number) % 80,
        scope: Some((mixed(number + 1) % SCOPES as u64) as u32),
        thread: Some((mixed(number + 2) % u64::from(THREADS)) as u32 + 1),
        allocated_ms: number / 20,
        variable: (number % 3 == 0).then_some((mixed(number + 3) % VARIABLES as u64) as u32),
    })
}
