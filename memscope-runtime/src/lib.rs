//! What memscope links into a program: the recorder, the model of what was recorded, and the file that holds it.
//!
//! Users name the crate `memscope`; this one is its inner half. Without the feature `live` only the model
//! ([`snapshot`]) and the file format ([`format`]) remain, which is what the dashboard reads.

pub mod format;
pub mod snapshot;
