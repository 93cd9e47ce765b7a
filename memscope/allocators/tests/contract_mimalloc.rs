//! The hook's contract over mimalloc, which puts two blocks of 8 bytes into 16.

#[path = "../../tests/contract/mod.rs"]
mod contract;

use contract::mock::{Counting, Mock};
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOC: memscope::Allocator<Counting<Mock<MiMalloc>>> =
    memscope::Allocator::new(Counting(Mock(MiMalloc)));

fn main() -> std::process::ExitCode {
    contract::run(contract::Below {
        counted: contract::Counted::Yes,
        warm_up: || contract::serve_once(&MiMalloc),
        stack_bytes: 0,
    })
}
