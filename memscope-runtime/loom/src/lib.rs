//! The recorder's lock-free files under the model checker loom, which runs a test under every order in which
//! its threads' steps and their effects can be seen.
//!
//! ```text
//! cargo test --release --manifest-path memscope-runtime/loom/Cargo.toml
//! ```
//!
//! No `--cfg loom` is needed: `slot.rs` takes its atomics from `crate::sync`, and here that is loom's. Each
//! test says what would break it.

#![cfg(test)]

#[path = "../../src/free_list.rs"]
mod free_list;
#[allow(dead_code, reason = "what it offers to others is not all driven here")]
#[path = "../../src/publish.rs"]
mod publish;
#[path = "../../src/sight.rs"]
mod sight;
#[path = "../../src/slot.rs"]
mod slot;
mod sync;
#[path = "../../src/tenure.rs"]
mod tenure;

mod block;
mod free_numbers;
mod moves;
mod publications;
mod readers;
mod renames;
mod sights;
mod tenures;
