//! Slots, leaves and windows of the live map, at addresses that nobody else uses.

use super::*;
use crate::slot::{Record, owner_field};

/// Addresses that no other test and no allocator of this process uses.
const BASE: usize = 0x0100_0000_0000;

fn put(address: usize, bytes: usize, spacing: Spacing, owner: u32) {
    slot_or_map(address, bytes, spacing).expect("memory for a leaf").store(
        Record::new(owner_field(owner), 0),
        address,
        bytes,
    );
}

fn owner_around(address: usize) -> Option<u32> {
    find(address).map(|found| found.record.owner())
}

#[test]
fn every_size_is_found_at_its_start_inside_and_at_its_last_byte_but_not_outside() {
    let sizes =
        [1, 7, 8, 15, 16, 63, 64, 65, 1023, 1024, 16_383, 16_384, 1 << 18, 5 << 20, 1 << 26, (1 << 30) - 1];
    let sizes = sizes.into_iter().chain([1 << 30, 9 << 30]);
    let mut address = BASE + 5; // an odd start: alignment 1 is legal
    for (index, bytes) in sizes.enumerate() {
        let owner = index as u32 + 1;
        put(address, bytes, Spacing::Any, owner);
        for inside in [address, address + bytes / 2, address + bytes - 1] {
            let found = find(inside).unwrap_or_else(|| panic!("{bytes} bytes at {address:#x}, {inside:#x}"));
            assert_eq!((found.address, found.bytes, found.record.owner()), (address, bytes, owner));
        }
        assert_eq!(owner_around(address + bytes), None, "one past {bytes} bytes");
        assert_eq!(owner_around(address - 1), if index == 0 { None } else { Some(owner - 1) });
        address += bytes; // the next one starts where this one ends
    }
}

#[test]
fn blocks_of_one_granule_do_not_meet() {
    let base = BASE + (1 << 36);
    // Eight blocks of 1 byte, one of 8, one of 16 that starts at an odd address: no gap between them.
    for offset in 0..8 {
        put(base + offset, 1, Spacing::Any, 1 + offset as u32);
    }
    put(base + 8, 9, Spacing::Any, 20);
    put(base + 17, 16, Spacing::Any, 21);
    for offset in 0..8 {
        assert_eq!(owner_around(base + offset), Some(1 + offset as u32));
    }
    assert_eq!(owner_around(base + 16), Some(20));
    assert_eq!(owner_around(base + 32), Some(21));
    assert_eq!(owner_around(base + 33), None);
}

#[test]
fn addresses_beyond_48_bits_have_their_regions() {
    for (address, owner) in [(1 << 48, 3), ((1 << 56) - 4096, 4), (usize::MAX - 65_535, 5)] {
        put(address, 100, Spacing::ThirtyTwo, owner);
        assert_eq!(owner_around(address + 99), Some(owner));
    }
}

#[test]
fn a_slot_in_a_window_is_the_slot_that_the_tiers_say() {
    let base = BASE + (3 << 36);
    for spacing in [Spacing::Any, Spacing::ThirtyTwo] {
        let window = Window::closed();
        for bytes in 1..1100 {
            // The last slot of one span, and the second address of the next, of which the first is in no window.
            for address in [base + (1 << QUICK_SPAN_BITS) - 32, base + (1 << QUICK_SPAN_BITS) + 1] {
                let belongs = bytes < 1024 && (spacing == Spacing::ThirtyTwo || bytes >= 16);
                let slot = slot_or_map(address, bytes, spacing).expect("memory for a leaf");
                assert!(window.with_slot(address, bytes, spacing, |_| ()).is_none(), "it is elsewhere");
                assert!(!window.is_over(address));
                assert!(window.open(address, spacing));
                assert!(window.is_over(address));
                let quick = window.with_slot(address, bytes, spacing, |slot| slot);
                assert_eq!(quick.is_some(), belongs, "{bytes} bytes");
                if let Some(quick) = quick {
                    crate::slot::store_small(quick, Record::new(owner_field(9), 0), address, bytes);
                    let found = slot.found(address).expect("the same slot");
                    assert_eq!((found.address, found.bytes, found.record.owner()), (address, bytes, 9));
                    assert_eq!(crate::slot::plain_owner(quick), Some(9));
                    crate::slot::clear_small(quick);
                    assert!(slot.load().is_none());
                }
            }
        }
        window.close();
        for address in [0, 1, base, 1 << 47, usize::MAX >> 1, NOWHERE - 1] {
            assert!(window.with_slot(address, 100, spacing, |_| ()).is_none(), "it is closed");
        }
        assert!(!window.open(1 << 47, spacing), "it is beyond the root");
        assert!(window.open(100, spacing));
        assert!(window.with_slot(0, 100, spacing, |_| ()).is_none(), "null is no block");
    }
}

/// `cargo test --release -p memscope-runtime --lib looked_up -- --nocapture` prints the times.
#[test]
#[allow(clippy::print_stdout, reason = "the times are what it is for")]
fn any_address_is_looked_up_within_200_ns() {
    use std::hint::black_box;
    use std::time::Instant;
    let base = BASE + (5 << 36);
    let mut slowest = 0.0f64;
    for bytes in [8, 20, 200, 5_000, 100_000, 5 << 20, 70 << 20, 3 << 30, 60 << 30] {
        for spacing in [Spacing::ThirtyTwo, Spacing::Any] {
            put(base, bytes, spacing, 7);
            let mut random = 1u64;
            let rounds = (0..100).map(|_| {
                let started = Instant::now();
                for _ in 0..200 {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let inside = base + ((u128::from(random) * bytes as u128) >> 64) as usize;
                    assert_eq!(black_box(owner_around(black_box(inside))), Some(7));
                }
                started.elapsed().as_nanos() as f64 / 200.0
            });
            // The quickest round: others were interrupted.
            let nanoseconds = rounds.fold(f64::INFINITY, f64::min);
            println!("{bytes:>12} bytes, {spacing:?}: {nanoseconds:.0} ns");
            slowest = slowest.max(nanoseconds);
            slot(base, bytes, spacing).expect("it is mapped").clear();
        }
    }
    let outside = Instant::now();
    for step in 0..2_000 {
        assert_eq!(black_box(owner_around(black_box(base + step))), None);
    }
    println!("     outside: {:.0} ns", outside.elapsed().as_nanos() as f64 / 2_000.0);
    if cfg!(not(debug_assertions)) {
        assert!(slowest <= 200.0, "{slowest:.0} ns");
    }
}

#[test]
fn a_move_does_not_erase_the_next_owner_of_the_old_address() {
    let address = BASE + (2 << 36);
    put(address, 100, Spacing::ThirtyTwo, 6);
    let slot = slot(address, 100, Spacing::ThirtyTwo).expect("it is mapped");
    let moving = slot.begin_move().expect("it lives");
    assert_eq!(owner_around(address), Some(6), "a moving block is live");
    put(address, 200, Spacing::ThirtyTwo, 7); // the inner realloc gave the address back, and it was reused
    moving.clear();
    assert_eq!(owner_around(address), Some(7));

    let moving = slot.begin_move().expect("it lives");
    moving.put_back();
    assert_eq!(find(address).map(|found| found.bytes), Some(200), "a refused move changes nothing");
    slot.begin_move().expect("it lives").clear();
    assert_eq!(owner_around(address), None);
}
