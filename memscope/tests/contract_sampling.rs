//! The hook's contract where blocks are sampled, with every block in the sample, so that the books are exact.
//!
//! What is counted is what the program asks of memscope, for memscope asks the allocator below for places of its own.
//! That one insists on the layouts that it is told.

mod contract;

use contract::mock::{Counting, Mock, Strict};
use memscope::{Allocator, Mode};
use std::alloc::System;

#[global_allocator]
static ALLOC: Counting<Allocator<Mock<Strict<System>>>> =
    Counting(Allocator::new(Mock(Strict(System))).mode(Mode::Sampling { mean_bytes: 0 }));

fn main() -> std::process::ExitCode {
    contract::run(contract::Below {
        counted: contract::Counted::Yes,
        warm_up: || contract::serve_once(&System),
        stack_bytes: 0,
    })
}
