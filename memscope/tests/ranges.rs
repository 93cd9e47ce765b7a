//! `sizes` and `lifetimes` where every block is recorded.

#![cfg(feature = "live")]

#[path = "ranges/mod.rs"]
mod ranges;
#[path = "ranges/scenario.rs"]
mod scenario;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

#[test]
fn every_block_is_counted_by_its_size_and_its_lifetime() {
    scenario::every_block_is_counted();
}
