//! `sizes` and `lifetimes` where every block is recorded, over another allocator.

#[path = "../../tests/ranges/mod.rs"]
mod ranges;
#[path = "../../tests/ranges/scenario.rs"]
mod scenario;

#[global_allocator]
static ALLOC: memscope::Allocator<mimalloc::MiMalloc> = memscope::Allocator::new(mimalloc::MiMalloc);

#[test]
fn every_block_is_counted_by_its_size_and_its_lifetime() {
    scenario::every_block_is_counted();
}
