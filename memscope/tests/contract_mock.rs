//! The hook's contract over the system's allocator, of whose spacing nothing is assumed.

mod contract;

use contract::mock::{Counting, Mock};
use std::alloc::System;

#[global_allocator]
static ALLOC: memscope::Allocator<Counting<Mock<System>>> = memscope::Allocator::new(Counting(Mock(System)));

fn main() -> std::process::ExitCode {
    contract::run(contract::Below {
        counted: contract::Counted::Yes,
        warm_up: || contract::serve_once(&System),
        stack_bytes: 0,
    })
}
