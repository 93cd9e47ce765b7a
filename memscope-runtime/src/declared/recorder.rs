//! What the recorder knows of a declared block.

use super::Declared;
use crate::thread_state::{self, Local};
use crate::watch::Watch;
use crate::{clock, follow, variable};

pub(super) fn current_node() -> u32 {
    variable::current_node()
}

pub(super) fn thread() -> Option<u32> {
    thread_state::with(Local::known_thread)
}

pub(super) fn watch(address: usize) -> u32 {
    let _own = thread_state::own_work();
    follow::block_at(address).map_or(0, Watch::id)
}

/// The declaration with what its watch has seen.
pub(super) fn measured(mut declared: Declared) -> Declared {
    if let (Some(watch), None) =
        (Watch::get(declared.watch).filter(|_| declared.watch != 0), declared.ended_ns)
    {
        declared.address = watch.address() as usize;
        declared.bytes = watch.last_bytes() as usize;
        declared.reallocations = watch.reallocations();
        declared.grown_bytes = watch.grown_bytes();
        // The coarse clock may say a moment before the declaration's finer one.
        let freed_ns = watch.freed_at().map(|(ms, _)| (clock::started_unix_ms() + ms) * 1_000_000);
        declared.ended_ns = freed_ns.map(|ns| ns.max(declared.declared_ns));
        declared.freed_by = watch.freed_at().map(|(_, thread)| thread).filter(|&thread| thread != 0);
    }
    declared
}

pub(super) fn unwatch(declared: &mut Declared) {
    if let Some(watch) = Watch::get(declared.watch).filter(|_| declared.watch != 0) {
        follow::let_go(watch);
    }
    declared.watch = 0;
}
