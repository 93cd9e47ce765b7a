//! The hook's contract over jemalloc, which puts two blocks of 8 bytes into 16.

#[path = "../../tests/contract/mod.rs"]
mod contract;

use contract::mock::{Counting, Mock};
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOC: memscope::Allocator<Counting<Mock<Jemalloc>>> =
    memscope::Allocator::new(Counting(Mock(Jemalloc)));

fn main() -> std::process::ExitCode {
    contract::run(contract::Below {
        counted: contract::Counted::Yes,
        warm_up: || contract::serve_once(&Jemalloc),
        stack_bytes: 64 << 10,
    })
}
