//! Every row of the checklist that one program can show, by its headings; `rows.rs` has the list.
//!
//! The tests run beside each other in one process, so each row's functions have names of their own, by which their
//! scopes are found.

mod asynchronous;
mod hygiene;
mod lints;
mod returns;
mod rows;
mod signatures;
mod strain;
mod variables;

#[global_allocator]
static ALLOC: memscope::Allocator = memscope::Allocator::system();
