//! Memory lost inside and between blocks.

use crate::snapshot::Fragmentation;

/// All of it but what is resident.
#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
pub(super) fn of_heap(_: bool) -> Fragmentation {
    Fragmentation::default()
}

/// All of it but what is resident.
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
pub(super) fn of_heap(sampled: bool) -> Fragmentation {
    if !crate::record::is_over_glibc() || !crate::glibc::is_understood() {
        return Fragmentation::default();
    }
    // Sampled blocks lie in places that memscope made for them: what these leave is not the program's.
    let slack = if sampled { None } else { slack::read() };
    let (slack, holes) = slack.unzip();
    let glibc = crate::glibc::heap_if_quick(holes);
    Fragmentation { glibc, ..slack.unwrap_or_default() }
}

#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod slack {
    //! Bytes inside live blocks past what was asked for.
    //!
    //! Other threads go on meanwhile. A block is counted if its slot says the same before its header was read and after, and
    //! was not moving: then it lived while the header was read, unless it was freed and its address given to the like of it in
    //! between. A block that is older than the clock's last tick cannot have been: the new one would be younger. Of a
    //! younger one the header is believed where it leaves no more than glibc's `malloc` does ([`MOST_LEFT_BYTES`]).

    use crate::account::Account;
    use crate::glibc::{self, HEADER_BYTES};
    use crate::peek::{Peek, Refused};
    use crate::slot::{Found, stamp_field};
    use crate::snapshot::Fragmentation;
    use crate::watch::Watch;
    use crate::{clock, live_map};

    /// What `malloc` leaves in a block at most: 15 bytes by rounding up to 16, or 24 in the smallest block, and a rest
    /// of up to 32 bytes that is too small for a chunk of its own (`MINSIZE`).
    const MOST_LEFT_BYTES: u64 = 56;

    /// The slack, and how many of the program's blocks lie behind a hole. `None`: the kernel lets the process not read its own
    /// memory in this way.
    pub(super) fn read() -> Option<(Fragmentation, u64)> {
        clock::refresh();
        let tick = clock::now_field();
        let mut sum = (Fragmentation { slack_bytes: Some(0), ..Fragmentation::default() }, 0);
        let mut peek = Peek::new();
        let mut batch: Vec<Found<'static>> = Vec::new();
        let mut outcome = Ok(());
        live_map::for_each(|found| {
            if outcome.is_err() || is_own(&found) {
                return;
            }
            let header = found.address - HEADER_BYTES;
            if !peek.ask(header) {
                outcome = add(&mut peek, &mut batch, tick, &mut sum);
                peek.ask(header); // an empty batch has room
            }
            batch.push(found);
        });
        outcome.and_then(|()| add(&mut peek, &mut batch, tick, &mut sum)).ok()?;
        Some(sum)
    }

    /// Reads the headers of a batch and adds the blocks whose headers are believed.
    fn add(
        peek: &mut Peek,
        batch: &mut Vec<Found<'static>>,
        tick: u64,
        (sum, holes): &mut (Fragmentation, u64),
    ) -> Result<(), Refused> {
        let mut blocks = batch.iter();
        let mut believed = |header: Option<u64>| {
            let found = blocks.next()?;
            let (bytes, header) = (found.bytes as u64, header?);
            let left = glibc::usable_bytes(header)?.checked_sub(bytes)?;
            let is_older = stamp_field(found.record.stamp()) != tick;
            let is_believed = found.is_unchanged() && (is_older || left <= MOST_LEFT_BYTES);
            is_believed.then(|| (bytes, left, glibc::is_after_a_hole(header)))
        };
        let outcome = peek.read(|header| {
            if let Some((bytes, left, is_after_a_hole)) = believed(header) {
                *holes += u64::from(is_after_a_hole);
                sum.slack_blocks += 1;
                sum.slack_of_bytes += bytes;
                sum.slack_bytes = sum.slack_bytes.map(|slack| slack + left);
            }
        });
        batch.clear();
        outcome
    }

    fn is_own(found: &Found<'_>) -> bool {
        let watch = if found.record.is_watched() { Watch::get(found.record.owner()) } else { None };
        let account = watch.map_or(found.record.owner(), Watch::account);
        Account::get(account).is_none_or(|account| account.is_own())
    }
}

// Where blocks are sampled their slack is not measured.
#[cfg(all(
    test,
    not(feature = "sampling"),
    target_os = "linux",
    target_env = "gnu",
    target_pointer_width = "64"
))]
mod tests {
    use super::*;
    use std::time::Instant;

    /// `cargo test --release -p memscope-runtime --lib slack_of -- --nocapture` prints the times.
    #[test]
    #[expect(clippy::print_stdout, reason = "the times are what it is for")]
    fn the_slack_of_a_million_blocks_is_read_well_within_a_second() {
        for count in [100_000, 1_000_000u64] {
            // Of 10 to 209 bytes, in an order in which each page has blocks of many sizes.
            let blocks: Vec<Vec<u8>> = (0..count).map(|n| vec![1; 10 + (n * 7_919 % 200) as usize]).collect();
            let started = Instant::now();
            let said = of_heap(false);
            let elapsed = started.elapsed();
            println!("{count} blocks: {elapsed:?}, of which mallinfo2 {:?}", time_of_mallinfo());
            assert!(said.slack_blocks > count, "the blocks and their list");
            if cfg!(not(debug_assertions)) {
                assert!(elapsed.as_millis() < 500, "{elapsed:?}");
            }
            // Every other block free: as many holes as there may be, which is what takes mallinfo2 longest.
            let kept: Vec<Vec<u8>> = blocks.into_iter().step_by(2).collect();
            println!("{} blocks and holes: mallinfo2 {:?}", kept.len(), time_of_mallinfo());
        }
    }

    fn time_of_mallinfo() -> std::time::Duration {
        let started = Instant::now();
        std::hint::black_box(crate::glibc::heap());
        started.elapsed()
    }
}
