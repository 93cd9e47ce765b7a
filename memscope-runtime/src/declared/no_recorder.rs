//! Without a recorder there is nothing to know.

use super::Declared;

pub(super) fn current_node() -> u32 {
    0
}

pub(super) fn thread() -> Option<u32> {
    None
}

pub(super) fn watch(_address: usize) -> u32 {
    0
}

pub(super) fn measured(declared: Declared) -> Declared {
    declared
}

pub(super) fn unwatch(_declared: &mut Declared) {}
