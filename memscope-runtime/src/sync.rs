//! The atomics of the lock-free files (`slot.rs`, …), from one place, so that the model checker of
//! `memscope-runtime/loom` can put its own here.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
