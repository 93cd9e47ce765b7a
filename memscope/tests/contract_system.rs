//! The hook's contract over the system's allocator itself, as most programs have it.

mod contract;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();

fn main() -> std::process::ExitCode {
    contract::run(contract::Below {
        counted: contract::Counted::No,
        warm_up: || contract::serve_once(&std::alloc::System),
        stack_bytes: 0,
    })
}
