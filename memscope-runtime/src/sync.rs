//! The atomics of the lock-free files (`slot.rs`, `publish.rs`, `tenure.rs`, `sight.rs`, `free_list.rs`), from one place, so that the model checker
//! of `memscope-runtime/loom` can put its own here.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
