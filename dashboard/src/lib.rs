//! memscope's dashboard: a [`Snapshot`](memscope_runtime::snapshot::Snapshot) as one HTML file that opens from
//! disk, and as text.
//!
//! ```text
//! snapshot → view (plain data, each number with its origin) → render (Handlebars) → one HTML file
//!          → show (feature `cli`)                                                 → text for a terminal
//! ```
//!
//! Absent: no panel computes a finding, reads a file or the clock; nothing is shown that the snapshot does not
//! hold, and what it does not hold reads "not measured".

#[cfg(feature = "cli")]
pub mod cli;
pub mod figure;
pub mod island;
pub mod live;
pub mod packed;
pub mod partials;
pub mod render;
pub mod script;
#[cfg(feature = "cli")]
pub mod show;
pub mod text;
pub mod units;
pub mod view;

pub use render::{RenderError, render};
